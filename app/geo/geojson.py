"""GeoJSON (RFC 7946), read one feature at a time, however large the file is."""

import io
import itertools
import json
import re
from collections.abc import Iterator
from typing import Any

from app.errors import Invalid
from app.geo.tables import CHUNK, MAX_COLUMNS, File, Row, Unpacked, first_different

#: One feature may take this many characters, and have this many parts: in memory it takes up to twenty times that.
MAX_FEATURE = 8 * 2**20
MAX_PARTS = 1_000_000
_SAMPLE = 2000
_FEATURE = re.compile(rb'"type"\s*:\s*"Feature"')
_COLLECTION = re.compile(rb'"type"\s*:\s*"FeatureCollection"|"features"\s*:\s*\[')


class GeoJson:
    """A FeatureCollection, or features one after the other (RFC 8142, or a line each), read feature by feature.

    An old-style `crs` member is honoured.
    """

    unit, located = "feature", True

    def __init__(self, file: File) -> None:
        self._file = file
        self._source: Unpacked | None = None
        self.epsg: int | None = None
        self._loose = self._begins_with_a_feature()
        names = (name for row in itertools.islice(self.rows(), _SAMPLE) for name in row.values)
        self.columns = list(first_different(names, MAX_COLUMNS))
        self.what = "GeoJSON, one feature after the other" if self._loose else "GeoJSON"

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._source.share if self._source else 0.0

    def rows(self) -> Iterator[Row]:
        """Every feature, in the file's order."""
        with self._file.opened() as stream:
            self._source = stream.raw
            json_text = _JsonText(io.TextIOWrapper(stream, "utf-8-sig"), self._file.name)
            begun = 0
            for name, value in json_text.features_only() if self._loose else json_text.members():
                if name == "features":
                    begun += 1
                    yield _feature(begun, value)
                else:
                    self._member(name, value, late=begun > 0)

    def _begins_with_a_feature(self) -> bool:
        with self._file.opened() as stream:
            head = stream.read(CHUNK)
        return bool(_FEATURE.search(head)) and not _COLLECTION.search(head)

    def _member(self, name: str, value: Any, *, late: bool) -> None:
        if name in ("arcs", "objects") or (name, value) == ("type", "Topology"):
            raise Invalid(
                f"{self._file.name} is TopoJSON, in which neighbours share their lines. Turn it into GeoJSON, "
                "e.g. with 'ogr2ogr out.geojson in.json' or 'npx -p topojson-client topo2geo', and import that."
            )
        if name == "type" and value != "FeatureCollection":
            raise Invalid(
                f"{self._file.name} is JSON of the type {str(value)[:40]!r}, not a GeoJSON FeatureCollection."
            )
        if name == "crs":
            found = epsg_of(value["properties"]["name"]) if _names_a_crs(value) else None
            if value is not None and found is None:
                raise Invalid(
                    f"The coordinate system that {self._file.name} names is not known: say which it is, as EPSG:number."
                )
            if late and found not in (None, self.epsg, 4326):
                raise Invalid(f"{self._file.name} names its coordinate system at its end: say that it is EPSG:{found}.")
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

    def features_only(self) -> Iterator[tuple[str, Any]]:
        while self._peek():
            yield "features", self._value()

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
                    # It ends in a place that is counted from a piece of the file, and says nothing of the whole.
                    raise self._broken(error.msg.removesuffix(" starting at")) from error
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
            while self._at < len(self._text) and self._text[self._at] in " \t\r\n\x1e":
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
        waiting = len(self._text) - self._at
        if waiting > MAX_FEATURE:
            raise Invalid(f"{self._name} has a feature of more than {MAX_FEATURE // 2**20} MB.")
        if waiting > MAX_PARTS and self._parts() > MAX_PARTS:
            raise Invalid(f"{self._name} has a feature of more than {MAX_PARTS} parts.")
        try:
            # More and more, so that a long feature is not tried over and over for every little piece.
            piece = self._stream.read(max(CHUNK, waiting // 4))
        except UnicodeDecodeError as error:
            raise Invalid(f"{self._name} is not UTF-8, as JSON must be.") from error
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)

    def _parts(self) -> int:
        # Weighed by what they take in memory: a number a quarter of a list, an object four times one.
        lists, objects, texts, commas = (self._text.count(mark, self._at) for mark in '[{",')
        return lists + 4 * objects + texts // 2 + commas // 4

    def _no_number(self, word: str) -> Any:
        raise self._broken(f"{word} is no number of JSON")

    def _broken(self, reason: str) -> Invalid:
        return Invalid(f"{self._name} is damaged or cut off: {reason}.")


def epsg_of(name: str) -> int | None:
    """The EPSG number in a name of a coordinate system, such as urn:ogc:def:crs:EPSG::27700 or OGC:CRS84."""
    if re.search(r"CRS:?84$", str(name), re.IGNORECASE):
        return 4326
    found = re.fullmatch(r"(?:urn:(?:x-)?ogc:def:crs:)?EPSG:(?:[\d.]*:)?(\d{4,6})", str(name).strip(), re.IGNORECASE)
    return int(found[1]) if found else None
