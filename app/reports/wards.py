"""The ward report: what a community has, per ward; with what is area-wide and what lies in no ward it adds up.

It counts what a visitor sees on the map and in the list. Figures that count persons are given for the wards of today
only: the same figure for two dates, or for two sets of boundaries, would give single persons away by their difference.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row
from sqlalchemy.ext.asyncio import AsyncSession

from app import rules
from app.auth import Actor
from app.reports import asking, counting, figures, findings, small_counts, tallies
from app.reports.asking import Ground, Question
from app.reports.counting import AREA_WIDE, NOWHERE, Places, Raw
from app.reports.figures import Figure
from app.reports.findings import Findings
from app.reports.small_counts import Cell

__all__ = ["AreaSet", "Before", "Line", "Question", "Value", "WardReport", "read"]

Value = int | float | None


@dataclass(frozen=True)
class AreaSet:
    """The boundaries of a report; several sets in force side by side are named together."""

    name: str
    illustrative: bool
    valid_from: date | None
    attribution: str


@dataclass
class Line:
    """One row of the report. A value that is left out is None, and its column is named in `suppressed`; a density
    without a population is None too."""

    code: str
    name: str
    values: dict[str, Value] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)
    population: int | None = None


@dataclass(frozen=True)
class Before:
    """The public figures of the period before, of the same areas: by code, and in total (with what has no code)."""

    begins: date
    ends: date
    rows: dict[str, dict[str, Value]]
    totals: dict[str, Value]


@dataclass(frozen=True)
class WardReport:
    """The whole report; its last two lines are what is area-wide and what lies in no ward."""

    title: str
    level: str
    at: datetime
    boundaries: AreaSet
    columns: tuple[Figure, ...]
    lines: list[Line]
    totals: Line
    since: date | None = None
    before: Before | None = None
    findings: Findings = field(default_factory=Findings)


async def read(session: AsyncSession, actor: Actor, asked: Question) -> WardReport:
    """The report as the public sees it, whoever asks. Its parts agree where the session sees one instant
    (db.Engines.snapshot). Working out the counts of a country takes a second: a thread does that, and the event loop
    goes on.

    Raises Invalid for an unknown area, set or level, a day in the future, or one on which no boundaries were in force.
    """
    rules.admit(actor, "reports.read")
    asking.check(asked)
    ground = await asking.ground(session, asked)
    if tallies.know(asked, ground):
        found = await tallies.by_place(session, await tallies.read(session, ground))
    else:
        found = await counting.live(session, asked, ground)
    columns = figures.of_wards(period=asked.since is not None)
    lines, totals = await asyncio.to_thread(_public, columns, asked, ground, found)
    persons = await tallies.of_persons(session) if asked.standing and (ground.scope or asked.since) else found
    await asyncio.to_thread(_add_persons, columns, lines, totals, asked, ground, persons)
    at = asked.until - timedelta(seconds=1) if asked.until else datetime.now(UTC)
    return WardReport(
        _title(asked), asked.level, at, _set(ground.rows), columns, list(lines.values()), totals,
        asked.since, await _before(session, columns, asked, ground),
        await findings.read(session, asked, ground, found),
    )  # fmt: skip


def _title(asked: Question) -> str:
    return " in ".join(filter(None, (f"Assets by {asked.level}", ", ".join(asked.areas))))


def _set(areas: Sequence[Row[Any]]) -> AreaSet:
    sets = {area.set_id: area for area in areas}.values()
    days = [area.valid_from for area in sets if area.valid_from]
    return AreaSet(
        name=" + ".join(area.set_name for area in sets),
        illustrative=any(area.illustrative for area in sets),
        valid_from=max(days, default=None),
        attribution="; ".join(dict.fromkeys(area.attribution for area in sets if area.attribution)),
    )


# ── public figures ──────────────────────────────────────────────────────────────────────────


def _public(columns: Iterable[Figure], asked: Question, ground: Ground, found: Places) -> tuple[dict[int, Line], Line]:
    """The lines by place and their sums, with everything that counts no persons."""
    lines = {area.id: Line(area.code, area.name, population=area.population) for area in ground.rows}
    lines |= {AREA_WIDE: Line("", "Area-wide"), NOWHERE: Line("", f"In no {asked.level}")}
    day = asked.at or datetime.now(UTC).date()
    counted = [figure for figure in figures.public(columns) if figure is not figures.DENSITY]
    totals = Line("", "Total", dict.fromkeys((figure.name for figure in counted), 0))
    for place, line in lines.items():
        value = counting.public(found.get(place, Raw()), day, area=place > 0)
        line.values = {figure.name: int(value.get(figure.name, 0)) for figure in counted}
        for name, n in line.values.items():
            totals.values[name] = (totals.values[name] or 0) + (n or 0)
    _add_density(list(lines.values()), totals)
    return lines, totals


def _add_density(lines: Sequence[Line], totals: Line) -> None:
    for line in lines:
        line.values[figures.DENSITY.name] = _density([line])
    totals.values[figures.DENSITY.name] = _density(lines)
    populations = [line.population for line in lines if line.population]
    totals.population = sum(populations) if populations else None


def _density(lines: Sequence[Line]) -> float | None:
    people = sum(line.population for line in lines if line.population)
    assets = sum(line.values[figures.TOTAL.name] or 0 for line in lines if line.population)
    return round(1000 * assets / people, 1) if people else None


async def _before(session: AsyncSession, columns: Iterable[Figure], asked: Question, ground: Ground) -> Before | None:
    former = asked.before
    if former is None or former.at is None or former.since is None:
        return None
    found = await counting.live(session, former, ground)
    lines, totals = await asyncio.to_thread(_public, columns, former, ground, found)
    return Before(
        former.since, former.at, {line.code: line.values for line in lines.values() if line.code}, totals.values
    )


# ── figures that count persons ──────────────────────────────────────────────────────────────


def _add_persons(
    columns: Iterable[Figure],
    lines: Mapping[int, Line],
    totals: Line,
    asked: Question,
    ground: Ground,
    found: Places,
) -> None:
    """Fill in what counts persons, as the table of all wards shows it; no other table shows any.

    Whatever the question, it is decided over the same numbers of persons (tallies): two tables that left out different
    cells would give away both by their difference. Of a part of that table the wards show the same; its sums and its
    last two lines are left out, because they are parts of figures that are shown elsewhere.
    """
    part = ground.scope is not None
    for figure in (figure for figure in columns if figure.counts_persons):
        if not asked.standing:
            for line in (*lines.values(), totals):
                _put(line, figure, None)
            continue
        places = sorted({place for place in found if place is not None} | set(lines))
        cells = {place: _cell(found.get(place, Raw()), figure) for place in (*places, None)}
        out, no_total = small_counts.hidden([cells[place] for place in places], cells[None])
        hidden = {places[i] for i in out} | ({AREA_WIDE, NOWHERE} if part else set())
        for place, line in lines.items():
            _put(line, figure, None if place in hidden else cells[place].value)
        _put(totals, figure, None if no_total or part else cells[None].value)
    for line in (*lines.values(), totals):
        line.values = {figure.name: line.values[figure.name] for figure in columns}


def _cell(raw: Raw, figure: Figure) -> Cell:
    return Cell(raw.of(figure.name), raw.persons.get(figure.name, 0))


def _put(line: Line, figure: Figure, value: float | None) -> None:
    if value is None:
        line.suppressed.append(figure.name)
    line.values[figure.name] = value if value is None else float(value) if figure.unit == "hours" else int(value)
