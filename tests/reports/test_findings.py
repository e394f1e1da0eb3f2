"""What a report points at by name: the right things, in its order, no more than it can show, and for everybody."""

from datetime import UTC, date, datetime
from typing import Any

import httpx
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import VISITOR
from app.db import Engines
from app.geo import areas as ground
from app.models import Area, Asset, Need
from app.reports import findings, tallies, wards
from app.reports.wards import Question, WardReport
from tests import factories
from tests.factories import BOROUGH, FAR, FAR_WARD, HERE, NORTH, NOWHERE, SOUTH, THERE

IN_SOUTH = (-0.1143, 51.43)


async def _pin(session: AsyncSession, title: str, at: tuple[float, float] | None = HERE, **given: Any) -> Asset:
    where = f"SRID=4326;POINT({at[0]} {at[1]})" if at else None
    row = Asset(title=title, geom=where, published_at=datetime.now(UTC), **({"kind": "project"} | given))
    session.add(row)
    await session.flush()
    await ground.assign(session, [row.id])
    return row


async def _wide(session: AsyncSession, title: str, code: str, **given: Any) -> Asset:
    area = await session.scalar(select(Area.id).where(Area.code == code))
    return await _pin(session, title, None, area_id=area, **given)


async def _read(session: AsyncSession, **asked: Any) -> WardReport:
    return await wards.read(session, VISITOR, Question(**asked))


def _offer(nature: str, reach_m: int) -> dict[str, Any]:
    return {"kind": "offer", "details": {"nature": nature, "reach_m": reach_m}}


