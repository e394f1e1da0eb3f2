"""Reports made by hand, for tests of how they are written: no database, and any text that a person may think of."""

import struct
from collections.abc import Mapping
from datetime import UTC, date, datetime
from uuid import UUID

from app import kinds, lifecycles
from app.reports import figures, maps
from app.reports.asset_rows import AssetRow, NeedRow
from app.reports.findings import AreaWide, Findings, FoundNeed, FoundSpace, FoundTheme, Strength
from app.reports.matter import Matter
from app.reports.outlines import Outline
from app.reports.wards import AreaSet, Before, Line, WardReport

UID = UUID("00000000-0000-4000-8000-000000000001")
AT = datetime(2026, 11, 23, 9, 40, tzinfo=UTC)
#: What somebody may write into a title, whether they mean harm or not.
HOSTILE = (
    '=HYPERLINK("http://evil.example","x")',
    "=1+1",
    "+1+cmd|' /C calc'!A0",
    "-2+3",
    "@SUM(1,2)",
    "\t=1+1",
    "http://evil.example/",
    "#set page(fill: red); #panic() $x^2$ @ref <label> *bold* `raw` // no comment",
    "</text><script>alert(1)</script> & \"quotes\" 'too'",
    "W" * 160,
    "שלום עולם, مرحبا بالعالم",
    "\u202eesrever \u2066in\u2069 this",
    "Seed swap 🌱 with 👩‍🌾 and 中文 हिन्दी",
    "A bell \x07 and a \x0b tab",
    "_x0041_ is no letter",
    "00123",
    "1e5",
    "2026-01-01",
    "TRUE",
)


def asset(number: int, title: str, ward: str = "W1", **given: object) -> AssetRow:
    """An asset in a ward."""
    kind = list(kinds.BY_NAME)[number % len(kinds.BY_NAME)]
    values: dict[str, object] = {
        "ward_name": f"Ward {ward}", "ward_code": ward, "kind": kind, "title": title, "summary": "", "theme": "food",
        "stage": "active", "organiser": "", "website": "", "appreciations": number, "open_needs": 2,
        "published_on": date(2026, 5, 1), "starts_on": None, "ends_on": None, "easting": 531067, "northing": 175255,
        "lon": -0.1143 + number * 0.00037, "lat": 51.4613 + (number * 7 % 13) * 0.0006,
        "uid": UUID(int=UID.int + number),
    }  # fmt: skip
    return AssetRow(**(values | given))  # type: ignore[arg-type]


def need(title: str, ward: str = "W1", *, unanswered: bool = True) -> NeedRow:
    """An open need of an asset of the same title."""
    day = date(2026, 12, 1)
    return NeedRow(UID, title, "people", "open", 3, 1, True, day, UID, title, ward, f"Ward {ward}", unanswered)


def line(code: str, name: str, **given: int | float | None) -> Line:
    """A row of figures: 7 of each, unless said otherwise."""
    values: dict[str, int | float | None] = {figure.name: 7 for figure in figures.of_wards(period=True)}
    persons = [figure.name for figure in figures.of_wards() if figure.counts_persons]
    values |= dict.fromkeys(persons) | given
    return Line(code, name, values, persons, 14_000 if code else None)


def found(titles: tuple[str, ...], wards: tuple[str, ...]) -> Findings:
    """Every sort of finding in each ward, called by these titles."""
    pairs = [(title, ward) for ward in wards for title in titles]
    needs = [FoundNeed(UID, title, "people", UID, title, ward, date(2026, 12, 1)) for title, ward in pairs]
    return Findings(
        needs_without_offers=needs,
        themes_without_projects=[FoundTheme(ward, theme, 3) for ward in wards for theme in lifecycles.THEMES],
        unused_spaces=[FoundSpace(UID, title, ward, "unused") for title, ward in pairs],
        blocking_needs=needs,
        strengths=[Strength(ward, theme, 9, 2.5) for ward in wards for theme in lifecycles.THEMES],
        area_wide=[AreaWide(UID, title, "idea", "B", "Borough", "borough") for title in titles],
        more={"unused_spaces": 4},
    )


def matter(
    assets: list[AssetRow],
    wards: tuple[str, ...] = ("W1",),
    *,
    findings: Findings | None = None,
    needs: tuple[NeedRow, ...] = (),
    name: str = "Ward",
    values: Mapping[str, int] | None = None,
) -> Matter:
    """A report on these wards, each a square, with these assets."""
    counts = {ward: sum(one.ward_code == ward for one in assets) for ward in wards}
    lines = [line(ward, f"{name} {ward}", **({"total_assets": counts[ward]} | dict(values or {}))) for ward in wards]
    lines += [line("", "Area-wide"), line("", "In no ward")]
    before = Before(
        date(2026, 1, 1), date(2026, 4, 30), {one.code: one.values for one in lines if one.code}, lines[0].values
    )
    boundaries = AreaSet("Wards 2022", False, date(2022, 5, 5), "Contains OS data © Crown copyright")
    report = WardReport(
        "Assets by ward", "ward", AT, boundaries,
        figures.of_wards(period=True), lines, line("", "Total", total_assets=len(assets)), date(2026, 5, 1), before,
        findings or Findings(),
    )  # fmt: skip
    square = "M100 80L900 80L900 700L100 700Z"
    ids = list(range(1, len(wards) + 1))
    west, north = maps.EARTH_M * -0.002, 6_704_000.0
    shapes = [maps.Shape(id_, square, True, 500, 400) for id_ in ids]
    return Matter(
        report, ids, outlines=lambda: iter([Outline(id_, OUTLINE, GEOJSON) for id_ in ids]),
        canvas=lambda some: maps.Canvas(west, north, 0.18, 780, 51.46, shapes[: len(some)]) if some else maps.EMPTY,
        assets=lambda: iter(assets), needs=lambda: iter(needs),
    )  # fmt: skip


GEOJSON = '{"type":"MultiPolygon","coordinates":[[[[-0.2,51.4],[0,51.4],[0,51.5],[-0.2,51.5],[-0.2,51.4]]]]}'
_RING = ((-0.2, 51.4), (0.0, 51.4), (0.0, 51.5), (-0.2, 51.5), (-0.2, 51.4))
#: The same as well-known binary, little-endian: a multipolygon of one polygon of one ring.
OUTLINE = struct.pack("<BIIBIII", 1, 6, 1, 1, 3, 1, len(_RING)) + b"".join(struct.pack("<dd", *at) for at in _RING)
