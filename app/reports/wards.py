"""The ward report: what a community has, per ward; with what is area-wide and what lies in no ward it adds up.

It counts what a visitor sees on the map and in the list. Figures that count persons are given for the wards of today
only: the same figure for two dates, or for two sets of boundaries, would give single persons away by their difference.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import CTE, BigInteger, Float, Row, String, column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db, kinds, lifecycles, rules, search
from app.auth import Actor
from app.errors import Invalid
from app.models import Area, Asset
from app.reports import figures, small_counts
from app.reports.figures import Figure
from app.reports.small_counts import Cell

AREA_WIDE, NOWHERE = -1, 0
Value = int | float | None


@dataclass(frozen=True)
class Question:
    """What is asked: of which areas, at the end of which day (None: now), compared since when, inside which area."""

    level: str = "ward"
    set_name: str | None = None
    at: date | None = None
    since: date | None = None
    area: str | None = None

    @property
    def until(self) -> datetime | None:
        """The instant that ends the day asked for; None for now."""
        if self.at is None or self.at == datetime.now(UTC).date():
            return None
        return datetime.combine(self.at + timedelta(days=1), time(), UTC)

    @property
    def standing(self) -> bool:
        """True for today's wards: the only table that counts persons."""
        return self.until is None and self.set_name is None and self.level == "ward"


@dataclass(frozen=True)
class AreaSet:
    """The boundaries of a report; several sets in force side by side are named together."""

    name: str
    illustrative: bool
    valid_from: date | None
    attribution: str


@dataclass
class Line:
    """One row of the report. A value that is left out is None, and its column is named in `suppressed`."""

    code: str
    name: str
    values: dict[str, Value] = field(default_factory=dict)
    suppressed: list[str] = field(default_factory=list)


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


async def read(session: AsyncSession, actor: Actor, asked: Question) -> WardReport:
    """The report as the public sees it, whoever asks.

    Raises Invalid for an unknown area, set or level, a day in the future, or one on which no boundaries were in force.
    """
    rules.admit(actor, "reports.read")
    _check(asked)
    scope = await _scope(session, asked.area)
    areas = await _areas(session, asked, scope)
    found = await _figures(session, asked, [area.id for area in areas], scope)
    columns = figures.of_wards(period=asked.since is not None)
    lines = {area.id: Line(area.code, area.name) for area in areas}
    lines |= {AREA_WIDE: Line("", "Area-wide"), NOWHERE: Line("", f"In no {asked.level}")}
    totals = Line("", "Total")
    for figure in (figure for figure in columns if not figure.counts_persons):
        for place, line in lines.items():
            _put(line, figure, found[figure.name][place].value)
        _put(totals, figure, sum(found[figure.name][place].value for place in lines))
    if not asked.standing:
        _leave_out(columns, [*lines.values(), totals])
    else:
        everything = found if scope is None else await _figures(session, Question(), await _all_wards(session), None)
        _persons(columns, lines, totals, everything, part=scope is not None)
    at = asked.until - timedelta(seconds=1) if asked.until else datetime.now(UTC)
    return WardReport(_title(asked), asked.level, at, _set(areas), columns, list(lines.values()), totals)


def _check(asked: Question) -> None:
    if asked.level not in lifecycles.LEVELS:
        raise Invalid(f"'{asked.level}' is not a level. Choose one of: {', '.join(lifecycles.LEVELS)}.")
    today = datetime.now(UTC).date()
    for name, day in (("at", asked.at), ("since", asked.since)):
        if day and day > today:
            raise Invalid(f"'{name}' lies in the future: {day}.")
    if asked.since and asked.since > (asked.at or today):
        raise Invalid(f"The period begins on {asked.since}, after it ends.")


def _title(asked: Question) -> str:
    return f"Assets by {asked.level}{f' in {asked.area}' if asked.area else ''}"


async def _scope(session: AsyncSession, code: str | None) -> int | None:
    if code is None:
        return None
    known = select(Area.id).where(Area.code == code).order_by(Area.ended_at.is_not(None), Area.id.desc()).limit(1)
    scope: int | None = await session.scalar(known)
    if scope is None:
        raise Invalid(f"There is no area with the code '{code}'.")
    return scope


