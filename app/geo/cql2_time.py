"""Time in CQL2 (OGC 21-065, clause 7.7): instants, intervals closed at both ends, and how they lie to each other.

A timestamp is an instant in UTC, a date is a whole day. Where both meet, the timestamp is compared by its day in UTC
(by <, = and so on), and in the temporal functions a date lasts from its first to its last microsecond in UTC.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Date, DateTime, Interval, String, and_, cast, false, func, literal, or_
from sqlalchemy.sql.elements import ColumnElement

from app.errors import BadRequest
from app.geo.cql2_operands import WORDS, Operand, shown

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_TIMESTAMP = re.compile(r"(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(\.\d+)?(Z|[+-]\d{2}:\d{2})", re.ASCII)
#: One end of a period, as SQL.
_End = ColumnElement[Any]
_LAST = timedelta(days=1) - timedelta(microseconds=1)


@dataclass(frozen=True)
class Period:
    """An interval, or an instant (then both ends are one). An end of None is open: '..'."""

    start: Operand | None
    end: Operand | None
    instant: bool = False

    def missing(self) -> ColumnElement[bool]:
        """Whether a row lacks one of the ends."""
        return or_(false(), *(end.sql.is_(None) for end in (self.start, self.end) if end))


def instant(said: object, wanted: str = "") -> Operand:
    """The date (2022-04-16) or timestamp (2022-04-16T10:13:19Z, RFC 3339) in a text.

    `wanted` is "date" or "timestamp" where only that will do. Raises BadRequest for anything else, and for a day or
    an hour that does not exist.
    """
    if isinstance(said, str):
        if wanted != "timestamp" and _DATE.fullmatch(said):
            return _of_date(said)
        if wanted != "date" and (match := _TIMESTAMP.fullmatch(said)):
            return _of_timestamp(said, match)
    form = {"date": "a date like '2022-04-16'", "timestamp": "a time like '2022-04-16T10:13:19Z'"}
    raise BadRequest(f"{shown(said)} is not {form.get(wanted) or ' or '.join(form.values())}.")


def _of_date(said: str) -> Operand:
    try:
        day = date.fromisoformat(said)
    except ValueError as error:
        raise BadRequest(f"There is no day {said}.") from error
    return Operand("date", said, literal(day, Date), day, constant=True)


def _of_timestamp(said: str, match: re.Match[str]) -> Operand:
    try:
        moment = datetime.fromisoformat(f"{match[1]}{(match[2] or '')[:7]}{match[3].replace('Z', '+00:00')}")
    except ValueError as error:
        raise BadRequest(f"There is no time {shown(said)}.") from error
    return Operand("timestamp", said, literal(moment, DateTime(timezone=True)), moment, constant=True)


def period(operand: Operand) -> Period:
    """An instant as a period. Text is read as a date or timestamp. Raises BadRequest for what is no time."""
    if operand.kind == "string" and operand.value is not None:
        operand = instant(operand.value)
    if operand.kind not in ("date", "timestamp"):
        raise BadRequest(f"A time is expected, but {operand.said} is {WORDS[operand.kind]}.")
    return Period(operand, operand, instant=True)


def interval(start: Operand | None, end: Operand | None) -> Period:
    """An interval between two instants. Raises BadRequest when it ends before it begins."""
    ends = [operand if operand is None else period(operand).start for operand in (start, end)]
    values = [operand.value for operand in ends if operand]
    if len(values) == 2 and None not in values:
        same = isinstance(values[0], datetime) == isinstance(values[1], datetime)
        first, last = values if same else (_day(values[0]), _day(values[1]))
        if first > last:
            raise BadRequest(f"The interval ends ({values[1]}) before it begins ({values[0]}).")
    return Period(ends[0], ends[1])


def _day(value: date) -> date:
    return value.date() if isinstance(value, datetime) else value


# ── comparing ───────────────────────────────────────────────────────────────────────────────


def as_day(operand: Operand) -> ColumnElement[Any]:
    """A date as it is; a timestamp as its day in UTC."""
    return operand.sql if operand.kind == "date" else cast(func.timezone("UTC", operand.sql), Date)


def _as_moment(operand: Operand, *, last: bool) -> ColumnElement[Any]:
    """A timestamp as it is; a date as its first or last microsecond in UTC."""
    if operand.kind == "timestamp":
        return operand.sql
    begins = cast(operand.sql, DateTime)
    return func.timezone("UTC", begins + literal(_LAST, Interval) if last else begins, type_=DateTime(timezone=True))


def _ends(of: Period, *, days: bool) -> tuple[_End, _End]:
    kind = Date() if days else DateTime(timezone=True)

    def end(operand: Operand | None, openly: str, last: bool) -> _End:
        if operand is None:
            return cast(literal(openly, String), kind)
        return operand.sql if days else _as_moment(operand, last=last)

    return end(of.start, "-infinity", last=False), end(of.end, "infinity", last=True)


#: How the ends of a first period (a to b) and a second (c to d) lie, by the W3C's Time Ontology.
_RELATIONS: dict[str, Callable[[_End, _End, _End, _End], ColumnElement[bool]]] = {
    "t_after": lambda a, b, c, d: a > d,
    "t_before": lambda a, b, c, d: b < c,
    "t_disjoint": lambda a, b, c, d: or_(b < c, a > d),
    "t_equals": lambda a, b, c, d: and_(a == c, b == d),
    "t_intersects": lambda a, b, c, d: and_(b >= c, a <= d),
    "t_contains": lambda a, b, c, d: and_(a < c, b > d),
    "t_during": lambda a, b, c, d: and_(a > c, b < d),
    "t_finishedby": lambda a, b, c, d: and_(b == d, a < c),
    "t_finishes": lambda a, b, c, d: and_(b == d, a > c),
    "t_meets": lambda a, b, c, d: b == c,
    "t_metby": lambda a, b, c, d: a == d,
    "t_overlappedby": lambda a, b, c, d: and_(a > c, a < d, b > d),
    "t_overlaps": lambda a, b, c, d: and_(a < c, b > c, b < d),
    "t_startedby": lambda a, b, c, d: and_(a == c, b > d),
    "t_starts": lambda a, b, c, d: and_(a == c, b < d),
}
FUNCTIONS = set(_RELATIONS)
#: Those that instants can have too; the others need intervals on both sides (21-065, tables 7 and 8).
_OF_INSTANTS = {"t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"}


def relation(name: str, one: Period, other: Period) -> ColumnElement[bool]:
    """How two periods lie to each other. NULL where an end is missing that decides."""
    if name not in _OF_INSTANTS and (one.instant or other.instant):
        raise BadRequest(f"{name.upper()} compares two intervals: write INTERVAL(start, end) on both sides.")
    ends = [end for end in (one.start, one.end, other.start, other.end) if end]
    days = all(end.kind == "date" for end in ends)
    return _RELATIONS[name](*_ends(one, days=days), *_ends(other, days=days))
