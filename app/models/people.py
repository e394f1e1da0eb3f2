"""Who takes part: persons, the areas they are officers of, sessions, API keys, communities."""

import uuid
from datetime import date, datetime

from sqlalchemy import ARRAY, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import lifecycles
from app.db import Base
from app.models.columns import CreatedAt, Id, Instant, Uid


def one_of(column: str, values: tuple[str, ...]) -> CheckConstraint:
    """A named check that a text column holds one of these words."""
    words = ", ".join(f"'{v}'" for v in values)
    return CheckConstraint(f"{column} IN ({words})", name=column)


class Person(Base):
    """An account. Its e-mail, if it has one, lives in the vault."""

    __tablename__ = "person"
    __table_args__ = (
        one_of("role", lifecycles.ROLES),
        CheckConstraint("state IN ('active', 'suspended', 'erased')", name="state"),
        one_of("via", lifecycles.VIA),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    name: Mapped[str] = mapped_column(String(80))
    role: Mapped[str] = mapped_column(String(20), server_default="resident", default="resident")
    state: Mapped[str] = mapped_column(String(20), server_default="active", default="active")
    about: Mapped[str] = mapped_column(Text, server_default="", default="")
    via: Mapped[str] = mapped_column(String(10), server_default="web", default="web")
    recorded_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    consent: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[CreatedAt]


class OfficerArea(Base):
    """A person holds an office for an area and everything inside it: an officer acts there, a councillor reads."""

    __tablename__ = "officer_area"
    __table_args__ = (one_of("role", lifecycles.OFFICES),)

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("area.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(10), server_default="officer", default="officer")
    created_at: Mapped[CreatedAt]


class Session(Base):
    """A signed-in browser; only a keyed hash of its token is kept."""

    __tablename__ = "session"

    id: Mapped[Id]
    token_hash: Mapped[bytes] = mapped_column(LargeBinary, unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    created_at: Mapped[CreatedAt]
    seen_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    revoked_at: Mapped[datetime | None]


class ApiKey(Base):
    """A key of a person for an application; shown once, kept as a keyed hash, found by its prefix."""

    __tablename__ = "api_key"

    id: Mapped[Id]
    uid: Mapped[Uid]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    name: Mapped[str] = mapped_column(String(80))
    prefix: Mapped[str] = mapped_column(String(16), unique=True)
    token_hash: Mapped[bytes] = mapped_column(LargeBinary)
    scopes: Mapped[list[str]] = mapped_column(ARRAY(String(20)))
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime | None]
    revoked_at: Mapped[datetime | None]
    used_on: Mapped[date | None]


class Community(Base):
    """A set of members with stewards; it may own assets and be the audience of some."""

    __tablename__ = "community"

    id: Mapped[Id]
    uid: Mapped[Uid]
    name: Mapped[str] = mapped_column(String(120))
    summary: Mapped[str] = mapped_column(Text, server_default="", default="")
    created_at: Mapped[CreatedAt]
    members: Mapped[list["Membership"]] = relationship(lazy="raise")


class Membership(Base):
    """A person belongs to a community, as a member or as a steward who speaks for it."""

    __tablename__ = "membership"
    __table_args__ = (CheckConstraint("role IN ('member', 'steward')", name="role"), Index(None, "person_id"))

    community_id: Mapped[int] = mapped_column(ForeignKey("community.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True)
    role: Mapped[str] = mapped_column(String(10), server_default="member", default="member")
    created_at: Mapped[CreatedAt]


class VaultSignIn(Base):
    """An asked-for sign-in. The writing role may insert rows and see none."""

    __tablename__ = "sign_in"
    __table_args__ = {"schema": "vault"}

    uid: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    email: Mapped[str] = mapped_column(String(254))
    browser_hash: Mapped[bytes] = mapped_column(LargeBinary)
    tries: Mapped[int] = mapped_column(server_default="0", default=0)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]
    used_at: Mapped[datetime | None]


class VaultContact(Base):
    """A way to reach a person. The writing role may insert rows and see none."""

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint("kind IN ('email', 'phone', 'post')", name="kind"),
        Index("uq_contact_email", text("lower(value)"), unique=True, postgresql_where=text("kind = 'email'")),
        Index("ix_contact_person_uid", "person_uid"),
        {"schema": "vault"},
    )

    uid: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    person_uid: Mapped[uuid.UUID]
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(254))
    created_at: Mapped[CreatedAt]
