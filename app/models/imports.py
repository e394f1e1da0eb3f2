"""What was brought in by file: the sources, each import of one, and the rows of it that somebody may want to see."""

import uuid
from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, LargeBinary, String, Text, false, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app import lifecycles
from app.db import Base
from app.models.columns import CreatedAt, Id, Uid
from app.models.people import one_of

#: Rows of a file by what became of them; `rows_read` is their sum. Retired assets are no rows of the file.
ACCOUNT = "rows_read = created + updated + already_there + conflicts + unplaced + rejected"


class Source(Base):
    """A list that somebody keeps and publishes again and again; what was said of it once need not be said again."""

    __tablename__ = "source"

    id: Mapped[Id]
    uid: Mapped[Uid]
    name: Mapped[str] = mapped_column(String(120), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    theme: Mapped[str] = mapped_column(String(20), server_default="other", default="other")
    key: Mapped[str | None] = mapped_column(Text)
    """The column that tells its rows apart; None: all that a row says does."""
    mapping: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}", default=dict)
    """field → column, as a person said it"""
    crs: Mapped[str | None] = mapped_column(String(20))
    layer: Mapped[str | None] = mapped_column(Text)
    area_id: Mapped[int | None] = mapped_column(ForeignKey("area.id"), index=True)
    """Whose officers may bring in its next release; None: operators only."""
    licence: Mapped[str | None] = mapped_column(String(80))
    attribution: Mapped[str | None] = mapped_column(String(400))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
    updated_at: Mapped[CreatedAt]


class ImportRun(Base):
    """One file brought in, or on its way: what it is, how it was understood, and what became of its rows."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint(ACCOUNT, name="account"),
        one_of("state", lifecycles.IMPORT_STATES),
        Index("ix_import_run_source_id", "source_id", "id"),
        Index("ix_import_run_created_by", "created_by", "id"),
    )

    id: Mapped[Id]
    uid: Mapped[Uid]
    source: Mapped[str] = mapped_column(String(120))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id"))
    """The source, from the moment something of it was brought in."""
    file_name: Mapped[str] = mapped_column(String(255))
    kind: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(12), server_default="done", default="done")
    said: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    """What a person said of the file; what is missing was guessed or remembered."""
    plan: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    """How it was understood, and what else the account says of it."""
    fault: Mapped[str | None] = mapped_column(Text)
    rows_read: Mapped[int]
    created: Mapped[int]
    updated: Mapped[int] = mapped_column(server_default="0", default=0)
    already_there: Mapped[int]
    conflicts: Mapped[int] = mapped_column(server_default="0", default=0)
    unplaced: Mapped[int] = mapped_column(server_default="0", default=0)
    rejected: Mapped[int]
    retired: Mapped[int] = mapped_column(server_default="0", default=0)
    file_uid: Mapped[uuid.UUID | None]
    job_uid: Mapped[uuid.UUID | None]
    created_by: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    created_at: Mapped[CreatedAt]
    ran_at: Mapped[datetime | None] = mapped_column(server_default=text("now()"))
    """When its assets were written; None: not yet."""
    undone_at: Mapped[datetime | None]


class ImportRow(Base):
    """A row of a file that a person may want to see, or an asset that an import left, changed or retired."""

    __tablename__ = "import_row"
    __table_args__ = (
        one_of("fate", lifecycles.ROW_FATES),
        CheckConstraint("NOT waits OR (fate = 'unplaced' AND source_id IS NOT NULL)", name="waits"),
        Index("ix_import_row_run_id", "run_id", "fate", "id"),
        # A row that waits for a person to place it; the next release looks for it here.
        Index("uq_import_row_waiting", "source_id", "fingerprint", unique=True, postgresql_where=text("waits")),
        Index("ix_import_row_ended_by", "ended_by", postgresql_where=text("ended_by IS NOT NULL")),
    )

    id: Mapped[Id]
    run_id: Mapped[int] = mapped_column(ForeignKey("import_run.id", ondelete="CASCADE"))
    line: Mapped[int | None] = mapped_column(BigInteger)
    fate: Mapped[str] = mapped_column(String(10))
    title: Mapped[str] = mapped_column(Text, server_default="", default="")
    reason: Mapped[str] = mapped_column(Text, server_default="", default="")
    asset_uid: Mapped[uuid.UUID | None]
    """No foreign key: the row tells of it after it has gone."""
    geom: Mapped[Any] = mapped_column(Geometry("POINT", 4326, spatial_index=False), nullable=True)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    """The asset's columns as they were, geometry as hexadecimal EWKB: what undoing sets back."""
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    source_id: Mapped[int | None] = mapped_column(ForeignKey("source.id"))
    fingerprint: Mapped[bytes | None] = mapped_column(LargeBinary)
    digest: Mapped[bytes | None] = mapped_column(LargeBinary)
    waits: Mapped[bool] = mapped_column(server_default=false(), default=False)
    ended_by: Mapped[int | None] = mapped_column(ForeignKey("import_run.id", ondelete="SET NULL"))
    """The later import that made its waiting needless."""
