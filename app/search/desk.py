"""What waits at the officer desk in the areas of whoever asks: flags, and what is hidden or not yet published.

`rules.within` says which assets are theirs; nothing here decides that again. Drafts are their author's alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, func, lateral, not_, null, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased, contains_eager, joinedload

from app import rules
from app.auth import Actor
from app.models import Asset, Comment, Flag, History, Person, StateChange
from app.search import filters
from app.wire import Cursor

OUT_OF_SIGHT = ("hidden", "pending")
#: The index of what is not public needs it said in these words.
_NOT_PUBLIC = not_(and_(Asset.state == "published", Asset.audience == "public"))
_THERE = Asset.state.notin_(("draft", "removed"))


def _theirs(actor: Actor, act: str, areas: Sequence[str] = ()) -> list[ColumnElement[bool]]:
    narrowed = [filters.in_areas(tuple(areas))] if areas else []
    return [rules.within(actor, act), *narrowed]


# ── flags ───────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Decision:
    """Who decided on a flag, when, and why; nobody's name where their account is gone."""

    at: datetime
    by: str | None
    why: str | None


async def flags(
    session: AsyncSession, actor: Actor, *, state: str, areas: Sequence[str], limit: int, cursor: str | None
) -> tuple[list[tuple[Flag, Decision | None]], str | None]:
    """Flags in this state, the oldest first: each with its asset and comment, and with its decision if there is one."""
    asked = select(Flag).join(Flag.asset).where(Flag.state == state, _THERE, *_theirs(actor, "desk.moderate", areas))
    if cursor:
        asked = asked.where(Flag.id > Cursor.decode(cursor, "desk-flags", int)[0])
    whole = contains_eager(Flag.asset).selectinload(Asset.in_areas), joinedload(Flag.comment)
    rows = list(await session.scalars(asked.options(*whole).order_by(Flag.id).limit(limit + 1)))
    following = Cursor.encode("desk-flags", rows[limit - 1].id) if len(rows) > limit else None
    decided = await _decisions(session, [row.id for row in rows[:limit]]) if state != "open" else {}
    return [(row, decided.get(row.id)) for row in rows[:limit]], following


async def _decisions(session: AsyncSession, ids: Sequence[int]) -> dict[int, Decision]:
    steps = select(StateChange.thing_id, StateChange.at, Person.name, StateChange.why)
    steps = steps.outerjoin(Person, and_(Person.id == StateChange.person_id, Person.state != "erased"))
    of_these = StateChange.thing == "flag", StateChange.thing_id.in_(ids), StateChange.from_state == "open"
    return {row[0]: Decision(*row[1:]) for row in await session.execute(steps.where(*of_these))}


# ── out of sight ────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class OutOfSight:
    """An asset, or a comment on it, that is hidden or waits: since when, who saw to it, and why."""

    asset: UUID
    title: str
    kind: str
    comment: UUID | None
    text: str | None
    state: str
    at: datetime
    by: str | None
    why: str | None


async def out_of_sight(
    session: AsyncSession, actor: Actor, *, comments: bool, state: str | None, areas: Sequence[str], limit: int,
    cursor: str | None,
) -> tuple[list[OutOfSight], str | None]:  # fmt: skip
    """What is hidden or waits for a moderator, the newest first. Needs a session that may read history.

    Whoever hid it is named, and what waits names its author.
    """
    states = (state,) if state else OUT_OF_SIGHT
    model: Any = Comment if comments else Asset
    author = Comment.author_id if comments else Asset.owner_id
    seen_to = lateral(_hid(model, "comment" if comments else "asset")).alias("hid")
    hidden, who = model.state == "hidden", aliased(Person)
    at = case((hidden, func.coalesce(seen_to.c.at, model.updated_at)), else_=model.created_at)
    by = case((hidden, seen_to.c.person_id), else_=author)
    said = (Comment.uid, Comment.text) if comments else (null(), null())
    columns = (Asset.uid, Asset.title, Asset.kind, *said, model.state, at, who.name, case((hidden, seen_to.c.why)))
    found = select(*columns, model.id).select_from(model)
    found = found.join(Asset, Asset.id == Comment.asset_id) if comments else found.where(_NOT_PUBLIC)
    found = found.outerjoin(seen_to, true()).outerjoin(who, and_(who.id == by, who.state != "erased"))
    found = found.where(_THERE, model.state.in_(states), *_theirs(actor, "desk.moderate", areas))
    sort = "desk-comments" if comments else "desk-assets"
    if cursor:
        found = found.where(model.id < Cursor.decode(cursor, sort, int)[0])
    rows = (await session.execute(found.order_by(model.id.desc()).limit(limit + 1))).all()
    following = Cursor.encode(sort, rows[limit - 1].id) if len(rows) > limit else None
    return [OutOfSight(*row[:-1]) for row in rows[:limit]], following


def _hid(model: Any, thing: str) -> Select[datetime, int | None, str | None]:
    last = select(History.at, History.person_id, History.why).order_by(History.id.desc()).limit(1)
    return last.where(History.thing == thing, History.thing_uid == model.uid, History.verb == "moderation.hide")


# ── counts ──────────────────────────────────────────────────────────────────────────────────


async def counts(session: AsyncSession, actor: Actor) -> dict[str, int]:
    """How much of each waits in the areas that the actor may read."""
    theirs = _theirs(actor, "desk.read")

    def assets(state: str) -> Select[Any]:
        return select(func.count()).select_from(Asset).where(_NOT_PUBLIC, Asset.state == state, *theirs)

    def comments(state: str) -> Select[Any]:
        on_them = select(func.count()).select_from(Comment).join(Asset, Asset.id == Comment.asset_id)
        return on_them.where(Comment.state == state, _THERE, *theirs)

    open_flags = select(func.count()).select_from(Flag).join(Asset, Asset.id == Flag.asset_id)
    each = {
        "flags_open": open_flags.where(Flag.state == "open", _THERE, *theirs),
        "hidden": assets("hidden"),
        "pending": assets("pending"),
        "hidden_comments": comments("hidden"),
        "pending_comments": comments("pending"),
    }
    row = (await session.execute(select(*(one.scalar_subquery().label(name) for name, one in each.items())))).one()
    return dict(row._mapping)
