"""Rows of every type that a filter can ask for, in a table of their own and in Python, and filters over them."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, date, datetime
from typing import Any

import shapely
from geoalchemy2 import Geometry, WKBElement
from hypothesis import strategies as st
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    select,
)  # fmt: skip

from app.geo import cql2

THING = Table(
    "thing", MetaData(), Column("id", Integer, primary_key=True), Column("name", Text(collation="en-x-icu")),
    Column("other", Text),
    Column("count", BigInteger), Column("size", Double), Column("open", Boolean), Column("day", Date),
    Column("began", DateTime(timezone=True)), Column("ended", DateTime(timezone=True)),
    Column("geom", Geometry(srid=4326, spatial_index=False)),
)  # fmt: skip
Index("ix_thing_geom", THING.c.geom, postgresql_using="gist")
Index("ix_thing_count", THING.c.count)

QUERYABLES = [
    cql2.Queryable("name", THING.c.name, "string", title="Name"),
    cql2.Queryable("other name", THING.c.other, "string"),
    cql2.Queryable("count", THING.c.count, "integer"),
    cql2.Queryable("size", THING.c.size, "number"),
    cql2.Queryable("open", THING.c.open, "boolean"),
    cql2.Queryable("day", THING.c.day, "date"),
    cql2.Queryable("began", THING.c.began, "timestamp"),
    cql2.Queryable("ended", THING.c.ended, "timestamp"),
    cql2.Queryable("geom", THING.c.geom, "geometry"),
]

NAMES = [
    "Straße", "STRASSE", "ΟΔΟΣ", "οδος", "café", "CAFE", "Ko\u0308ln", "Köln", "Kobenhavn", "København", "a%b", "a_b",
    "aXb", "a\\b", "it's", "", " ", "line\nbreak", "％", "Łódź", None,
]  # fmt: skip
_COUNTS = [0, 1, -1, 2, 7, 100, 2**53 + 1, None]
_SIZES = [0.0, 0.5, -1.25, 0.1, 3.75, 100.0, None]
_DAYS = [date(2022, 4, 16), date(2022, 4, 17), date(2000, 2, 29), None]
_MOMENTS = [
    datetime(2022, 4, 16, tzinfo=UTC), datetime(2022, 4, 16, 10, 13, 19, tzinfo=UTC),
    datetime(2022, 4, 16, 23, 59, 59, 999999, tzinfo=UTC), datetime(2022, 4, 17, 1, tzinfo=UTC), None,
]  # fmt: skip
_SHAPES = [
    "POINT (1 1)", "POINT (0 0)", "LINESTRING (0 0, 2 2)", "LINESTRING (2 0, 4 0)",
    "POLYGON ((0 0, 2 0, 2 2, 0 2, 0 0))", "POLYGON ((1 1, 3 1, 3 3, 1 3, 1 1))", "POLYGON ((2 0, 4 0, 4 2, 2 2, 2 0))",
    "POINT (179 1)", "POINT (-179 1)", None,
]  # fmt: skip


def _rows() -> Iterator[dict[str, Any]]:
    wheels: dict[str, list[Any]] = {
        "name": NAMES, "other": NAMES[3:] + NAMES[:3], "count": _COUNTS, "size": _SIZES, "open": [True, False, None],
        "day": _DAYS, "began": _MOMENTS, "ended": _MOMENTS[1:] + _MOMENTS[:1], "geom": _SHAPES,
    }  # fmt: skip
    turning = {name: itertools.cycle(values) for name, values in wheels.items()}
    for number in range(84):
        yield {"id": number} | {name: next(wheel) for name, wheel in turning.items()}


#: What the table holds, as Python has it; the queryable 'other name' is the column 'other'.
ROWS = [row | {"other name": row["other"], "geom": row["geom"] and shapely.from_wkt(row["geom"])} for row in _rows()]


@contextmanager
def things(url: str) -> Iterator[Connection]:
    """A connection to a database that holds the table and its rows."""
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        THING.create(connection)
        columns = THING.columns.keys()
        stored = [{name: row[name] for name in columns} for row in ROWS]
        for row in stored:
            row["geom"] = WKBElement(shapely.to_wkb(row["geom"]), srid=4326) if row["geom"] else None
        connection.execute(insert(THING), stored)
        yield connection
    engine.dispose()


def found(connection: Connection, expression: str, language: str = "cql2-text", **how: Any) -> list[int]:
    """The ids of the rows that the filter lets through."""
    where = cql2.condition(expression, QUERYABLES, language=language, **how)
    return list(connection.scalars(select(THING.c.id).where(where).order_by(THING.c.id)))


# ── filters by chance ───────────────────────────────────────────────────────────────────────


def _op(name: str, *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.tuples(*args).map(lambda found: {"op": name, "args": list(found)})


def _any_op(names: Sequence[str], *args: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.one_of([_op(name, *args) for name in names])


def _property(*names: str) -> st.SearchStrategy[Any]:
    return st.sampled_from([{"property": name} for name in names])


ORDER = ("=", "<>", "<", "<=", ">", ">=")
_WORDS = st.sampled_from([name for name in NAMES if name is not None] + ["k%", "K_ln", "%ß%", "%\\%%", "_", "%"])
_PATTERN = st.recursive(
    _WORDS.filter(lambda text: not text.endswith("\\")),
    lambda inner: _any_op(("casei", "accenti"), inner),
    max_leaves=2,
)
_TEXT = st.recursive(
    _property("name", "other name") | _WORDS, lambda inner: _any_op(("casei", "accenti"), inner), max_leaves=2
)
_NUMBER_LITERAL = st.sampled_from([0, 1, 2, -3, 7, 100, 0.5, 0.25, -1.25, 0.1, 2**53 + 1])
_PLAIN_NUMBER = _property("count", "size") | _NUMBER_LITERAL
_NUMBER = st.recursive(
    _PLAIN_NUMBER,
    lambda inner: st.one_of(
        _any_op(("+", "-", "*"), inner, inner),
        _op("/", inner, st.sampled_from([0, 2, -4, 5])),
        _any_op(("%", "div"), inner, inner),
        _op("^", st.sampled_from([0, 2, -3, 0.5, {"property": "size"}]), st.sampled_from([0, 1, 2])),
    ),
    max_leaves=4,
)
_DATE = st.sampled_from([{"date": day} for day in ("2022-04-16", "2022-04-17", "2000-02-29")])
_STAMPS = ("2022-04-16T00:00:00Z", "2022-04-16T10:13:19Z", "2022-04-16T23:59:59.999999Z", "2022-04-17T01:00:00Z")
_TIMESTAMP = st.sampled_from([{"timestamp": stamp} for stamp in _STAMPS])
_INSTANT = _property("day", "began", "ended") | _DATE | _TIMESTAMP
_ENDS = [
    (first, last)
    for texts in (("..", "2000-02-29", "2022-04-16", "2022-04-17", ".."), ("..", *_STAMPS, ".."))
    for first, last in itertools.combinations(texts, 2)
]
_PERIOD = st.sampled_from([{"interval": list(ends)} for ends in _ENDS]) | st.sampled_from(
    [
        {"interval": [{"property": first} if first != ".." else first, {"property": last} if last != ".." else last]}
        for first, last in (("began", "ended"), ("..", "ended"), ("began", ".."), ("day", "day"), ("day", "ended"))
    ]
)
_SPACE = ("contains", "crosses", "disjoint", "equals", "intersects", "overlaps", "touches", "within")
_SHAPE = st.sampled_from(
    [shapely.geometry.mapping(shapely.from_wkt(wkt)) for wkt in _SHAPES if wkt]
    + [{"bbox": box} for box in ([0, 0, 1, 1], [1, 1, 3, 3], [178, 0, -178, 2], [0, 0, 5, 2, 2, 9])]
    + [shapely.geometry.mapping(shapely.from_wkt("MULTIPOINT (1 1, 2 2)"))]
)  # fmt: skip
_ALWAYS = ("t_after", "t_before", "t_disjoint", "t_equals", "t_intersects")
_INTERVALS = (
    "t_contains", "t_during", "t_finishedBy", "t_finishes", "t_meets", "t_metBy", "t_overlappedBy", "t_overlaps",
    "t_startedBy", "t_starts",
)  # fmt: skip
_PREDICATE = st.one_of(
    _any_op(ORDER, _TEXT, _TEXT),
    _any_op(ORDER, _NUMBER, _NUMBER),
    _any_op(ORDER, _INSTANT, _INSTANT),
    _any_op(("=", "<>"), _property("open"), st.booleans()),
    _property("open"),
    st.booleans(),
    _op("like", _TEXT, _PATTERN),
    _op("between", _NUMBER, _NUMBER, _NUMBER),
    _op("between", _TEXT, _TEXT, _TEXT),
    _op("in", _TEXT, st.lists(_TEXT, min_size=1, max_size=3)),
    _op("in", _NUMBER, st.lists(_NUMBER, min_size=1, max_size=3)),
    _op("in", _INSTANT, st.lists(_INSTANT, min_size=1, max_size=3)),
    _op("isNull", st.one_of(_property("name", "count", "open", "day", "began", "geom"), _NUMBER, _TEXT)),
    _any_op([f"s_{name}" for name in _SPACE], _property("geom") | _SHAPE, _property("geom") | _SHAPE),
    _any_op(_ALWAYS, _INSTANT | _PERIOD, _INSTANT | _PERIOD),
    _any_op(_INTERVALS, _PERIOD, _PERIOD),
)
#: Filters that mean something, as nodes of CQL2 JSON.
FILTERS = st.recursive(
    _PREDICATE,
    lambda inner: st.one_of(
        _op("not", inner),
        _any_op(("and", "or"), inner, inner),
        _any_op(("and", "or"), inner, inner, inner),
        _any_op(("=", "<>"), inner, inner),
    ),
    max_leaves=4,
)


def as_text(node: Any) -> str:
    """A node written as CQL2 Text, with a bracket wherever one helps."""
    if isinstance(node, str):
        return "'" + node.replace("\\", "\\\\").replace("'", "''") + "'"
    if not isinstance(node, dict):
        return str(node).upper() if isinstance(node, bool) else repr(node)
    if "op" in node:
        return _operation(node["op"], node["args"])
    if "type" in node:
        return str(shapely.to_wkt(shapely.geometry.shape(node), rounding_precision=-1))
    ((key, said),) = node.items()
    if key == "property":
        return f'"{said}"'
    written = said if key == "bbox" else [as_text(end) for end in said] if key == "interval" else [as_text(said)]
    return f"{key.upper()}({', '.join(map(str, written))})"


def _operation(name: str, args: list[Any]) -> str:
    if name == "not":
        return f"NOT {_bracketed(args[0])}"
    if name == "isNull":
        return f"{_bracketed(args[0])} IS NULL"
    if name == "between":
        return f"{_bracketed(args[0])} BETWEEN {_bracketed(args[1])} AND {_bracketed(args[2])}"
    if name == "in":
        return f"{_bracketed(args[0])} IN ({', '.join(map(_bracketed, args[1]))})"
    if name.startswith(("s_", "t_", "casei", "accenti")):
        return f"{name.upper()}({', '.join(map(as_text, args))})"
    return f" {name.upper()} ".join(map(_bracketed, args))


def _bracketed(node: Any) -> str:
    """In brackets what is made of parts; a property or a literal stands as it is."""
    return f"({as_text(node)})" if isinstance(node, dict) and "op" in node else as_text(node)
