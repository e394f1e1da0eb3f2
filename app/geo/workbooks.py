"""Workbooks of Excel and its kin (XLSX, ISO/IEC 29500): one sheet, read row by row in little memory.

A cell is what the workbook says it is: a date is written as ISO 8601, a number stays one. No formula is worked out: a
cell has the value that was kept with its formula.
"""

import itertools
import math
import mmap
import posixpath
import re
import tempfile
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, NoReturn

from app.errors import Invalid
from app.geo import archives
from app.geo.markup import MAX_TEXT, Document
from app.geo.tables import MAX_COLUMNS, File, Row, first_records, header_at, passed_over, unique

MAX_SHEETS = 200
#: Rows of a sheet, and the different texts of a workbook.
MAX_ROWS, MAX_STRINGS = 1_048_576, 5_000_000
#: A cell holds 32,767 characters, so its text has no more pieces.
MAX_PIECES = 32_767
_SAMPLE = 100
_ERROR = "cells with an error such as #N/A are read as empty"
_UNKNOWN = "formulas that were never worked out are read as empty; a spreadsheet program works them out when it saves"


@dataclass(frozen=True)
class _Sheet:
    name: str
    member: str
    hidden: bool


class Workbook:
    """One sheet of a workbook. Its first row names the columns, or the first after rows of title."""

    unit, located = "row", False
    epsg: int | None = None

    def __init__(self, file: File, layer: str | None) -> None:
        self._file = file
        self._book = _book(file)
        self._sheet, beside = self._chosen(layer)
        self._document = self._open(self._sheet.member)
        some = first_records((cells for _, cells, _ in self._records(self._sheet, self._document)), _SAMPLE)
        if not some:
            raise Invalid(f"{file.name}, sheet '{self._sheet.name}', has no row that names the columns.")
        at = header_at(some)
        width = max((n for n, cell in enumerate(some[at], 1) if cell is not None), default=0)
        self.columns = unique(["" if cell is None else str(cell) for cell in some[at][:width]])
        self._begin = at + 1
        self.what = f"XLSX, sheet '{self._sheet.name}'{beside}{passed_over(some[:at])}"

    @property
    def share(self) -> float:
        """How much of the sheet has been read."""
        return self._document.share

    def rows(self) -> Iterator[Row]:
        """Every row below the header with anything in it; cells beyond the header are named by their place."""
        self._document = self._open(self._sheet.member)
        width = len(self.columns)
        for line, cells, remarks in itertools.islice(self._records(self._sheet, self._document), self._begin, None):
            beyond = [f"Column {n}" for n in range(width + 1, len(cells) + 1)]
            values = {
                name: cell for name, cell in zip([*self.columns, *beyond], cells, strict=False) if cell is not None
            }
            yield Row(line, values, remarks=remarks)

    def _open(self, member: str) -> Document:
        return Document(File(self._file.path, self._file.name, member))

    def _records(self, sheet: _Sheet, document: Document) -> Iterator[tuple[int, list[Any], tuple[str, ...]]]:
        """Number, cells and remarks of each row that has anything in it."""
        listener = _Cells(self._file, self._book)
        for _ in document.walk(listener):
            yield from listener.taken()

    def _chosen(self, layer: str | None) -> tuple[_Sheet, str]:
        """The sheet of this name, or the only one with a table; and what to say of the others."""
        by_name = {sheet.name: sheet for sheet in self._book.sheets}
        if layer is not None and layer not in by_name:
            raise Invalid(f"{self._file.name} has no sheet '{layer}'; it has {', '.join(by_name)}.")
        if layer is not None:
            return by_name[layer], ""
        shown = [sheet for sheet in self._book.sheets if not sheet.hidden]
        filled = [sheet for sheet in shown if self._is_table(sheet)] if len(shown) > 1 else shown
        if len(filled) > 1:
            names = ", ".join(sheet.name for sheet in filled)
            raise Invalid(f"{self._file.name} has tables on the sheets {names}: say which is meant.")
        chosen = filled or shown
        if not chosen:
            raise Invalid(f"{self._file.name} has no sheet that is shown.")
        others = [sheet.name for sheet in self._book.sheets if sheet is not chosen[0]]
        return chosen[0], f" (not read: {', '.join(others)})" if others else ""

    def _is_table(self, sheet: _Sheet) -> bool:
        records = self._records(sheet, self._open(sheet.member))
        wide = [sum(cell is not None for cell in cells) > 1 for _, cells, _ in itertools.islice(records, _SAMPLE)]
        return sum(wide) > 1


# ── the book ────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Book:
    sheets: list[_Sheet] = field(default_factory=list)
    texts: "_Texts | None" = None
    dates: frozenset[int] = frozenset()
    """The cell styles that show a number as a date or a time."""
    since: datetime = datetime(1899, 12, 30)  # noqa: DTZ001 - a workbook knows no time zones