async def _areas(session: AsyncSession, asked: Question, scope: int | None) -> Sequence[Row[Any]]:
    values = {"level": asked.level, "set_name": asked.set_name, "until": asked.until, "scope": scope}
    rows = (await session.execute(db.sql("report_areas"), values)).all()
    if not rows and asked.set_name:
        raise Invalid(f"No {asked.level} of a set called '{asked.set_name}' is loaded{' there' if scope else ''}.")
    if not rows and asked.until:
        raise Invalid(f"No boundaries of the level {asked.level} were in force on {asked.at}.")
    return rows


async def _all_wards(session: AsyncSession) -> list[int]:
    return list(await session.scalars(select(Area.id).where(Area.level == "ward", Area.ended_at.is_(None))))


def _set(areas: Sequence[Row[Any]]) -> AreaSet:
    sets = {area.set_id: area for area in areas}.values()
    days = [area.valid_from for area in sets if area.valid_from]
    return AreaSet(
        name=" + ".join(area.set_name for area in sets),
        illustrative=any(area.illustrative for area in sets),
        valid_from=max(days, default=None),
        attribution="; ".join(dict.fromkeys(area.attribution for area in sets if area.attribution)),
    )


async def _figures(
    session: AsyncSession, asked: Question, areas: list[int], scope: int | None
) -> Mapping[str, Mapping[int | None, Cell]]:
    """figure → place (id of an area, AREA_WIDE, NOWHERE; None: all) → cell; what is not there is zero."""
    statement = (
        db.sql("ward_figures")
        .columns(
            column("place", BigInteger), column("figure", String), column("value", Float), column("persons", BigInteger)
        )
        .add_cte(_visible(asked))
    )
    values = {
        "areas": areas, "levels": list(lifecycles.LEVELS), "scope": scope, "until": asked.until,
        "since": datetime.combine(asked.since, time(), UTC) if asked.since else None,
    }  # fmt: skip
    found: dict[str, dict[int | None, Cell]] = defaultdict(lambda: defaultdict(lambda: Cell(0, 0)))
    plurals = {f"kind:{kind.name}": kind.plural for kind in kinds.ALL}
    for place, figure, value, persons in await session.execute(statement, values):
        found[plurals.get(figure, figure)][place] = Cell(value, persons)
        if figure.startswith("kind:"):
            old = found[figures.TOTAL.name][place]
            found[figures.TOTAL.name][place] = Cell(old.value + value, 0)
    return found


def _visible(asked: Question) -> CTE:
    """The assets that count, by the one read path; for a past day by what was recorded of it."""
    if asked.until is None:
        return search.select_assets(auth.VISITOR, search.AssetFilter(), Asset.id).cte("visible")
    return db.sql("report_visible_at").columns(column("id", BigInteger)).cte("visible")


# ── figures that count persons ──────────────────────────────────────────────────────────────


def _leave_out(columns: Sequence[Figure], lines: Sequence[Line]) -> None:
    for line in lines:
        for figure in columns:
            if figure.counts_persons:
                line.values[figure.name] = None
                line.suppressed.append(figure.name)


def _persons(
    columns: Sequence[Figure],
    lines: Mapping[int, Line],
    totals: Line,
    found: Mapping[str, Mapping[int | None, Cell]],
    *,
    part: bool,
) -> None:
    """Fill in what counts persons, as the table of all wards shows it.

    Of a part of that table (`part`) the wards show the same; its sums and its last two lines are left out, because they
    are parts of figures that are shown elsewhere.
    """
    for figure in (figure for figure in columns if figure.counts_persons):
        cells = found[figure.name]
        places = sorted({place for place in cells if place is not None} | set(lines))
        out, no_total = small_counts.hidden([cells[place] for place in places], cells[None])
        hidden = {places[i] for i in out}
        if part:
            hidden |= {AREA_WIDE, NOWHERE}
            no_total = True
        for place, line in lines.items():
            _put(line, figure, None if place in hidden else cells[place].value)
        _put(totals, figure, None if no_total else cells[None].value)


def _put(line: Line, figure: Figure, value: float | None) -> None:
    if value is None:
        line.suppressed.append(figure.name)
    line.values[figure.name] = value if value is None else float(value) if figure.unit == "hours" else int(value)
