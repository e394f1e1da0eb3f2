"""A table of rows in a file: what every format has.

Rows come one at a time, however large the file is; gzip is unpacked on the way. Whatever cannot be read raises Invalid
with a sentence that says where and why. Nothing here knows what the columns mean.
"""

import csv
import gzip
import io
import itertools
import re
import statistics
import zipfile
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar

from app.errors import Invalid

T = TypeVar("T")

MAX_BYTES = 4 * 2**30
#: What unpacks to more than this may be at most so many times the size of what it was packed in.
HARMLESS_BYTES, RATIO = 64 * 2**20, 150
MAX_COLUMNS = 500
CHUNK = 2**16
#: A sample of rows ends when it has so many.
SAMPLE_CHARACTERS = 8_000_000
_CELL = 30  # characters that a cell of nothing counts for
#: A table begins after at most so many lines of title.
MAX_TITLE_LINES = 20


@dataclass(frozen=True)
class Row:
    """One row or feature: where it stands, its values by column, and its geometry as the file has it."""

    line: int
    """Line of the file on which it begins (CSV), row of the sheet (XLSX), else its number, counted from 1."""
    values: Mapping[str, Any]
    """Text of CSV cells and XML elements, values of GeoJSON properties and of cells of a workbook."""
    geometry: object = None
    """A GeoJSON geometry, or WKB; None where the file has none."""
    fault: str | None = None
    """Why this one cannot be read at all."""
    remarks: tuple[str, ...] = ()
    """What was not read as it stands in the file."""


class Table(Protocol):
    """A file of rows."""

    @property
    def what(self) -> str:
        """For people: the format, and how it was read."""

    @property
    def unit(self) -> str:
        """What Row.line counts: line, feature or row."""

    @property
    def columns(self) -> Sequence[str]:
        """The names that the first rows have; later rows of GeoJSON may have others."""

    @property
    def epsg(self) -> int | None:
        """The coordinate system that the file names; None when it names none."""

    @property
    def located(self) -> bool:
        """True when the format has geometries of its own."""

    @property
    def share(self) -> float:
        """How much of the file the last walk over its rows has read, from 0 to 1."""

    def rows(self) -> Iterator[Row]:
        """Every row, in the file's order; asked again, it reads the file anew."""


@dataclass(frozen=True)
class File:
    """A file to be read: as it lies on the disk, or as it lies in a zip archive there."""

    path: Path
    name: str
    """What a person calls it."""
    member: str | None = None
    """Its name in the archive; None where the file is no archive."""

    @contextmanager
    def opened(self) -> "Iterator[io.BufferedReader[Unpacked]]":
        """Its bytes, unpacked where it is gzip or lies in an archive. Raises Invalid where they are damaged."""
        with io.BufferedReader(Unpacked(self), CHUNK) as stream:
            yield stream


class Unpacked(io.RawIOBase):
    """The bytes of a file, unpacked, and no more than MAX_BYTES or RATIO times what they were packed."""

    share = 0.0
    """How much of the file, packed as it is, has been read, from 0 to 1."""

    def __init__(self, file: File) -> None:
        self._name, self._count = file.name, 0
        self._file = file.path.open("rb")
        self._size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self._bytes: Any = self._file
        packed = self._file.read(2) == b"\x1f\x8b"
        self._file.seek(0)
        if file.member is not None:
            with self._told():
                self._bytes = zipfile.ZipFile(self._file).open(file.member)  # noqa: SIM115 - `close` closes it
        elif packed:
            self._bytes = gzip.GzipFile(fileobj=self._file)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with self._told():
            data = self._bytes.read(len(buffer))
        self._count += len(data)
        if self._count > MAX_BYTES:
            raise Invalid(f"{self._name} unpacks to more than {MAX_BYTES // 2**30} GB.")
        if self._bytes is not self._file and self._count > max(HARMLESS_BYTES, RATIO * self._size):
            raise Invalid(f"{self._name} unpacks to more than {RATIO} times its size, as no honest table does.")
        buffer[: len(data)] = data
        self.share = self._file.tell() / self._size if self._size else 1.0
        return len(data)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, ValueError, KeyError, zlib.error, zipfile.BadZipFile, NotImplementedError) as error:
            raise Invalid(f"{self._name} is damaged: {error}.") from error

    def close(self) -> None:
        self._bytes.close()
        self._file.close()
        super().close()


def unique(names: Sequence[str]) -> list[str]:
    """Column names told apart: an empty one is called by its place, a second 'Name' is 'Name (2)'."""
    seen: dict[str, int] = {}
    found = []
    for number, name in enumerate(names, 1):
        plain = " ".join(name.split()) or f"Column {number}"
        seen[plain] = seen.get(plain, 0) + 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found


def first_different(names: Iterable[str], most: int) -> list[str]:
    """The first names that are not repeated, at most so many."""
    found: dict[str, None] = {}
    for name in names:
        found[name] = None
        if len(found) == most:
            break
    return list(found)


def sample(table: Table, most: int) -> list[Row]:
    """The first rows of a table, at most so many, and fewer where they are long: they are all in memory."""

    def weight(row: Row) -> int:
        shape = row.geometry
        return _weight(row.values.values()) + len(shape if isinstance(shape, bytes) else repr(shape))

    return _first(table.rows(), most, weight)


def first_records(records: Iterable[Sequence[object]], most: int) -> list[Sequence[object]]:
    """The first records of a text or a sheet, at most so many, and fewer where they are long."""
    return _first(records, most, _weight)


def _weight(cells: Iterable[object]) -> int:
    return sum(_CELL + len(str(cell)) for cell in cells)


def _first(rows: Iterable[T], most: int, weight: Callable[[T], int]) -> list[T]:
    some, left = [], SAMPLE_CHARACTERS
    for row in itertools.islice(rows, most):
        some.append(row)
        left -= weight(row)
        if left < 0:
            break
    return some


def header_at(records: Sequence[Sequence[object]]) -> int:
    """Which of a table's first records names the columns: the first, or the first after lines that are only a title.

    A title fills one cell, or few beside what most records fill.
    """
    filled = [sum(cell is not None and bool(str(cell).strip()) for cell in record) for record in records]
    usual = statistics.median(sorted(filled)) if filled else 0
    most = max(1, int(usual) // 3)
    return next((number for number, count in enumerate(filled[:MAX_TITLE_LINES]) if count > most), 0)


def passed_over(titles: Sequence[Sequence[object]]) -> str:
    """What stood above the header, for people; nothing where nothing did."""
    texts = [" ".join(str(cell).split()) for record in titles for cell in record if cell is not None]
    said = "; ".join(repr(text[:60]) for text in texts if text)
    return f"; above the names of the columns stands {said[:200]}" if said else ""


def unstorable(text: str) -> str | None:
    """What keeps this text out of the database, or None."""
    if "\0" in text:
        return "the character NUL"
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        return "half a character"
    return None


def storable(text: str) -> str:
    """The text with a mark in the place of each sign that the database cannot hold."""
    return text if unstorable(text) is None else re.sub("[\0\ud800-\udfff]", "\ufffd", text)


def harmless(text: str) -> str:
    """Text for a cell that no spreadsheet takes for a formula: where it would, an apostrophe stands before it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def csv_row(cells: Sequence[object]) -> str:
    """One line of CSV (RFC 4180); its text cells are harmless, None is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()
