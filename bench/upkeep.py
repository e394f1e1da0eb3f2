"""The map's upkeep at this size: folding the change log, counting everything again, building the pyramid anew."""

import asyncio
import time
from collections.abc import Awaitable
from typing import TypeVar

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.geo import pyramid
from app.settings import Settings
from bench import load
from bench.rows import Row
from bench.site import Site

T = TypeVar("T")
CHANGED = 10_000
#: Another theme for a hundred assets: as they change in life, a few in each statement.
_MOVED = text(
    "UPDATE asset SET theme = CASE theme WHEN 'other' THEN 'food' ELSE 'other' END WHERE id BETWEEN :first AND :last"
)


def of_the_map(site: Site) -> list[Row]:
    """Times, and that there was no drift before or after."""
    return asyncio.run(_measured(site))


async def _measured(site: Site) -> list[Row]:
    url = site.cluster.url("civic_write")
    engines = db.Engines.of(Settings(data=site.cluster.data, database_url=url, database_read_url=url))
    try:
        async with engines.transaction() as session:
            levels, checked = await _timed(pyramid.verify(session))
        moved, folded = await _folded(engines, min(CHANGED, site.size // 2))
        async with engines.transaction() as session:
            _, rebuilt = await _timed(pyramid.rebuild(session))
            again = await pyramid.verify(session)
    finally:
        await engines.dispose()
    if wrong := [level for level in (*levels, *again) if level.drift]:
        raise load.Failed(f"the pyramid is not right: {wrong}")
    counted = f"{levels[0].counted:,} assets on the map"
    return [
        Row("fold", f"{moved:,} rows of the log", "", folded, None, "s", True),
        Row("rebuild of the pyramid", counted, "writers go on meanwhile", rebuilt, None, "s", True),
        Row("verify", counted, "drift 0", checked, None, "s", True),
    ]


async def _folded(engines: db.Engines, count: int) -> tuple[int, float]:
    """Fold what so many changed assets left in the log, and take it all back: the country stays as it was made."""
    async with AsyncSession(engines.write) as session:
        for first in range(1, count + 1, 100):
            await session.execute(_MOVED, {"first": first, "last": first + 99})
        moved, took = await _timed(pyramid.fold(session))
        await session.rollback()
    if not moved:
        raise load.Failed("another folder was at work")
    return moved, took


async def _timed(work: Awaitable[T]) -> tuple[T, float]:
    began = time.perf_counter()
    found = await work
    return found, time.perf_counter() - began
