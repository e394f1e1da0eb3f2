"""Workbooks: one sheet of several, titles above the header, cells as what they are, nothing worked out."""

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import openpyxl
import openpyxl.utils.datetime
import pytest
import xlsxwriter

from app.errors import Invalid
from app.geo import coordinates, formats
from app.geo.tables import Row
from tests.geo import hostile

Sheets = dict[str, list[list[Any]]]


def _book(tmp_path: Path, sheets: Sheets, change: Callable[[Any, dict[str, Any]], None] | None = None) -> Path:
    path = tmp_path / "book.xlsx"
    book = xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd"})
    made = {}
    for name, rows in sheets.items():
        made[name] = book.add_worksheet(name)
        for number, cells in enumerate(rows):
            for column, cell in enumerate(cells):
                if cell is not None:
                    made[name].write(number, column, cell)
    if change:
        change(book, made)
    book.close()
    return path


def _rows(path: Path, layer: str | None = None) -> list[Row]:
    return list(formats.read(path, layer=layer).rows())


def test_numbers_words_and_yes_or_no_come_as_they_are(tmp_path: Path) -> None:
    path = _book(tmp_path, {"Places": [["name", "lat", "count", "open"], ["Café – “A”", 51.461104, 3.0, True]]})
    assert _rows(path) == [Row(2, {"name": "Café – “A”", "lat": 51.461104, "count": 3, "open": True})]
    assert formats.read(path).what == "XLSX, sheet 'Places'"


@pytest.mark.parametrize(
    ("format_", "value", "says"),
    [
        ("dd/mm/yyyy", date(2026, 11, 23), "2026-11-23"),
        ("d mmmm yyyy", date(1900, 1, 2), "1900-01-02"),
        ("yyyy-mm-dd hh:mm", datetime(2026, 11, 23, 18, 30), "2026-11-23T18:30"),  # noqa: DTZ001
        ("hh:mm", time(9, 5), "09:05"),
        ("[$-809]dd mmmm yyyy;@", date(1900, 3, 1), "1900-03-01"),
        ('0.0 "days"', 3.5, 3.5),
        ("[Red]0.00", 3.5, 3.5),
        ("General", 45000, 45000),
    ],
)
def test_a_date_is_what_its_format_shows(tmp_path: Path, format_: str, value: Any, says: object) -> None:
    def write(book: Any, sheets: dict[str, Any]) -> None:
        sheets["S"].write(1, 1, value, book.add_format({"num_format": format_}))

    assert _rows(_book(tmp_path, {"S": [["a", "when"], ["x"]]}, write))[0].values["when"] == says


def test_a_style_of_an_endless_number_is_no_date(tmp_path: Path) -> None:
    cells = (
        '<row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row><row><c s="0"><v>1</v></c><c s="1"><v>2</v></c></row>'
    )
    styles = f'<styleSheet><cellXfs><xf numFmtId="{"9" * 5000}"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    path = tmp_path / "styles.xlsx"
    path.write_bytes(hostile.workbook(f"<worksheet><sheetData>{cells}</sheetData></worksheet>", styles=styles))
    assert _rows(path)[0].values == {"a": 1, "b": "1900-01-02"}


def test_a_book_that_counts_days_from_1904_is_understood(tmp_path: Path) -> None:
    path = tmp_path / "mac.xlsx"
    book = openpyxl.Workbook()
    book.epoch = openpyxl.utils.datetime.CALENDAR_MAC_1904
    assert book.active is not None
    for cells in (["name", "on"], ["a", date(2026, 11, 23)]):
        book.active.append(cells)
    book.save(path)
    assert _rows(path)[0].values["on"] == "2026-11-23"


def test_a_formula_has_its_kept_value_and_an_error_none_and_both_are_told(tmp_path: Path) -> None:
    def write(_: Any, sheets: dict[str, Any]) -> None:
        sheets["S"].write_formula(1, 1, "=1+1", None, 2)
        sheets["S"].write_formula(2, 1, "=1/0", None, "#DIV/0!")
        sheets["S"].write_formula(3, 1, '=CONCAT("a","b")', None, "ab")

    first, second, third = _rows(_book(tmp_path, {"S": [["a", "b"], ["x"], ["y"], ["z"]]}, write))
    assert (first.values["b"], first.remarks, third.values["b"]) == (2, (), "ab")
    assert "b" not in second.values
    assert second.remarks == ("cells with an error such as #N/A are read as empty",)
    never = tmp_path / "never.xlsx"
    never.write_bytes(hostile.workbook(
        '<worksheet><sheetData><row><c t="str"><v>a</v></c><c t="str"><v>b</v></c></row>'
        '<row><c t="str"><v>x</v></c><c><f>A1</f></c></row></sheetData></worksheet>'
    ))  # fmt: skip
    assert _rows(never)[0].values == {"a": "x"}
    assert "formulas that were never worked out are read as empty" in _rows(never)[0].remarks[0]


