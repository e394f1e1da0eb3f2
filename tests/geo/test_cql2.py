"""CQL2: what a filter means where it matters, what is refused in which words, how the database runs it."""

import json
import time
import unicodedata
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import Connection, String, func, literal, select, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.dialects.postgresql import psycopg

from app.errors import BadRequest
from app.geo import cql2, cql2_operands, cql2_space, crs
from app.models import Asset
from tests.geo import cql2_world
from tests.geo.cql2_world import ROWS, found

if TYPE_CHECKING:
    from sqlalchemy.ext.asyncio import AsyncSession

    from tests.conftest import Database


DIALECT = psycopg.dialect()  # type: ignore[no-untyped-call]


@pytest.fixture(scope="module")
def things(module_database: "Database") -> Iterator[Connection]:
    with cql2_world.things(module_database.owner) as connection:
        yield connection


def _names(things: Connection, expression: str) -> set[str]:
    return {ROWS[number]["name"] for number in found(things, expression)}


# ── text ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expression", "names"),
    [
        (r"name = 'it\'s'", {"it's"}),
        ("name = 'it''s'", {"it's"}),
        (r"name = 'line\nbreak'", {"line\nbreak"}),
        (r"name = 'a\\b'", {"a\\b"}),
        ("name LIKE 'a_b'", {"a%b", "a_b", "aXb", "a\\b"}),
        (r"name LIKE 'a\%b'", {"a%b"}),
        (r"name LIKE 'a\_b'", {"a_b"}),
        (r"name LIKE 'a\\\\b'", {"a\\b"}),
        ("CASEI(name) = CASEI('straSSe')", {"Straße", "STRASSE"}),
        ("CASEI(name) = CASEI('Οδος')", {"ΟΔΟΣ", "οδος"}),
        ("CASEI(name) LIKE CASEI('%STRAß%')", {"Straße", "STRASSE"}),
        ("ACCENTI(name) = ACCENTI('Koln')", {"Ko\u0308ln", "Köln"}),
        ("ACCENTI(CASEI(name)) = CASEI(ACCENTI('CAFÉ'))", {"café", "CAFE"}),
        ("ACCENTI(name) LIKE ACCENTI('Kø%')", {"Ko\u0308ln", "Köln", "Kobenhavn", "København"}),
        ("ACCENTI(name) LIKE ACCENTI('％')", {"％"}),  # unaccent makes it a %, which is no wildcard then
        ("name LIKE ''", {""}),
        ("name = CASEI('CAFÉ') AND name <> \"other name\"", {"café"}),  # the columns have different collations
        ("name > 'Ö' AND name < 'ο'", {"ΟΔΟΣ", "Łódź"}),  # by code points, whatever the database's locale
    ],
)
def test_text_is_compared_as_the_standard_says(things: Connection, expression: str, names: set[str]) -> None:
    assert _names(things, expression) == names


def test_case_is_folded_as_unicode_folds_it_but_for_one_letter(things: Connection) -> None:
    letters = [letter for letter in map(chr, range(1, 0x11000)) if unicodedata.category(letter) in ("Ll", "Lu", "Lt")]
    words = func.unnest(literal(letters, postgresql.ARRAY(String))).column_valued("word")
    folded = {row[0]: row[1] for row in things.execute(select(words, cql2_operands._casei(words)))}
    alike: dict[str, set[str]] = {}
    for letter in letters:
        alike.setdefault(letter.casefold(), set()).add(folded[letter])
    assert len(letters) > 2000
    assert [group for group in alike.values() if len(group) > 1] == []
    assert {letter for letter in letters if len(folded[letter]) == 1 and folded[letter] == "i"} == {"I", "i", "ı"}


# ── what is unknown ─────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("expression", ["count = 1", "name LIKE 'a%'", "open", "count IN (1, 2)", "count / 0 = 1"])
def test_a_row_that_lacks_the_value_is_in_neither_answer(things: Connection, expression: str) -> None:
    both = set(found(things, expression)) | set(found(things, f"NOT ({expression})"))
    missing = {"count": "count", "name": "name", "open": "open"}[expression.split()[0]]
    known = {row["id"] for row in ROWS if row[missing] is not None}
    assert both == (set() if "/" in expression else known)
    assert len(known) < len(ROWS)


