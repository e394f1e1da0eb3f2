"""Every figure, counted a second time from the plain facts by another way: now, kept, after changes, and of a part."""

from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import VISITOR
from app.db import Engines
from app.geo import areas as ground
from app.models import Appreciation, Asset, Pledge, Tally, TallyChange, Update
from app.reports import figures, tallies, wards
from app.reports.wards import Question, WardReport
from tests import factories
from tests.factories import BOROUGH, FAR_WARD, HERE, NORTH, SOUTH, THERE
from tests.reports.recount import NOW, POPULATION, Known, World, counted


def _agrees(report: WardReport, known: list[Known]) -> None:
    expected = counted(known)
    columns = [figure.name for figure in figures.public(report.columns) if figure.group not in ("density",)]
    for line in report.lines:
        mine = expected[line.code or line.name]
        assert {name: line.values[name] for name in columns} == {name: mine[name] for name in columns}, line.name
        people = POPULATION.get(line.code)
        assert line.values["assets_per_1000"] == (round(1000 * mine["total_assets"] / people, 1) if people else None)
    sums = {name: sum(mine[name] for mine in expected.values()) for name in columns}
    assert {name: report.totals.values[name] for name in columns} == sums
    dense = sum(expected[code]["total_assets"] for code in POPULATION)
    assert report.totals.values["assets_per_1000"] == round(1000 * dense / sum(POPULATION.values()), 1)


def _persons_agree(report: WardReport, known: list[Known]) -> None:
    """What is shown of pledges and hours is right; which of it is shown, test_small_counts asks."""
    shown = [one for one in known if one.shown]
    for line in (*report.lines, report.totals):
        here = [
            pledge
            for one in shown
            for pledge in one.pledges
            if line.name == "Total" or one.ward == (line.code or line.name)
        ]
        pledges = Counter(f"pledges_{pledge.state}" for pledge in here)
        promised = [pledge for pledge in here if pledge.state in ("pledged", "confirmed", "fulfilled")]
        hours = {"hours_promised": 3 * len(promised), "hours_given": 2 * pledges["pledges_fulfilled"]}
        for figure in report.columns:
            if figure.counts_persons:
                value = line.values[figure.name]
                assert value is None or value == hours.get(figure.name, pledges[figure.name])
                behind = {pledge.person_id for pledge in here if figure.name == f"pledges_{pledge.state}"}
                assert value is None or not 0 < len(behind) < 5


async def _read(engines: Engines, **asked: Any) -> WardReport:
    async with engines.snapshot() as session:
        return await wards.read(session, VISITOR, Question(**asked))


async def _fold(engines: Engines) -> int:
    async with engines.transaction() as session:
        return await tallies.fold(session)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_figure_is_right_waiting_kept_and_in_a_period(engines: Engines, seed: int) -> None:
    async with engines.transaction() as session:
        world = await World(seed).make(session, 90)
    waiting = await _read(engines)
    _agrees(waiting, world.known)
    _persons_agree(waiting, world.known)
    assert await _fold(engines) > 4
    assert await _fold(engines) == 0, "nothing waits any more"
    kept = await _read(engines)
    _agrees(kept, world.known)
    _persons_agree(kept, world.known)
    assert [line.values for line in kept.lines] == [line.values for line in waiting.lines]
    assert kept.findings == waiting.findings
    since = (NOW - timedelta(days=30)).date()
    period = await _read(engines, since=since)
    _agrees(WardReport(**(vars(period) | {"columns": kept.columns})), world.known)
    assert [line.values["new_assets"] for line in period.lines] == [
        sum(
            one.shown and one.ward == (line.code or line.name) and (one.row.published_at or NOW).date() >= since
            for one in world.known
        )
        for line in period.lines
    ]


async def test_what_waits_can_be_counted_in_several_transactions(engines: Engines) -> None:
    async with engines.transaction() as session:
        world = await World(4).make(session, 60)
    counted: list[int] = []
    waiting = await _read(engines)
    while not counted or counted[-1]:
        async with engines.transaction() as session:
            counted.append(await tallies.fold(session, 2))
        now = await _read(engines)
        assert [line.values for line in now.lines] == [line.values for line in waiting.lines]
    assert len(counted) > 3
    assert set(counted[:-2]) == {2}
    _agrees(now, world.known)


async def test_a_part_says_the_same_of_its_wards(engines: Engines) -> None:
    async with engines.transaction() as session:
        world = await World(3).make(session, 60)
    await _fold(engines)
    whole, part = await _read(engines), await _read(engines, areas=(NORTH, FAR_WARD))
    columns = [figure.name for figure in whole.columns]
    lines = {line.code: line.values for line in whole.lines if line.code}
    assert [line.code for line in part.lines] == [NORTH, FAR_WARD, "", ""]
    for line in part.lines[:2]:
        assert {name: line.values[name] for name in columns} == {name: lines[line.code][name] for name in columns}
    in_both = sum(one.shown and one.ward in (NORTH, FAR_WARD) for one in world.known)
    assert part.totals.values["total_assets"] == in_both


Change = Callable[[World, AsyncSession], Any]


async def _hide(world: World, session: AsyncSession) -> None:
    for one in world.known[:6]:
        one.row.state = "hidden"


async def _retheme(world: World, session: AsyncSession) -> None:
    for one in world.known[:20]:
        one.row.theme, one.row.stage = "sport", "planned"


async def _move(world: World, session: AsyncSession) -> None:
    for one in world.known:
        if one.at == HERE:
            one.row.geom, one.at = f"SRID=4326;POINT({THERE[0]} {THERE[1]})", THERE
    await session.flush()
    await ground.assign(session)