def test_titles_and_merged_cells_above_the_header_are_passed_over_and_told(tmp_path: Path) -> None:
    rows = [
        ["Community toilets"],
        [],
        ["Updated", "June 2012"],
        ["Name", "Area", "Easting", "Northing", "Notes", "Open"],
    ]
    places = [[f"Toilet {n}", "Streatham", 530410 + n, 173071, "x", "yes"] for n in range(5)]

    def merge(book: Any, sheets: dict[str, Any]) -> None:
        sheets["S"].merge_range("A1:F1", "Community toilets")

    table = formats.read(_book(tmp_path, {"S": [*rows, *places]}, merge))
    assert table.columns == ["Name", "Area", "Easting", "Northing", "Notes", "Open"]
    assert "above the names of the columns stands 'Community toilets'; 'Updated'; 'June 2012'" in table.what
    assert [row.line for row in table.rows()] == [5, 6, 7, 8, 9]
    assert coordinates.understand(table, list(table.rows())).epsg == 27700


def test_the_only_sheet_with_a_table_is_taken_and_the_others_are_named(tmp_path: Path) -> None:
    table: list[list[Any]] = [["name", "lat", "lon"], ["a", 51.4, -0.1]]
    one = _book(tmp_path, {"Notes": [["Read me"], ["Thank you"]], "Places": table})
    assert formats.read(one).what == "XLSX, sheet 'Places' (not read: Notes)"
    assert _rows(one)[0].values["name"] == "a"


def test_of_several_tables_somebody_must_say_which(tmp_path: Path) -> None:
    table: list[list[Any]] = [["name", "lat", "lon"], ["a", 51.4, -0.1]]
    several = _book(tmp_path, {"2025": table, "2026": [*table, ["b", 51.5, -0.1]]})
    with pytest.raises(Invalid, match="has tables on the sheets 2025, 2026: say which is meant"):
        formats.read(several)
    assert len(_rows(several, "2026")) == 2
    with pytest.raises(Invalid, match="has no sheet '2027'; it has 2025, 2026"):
        formats.read(several, layer="2027")


def test_hidden_sheets_are_not_guessed_but_can_be_named(tmp_path: Path) -> None:
    table: list[list[Any]] = [["name", "lat", "lon"], ["a", 51.4, -0.1]]
    path = _book(tmp_path, {"Places": table, "Old": table}, lambda _, sheets: sheets["Old"].hide())
    assert "sheet 'Places' (not read: Old)" in formats.read(path).what
    assert len(_rows(path, "Old")) == 1


def test_gaps_are_gaps_and_cells_beyond_the_header_keep_a_name(tmp_path: Path) -> None:
    path = _book(tmp_path, {"S": [["name", None, "b"], ["a", None, None, None, "far"], [], ["c", "d"]]})
    assert [(row.line, row.values) for row in _rows(path)] == [
        (2, {"name": "a", "Column 5": "far"}),
        (4, {"name": "c", "Column 2": "d"}),
    ]


def test_texts_in_pieces_and_escaped_signs_are_whole(tmp_path: Path) -> None:
    def write(book: Any, sheets: dict[str, Any]) -> None:
        sheets["S"].write_rich_string(1, 0, "Brixton ", book.add_format({"bold": True}), "Library")

    path = _book(tmp_path, {"S": [["name", "b"], [None, "two\nlines"], ["_x0041_b", "tab\vx"]]}, write)
    assert [row.values for row in _rows(path)] == [
        {"name": "Brixton Library", "b": "two\nlines"},
        {"name": "_x0041_b", "b": "tab\vx"},
    ]


def test_a_row_at_the_end_of_the_sheet_costs_no_more_than_any(tmp_path: Path) -> None:
    path = _book(tmp_path, {"S": [["a", "b"], ["x", "y"]]}, lambda _, sheets: sheets["S"].write(1_048_575, 0, "z"))
    assert [row.line for row in _rows(path)] == [2, 1_048_576]


def test_every_sheet_of_openpyxl_reads_the_same(tmp_path: Path) -> None:
    path = tmp_path / "open.xlsx"
    book = openpyxl.Workbook()
    assert book.active is not None
    for number in range(300):
        book.active.append(
            [f"Place {number}", 51 + number / 1000, -number, number % 2 == 0] if number else list("abcd")
        )
    book.save(path)
    found = [[row.values.get(name) for name in "abcd"] for row in _rows(path)]
    again = openpyxl.load_workbook(path)
    assert again.active is not None
    assert found == [list(cells) for cells in again.active.iter_rows(min_row=2, values_only=True)]
