"""Reading tables of places from files: CSV, GeoJSON, GeoPackage. What a file is, its own bytes say, not its name."""

import io
import itertools
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyogrio

from app.errors import Invalid
from app.geo.tables import CHUNK, MAX_COLUMNS, Csv, Row, Table, Unpacked, opened

#: One feature of a GeoJSON file may take this many characters.
MAX_FEATURE = 32 * 2**20
_BATCH = 2000


def read(path: Path, *, layer: str | None = None) -> Table:
    """The table in a file. Raises Invalid when it is missing, empty, damaged, or of a kind that is not read here."""
    if not path.is_file():
        raise Invalid(f"There is no file {path}.")
    with opened(path) as stream:
        head = stream.read(CHUNK)
    if not head:
        raise Invalid(f"{path.name} is empty.")
    if head.startswith(b"SQLite format 3\0"):
        return GeoPackage(path, layer)
    for mark, answer in _REFUSED.items():
        if head.lstrip(b"\xef\xbb\xbf \t\r\n")[: len(mark)].lower() == mark:
            raise Invalid(f"{path.name} {answer}")
    return GeoJson(path) if re.match(rb"(?:\xef\xbb\xbf)?\s*[{\[]", head) else Csv(path)


_REFUSED = {
    b"pk\x03\x04": "is a zip archive (a workbook, KMZ or Shapefile). Save it as CSV, GeoJSON or GeoPackage.",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook. Save it as CSV.",
    b"<": "is XML (KML, GPX or a web page). Convert it to GeoJSON, e.g. with 'ogr2ogr out.geojson in.kml'.",
    b"%pdf": "is a PDF. Ask its publisher for the table as CSV.",
}


# ── GeoJSON ─────────────────────────────────────────────────────────────────────────────────


class GeoJson:
    """A FeatureCollection, read feature by feature. An old-style `crs` member is honoured."""

    unit, located = "feature", True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._source: Unpacked | None = None
        self.epsg: int | None = None
        some = list(itertools.islice(self.rows(), _BATCH))
        self.columns = list(dict.fromkeys(name for row in some for name in row.values))[:MAX_COLUMNS]
        self.what = "GeoJSON"

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._source.share if self._source else 0.0

    def rows(self) -> Iterator[Row]:
        """Every feature, in the file's order."""
        with opened(self._path) as stream:
            self._source = stream.raw
            json_text = _JsonText(io.TextIOWrapper(stream, "utf-8-sig"), self._path.name)
            begun = 0
            for name, value in json_text.members():
                if name == "features":
                    begun += 1
                    yield _feature(begun, value)
                else:
                    self._member(name, value, late=begun > 0)

    def _member(self, name: str, value: Any, *, late: bool) -> None:
        if name in ("arcs", "objects") or (name, value) == ("type", "Topology"):
            raise Invalid(
                f"{self._path.name} is TopoJSON, in which neighbours share their lines. Turn it into GeoJSON, "
                "e.g. with 'ogr2ogr out.geojson in.json' or 'npx -p topojson-client topo2geo', and import that."
            )
        if name == "type" and value != "FeatureCollection":
            raise Invalid(f"{self._path.name} is JSON of the type {value!r}, not a GeoJSON FeatureCollection.")
        if name == "crs":
            found = epsg_of(value["properties"]["name"]) if _names_a_crs(value) else None
            if value is not None and found is None:
                raise Invalid(
                    f"The coordinate system that {self._path.name} names is not known: say --crs EPSG:number."
                )
            if late and found not in (None, self.epsg, 4326):
                raise Invalid(f"{self._path.name} names its coordinate system at its end: say --crs EPSG:{found}.")
            self.epsg = found


def _names_a_crs(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("properties"), dict) and "name" in value["properties"]


def _feature(number: int, value: Any) -> Row:
    if not isinstance(value, dict) or value.get("type") != "Feature":
        return Row(number, {}, fault="it is not a GeoJSON Feature")
    properties = value.get("properties")
    if properties is not None and not isinstance(properties, dict):
        return Row(number, {}, fault="its properties are no object")
    return Row(number, properties or {}, value.get("geometry"))


