"""How many assets match: by the pyramid of the map where it knows, by the rows up to a bound where it does not."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from sqlalchemy import ColumnElement, func, literal, not_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, rules
from app.auth import VISITOR, Actor
from app.geo import cells, pyramid
from app.models import Asset
from app.search.filters import AssetFilter, Box, select_assets
from app.wire import MAX_LATITUDE

#: More than so many are not counted unless somebody asks for the exact number.
COUNT_BOUND = 10_000
#: A box is looked up in the pyramid as so many cells to a side at most.
SIDE = 8


@dataclass(frozen=True)
class Around:
    """What the pyramid says of a box: assets in the cells that it touches; of them those of the kinds and themes asked
    for. Never less than what is in the box and on the map."""

    here: int
    matching: int


async def around(session: AsyncSession, box: Box, wanted: AssetFilter) -> Around:
    """How many assets are on the map about this box; a few milliseconds whatever its size."""
    level = _level(box)
    asked = {
        "level": level, "shift": cells.shift(level), "cells": touched(box, level),
        "kinds": list(wanted.kinds) or None, "themes": list(wanted.themes) or None,
    }  # fmt: skip
    return Around(*(await session.execute(db.sql("count_cells"), asked)).one())


def touched(box: Box, level: int, most: int | None = None) -> list[int]:
    """The cells of a level that the box touches; none at all where they are more than `most`."""
    bits = cells.WORLD_BITS - level
    left, right, top, bottom = (edge >> bits for edge in _edges(box))
    wide = min(right - left + 1, 1 << level)
    if most is not None and wide * (bottom - top + 1) > most:
        return []
    across = [(left + step) % (1 << level) for step in range(wide)]
    return [cells.morton(x, y) for x in across for y in range(top, bottom + 1)]


def _edges(box: Box) -> tuple[int, int, int, int]:
    """Left, right, top and bottom in the world; right lies a world further where the box crosses the antimeridian."""
    west, south, east, north = box
    left, bottom = cells.world(west, max(-MAX_LATITUDE, min(MAX_LATITUDE, south)))
    right, top = cells.world(east, max(-MAX_LATITUDE, min(MAX_LATITUDE, north)))
    return left, right if west <= east else right + cells.WORLD, top, bottom


def _level(box: Box) -> int:
    """The finest level of the pyramid at which the box touches at most SIDE + 1 cells each way."""
    left, right, top, bottom = _edges(box)
    span = max(right - left, bottom - top, 1)
    return max(cells.LEVELS[0], min(cells.LEVELS[-1], math.floor(math.log2(cells.WORLD * SIDE / span))))


def of_the_map(wanted: AssetFilter) -> bool:
    """True when nothing but kinds and themes was asked for: the pyramid knows how many a visitor sees on the map."""
    return replace(wanted, kinds=(), themes=(), has=()) == AssetFilter() and set(wanted.has) <= {"location"}


def not_public() -> ColumnElement[bool]:
    """What a visitor may not see."""
    return not_(rules.visible(VISITOR))


async def matched(
    session: AsyncSession, actor: Actor, wanted: AssetFilter, also: Sequence[ColumnElement[bool]] = (), *, exact: bool
) -> int | None:
    """How many the actor finds in all; None for more than COUNT_BOUND where no exact count is asked for."""
    if of_the_map(wanted) and not also:
        return await _by_the_map(session, actor, wanted)
    asked = select_assets(actor, wanted).where(*also)
    if exact:
        return int(await session.scalar(asked.with_only_columns(func.count(Asset.id))) or 0)
    some = asked.with_only_columns(literal(1)).limit(COUNT_BOUND + 1).subquery()
    counted = await session.scalar(select(func.count()).select_from(some)) or 0
    return counted if counted <= COUNT_BOUND else None


async def _by_the_map(session: AsyncSession, actor: Actor, wanted: AssetFilter) -> int:
    """What is on the map, by the pyramid; what is public and not on it; and what only this actor sees: one statement,
    so that what is hidden or moved meanwhile counts once."""
    parts = [pyramid.on_map(wanted.kinds, wanted.themes)]
    count = func.count(Asset.id)
    if not wanted.has:
        parts.append(select_assets(VISITOR, wanted, count).where(Asset.geom.is_(None)))
    if actor.signed_in or actor.kind == "system":
        parts.append(select_assets(actor, wanted, count).where(not_public()))
    total = select(sum((part.scalar_subquery() for part in parts), literal(0)))
    return int(await session.scalar(total) or 0)