@pytest.mark.parametrize(
    ("reckoning", "true"),
    [
        ("7 % 4 = 3", True), ("-7 % 4 = -3", True), ("7 div 2 = 3", True), ("-7 div 2 = -3", True),
        ("7 / 2 = 3.5", True),
        ("0.1 + 0.2 = 0.3", True), ("2 ^ 10 = 1024", True), ("2 ^ -1 = 0.5", True), ("-2 ^ 2 = 4", True),
        ("9007199254740993 = 9007199254740992", False), ("10 - 3 - 2 = 5", True), ("2 + 3 * 4 = 14", True),
        ("(2 + 3) * 4 = 20", True), ("0 ^ -1 = 0", False), ("-1 ^ 0.5 = 0", False), ("10 ^ 400 > 0", False),
        ("1 = 1.0", True), (".5 = 0.50", True), ("1e3 = 1000", True), ("NOT 1 / 0 = 1", False),
    ],
)  # fmt: skip
def test_numbers_are_reckoned_exactly_or_not_at_all(things: Connection, reckoning: str, true: bool) -> None:
    assert bool(found(things, reckoning)) is true


# ── time ────────────────────────────────────────────────────────────────────────────────────

THE_16TH = {ROWS[number]["began"] for number in range(3)}
THE_17TH = {ROWS[3]["began"]}


@pytest.mark.parametrize(
    ("expression", "moments"),
    [
        ("began = DATE('2022-04-16')", THE_16TH),  # a timestamp is compared with a date by its day
        ("began > DATE('2022-04-16')", THE_17TH),
        ("began BETWEEN DATE('2022-04-16') AND DATE('2022-04-17')", THE_16TH | THE_17TH),
        ("T_INTERSECTS(began, DATE('2022-04-16'))", THE_16TH),
        ("T_AFTER(began, DATE('2022-04-16'))", THE_17TH),
        ("T_EQUALS(began, DATE('2022-04-16'))", set()),
        ("T_DURING(INTERVAL(began, began), INTERVAL('2022-04-17', '..'))", THE_17TH),
        ("T_INTERSECTS(began, INTERVAL('..', '2022-04-16'))", THE_16TH),
        ("began IN ('2022-04-17T01:00:00Z', '2022-04-17T01:00:01Z')", THE_17TH),  # text beside a time is read as one
        ("began IN (TIMESTAMP('2022-04-17T00:00:00Z'), DATE('2022-04-16'))", THE_16TH),
        ("began BETWEEN TIMESTAMP('2022-04-17T00:30:00Z') AND DATE('2022-04-17')", THE_17TH),
        ("began = '2022-04-17T02:00:00+01:00'", THE_17TH),
        ("INTERVAL(began, day) IS NULL AND began IS NOT NULL AND day IS NOT NULL", set()),
    ],
)
def test_days_and_moments_meet(things: Connection, expression: str, moments: set[Any]) -> None:
    assert {ROWS[number]["began"] for number in found(things, expression)} == moments


# ── space ───────────────────────────────────────────────────────────────────────────────────


def test_a_filter_speaks_in_its_own_system(things: Connection) -> None:
    box = found(things, "S_INTERSECTS(geom, BBOX(1.6, 0.5, 5, 1.4))")
    assert box
    assert found(things, "S_INTERSECTS(geom, BBOX(0.5, 1.6, 1.4, 5))", crs=crs.WGS84) == box
    assert found(things, "S_INTERSECTS(geom, BBOX(178111, 55661, 556597, 155864))", crs=crs.WEB_MERCATOR) == box
    across = found(things, "S_INTERSECTS(geom, BBOX(178, 0, -178, 2))")
    assert {ROWS[number]["geom"].wkt for number in across} == {"POINT (179 1)", "POINT (-179 1)"}
    assert found(things, "S_INTERSECTS(geom, BBOX(0, 178, 2, -178))", crs=crs.WGS84) == across
    with pytest.raises(BadRequest, match="west of where it begins"):
        found(things, "S_INTERSECTS(geom, BBOX(5, 0, 1, 2))", crs=crs.WEB_MERCATOR)
    with pytest.raises(BadRequest, match=r"x runs from -180 to 180 .* written y, x"):
        found(things, "S_INTERSECTS(geom, POINT(100 10))", crs=crs.WGS84)


