"""Which area a place lies in."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.db import Engines
from app.errors import Busy
from app.geo import areas
from app.models import Area, Asset, AssetArea, BoundarySet, MapChange


def _square(west: float, south: float, size: float = 0.1) -> str:
    east, north = west + size, south + size
    ring = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
    return f"SRID=4326;MULTIPOLYGON((({ring})))"


async def _set(session: AsyncSession, name: str, level: str, squares: dict[str, str]) -> dict[str, int]:
    made = BoundarySet(level=level, name=name)
    session.add(made)
    await session.flush()
    rows = [Area(set_id=made.id, level=level, code=code, name=code, geom=geom) for code, geom in squares.items()]
    session.add_all(rows)
    await session.flush()
    return {row.code: row.id for row in rows}


async def _pin(session: AsyncSession, geom: str | None, area_id: int | None = None) -> int:
    asset = Asset(kind="place", title="A place", geom=geom, area_id=area_id)
    session.add(asset)
    await session.flush()
    return asset.id


async def _ward(session: AsyncSession, asset_id: int) -> str | None:
    return await session.scalar(select(Asset.ward).where(Asset.id == asset_id))


async def _areas(session: AsyncSession, asset_id: int) -> set[str]:
    codes = select(Area.code).join(AssetArea, AssetArea.area_id == Area.id).where(AssetArea.asset_id == asset_id)
    return set(await session.scalars(codes))


async def test_a_point_on_a_shared_edge_lies_in_the_lowest_code_of_each_set(session: AsyncSession) -> None:
    await _set(session, "wards", "ward", {"W2": _square(0, 0), "W1": _square(0.1, 0)})
    await _set(session, "boroughs", "borough", {"B1": _square(0, 0, 0.3)})
    edge = await _pin(session, "SRID=4326;POINT(0.1 0.05)")
    await areas.assign(session, [edge])
    assert await _areas(session, edge) == {"W1", "B1"}
    assert await _ward(session, edge) == "W1"


async def test_a_line_lies_where_its_anchor_lies_and_a_point_outside_in_no_ward(session: AsyncSession) -> None:
    await _set(session, "wards", "ward", {"W1": _square(0, 0), "W2": _square(0.1, 0)})
    line = await _pin(session, "SRID=4326;LINESTRING(0.02 0.05, 0.06 0.05, 0.11 0.05)")
    outside = await _pin(session, "SRID=4326;POINT(0.5 0.5)")
    await areas.assign(session)
    assert await _ward(session, line) == "W1"
    assert await _ward(session, outside) is None
    assert await _areas(session, outside) == set()


async def test_the_ward_is_the_current_sets_and_older_sets_keep_their_rows(session: AsyncSession) -> None:
    old = await _set(session, "wards of old", "ward", {"A": _square(0, 0)})
    await _set(session, "wards of today", "ward", {"N": _square(0, 0)})
    await session.execute(text("UPDATE area SET ended_at = now() WHERE id = :id"), {"id": old["A"]})
    pin = await _pin(session, "SRID=4326;POINT(0.05 0.05)")
    await areas.assign(session, [pin])
    assert await _areas(session, pin) == {"A", "N"}
    assert await _ward(session, pin) == "N"


async def test_an_asset_that_stands_for_a_whole_ward_belongs_to_it(session: AsyncSession) -> None:
    wards = await _set(session, "wards", "ward", {"W1": _square(0, 0)})
    boroughs = await _set(session, "boroughs", "borough", {"B1": _square(0, 0, 0.3)})
    for_ward, for_borough = await _pin(session, None, wards["W1"]), await _pin(session, None, boroughs["B1"])
    await areas.assign(session)
    assert await _ward(session, for_ward) == "W1"
    assert await _ward(session, for_borough) is None


async def test_a_moved_asset_changes_its_areas(session: AsyncSession) -> None:
    await _set(session, "wards", "ward", {"W1": _square(0, 0), "W2": _square(0.1, 0)})
    pin = await _pin(session, "SRID=4326;POINT(0.05 0.05)")
    await areas.assign(session, [pin])
    await session.execute(text("UPDATE asset SET geom = 'SRID=4326;POINT(0.15 0.05)' WHERE id = :id"), {"id": pin})
    await areas.assign(session, [pin])
    assert await _areas(session, pin) == {"W2"}
    assert await _ward(session, pin) == "W2"
    await session.execute(text("UPDATE asset SET geom = NULL WHERE id = :id"), {"id": pin})
    await areas.assign(session, [pin])
    assert await _areas(session, pin) == set()
    assert await _ward(session, pin) is None


async def test_assigning_again_writes_nothing(session: AsyncSession) -> None:
    await _set(session, "wards", "ward", {"W1": _square(0, 0)})
    pin = await _pin(session, "SRID=4326;POINT(0.05 0.05)")
    await areas.assign(session)
    rows = text("SELECT xmin, ctid::text, version, updated_at FROM asset WHERE id = :id")
    links = text("SELECT xmin, ctid::text FROM asset_area WHERE asset_id = :id")
    before = [(await session.execute(statement, {"id": pin})).all() for statement in (rows, links)]
    changes = await session.scalar(select(func.count()).select_from(MapChange))
    await areas.assign(session)
    assert [(await session.execute(statement, {"id": pin})).all() for statement in (rows, links)] == before
    assert await session.scalar(select(func.count()).select_from(MapChange)) == changes


async def test_writers_wait_while_boundaries_change_and_are_told_when_it_takes_long(engines: Engines) -> None:
    async with engines.transaction() as changing:
        await areas.hold(changing)
        async with engines.transaction() as writing:
            await writing.execute(text("SET LOCAL lock_timeout = '100ms'"))
            with pytest.raises(Busy, match="brought in just now"):
                await areas.assign(writing, [1])
            await writing.rollback()
    async with engines.transaction() as one, engines.transaction() as other:
        await areas.assign(one, [1])
        await areas.assign(other, [1])  # writers do not wait for each other


async def test_the_distance_is_in_metres_and_ignores_what_has_ended(session: AsyncSession) -> None:
    assert await areas.distance_m(session, 0, 0) is None
    made = await _set(session, "wards", "ward", {"W1": _square(0, 51), "W2": _square(2, 51)})
    assert await areas.distance_m(session, 0.05, 51.05) == 0
    metres = await areas.distance_m(session, -0.1, 51.05)
    assert metres is not None and 6990 < metres < 7020  # a tenth of a degree eastwards at 51.05° N
    await session.execute(text("UPDATE area SET ended_at = now() WHERE id = :id"), {"id": made["W1"]})
    farther = await areas.distance_m(session, -0.1, 51.05)
    assert farther is not None and farther > 140_000
