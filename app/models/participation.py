"""What people do around an asset: needs, comments, thanks, proposals, pledges, updates, flags."""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import lifecycles
from app.db import Base
from app.models.assets import Asset
from app.models.columns import CreatedAt, Id, Uid, Version
from app.models.people import Person, one_of

FLAG_REASONS = ("unlawful", "unsafe", "personal-details", "not-true", "not-local", "spam", "other")


class Need(Base):
    """What an asset asks for, how much of it, and how much is met. A blocking one has a date to report back."""

    __tablename__ = "need"
    __table_args__ = (
        one_of("kind", lifecycles.NEED_KINDS),
        one_of("state", lifecycles.states("need")),
        CheckConstraint("quantity >= 1 AND quantity <= 100000", name="quantity"),
        CheckConstraint("met >= 0 AND met <= quantity", name="met"),
        CheckConstraint("NOT blocking OR report_back_on IS NOT NULL", name="blocking"),
        Index("ix_need_asset_id", "asset_id", "id"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(160))
    text: Mapped[str] = mapped_column(Text, server_default="", default="")
    quantity: Mapped[int] = mapped_column(server_default="1", default=1)
    met: Mapped[int] = mapped_column(server_default="0", default=0)
    state: Mapped[str] = mapped_column(String(10), server_default="open", default="open")
    blocking: Mapped[bool] = mapped_column(server_default=false(), default=False)
    report_back_on: Mapped[date | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    asset: Mapped[Asset] = relationship(lazy="raise")


class Comment(Base):
    """A contribution to the discussion of an asset, or a reply to one."""

    __tablename__ = "comment"
    __table_args__ = (
        one_of("state", lifecycles.states("comment")),
        one_of("via", lifecycles.VIA),
        Index("ix_comment_asset_id", "asset_id", "id"),
        Index("ix_comment_out_of_sight", "id", postgresql_where=text("state IN ('hidden', 'pending')")),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    reply_to_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"), index=True)
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    text: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(10), server_default="published", default="published")
    via: Mapped[str] = mapped_column(String(10), server_default="web", default="web")
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    asset: Mapped[Asset] = relationship(lazy="raise")
    author: Mapped[Person | None] = relationship(lazy="raise")
    reply_to: Mapped["Comment | None"] = relationship(lazy="raise", remote_side="Comment.id")


class Appreciation(Base):
    """One person's thanks to one asset."""

    __tablename__ = "appreciation"
    __table_args__ = (Index(None, "person_id"),)

    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    created_at: Mapped[CreatedAt]


class Proposal(Base):
    """An action that somebody offers to take for an asset. `pledged` counts its open pledges, kept by a trigger."""

    __tablename__ = "proposal"
    __table_args__ = (
        one_of("state", lifecycles.states("proposal")),
        CheckConstraint("places IS NULL OR (places >= 1 AND places <= 10000)", name="places_range"),
        CheckConstraint("places IS NULL OR pledged <= places", name="places"),
        CheckConstraint("pledged >= 0", name="pledged"),
        Index("ix_proposal_asset_id", "asset_id", "id"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    proposer_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    title: Mapped[str] = mapped_column(String(160))
    text: Mapped[str] = mapped_column(Text, server_default="", default="")
    places: Mapped[int | None]
    pledged: Mapped[int] = mapped_column(server_default="0", default=0)
    happens_on: Mapped[date | None]
    state: Mapped[str] = mapped_column(String(10), server_default="proposed", default="proposed")
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    asset: Mapped[Asset] = relationship(lazy="raise")
    proposer: Mapped[Person | None] = relationship(lazy="raise")


class Pledge(Base):
    """A person's promise of time to a proposal. Hours are kept to a quarter."""

    __tablename__ = "pledge"
    __table_args__ = (
        one_of("state", lifecycles.states("pledge")),
        CheckConstraint("hours_promised > 0 AND hours_promised <= 1000", name="hours_promised"),
        CheckConstraint("hours_given IS NULL OR (hours_given >= 0 AND hours_given <= 1000)", name="hours_given"),
        CheckConstraint("(state = 'fulfilled') = (hours_given IS NOT NULL)", name="given_when_fulfilled"),
        Index("ix_pledge_proposal_id", "proposal_id", "id"),
        Index(
            "uq_pledge_open_per_person", "proposal_id", "person_id", unique=True,
            postgresql_where=text("state IN ('pledged', 'confirmed')"),
        ),
    )  # fmt: skip

    id: Mapped[Id]
    uid: Mapped[Uid]
    proposal_id: Mapped[int] = mapped_column(ForeignKey("proposal.id", ondelete="CASCADE"))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"), index=True)
    hours_promised: Mapped[Decimal] = mapped_column(Numeric(6, 2))
    hours_given: Mapped[Decimal | None] = mapped_column(Numeric(6, 2))
    message: Mapped[str] = mapped_column(Text, server_default="", default="")
    state: Mapped[str] = mapped_column(String(10), server_default="pledged", default="pledged")
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    proposal: Mapped[Proposal] = relationship(lazy="raise")
    person: Mapped[Person | None] = relationship(lazy="raise")


class Update(Base):
    """The organiser's report back to everybody who follows an asset."""

    __tablename__ = "update"
    __table_args__ = (Index("ix_update_asset_id", "asset_id", "id"),)

    id: Mapped[Id]
    uid: Mapped[Uid]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    author_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    text: Mapped[str] = mapped_column(Text)
    version: Mapped[Version]
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]
    asset: Mapped[Asset] = relationship(lazy="raise")
    author: Mapped[Person | None] = relationship(lazy="raise")


class Flag(Base):
    """A complaint about an asset or about one comment on it."""

    __tablename__ = "flag"
    __table_args__ = (
        one_of("state", lifecycles.states("flag")),
        one_of("reason", FLAG_REASONS),
        UniqueConstraint(
            "asset_id", "comment_id", "person_id", name="uq_flag_once", postgresql_nulls_not_distinct=True
        ),
        Index("ix_flag_open", "id", postgresql_where=text("state = 'open'")),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    asset_id: Mapped[int] = mapped_column(ForeignKey("asset.id", ondelete="CASCADE"))
    comment_id: Mapped[int | None] = mapped_column(ForeignKey("comment.id", ondelete="CASCADE"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str] = mapped_column(String(20))
    text: Mapped[str] = mapped_column(Text, server_default="", default="")
    state: Mapped[str] = mapped_column(String(10), server_default="open", default="open")
    created_at: Mapped[CreatedAt]
    decided_at: Mapped[datetime | None]
    asset: Mapped[Asset] = relationship(lazy="raise")
    comment: Mapped[Comment | None] = relationship(lazy="raise")