def test_a_straight_line_of_another_system_is_followed_where_it_goes(things: Connection) -> None:
    """The upper edge of a box in the National Grid is a curve of longitude and latitude, kilometres from the chord."""
    box = func.ST_MakeEnvelope(0, 0, 700_000, 600_000, 27700)
    exact = func.ST_Transform(func.ST_Segmentize(box, 100), 4326)
    ours = cql2_space.Shapes(crs.BRITISH_GRID).bbox([0, 0, 700_000, 600_000]).sql
    off, corners_only = (
        things.scalar(select(func.ST_Area(func.ST_SymDifference(exact, other))))
        for other in (ours, func.ST_Transform(box, 4326))
    )
    assert off is not None
    assert corners_only is not None
    assert off < 1e-4 < 0.01 < corners_only


def test_the_index_of_the_column_serves(things: Connection) -> None:
    things.execute(text("SET enable_seqscan = off"))
    for expression, index in (
        ("S_INTERSECTS(geom, BBOX(0, 0, 1, 1))", "ix_thing_geom"),
        ("S_WITHIN(geom, POLYGON((0 0, 1 0, 1 1, 0 0)))", "ix_thing_geom"),
        ("count = 7", "ix_thing_count"),
        ("count > 5 AND count <= 7", "ix_thing_count"),
    ):
        for system in (crs.CRS84, crs.BRITISH_GRID) if "POLYGON" not in expression else (crs.CRS84,):
            where = cql2.condition(expression, cql2_world.QUERYABLES, crs=system)
            asked = select(cql2_world.THING.c.id).where(where).compile(dialect=DIALECT)
            rows = things.exec_driver_sql(f"EXPLAIN {asked}", asked.params)
            plan = "\n".join(row[0] for row in rows)
            assert f"Index Scan using {index}" in plan or f"Bitmap Index Scan on {index}" in plan, plan
    things.execute(text("RESET enable_seqscan"))


# ── what is refused ─────────────────────────────────────────────────────────────────────────