def _book(file: File) -> _Book:
    there = set(archives.members(file))

    def heard(member: str) -> "_Parts":
        parts = _Parts(file)
        if member in there:
            for _ in Document(File(file.path, file.name, member)).walk(parts):
                pass
        return parts

    contents, ties = heard("xl/workbook.xml"), heard("xl/_rels/workbook.xml.rels").ties
    for tie in ties:
        tie["Target"] = posixpath.normpath(posixpath.join("xl", tie["Target"])).removeprefix("/")
    targets = {tie["Id"]: tie["Target"] for tie in ties}
    by_kind = {tie.get("Type", "").rpartition("/")[2]: tie["Target"] for tie in ties}
    book = _Book(dates=frozenset(heard(by_kind.get("styles", "")).dates()))
    for sheet in contents.sheets[:MAX_SHEETS]:
        member = targets.get(sheet.get("id", ""), "")
        if member in there and "chartsheet" not in member:
            book.sheets.append(_Sheet(sheet.get("name", "?"), member, sheet.get("state", "visible") != "visible"))
    if not book.sheets:
        raise Invalid(f"{file.name} is damaged: it is a workbook without a sheet.")
    if contents.since_1904:
        book.since = datetime(1904, 1, 1)  # noqa: DTZ001
    if (texts := by_kind.get("sharedStrings")) in there:
        book.texts = _Texts(File(file.path, file.name, texts))
    return book


class _Parts:
    """Hears the small parts of a workbook: its sheets, where they are, and which styles are dates."""

    def __init__(self, file: File) -> None:
        self._file = file
        self.sheets: list[dict[str, str]] = []
        self.ties: list[dict[str, str]] = []
        self.since_1904 = False
        self._formats: dict[str, str] = {}
        self._styles: list[str] = []
        self._in_styles = False

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        bare = {key.rpartition(":")[2]: value for key, value in attributes.items()}
        if name == "sheet" and len(self.sheets) < MAX_SHEETS:
            self.sheets.append(bare)
        elif name == "Relationship" and "Id" in bare and "Target" in bare:
            self.ties.append(bare)
        elif name == "workbookPr":
            self.since_1904 = bare.get("date1904") in ("1", "true")
        elif name == "numFmt":
            self._formats[bare.get("numFmtId", "")] = bare.get("formatCode", "")[:200]
        elif name == "cellXfs":
            self._in_styles = True
        elif name == "xf" and self._in_styles:
            self._styles.append(bare.get("numFmtId", "0"))
        if len(self._formats) + len(self._styles) + len(self.ties) > 200_000:
            raise Invalid(f"{self._file.name} has more styles of cells than any workbook has.")

    def end(self, name: str, text: str) -> None:
        if name == "cellXfs":
            self._in_styles = False

    def dates(self) -> Iterator[int]:
        known = {key: _shows_date(code) for key, code in self._formats.items()}
        for number, key in enumerate(self._styles):
            if known.get(key, key in _DATES):
                yield number


#: The formats that every workbook has without saying so (18.8.30) and that show a date or a time.
_DATES = {str(number) for number in (*range(14, 23), *range(27, 37), *range(45, 48), *range(50, 59))}


def _shows_date(code: str) -> bool:
    first = code.partition(";")[0]
    bare = re.sub(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', "", first, flags=re.IGNORECASE)
    return bare.lower() != "general" and bool(re.search(r"[dmyhs]", bare, re.IGNORECASE))


class _Texts:
    """The texts that cells share, kept in a file: a country's workbook has more than memory should hold."""

    def __init__(self, file: File) -> None:
        self._ends = array("Q", [0])
        listener = _Strings(file)
        with tempfile.TemporaryFile() as store:
            for _ in Document(file).walk(listener):
                for text in listener.taken():
                    self._ends.append(self._ends[-1] + store.write(text.encode("utf-8", "replace")))
                if len(self._ends) > MAX_STRINGS:
                    raise Invalid(f"{file.name} has more than {MAX_STRINGS} different texts.")
            store.flush()
            self._bytes: Any = mmap.mmap(store.fileno(), 0, access=mmap.ACCESS_READ) if self._ends[-1] else b""

    def __getitem__(self, number: int) -> str:
        if number < 0:
            raise IndexError
        return bytes(self._bytes[self._ends[number] : self._ends[number + 1]]).decode()


class _Strings:
    """Hears the shared texts; of a text in pieces all pieces, without readings in another script."""

    def __init__(self, file: File) -> None:
        self._file = file
        self._done: list[str] = []
        self._pieces: list[str] = []
        self._aside = False

    def taken(self) -> list[str]:
        done, self._done = self._done, []
        return done

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "rPh":
            self._aside = True

    def end(self, name: str, text: str) -> None:
        if name == "rPh":
            self._aside = False
        elif name == "t" and not self._aside:
            self._pieces.append(text)
            if len(self._pieces) > MAX_PIECES:
                raise Invalid(f"{self._file.name} has a text of more than {MAX_PIECES} pieces.")
        elif name == "si":
            self._done.append(_unescaped("".join(self._pieces)))
            self._pieces = []


def _unescaped(text: str) -> str:
    """Text without the escapes of signs that XML cannot hold (_x000D_)."""
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


# ── the cells ───────────────────────────────────────────────────────────────────────────────


class _Cells:
    """Hears a sheet and keeps the rows that have ended."""

    def __init__(self, file: File, book: _Book) -> None:
        self._file, self._book = file, book
        self._done: list[tuple[int, list[Any], tuple[str, ...]]] = []
        self._line = self._column = self._size = self._count = 0
        self._cells: list[Any] = []
        self._remarks: set[str] = set()
        self._type, self._style, self._value = "n", 0, ""
        self._formula = False

    def taken(self) -> Sequence[tuple[int, list[Any], tuple[str, ...]]]:
        done, self._done = self._done, []
        return done

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        if name == "c":
            self._column = _column(attributes.get("r", "")) or self._column + 1
            self._type, self._value, self._formula = attributes.get("t", "n"), "", False
            style = attributes.get("s", "0")
            self._style = int(style) if style.isdecimal() and len(style) < 8 else 0
        elif name == "row":
            line = attributes.get("r", "")
            self._line = int(line) if line.isdecimal() and len(line) < 8 else self._line + 1
            self._cells, self._remarks, self._column, self._size = [], set(), 0, 0
            self._count += 1
            if self._count > MAX_ROWS:
                self._refuse(f"has more than {MAX_ROWS} rows")

    def end(self, name: str, text: str) -> None:
        if name == "v" or (name == "t" and self._type == "inlineStr"):
            self._value += text
        elif name == "f":
            self._formula = True
        elif name == "c":
            self._keep()
        elif name == "row" and any(cell is not None for cell in self._cells):
            self._done.append((self._line, self._cells, tuple(sorted(self._remarks))))

    def _keep(self) -> None:
        value = self._read()
        if value is None or value == "":
            return
        if self._column > MAX_COLUMNS:
            self._refuse(f"has more than {MAX_COLUMNS} columns in row {self._line}")
        self._size += len(self._value)
        if self._size > MAX_TEXT:
            self._refuse(f"has a row of more than {MAX_TEXT // 2**20} MB")
        self._cells += [None] * (self._column - len(self._cells))
        self._cells[self._column - 1] = value

    def _read(self) -> Any:
        value = self._value
        if self._type == "s":
            return self._shared(value)
        if self._type in ("str", "inlineStr"):
            return _unescaped(value)
        if not value:
            if self._formula:
                self._remarks.add(_UNKNOWN)
            return None
        if self._type == "b":
            return value.strip() in ("1", "true")
        if self._type == "e":
            self._remarks.add(_ERROR)
            return None
        return self._number(value) if self._type == "n" else value

    def _shared(self, value: str) -> str | None:
        if not value:
            return None
        try:
            return self._book.texts[int(value[:8])] if self._book.texts else None
        except (ValueError, IndexError):
            self._refuse("is damaged: a cell names a text that is not there")

    def _number(self, text: str) -> Any:
        try:
            number = float(text)
        except ValueError:
            return text[:100]
        if not math.isfinite(number):
            return text[:100]
        if self._style in self._book.dates and (shown := _moment(number, self._book.since)):
            return shown
        return int(number) if number.is_integer() and abs(number) < 1e15 else number

    def _refuse(self, reason: str) -> NoReturn:
        raise Invalid(f"{self._file.name} {reason}.")


def _column(reference: str) -> int:
    """The number of the column in a reference such as AB12, counted from 1; 0 for none."""
    number = 0
    for sign in reference[:10]:
        if not "A" <= sign <= "Z":
            break
        number = number * 26 + ord(sign) - 64
    return number


def _moment(serial: float, since: datetime) -> str | None:
    """A day, an instant or a time of day as ISO 8601; None where the number is none of them."""
    if not 0 <= serial < 2_958_466:  # the year 10000
        return None
    if serial < 60 and since.year == 1899:
        serial += serial >= 1  # 1900 was no leap year, but the first spreadsheet took it for one
    moment = since + timedelta(seconds=round(serial * 86400))
    if serial < 1:
        return moment.time().isoformat("seconds" if moment.second else "minutes")
    if moment.time() == datetime.min.time():
        return moment.date().isoformat()
    return moment.isoformat(timespec="seconds" if moment.second else "minutes")
