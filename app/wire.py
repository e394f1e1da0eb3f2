"""Wire types shared by the routers: strict numbers and text, GeoJSON (RFC 7946), pages and cursors.

Coordinates are always longitude, latitude in degrees (WGS 84). Numbers are strict: `true` and "1.0" are no numbers,
NaN and infinity are no coordinates. Text refuses NUL, which PostgreSQL cannot store.
"""

import base64
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from math import isfinite
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from app.errors import Invalid

T = TypeVar("T")

MAX_POSITIONS = 5000
MAX_LATITUDE = 85.05


def _no_nul(value: str) -> str:
    if "\x00" in value:
        raise ValueError("Text must not contain the NUL character.")
    if any(0xD800 <= ord(c) <= 0xDFFF for c in value):
        raise ValueError("Text must not contain lone surrogates.")
    return value


def _one_line(value: str) -> str:
    if any(c in value for c in "\r\n\x0b\x0c\x85\u2028\u2029"):
        raise ValueError("This must be a single line.")
    return value


def http_url(value: str) -> str:
    """The address itself when a browser may safely be sent there; ValueError otherwise."""
    if not value.lower().startswith(("http://", "https://")) or any(c.isspace() or ord(c) < 32 for c in value):
        raise ValueError("An address must begin with http:// or https:// and contain no blanks.")
    return value


def _date_is_no_number(value: Any) -> Any:
    if isinstance(value, int | float) or (isinstance(value, str) and not re.match(r"\d{4}-\d\d-\d\d", value)):
        raise ValueError("Write it as RFC 3339: a day as 2026-05-01, an instant as 2026-05-01T18:00:00Z.")
    return value


def _number_is_no_text(value: Any) -> Any:
    if isinstance(value, str | bool):
        raise ValueError("This must be a number.")
    return value


def _within_a_calendar(value: datetime) -> datetime:
    # Nearer to the ends of what the types can hold, a time zone may push a value over the edge.
    if not 1000 <= value.year <= 2999:
        raise ValueError("An instant must lie in the years 1000 to 2999.")
    return value.astimezone(UTC)


def _text(**limits: Any) -> Any:
    return StringConstraints(strict=True, pattern=r"^[^\x00]*$", **limits)


Text = Annotated[str, _text(), AfterValidator(_no_nul)]
Line = Annotated[str, _text(strip_whitespace=True, min_length=1), AfterValidator(_no_nul), AfterValidator(_one_line)]
Url = Annotated[
    str, _text(strip_whitespace=True, max_length=500), AfterValidator(_no_nul), AfterValidator(http_url),
    Field(json_schema_extra={"format": "uri"}),
]  # fmt: skip
Instant = Annotated[AwareDatetime, BeforeValidator(_date_is_no_number), AfterValidator(_within_a_calendar)]
#: A decimal number; callers add its limits.
Number = Annotated[Decimal, BeforeValidator(_number_is_no_text)]
Day = Annotated[date, BeforeValidator(_date_is_no_number)]


class Wire(BaseModel):
    """What callers send: unknown fields are refused, so that a typing mistake is not silently lost."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class Reason(Wire):
    """Why a moderator does this; kept in history."""

    reason: Annotated[Text, Field(min_length=3, max_length=1000)]


class Out(BaseModel):
    """What we answer, read from rows and mapped objects alike."""

    model_config = ConfigDict(from_attributes=True)


# ── geometry ────────────────────────────────────────────────────────────────────────────────

Longitude = Annotated[float, Field(strict=True, ge=-180, le=180, allow_inf_nan=False)]
Latitude = Annotated[float, Field(strict=True, ge=-MAX_LATITUDE, le=MAX_LATITUDE, allow_inf_nan=False)]
Position = tuple[Longitude, Latitude]
Positions = Annotated[list[Position], Field(min_length=2, max_length=MAX_POSITIONS)]
Ring = Annotated[list[Position], Field(min_length=4, max_length=MAX_POSITIONS)]

Rings = Annotated[list[Ring], Field(min_length=1, max_length=100)]


class Point(Wire):
    type: Literal["Point"]
    coordinates: Position


class LineString(Wire):
    type: Literal["LineString"]
    coordinates: Positions


class MultiLineString(Wire):
    type: Literal["MultiLineString"]
    coordinates: Annotated[list[Positions], Field(min_length=1, max_length=100)]


class Polygon(Wire):
    type: Literal["Polygon"]
    coordinates: Rings


class MultiPolygon(Wire):
    type: Literal["MultiPolygon"]
    coordinates: Annotated[list[Rings], Field(min_length=1, max_length=100)]


Geometry = Annotated[Point | LineString | MultiLineString | Polygon | MultiPolygon, Field(discriminator="type")]


# ── pages ───────────────────────────────────────────────────────────────────────────────────


class PageLink(Out):
    """A link of RFC 8288 to another page of the same list."""

    rel: Literal["self", "next"]
    href: str
    type: str = "application/geo+json"


class Page(Out, Generic[T]):
    """A list of plain objects; `next` is the address of what follows, null at the end."""

    items: list[T]
    next: str | None = None


class Problem(Out):
    """RFC 9457 problem details, as every error answers."""

    type: str
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list[dict[str, Any]] | None = Field(None, description="For 422: what is wrong, and where in the request.")


def complaints(found: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Pydantic's errors as {loc, msg}: where and why, in words for a caller, never with the value."""
    return [{"loc": [str(part) for part in one["loc"]], "msg": _why(one)} for one in found]


def _why(one: Mapping[str, Any]) -> str:
    context = one.get("ctx", {})
    if one["type"] == "too_long" and isinstance(one.get("input"), str):
        return f"This may have at most {context['max_length']} characters."
    message: str = one["msg"].removeprefix("Value error, ")
    return message


class Cursor:
    """An opaque place in an ordered list: the sort it belongs to and the sort values of the last row seen."""

    @staticmethod
    def encode(sort: str, *values: object) -> str:
        """The cursor after a row with these sort values."""
        keys = [value.isoformat() if isinstance(value, datetime) else value for value in values]
        plain = json.dumps([sort, *keys], separators=(",", ":"), ensure_ascii=False)
        return base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")

    @staticmethod
    def decode(cursor: str, sort: str, *types: type) -> list[Any]:
        """The sort values of a cursor made for this sort. Raises Invalid for one of another list, or none of ours."""
        try:
            plain = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
            if not isinstance(plain, list) or plain[:1] != [sort] or len(plain) != len(types) + 1:
                raise ValueError(cursor)
            return [_cast(value, kind) for value, kind in zip(plain[1:], types, strict=True)]
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            raise Invalid("The cursor is not one of this list. Start again without it.") from error


def _cast(value: Any, kind: type) -> Any:
    if kind is datetime:
        return datetime.fromisoformat(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if kind is str and isinstance(value, str):
        return _no_nul(value)
    if kind is int and type(value) is int and -(2**63) <= value < 2**63:
        return value
    if kind is float and type(value) is float and isfinite(value):
        return value
    raise ValueError(value)
