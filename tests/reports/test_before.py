"""Other days and the period before: what was recorded, replayed event by event, says the same as the report."""

import random
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds
from app.auth import VISITOR
from app.db import Engines
from app.geo import areas as ground
from app.models import Appreciation, Area, Asset, BoundarySet, History, Need, Proposal, StateChange, Update
from app.reports import figures, wards
from app.reports.wards import Question, WardReport
from tests import factories
from tests.factories import FAR_WARD, HERE, NORTH, SOUTH

IN_SOUTH = (-0.1143, 51.43)
TODAY = datetime.now(UTC).date()
#: How many days the story lasts; it begins so long ago that entries grow stale in it.
STORY = 1400


def _at(day: int) -> datetime:
    """A minute past the midnight that begins this day of the story; its last day is today."""
    return datetime.combine(TODAY - timedelta(days=STORY - day), time(0, 1), UTC)


@dataclass
class Told:
    """A thing and its steps: day → what it became, in order."""

    made: int
    steps: list[tuple[int, str]] = field(default_factory=list)

    def on(self, day: int, default: str | None = None) -> str | None:
        """What it was at the end of this day."""
        return next((word for when, word in reversed(self.steps) if when <= day), default)

    def last(self, day: int, word: str) -> int | None:
        return next((when for when, what in reversed(self.steps) if when <= day and what == word), None)


@dataclass
class TalesOfAsset:
    """One asset of the story."""

    ward: str
    kind: str
    theme: str
    details: dict[str, Any]
    state: Told
    stage: Told
    edits: list[int]
    thanks: list[int]
    updates: list[int]
    needs: list[tuple[str, Told]]
    proposals: list[Told]

    def shown(self, day: int) -> bool:
        return self.state.on(day) == "published" and self.stage.on(day, "active") != "ended"


def _walk(dice: random.Random, start: int, words: list[str]) -> list[tuple[int, str]]:
    """These words on days that follow each other; the story may end before they all come."""
    days = sorted(dice.sample(range(start, STORY + 1), len(words)))
    return list(zip(days, words, strict=True))[: dice.randrange(len(words) + 1)]


def _tale(dice: random.Random) -> TalesOfAsset:
    kind, made = dice.choice(["project", "idea", "place", "offer"]), dice.randrange(STORY - 40)
    asks = ["space", "skill", "permission"] if kind != "offer" else []
    needs = []
    for need in asks[: dice.randrange(4)]:
        words = dice.choice([["meet", "met"], ["meet", "met", "anew", "meet"], ["closed"], ["meet", "closed", "open"]])
        needs.append((need, Told(made + 1, _walk(dice, made + 2, words))))
    ended = dice.choice([["ended"], ["ended", "active"], []])
    details: dict[str, dict[str, Any]] = {
        "offer": {"nature": dice.choice(["skill", "space"]), "reach_m": 1000},
        "place": {"use": dice.choice(["unused", "in-use"])},
    }
    return TalesOfAsset(
        ward=dice.choice([NORTH, SOUTH]), kind=kind, theme=dice.choice(["food", "green"]),
        details=details.get(kind, {}),
        state=Told(made, [(made, "published"), *_walk(dice, made + 1, ["hidden", "published"])]),
        stage=Told(made, _walk(dice, made + 1, ended)),
        edits=sorted(dice.sample(range(made + 1, STORY), dice.randrange(3))),
        thanks=[dice.randrange(made, STORY) for _ in range(dice.randrange(3))],
        updates=[dice.randrange(made, STORY) for _ in range(dice.randrange(2))],
        needs=needs,
        proposals=[Told(made, _walk(dice, made + 1, ["accepted", "done"])) for _ in range(dice.randrange(2))],
    )  # fmt: skip


# ── the rows that the story leaves ──────────────────────────────────────────────────────────


async def _write(session: AsyncSession, told: list[TalesOfAsset]) -> None:
    await factories.draw_areas(session)
    people = [(await factories.person(session, f"Person {n}")).id for n in range(3)]
    for one in told:
        await _write_asset(session, one, people)


def _step(
    thing: str, thing_id: int, steps: list[tuple[int, str | None, str]], aspect: str = "state"
) -> list[StateChange]:
    return [
        StateChange(thing=thing, thing_id=thing_id, aspect=aspect, from_state=old, to_state=new, at=_at(day))
        for day, old, new in steps
    ]


def _pairs(told: Told, first: str | None) -> list[tuple[int, str | None, str]]:
    words = [first, *(word for _, word in told.steps)]
    return [(day, old, word) for (day, word), old in zip(told.steps, words, strict=False)]


