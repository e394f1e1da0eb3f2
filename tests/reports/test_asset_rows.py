"""The rows behind a report: the same things as it counts, in its order, with the coordinates of a British desk."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import VISITOR
from app.db import Engines
from app.errors import Invalid
from app.geo import areas as ground
from app.models import Area, Asset, Need, StateChange
from app.reports import asset_rows, wards
from app.reports.wards import Question
from tests import factories
from tests.factories import BOROUGH, HERE, NORTH, NOWHERE, SOUTH

#: The postcode CR4 1TL in Code-Point Open, with its easting and northing there.
IN_SOUTH, ON_THE_GRID = (-0.146465, 51.412788), (528998, 169826)


async def _settle(session: AsyncSession) -> None:
    """Three assets in NORTH and SOUTH, one on the sea, one where no British grid can be had, one nowhere, one for
    the whole borough, one that has ended."""
    await factories.draw_areas(session)
    borough = await session.scalar(select(Area.id).where(Area.code == BOROUGH))
    at: list[tuple[str, tuple[float, float] | None, dict[str, Any]]] = [
        ("south", IN_SOUTH, {}), ("north", HERE, {"kind": "place"}), ("also north", HERE, {}), ("sea", NOWHERE, {}),
        ("zenith", (88.0, 0.0), {}), ("nowhere", None, {}), ("borough", None, {"area_id": borough}),
        ("past", HERE, {"stage": "ended"}),
    ]  # fmt: skip
    for title, place, given in at:
        where = f"SRID=4326;POINT({place[0]} {place[1]})" if place else None
        words = {"kind": "project", "published_at": datetime(2026, 5, 1, 23, 30, tzinfo=UTC)} | given
        session.add(Asset(title=title, geom=where, **words))
    await session.flush()
    await ground.assign(session)
    north = await session.scalar(select(Asset.id).where(Asset.title == "north"))
    for state, met in (("open", 1), ("met", 2), ("closed", 0)):
        session.add(Need(asset_id=north, kind="people", title=state, state=state, met=met, quantity=2))


async def test_every_asset_that_is_counted_has_a_row_in_the_order_of_the_report(engines: Engines) -> None:
    async with engines.transaction() as session:
        await _settle(session)
    async with engines.snapshot() as session:
        report = await wards.read(session, VISITOR, Question())
        rows = [row async for row in asset_rows.rows(session, Question())]
    assert [(row.ward_code, row.ward_name, row.title) for row in rows] == [
        (NORTH, "North ward", "north"), (NORTH, "North ward", "also north"), (SOUTH, "South ward", "south"),
        ("", "Area-wide", "borough"), ("", "In no ward", "nowhere"), ("", "In no ward", "sea"),
        ("", "In no ward", "zenith"),
    ]  # fmt: skip
    assert len(rows) == report.totals.values["total_assets"]
    assert [row.open_needs for row in rows] == [1, 0, 0, 0, 0, 0, 0]
    north, south, sea = rows[0], rows[2], rows[5]
    assert (north.published_on, north.starts_on, north.ends_on) == (date(2026, 5, 1), None, None)
    assert (south.lon, south.lat) == IN_SOUTH
    assert south.easting is not None and south.northing is not None
    assert max(abs(south.easting - ON_THE_GRID[0]), abs(south.northing - ON_THE_GRID[1])) <= 3
    assert (sea.easting, sea.northing, sea.lon) == (None, None, 3.0)


async def test_open_and_met_needs_have_rows(engines: Engines) -> None:
    async with engines.transaction() as session:
        await _settle(session)
    async with engines.snapshot() as session:
        needs = [need async for need in asset_rows.needs(session, Question(areas=(NORTH,)))]
        assert [(need.state, need.met, need.ward_code, need.asset_title) for need in needs] == [
            ("open", 1, NORTH, "north"), ("met", 2, NORTH, "north"),
        ]  # fmt: skip
        assert [need.unanswered for need in needs] == [True, False]
        assert [need async for need in asset_rows.needs(session, Question(areas=(SOUTH,)))] == []


async def test_rows_of_an_unknown_area_are_refused(engines: Engines) -> None:
    async with engines.snapshot() as session:
        with pytest.raises(Invalid, match="no area with the code 'X'"):
            [row async for row in asset_rows.rows(session, Question(areas=("X",)))]


async def _hide_since(session: AsyncSession, then: datetime) -> None:
    """A disused place with a blocking need, and the same for the whole borough; both were hidden a moment ago."""
    await factories.draw_areas(session)
    borough = await session.scalar(select(Area.id).where(Area.code == BOROUGH))
    for title, given in (
        ("A slander", {"geom": f"SRID=4326;POINT({HERE[0]} {HERE[1]})"}),
        ("Wide", {"area_id": borough}),
    ):
        words = {
            "kind": "place",
            "details": {"use": "unused"},
            "published_at": then,
            "created_at": then,
            "state": "hidden",
        }
        row = Asset(title=title, **words | given)
        session.add(row)
        await session.flush()
        await ground.assign(session, [row.id])
        need = Need(asset_id=row.id, kind="people", title=title, blocking=True, report_back_on=date(2027, 1, 1))
        session.add(need)
        await session.flush()
        for thing, thing_id, state, at in (
            ("asset", row.id, "published", then), ("asset", row.id, "hidden", datetime.now(UTC)),
            ("need", need.id, "open", then),
        ):  # fmt: skip
            session.add(StateChange(thing=thing, thing_id=thing_id, to_state=state, at=at))
    await session.flush()


@pytest.mark.parametrize("areas", [(), (BOROUGH,), (NORTH,)])
async def test_what_was_hidden_since_is_counted_for_its_day_and_never_named(
    session: AsyncSession, areas: tuple[str, ...]
) -> None:
    then = datetime.now(UTC) - timedelta(days=30)
    await _hide_since(session, then)
    asked = Question(at=(then + timedelta(days=2)).date(), areas=areas)
    report = await wards.read(session, VISITOR, asked)
    count = 1 if areas == (NORTH,) else 2
    assert report.totals.values["places"] == report.totals.values["blocking_needs"] == count
    found = report.findings
    assert not (found.unused_spaces or found.blocking_needs or found.needs_without_offers or found.area_wide)
    assert (found.more["unused_spaces"], found.more["blocking_needs"]) == (count, count)
    assert [row async for row in asset_rows.rows(session, asked)] == []
    assert [row async for row in asset_rows.needs(session, asked)] == []
