"""What a client asks of /ogc: its parameters and the format of the answer, as OGC API Features Part 1 (7.15) has them.

Every fault is a BadRequest (400) that says what would be right; nothing here meets the database.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from math import isfinite

from fastapi import Request

from app import errors

JSON, HTML = "json", "html"
#: What each sort of answer is called; the first is what a client gets that does not mind.
PLAIN = {JSON: "application/json", HTML: "text/html"}
FEATURES = {JSON: "application/geo+json", HTML: "text/html"}
SCHEMA = {JSON: "application/schema+json", HTML: "text/html"}
DEFINITION = {JSON: "application/vnd.oai.openapi+json;version=3.0", HTML: "text/html"}
Media = Mapping[str, str]

DEFAULT_LIMIT = 100

_INSTANT = re.compile(
    r"\d{4}-\d\d-\d\d[Tt](?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d{1,12})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)",
    re.ASCII,
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?", re.ASCII)


def parameters(request: Request, known: Iterable[str]) -> dict[str, str]:
    """The query's parameters, all of them known and each given once (Part 1, /req/core/query-param-unknown)."""
    names = sorted({*known, "f"})
    found: dict[str, str] = {}
    for name, value in request.query_params.multi_items():
        if name not in names:
            raise errors.BadRequest(f"There is no parameter '{name[:60]}'. Known here: {', '.join(names)}.")
        if name in found:
            raise errors.BadRequest(f"The parameter '{name}' was given more than once.")
        if "\x00" in value:
            raise errors.BadRequest(f"The parameter '{name}' contains the NUL character.")
        found[name] = value
    return found


# ── format ──────────────────────────────────────────────────────────────────────────────────


def form(request: Request, media: Media) -> str:
    """Which of these formats to answer in: the one that `f` names, else the one that Accept likes best.

    Raises BadRequest for an `f` that is none of them, NotAcceptable where Accept leaves none.
    """
    given = request.query_params.getlist("f")
    if given:
        if given[0] not in media:
            raise errors.BadRequest(f"f takes: {', '.join(media)}.")
        return given[0]
    accepted = _accepted(request.headers.get("accept") or "*/*")
    weights = {name: _weight(kind.partition(";")[0], accepted) for name, kind in media.items()}
    best = max(weights, key=lambda name: weights[name])  # the first of several
    if not weights[best]:
        raise errors.NotAcceptable(f"This comes as {' or '.join(media.values())}.")
    return best


def wants_html(request: Request) -> bool:
    """Whether a fault is better told in a page."""
    given = request.query_params.getlist("f")
    if given:
        return given[0] == HTML
    accepted = _accepted(request.headers.get("accept") or "*/*")
    return _weight("text/html", accepted) > _weight("application/problem+json", accepted)


def _accepted(header: str) -> dict[str, float]:
    """Media range → weight (RFC 9110, 12.5.1); what cannot be understood is left out."""
    found: dict[str, float] = {}
    for part in header.lower().split(","):
        kind, *options = (piece.strip() for piece in part.split(";"))
        weight = next((option[2:] for option in options if option.startswith("q=")), "1")
        if "/" in kind and re.fullmatch(r"[01](\.\d{0,3})?", weight):
            found[kind] = max(min(float(weight), 1.0), found.get(kind, 0.0))
    return found or {"*/*": 1.0}


def _weight(kind: str, accepted: Mapping[str, float]) -> float:
    """How welcome a media type is; the closest range decides. Whoever takes JSON takes our kinds of it."""
    ranges = [kind, f"{kind.partition('/')[0]}/*", "*/*"]
    if kind.endswith("+json"):
        ranges.insert(1, "application/json")
    return next((accepted[one] for one in ranges if one in accepted), 0.0)


# ── numbers ─────────────────────────────────────────────────────────────────────────────────


