"""What is asked of a report, and the ground that it covers: which areas have a row in it."""

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Row, and_, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, lifecycles
from app.errors import Invalid
from app.models import Area, BoundarySet

#: Areas that one report may be limited to.
MOST_AREAS = 1000


@dataclass(frozen=True)
class Question:
    """What is asked: of areas of which level, at the end of which day (None: now), over the period since which day, and
    inside which areas (their codes; none: everywhere)."""

    level: str = "ward"
    set_name: str | None = None
    at: date | None = None
    since: date | None = None
    areas: tuple[str, ...] = ()

    @property
    def until(self) -> datetime | None:
        """The instant that ends the day asked for; None for now."""
        return None if self.at is None or self.at == _today() else _begins(self.at + timedelta(days=1))

    @property
    def begins(self) -> datetime | None:
        """The instant at which the period begins; None without one."""
        return None if self.since is None else _begins(self.since)

    @property
    def standing(self) -> bool:
        """True for today's wards: the only table that counts persons."""
        return self.until is None and self.set_name is None and self.level == "ward"

    @property
    def before(self) -> "Question | None":
        """The same of the period before, which is as long and ends on the day before this one begins."""
        if self.since is None:
            return None
        days = (self.at or _today()) - self.since
        return replace(self, at=self.since - timedelta(days=1), since=self.since - timedelta(days=1) - days)


@dataclass(frozen=True)
class Ground:
    """The areas that have a row, in their order (id, code, name, population, and what is known of their set), and the
    ids of the areas that the report is limited to; None: everywhere."""

    rows: Sequence[Row[Any]]
    scope: list[int] | None

    @property
    def ids(self) -> list[int]:
        """The areas that have a row."""
        return [row.id for row in self.rows]


def check(asked: Question) -> None:
    """Raise Invalid for a level that is none, a day in the future, a period that begins after its end or is too long to
    be compared."""
    if asked.level not in lifecycles.LEVELS:
        raise Invalid(f"'{asked.level}' is not a level. Choose one of: {', '.join(lifecycles.LEVELS)}.")
    if len(asked.areas) > MOST_AREAS:
        raise Invalid(f"A report is limited to {MOST_AREAS} areas at most; {len(asked.areas)} were named.")
    for name, day in (("at", asked.at), ("since", asked.since)):
        if day and day > _today():
            raise Invalid(f"'{name}' lies in the future: {day}.")
    if asked.since and asked.since > (asked.at or _today()):
        raise Invalid(f"The period begins on {asked.since}, after it ends.")
    try:
        _ = asked.before
    except OverflowError:
        raise Invalid(f"The period since {asked.since} is too long: there is none before it.") from None


async def ground(session: AsyncSession, asked: Question) -> Ground:
    """The areas of the named set, or those in force on the day asked for, inside the areas that it is limited to.

    Raises Invalid for an unknown area or set, a day on which no boundaries were in force, or an area of this level that
    is none of these boundaries.
    """
    scope = await _areas(session, asked) or None
    values = {
        "level": asked.level, "set_name": asked.set_name, "until": asked.until, "scope": scope,
        "levels": list(lifecycles.LEVELS),
    }  # fmt: skip
    rows = (await session.execute(db.sql("report_areas"), values)).all()
    if not rows and asked.set_name:
        raise Invalid(f"No {asked.level} of a set called '{asked.set_name}' is loaded{' there' if scope else ''}.")
    if not rows and asked.until:
        raise Invalid(f"No boundaries of the level {asked.level} were in force on {asked.at}.")
    if scope:
        await _require_rows(session, asked.level, scope, {row.id for row in rows})
    return Ground(rows, scope)


async def _require_rows(session: AsyncSession, level: str, scope: Sequence[int], rows: Set[int]) -> None:
    # What lies in a former ward lies in one of today's: it must not be told as lying in none.
    missing = select(Area.code).where(Area.id.in_(scope), Area.level == level, Area.id.not_in(rows)).order_by(Area.code)
    if code := await session.scalar(missing.limit(1)):
        raise Invalid(
            f"'{code}' is no {level} of these boundaries. Name the set it is of, or a day on which it was in force."
        )


async def _areas(session: AsyncSession, asked: Question) -> list[int]:
    """The ids of the codes it is limited to: of each the one of the set or the day asked for, else the one in force,
    else the latest."""
    if not asked.areas:
        return []
    meant = BoundarySet.name == asked.set_name if asked.set_name else _in_force(asked.until)
    ordered = select(Area.code, Area.id).join(BoundarySet, BoundarySet.id == Area.set_id)
    ordered = ordered.where(Area.code.in_(asked.areas)).order_by(meant, Area.ended_at.is_(None), Area.id)
    found = {row.code: row.id for row in await session.execute(ordered)}  # the last one counts
    for code in asked.areas:
        if code not in found:
            raise Invalid(f"There is no area with the code '{code}'.")
    return sorted(set(found.values()))


def _in_force(until: datetime | None) -> ColumnElement[bool]:
    if until is None:
        return Area.ended_at.is_(None)
    began = or_(BoundarySet.valid_from.is_(None), BoundarySet.valid_from < until)
    return and_(began, or_(Area.ended_at.is_(None), Area.ended_at >= until))


def _begins(day: date) -> datetime:
    return datetime.combine(day, time(), UTC)


def _today() -> date:
    return datetime.now(UTC).date()
