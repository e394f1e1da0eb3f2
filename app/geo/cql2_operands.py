"""What a CQL2 expression is made of once it is understood: operands of a known type, as SQL with bound values."""

import math
import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlalchemy import BigInteger, Boolean, Numeric, String, case, cast, collate, func, literal, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import Double

from app.errors import BadRequest

Kind = Literal["string", "number", "boolean", "date", "timestamp", "geometry"]
#: How an answer names the type of an operand.
WORDS: dict[Kind, str] = {
    "string": "text",
    "number": "a number",
    "boolean": "true or false",
    "date": "a date",
    "timestamp": "a time",
    "geometry": "a geometry",
}
#: The size of a number in a filter, which keeps every sum of such numbers within what PostgreSQL can reckon with.
MAX_NUMBER = 10**300
_SHOWN = 40
_PIECE = re.compile(r"[%_]|(?:[^%_\\]|\\.)+|\\", re.DOTALL)
_ESCAPED = re.compile(r"\\(.)", re.DOTALL)


@dataclass(frozen=True)
class Operand:
    """A value that a row has, or that the filter names.

    `said` names it in a message to the caller. `value` is what a literal says, and None for anything that depends on
    the row. `reckoned`: a number that was worked out, as NUMERIC, so that no sum can overflow.
    """

    kind: Kind
    said: str
    sql: ColumnElement[Any]
    value: Any = None
    reckoned: bool = False
    constant: bool = False


def shown(value: Any) -> str:
    """A literal as a message quotes it, cut to a readable length."""
    return cut(f"'{value}'" if isinstance(value, str) else str(value))


def cut(said: str) -> str:
    """At most a readable length of it, in characters that an answer can carry."""
    said = said[: _SHOWN + 1].encode(errors="replace").decode()
    return said if len(said) <= _SHOWN else f"{said[:_SHOWN]}…"


# ── literals ────────────────────────────────────────────────────────────────────────────────


def truth(value: bool) -> Operand:
    """TRUE or FALSE."""
    return Operand("boolean", str(value).upper(), literal(value, Boolean), value, constant=True)


def text(value: str) -> Operand:
    """A character literal."""
    return Operand("string", shown(value), literal(value, String), value, constant=True)


def number(value: int | float) -> Operand:
    """A numeric literal. Raises BadRequest when it is beyond MAX_NUMBER or not a number at all."""
    if (isinstance(value, float) and not math.isfinite(value)) or abs(value) > MAX_NUMBER:
        raise BadRequest("The filter has a number that is too large, infinite or not a number.")
    if isinstance(value, int) and -(2**63) <= value < 2**63:
        return Operand("number", shown(value), literal(value, BigInteger), value, constant=True)
    return Operand("number", shown(value), literal(_decimal(value), Numeric), value, constant=True)


def _decimal(value: int | float) -> Decimal:
    return Decimal(value) if isinstance(value, int) else Decimal(repr(value))


# ── arithmetic ──────────────────────────────────────────────────────────────────────────────


def exact(operand: Operand) -> ColumnElement[Any]:
    """A number as NUMERIC."""
    if operand.value is not None:
        return literal(_decimal(operand.value), Numeric)
    return operand.sql if operand.reckoned else cast(operand.sql, Numeric)


def reckon(operator: str, left: Operand, right: Operand) -> Operand:
    """The result of + - * / % div ^. What has no result (a division by zero, a root of less than nothing, a power
    beyond 10^300) is unknown for that row, as a missing value would be, and no failure of the whole request.

    + - * are exact; / has at least 16 digits; % and div cut towards zero; ^ has 15 digits.
    """
    for operand in (left, right):
        if operand.kind != "number":
            raise BadRequest(f"'{operator}' reckons with numbers, but {operand.said} is {WORDS[operand.kind]}.")
    a, b = exact(left), exact(right)
    match operator:
        case "+":
            result = a + b
        case "-":
            result = a - b
        case "*":
            result = a * b
        case "/":
            result = a / func.nullif(b, 0, type_=Numeric)
        case "%":
            result = func.mod(a, func.nullif(b, 0, type_=Numeric), type_=Numeric)
        case "div":
            result = func.div(a, func.nullif(b, 0, type_=Numeric), type_=Numeric)
        case _:
            result = _power(a, b)
    said = cut(f"{left.said} {operator} {right.said}")
    return Operand("number", said, result, reckoned=True, constant=left.constant and right.constant)


