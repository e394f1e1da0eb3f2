"""Coordinate reference systems against known points, worldwide: nothing on the map makes PostGIS refuse."""

from typing import Any

import pytest
from sqlalchemy import ColumnElement, column, func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import BadRequest
from app.geo import crs

#: The Ordnance Survey's own test point for OSTN15 in Blackpool: ETRS89 degrees, National Grid metres.
DEGREES, GRID = (-3.04045490691, 53.77911025760), (331534.564, 431920.794)
LATITUDES = [-85.05, -60.0, -30.0, 0.0, 30.0, 60.0, 85.05]


def _point(lon: float, lat: float) -> ColumnElement[Any]:
    """A point in a row, as in a table: of a constant the database would work out even what CASE leaves aside."""
    made = func.ST_SetSRID(func.ST_MakePoint(float(lon), float(lat)), 4326).label("geom")
    point: ColumnElement[Any] = select(made).offset(0).subquery().c.geom
    return point


async def _shown(session: AsyncSession, system: crs.Crs, lon: float, lat: float) -> str:
    return str(await session.scalar(select(system.geojson(_point(lon, lat)))))


async def _meets(session: AsyncSession, system: crs.Crs, box: tuple[float, float, float, float]) -> bool:
    return bool(await session.scalar(select(system.meets(_point(*DEGREES), box))))


async def test_the_national_grid_agrees_with_the_ordnance_survey_to_five_metres(session: AsyncSession) -> None:
    shown = await _shown(session, crs.BRITISH_GRID, *DEGREES)
    x, y = (float(part) for part in shown.partition("[")[2].rstrip("]}").split(","))
    assert (x, y) == pytest.approx(GRID, abs=5)


async def test_a_box_is_asked_in_its_own_system(session: AsyncSession) -> None:
    x, y = GRID
    assert await _meets(session, crs.BRITISH_GRID, (x - 5, y - 5, x + 5, y + 5))
    assert not await _meets(session, crs.BRITISH_GRID, (x + 5, y - 5, x + 15, y + 5))
    assert not await _meets(session, crs.BRITISH_GRID, (x - 5, y + 5, x + 5, y + 15))


@pytest.mark.parametrize("system", crs.ALL, ids=lambda system: system.title)
async def test_every_place_on_earth_can_be_asked_for_in_every_system(session: AsyncSession, system: crs.Crs) -> None:
    world = text(
        "SELECT ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS geom "
        "FROM generate_series(-180, 180, 20) AS lon, unnest(CAST(:latitudes AS float8[])) AS lat OFFSET 0"
    )
    geom: Any = world.bindparams(latitudes=LATITUDES).columns(column("geom")).subquery().c.geom
    rows = (await session.execute(select(system.geojson(geom), system.meets(geom, system.bounds)))).all()
    assert len(rows) == 19 * len(LATITUDES)
    assert not [row for row in rows if "Infinity" in row[0] or "crs" in row[0]]
    assert any(row[0] == "null" for row in rows) == (system is crs.BRITISH_GRID)
    assert all(row[1] for row in rows) == (system is not crs.BRITISH_GRID)


def test_a_box_in_a_flipped_system_comes_out_eastern_coordinate_first() -> None:
    assert crs.WGS84.box((51, -1, 52, 2)) == (-1, 51, 2, 52)
    assert crs.CRS84.box((-1, 51, 2, 52)) == (-1, 51, 2, 52)


def test_what_lies_outside_a_system_is_refused_with_its_limits_in_the_order_of_its_axes() -> None:
    with pytest.raises(BadRequest, match="first axis goes from -90 to 90, its second from -180 to 180"):
        crs.WGS84.box((51, -1, 91, 2))
    with pytest.raises(BadRequest, match="first axis goes from -180 to 180, its second from -90 to 90"):
        crs.CRS84.box((-1, 51, 2, float("nan")))


def test_an_unknown_name_is_refused() -> None:
    assert crs.named(crs.BRITISH_GRID.uri, "crs") is crs.BRITISH_GRID
    with pytest.raises(BadRequest, match=r"^crs knows no such"):
        crs.named("EPSG:27700", "crs")
