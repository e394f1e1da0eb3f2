"""What somebody ordered and waits for, and the files that the service keeps for somebody for a while."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, SmallInteger, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app import lifecycles
from app.db import Base
from app.models.columns import CreatedAt, Id, Instant, Uid
from app.models.people import one_of


class File(Base):
    """A file that one person may fetch until it expires. Its bytes lie in pieces, so that any worker can serve it."""

    __tablename__ = "file"
    __table_args__ = (
        CheckConstraint("size >= 0", name="size"),
        Index(None, "person_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    name: Mapped[str] = mapped_column(String(255))
    media_type: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(BigInteger, server_default="0", default=0)
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[Instant]


class FilePart(Base):
    """A piece of a file: files.PIECE bytes, the last one fewer. Counted from 0 without a gap."""

    __tablename__ = "file_part"

    file_id: Mapped[int] = mapped_column(ForeignKey("file.id", ondelete="CASCADE"), primary_key=True)
    n: Mapped[int] = mapped_column(primary_key=True)
    data: Mapped[bytes] = mapped_column(LargeBinary)


class Job(Base):
    """What a person ordered, how far it is, and what came of it. Whoever works on it says so again and again."""

    __tablename__ = "job"
    __table_args__ = (
        one_of("what", lifecycles.JOBS),
        one_of("state", lifecycles.states("job")),
        CheckConstraint("(state IN ('done', 'failed', 'cancelled')) = (expires_at IS NOT NULL)", name="expires"),
        CheckConstraint("(state = 'failed') = (fault IS NOT NULL)", name="fault"),
        Index("ix_job_person_id", "person_id", "id"),
        Index(None, "file_id"),
        Index(None, "expires_at"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"))
    what: Mapped[str] = mapped_column(String(20))
    asked: Mapped[dict[str, Any]] = mapped_column(JSONB)
    state: Mapped[str] = mapped_column(String(10), server_default="waiting", default="waiting")
    tries: Mapped[int] = mapped_column(SmallInteger, server_default="0", default=0)
    """How often somebody began to work on it; what an earlier one still says is not heard."""
    progress: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    fault: Mapped[str | None] = mapped_column(Text)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("file.id", ondelete="SET NULL"))
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    seen_at: Mapped[datetime | None]
    """When whoever works on it was last heard of."""
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None]
    file: Mapped[File | None] = relationship(lazy="raise")
