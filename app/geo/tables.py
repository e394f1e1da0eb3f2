"""A table of rows in a file: what every format has, and the one of plain text (CSV).

Rows come one at a time, however large the file is; gzip is unpacked on the way. Whatever cannot be read raises Invalid
with a sentence that says where and why. Nothing here knows what the columns mean.
"""

import codecs
import csv
import gzip
import io
import itertools
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from app.errors import Invalid

MAX_BYTES = 4 * 2**30
MAX_COLUMNS = 500
CHUNK = 2**16


@dataclass(frozen=True)
class Row:
    """One row or feature: where it stands, its values by column, and its geometry as the file has it."""

    line: int
    """Line of the file on which it begins (CSV), else its number, counted from 1."""
    values: Mapping[str, Any]
    """Text of CSV cells, values of GeoJSON properties."""
    geometry: object = None
    """A GeoJSON geometry, or WKB; None where the file has none."""
    fault: str | None = None
    """Why this one cannot be read at all."""


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


class Unpacked(io.RawIOBase):
    """The bytes of a file, unpacked where it is gzip, and no more than MAX_BYTES of them."""

    share = 0.0
    """How much of the file, packed as it is, has been read, from 0 to 1."""

    def __init__(self, path: Path) -> None:
        self._name, self._left = path.name, MAX_BYTES
        self._file = path.open("rb")
        packed = self._file.read(2) == b"\x1f\x8b"
        self._size = self._file.seek(0, io.SEEK_END)
        self._file.seek(0)
        self._bytes: Any = gzip.GzipFile(fileobj=self._file) if packed else self._file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            data = self._bytes.read(len(buffer))
        except (OSError, EOFError, ValueError) as error:
            raise Invalid(f"{self._name} is damaged: {error}.") from error
        self._left -= len(data)
        if self._left < 0:
            raise Invalid(f"{self._name} unpacks to more than {MAX_BYTES // 2**30} GB.")
        buffer[: len(data)] = data
        self.share = self._file.tell() / self._size if self._size else 1.0
        return len(data)

    def close(self) -> None:
        self._bytes.close()
        self._file.close()
        super().close()


@contextmanager
def opened(path: Path) -> "Iterator[io.BufferedReader[Unpacked]]":
    """The bytes of a file, unpacked where it is gzip."""
    with io.BufferedReader(Unpacked(path), CHUNK) as stream:
        yield stream


def unique(names: Sequence[str]) -> list[str]:
    """Column names told apart: an empty one is called by its place, a second 'Name' is 'Name (2)'."""
    seen: dict[str, int] = {}
    found = []
    for number, name in enumerate(names, 1):
        plain = " ".join(name.split()) or f"Column {number}"
        seen[plain] = seen.get(plain, 0) + 1
        found.append(plain if seen[plain] == 1 else f"{plain} ({seen[plain]})")
    return found


def unstorable(text: str) -> str | None:
    """What keeps this text out of the database, or None."""
    if "\0" in text:
        return "the character NUL"
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        return "half a character"
    return None


def harmless(text: str) -> str:
    """Text for a cell that no spreadsheet takes for a formula: where it would, an apostrophe stands before it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def csv_row(cells: Sequence[object]) -> str:
    """One line of CSV (RFC 4180); its text cells are harmless, None is an empty cell."""
    line = io.StringIO()
    csv.writer(line).writerow([harmless(cell) if isinstance(cell, str) else cell for cell in cells])
    return line.getvalue()


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────


class Csv:
    """A text table: any of four separators; UTF-8, UTF-16 or Windows-1252. Its first line names the columns."""

    unit, located = "line", False
    epsg: int | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: Unpacked | None = None
        self._encoding = _encoding(path)
        self._delimiter = self._best_delimiter()
        header = next(self._records(), None)
        if header is None:
            raise Invalid(f"{path.name} has no line that names the columns.")
        if len(header[1]) > MAX_COLUMNS:
            raise Invalid(f"{path.name} has {len(header[1])} columns; at most {MAX_COLUMNS} are read.")
        self.columns = unique(header[1])
        words = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
        self.what = f"CSV, {_ENCODINGS[self._encoding]}, separated by {words[self._delimiter]}"

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._source.share if self._source else 0.0

    def rows(self) -> Iterator[Row]:
        """Every line with anything on it but the first; cells beyond the header are named by their place."""
        width = len(self.columns)
        for line, cells in itertools.islice(self._records(), 1, None):
            named = dict(zip(self.columns, cells, strict=False))
            if len(cells) > width:
                if len(cells) > MAX_COLUMNS:
                    yield Row(line, named, fault=f"it has {len(cells)} cells, the header {width}")
                    continue
                named |= {f"Column {n}": cell for n, cell in enumerate(cells[width:], width + 1)}
            yield Row(line, named)

    def _records(self, delimiter: str | None = None) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells; blank lines are passed over."""
        with opened(self._path) as stream, io.TextIOWrapper(stream, self._encoding, newline="") as text:
            self._source = stream.raw
            reader = csv.reader(text, delimiter=delimiter or self._delimiter, strict=True)
            line = 1
            try:
                for cells in reader:
                    if cells:
                        yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                raise Invalid(f"{self._path.name}, line {line}: {_csv_fault(str(error))}") from error

    def _best_delimiter(self) -> str:
        def fitness(delimiter: str) -> tuple[float, int]:
            some: list[int] = []
            with suppress(Invalid):  # the rows before a broken one tell enough
                some.extend(len(cells) for _, cells in itertools.islice(self._records(delimiter), 100))
            width = some[0] if some else 0
            return (sum(n == width for n in some) / len(some) if width > 1 else 0.0, width)

        scores = {delimiter: fitness(delimiter) for delimiter in ",;\t|"}
        return max(scores, key=lambda delimiter: (scores[delimiter][0] >= 0.5, *scores[delimiter]))


_ENCODINGS = {"utf-8-sig": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252"}


def _csv_fault(reason: str) -> str:
    if "unexpected end" in reason or "field limit" in reason:
        return "a quotation mark opens here and does not close."
    return f"the quotation marks do not pair up ({reason})."


def _encoding(path: Path) -> str:
    with opened(path) as stream:
        head = stream.read(CHUNK)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        strange = len(re.findall(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]", head))
        if strange > max(8, len(head) // 100):
            raise Invalid(f"{path.name} is not a text file.")
        decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252")}
        for chunk in itertools.chain([head], iter(lambda: stream.read(2**20), b"")):
            for name in list(decoders):
                try:
                    decoders[name].decode(chunk)
                except UnicodeDecodeError:
                    del decoders[name]
    if not decoders:
        raise Invalid(f"{path.name} is text of an unknown encoding. Save it as UTF-8.")
    return next(iter(decoders))