def _power(base: ColumnElement[Any], exponent: ColumnElement[Any]) -> ColumnElement[Any]:
    """Each branch is worked out only where those before it do not hold: that keeps power() from failing."""
    rough, roughly = cast(base, Double), cast(exponent, Double)
    whole_or_positive = (base > 0) | (exponent == func.trunc(exponent))
    bearable = func.abs(roughly) * func.abs(func.ln(func.abs(rough))) < 690  # e^690 is about 10^300
    result = case((whole_or_positive & bearable, cast(func.power(rough, roughly), Numeric)))
    within = func.abs(base).between(Decimal("1e-300"), Decimal("1e300")) & func.abs(exponent).between(
        Decimal("1e-300"), 1_000_000
    )
    return case(
        ((exponent == 0) & base.is_not(None), literal(Decimal(1), Numeric)),
        ((base == 0) & (exponent > 0), literal(Decimal(0), Numeric)),
        (within, result),
    )


# ── text ────────────────────────────────────────────────────────────────────────────────────


def _casei(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """Full case folding, by Unicode's own mappings whatever the database's locale: 'Straße' is 'STRASSE', every sigma
    is one. Beyond the standard's folding the dotless ı of Turkish is an i too.
    """
    folded = func.lower(func.upper(func.lower(collate(words, "und-x-icu"))))
    return collate(func.replace(folded, "ς", "σ"), "C")


def _accenti(words: ColumnElement[Any]) -> ColumnElement[Any]:
    """Without marks that Unicode can take off a letter (é) and those that PostgreSQL's unaccent knows (ø, ß)."""
    bare = func.regexp_replace(func.pg_catalog.normalize(words, "NFD"), "[\u0300-\u036f]", "", "g")
    return func.unaccent(func.pg_catalog.normalize(bare, "NFC"), type_=String)


_FOLDS = {"casei": _casei, "accenti": _accenti}


def fold(name: str, operand: Operand) -> Operand:
    """CASEI or ACCENTI of text; NULL of NULL. Raises BadRequest for anything but text."""
    if operand.kind != "string":
        raise BadRequest(f"{name.upper()} takes text, but {operand.said} is {WORDS[operand.kind]}.")
    sql = _FOLDS[name](operand.sql)
    said = cut(f"{name.upper()}({operand.said})")
    return Operand("string", said, _once(sql, operand.constant), constant=operand.constant)


def _once(sql: ColumnElement[Any], constant: bool) -> ColumnElement[Any]:
    """What depends on no row is worked out once for all rows: a subquery, as unaccent is not immutable."""
    return select(sql).scalar_subquery() if constant else sql


def like(words: Operand, pattern: str, folds: list[str]) -> ColumnElement[bool]:
    """Text LIKE a pattern with % and _ and the escape \\; `folds` are put around the pattern, innermost first.

    Only what stands between the wildcards is folded: ACCENTI turns a fullwidth ％ into a %, which must stay a letter.
    """
    if words.kind != "string":
        raise BadRequest(f"LIKE compares text, but {words.said} is {WORDS[words.kind]}.")
    found = pieces(pattern)
    if not folds:
        return words.sql.like(literal(pattern, String))
    parts = [_folded(piece, folds) for piece in found]
    return collate(words.sql, "C").like(_once(func.concat("", *parts), constant=True))


def pieces(pattern: str) -> list[str]:
    """The wildcards of a pattern and what stands between, as written. Raises BadRequest for a lone \\ at the end."""
    found = _PIECE.findall(pattern)
    if found and found[-1] == "\\":
        raise BadRequest("A LIKE pattern must not end with the escape character \\.")
    return found


def _folded(piece: str, folds: list[str]) -> ColumnElement[Any]:
    if piece in ("%", "_"):
        return literal(piece, String)
    part: ColumnElement[Any] = literal(_ESCAPED.sub(r"\1", piece), String)
    for name in folds:
        part = _FOLDS[name](part)
    return func.regexp_replace(part, r"([\\%_])", r"\\\1", "g", type_=String)
