"""The workbook: every cell as it was meant, nothing that acts, nothing hidden, and no end of rows."""

import re
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.escape import unescape
from openpyxl.worksheet.worksheet import Worksheet

from app.reports import figures, tables, xlsx
from tests.reports import matters
from tests.reports.matters import HOSTILE

SHEETS = ["summary", "wards", "assets", "needs and gaps", "definitions"]


def _written(tmp_path: Path, **given: Any) -> Path:
    path = tmp_path / "report.xlsx"
    xlsx.write(matters.matter(**given), path)
    return path


def _hostile(tmp_path: Path) -> Path:
    assets = [matters.asset(n, title, summary=title, organiser=title) for n, title in enumerate(HOSTILE)]
    needs = tuple(matters.need(title) for title in HOSTILE)
    return _written(tmp_path, assets=assets, findings=matters.found(HOSTILE, ("W1",)), needs=needs, name="=1+1")


def _day(text: str) -> datetime:
    """A day as a workbook has it: an instant of no zone."""
    return datetime.fromisoformat(text)


def _rows(sheet: Worksheet) -> list[tuple[Any, ...]]:
    return [
        tuple(unescape(cell) if isinstance(cell, str) else cell for cell in row)
        for row in sheet.iter_rows(values_only=True)
    ]


def test_the_sheets_say_what_was_counted(tmp_path: Path) -> None:
    assets = [matters.asset(n, f"Garden {n}", "W1" if n < 3 else "W2") for n in range(5)]
    book = openpyxl.load_workbook(_written(tmp_path, assets=assets, wards=("W1", "W2")))
    assert book.sheetnames == SHEETS
    head, *rows = _rows(book["wards"])
    column = head.index("All assets")
    assert head[:3] == ("Ward code", "Ward", "Population")
    assert [(row[0], row[1], row[2], row[column]) for row in rows] == [
        ("W1", "Ward W1", 14000, 3), ("W2", "Ward W2", 14000, 2), (None, "Area-wide", None, 7),
        (None, "In no ward", None, 7),
    ]  # fmt: skip
    summary = {row[0]: row[1:] for row in _rows(book["summary"]) if row[0]}
    assert summary["All assets"] == (5, "assets", 3, None)
    assert summary["Data of (UTC)"][0] == "2026-11-23 09:40"
    assert summary["In force since"][0] == _day("2022-05-05")
    assert summary["Before: to"][0] == _day("2026-04-30")
    assert summary["Attribution"][0] == "Contains OS data © Crown copyright"
    defined = {row[0]: row[5] for row in _rows(book["definitions"])[1:]}
    assert defined == {figure.name: figure.definition for figure in figures.of_wards(period=True)}


def test_a_figure_that_is_left_out_is_empty_and_named(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(_written(tmp_path, assets=[]))
    head, row, *_ = _rows(book["wards"])
    persons = [figure.name for figure in figures.of_wards() if figure.counts_persons]
    labels = [figure.label for figure in figures.of_wards() if figure.counts_persons]
    assert [row[head.index(label)] for label in labels] == [None] * len(labels)
    assert row[head.index("Suppressed")].split() == persons
    summary = {line[0]: line[1:] for line in _rows(book["summary"]) if line[0]}
    assert {summary[label] for label in labels} == {
        (None, "pledges", None, "suppressed"),
        (None, "hours", None, "suppressed"),
    }


def test_numbers_are_numbers_and_days_are_days(tmp_path: Path) -> None:
    given = [matters.asset(1, "Garden", starts_on=date(2024, 2, 29)), matters.asset(2, "Nowhere", lon=None, lat=None)]
    book = openpyxl.load_workbook(_written(tmp_path, assets=given))
    head, row, nowhere = _rows(book["assets"])
    known = dict(zip(head, row, strict=True))
    assert head == tuple(heading for _, heading in tables.ASSETS.values())
    assert (known["Published on"], known["Starts on"]) == (_day("2026-05-01"), _day("2024-02-29"))
    assert (known["Easting"], known["Northing"], known["Lon"], known["Lat"]) == (531067, 175255, -0.11393, 51.4655)
    assert nowhere[head.index("Lon")] is None


def test_no_text_is_ever_a_formula_or_a_link(tmp_path: Path) -> None:
    path = _hostile(tmp_path)
    book = openpyxl.load_workbook(path)
    titles = [row[3] for row in _rows(book["assets"])[1:]]
    assert titles == list(HOSTILE)
    for sheet in book.worksheets:
        for row in sheet.iter_rows():
            assert {cell.data_type for cell in row} <= {"s", "n", "d", "inlineStr"}
            assert not any(cell.hyperlink for cell in row)
    with zipfile.ZipFile(path) as parts:
        for name in parts.namelist():
            assert not re.search(rb"<f[ >]|<hyperlink|TargetMode=.External", parts.read(name)), name


def test_nothing_is_hidden_and_nobody_is_named(tmp_path: Path) -> None:
    with zipfile.ZipFile(_hostile(tmp_path)) as parts:
        names = parts.namelist()
        text = {name: parts.read(name).decode() for name in names}
    assert not [
        name for name in names if re.search("(?i)pivot|external|comment|media|vba|custom|connection|query", name)
    ]
    assert "definedName" not in text["xl/workbook.xml"], "a filter leaves no hidden name"
    assert not [name for name, part in text.items() if re.search(r'hidden="1"|state="(very)?hidden"', part, re.I)]
    creator = re.search("<dc:creator>(.*?)</dc:creator>|<dc:creator/>", text["docProps/core.xml"])
    assert creator and not creator[1]
    assert "lastModifiedBy></" in text["docProps/core.xml"] or "lastModifiedBy" not in text["docProps/core.xml"]
    assert str(tmp_path) not in "".join(text.values())


def test_the_header_stays_filters_and_is_wide_enough(tmp_path: Path) -> None:
    book = openpyxl.load_workbook(_written(tmp_path, assets=[matters.asset(n, "Garden") for n in range(4)]))
    assert [sheet.freeze_panes for sheet in book.worksheets] == ["A2", "C2", "A2", "A2", "A2"]
    assert book["assets"].auto_filter.ref == "A1:S5"
    assert book["needs and gaps"].auto_filter.ref == "A1:L1"
    assert all(sheet.column_dimensions["A"].width >= 12 for sheet in book.worksheets)


@pytest.mark.parametrize(
    ("assets", "sheets"),
    [(0, ["assets"]), (9, ["assets"]), (10, ["assets", "assets 2"]), (18, ["assets", "assets 2"]),
     (19, ["assets", "assets 2", "assets 3"])],
)  # fmt: skip
def test_what_a_sheet_cannot_hold_goes_on_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, assets: int, sheets: list[str]
) -> None:
    assert xlsx.MAX_ROWS == 2**20
    plain = xlsx._Pages.write

    def lower(self: Any, name: str, *given: Any, **more: Any) -> None:
        monkeypatch.setattr(xlsx, "MAX_ROWS", 10 if name == "assets" else 2**20)
        plain(self, name, *given, **more)

    monkeypatch.setattr(xlsx._Pages, "write", lower)
    titles = [f"Garden {n}" for n in range(assets)]
    path = _written(tmp_path, assets=[matters.asset(n, title) for n, title in enumerate(titles)])
    book = openpyxl.load_workbook(path)
    assert [name for name in book.sheetnames if name.startswith("assets")] == sheets
    assert [row[3] for name in sheets for row in _rows(book[name])[1:]] == titles
    for name in sheets:
        assert _rows(book[name])[0][0] == "Ward"
        assert book[name].max_row <= 10
        assert book[name].freeze_panes == "A2"
