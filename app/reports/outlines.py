"""The outlines of a report's areas: whole, for files, and drawn small, for print."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.reports import maps


@dataclass(frozen=True)
class Outline:
    """One area as it is stored (EPSG:4326, longitude before latitude)."""

    id: int
    wkb: bytes
    geojson: str
    """RFC 7946: to a seventh of a degree's decimals, which is a centimetre, outer rings counterclockwise."""


async def read(session: AsyncSession, areas: Sequence[int]) -> AsyncIterator[Outline]:
    """These areas in this order, one at a time: some have a hundred thousand corners."""
    for area in areas:
        row = (await session.execute(db.sql("report_outline"), {"area": area})).one()
        yield Outline(area, bytes(row.wkb), row.geojson)


async def canvas(session: AsyncSession, areas: Sequence[int]) -> maps.Canvas:
    """What to print a map of these areas on; empty where there are none."""
    rows = (await session.execute(db.sql("report_canvas"), {"areas": list(areas)})).all()
    if not rows:
        return maps.EMPTY
    shapes = [maps.Shape(row.id, row.path, row.own, row.x, row.y) for row in rows]
    first = rows[0]
    return maps.Canvas(first.west, first.north, first.scale, first.height, first.latitude, shapes)
