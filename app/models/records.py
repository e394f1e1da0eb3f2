"""What the service remembers of itself: history, state changes, outbox, idempotency, limits, and the map's counts."""

import uuid
from datetime import datetime
from typing import Any

from geoalchemy2 import Geometry
from sqlalchemy import BigInteger, Index, LargeBinary, SmallInteger, String, Text, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Base
from app.models.columns import CreatedAt, Id, Instant


class History(Base):
    """Who did what to which thing, with the document before and after. Only ever appended to."""

    __tablename__ = "history"
    __table_args__ = (Index("ix_history_thing", "thing", "thing_uid", "id"),)

    id: Mapped[Id]
    at: Mapped[CreatedAt]
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    actor: Mapped[str] = mapped_column(String(120))
    verb: Mapped[str] = mapped_column(String(40))
    thing: Mapped[str] = mapped_column(String(20))
    thing_uid: Mapped[uuid.UUID | None]
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB(none_as_null=True))
    why: Mapped[str | None] = mapped_column(Text)


class StateChange(Base):
    """A thing's step from one state (or stage) to another, so that a report can ask for any date."""

    __tablename__ = "state_change"
    __table_args__ = (Index("ix_state_change_thing", "thing", "thing_id", "at"), Index(None, "at"))

    id: Mapped[Id]
    thing: Mapped[str] = mapped_column(String(20))
    thing_id: Mapped[int] = mapped_column(BigInteger)
    aspect: Mapped[str] = mapped_column(String(10), server_default="state", default="state")
    from_state: Mapped[str | None] = mapped_column(String(10))
    to_state: Mapped[str] = mapped_column(String(10))
    at: Mapped[CreatedAt]
    person_id: Mapped[int | None] = mapped_column(BigInteger)
    why: Mapped[str | None] = mapped_column(Text)


class Transition(Base):
    """The legal steps, as the database enforces them; the same as lifecycles.STEPS."""

    __tablename__ = "transition"

    thing: Mapped[str] = mapped_column(String(20), primary_key=True)
    from_state: Mapped[str] = mapped_column(String(10), primary_key=True)
    to_state: Mapped[str] = mapped_column(String(10), primary_key=True)


class Outbox(Base):
    """An event that happened, written with the change itself and handed on by the relay."""

    __tablename__ = "outbox"
    __table_args__ = (Index("ix_outbox_waiting", "id", postgresql_where=text("taken_at IS NULL")),)

    id: Mapped[Id]
    at: Mapped[CreatedAt]
    event: Mapped[str] = mapped_column(String(40))
    thing_uid: Mapped[uuid.UUID | None]
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}", default=dict)
    taken_at: Mapped[datetime | None]


class Idempotency(Base):
    """The answer to a creating request, kept for 24 hours so that a retry gets the same one."""

    __tablename__ = "idempotency"
    __table_args__ = (Index(None, "created_at"),)

    actor: Mapped[str] = mapped_column(String(60), primary_key=True)
    key: Mapped[str] = mapped_column(String(200), primary_key=True)
    fingerprint: Mapped[bytes] = mapped_column(LargeBinary)
    status: Mapped[int] = mapped_column(SmallInteger)
    headers: Mapped[dict[str, str]] = mapped_column(JSONB)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    created_at: Mapped[CreatedAt]


class RateCounter(Base):
    """How often something was done in a window of time; unlogged, shared by all workers."""

    __tablename__ = "rate_counter"
    __table_args__ = {"prefixes": ["UNLOGGED"]}

    bucket: Mapped[str] = mapped_column(String(120), primary_key=True)
    window_at: Mapped[Instant] = mapped_column(primary_key=True)
    count: Mapped[int] = mapped_column(server_default="0", default=0)


class MapChange(Base):
    """What changed in one zoom-22 cell and is not folded into map_cell yet. Only ever appended to by writers."""

    __tablename__ = "map_change"
    __table_args__ = (Index("ix_map_change_cell", "cell"),)

    id: Mapped[Id]
    cell: Mapped[int] = mapped_column(BigInteger)
    kind: Mapped[str] = mapped_column(String(20))
    theme: Mapped[str] = mapped_column(String(20))
    n: Mapped[int]
    sx: Mapped[int] = mapped_column(BigInteger)
    sy: Mapped[int] = mapped_column(BigInteger)


class MapCell(Base):
    """The pyramid: how many assets of a kind and theme lie in a cell of a level (3 to 16), and the sum of positions.

    Below zero, -3 to -16, are the same levels with all themes of a kind together, under the theme ''.

    Positions are integers in the square world of Web Mercator, 2**30 to a side, origin in the north-west.
    """

    __tablename__ = "map_cell"

    level: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    cell: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    theme: Mapped[str] = mapped_column(String(20), primary_key=True)
    n: Mapped[int]
    sx: Mapped[int] = mapped_column(BigInteger)
    sy: Mapped[int] = mapped_column(BigInteger)


class TallyChange(Base):
    """Which tally changed since it was counted. Only ever appended to by writers: `place` names it, or it is that of
    `asset_id`, wherever this asset is by then; `box`: those of the needs in it too, for an offer there changed."""

    __tablename__ = "tally_change"

    id: Mapped[Id]
    place: Mapped[str | None] = mapped_column(String(40))
    asset_id: Mapped[int | None] = mapped_column(BigInteger)
    box: Mapped[Any] = mapped_column(Geometry("GEOMETRY", 4326, spatial_index=False), nullable=True)


class Tally(Base):
    """What the ward report counts in one place (app/reports/tallies.py): figures, months, persons and ids."""

    __tablename__ = "tally"
    # Those that count persons: whether a ward shows them depends on all wards.
    __table_args__ = (Index("ix_tally_persons", "place", postgresql_where=text("(figures -> 2) <> '{}'::jsonb")),)

    place: Mapped[str] = mapped_column(String(40), primary_key=True)
    figures: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
