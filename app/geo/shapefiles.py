"""Zipped Shapefiles (ESRI, 1998): unpacked under our own names into a folder of their own, then read by GDAL.

GDAL is told how much it may read at a time: sizes come from the index, before it opens anything.
"""

import codecs
import shutil
import tempfile
import warnings
import weakref
from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyogrio

from app.errors import Invalid
from app.geo import archives
from app.geo.tables import MAX_COLUMNS, File, Row

#: The three parts together may have so many bytes, one shape so many, and the shapes that are read at once.
MAX_SIZE, MAX_SHAPE, MAX_BATCH = 512 * 2**20, 16 * 2**20, 8 * 2**20
_ROWS = 2000
_PARTS = {"shp": MAX_SIZE, "shx": MAX_SIZE, "dbf": MAX_SIZE, "prj": 2**16, "cpg": 100}
_NEEDED = {"shx": "the index", "dbf": "the attributes"}


class Shapefile:
    """One Shapefile of a zip archive."""

    unit, located, share = "row", True, 0.0

    def __init__(self, file: File, members: Sequence[str], layer: str | None) -> None:
        self._name = file.name
        folder = Path(tempfile.mkdtemp(prefix=archives.UNPACKED))
        forget = weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._path = folder / "shapes.shp"
        try:
            self._open(file, members, self._chosen(members, layer))
        except BaseException:
            forget()
            raise

    def _open(self, file: File, members: Sequence[str], stem: str) -> None:
        self._unpack(file, members, stem)
        self._batches = list(self._measured())
        self._encoding = self._said_encoding()
        about = self._info()
        self.columns = [str(name) for name in about["fields"]][:MAX_COLUMNS]
        self.epsg = _epsg(about["crs"])
        if about["crs"] and self.epsg is None:
            raise Invalid(f"The coordinate system of {self._name} is none of EPSG's: say which it is, as EPSG:number.")
        unsaid = "" if about["crs"] else ", without a .prj that names its coordinate system"
        self.what = f"Shapefile, {stem.rpartition('/')[2]}{unsaid}"

    def _info(self) -> dict[str, Any]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # GDAL's remarks are for who runs GDAL
                about: dict[str, Any] = pyogrio.read_info(self._path, encoding=self._encoding)
                return about
        except (pyogrio.errors.CRSError, UnboundLocalError) as error:  # the latter where its text is no UTF-8
            raise Invalid(
                f"{self._name} has a .prj that cannot be read. Leave it out, and say which it is, as EPSG:number."
            ) from error
        except (RuntimeError, ValueError) as error:
            raise Invalid(f"{self._name} is not a readable Shapefile.") from error

    def rows(self) -> Iterator[Row]:
        """Every row, in batches."""
        total = self._batches[-1][1] if self._batches else 0
        for first, end in self._batches:
            for number, (shape, *cells) in enumerate(self._read(first, end), first + 1):
                values = {name: _plain(value) for name, value in zip(self.columns, cells, strict=False)}
                yield Row(number, values, shape)
            self.share = end / total

    def _read(self, first: int, end: int) -> Iterator[tuple[Any, ...]]:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)
                _, _, shapes, fields = pyogrio.raw.read(
                    self._path, skip_features=first, max_features=end - first, encoding=self._encoding
                )
        except (RuntimeError, ValueError) as error:
            raise Invalid(f"{self._name} is damaged near row {first + 1}: {error}.") from error
        return zip(shapes, *fields, strict=True)

    def _chosen(self, members: Sequence[str], layer: str | None) -> str:
        """The common beginning of the names of the parts."""
        stems = {member[:-4].rpartition("/")[2]: member[:-4] for member in members if member.lower().endswith(".shp")}
        if layer is None and len(stems) > 1:
            raise Invalid(f"{self._name} has the layers {', '.join(stems)}: say which is meant.")
        if layer is not None and layer not in stems:
            raise Invalid(f"{self._name} has no layer '{layer}'; it has {', '.join(stems)}.")
        return stems[layer] if layer else next(iter(stems.values()))

    def _unpack(self, file: File, members: Sequence[str], stem: str) -> None:
        known = {member.lower(): member for member in members}
        for ending, most in _PARTS.items():
            member = known.get(f"{stem}.{ending}".lower())
            if member:
                archives.unpack(File(file.path, file.name, member), self._path.with_suffix(f".{ending}"), most)
            elif ending in _NEEDED:
                raise Invalid(
                    f"{self._name} has {stem.rpartition('/')[2]}.shp without its .{ending} ({_NEEDED[ending]}). "
                    "Put all parts of the Shapefile into the zip archive."
                )

    def _measured(self) -> Iterator[tuple[int, int]]:
        """First row and end of each batch, by the lengths that the index gives in words of 16 bits."""
        index = self._path.with_suffix(".shx").read_bytes()[100:]
        numbers = array("i", index[: len(index) // 8 * 8])
        numbers.byteswap()  # they are big-endian
        table = self._path.with_suffix(".dbf")
        with table.open("rb") as stream:
            width = int.from_bytes(stream.read(32)[10:12], "little")
        first, size = 0, 0
        for number, words in enumerate(numbers[1::2]):
            if not 0 <= 2 * words <= MAX_SHAPE:
                raise Invalid(f"{self._name} has a shape of more than {MAX_SHAPE // 2**20} MB, or is damaged.")
            size += 2 * words + width
            if size > MAX_BATCH or number - first >= _ROWS:
                yield first, number + 1
                first, size = number + 1, 0
        if first < len(numbers) // 2:
            yield first, len(numbers) // 2

    def _said_encoding(self) -> str | None:
        """UTF-8 where nothing says how the text is written and it can be nothing else; None leaves it to GDAL."""
        if self._path.with_suffix(".cpg").exists():
            return None
        with self._path.with_suffix(".dbf").open("rb") as stream:
            text = stream.read(2**20)
        text = text[int.from_bytes(text[8:10], "little") :]  # behind the description of the columns
        try:
            codecs.getincrementaldecoder("utf-8")().decode(text)  # the last letter may be cut in two
        except UnicodeDecodeError:
            return None
        return None if text.isascii() else "UTF-8"


def _epsg(crs: str | None) -> int | None:
    authority, _, number = (crs or "").partition(":")
    return int(number) if authority == "EPSG" and number.isdecimal() else None


def _plain(value: Any) -> Any:
    """A value of numpy as one of Python; not-a-number and not-a-time as None."""
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain
