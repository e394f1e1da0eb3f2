"""The report as a workbook: summary, wards, assets, needs and gaps, definitions.

Every cell is a number, a date or a text; no text is ever a formula or a link. Nothing is hidden: no sheet, no column,
no name, no author. Rows go to disk as they come, so a workbook of a million rows takes no more memory than a small one.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import xlsxwriter
from xlsxwriter.worksheet import Worksheet

from app.reports import tables
from app.reports.matter import Matter

#: Rows that a sheet can have, its header among them; what is more goes on in a further sheet.
MAX_ROWS = 1_048_576


@dataclass(frozen=True)
class Column:
    """A column of a sheet, and how many letters wide it is."""

    name: str
    width: int = 12


def write(matter: Matter, path: Path) -> None:
    """Write the workbook (ECMA-376 Office Open XML) to this path."""
    options = {
        "constant_memory": True, "tmpdir": str(path.parent), "strings_to_formulas": False, "strings_to_urls": False,
        "strings_to_numbers": False,
    }  # fmt: skip
    with xlsxwriter.Workbook(str(path), options) as book:
        book.use_zip64()
        book.set_properties({"title": matter.report.title})
        pages = _Pages(book)
        pages.write("summary", SUMMARY, tables.summary(matter.report))
        pages.write("wards", _ward_columns(matter), tables.wards(matter.report), fixed=2)
        assets = [Column(heading, width) for width, heading in tables.asset_columns(matter.report.level)]
        pages.write("assets", assets, map(tables.asset, matter.assets()))
        pages.write("needs and gaps", NEEDS, tables.needs_and_gaps(matter.report, matter.needs()))
        pages.write("definitions", DEFINITIONS, tables.definitions(matter.report))


SUMMARY = (Column("What", 34), Column("Value", 24), Column("Unit", 18), Column("Before", 12), Column("Suppressed", 12))
NEEDS = tuple(Column(*column) for column in tables.NEEDS.items())
DEFINITIONS = tuple(Column(*column) for column in tables.DEFINITIONS.items())


def _ward_columns(matter: Matter) -> list[Column]:
    code, name, *figures, left_out = tables.ward_columns(matter.report)
    return [Column(code, 12), Column(name, 30), *(Column(label, 11) for label in figures), Column(left_out, 30)]


class _Pages:
    """The sheets of a book, with a header that stays in sight and filters."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self._book = book
        ink = "#17303B"
        self._head = book.add_format(
            {"bold": True, "font_color": ink, "bg_color": "#F6F0E3", "bottom": 1, "text_wrap": True, "valign": "top"}
        )
        self._day = book.add_format({"num_format": "yyyy-mm-dd", "align": "left"})

    def write(
        self, name: str, columns: Sequence[Column], rows: Iterable[Sequence[tables.Cell]], *, fixed: int = 0
    ) -> None:
        """Write rows under a header; what one sheet cannot hold goes into `name 2`, `name 3` …"""
        source = iter(rows)
        first, more = next(source, None), True
        number = 1
        while more:
            sheet = self._sheet(name if number == 1 else f"{name} {number}", columns, fixed)
            at = 0
            while first is not None and at < MAX_ROWS - 1:
                at += 1
                self._row(sheet, at, first)
                first = next(source, None)
            sheet.autofilter(0, 0, at, len(columns) - 1)
            sheet.autofilter_area = ""  # else the library adds a hidden name for it, which no program needs
            more = first is not None
            number += 1

    def _sheet(self, name: str, columns: Sequence[Column], fixed: int) -> Worksheet:
        sheet = self._book.add_worksheet(name)
        sheet.freeze_panes(1, fixed)
        sheet.set_landscape()
        sheet.set_paper(9)
        sheet.fit_to_pages(1, 0)
        for n, column in enumerate(columns):
            sheet.set_column(n, n, column.width)
            sheet.write_string(0, n, column.name, self._head)
        return sheet

    def _row(self, sheet: Worksheet, at: int, cells: Sequence[tables.Cell]) -> None:
        for n, cell in enumerate(cells):
            if cell is None or cell == "":
                continue
            if isinstance(cell, str):
                sheet.write_string(at, n, cell)
            elif isinstance(cell, date):
                sheet.write_datetime(at, n, cell, self._day)
            else:
                sheet.write_number(at, n, cell)