async def test_a_need_is_a_gap_until_an_offer_that_could_answer_it_reaches_its_place(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    garden = await _pin(session, "Garden", IN_SOUTH)
    for kind, title in (("space", "A shed"), ("money", "A pound"), ("permission", "A licence"), ("people", "Hands")):
        session.add(Need(asset_id=garden.id, kind=kind, title=title, report_back_on=date(2026, 12, 1)))
    session.add(Need(asset_id=garden.id, kind="space", title="Closed", state="closed"))
    nowhere = await _pin(session, "Nowhere", None)
    session.add(Need(asset_id=nowhere.id, kind="space", title="Anywhere"))

    async def gaps() -> list[str]:
        report = await _read(session)
        found = report.findings.needs_without_offers
        assert report.totals.values["gap_needs_without_offers"] == len(found)
        assert all((one.ward_code, one.asset_title, one.asset) == (SOUTH, "Garden", garden.uid) for one in found)
        return [one.title for one in found]

    assert await gaps() == ["A shed", "A pound", "Hands"]
    near = await _pin(session, "A van", HERE, **_offer("thing", 9000))
    assert await gaps() == ["A shed", "A pound", "Hands"], "a thing answers neither"
    near.details = {"nature": "space", "reach_m": 3000}
    assert await gaps() == ["A shed", "A pound", "Hands"], "3.5 km away"
    near.details = {"nature": "space", "reach_m": 4000}
    assert await gaps() == ["A pound", "Hands"]
    near.stage = "ended"
    assert await gaps() == ["A shed", "A pound", "Hands"]
    await _pin(session, "Advice", IN_SOUTH, **_offer("advice", 1))
    assert await gaps() == ["A shed", "A pound"]


async def test_what_blocks_comes_with_its_day_and_what_is_met_or_hidden_does_not(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    days = {"late": date(2027, 1, 1), "soon": date(2026, 12, 1)}
    north, hidden = await _pin(session, "North"), await _pin(session, "Hidden", state="hidden")
    for title, day in days.items():
        session.add(Need(asset_id=north.id, kind="permission", title=title, blocking=True, report_back_on=day))
    for asset, state in ((north, "met"), (hidden, "open")):
        session.add(
            Need(asset_id=asset.id, kind="money", title="no", blocking=True, report_back_on=days["soon"], state=state,
                 met=1 if state == "met" else 0)
        )  # fmt: skip
    report = await _read(session)
    assert [(one.title, one.report_back_on, one.kind) for one in report.findings.blocking_needs] == [
        ("soon", days["soon"], "permission"), ("late", days["late"], "permission"),
    ]  # fmt: skip
    assert report.totals.values["blocking_needs"] == 2


async def test_themes_without_projects_and_unused_spaces_are_told_ward_by_ward(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    for theme, at in (("food", HERE), ("food", HERE), ("green", HERE), ("green", IN_SOUTH), ("sport", NOWHERE)):
        await _pin(session, "An idea", at, kind="idea", theme=theme)
    await _pin(session, "A project", HERE, theme="green")
    for use in ("unused", "partly-used", "in-use"):
        await _pin(session, use, IN_SOUTH, kind="place", details={"use": use})
    report = await _read(session)
    assert [(one.ward_code, one.theme, one.ideas) for one in report.findings.themes_without_projects] == [
        (NORTH, "food", 2), (SOUTH, "green", 1),
    ]  # fmt: skip
    assert [(one.ward_code, one.title, one.use) for one in report.findings.unused_spaces] == [
        (SOUTH, "unused", "unused")
    ]
    assert report.totals.values["gap_themes_without_projects"] == 2
    assert report.totals.values["gap_unused_spaces"] == 1
    by_borough = await _read(session, level="borough")
    assert [(one.ward_code, one.theme) for one in by_borough.findings.themes_without_projects] == [(BOROUGH, "food")]


async def test_a_strength_is_a_share_well_above_that_of_the_whole_map(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    for theme, at, count in (("food", HERE, 5), ("arts", HERE, 4), ("arts", THERE, 11), ("faith", IN_SOUTH, 4)):
        for _ in range(count):
            await _pin(session, theme, at, theme=theme)
    found = (await _read(session)).findings.strengths
    # NORTH: 5 of 9 are about food, on the map 5 of 24. FAR_WARD: all 11 about arts, on the map 15 of 24. 4 are too few.
    assert [(one.ward_code, one.theme, one.assets, one.times_average) for one in found] == [
        (NORTH, "food", 5, 2.7), (FAR_WARD, "arts", 11, 1.6),
    ]  # fmt: skip
    assert (await _read(session, areas=(NORTH,))).findings.strengths == found[:1], "the same when looked at alone"


async def test_what_stands_for_an_area_is_told_once_at_its_own_level(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    await _wide(session, "Food strategy", BOROUGH, kind="group")
    await _wide(session, "Far strategy", FAR)
    await _wide(session, "North forum", NORTH)

    async def told(**asked: Any) -> list[tuple[str, str, str]]:
        found = (await _read(session, **asked)).findings.area_wide
        return [(one.title, one.area_code, one.level) for one in found]

    ours, theirs = ("Food strategy", BOROUGH, "borough"), ("Far strategy", FAR, "borough")
    assert await told() == [ours, theirs]
    assert await told(areas=(BOROUGH,)) == [ours]
    assert await told(areas=(NORTH,)) == [ours], "a ward hears of what stands for its borough"
    assert await told(level="borough") == []
    report = await _read(session, areas=(NORTH,))
    assert report.totals.values["total_assets"] == 1, "and does not count it"


async def test_a_list_ends_where_nobody_reads_on_and_says_how_much_it_leaves_out(engines: Engines) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)
        for at, count in ((IN_SOUTH, 150), (HERE, 120), (NOWHERE, 3)):
            for n in range(count):
                session.add(
                    Asset(kind="place", title=f"Spot {n:03}", geom=f"SRID=4326;POINT({at[0]} {at[1]})",
                          details={"use": "unused"})
                )  # fmt: skip
        await session.flush()
        await ground.assign(session)
    for fold in (False, True):
        async with engines.transaction() as session:
            if fold:
                await tallies.fold(session)
        async with engines.snapshot() as session:
            found = (await _read(session)).findings
        assert len(found.unused_spaces) == findings.MOST == 200
        assert found.more["unused_spaces"] == 73
        assert found.more["needs_without_offers"] == found.more["strengths"] == 0
        assert [one.ward_code for one in found.unused_spaces] == [NORTH] * 120 + [SOUTH] * 80
        assert [one.title for one in found.unused_spaces[:2]] == ["Spot 000", "Spot 001"]


async def test_residents_make_a_density_and_wards_without_a_number_have_none(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    await session.execute(update(Area).where(Area.code == NORTH).values(population=1500))
    await session.execute(update(Area).where(Area.code == SOUTH).values(population=0))
    for at in (HERE, HERE, IN_SOUTH, THERE):
        await _pin(session, "A thing", at)
    report = await _read(session)
    assert [(line.population, line.values["assets_per_1000"]) for line in report.lines] == [
        (1500, 1.3), (0, None), (None, None), (None, None), (None, None),
    ]  # fmt: skip
    assert (report.totals.population, report.totals.values["assets_per_1000"]) == (1500, 1.3)
    assert not any("assets_per_1000" in line.suppressed for line in report.lines), "unknown, not held back"


async def test_the_api_tells_findings_periods_and_groups(engines: Engines, client: httpx.AsyncClient) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)
        place = await _pin(session, "A spot", kind="place", details={"use": "unused"})
        session.add(
            Need(asset_id=place.id, kind="money", title="A pound", blocking=True, report_back_on=date(2026, 12, 1))
        )
    answer = (await client.get(f"/api/v1/reports/wards?area={NORTH},{FAR_WARD}&since=2026-01-01&at=2026-01-31")).json()
    assert answer["since"] == "2026-01-01"
    assert (answer["before"]["from"], answer["before"]["to"]) == ("2025-12-01", "2025-12-31")
    assert list(answer["before"]["rows"]) == [NORTH, FAR_WARD]
    assert {column["group"] for column in answer["columns"]} == {
        "assets", "themes", "stages", "change", "needs", "offers", "gaps", "proposals", "pledges", "density",
    }  # fmt: skip
    now = (await client.get(f"/api/v1/reports/wards?area={NORTH}")).json()
    assert now["before"] is None
    need = {
        "title": "A pound", "kind": "money", "asset": str(place.uid), "asset_title": "A spot", "ward_code": NORTH,
        "report_back_on": "2026-12-01",
    }  # fmt: skip
    gaps = now["findings"]["needs_without_offers"]
    assert [{name: gap[name] for name in need} for gap in gaps] == [need]
    assert now["findings"]["blocking_needs"] == gaps
    assert now["findings"]["unused_spaces"] == [
        {"asset": str(place.uid), "title": "A spot", "ward_code": NORTH, "use": "unused"}
    ]
    refused = await client.get("/api/v1/reports/wards?area=" + ",".join(f"E{n}" for n in range(1001)))
    assert refused.status_code == 422
