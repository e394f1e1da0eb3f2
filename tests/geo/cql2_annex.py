"""The predicates that annex A of the CQL2 standard tries on its three layers, and how many features each must find.

From OGC 21-065, © Open Geospatial Consortium.
"""

from typing import NamedTuple


class Try(NamedTuple):
    """One predicate of the annex."""

    layer: str
    filter: str
    rows: int


def _of(layer: str, *pairs: tuple[str, int]) -> list[Try]:
    return [Try(layer, predicate, count) for predicate, count in pairs]


AT = "TIMESTAMP('2022-04-16T10:13:19Z')"
DAY = "DATE('2022-04-16')"
SQUARE = "POLYGON((0 40,10 40,10 50,0 50,0 40))"
WEST = "POLYGON((-180 -90, -90 -90, -90 90, -180 90, -180 -90), (-120 -50, -100 -50, -100 -40, -120 -40, -120 -50))"
TEN = "POLYGON((0 0, 10 0, 10 10, 0 10, 0 0))"
LUX_1, LUX_2 = "6.043073357781111 50.128051662794235", "6.242751092156993 49.90222565367873"
LUX = (
    f"POLYGON(({LUX_1},{LUX_2},6.186320428094177 49.463802802114515,5.897759230176348 49.44266714130711,"
    f"5.674051954784829 49.529483547557504,5.782417433300907 50.09032786722122,{LUX_1}))"
)
YEAR = "interval('2022-01-01','2022-12-31')"
YEAR_Z = "interval('2022-01-01T00:00:00Z','2022-12-31T23:59:59Z')"
MINUTES = "interval('2022-04-16T10:13:19Z','2022-04-16T10:15:10Z')"
SHORTER = "interval('2022-04-16T10:13:19Z','2022-04-16T10:15:09Z')"
LONGER = "interval('2022-04-16T10:13:19Z','2022-04-16T10:16:06Z')"
SE = "interval(start,end)"
FIVE = "('Kiev','kobenhavn','Berlin','athens','foo')"
FOLDED = ", ".join(f"accenti(casei('{name}'))" for name in ("Kiev", "kobenhavn", "Berlin", "athens", "foo"))
POPS = "(1038288,1611692,3013258,3013257,3013259)"
SUMS = "(1000000+38288,1000000+600000+11692,3*1000000+13258,3*1000000+13257,30*100000+13259)"

# ── A.2 to A.5: comparisons ─────────────────────────────────────────────────────────────────

