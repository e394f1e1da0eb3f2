"""What an office program makes of the files: it opens them, reckons nothing, and saves the same text again."""

import csv
import subprocess
from pathlib import Path
from typing import Any

import openpyxl

from app.geo import tables
from app.reports import registry, xlsx
from tests.reports import matters
from tests.reports.matters import HOSTILE
from tests.reports.reading import program

#: How a file of commas in UTF-8 is opened: from its first line on, and whatever looks like a number is one.
OPEN = "44,34,76,1"
#: Names that any office program takes for numbers or days: a table of text cannot say that they are none.
NUMBERS = ("00123", "1e5", "2026-01-01", "TRUE")


def _resaved(path: Path, form: str, *options: str) -> None:
    """Let LibreOffice open a file and save it again, in a profile of its own."""
    office = program("soffice", "libreoffice", package="libreoffice-calc-nogui")
    profile = f"-env:UserInstallation=file://{path.parent / 'profile'}"
    words = [
        office,
        profile,
        "--headless",
        "--norestore",
        *options,
        "--convert-to",
        form,
        "--outdir",
        str(path.parent / "out"),
    ]
    subprocess.run([*words, str(path)], check=True, capture_output=True, timeout=120)


def _csv(path: Path) -> list[list[str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def _shown(text: str) -> str:
    """Control signs are not kept by an office program."""
    return "".join(sign for sign in text if sign >= " " or sign == "\t")


def test_libreoffice_keeps_the_workbook_as_it_is(tmp_path: Path) -> None:
    titles = [title for title in HOSTILE if _shown(title) == title]
    assets = [matters.asset(n, title) for n, title in enumerate(titles)]
    path = tmp_path / "report.xlsx"
    xlsx.write(matters.matter(assets, findings=matters.found(tuple(titles), ("W1",)), name="=1+1"), path)
    _resaved(path, "xlsx")
    before, after = openpyxl.load_workbook(path), openpyxl.load_workbook(tmp_path / "out" / "report.xlsx")
    assert after.sheetnames == before.sheetnames
    assert [row[3].value for row in after["assets"].iter_rows(min_row=2)] == titles
    for sheet in before.worksheets:
        resaved = after[sheet.title]
        for row in resaved.iter_rows():
            assert "f" not in {cell.data_type for cell in row}, f"a formula in {sheet.title}"
        ours = [[cell.value for cell in row] for row in sheet.iter_rows()]
        theirs = [[cell.value for cell in row] for row in resaved.iter_rows(max_col=sheet.max_column)]
        assert _unescaped(ours) == _unescaped(theirs), sheet.title


def _unescaped(rows: list[list[Any]]) -> list[list[Any]]:
    return [[cell.replace("_x005F_", "_") if isinstance(cell, str) else cell for cell in row] for row in rows]


def test_libreoffice_reckons_nothing_in_the_table(tmp_path: Path) -> None:
    names = [title for title in HOSTILE if _shown(title) == title and title not in NUMBERS]
    matter = matters.matter([], tuple(f"W{n}" for n in range(len(names))))
    for line, name in zip(matter.report.lines, names, strict=False):
        line.name = name
    path = tmp_path / "report.csv"
    registry.FORMATS["csv"].write(matter, path)
    _resaved(path, "xlsx", f"--infilter=CSV:{OPEN}")
    (sheet,) = openpyxl.load_workbook(tmp_path / "out" / "report.xlsx").worksheets
    assert "f" not in {cell.data_type for row in sheet.iter_rows() for cell in row}
    theirs = [["" if cell is None else str(cell) for cell in row] for row in sheet.iter_rows(values_only=True)]
    assert _unescaped(theirs) == _csv(path)
    assert [row[1] for row in theirs[1 : len(names) + 1]] == [tables.harmless(name) for name in names]