async def _meet(world: World, session: AsyncSession) -> None:
    for one in world.known:
        for need in one.needs:
            if need.state == "open":
                need.state, need.met = "met", need.quantity


async def _lose(world: World, session: AsyncSession) -> None:
    for one in world.known[:10]:
        await session.execute(delete(Asset).where(Asset.id == one.row.id))
    del world.known[:10]


async def _offer(world: World, session: AsyncSession) -> None:
    """An offer in one ward that answers needs in another."""
    far = {"nature": "skill", "reach_m": 50_000}
    await world.pin(session, kind="offer", at=HERE, state="published", audience="public", stage="active", details=far)


async def _withdraw_offers(world: World, session: AsyncSession) -> None:
    for one in world.known:
        if one.row.kind == "offer":
            one.row.state = "withdrawn" if one.row.state == "published" else one.row.state


async def _promise(world: World, session: AsyncSession) -> None:
    for one in world.known:
        for pledge in one.pledges:
            if pledge.state == "pledged":
                pledge.state = "withdrawn"
        for proposal in one.proposals:
            if proposal.state == "proposed":
                proposal.state = "accepted"


async def _report_back(world: World, session: AsyncSession) -> None:
    for one in world.known[:30]:
        one.reported = NOW
        session.add(Update(asset_id=one.row.id, text="It grows", created_at=NOW))


async def _thank(world: World, session: AsyncSession) -> None:
    for one in world.known:
        if one.thanks == 0:
            session.add(Appreciation(asset_id=one.row.id, person_id=world.people[0]))
            one.thanks = 1


CHANGES: tuple[Change, ...] = (
    _hide, _retheme, _move, _meet, _lose, _offer, _withdraw_offers, _promise, _report_back, _thank,
)  # fmt: skip


@pytest.mark.parametrize("change", CHANGES, ids=lambda change: change.__name__.strip("_"))
async def test_what_changes_is_counted_again_at_once_and_when_kept(engines: Engines, change: Change) -> None:
    async with engines.transaction() as session:
        world = await World(4).make(session, 50)
    await _fold(engines)
    async with engines.transaction() as session:
        session.add_all(one.row for one in world.known)
        session.add_all(thing for one in world.known for thing in (*one.needs, *one.proposals, *one.pledges))
        await change(world, session)
    at_once = await _read(engines)
    _agrees(at_once, world.known)
    _persons_agree(at_once, world.known)
    assert await _fold(engines) > 0
    _agrees(await _read(engines), world.known)


async def test_what_is_kept_is_what_is_read_where_nothing_waits(engines: Engines) -> None:
    """The control: a report does use the tallies, and a wrong one would show."""
    async with engines.transaction() as session:
        await World(5).make(session, 30)
    await _fold(engines)
    async with engines.transaction() as session:
        kept = await session.get_one(Tally, NORTH)
        kept.figures = [kept.figures[0] | {"kind:project": 1000}, *kept.figures[1:]]
    lines = {line.code: line.values for line in (await _read(engines)).lines}
    assert lines[NORTH]["projects"] == 1000
    async with engines.transaction() as session:
        session.add(TallyChange(place=NORTH))
    assert {line.code: line.values for line in (await _read(engines)).lines}[NORTH]["projects"] != 1000


async def test_a_tally_that_holds_nothing_any_more_goes(engines: Engines) -> None:
    async with engines.transaction() as session:
        await World(6).make(session, 20)
    await _fold(engines)
    async with engines.transaction() as session:
        await session.execute(text("UPDATE asset SET state = 'removed'"))
    await _fold(engines)
    async with engines.reading() as session:
        assert (await session.scalars(select(Tally.place))).all() == []


async def test_no_other_question_tells_more_of_persons_than_the_one_table(engines: Engines) -> None:
    """Differences of tables give nobody away: what another shows of persons is a cell of the one table, or nothing."""
    async with engines.transaction() as session:
        world = World(8)
        await world.make(session, 80)
        crowd = [(await factories.person(session, f"Neighbour {n}")).id for n in range(40)]
        for ward, size in ((NORTH, 40), (SOUTH, 30)):
            action = next(one for one in world.known if one.shown and one.ward == ward and one.proposals).proposals[0]
            session.add_all(Pledge(proposal_id=action.id, person_id=who, hours_promised=1) for who in crowd[:size])
    table = await _read(engines)
    persons = [figure.name for figure in table.columns if figure.counts_persons]
    cells = {(line.code, name): line.values[name] for line in table.lines if line.code for name in persons}
    assert any(cells.values()), "something is shown at all"
    today = NOW.date()
    questions: list[dict[str, Any]] = [
        {"areas": (NORTH,)}, {"areas": (SOUTH,)}, {"areas": (NORTH, SOUTH)}, {"areas": (BOROUGH,)}, {"at": today},
        {"since": today}, {"areas": (BOROUGH,), "since": today - timedelta(days=7)}, {"level": "borough"},
        {"set_name": "Town wards"}, {"at": today - timedelta(days=1)}, {"level": "borough", "areas": (BOROUGH,)},
    ]  # fmt: skip
    for asked in questions:
        report = await _read(engines, **asked)
        for line in report.lines:
            for name in persons:
                value = line.values[name]
                assert value is None or value == cells.get((line.code, name), value)
                assert line.code or "areas" not in asked or value is None, "sums of a part are held back"
        if asked.get("areas"):
            assert [report.totals.values[name] for name in persons] == [None] * len(persons)
        assert report.before is None or not set(persons) & report.before.totals.keys()
