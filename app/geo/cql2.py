"""CQL2, the query language of OGC API Features Part 3 (OGC 21-065), as conditions of SQLAlchemy.

A filter names queryables, and a queryable names its column: no name and no literal from outside ever becomes SQL text.
Everything that can be wrong with a filter is a BadRequest that says what; once `condition` has answered, the statement
cannot fail through the filter. Logic is three-valued: what a missing value makes unknown is not in the answer, nor is
its opposite.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NoReturn, cast

from sqlalchemy import SQLColumnExpression, and_, collate, not_, or_
from sqlalchemy.sql.elements import ColumnElement

from app.errors import BadRequest
from app.geo import cql2_operands, cql2_space, cql2_text, cql2_time
from app.geo.cql2_operands import WORDS, Kind, Operand, cut
from app.geo.cql2_space import CRS84, MAX_POSITIONS, Crs
from app.geo.cql2_text import MAX_DEPTH, MAX_NODES, Node

__all__ = ["CONFORMANCE", "CRS84", "LANGUAGES", "MAX_DEPTH", "MAX_LENGTH", "MAX_NODES", "MAX_POSITIONS"]
__all__ += ["Crs", "Queryable", "condition", "queryables_schema"]

LANGUAGES = ("cql2-text", "cql2-json")
#: The characters of a filter.
MAX_LENGTH = 50_000

#: The conformance classes of CQL2 that hold here. Arrays and functions of our own are not among them.
CONFORMANCE = tuple(
    f"http://www.opengis.net/spec/cql2/1.0/conf/{name}"
    for name in (
        "cql2-text", "cql2-json", "basic-cql2", "advanced-comparison-operators", "case-insensitive-comparison",
        "accent-insensitive-comparison", "basic-spatial-functions", "basic-spatial-functions-plus",
        "spatial-functions", "temporal-functions", "property-property", "arithmetic",
    )
)  # fmt: skip

QueryableType = Literal["string", "number", "integer", "boolean", "date", "timestamp", "geometry"]
_JSON_TYPES: dict[QueryableType, dict[str, str]] = {
    "string": {"type": "string"},
    "number": {"type": "number"},
    "integer": {"type": "integer"},
    "boolean": {"type": "boolean"},
    "date": {"type": "string", "format": "date"},
    "timestamp": {"type": "string", "format": "date-time"},
    "geometry": {"format": "geometry-any"},
}


@dataclass(frozen=True)
class Queryable:
    """A property that filters may name, by its exact name, and the column (or expression) that holds it.

    The column has the type that is declared: timestamps with time zone, geometries in EPSG:4326, numbers really
    numeric. `enum` tells clients which values there are; a filter for another one matches nothing.
    """

    name: str
    column: SQLColumnExpression[Any]
    type: QueryableType
    title: str = ""
    description: str = ""
    enum: tuple[str, ...] = ()
    format: str = ""


def queryables_schema(queryables: Iterable[Queryable], *, title: str, id: str) -> dict[str, Any]:  # noqa: A002
    """The queryables as JSON Schema 2020-12 (OGC 19-079, /req/queryables/get-queryables-response).

    `id` is the address of this document. The first geometry is marked as the one that a feature has.
    """
    properties: dict[str, dict[str, Any]] = {}
    for queryable in queryables:
        said = {"title": queryable.title, "description": queryable.description, "format": queryable.format}
        described: dict[str, Any] = _JSON_TYPES[queryable.type] | {key: text for key, text in said.items() if text}
        if queryable.enum:
            described["enum"] = list(queryable.enum)
        if queryable.type == "geometry" and not any("x-ogc-role" in other for other in properties.values()):
            described["x-ogc-role"] = "primary-geometry"
        properties[queryable.name] = described
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": id,
        "type": "object",
        "title": title,
        "properties": properties,
        "additionalProperties": False,
    }


def condition(
    expression: str, queryables: Iterable[Queryable], *, language: str = "cql2-text", crs: Crs = CRS84
) -> ColumnElement[bool]:
    """The filter as a condition for WHERE, with bound values only; true for exactly the rows that it lets through.

    `expression` is CQL2 Text, or the text of a CQL2 JSON document. `crs` is the system of its geometries.
    Raises BadRequest for a filter that cannot be read, names what is not queryable, compares what cannot be compared,
    or is larger than the limits published here.
    """
    if len(expression) > MAX_LENGTH:
        raise BadRequest(f"The filter has {len(expression)} characters; at most {MAX_LENGTH} are read.")
    if language == "cql2-text":
        node = cql2_text.parse(_sound(expression))
    elif language == "cql2-json":
        node = _parsed_json(_sound(expression))
    else:
        raise BadRequest(f"The filter language '{cut(language)}' is unknown. There are: {', '.join(LANGUAGES)}.")
    found = _Filter(queryables, crs).operand(node)
    if found.kind != "boolean":
        raise BadRequest(f"A filter is a condition, but {found.said} is {WORDS[found.kind]}.")
    return found.sql


def _parsed_json(text: str) -> Node:
    def refuse(constant: str) -> NoReturn:
        raise BadRequest(f"{constant} is not a number of JSON.")

    try:
        return json.loads(text, parse_constant=refuse)
    except RecursionError as error:
        raise BadRequest(f"The filter is nested more than {MAX_DEPTH} deep. Make it flatter.") from error
    except ValueError as error:
        raise BadRequest(f"The filter is not JSON: {error}.") from error


class _Filter:
    """The nodes of one filter, turned into operands from the leaves up."""

    def __init__(self, queryables: Iterable[Queryable], crs: Crs) -> None:
        self.queryables = {queryable.name: queryable for queryable in queryables}
        self.shapes = cql2_space.Shapes(crs)
        self.nodes = 0
        self.depth = 0

    def operand(self, node: Node) -> Operand:
        """What a node stands for."""
        self._count(1)
        if isinstance(node, Mapping):
            return self._object(node)
        if isinstance(node, bool):
            return cql2_operands.truth(node)
        if isinstance(node, int | float):
            return cql2_operands.number(node)
        if isinstance(node, str):
            return cql2_operands.text(_sound(node))
        if node is None:
            raise BadRequest("A missing value cannot be compared. Ask for it with IS NULL.")
        raise BadRequest("A list may only stand after IN: this service has no array functions.")

    def _object(self, node: Mapping[str, Node]) -> Operand:
        match node:
            case {"op": str(operator), "args": list(args), **rest} if not rest:
                return self._nested(operator, args)
            case {"type": _}:
                return self.shapes.geometry(node)
            case {"property": str(name), **rest} if not rest:
                return self._property(name)
            case {"bbox": numbers, **rest} if not rest:
                return self.shapes.bbox(numbers)
            case {"date": said, **rest} | {"timestamp": said, **rest} if not rest:
                return cql2_time.instant(said, next(iter(node)))
            case {"interval": _}:
                raise BadRequest("An interval may only stand in a temporal function, such as T_INTERSECTS.")
        raise BadRequest(f"An object with the members {cut(', '.join(node)) or '(none)'} is no expression of CQL2.")

    def _count(self, more: int) -> None:
        self.nodes += more
        if self.nodes > MAX_NODES:
            raise BadRequest(f"The filter has more than {MAX_NODES} operators, properties and values. Make it smaller.")

    def _property(self, name: str) -> Operand:
        queryable = self.queryables.get(name)
        if queryable is None:
            known = ", ".join(sorted(self.queryables))
            raise BadRequest(f"There is no queryable '{cut(name)}'. There are: {known}.")
        kind: Kind = "number" if queryable.type == "integer" else queryable.type
        return Operand(kind, f"'{name}'", cast(ColumnElement[Any], queryable.column))

    def _nested(self, operator: str, args: Sequence[Node]) -> Operand:
        reader = _OPERATORS.get(operator.lower())
        if reader is None:
            raise BadRequest(f"There is no operator or function '{cut(operator)}'. There are: {', '.join(_OPERATORS)}.")
        needed = _ARGUMENTS.get(operator.lower(), 2)
        if len(args) != needed and not (operator.lower() in ("and", "or") and len(args) > needed):
            raise BadRequest(f"{operator.upper()} takes {needed} operand{'s' * (needed > 1)}, not {len(args)}.")
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise BadRequest(f"The filter nests operators more than {MAX_DEPTH} deep. Make it flatter.")
        found = reader(self, operator.lower(), args)
        self.depth -= 1
        if isinstance(found, Operand):
            return found
        return Operand("boolean", cut(f"the condition with {operator.upper()}"), found)

    # ── conditions ──────────────────────────────────────────────────────────────────────────

    def _logic(self, operator: str, args: Sequence[Node]) -> ColumnElement[bool]:
        parts = [self.operand(arg) for arg in args]
        for part in parts:
            if part.kind != "boolean":
                raise BadRequest(f"{operator.upper()} takes conditions, but {part.said} is {WORDS[part.kind]}.")
        if operator == "not":
            return not_(parts[0].sql)
        return (and_ if operator == "and" else or_)(*(part.sql for part in parts))

    def _compared(self, operator: str, args: Sequence[Node]) -> ColumnElement[bool]:
        ordered = operator not in ("=", "<>")
        a, b = _comparable([self.operand(arg) for arg in args], ordered=ordered)
        return _COMPARE[operator](a, b)

    def _between(self, _: str, args: Sequence[Node]) -> ColumnElement[bool]:
        before = self.nodes
        value = self.operand(args[0])
        self._count(self.nodes - before)  # its SQL stands there twice
        low, high = (self.operand(arg) for arg in args[1:])
        (above, least), (below, most) = (_comparable([value, end], ordered=True) for end in (low, high))
        return and_(above >= least, below <= most)

    def _in(self, _: str, args: Sequence[Node]) -> ColumnElement[bool]:
        if not isinstance(args[1], list) or not args[1]:
            raise BadRequest("IN takes a list with something in it.")
        value, *items = (self.operand(arg) for arg in (args[0], *args[1]))
        if len({item.kind for item in items}) > 1:  # dates and timestamps, each on its own footing with the value
            return or_(*(a == b for a, b in (_comparable([value, item], ordered=False) for item in items)))
        first, *others = _comparable([value, *items], ordered=False)
        return first.in_(others)

    def _is_null(self, _: str, args: Sequence[Node]) -> ColumnElement[bool]:
        if isinstance(args[0], Mapping) and "interval" in args[0]:
            return self._period(args[0]).missing()
        return self.operand(args[0]).sql.is_(None)

    def _like(self, _: str, args: Sequence[Node]) -> ColumnElement[bool]:
        words, pattern, folds = self.operand(args[0]), args[1], list[str]()
        while isinstance(pattern, Mapping) and str(pattern.get("op")).lower() in ("casei", "accenti"):
            self._count(1)
            folds.insert(0, str(pattern["op"]).lower())
            inner = pattern.get("args")
            pattern = inner[0] if isinstance(inner, list) and len(inner) == 1 else None
        if not isinstance(pattern, str):
            raise BadRequest("The pattern of LIKE must be text, such as 'B_r%', or CASEI or ACCENTI of text.")
        self._count(len(cql2_operands.pieces(pattern)) if folds else 1)  # each piece is folded by itself
        return cql2_operands.like(words, _sound(pattern), folds)

    def _spatial(self, name: str, args: Sequence[Node]) -> ColumnElement[bool]:
        return cql2_space.relation(name, self.operand(args[0]), self.operand(args[1]))

    def _temporal(self, name: str, args: Sequence[Node]) -> ColumnElement[bool]:
        return cql2_time.relation(name, self._period(args[0]), self._period(args[1]))

    def _period(self, node: Node) -> cql2_time.Period:
        if not isinstance(node, Mapping) or "interval" not in node:
            return cql2_time.period(self.operand(node))
        ends = node["interval"]
        if len(node) != 1 or not isinstance(ends, list) or len(ends) != 2:
            raise BadRequest("An interval has two ends: INTERVAL(start, end), each a time, a property or '..'.")
        self._count(1)
        return cql2_time.interval(*(None if end == ".." else self.operand(end) for end in ends))

    # ── values ──────────────────────────────────────────────────────────────────────────────

    def _arithmetic(self, operator: str, args: Sequence[Node]) -> Operand:
        before = self.nodes
        left, right = self.operand(args[0]), self.operand(args[1])
        if operator == "^":  # its SQL repeats its operands, so they count five times
            self._count(4 * (self.nodes - before))
        return cql2_operands.reckon(operator, left, right)

    def _fold(self, name: str, args: Sequence[Node]) -> Operand:
        return cql2_operands.fold(name, self.operand(args[0]))


def _sound(text: str) -> str:
    """Text that the database can hold: JSON can write what is no character (a NUL, half of a surrogate pair)."""
    if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise BadRequest("The filter holds a NUL or half a character, which no text here can hold.")
    return text


def _comparable(operands: Sequence[Operand], *, ordered: bool) -> list[ColumnElement[Any]]:
    """Operands on one footing. Text beside a date or time is read as one; text is ordered by its code points."""
    if any(operand.kind in ("date", "timestamp") for operand in operands):
        return _instants(operands)
    first = operands[0]
    for operand in operands:
        if operand.kind != first.kind:
            pair = f"{first.said} is {WORDS[first.kind]} and {operand.said} is {WORDS[operand.kind]}"
            raise BadRequest(f"{pair}: they cannot be compared.")
    if first.kind == "geometry":
        raise BadRequest("Geometries are compared by the spatial functions, such as S_EQUALS.")
    if first.kind == "boolean" and ordered:
        raise BadRequest(f"{first.said} is {WORDS['boolean']}, which has no order: ask with = or <>.")
    if any(operand.reckoned for operand in operands):
        return [cql2_operands.exact(operand) for operand in operands]
    # Equal to a literal is the same in every collation, and an index on the column serves; all else needs a common one.
    if first.kind == "string" and (ordered or sum(operand.value is None for operand in operands) > 1):
        return [collate(operand.sql, "C") for operand in operands]
    return [operand.sql for operand in operands]


def _instants(operands: Sequence[Operand]) -> list[ColumnElement[Any]]:
    instants = [cql2_time.period(operand).start for operand in operands]
    known = [instant for instant in instants if instant]
    if len({instant.kind for instant in known}) == 1:
        return [instant.sql for instant in known]
    return [cql2_time.as_day(instant) for instant in known]


_COMPARE: dict[str, Callable[[Any, Any], ColumnElement[bool]]] = {
    "=": lambda a, b: a == b,
    "<>": lambda a, b: a != b,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_Reader = Callable[[_Filter, str, Sequence[Node]], Operand | ColumnElement[bool]]
_OPERATORS: dict[str, _Reader] = {
    **dict.fromkeys(("and", "or", "not"), _Filter._logic),
    **dict.fromkeys(_COMPARE, _Filter._compared),
    "between": _Filter._between,
    "in": _Filter._in,
    "like": _Filter._like,
    "isnull": _Filter._is_null,
    **dict.fromkeys(("casei", "accenti"), _Filter._fold),
    **dict.fromkeys(("+", "-", "*", "/", "%", "div", "^"), _Filter._arithmetic),
    **dict.fromkeys(sorted(cql2_space.FUNCTIONS), _Filter._spatial),
    **dict.fromkeys(sorted(cql2_time.FUNCTIONS), _Filter._temporal),
}
_ARGUMENTS = {"not": 1, "isnull": 1, "casei": 1, "accenti": 1, "between": 3}
