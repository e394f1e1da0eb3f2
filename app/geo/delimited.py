"""Tables of plain text (CSV): any separator, any usual encoding, titles above the header."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

from app.errors import Invalid
from app.geo.tables import CHUNK, MAX_COLUMNS, File, Row, Unpacked, first_records, header_at, passed_over, unique

#: No line is longer, however long a text may be, and no row of several lines.
MAX_LINE, MAX_RECORD = 2**20, 2**22
_SAMPLE = 100
_DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
#: Marks that also occur in texts, and so must divide every line alike.
_RARE = "~^¬¦#:!"
_ENCODINGS = {
    "utf-8-sig": "UTF-8", "utf-16": "UTF-16", "utf-16-le": "UTF-16", "utf-16-be": "UTF-16", "cp1252": "Windows-1252",
}  # fmt: skip


class Csv:
    """A text table. Its first line names the columns, or the first after lines of title."""

    unit, located = "line", False
    epsg: int | None = None

    def __init__(self, file: File) -> None:
        self._file = file
        self._source: Unpacked | None = None
        self._pending = 0  # characters since the last row ended
        self._encoding = _encoding(file)
        said = self._said_delimiter()
        self._delimiter = said or self._best_delimiter()
        self._begin = 1 if said else 0
        some = first_records((cells for _, cells in itertools.islice(self._records(), self._begin, None)), _SAMPLE)
        if not some:
            raise Invalid(f"{file.name} has no line that names the columns.")
        at = header_at(some)
        if len(some[at]) > MAX_COLUMNS:
            raise Invalid(f"{file.name} has {len(some[at])} columns; at most {MAX_COLUMNS} are read.")
        self.columns = unique([str(cell) for cell in some[at]])
        self._begin += at + 1
        by = _DELIMITERS.get(self._delimiter, f"'{self._delimiter}'")
        self.what = f"CSV, {_ENCODINGS[self._encoding]}, separated by {by}{passed_over(some[:at])}"

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._source.share if self._source else 0.0

    def rows(self) -> Iterator[Row]:
        """Every line below the header with anything on it; cells beyond the header are named by their place."""
        width = len(self.columns)
        for line, cells in itertools.islice(self._records(), self._begin, None):
            named = dict(zip(self.columns, cells, strict=False))
            if len(cells) > width:
                if len(cells) > MAX_COLUMNS:
                    yield Row(line, named, fault=f"it has {len(cells)} cells, the header {width}")
                    continue
                named |= {f"Column {n}": cell for n, cell in enumerate(cells[width:], width + 1)}
            yield Row(line, named)

    def _records(self, delimiter: str | None = None) -> Iterator[tuple[int, list[str]]]:
        """Line number and cells; lines without anything in their cells are passed over."""
        with self._file.opened() as stream, io.TextIOWrapper(stream, self._encoding, newline="") as text:
            self._source = stream.raw
            reader = csv.reader(self._lines(text), delimiter=delimiter or self._delimiter, strict=True)
            line = 1
            self._pending = 0
            try:
                for cells in reader:
                    self._pending = 0
                    if any(map(str.strip, cells)):
                        yield line, cells
                    line = reader.line_num + 1
            except csv.Error as error:
                raise Invalid(f"{self._file.name}, line {line}: {_csv_fault(str(error))}") from error
            except UnicodeDecodeError as error:
                raise Invalid(f"{self._file.name} is damaged or cut off: {error.reason}.") from error

    def _lines(self, text: io.TextIOWrapper) -> Iterator[str]:
        number = 0
        while line := text.readline(MAX_LINE):
            number += 1
            if len(line) == MAX_LINE:
                raise Invalid(f"{self._file.name}, line {number} is longer than a million characters.")
            self._pending += len(line)
            if self._pending > MAX_RECORD:
                raise Invalid(f"{self._file.name}, line {number}: a row does not end after four million characters.")
            yield line

    def _said_delimiter(self) -> str | None:
        """What a first line such as 'sep=;' says, which some programs write for Excel."""
        with self._file.opened() as stream, io.TextIOWrapper(stream, self._encoding, errors="replace") as text:
            found = re.fullmatch(r'"?sep=(\S|\t)"?\s*', text.readline(20), re.IGNORECASE)
        return found[1] if found else None

    def _best_delimiter(self) -> str:
        scores = {delimiter: self._fitness(delimiter) for delimiter in _DELIMITERS}
        best = max(scores, key=lambda delimiter: (scores[delimiter][0] >= 0.5, *scores[delimiter]))
        if scores[best][1] < 2:
            rare = {mark: self._fitness(mark) for mark in _RARE}
            return next((mark for mark, (share, width) in rare.items() if share == 1 and width > 2), best)
        return best

    def _fitness(self, delimiter: str) -> tuple[float, int]:
        """What share of the first records has the most frequent width, and how wide that is; 0 for one column."""
        some: list[int] = []
        with suppress(Invalid):  # the rows before a broken one tell enough
            some.extend(len(cells) for _, cells in itertools.islice(self._records(delimiter), _SAMPLE))
        width, count = Counter(some).most_common(1)[0] if some else (0, 0)
        return (count / len(some), width) if width > 1 else (0.0, width)


def _csv_fault(reason: str) -> str:
    if "unexpected end" in reason:
        return "a quotation mark opens here and does not close."
    if "field limit" in reason:
        return f"a quotation mark opens here and does not close within {csv.field_size_limit()} characters."
    return f"the quotation marks do not pair up ({reason})."


def _encoding(file: File) -> str:
    with file.opened() as stream:
        head = stream.read(CHUNK)
        if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return "utf-16"
        if wide := _wide(head):
            return wide
        strange = len(re.findall(rb"[\x00-\x08\x0b\x0e-\x1f\x7f]", head))
        if strange > max(8, len(head) // 100):
            raise Invalid(f"{file.name} is not a text file.")
        decoders = {name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "cp1252")}
        cut_off = False
        for chunk in itertools.chain([head], iter(lambda: stream.read(2**20), b""), [b""]):
            for name in list(decoders):
                try:
                    decoders[name].decode(chunk, final=not chunk)
                except UnicodeDecodeError:
                    cut_off = not chunk and name == "utf-8-sig"
                    del decoders[name]
    if cut_off:
        raise Invalid(f"{file.name} is cut off in the middle of a character.")
    if not decoders:
        raise Invalid(f"{file.name} is text of an unknown encoding. Save it as UTF-8.")
    return next(iter(decoders))


def _wide(head: bytes) -> str | None:
    """UTF-16 that does not say so: of the two bytes of a letter, the same one is nearly always zero."""
    pairs = len(head) // 2
    high, low = head[0 : 2 * pairs : 2].count(0), head[1 : 2 * pairs : 2].count(0)
    if pairs and max(high, low) > 0.6 * pairs and min(high, low) <= 0.02 * pairs:
        return "utf-16-le" if low > high else "utf-16-be"
    return None