REFUSED = [
    ("", "ends where a value is expected"),
    ("name = ", "ends where a value is expected"),
    ("name = 'a' AND", "ends where a value is expected"),
    ("name == 'a'", "At character 7 of the filter, before =, a value is expected"),
    ("name = 'a' name", "At character 12 of the filter, before name, AND, OR or the end is expected"),
    ("name = 'a", "from character 8 on: the quotation mark ' is never closed"),
    ("name = 'a'; DROP TABLE thing", "';' has no meaning here"),
    ("(name = 'a'", "ends where a closing bracket is expected"),
    ("1 < count < 3", "comparisons cannot be strung together"),
    ("count = 2^3^2", "a bracket that says which power comes first"),
    ("name NOT = 'a'", "LIKE, BETWEEN or IN is expected"),
    ("name = NULL", "ask for missing values with IS NULL"),
    ("nom = 'a'", "no queryable 'nom'. There are: began, count, day, ended, geom, name, open, other name, size."),
    ("NAME = 'a'", "no queryable 'NAME'"),
    ("name", "A filter is a condition, but 'name' is text."),
    ("count + 1", "A filter is a condition, but 'count' + 1 is a number."),
    ("avg(count) = 1", "no operator or function 'avg'"),
    ("A_CONTAINS(name, ('a', 'b'))", "expected"),
    ("name = 1", "'name' is text and 1 is a number: they cannot be compared."),
    ("open > 1", "'open' is true or false and 1 is a number: they cannot be compared."),
    ("geom = 'POINT(1 1)'", "'geom' is a geometry and"),
    ("geom = geom", "Geometries are compared by the spatial functions"),
    ("count IN (1, 'a')", "they cannot be compared"),
    ("name + 1 = 2", "'+' reckons with numbers, but 'name' is text."),
    ("CASEI(count) = 'a'", "CASEI takes text, but 'count' is a number."),
    ("count LIKE '1%'", "LIKE compares text, but 'count' is a number."),
    ("name LIKE name", "The pattern of LIKE must be text"),
    (r"name LIKE 'a\\'", "must not end with the escape character"),
    ("name AND open", "AND takes conditions, but 'name' is text."),
    ("count = 1e400", "too large, infinite or not a number"),
    ("count = " + "9" * 301, "a number of 301 digits"),
    ("S_INTERSECTS(geom, name)", "S_INTERSECTS compares geometries, but 'name' is text."),
    ("S_INTERSECTS(geom)", "S_INTERSECTS takes 2 operands, not 1."),
    ("S_INTERSECTS(geom, POINT(NaN 1))", "a number is expected"),
    ("S_INTERSECTS(geom, POINT(200 1))", "is out of bounds: x runs from -180 to 180"),
    ("S_INTERSECTS(geom, POINT(1))", "a number is expected"),
    ("S_INTERSECTS(geom, POINT(1 2 3 4))", "two or three numbers"),
    ("S_INTERSECTS(geom, POINT EMPTY)", "POINT EMPTY has no place"),
    ("S_INTERSECTS(geom, POINT M(1 2 3))", "measures have no meaning here"),
    ("S_INTERSECTS(geom, LINESTRING(1 1))", "The LineString cannot be drawn"),
    ("S_INTERSECTS(geom, LINESTRING(1 1, 1 1))", "more different positions"),
    ("S_INTERSECTS(geom, POLYGON((0 0, 1 1, 1 0, 0 1, 0 0)))", "crosses itself near 0.5, 0.5"),
    ("S_INTERSECTS(geom, POLYGON((0 0, 1 1, 1 0)))", "must end where it begins"),
    ("S_INTERSECTS(geom, GEOMETRYCOLLECTION(GEOMETRYCOLLECTION(POINT(1 1))))", "a geometry that is no collection"),
    ("S_INTERSECTS(geom, BBOX(0, 0, 1))", "BBOX takes 4 numbers"),
    ("S_INTERSECTS(geom, BBOX(0, 2, 1, 1))", "south of where it begins"),
    ("day = DATE('2020-13-45')", "There is no day 2020-13-45."),
    ("day = DATE('2023-02-29')", "There is no day 2023-02-29."),
    ("day = DATE('20230228')", "'20230228' is not a date like '2022-04-16'."),
    ("day = 'tomorrow'", "'tomorrow' is not a date like '2022-04-16' or a time like"),
    ("began = TIMESTAMP('2022-04-16T25:00:00Z')", "There is no time '2022-04-16T25:00:00Z'."),
    ("began = TIMESTAMP('2022-04-16T10:00:00')", "is not a time like"),
    ("day = 1", "A time is expected, but 1 is a number."),
    ("T_AFTER(name, DATE('2022-04-16'))", "A time is expected, but 'name' is text."),
    ("T_DURING(began, INTERVAL('2022-04-16', '..'))", "T_DURING compares two intervals"),
    ("T_AFTER(began, INTERVAL('2022-04-16', '2022-04-15'))", "ends (2022-04-15) before it begins (2022-04-16)"),
    ("T_AFTER(began, INTERVAL('2022-04-16'))", "An interval has two ends"),
    ("began = INTERVAL('2022-04-16', '..')", "An interval may only stand in a temporal function"),
]


