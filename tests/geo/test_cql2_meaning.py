"""Filters by chance: the database finds what plain Python finds, and nothing that anybody writes is a failure."""

import itertools
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import cql2 as package
import pytest
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, select

from app.errors import BadRequest
from app.geo import cql2, cql2_text
from tests.geo import cql2_oracle, cql2_world

if TYPE_CHECKING:
    from tests.conftest import Database

SLOW = [HealthCheck.too_slow]


@pytest.fixture(scope="module")
def things(module_database: "Database") -> Iterator[Connection]:
    with cql2_world.things(module_database.owner) as connection:
        yield connection


def _plainly(node: Any) -> Any:
    """A node as both parsers may give it: names of operators in one case, ANDs within ANDs as one, tuples as lists."""
    if isinstance(node, dict) and node.get("op") in ("and", "or"):
        args = [_plainly(arg) for arg in node["args"]]
        flat = [each for arg in args for each in (arg["args"] if _is(arg, node["op"]) else [arg])]
        return {"op": node["op"], "args": flat}
    if isinstance(node, dict):
        return {key: _plainly(each.lower() if key == "op" else each) for key, each in node.items()}
    return [_plainly(each) for each in node] if isinstance(node, list | tuple) else node


def _is(node: Any, op: str) -> bool:
    return isinstance(node, dict) and node.get("op") == op


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(cql2_world.FILTERS)
def test_the_database_and_python_find_the_same_rows(things: Connection, node: Any) -> None:
    expected = [row["id"] for row in cql2_world.ROWS if cql2_oracle.holds(node, row)]
    text = cql2_world.as_text(node)
    try:
        assert cql2_world.found(things, text) == expected, text
    except BadRequest as refusal:
        assert f"more than {cql2.MAX_NODES} operators" in refusal.detail
        reject()
    assert cql2_world.found(things, json.dumps(node), "cql2-json") == expected, text


_16, _17, _18 = "2022-04-16T00:00:00Z", "2022-04-17T01:00:00Z", "2022-04-18T00:00:00Z"
PERIODS: list[dict[str, Any]] = [
    {"interval": list(ends)}
    for ends in ((_16, _17), (_16, _18), (_17, _18), (_16, _16), ("..", _17), (_17, ".."), ("2022-04-16", "2022-04-17"))
]
BEGAN_TO_ENDED = {"interval": [{"property": "began"}, {"property": "ended"}]}
PAIRS = [*itertools.product(PERIODS, PERIODS), *((BEGAN_TO_ENDED, one) for one in PERIODS)]


@pytest.mark.parametrize("name", cql2_oracle._TEMPORAL)
def test_every_pair_of_periods_lies_as_python_says(things: Connection, name: str) -> None:
    nodes = [{"op": f"t_{name}", "args": list(pair)} for pair in PAIRS]
    wheres = [cql2.condition(json.dumps(node), cql2_world.QUERYABLES, language="cql2-json") for node in nodes]
    columns = [where.label(f"c{number}") for number, where in enumerate(wheres)]
    for row, answers in zip(
        cql2_world.ROWS,
        things.execute(select(*columns).order_by(cql2_world.THING.c.id).select_from(cql2_world.THING)),
        strict=True,
    ):
        assert list(answers) == [cql2_oracle.holds(node, row) for node in nodes]


@settings(max_examples=150, deadline=None, suppress_health_check=SLOW)
@given(cql2_world.FILTERS)
def test_text_is_read_as_it_was_meant_and_as_the_package_cql2_reads_it(node: Any) -> None:
    text = cql2_world.as_text(node)
    assert _plainly(cql2_text.parse(text)) == _plainly(node)
    if "\\" not in text and str(2**53 + 1) not in text:  # docs/decisions/0008
        assert _plainly(package.parse_text(text).to_json()) == _plainly(node)


#: Each on a line of its own where it holds a blank.
WORDS = r"""
( ) , = <> < >= + - * / % ^ AND OR NOT LIKE IN BETWEEN IS NULL TRUE FALSE DIV CASEI( ACCENTI( name count size open day
began geom 1 0 -1 1e299 5e-324 1E999 0.1 9999999999999999999999 'a' 'it''s' 'a\\' '％%_\_' '' '2022-04-16' '..'
DATE('2022-04-16') DATE('0000-01-01') TIMESTAMP('2022-04-16T10:13:19Z') S_INTERSECTS( S_EQUALS( T_AFTER( T_MEETS(
INTERVAL( POINT( POINT(1,2) BBOX(1,2,3,4) EMPTY "name" ' " ; -- é
"""
TOKENS = st.sampled_from([*WORDS.split(), "POINT(1 2)", "LINESTRING(0 0,0 0)", "\0", "\ud800"])


@st.composite
def _damaged(draw: st.DrawFn) -> str:
    """A filter that means something, with a few tokens put in, taken out or changed over."""
    words = cql2_world.as_text(draw(cql2_world.FILTERS)).split(" ")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(words) - 1))
        words[at : at + draw(st.integers(0, 1))] = draw(st.lists(TOKENS, max_size=2))
        words = words or [""]
    return " ".join(words)


NONSENSE = st.one_of(st.text(), st.lists(TOKENS, max_size=12).map(" ".join), _damaged())


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(NONSENSE)
def test_whatever_is_written_is_answered_or_refused(things: Connection, text: str) -> None:
    try:
        cql2_world.found(things, text)
    except BadRequest as refusal:
        assert len(refusal.detail.encode()) < 1000


LEAVES = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=3), st.sampled_from(["name", "..", "Point"])
)
KEYS = st.sampled_from(["op", "args", "property", "date", "timestamp", "interval", "bbox", "type", "coordinates", "x"])
ODD = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
OPERATORS = st.sampled_from(sorted({*cql2._OPERATORS, "a_equals", "avg", "", "and"}))
ODD_OPERATIONS = st.recursive(
    ODD | st.sampled_from([{"property": queryable.name} for queryable in cql2_world.QUERYABLES]),
    lambda inner: st.builds(lambda op, args: {"op": op, "args": args}, OPERATORS, st.lists(inner, max_size=3)),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None, suppress_health_check=SLOW)
@given(ODD_OPERATIONS)
def test_whatever_stands_in_json_is_answered_or_refused(things: Connection, node: Any) -> None:
    try:
        cql2_world.found(things, json.dumps(node), "cql2-json")
    except BadRequest as refusal:
        assert len(refusal.detail.encode()) < 1000


#: Numbers whose sums and powers leave every range that a database knows.
_HUGE = st.sampled_from(
    [1e299, -1e299, 5e-324, 1e-300, 0, -1, 0.5, 10**299, {"property": "size"}, {"property": "count"}]
)
_REACH = st.recursive(
    _HUGE,
    lambda inner: st.builds(
        lambda op, a, b: {"op": op, "args": [a, b]},
        st.sampled_from(["+", "-", "*", "/", "%", "div", "^"]),
        inner,
        inner,
    ),
    max_leaves=14,
)


@settings(max_examples=120, deadline=None, suppress_health_check=SLOW)
@given(st.sampled_from(cql2_world.ORDER), _REACH, _REACH)
def test_no_sum_is_too_large_for_the_database(things: Connection, op: str, left: Any, right: Any) -> None:
    try:
        cql2_world.found(things, json.dumps({"op": op, "args": [left, right]}), "cql2-json")
    except BadRequest as refusal:
        assert "more than 100 operators" in refusal.detail or "more than 20 deep" in refusal.detail
