"""Bringing in boundaries: a file becomes a dated set of areas, and everything that stands on areas follows it."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import shapely
from sqlalchemy import exists, func, select, text, update
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, lifecycles, rules
from app.actions.progress import Progress, Tell, untold
from app.actions.record import record
from app.auth import Actor
from app.errors import Invalid
from app.geo import areas, coordinates, formats, numbers, shapes, tables
from app.geo.coordinates import squeezed, text_of
from app.geo.tables import Row, Table
from app.models import Area, Asset, BoundarySet

MAX_CODE, MAX_NAME = 20, 120
#: How statistical offices begin the names of their columns: WD22CD and WD22NM are a ward's code and name.
_PREFIXES = dict(zip(lifecycles.LEVELS, ("lsoa|msoa|oa", "wd", "lad", "cty", "rgn", "ctry"), strict=True))
_CODES = ("code", "areacode", "gsscode", "gss", "wardcode", "geocode", "onscode")
_NAMES = ("name", "areaname", "wardname", "geoname", "label")


@dataclass(frozen=True)
class Boundaries:
    """A file of areas understood: which of its columns holds what."""

    table: Table
    level: str
    name: str
    code_column: str
    name_column: str
    population_column: str | None
    valid_from: date | None
    attribution: str
    epsg: int
    why: str

    def says(self) -> str:
        """What was understood, for a person."""
        columns = f"code from '{self.code_column}', name from '{self.name_column}'{self.why}"
        return f"{self.table.what}, EPSG:{self.epsg}; {columns}"


@dataclass
class Outcome:
    """What bringing in a set has done."""

    name: str
    level: str
    areas: int
    added: int = 0
    rewritten: int = 0
    mended: list[tuple[str, str]] = field(default_factory=list)
    """Code and fault of each outline that was not valid."""
    ended: Counter[str] = field(default_factory=Counter)
    """How many areas ended, by set."""
    late: int = 0
    """Areas of this set that a later set had replaced before it came."""
    moved: int = 0
    """Area-wide assets that now stand for an area of this set."""
    left: int = 0
    """Area-wide assets that still stand for an area that has ended."""
    in_wards: int = 0
    outside: int = 0

    def says(self) -> list[str]:
        """The same in lines for a person."""
        what = f"{self.added} added" if self.added else f"known already; {self.rewritten} rewritten"
        lines = [f"{self.name}: {self.areas} areas of the level {self.level}, {what}."]
        lines += [f"Mended the outline of {code}: {fault}." for code, fault in self.mended]
        lines += [f"Ended: {count} of '{name}'." for name, count in self.ended.items()]
        if self.late:
            lines.append(f"{self.late} of them ended before today: a later set is loaded.")
        if self.moved:
            lines.append(f"Moved {self.moved} area-wide assets to their new area.")
        if self.left:
            lines.append(f"{self.left} area-wide assets still stand for an area that has ended; import its level too.")
        return [*lines, f"Assets: {self.in_wards} in wards, {self.outside} in none."]


def understand(
    path: Path,
    *,
    level: str,
    code: str | None = None,
    name: str | None = None,
    population: str | None = None,
    set_name: str | None = None,
    valid_from: date | None = None,
    attribution: str = "",
    crs: str | None = None,
    layer: str | None = None,
) -> Boundaries:
    """Open a file of areas and find its columns; those that the caller names are obeyed.

    Raises Invalid for a file without outlines, a column that is not there, or names that say nothing.
    """
    if level not in lifecycles.LEVELS:
        raise Invalid(f"'{level}' is not a level. Choose one of: {', '.join(lifecycles.LEVELS)}.")
    if valid_from and valid_from > datetime.now(UTC).date():
        raise Invalid(f"These boundaries come into force on {valid_from}. Import them on that day.")
    table = formats.read(path, layer=layer)
    if not table.located:
        raise Invalid(f"{path.name} is a plain table. Boundaries come as GeoJSON, GeoPackage, KML or zipped Shapefile.")
    some = tables.sample(table, 100)
    if not some:
        raise Invalid(f"{path.name} has no areas.")
    asked = {"code": code, "name": name, "population": population}
    found = coordinates.named(table, {what: column for what, column in asked.items() if column})
    guessed = [what for what in ("code", "name") if what not in found]
    for what in guessed:
        found[what] = _column(table, level, what, found.get("code"))
    stem = path.name.removesuffix(".gz").rpartition(".")[0] or path.name
    why = f" ({' and '.join(guessed)} by the usual name)" if guessed else ""
    return Boundaries(
        table, level, (set_name or stem)[:MAX_NAME], found["code"], found["name"], found.get("population"), valid_from,
        attribution, coordinates.understand(table, some, epsg=coordinates.said_epsg(crs)).epsg, why,
    )  # fmt: skip


def _column(table: Table, level: str, what: str, code_column: str | None) -> str:
    ending, usual = {"code": ("cd", _CODES), "name": ("nm", _NAMES)}[what]
    by_name = {squeezed(column): column for column in reversed(table.columns)}
    beside = squeezed(code_column)[:-2] + "nm" if what == "name" and code_column else ""
    official = [name for name in by_name if re.fullmatch(rf"(?:{_PREFIXES[level]})\d\d{ending}", name)]
    for name in (beside, *official, *usual):
        if name in by_name:
            return by_name[name]
    raise Invalid(
        f"No column is known to hold the {what}s: say --{what} COLUMN. The columns are: {', '.join(table.columns)}."
    )


async def bring_in(session: AsyncSession, actor: Actor, wanted: Boundaries, *, tell: Tell = untold) -> Outcome:
    """Bring a set of areas in, in the caller's transaction, and set the wards of all assets again.

    A set of a name that is loaded must have the same codes: what differs is rewritten, and nothing else happens. A new
    set ends the areas of its level that lie in its union by their point on surface, unless their set began later, and
    every illustrative area. Area-wide assets of areas that have ended move to the new area of the same code, else to
    the one around the old one's middle. Raises Invalid, listing them, for codes that are missing, too long or repeated
    and for areas without a polygon. Writers of assets wait while the boundaries change.
    """
    rules.admit(actor, "areas.bring_in")
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    async with session.begin_nested():  # so that a refusal leaves nothing in the caller's transaction either
        done = await _take_in(session, wanted, tell)
        if done.added or done.rewritten:
            await session.execute(db.sql("areas_parents"), {"levels": list(lifecycles.LEVELS)})
            await areas.assign_all(
                session, lambda count, share: tell(Progress("setting wards, writers wait", count, "assets", share))
            )
            about = {"set": done.name, "level": done.level, "added": done.added, "rewritten": done.rewritten}
            record(session, actor, "areas.bring_in", "boundary_set", None, after=about, payload=about)
        await _count(session, done)
    return done


async def _take_in(session: AsyncSession, wanted: Boundaries, tell: Tell) -> Outcome:
    await areas.reserve(session)
    mended = await _stage(session, wanted, tell)
    await areas.hold(session)
    count = await session.scalar(select(func.count()).select_from(text("incoming_area"))) or 0
    done = Outcome(wanted.name, wanted.level, count, mended=mended)
    known = await session.scalar(select(BoundarySet).where(BoundarySet.name == wanted.name))
    if known:
        await _rewrite(session, wanted, known, done)
    else:
        await _add(session, wanted, done)
    await session.execute(text("DROP TABLE incoming_area"))
    return done


# ── the file ────────────────────────────────────────────────────────────────────────────────


async def _stage(session: AsyncSession, wanted: Boundaries, tell: Tell) -> list[tuple[str, str]]:
    """Put the file into the table `incoming_area`, valid and in degrees; return what had to be mended."""
    await session.execute(db.sql("areas_table"))
    columns = "line, code, name, population, raw"
    connection = await db.driver(session)
    async with connection.cursor() as cursor, cursor.copy(f"COPY incoming_area ({columns}) FROM STDIN") as copy:
        for count, row in enumerate(_rows(wanted), 1):
            await copy.write_row(row)
            tell(Progress("reading", count, "areas", wanted.table.share))
    tell(Progress("checking the outlines"))
    twice = await session.execute(
        text("SELECT code, count(*) FROM incoming_area GROUP BY code HAVING count(*) > 1 ORDER BY code")
    )
    if repeated := [f"{code} ({count} times)" for code, count in twice]:
        raise Invalid(f"{len(repeated)} codes stand more than once in '{wanted.code_column}': {', '.join(repeated)}.")
    try:
        await session.execute(db.sql("areas_mend"), {"srid": wanted.epsg})
    except InternalError as error:
        raise Invalid(f"The outlines cannot be brought from EPSG:{wanted.epsg} to degrees.") from error
    flat = (await session.scalars(text("SELECT code FROM incoming_area WHERE ST_IsEmpty(geom) ORDER BY code"))).all()
    if flat:
        raise Invalid(f"These areas have no polygon: {', '.join(flat)}.")
    faults = await session.execute(text("SELECT code, fault FROM incoming_area WHERE fault IS NOT NULL ORDER BY code"))
    return [(code, fault) for code, fault in faults]


def _rows(wanted: Boundaries) -> Iterator[tuple[Any, ...]]:
    for row in wanted.table.rows():
        where = f"{wanted.table.unit} {row.line}"
        if row.fault:
            raise Invalid(f"{where.capitalize()} cannot be read: {row.fault}.")
        code = _text(row, wanted.code_column, MAX_CODE, where)
        name = _text(row, wanted.name_column, MAX_NAME, f"{where} ({code})")
        try:
            shape = shapes.parsed(row.geometry)
        except Invalid as problem:
            raise Invalid(f"{where.capitalize()} ({code}): {problem.detail}") from problem
        yield row.line, code, name, _population(row, wanted.population_column), shapely.to_wkb(shape, hex=True)


def _text(row: Row, column: str, longest: int, where: str) -> str:
    value = row.values.get(column)
    plain = text_of(int(value) if isinstance(value, float) and value.is_integer() else value)
    if not plain or len(plain) > longest or tables.unstorable(plain):
        fault = "is empty" if not plain else f"is not at most {longest} characters of text"
        raise Invalid(f"{where.capitalize()}: its {column} {fault}.")
    return plain


def _population(row: Row, column: str | None) -> int | None:
    plain = text_of(row.values.get(column)) if column else ""
    if not plain:
        return None
    number = numbers.thousands(plain)
    if number is None or number < 0 or number > 2**31 - 1:
        raise Invalid(f"The {column} {plain[:40]!r} is no number of people.")
    return round(number)


# ── the set ─────────────────────────────────────────────────────────────────────────────────


async def _rewrite(session: AsyncSession, wanted: Boundaries, known: BoundarySet, done: Outcome) -> None:
    if known.level != wanted.level:
        raise Invalid(
            f"A set called '{known.name}' of the level {known.level} is loaded. Give this one a name with --set."
        )
    there = set(await session.scalars(select(Area.code).where(Area.set_id == known.id)))
    here = set(await session.scalars(text("SELECT code FROM incoming_area")))
    if other := sorted(there ^ here):
        raise Invalid(
            f"A set called '{known.name}' with other codes is loaded ({len(other)} differ: {', '.join(other[:10])}"
            f"{', …' if len(other) > 10 else ''}). Give this one a name of its own with --set."
        )
    done.rewritten = len((await session.scalars(db.sql("areas_replace"), {"set_id": known.id})).all())
    if wanted.valid_from not in (None, known.valid_from):
        if known.valid_from:
            raise Invalid(
                f"The set '{known.name}' is loaded as in force from {known.valid_from}. Leave --valid-from out."
            )
        known.valid_from = wanted.valid_from
    if wanted.attribution:
        known.attribution = wanted.attribution


async def _add(session: AsyncSession, wanted: Boundaries, done: Outcome) -> None:
    made = BoundarySet(
        level=wanted.level, name=wanted.name, valid_from=wanted.valid_from, attribution=wanted.attribution[:400]
    )
    session.add(made)
    await session.flush()
    values = {"set_id": made.id, "level": wanted.level, "valid_from": wanted.valid_from}
    await session.execute(
        text(
            "INSERT INTO area (set_id, level, code, name, population, geom) "
            "SELECT :set_id, :level, code, name, population, geom FROM incoming_area ORDER BY code"
        ),
        values,
    )
    done.added = done.areas
    ended = (await session.execute(db.sql("areas_end"), values)).all()
    done.ended = Counter(name for name, _ in ended)
    if wanted.valid_from is None and not all(illustrative for _, illustrative in ended):
        made.valid_from = datetime.now(UTC).date()  # it replaced something: it cannot always have been in force
    if wanted.valid_from:
        done.late = (await session.execute(db.sql("areas_yield"), values)).rowcount  # type: ignore[attr-defined]
    await _close_sets(session)
    done.moved = len((await session.scalars(db.sql("areas_move"), values)).all())


async def _close_sets(session: AsyncSession) -> None:
    """A set whose last area has ended is valid to that day."""
    last = select(func.max(func.date(Area.ended_at))).where(Area.set_id == BoundarySet.id).scalar_subquery()
    current = exists().where(Area.set_id == BoundarySet.id, Area.ended_at.is_(None))
    over = update(BoundarySet).where(BoundarySet.valid_to.is_(None), ~current)
    await session.execute(
        over.values(valid_to=func.greatest(last, BoundarySet.valid_from)).execution_options(synchronize_session=False)
    )


async def _count(session: AsyncSession, done: Outcome) -> None:
    anchored = Asset.state == "published"
    wards = select(func.count(), func.count(Asset.ward)).where(anchored, Asset.anchor.is_not(None))
    total, done.in_wards = (await session.execute(wards)).one()
    done.outside = total - done.in_wards
    stale = select(func.count()).select_from(Asset).join(Area, Area.id == Asset.area_id)
    done.left = await session.scalar(stale.where(Area.ended_at.is_not(None))) or 0