COMPARISONS = [
    *_of(
        "countries",
        ("NAME='Luxembourg'", 1), ("NAME>='Luxembourg'", 84), ("NAME>'Luxembourg'", 83),
        ("NAME<='Luxembourg'", 94), ("NAME<'Luxembourg'", 93), ("NAME<>'Luxembourg'", 176),
        ("POP_EST=37589262", 1), ("POP_EST>=37589262", 39), ("POP_EST>37589262", 38),
        ("POP_EST<=37589262", 139), ("POP_EST<37589262", 138), ("POP_EST<>37589262", 176),
    ),
    *_of(
        "places",
        ("name IS NOT NULL", 243), ("name IS NULL", 0), ("name='København'", 1), ("name>='København'", 137),
        ("name>'København'", 136), ("name<='København'", 107), ("name<'København'", 106), ("name<>'København'", 242),
        ("pop_other IS NOT NULL", 243), ("pop_other IS NULL", 0), ("pop_other=1038288", 1),
        ("pop_other>=1038288", 123), ("pop_other>1038288", 122), ("pop_other<=1038288", 121),
        ("pop_other<1038288", 120), ("pop_other<>1038288", 242),
        ('"date" IS NOT NULL', 3), ('"date" IS NULL', 240), (f'"date"={DAY}', 1), (f'"date">={DAY}', 2),
        (f'"date">{DAY}', 1), (f'"date"<={DAY}', 2), (f'"date"<{DAY}', 1), (f'"date"<>{DAY}', 2),
        ("start IS NOT NULL", 3), ("start IS NULL", 240), (f"start={AT}", 1), (f"start<={AT}", 2),
        (f"start<{AT}", 1), (f"start>={AT}", 2), (f"start>{AT}", 1), (f"start<>{AT}", 2),
        ("boolean IS NOT NULL", 3), ("boolean IS NULL", 240), ("boolean=true", 2), ("boolean=false", 1),
        ("name LIKE 'B_r%'", 3), ("name NOT LIKE 'B_r%'", 240),
        ("pop_other between 1000000 and 3000000", 75), ("pop_other not between 1000000 and 3000000", 168),
        (f"name IN {FIVE}", 2), (f"name NOT IN {FIVE}", 241), (f"pop_other in {POPS}", 3),
        (f"pop_other not in {POPS}", 240),
        ("\"date\" in (DATE('2021-04-16'),DATE('2022-04-16'),DATE('2022-04-18'))", 2),
        ("\"date\" not in (DATE('2021-04-16'),DATE('2022-04-16'),DATE('2022-04-18'))", 1),
        (f"start in ({AT})", 1), (f"start not in ({AT})", 2), ("boolean in (true)", 2), ("boolean not in (false)", 2),
        ("CASEI(name)=casei('KIEV')", 1), ("CASEI(name)=casei('kiev')", 1), ("CASEI(name)=casei('Kiev')", 1),
        ("CASEI(name)=casei('København')", 1), ("CASEI(name)=casei('københavn')", 1),
        ("CASEI(name)=casei('KØBENHAVN')", 1), ("CASEI(name) LIKE casei('B_r%')", 3),
        ("CASEI(name) LIKE casei('b_r%')", 3), ("CASEI(name) LIKE casei('B_R%')", 3),
        ("CASEI(name) IN (casei('Kiev'), casei('kobenhavn'), casei('Berlin'), casei('athens'), casei('foo'))", 3),
        ("ACCENTI(name)=accenti('København')", 1), ("ACCENTI(name)=accenti('Kobenhavn')", 1),
        ("ACCENTI(name)=accenti('Kiev')", 1), ("ACCENTI(CASEI(name))=accenti(casei('københavn'))", 1),
        ("ACCENTI(CASEI(name))=accenti(casei('kobenhavn'))", 1),
        ("ACCENTI(CASEI(name))=accenti(casei('KOBENHAVN'))", 1),
        ("ACCENTI(CASEI(name))=accenti(casei('KØBENHAVN'))", 1), ("ACCENTI(name) LIKE accenti('Ko%')", 2),
        ("ACCENTI(CASEI(name)) LIKE accenti(casei('kØ%'))", 2), ("ACCENTI(CASEI(name)) LIKE accenti(casei('kO%'))", 2),
        (f"ACCENTI(CASEI(name)) IN ({FOLDED})", 4),
    ),
]  # fmt: skip

# ── A.7 to A.9: space ───────────────────────────────────────────────────────────────────────