async def _write_asset(session: AsyncSession, one: TalesOfAsset, people: list[int]) -> None:
    at = HERE if one.ward == NORTH else IN_SOUTH
    made, ends = one.state.made, one.stage.last(STORY, "ended")
    changed = max([made, *one.edits, *(day for day, _ in (*one.state.steps, *one.stage.steps))])
    ended = _at(ends) if ends is not None and one.stage.on(STORY) == "ended" else None
    row = Asset(
        kind=one.kind, title="A thing", theme=one.theme, details=one.details, geom=f"SRID=4326;POINT({at[0]} {at[1]})",
        state=one.state.on(STORY), stage=one.stage.on(STORY, "active"), ended_at=ended, created_at=_at(made),
        published_at=_at(made), updated_at=_at(changed),
    )  # fmt: skip
    session.add(row)
    await session.flush()
    await ground.assign(session, [row.id])
    session.add_all(_step("asset", row.id, _pairs(one.state, None)))
    session.add_all(_step("asset", row.id, _pairs(one.stage, "active"), "stage"))
    days = [*one.edits, *(day for day, _ in (*one.state.steps, *one.stage.steps))]
    session.add_all(
        History(at=_at(day), actor="test", verb="assets.amend", thing="asset", thing_uid=row.uid) for day in days
    )
    session.add_all(Update(asset_id=row.id, text="It grows", created_at=_at(day)) for day in one.updates)
    thanks = zip(one.thanks, people, strict=False)
    session.add_all(Appreciation(asset_id=row.id, person_id=who, created_at=_at(day)) for day, who in thanks)
    for need in one.needs:
        await _write_need(session, row.id, *need)
    for proposal in one.proposals:
        made_proposal = Proposal(asset_id=row.id, title="Dig", state=proposal.on(STORY, "proposed"))
        session.add(made_proposal)
        await session.flush()
        told = Told(proposal.made, [(proposal.made, "proposed"), *proposal.steps])
        session.add_all(_step("proposal", made_proposal.id, _pairs(told, None)))
    await session.flush()


def _state_of_need(told: Told, day: int) -> tuple[str, int] | None:
    """Its state at the end of this day, and how many of its three are met."""
    if day < told.made:
        return None
    state, met = "open", 0
    for when, word in told.steps:
        if when <= day:
            state, met = {
                "meet": (state, met + 1), "met": ("met", 3), "anew": ("open", 0), "closed": ("closed", met),
                "open": ("open", met),
            }[word]  # fmt: skip
    return state, met


async def _write_need(session: AsyncSession, asset_id: int, kind: str, told: Told) -> None:
    now = _state_of_need(told, STORY)
    assert now is not None
    last = max([told.made, *(day for day, _ in told.steps)])
    row = Need(asset_id=asset_id, kind=kind, title="Hands", quantity=3, state=now[0], met=now[1], updated_at=_at(last))
    session.add(row)
    await session.flush()
    verbs = {
        "meet": "needs.meet",
        "met": "needs.meet",
        "anew": "needs.reopen",
        "open": "needs.reopen",
        "closed": "needs.close",
    }
    session.add_all(
        History(at=_at(day), actor="test", verb=verbs[word], thing="need", thing_uid=row.uid)
        for day, word in told.steps
    )
    states = [(told.made, "open")]
    for day, _ in told.steps:
        after = _state_of_need(told, day)
        if after and after[0] != states[-1][1]:
            states.append((day, after[0]))
    session.add_all(_step("need", row.id, _pairs(Told(told.made, states), None)))


# ── the story, replayed ─────────────────────────────────────────────────────────────────────


def _month(day: int) -> int:
    when = _at(day)
    return when.year * 12 + when.month


def _expected(told: list[TalesOfAsset], ward: str, day: int, since: int | None = None) -> Counter[str]:
    found = Counter[str]()
    here = [one for one in told if one.ward == ward]
    for one in (one for one in here if one.shown(day)):
        found.update([kinds.BY_NAME[one.kind].plural, "total_assets", f"theme_{one.theme}"])
        found[f"stage_{one.stage.on(day, 'active')}"] += 1
        found["appreciations"] += sum(when <= day for when in one.thanks[:3])
        touched = [
            one.state.made,
            *one.edits,
            *one.updates,
            *(when for when, _ in (*one.state.steps, *one.stage.steps)),
        ]
        found["stale_assets"] += _month(day) - _month(max(when for when in touched if when <= day)) > 24
        found["gap_unused_spaces"] += one.details.get("use") == "unused"
        if one.kind == "offer":
            found.update([f"offers_{one.details['nature']}", f"offers_theme_{one.theme}"])
        offered = {other.details["nature"] for other in here if other.kind == "offer" and other.shown(day)}
        for kind, need in one.needs:
            state, met = _state_of_need(need, day) or ("", 0)
            if state == "open":
                found.update(["open_needs", f"open_needs_{kind}"])
                found["partly_met_needs"] += met > 0
                found["gap_needs_without_offers"] += kind != "permission" and kind not in offered
            found["met_needs"] += state == "met"
        found.update(f"proposals_{one_of.on(day, 'proposed')}" for one_of in one.proposals if one_of.made <= day)
        found["new_assets"] += since is not None and since <= one.state.made
    themes = {kind: {one.theme for one in here if one.shown(day) and one.kind == kind} for kind in ("idea", "project")}
    found["gap_themes_without_projects"] = len(themes["idea"] - themes["project"])
    for one in here:
        ended = one.stage.last(day, "ended")
        over = one.state.on(day) == "published" and one.stage.on(day) == "ended"
        found["ended_assets"] += over and since is not None and ended is not None and ended >= since
    return found