def limit(value: str | None, most: int) -> int:
    """How many features to answer with; above the most it is cut (/req/core/fc-limit-response-1).

    Raises BadRequest for what is no whole number from 1 on.
    """
    if value is None:
        return min(DEFAULT_LIMIT, most)
    if not re.fullmatch(r"\d{1,18}", value, re.ASCII) or int(value) < 1:
        raise errors.BadRequest(f"limit is a whole number from 1 on; more than {most} is cut to {most}.")
    return min(int(value), most)


def corners(value: str) -> tuple[float, float, float, float]:
    """The two corners of a box in the order given; a third axis is checked and left out, for nothing here has heights.

    Raises BadRequest for anything but four or six plain numbers: NaN and infinity are none.
    """
    parts = [part.strip() for part in value.split(",")]
    numbers = [float(part) if _NUMBER.fullmatch(part) else float("nan") for part in parts]
    if len(numbers) not in (4, 6) or not all(isfinite(number) for number in numbers):
        raise errors.BadRequest("bbox is four numbers (or six, with heights) with commas between them.")
    if len(numbers) == 6:
        if numbers[2] > numbers[5]:
            raise errors.BadRequest("bbox is the wrong way round: its lower height comes third, its upper sixth.")
        return numbers[0], numbers[1], numbers[3], numbers[4]
    return numbers[0], numbers[1], numbers[2], numbers[3]


# ── time ────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Span:
    """A stretch of time; None is open."""

    begin: datetime | None
    end: datetime | None


def span(value: str) -> Span:
    """`datetime` as an instant, an interval, or one with an open end ('..' or nothing). A day stands for all of it.

    Raises BadRequest where it is none of these, or ends before it begins.
    """
    first, slash, last = value.partition("/")
    if not slash:
        return Span(*_ends(first))
    begin = None if first in ("", "..") else _ends(first)[0]
    end = None if last in ("", "..") else _ends(last)[1]
    if begin is None and end is None:
        raise errors.BadRequest("datetime is open on both sides. Leave it out, or give one end.")
    if begin and end and begin > end:
        raise errors.BadRequest("datetime ends before it begins.")
    return Span(begin, end)


def _ends(value: str) -> tuple[datetime, datetime]:
    try:
        if _DAY.fullmatch(value):
            begin = datetime.combine(date.fromisoformat(value), time(), UTC)
            return begin, begin + timedelta(days=1, microseconds=-1)
        at = instant(value)
        return at, at
    except (ValueError, OverflowError) as error:
        raise errors.BadRequest(
            "datetime is an instant (2026-05-01T18:00:00Z), a day, or an interval of two with '/' between; '..' is an "
            "open end."
        ) from error


def instant(value: str) -> datetime:
    """An RFC 3339 date-time. Raises ValueError."""
    if not _INSTANT.fullmatch(value):
        raise ValueError(value)
    whole = re.sub(r"(\.\d{6})\d+", r"\1", value.upper())
    return datetime.fromisoformat(whole)


# ── values ──────────────────────────────────────────────────────────────────────────────────


def value(name: str, text: str, kind: str, options: tuple[str, ...]) -> str | int | bool | date | datetime:
    """The value of a property's parameter, of the type that its schema says. Raises BadRequest for another."""
    if options and text not in options:
        raise errors.BadRequest(f"{name} takes: {', '.join(options)}.")
    if kind == "string":
        return text
    try:
        if kind == "integer" and re.fullmatch(r"[+-]?\d{1,9}", text, re.ASCII):
            return int(text)
        if kind == "boolean" and text in ("true", "false"):
            return text == "true"
        if kind == "date" and _DAY.fullmatch(text):
            return date.fromisoformat(text)
        if kind == "timestamp":
            return instant(text)
    except ValueError:
        pass
    raise errors.BadRequest(f"{name} takes {_KINDS[kind]}.")


_KINDS = {
    "integer": "a whole number", "boolean": "true or false", "date": "a day such as 2026-05-01",
    "timestamp": "an instant such as 2026-05-01T18:00:00Z", "number": "a number",
}  # fmt: skip