@pytest.mark.parametrize(("expression", "says"), REFUSED, ids=[expression[:50] for expression, _ in REFUSED])
def test_what_is_wrong_is_said(expression: str, says: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        cql2.condition(expression, cql2_world.QUERYABLES)
    assert says in refusal.value.detail


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("", "not JSON"), ("{", "not JSON"), ("NaN", "NaN is not a number"), ("null", "IS NULL"), ("[]", "after IN"),
        ("{}", "(none) is no expression"), ('{"op": "=", "args": [1, 1], "x": 1}', "op, args, x is no expression"),
        ('{"op": "and", "args": [true]}', "AND takes 2 operands, not 1"),
        ('{"op": "a_equals", "args": [[], []]}', "no operator"),
        ('{"property": ["name"]}', "property is no expression"), ('"\\ud800"', "half a character"),
        ('{"op": "=", "args": [1, 1e999]}', "infinite"), ('{"op": "in", "args": [1, []]}', "IN takes a list"),
        ('{"op": "s_within", "args": [1, {"type": "Point", "coordinates": [1, true]}]}', "two or three numbers"),
        ('{"op": "s_within", "args": [1, {"type": "Polygon", "coordinates": []}]}', "empty or broken"),
        ('{"op": "s_within", "args": [1, {"type": "Point"}]}', "A position is two or three numbers"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_json_is_said(document: str, says: str) -> None:
    with pytest.raises(BadRequest) as refusal:
        cql2.condition(document, cql2_world.QUERYABLES, language="cql2-json")
    assert says in refusal.value.detail


def test_another_language_is_refused_with_the_ones_there_are() -> None:
    with pytest.raises(BadRequest, match="There are: cql2-text, cql2-json"):
        cql2.condition("true", cql2_world.QUERYABLES, language="ecql")


# ── limits ──────────────────────────────────────────────────────────────────────────────────


def _within(things: Connection, expression: str) -> bool:
    try:
        found(things, expression)
    except BadRequest as refusal:
        assert "more than" in refusal.detail or "at most" in refusal.detail
        return False
    return True


@pytest.mark.parametrize(
    "build",
    [
        lambda over: "(" * (cql2.MAX_DEPTH + over) + "open" + ")" * (cql2.MAX_DEPTH + over),
        lambda over: "NOT " * (cql2.MAX_DEPTH + over) + "open",
        lambda over: f"count IN ({', '.join('1' for _ in range(cql2.MAX_NODES - 2 + over))})",
        lambda over: f"size ^ (size ^ {'(size ^ size)' if over else 'size'}) = 1",  # each repeats its operands
        lambda over: f"{' + '.join(['size ^ size'] * 4)}{' + size' * over} BETWEEN 1 AND 2",  # repeats its value
        lambda over: f"name LIKE CASEI('{'%a' * (cql2.MAX_NODES // 2 - 2)}{'%' * (over + 1)}')",
        lambda over: "name = '" + "a" * (cql2.MAX_LENGTH - 9 + over) + "'",
        lambda over: (
            f"S_WITHIN(geom, MULTIPOINT({','.join(f'{i % 180} 1' for i in range(cql2.MAX_POSITIONS + over))}))"
        ),
    ],
    ids=["brackets", "depth", "nodes", "powers", "betweens", "pieces of a pattern", "length", "positions"],
)
def test_each_limit_holds_on_both_sides(things: Connection, build: Any) -> None:
    assert (_within(things, build(0)), _within(things, build(1))) == (True, False)


@pytest.mark.parametrize(
    "attack",
    [
        "(" * 50_000, "(" * 20 + "name = 'a' name" + ")" * 20, "NOT " * 12_000 + "open", "- " * 25_000, "1+" * 25_000,
        "CASEI(" * 8_000, "'" * 49_999, '"' * 49_999, "count IN (" + "1," * 20_000, "\\" * 50_000, " " * 50_000,
        "GEOMETRYCOLLECTION(" * 2_000, "((1," * 12_000,
    ],
    ids=lambda attack: attack[:10],
)  # fmt: skip
def test_no_text_takes_long_to_refuse(attack: str) -> None:
    began = time.process_time()
    with pytest.raises(BadRequest):
        cql2.condition(attack, cql2_world.QUERYABLES)
    str(cql2.condition(f"name LIKE '{'%_a' * 16_000}'", cql2_world.QUERYABLES).compile(dialect=DIALECT))
    assert time.process_time() - began < 0.5


def test_true_and_false_have_no_order() -> None:
    with pytest.raises(BadRequest, match="no order"):
        cql2.condition("(open BETWEEN FALSE AND TRUE) BETWEEN FALSE AND TRUE", cql2_world.QUERYABLES)


def test_no_json_takes_long_or_deep_to_refuse() -> None:
    for attack in ("[" * 50_000, '{"op":"not","args":[' * 2_400, '{"a":' * 10_000 + "1" + "}" * 10_000):
        began = time.process_time()
        with pytest.raises(BadRequest):
            cql2.condition(attack, cql2_world.QUERYABLES, language="cql2-json")
        assert time.process_time() - began < 0.5


# ── for those who build on it ───────────────────────────────────────────────────────────────


def test_nothing_from_outside_is_in_the_statement() -> None:
    expression = (
        "\"other name\" = 'SECRET1' AND name LIKE CASEI('SECRET2%') AND count IN (424242, size ^ 434343) AND began > "
        "TIMESTAMP('2044-01-01T00:00:00Z') AND T_BEFORE(day, INTERVAL('2045-01-01', '..')) AND "
        "S_INTERSECTS(geom, POINT(46.5 47.5)) AND ACCENTI(name) IN ('SECRET3')"
    )
    statement = str(cql2.condition(expression, cql2_world.QUERYABLES).compile(dialect=DIALECT))
    assert [said for said in ("SECRET", "4242", "4343", "2044", "2045", "46", "47") if said in statement] == []
    assert "unaccent(" in statement


def test_the_queryables_are_described_as_json_schema() -> None:
    kinds = cql2.Queryable("kind", Asset.kind, "string", description="What it is.", enum=("idea", "offer"))
    point = cql2.Queryable("anchor", Asset.anchor, "geometry", format="geometry-point")
    schema = cql2.queryables_schema([*cql2_world.QUERYABLES, kinds, point], title="Things", id="https://a.example/q")
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert (schema["$id"], schema["type"], schema["title"]) == ("https://a.example/q", "object", "Things")
    assert schema["additionalProperties"] is False
    assert schema["properties"] == {
        "name": {"type": "string", "title": "Name"},
        "other name": {"type": "string"},
        "count": {"type": "integer"},
        "size": {"type": "number"},
        "open": {"type": "boolean"},
        "day": {"type": "string", "format": "date"},
        "began": {"type": "string", "format": "date-time"},
        "ended": {"type": "string", "format": "date-time"},
        "geom": {"format": "geometry-any", "x-ogc-role": "primary-geometry"},
        "kind": {"type": "string", "description": "What it is.", "enum": ["idea", "offer"]},
        "anchor": {"format": "geometry-point"},
    }
    json.dumps(schema)


async def test_assets_are_filtered_by_columns_and_by_what_is_in_their_details(session: "AsyncSession") -> None:
    session.add(
        Asset(kind="service", title="Café Ölberg", details={"hours": "9 to 5"}, geom="SRID=4326;POINT(-0.1 51.5)")
    )
    session.add(Asset(kind="place", title="Garden", details={}))
    await session.flush()
    queryables = [
        cql2.Queryable("title", Asset.title, "string"),
        cql2.Queryable("hours", Asset.details["hours"].astext, "string"),
        cql2.Queryable("thanks", Asset.appreciation_count, "integer"),
        cql2.Queryable("created", Asset.created_at, "timestamp"),
        cql2.Queryable("geometry", Asset.geom, "geometry"),
    ]
    for expression, titles in {
        "ACCENTI(CASEI(title)) LIKE ACCENTI(CASEI('cafe o%'))": {"Café Ölberg"},
        "hours LIKE '9%' AND S_WITHIN(geometry, BBOX(-1, 51, 1, 52)) AND thanks = 0": {"Café Ölberg"},
        "hours IS NULL OR NOT S_DISJOINT(geometry, POINT(-0.1 51.5))": {"Café Ölberg", "Garden"},
        "created > DATE('2020-01-01') AND thanks + 1 > thanks * 2": {"Café Ölberg", "Garden"},
        "hours <> '9 to 5'": set(),
    }.items():
        where = cql2.condition(expression, queryables)
        assert set(await session.scalars(select(Asset.title).where(where))) == titles