SPATIAL = [
    *_of(
        "countries",
        ("S_INTERSECTS(geom,BBOX(0,40,10,50))", 8), ("S_INTERSECTS(geom,BBOX(150,-90,-150,90))", 10),
        ("S_INTERSECTS(geom,POINT(7.02 49.92))", 1),
        ("S_INTERSECTS(geom,BBOX(0,40,10,50)) and S_INTERSECTS(geom,BBOX(5,50,10,60))", 3),
        ("S_INTERSECTS(geom,BBOX(0,40,10,50)) and not S_INTERSECTS(geom,BBOX(5,50,10,60))", 5),
        ("S_INTERSECTS(geom,BBOX(0,40,10,50)) or S_INTERSECTS(geom,BBOX(-90,40,-60,50))", 10),
        ("S_INTERSECTS(geom,LINESTRING(-180 -45, 0 -45))", 2),
        ("S_INTERSECTS(geom,MULTILINESTRING((-180 -45, 0 -45), (0 45, 180 45)))", 14),
        (f"S_INTERSECTS(geom,{WEST})", 8),
        (f"S_INTERSECTS(geom,MULTIPOLYGON({WEST[7:]},{TEN[7:]}))", 15),
        (f"S_INTERSECTS(geom,GEOMETRYCOLLECTION(POINT(7.02 49.92), {TEN}))", 8),
        (f"S_INTERSECTS(geom,{WEST}) or S_INTERSECTS(geom,{TEN})", 15),
        (f"S_INTERSECTS(geom,{WEST}) and not S_INTERSECTS(geom,POLYGON((-130 0, 0 0, 0 50, -130 50, -130 0)))", 3),
        (f"S_INTERSECTS(geom,{SQUARE})", 8), ("S_INTERSECTS(geom,LINESTRING(0 40,10 50))", 4),
        ("S_DISJOINT(geom,BBOX(0,40,10,50))", 169), (f"S_DISJOINT(geom,{SQUARE})", 169),
        ("S_DISJOINT(geom,LINESTRING(0 40,10 50))", 173), ("S_DISJOINT(geom,POINT(7.02 49.92))", 176),
        (f"S_TOUCHES(geom,{LUX})", 3), (f"S_TOUCHES(geom,POINT({LUX_1}))", 3), (f"S_TOUCHES(geom,POINT({LUX_2}))", 2),
        (f"S_TOUCHES(geom,LINESTRING({LUX_1},{LUX_2}))", 3), ("S_WITHIN(geom,BBOX(-180,-90,0,90))", 44),
        ("S_CONTAINS(geom,BBOX(7,50,8,51))", 1), ("S_CONTAINS(geom,LINESTRING(7 50,8 51))", 1),
        ("S_CONTAINS(geom,POINT(7.02 49.92))", 1), ("S_OVERLAPS(geom,BBOX(-180,-90,0,90))", 11),
    ),
    *_of(
        "places",
        ("S_INTERSECTS(geom,BBOX(0,40,10,50))", 7), (f"S_INTERSECTS(geom,{SQUARE})", 7),
        ("S_DISJOINT(geom,BBOX(0,40,10,50))", 236), (f"S_DISJOINT(geom,{SQUARE})", 236),
        ("S_EQUALS(geom,POINT(6.1300028 49.6116604))", 1), ("S_WITHIN(geom,BBOX(-180,-90,0,90))", 74),
    ),
    *_of(
        "rivers",
        ("S_INTERSECTS(geom,BBOX(-180,-90,0,90))", 4), ("S_INTERSECTS(geom,LINESTRING(-60 -90,-60 90))", 2),
        ("S_DISJOINT(geom,BBOX(-180,-90,0,90))", 9), ("S_DISJOINT(geom,LINESTRING(-60 -90,-60 90))", 11),
        ("S_CROSSES(geom,BBOX(0,40,10,50))", 1), ("S_CROSSES(geom,LINESTRING(-60 -90,-60 90))", 2),
        ("S_WITHIN(geom,BBOX(-180,-90,0,90))", 4),
    ),
]  # fmt: skip

# ── A.10: time ──────────────────────────────────────────────────────────────────────────────

