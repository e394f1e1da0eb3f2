"""The pyramid of counts behind the map: fold the change log into it, count with it, check it, build it again.

Writers only append to map_change (triggers do it); one folder at a time moves those rows into map_cell. Whoever reads
sums both in one statement, so a count is exact at every moment, folded or not.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Select, Subquery, Text, cast, column, func, select, text, true
from sqlalchemy.ext.asyncio import AsyncSession

from app import db

#: Advisory lock of the folder, held to the end of its transaction.
LOCK = 0x6D6170
#: Rows of the log taken by one statement: a large import is folded in one or two, so that a count is written once.
BATCH = 1_000_000
#: For sorting and adding up millions of rows; what goes beyond it goes to disk.
MEMORY = "64MB"


@dataclass(frozen=True)
class LevelCheck:
    """What a recount of one level found: assets counted, and keys that differ from them (0: the level is right)."""

    level: int
    counted: int
    drift: int


async def fold(session: AsyncSession) -> int:
    """Move the change log, as far as this transaction sees it, into the pyramid; return how many rows it had.

    Exact for every reader before, during and after: log and pyramid change in the one commit. Never waits: while
    another transaction folds it does nothing, for the log is as good as the pyramid. An import calls it last, for its
    own rows.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    await _take_time(session)
    moved, taken = 0, BATCH
    while taken == BATCH:
        batch = (await session.execute(db.sql("fold_map"), {"most": BATCH})).one()
        taken = batch.taken
        moved += taken
        if batch.levels:
            empty = {"levels": batch.levels, "cells": batch.cells, "kinds": batch.kinds, "themes": batch.themes}
            await session.execute(db.sql("drop_empty_cells"), empty)
    return moved


def of_kinds() -> Subquery:
    """How many assets (`n`) of each `kind` and `theme` a visitor sees on the map, for a statement. Exact and cheap."""
    found = db.sql("count_kinds").columns(column("kind", Text), column("theme", Text), column("n", BigInteger))
    return found.subquery("on_the_map")


def on_map(kinds: Collection[str] = (), themes: Collection[str] = ()) -> Select[Any]:
    """How many assets a visitor sees on the map, of these kinds and themes (none named: all), as a statement."""
    each = of_kinds()
    named = [each.c[name].in_(values) for name, values in (("kind", kinds), ("theme", themes)) if values]
    return select(cast(func.coalesce(func.sum(each.c.n), 0), BigInteger)).where(*named)


async def count_on_map(session: AsyncSession, kinds: Collection[str] = (), themes: Collection[str] = ()) -> int:
    """How many assets a visitor sees on the map, of these kinds and themes (none named: all). Exact and cheap."""
    return int(await session.scalar(on_map(kinds, themes)) or 0)


async def verify(session: AsyncSession) -> list[LevelCheck]:
    """Count every asset again and compare each level of the pyramid with it, in one snapshot. Minutes for millions."""
    await _take_time(session)
    rows = await session.execute(db.sql("verify_map"))
    return [LevelCheck(row.level, row.counted, row.drift) for row in rows]


async def rebuild(session: AsyncSession) -> None:
    """Make the pyramid again from the assets. Writers and readers go on meanwhile; only the folder waits."""
    await _take_time(session)
    await session.execute(text("SET LOCAL lock_timeout = 0"))
    await session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    await session.execute(db.sql("rebuild_map"))


async def _take_time(session: AsyncSession) -> None:
    until_it_ends = true()
    await session.execute(
        select(
            func.set_config("statement_timeout", "0", until_it_ends), func.set_config("work_mem", MEMORY, until_it_ends)
        )
    )