def _day(day: int) -> date:
    return _at(day).date()


async def _read(engines: Engines, **asked: Any) -> WardReport:
    async with engines.snapshot() as session:
        return await wards.read(session, VISITOR, Question(**asked))


def _public(report: WardReport) -> list[str]:
    return [figure.name for figure in figures.public(report.columns) if figure.group != "density"]


@pytest.fixture
async def told(engines: Engines) -> list[TalesOfAsset]:
    """A town's last four years."""
    dice = random.Random(10)
    tales = [_tale(dice) for _ in range(70)]
    async with engines.transaction() as session:
        await _write(session, tales)
    return tales


async def test_each_day_of_a_story_is_told_as_it_was(engines: Engines, told: list[TalesOfAsset]) -> None:
    seen = Counter[str]()
    # Also days on which a need that had been met in full began anew, and of which something is recorded afterwards.
    anew = [
        when for one in told for _, need in one.needs for when, word in need.steps[:-1]
        if word == "anew" and one.shown(when)
    ]  # fmt: skip
    assert anew
    for day in (150, 700, 1100, 1399, STORY, *anew[:6]):
        since = max(0, day - 120)
        report = await _read(engines, at=_day(day), since=_day(since))
        for line in report.lines[:2]:
            expected = _expected(told, line.code, day, since)
            counted = {name: line.values[name] for name in _public(report)}
            assert counted == {name: expected[name] for name in counted}, (day, line.name)
            seen.update(expected)
    assert (
        min(seen[name] for name in ("stale_assets", "partly_met_needs", "met_needs", "ended_assets", "new_assets")) > 0
    )


async def test_the_period_before_is_as_long_and_ends_where_this_one_begins(
    engines: Engines, told: list[TalesOfAsset]
) -> None:
    report = await _read(engines, at=_day(1300), since=_day(1201))
    assert report.before is not None
    assert (report.before.begins, report.before.ends) == (_day(1101), _day(1200))
    for code in (NORTH, SOUTH):
        expected = _expected(told, code, 1200, 1101)
        assert {name: report.before.rows[code][name] for name in _public(report)} == {
            name: expected[name] for name in _public(report)
        }
    sums = {name: sum(_expected(told, code, 1200, 1101)[name] for code in (NORTH, SOUTH)) for name in _public(report)}
    assert {name: report.before.totals[name] for name in sums} == sums
    assert set(report.before.rows) == {NORTH, SOUTH, FAR_WARD}
    persons = {figure.name for figure in report.columns if figure.counts_persons}
    assert not persons & report.before.totals.keys(), "nothing of persons in any other period"


async def test_a_part_of_a_past_day_counts_the_offers_that_reach_into_it(
    engines: Engines, told: list[TalesOfAsset]
) -> None:
    whole, part = [await _read(engines, at=_day(1100), areas=areas) for areas in ((), (NORTH,))]
    assert part.lines[0].values == whole.lines[0].values
    assert [line.code for line in part.lines] == [NORTH, "", ""]


async def test_a_period_without_its_before_is_none_and_today_is_the_last_day_of_its_own(
    engines: Engines, told: list[TalesOfAsset]
) -> None:
    assert (await _read(engines)).before is None
    report = await _read(engines, since=TODAY)
    assert report.before is not None
    assert (report.before.begins, report.before.ends) == (TODAY - timedelta(days=1), TODAY - timedelta(days=1))


async def test_the_period_before_is_told_on_the_boundaries_of_the_report(engines: Engines) -> None:
    """A ward of today has a past, though it was drawn later."""
    async with engines.transaction() as session:
        made = BoundarySet(level="ward", name="of today", valid_from=TODAY)
        session.add(made)
        await session.flush()
        shape = "SRID=4326;MULTIPOLYGON(((-0.2 51.4, 0 51.4, 0 51.5, -0.2 51.5, -0.2 51.4)))"
        session.add(Area(set_id=made.id, level="ward", code="NEW", name="New", geom=shape))
        day = datetime.now(UTC) - timedelta(days=40)
        row = Asset(
            kind="project", title="Old", geom=f"SRID=4326;POINT({HERE[0]} {HERE[1]})", created_at=day, published_at=day
        )
        session.add(row)
        await session.flush()
        await ground.assign(session, [row.id])
        session.add(StateChange(thing="asset", thing_id=row.id, to_state="published", at=day))
        assert await session.scalar(select(Asset.ward)) == "NEW"
    report = await _read(engines, since=TODAY - timedelta(days=9))
    assert report.before is not None
    assert report.before.rows["NEW"]["projects"] == 1