TEMPORAL = _of(
    "places",
    ("t_after(\"date\",date('2022-04-16'))", 1), ("t_before(\"date\",date('2022-04-16'))", 1),
    ("t_disjoint(\"date\",date('2022-04-16'))", 2), ("t_equals(\"date\",date('2022-04-16'))", 1),
    ("t_intersects(\"date\",date('2022-04-16'))", 1), (f't_after("date",{YEAR})', 1), (f't_before("date",{YEAR})', 1),
    (f't_disjoint("date",{YEAR})', 2), (f't_equals("date",{YEAR})', 0),
    ("t_equals(\"date\",interval('2022-04-16','2022-04-16'))", 1), (f't_intersects("date",{YEAR})', 1),
    (f"t_after(start,{AT})", 1), (f"t_before(start,{AT})", 1), (f"t_disjoint(start,{AT})", 2),
    (f"t_equals(start,{AT})", 1), (f"t_intersects(start,{AT})", 1), (f"t_after(start,{YEAR_Z})", 0),
    (f"t_before(start,{YEAR_Z})", 1), (f"t_disjoint(start,{YEAR_Z})", 1), (f"t_equals(start,{YEAR_Z})", 0),
    (f"t_intersects(start,{YEAR_Z})", 2), (f"t_after({SE},interval('..','2022-04-16T10:13:19Z'))", 1),
    (f"t_before({SE},interval('2023-01-01T00:00:00Z','..'))", 2), (f"t_disjoint({SE},{SHORTER})", 1),
    (f"t_equals({SE},interval('2021-04-16T10:15:59Z','2022-04-16T10:16:06Z'))", 1),
    (f"t_intersects({SE},{SHORTER})", 2),
    (f"T_CONTAINS({SE},{MINUTES})", 1), (f"T_DURING({SE},{YEAR_Z})", 1),
    (f"T_FINISHES({SE},interval('2020-04-16T10:13:19Z','2022-04-16T10:16:06Z'))", 1),
    (f"T_FINISHEDBY({SE},{LONGER})", 1), (f"T_MEETS({SE},{MINUTES})", 0), (f"T_METBY({SE},{MINUTES})", 1),
    (f"T_OVERLAPPEDBY({SE},interval('2020-04-16T10:13:19Z','2022-04-16T10:15:10Z'))", 2),
    (f"T_OVERLAPS({SE},interval('2022-04-16T10:13:19Z','2023-04-16T10:15:10Z'))", 1),
    (f"T_STARTEDBY({SE},{MINUTES})", 1), (f"T_STARTS({SE},{MINUTES})", 0),
)  # fmt: skip

# ── A.12 and A.14: properties and literals on both sides, arithmetic ────────────────────────

BOTH_SIDES = [
    *_of(
        "places",
        ("'København'=name", 1), ("'København'<=name", 137), ("'København'<name", 136), ("'København'>=name", 107),
        ("'København'>name", 106), ("'København'<>name", 242), ("name=nameascii", 230), ("name>=nameascii", 243),
        ("name>nameascii", 13), ("name<=nameascii", 230), ("name<nameascii", 0), ("name<>nameascii", 13),
        ("1038288=pop_other", 1), ("1038288<=pop_other", 123), ("1038288<pop_other", 122),
        ("1038288>=pop_other", 121), ("1038288>pop_other", 120), ("1038288<>pop_other", 242),
        ("pop_min=pop_max", 27), ("pop_min<=pop_max", 243), ("pop_min<pop_max", 216), ("pop_min>=pop_max", 27),
        ("pop_min>pop_max", 0), ("pop_min<>pop_max", 216), ("start=end", 0), ("start<=end", 3), ("start<end", 3),
        ("start>=end", 0), ("start>end", 0), ("start<>end", 3), ("'København' LIKE 'K_benhavn'", 243),
        ("'København' NOT LIKE 'K_benhavn'", 0), ("pop_other between pop_min and pop_max", 94),
        ("pop_other not between pop_min and pop_max", 149), ("S_CONTAINS(BBOX(-180,-90,0,90),geom)", 74),
        ("t_after(date('2022-04-16'),\"date\")", 1), (f't_before({YEAR},"date")', 1), (f"t_after({YEAR_Z},start)", 1),
        (f"t_after(interval('2023-01-01T00:00:00Z','..'),{SE})", 2), (f"T_STARTEDBY({MINUTES},{SE})", 0),
        (f"T_DURING(interval('2022-07-01T00:00:00Z','2022-12-31T23:59:59Z'),{SE})", 1),
        (f"T_CONTAINS(interval('2021-04-16T10:13:19Z','2023-04-16T10:15:10Z'),{SE})", 2),
        (f"T_FINISHES({LONGER},{SE})", 1), (f"T_MEETS({MINUTES},{SE})", 1), (f"T_STARTS({MINUTES},{SE})", 1),
        ("pop_other=1038280+8", 1), ("pop_other>=1038290-2*2^0", 123), ("pop_other>1038290-20/10", 122),
        ("pop_other>1038290-21 div 10", 122), ("pop_other>1038290-5%2", 122), ("pop_other<=1038200+8*11", 121),
        ("pop_other<1038280+2^3", 120), ("pop_other<>1038290-2^1", 242),
        ("pop_other between 4000000/4 and (3*(900000+100000))", 75),
        ("pop_other not between 4000000/4 and (3*(900000+100000))", 168), (f"pop_other in {SUMS}", 3),
        (f"pop_other not in {SUMS}", 240), ("1038280+8=pop_other", 1),
    ),
    *_of(
        "countries",
        ("S_INTERSECTS(BBOX(150,-90,-150,90),geom)", 10), ("S_WITHIN(POINT(7.02 49.92),geom)", 1),
        ("S_CONTAINS(BBOX(-180,-90,0,90),geom)", 44), ("S_OVERLAPS(BBOX(-180,-90,0,90),geom)", 11),
        (f"S_TOUCHES({LUX},geom)", 3), ("S_DISJOINT(POINT(7.02 49.92),geom)", 176),
    ),
]  # fmt: skip

