"""The report as tables of plain cells, which every kind of file holds: a number, a day, a text, or nothing.

A figure that is left out is an empty cell and is named in the last cell of its row.
"""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any
from uuid import UUID

from app.reports.asset_rows import AssetRow, NeedRow
from app.reports.wards import Line, WardReport

Cell = str | int | float | date | None

#: Name of a column of assets → how many letters wide it is on a sheet, and its heading there.
ASSETS: dict[str, tuple[int, str]] = {
    "ward_name": (24, "Ward"), "ward_code": (12, "Ward code"), "kind": (9, "Kind"), "title": (44, "Title"),
    "summary": (50, "Summary"), "theme": (14, "Theme"), "stage": (9, "Stage"), "organiser": (24, "Organiser"),
    "website": (30, "Website"), "appreciations": (13, "Appreciations"), "open_needs": (11, "Open needs"),
    "published_on": (12, "Published on"), "starts_on": (12, "Starts on"), "ends_on": (12, "Ends on"),
    "easting": (10, "Easting"), "northing": (10, "Northing"), "lon": (11, "Lon"), "lat": (11, "Lat"),
    "uid": (38, "Uid"),
}  # fmt: skip
NEEDS: dict[str, int] = {
    "What it is": 28, "Ward": 24, "Ward code": 12, "Title": 44, "Kind or theme": 14, "State": 9, "Quantity": 9,
    "Met": 7, "Blocking": 9, "Report back on": 14, "Asset": 40, "How many": 10,
}  # fmt: skip


def asset_columns(level: str) -> list[tuple[int, str]]:
    """Width and heading of each column of assets; areas that are no wards are not called so."""
    return [(width, heading.replace("Ward", level.capitalize(), 1)) for width, heading in ASSETS.values()]


def asset(row: AssetRow) -> list[Cell]:
    """One asset, in the order of ASSETS."""
    return list(asset_values(row).values())


def asset_values(row: AssetRow) -> dict[str, Cell]:
    """One asset by the names of ASSETS; a text that is empty is None.

    Lon and lat are degrees (EPSG:4326) to seven decimals, a centimetre; easting and northing metres of EPSG:27700.
    """
    return {name: _cell(getattr(row, name)) for name in ASSETS}


def _cell(value: Any) -> Cell:
    if isinstance(value, float):
        return round(value, 7)
    if isinstance(value, UUID):
        return str(value)
    cell: Cell = value if value != "" else None
    return cell


def ward_columns(report: WardReport) -> list[str]:
    """Headings of the rows of `wards`."""
    level = report.level.capitalize()
    return [f"{level} code", level, "Population", *(figure.label for figure in report.columns), "Suppressed"]


def wards(report: WardReport) -> Iterator[list[Cell]]:
    """A row for each area, then what is area-wide and what lies in none of them."""
    names = [figure.name for figure in report.columns]
    for line in report.lines:
        yield [line.code, line.name, line.population, *(line.values[name] for name in names), suppressed(line)]


def line_values(line: Line) -> dict[str, Any]:
    """One row of the report by the names of its columns, as in JSON."""
    begin = {"ward_code": line.code, "ward_name": line.name, "population": line.population}
    return {**begin, **line.values, "suppressed": line.suppressed}


def suppressed(line: Line) -> str:
    """The figures that are left out of a row, by name."""
    return " ".join(line.suppressed)


def summary(report: WardReport) -> Iterator[list[Cell]]:
    """What the report is about, then the sum of each figure: label, value, unit, before, suppressed."""
    yield from ([what, said, None, None, None] for what, said in about(report))
    yield [None] * 5
    before = report.before.totals if report.before else {}
    for figure in report.columns:
        value = report.totals.values[figure.name]
        left_out = "suppressed" if figure.name in report.totals.suppressed else None
        yield [figure.label, value, figure.unit, before.get(figure.name), left_out]
    for name in ("themes_without_projects", "unused_spaces", "strengths", "area_wide"):
        if left := report.findings.more.get(name):
            yield [f"{name.replace('_', ' ').capitalize()} that 'needs and gaps' leaves out", left, "rows", None, None]


def about(report: WardReport) -> Iterator[tuple[str, Cell]]:
    """What a report is of: title, instant, boundaries, period, attribution, residents."""
    boundaries = report.boundaries
    yield "Title", report.title
    yield "Data of (UTC)", report.at.isoformat(timespec="minutes")[:16].replace("T", " ")
    yield "Level", report.level
    yield "Boundaries", boundaries.name + (" (illustrative: not official)" if boundaries.illustrative else "")
    yield "In force since", boundaries.valid_from
    yield "Attribution", boundaries.attribution
    if report.since:
        yield "Period since", report.since
    if report.before:
        yield "Before: from", report.before.begins
        yield "Before: to", report.before.ends
    yield "Residents", report.totals.population


DEFINITIONS: dict[str, int] = {
    "Name": 28, "Label": 34, "Unit": 18, "Group": 12, "Counts persons": 14, "What exactly it counts": 110
}  # fmt: skip


def definitions(report: WardReport) -> Iterator[list[Cell]]:
    """What each figure counts, in the order of the columns."""
    for figure in report.columns:
        persons = "yes" if figure.counts_persons else "no"
        yield [figure.name, figure.label, figure.unit, figure.group, persons, figure.definition]


def needs_and_gaps(report: WardReport, needs: Iterable[NeedRow]) -> Iterator[list[Cell]]:
    """Every need, then the gaps and strengths of the report, in the order of NEEDS."""
    names = {line.code: line.name for line in report.lines if line.code}
    found = report.findings
    for need in needs:
        what = "need without an offer within reach" if need.unanswered else "need"
        blocking = "yes" if need.blocking else "no"
        yield [
            what, need.ward_name, need.ward_code, need.title, need.kind, need.state, need.quantity, need.met, blocking,
            need.report_back_on, need.asset_title, None,
        ]  # fmt: skip

    def row(what: str, code: str, title: str | None, kind: str, asset: str | None, count: int | None) -> list[Cell]:
        return [what, names.get(code), code, title, kind, None, None, None, None, None, asset, count]

    for gap in found.themes_without_projects:
        yield row("theme with ideas and no project", gap.ward_code, None, gap.theme, None, gap.ideas)
    for space in found.unused_spaces:
        yield row("space that could be used", space.ward_code, None, space.use, space.title, None)
    for strength in found.strengths:
        yield row("strength", strength.ward_code, None, strength.theme, None, strength.assets)
    for wide in found.area_wide:
        yield row(f"stands for the {wide.level} {wide.area_name}", wide.area_code, None, wide.kind, wide.title, None)
