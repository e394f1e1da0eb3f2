"""The assets and needs behind a report, row by row, in the order of its wards: for files that a desk works on.

They are the same that the report counts: those on show, at the end of the day asked for. Each row of the database is
held only while it is handed on, so a country takes no more memory than a ward. The session must be one transaction
(db.Engines.snapshot): then the rows agree with the report that it read before.
"""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.reports import asking, counting
from app.reports.asking import Question

#: Rows that come from the database together.
FETCHED = 1000


@dataclass(frozen=True, slots=True)
class AssetRow:
    """An asset where it counts. Dates are UTC; lon and lat those of its public anchor (EPSG:4326), easting and northing
    the same in whole metres of the British National Grid, None beyond it; all None for what lies nowhere."""

    ward_name: str
    ward_code: str
    kind: str
    title: str
    summary: str
    theme: str
    stage: str
    organiser: str
    website: str
    appreciations: int
    open_needs: int
    published_on: date | None
    starts_on: date | None
    ends_on: date | None
    easting: int | None
    northing: int | None
    lon: float | None
    lat: float | None
    uid: UUID


@dataclass(frozen=True, slots=True)
class NeedRow:
    """An open or met need where it counts. `met` and `quantity` are today's; `unanswered`: no offer that could answer
    it reaches its place."""

    need: UUID
    title: str
    kind: str
    state: str
    quantity: int
    met: int
    blocking: bool
    report_back_on: date | None
    asset: UUID
    asset_title: str
    ward_code: str
    ward_name: str
    unanswered: bool


async def rows(session: AsyncSession, asked: Question) -> AsyncIterator[AssetRow]:
    """Each asset of the report once: wards in the order of the report, then what is area-wide, then what lies in none.

    Raises Invalid as the report does.
    """
    async with aclosing(_each(session, "report_assets", asked)) as found:
        async for row in found:
            yield AssetRow(*row)


async def needs(session: AsyncSession, asked: Question) -> AsyncIterator[NeedRow]:
    """Each need of these assets that is open or met, in the same order. Raises Invalid as the report does."""
    async with aclosing(_each(session, "report_needs", asked)) as found:
        async for row in found:
            yield NeedRow(*row)


async def _each(session: AsyncSession, name: str, asked: Question) -> AsyncGenerator[Any, None]:
    asking.check(asked)
    ground = await asking.ground(session, asked)
    statement = db.sql(name).columns().add_cte(*counting.parts(asked, ground))
    await session.execute(text("SET LOCAL statement_timeout = 0"))  # a country takes minutes
    values = counting.values(asked, ground) | {"level": asked.level}
    found = await session.stream(statement, values, execution_options={"yield_per": FETCHED})
    try:
        async for row in found:
            yield row
    finally:
        await found.close()  # also where whoever reads has stopped