# ── A.2, test 6: four predicates put together ───────────────────────────────────────────────


def _together(p1: str, p2: str, p3: str, p4: str) -> str:
    return f"(NOT ({p2}) AND {p1}) OR ({p3} and {p4}) or not ({p1} OR {p4})"


_FOURS = [
    ("pop_other<>1038288", "name<>'København'", "pop_other IS NULL", "name<'København'", 1),
    ("pop_other<>1038288", "name>'København'", "name<='København'", "boolean=true", 107),
    ("start IS NULL", "pop_other IS NOT NULL", "pop_other IS NOT NULL", "pop_other>1038288", 124),
    ("pop_other<1038288", "pop_other>1038288", "pop_other IS NULL", f"start<{AT}", 121),
    (f"start={AT}", "pop_other<1038288", f"start={AT}", "name<>'København'", 2),
    (f"start<={AT}", "name<>'København'", "boolean=true", "name<'København'", 2),
    ("pop_other=1038288", "start IS NULL", f"start<>{AT}", "boolean IS NOT NULL", 242),
    ("name>='København'", "start IS NOT NULL", "boolean=true", f"start>={AT}", 137),
    (f"start<{AT}", "name<='København'", "boolean IS NULL", "name>'København'", 138),
    ("pop_other IS NOT NULL", "start IS NULL", "pop_other>=1038288", "name>'København'", 62),
    (f"start={AT}", "pop_other=1038288", "pop_other<1038288", "name<>'København'", 122),
    ("pop_other<=1038288", "name<='København'", "boolean IS NULL", "start IS NOT NULL", 198),
    ("pop_other<1038288", "name='København'", f"start>={AT}", "name<'København'", 181),
    ("pop_other>=1038288", "name>'København'", "boolean IS NOT NULL", "start IS NOT NULL", 184),
    ("name<'København'", "pop_other>1038288", f"start={AT}", "boolean=true", 44),
]
TOGETHER = _of("places", *((_together(p1, p2, p3, p4), count) for p1, p2, p3, p4, count in _FOURS))

ALL = [*COMPARISONS, *SPATIAL, *TEMPORAL, *BOTH_SIDES, *TOGETHER]