class _JsonText:
    """A JSON object read piece by piece: the items of its member `features` come one at a time."""

    def __init__(self, stream: io.TextIOBase, name: str) -> None:
        self._stream, self._name = stream, name
        self._text, self._at = "", 0
        self._decoder = json.JSONDecoder(parse_constant=self._no_number)

    def members(self) -> Iterator[tuple[str, Any]]:
        self._expect("{")
        found = False
        while not self._take("}"):
            name = self._value()
            self._expect(":")
            if name == "features" and self._take("["):
                found = True
                yield from (("features", item) for item in self._items())
            else:
                yield str(name), self._value()
            self._take(",")
        if not found:
            raise Invalid(f"{self._name} has no list of features: it is not a GeoJSON FeatureCollection.")
        if self._peek():
            raise self._broken("something follows its end")

    def _items(self) -> Iterator[Any]:
        while not self._take("]"):
            yield self._value()
            if not self._take(",") and self._peek() != "]":
                raise self._broken("a comma is missing in the list of features")

    def _value(self) -> Any:
        self._peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except json.JSONDecodeError as error:
                if not self._more():
                    raise self._broken(error.msg) from error
                continue
            except RecursionError as error:
                raise self._broken("it is nested too deeply") from error
            if end == len(self._text) and self._more():
                continue  # a number may go on
            self._at = end
            return value

    def _peek(self) -> str:
        """The next character that is no blank; nothing at the end."""
        while True:
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n":
                self._at += 1
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def _take(self, wanted: str) -> bool:
        if self._peek() != wanted:
            return False
        self._at += 1
        return True

    def _expect(self, wanted: str) -> None:
        if not self._take(wanted):
            raise self._broken(f"'{wanted}' is missing")

    def _more(self) -> bool:
        # As much again as is waiting, so that a long feature is not tried over and over for every little piece.
        waiting = len(self._text) - self._at
        if waiting > MAX_FEATURE:
            raise Invalid(f"{self._name} has a feature of more than {MAX_FEATURE // 2**20} MB.")
        try:
            piece = self._stream.read(max(CHUNK, waiting))
        except UnicodeDecodeError as error:
            raise Invalid(f"{self._name} is not UTF-8, as JSON must be.") from error
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def _no_number(self, word: str) -> Any:
        raise self._broken(f"{word} is no number of JSON")

    def _broken(self, reason: str) -> Invalid:
        return Invalid(f"{self._name} is damaged or cut off: {reason}.")


# ── GeoPackage ──────────────────────────────────────────────────────────────────────────────


class GeoPackage:
    """One layer of a GeoPackage."""

    unit, located, share = "row", True, 0.0

    def __init__(self, path: Path, layer: str | None) -> None:
        self._path = path
        try:
            layers = [str(name) for name, kind in pyogrio.list_layers(path) if kind]
            if layer is None and len(layers) != 1:
                raise Invalid(f"{path.name} has the layers {', '.join(layers) or 'none'}: say which with --layer.")
            if layer is not None and layer not in layers:
                raise Invalid(f"{path.name} has no layer '{layer}'; it has {', '.join(layers)}.")
            self._layer = layer or layers[0]
            about = pyogrio.read_info(path, layer=self._layer)
        except pyogrio.errors.DataSourceError as error:
            raise Invalid(f"{path.name} is not a readable GeoPackage: {error}.") from error
        self.columns = [str(name) for name in about["fields"]][:MAX_COLUMNS]
        self.epsg = epsg_of(about["crs"] or "")
        if about["crs"] and self.epsg is None:
            raise Invalid(f"The coordinate system of {path.name} is none of EPSG's: say --crs EPSG:number.")
        self.what = f"GeoPackage, layer {self._layer}"
        self._features = int(about["features"])

    def rows(self) -> Iterator[Row]:
        """Every feature of the layer, in batches."""
        for first in itertools.count(0, _BATCH):
            _, _, shapes, fields = pyogrio.raw.read(
                self._path, layer=self._layer, skip_features=first, max_features=_BATCH
            )
            for number, cells in enumerate(zip(shapes, *fields, strict=True), first + 1):
                values = {name: _plain(value) for name, value in zip(self.columns, cells[1:], strict=False)}
                yield Row(number, values, cells[0])
            self.share = min(1.0, (first + len(shapes)) / max(1, self._features))
            if len(shapes) < _BATCH:
                return


def _plain(value: Any) -> Any:
    """A value of numpy as one of Python; not-a-number and not-a-time as None."""
    plain = value.item() if hasattr(value, "item") else value
    return None if plain != plain else plain


def epsg_of(name: str) -> int | None:
    """The EPSG number in a name of a coordinate system, such as urn:ogc:def:crs:EPSG::27700 or OGC:CRS84."""
    if re.search(r"CRS:?84$", str(name), re.IGNORECASE):
        return 4326
    found = re.fullmatch(r"(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d{4,6})", str(name).strip(), re.IGNORECASE)
    return int(found[1]) if found else None
