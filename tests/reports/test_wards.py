"""The ward report: what it counts, that it adds up, whom it does not give away, and how it is read."""

import csv
import io
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, search
from app.actions import areas, import_plan, imports
from app.auth import VISITOR, Actor
from app.db import Engines
from app.errors import Forbidden, Invalid
from app.geo import areas as ground
from app.models import Appreciation, Area, Asset, BoundarySet, Need, Pledge, Proposal, StateChange
from app.reports import figures, wards, writers
from app.reports.wards import Question, WardReport
from tests import factories
from tests.factories import BOROUGH, FAR, FAR_WARD, HERE, NORTH, NOWHERE, SOUTH, THERE

OPERATOR = Actor.system("test")
IN_SOUTH = (-0.1143, 51.43)
PERSONS = [figure.name for figure in figures.of_wards() if figure.counts_persons]


async def _read(session: AsyncSession, **asked: Any) -> WardReport:
    return await wards.read(session, VISITOR, Question(**asked))


async def _pin(
    session: AsyncSession, at: tuple[float, float] | None = HERE, kind: str = "project", **given: Any
) -> int:
    if at:
        given["geom"] = f"SRID=4326;POINT({at[0]} {at[1]})"
    given.setdefault("published_at", datetime.now(UTC))
    asset = Asset(kind=kind, title="A thing", **given)
    session.add(asset)
    await session.flush()
    await ground.assign(session, [asset.id])
    state = StateChange(thing="asset", thing_id=asset.id, to_state=given.get("state", "published"))
    state.at = given["published_at"]
    session.add(state)
    await session.flush()
    return asset.id


def _column(report: WardReport, name: str) -> dict[str, Any]:
    """Ward code, or the name of a row without one, → figure."""
    return {line.code or line.name: line.values[name] for line in report.lines}


async def _pledges(
    session: AsyncSession, asset_id: int, people: list[int], state: str = "pledged", hours: int = 2
) -> None:
    action = Proposal(asset_id=asset_id, title="Dig")
    session.add(action)
    await session.flush()
    given = Decimal(hours) if state == "fulfilled" else None
    for person in people:
        promise = Pledge(proposal_id=action.id, person_id=person, state=state, hours_promised=hours, hours_given=given)
        session.add(promise)
    await session.flush()


async def _people(session: AsyncSession, count: int) -> list[int]:
    return [(await factories.person(session, f"Person {n}")).id for n in range(count)]


# ── what is counted ─────────────────────────────────────────────────────────────────────────


async def test_each_asset_counts_once_where_it_lies(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    await _pin(session, HERE, "project")
    await _pin(session, HERE, "place")
    await _pin(session, IN_SOUTH, "place")
    await _pin(session, NOWHERE, "event")
    await _pin(session, None, "idea")
    for code in (BOROUGH, NORTH):
        area = await session.scalar(select(Area.id).where(Area.code == code))
        await _pin(session, None, "group", area_id=area)
    report = await _read(session)
    assert _column(report, "total_assets") == {
        NORTH: 3, SOUTH: 1, FAR_WARD: 0, "Area-wide": 1, "In no ward": 2,
    }  # fmt: skip
    assert _column(report, "places") == {NORTH: 1, SOUTH: 1, FAR_WARD: 0, "Area-wide": 0, "In no ward": 0}
    assert _column(report, "groups") == {NORTH: 1, SOUTH: 0, FAR_WARD: 0, "Area-wide": 1, "In no ward": 0}
    assert report.totals.values["total_assets"] == 7
    assert [line.name for line in report.lines[-2:]] == ["Area-wide", "In no ward"]


async def test_what_a_visitor_cannot_see_is_not_counted(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    community, _ = await factories.community(session, "Gardeners", {})
    await _pin(session, HERE)
    await _pin(session, HERE, stage="planned")
    for hidden in (
        {"state": "draft"}, {"state": "pending"}, {"state": "hidden"}, {"state": "withdrawn"}, {"state": "removed"},
        {"stage": "ended"}, {"audience": "members", "community_id": community},
    ):  # fmt: skip
        await _pin(session, HERE, **hidden)
    report = await _read(session)
    seen = (await session.scalars(search.select_assets(VISITOR, search.AssetFilter(), Asset.id))).all()
    assert report.totals.values["total_assets"] == len(seen) == 2
    as_operator = await wards.read(session, OPERATOR, Question())
    assert as_operator.totals.values == report.totals.values, "public figures are the same for everybody"


async def test_thanks_needs_and_proposals_are_counted_by_ward(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    north, south = await _pin(session, HERE), await _pin(session, IN_SOUTH)
    people = await _people(session, 3)
    session.add_all(Appreciation(asset_id=north, person_id=person) for person in people)
    session.add(Appreciation(asset_id=south, person_id=people[0]))
    session.add_all(
        Need(asset_id=south, kind="people", title="Hands", state=state) for state in ("open", "open", "closed")
    )
    session.add_all(Proposal(asset_id=north, title="Dig", state=state) for state in ("proposed", "accepted", "done"))
    await session.flush()
    report = await _read(session)
    assert _column(report, "appreciations") == {NORTH: 3, SOUTH: 1, FAR_WARD: 0, "Area-wide": 0, "In no ward": 0}
    assert _column(report, "open_needs")[SOUTH] == 2
    assert [report.totals.values[f"proposals_{state}"] for state in ("proposed", "accepted", "declined", "done")] == [
        1,
        1,
        0,
        1,
    ]
    assert not report.totals.suppressed or set(report.totals.suppressed) <= set(PERSONS)


async def test_another_level_another_area_another_set(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    old = BoundarySet(level="ward", name="Wards of old")
    session.add(old)
    await session.flush()
    shape = "SRID=4326;MULTIPOLYGON(((-0.2 51.4, 0 51.4, 0 51.5, -0.2 51.5, -0.2 51.4)))"
    session.add(Area(set_id=old.id, level="ward", code="OLD", name="All of it", geom=shape, ended_at=datetime.now(UTC)))
    await session.flush()
    for at in (HERE, IN_SOUTH, THERE, NOWHERE):
        await _pin(session, at)
    by_borough = await _read(session, level="borough")
    assert _column(by_borough, "projects") == {BOROUGH: 2, FAR: 1, "Area-wide": 0, "In no borough": 1}
    inside = await _read(session, areas=(BOROUGH,))
    assert _column(inside, "projects") == {NORTH: 1, SOUTH: 1, "Area-wide": 0, "In no ward": 0}
    one = await _read(session, areas=(NORTH,))
    assert _column(one, "projects") == {NORTH: 1, "Area-wide": 0, "In no ward": 0}
    former = await _read(session, set_name="Wards of old")
    assert _column(former, "projects") == {"OLD": 2, "Area-wide": 0, "In no ward": 2}
    assert former.boundaries.name == "Wards of old"


async def test_without_boundaries_everything_lies_in_no_ward(session: AsyncSession) -> None:
    await _pin(session, HERE)
    report = await _read(session)
    assert _column(report, "projects") == {"Area-wide": 0, "In no ward": 1}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"areas": ("X1",)}, "no area with the code 'X1'"),
        ({"set_name": "none"}, "set called 'none'"),
        ({"level": "parish"}, "is not a level"),
        ({"at": date(2999, 1, 1)}, "lies in the future"),
        ({"since": date(2024, 1, 2), "at": date(2024, 1, 1)}, "after it ends"),
        ({"at": date(1999, 1, 1)}, "No boundaries of the level ward were in force on 1999-01-01"),
    ],
)
async def test_what_cannot_be_answered_is_told(session: AsyncSession, asked: dict[str, Any], says: str) -> None:
    await factories.draw_areas(session)
    with pytest.raises(Invalid, match=says):
        await _read(session, **asked)


async def test_a_key_needs_its_scope(session: AsyncSession) -> None:
    app = Actor(kind="app", name="app", person_id=1, role="resident", scopes=frozenset({"assets:read"}))
    with pytest.raises(Forbidden, match="reports:read"):
        await wards.read(session, app, Question())


# ── other days ──────────────────────────────────────────────────────────────────────────────


async def test_a_past_day_is_told_from_what_was_recorded(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    now = datetime.now(UTC)
    days = {name: now - timedelta(days=n) for name, n in (("first", 30), ("second", 20), ("third", 10))}
    stays = await _pin(session, HERE, published_at=days["first"])
    hidden = await _pin(session, HERE, state="hidden", published_at=days["first"])
    await _pin(session, IN_SOUTH, published_at=days["third"])
    await _pin(session, IN_SOUTH, stage="ended", ended_at=days["second"], published_at=days["first"])
    need = Need(asset_id=stays, kind="people", title="Hands", state="met")
    action = Proposal(asset_id=stays, title="Dig", state="accepted")
    session.add_all([need, action])
    await session.flush()
    for thing, thing_id, state, at in (
        ("asset", hidden, "published", days["first"]), ("asset", hidden, "hidden", days["third"]),
        ("need", need.id, "open", days["first"]), ("need", need.id, "met", days["third"]),
        ("proposal", action.id, "proposed", days["second"]), ("proposal", action.id, "accepted", days["third"]),
    ):  # fmt: skip
        session.add(StateChange(thing=thing, thing_id=thing_id, to_state=state, at=at))
    await session.execute(text("UPDATE asset SET created_at = published_at"))
    await session.flush()
    found = {}
    for name in days:
        report = await _read(session, at=days[name].date())
        names = ("open_needs", "proposals_proposed", "proposals_accepted")
        found[name] = [_column(report, "total_assets")[code] for code in (NORTH, SOUTH)]
        found[name] += [report.totals.values[figure] for figure in names]
    assert found == {"first": [2, 1, 1, 0, 0], "second": [2, 0, 1, 1, 0], "third": [1, 1, 0, 0, 1]}


async def test_the_boundaries_of_a_past_day_are_those_in_force(session: AsyncSession) -> None:
    change = datetime(2022, 5, 5, tzinfo=UTC)
    for name, code, begins, ends in (
        ("of 2013", "OLD", date(2013, 5, 2), change),
        ("of 2022", "NEW", change.date(), None),
    ):
        made = BoundarySet(level="ward", name=name, valid_from=begins)
        session.add(made)
        await session.flush()
        shape = "SRID=4326;MULTIPOLYGON(((-0.2 51.4, 0 51.4, 0 51.5, -0.2 51.5, -0.2 51.4)))"
        session.add(Area(set_id=made.id, level="ward", code=code, name=code, geom=shape, ended_at=ends))
        await session.flush()
    days = {date(2022, 5, 4): "OLD", date(2022, 5, 5): "NEW", datetime.now(UTC).date(): "NEW"}
    for day, code in days.items():
        assert [line.code for line in (await _read(session, at=day)).lines[:-2]] == [code]


async def test_what_is_new_is_counted_on_request(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    today = datetime.now(UTC)
    await _pin(session, HERE, published_at=today)
    await _pin(session, HERE, published_at=today - timedelta(days=40))
    report = await _read(session, since=(today - timedelta(days=7)).date())
    assert _column(report, "new_assets")[NORTH] == report.totals.values["new_assets"] == 1
    assert report.totals.values["total_assets"] == 2
    assert "new_assets" not in [figure.name for figure in (await _read(session)).columns]


# ── persons ─────────────────────────────────────────────────────────────────────────────────


async def test_few_pledges_are_left_out_and_cannot_be_worked_out(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    people = await _people(session, 17)
    north, south, far = [await _pin(session, at) for at in (HERE, IN_SOUTH, THERE)]
    await _pledges(session, north, people[:3])
    await _pledges(session, south, people[3:9])
    await _pledges(session, far, people[9:17])
    report = await _read(session)
    assert _column(report, "pledges_pledged") == {
        NORTH: None, SOUTH: None, FAR_WARD: 8, "Area-wide": 0, "In no ward": 0,
    }  # fmt: skip
    assert report.totals.values["pledges_pledged"] == 17
    assert _column(report, "hours_promised")[FAR_WARD] == 16
    assert {line.code: "pledges_pledged" in line.suppressed for line in report.lines if line.code} == {
        NORTH: True, SOUTH: True, FAR_WARD: False,
    }  # fmt: skip
    part = await _read(session, areas=(BOROUGH,))
    assert _column(part, "pledges_pledged") == {NORTH: None, SOUTH: None, "Area-wide": None, "In no ward": None}
    assert part.totals.values["pledges_pledged"] is None
    assert part.totals.values["projects"] == 2


@pytest.mark.parametrize("asked", [{"level": "borough"}, {"set_name": "Town wards"}, {"at": date(2024, 1, 1)}])
async def test_other_cuts_say_nothing_about_persons(session: AsyncSession, asked: dict[str, Any]) -> None:
    await factories.draw_areas(session)
    asset = await _pin(session, HERE, published_at=datetime(2023, 1, 1, tzinfo=UTC))
    await session.execute(text("UPDATE asset SET created_at = published_at"))
    await _pledges(session, asset, await _people(session, 20), "fulfilled")
    report = await _read(session, **asked)
    assert report.totals.values["total_assets"] == 1
    for line in (*report.lines, report.totals):
        assert [line.values[name] for name in PERSONS] == [None] * len(PERSONS)
        assert line.suppressed == PERSONS


async def test_hours_follow_the_states_of_their_pledges(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    people = await _people(session, 5)
    asset = await _pin(session, HERE)
    for state in ("pledged", "fulfilled", "missed", "withdrawn"):
        await _pledges(session, asset, people, state, hours=3)
    totals = (await _read(session)).totals.values
    assert (totals["hours_promised"], totals["hours_given"]) == (30, 15)
    assert [totals[f"pledges_{state}"] for state in ("pledged", "confirmed", "fulfilled", "missed", "withdrawn")] == [
        5,
        0,
        5,
        5,
        5,
    ]


# ── the real wards ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("year", "count"), [(2022, 25), (2013, 21)])
async def test_the_report_on_the_council_files_adds_up(
    session: AsyncSession, shared_data: Path, year: int, count: int
) -> None:
    path = shared_data / "wards" / f"lambeth_wards_{year}.geojson"
    await areas.bring_in(session, OPERATOR, areas.understand(path, level="ward"))
    for file in sorted((shared_data / "assets" / "lambeth_council_2012_raw").glob("*.csv")):
        kind = "project" if "FoodGrowing" in file.name else "service"
        await imports.bring_in(session, OPERATOR, import_plan.understand(file, kinds.BY_NAME[kind]))
    report = await _read(session)
    assert len(report.lines) == count + 2
    assert report.totals.values["total_assets"] == 405
    assert _column(report, "total_assets")["In no ward"] == 3
    assert sum(int(line.values["total_assets"] or 0) for line in report.lines[:-2]) == 402
    names = [kind.plural for kind in kinds.ALL]
    for line in (*report.lines, report.totals):
        assert sum(int(line.values[name] or 0) for name in names) == line.values["total_assets"]
    for figure in report.columns[:-1]:
        column = [line.values[figure.name] for line in report.lines]
        assert sum(int(value or 0) for value in column) == report.totals.values[figure.name]
    for line in report.lines[:-2]:
        listed = search.select_assets(VISITOR, search.AssetFilter(wards=(line.code,)), func.count(Asset.id))
        assert await session.scalar(listed) == line.values["total_assets"], "the list says the same"


# ── how it is read ──────────────────────────────────────────────────────────────────────────


async def _town(engines: Engines) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)
        await session.execute(text("UPDATE area SET name = '=1+1' WHERE code = :code"), {"code": SOUTH})
        await _pledges(session, await _pin(session, HERE), await _people(session, 2))


async def test_the_api_gives_the_report_with_its_definitions(engines: Engines, client: httpx.AsyncClient) -> None:
    await _town(engines)
    answer = await client.get("/api/v1/reports/wards")
    assert answer.status_code == 200
    report = answer.json()
    assert [row["ward_code"] for row in report["rows"]] == [NORTH, SOUTH, FAR_WARD, "", ""]
    columns = {column["name"] for column in report["columns"]}
    assert set(report["rows"][0]) == {"ward_code", "ward_name", "population", "suppressed"} | columns
    assert report["rows"][0]["pledges_pledged"] is None
    assert "pledges_pledged" in report["rows"][0]["suppressed"]
    assert report["totals"]["total_assets"] == 1
    assert report["set"] == {
        "name": "Town wards", "illustrative": False, "valid_from": "2022-05-05", "attribution": "",
    }  # fmt: skip
    assert all(column["definition"] and column["unit"] for column in report["columns"])
    assert {column["name"] for column in report["columns"] if column["counts_persons"]} == set(PERSONS)


async def test_the_file_says_the_same_and_holds_no_formula(engines: Engines, client: httpx.AsyncClient) -> None:
    await _town(engines)
    report = (await client.get("/api/v1/reports/wards?since=2024-01-01")).json()
    answer = await client.get("/api/v1/reports/wards.csv?since=2024-01-01")
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert "attachment" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert len(rows) == len(report["rows"])
    for row, known in zip(rows, report["rows"], strict=True):
        name = known.pop("ward_name")
        assert row.pop("ward_name") == ("'=1+1" if name == "=1+1" else name)
        assert row.pop("suppressed").split() == known.pop("suppressed")
        assert row == {column: "" if value is None else str(value) for column, value in known.items()}


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("level=parish", "level"), ("at=20240101", "Write a day as"), ("at=yesterday", "Write a day as"),
        ("since=2024-13-01", "since"), ("area=X1", "no area with the code"), ("ward=X", "no parameter 'ward'"),
    ],
)  # fmt: skip
async def test_the_api_refuses_what_it_does_not_understand(client: httpx.AsyncClient, query: str, says: str) -> None:
    answer = await client.get(f"/api/v1/reports/wards?{query}")
    assert answer.status_code == 422
    assert says in json.dumps(answer.json())


def test_every_figure_is_defined_once_and_each_kind_has_a_column() -> None:
    names = [figure.name for figure in figures.of_wards(period=True)]
    assert len(names) == len(set(names))
    assert names[: len(kinds.ALL)] == [kind.plural for kind in kinds.ALL]


def test_a_report_reads_as_json() -> None:
    line = wards.Line("W", "Ward", {"projects": 1})
    at = datetime(2024, 5, 1, 12, tzinfo=UTC)
    boundaries = wards.AreaSet("set", False, None, "")
    report = WardReport("Title", "ward", at, boundaries, (figures.of_wards()[0],), [line], line)
    assert json.loads(json.dumps(writers.plain(report)))["at"] == "2024-05-01T12:00:00Z"
