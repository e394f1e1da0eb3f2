"""KML 2.2 (OGC 07-147r2, also 2.3): placemarks as rows, whatever folders they lie in."""

import html
import re
from collections.abc import Iterator
from typing import Any

from app.errors import Invalid
from app.geo.markup import MAX_TEXT, Document
from app.geo.tables import MAX_COLUMNS, File, Row, first_different

#: A placemark may have this many positions: in memory each takes a hundred bytes.
MAX_POSITIONS = 400_000
_SAMPLE = 2000
_SIMPLE = {"name", "address", "phoneNumber", "Snippet", "snippet", "when", "begin"}
_SHAPES = {"Point", "LineString", "LinearRing", "Polygon", "MultiGeometry", "Track", "MultiTrack", "Model"}
_BREAK = re.compile(r"<(?:br|hr|p|/p|/div|/li|/tr|/h[1-6])\b[^<>]*>", re.IGNORECASE)
_PICTURE = re.compile(r"<img\b[^<>]*?\ssrc\s*=\s*[\"']?(https?://[^\"'\s<>]+)", re.IGNORECASE)
_TAG = re.compile(r"<[a-zA-Z/!][^<>]*>")
_SCRIPT = re.compile(r"<(/?)(?:script|style)\b[^<>]*>", re.IGNORECASE)


class OnlyLinks(Invalid):
    """A file without a placemark of its own that names other files."""


class Kml:
    """The placemarks of a KML file; `what` says how they were packed."""

    unit, located = "placemark", True
    epsg: int | None = 4326

    def __init__(self, file: File, what: str = "KML") -> None:
        self._file, self.what = file, what
        self._document = Document(file)
        listener = _Placemarks(self._document)
        self.columns = first_different((name for row in self._sample(listener) for name in row.values), MAX_COLUMNS)
        if not listener.count and listener.links:
            raise OnlyLinks(
                f"{file.name} only names other files (NetworkLink), which are not fetched; export the places instead."
            )

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._document.share

    def rows(self) -> Iterator[Row]:
        """Every placemark, in the file's order, its folders in the column `folder`."""
        yield from self._walked(_Placemarks(self._document))

    def _sample(self, listener: "_Placemarks") -> Iterator[Row]:
        for row in self._walked(listener):
            yield row
            if row.line == _SAMPLE:
                return

    def _walked(self, listener: "_Placemarks") -> Iterator[Row]:
        for _ in self._document.walk(listener):
            yield from listener.taken()


class _Placemarks:
    """Hears a document and keeps the placemarks that have ended."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._rows: list[Row] = []
        self._path: list[str] = []
        self._folders: list[str] = []
        self._values: dict[str, Any] | None = None
        self._fault: str | None = None
        self._shape = _Shape()
        self._data = ""
        self._size = 0
        self.count = self.links = 0

    def taken(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if name == "Folder":
            self._folders.append("")
        elif name == "NetworkLink":
            self.links += 1
        elif name == "Placemark":
            self._values, self._fault, self._shape, self._size = {}, None, _Shape(), 0
        elif self._values is None:
            return
        elif name in _SHAPES:
            self._shape.begin(name)
        elif name in ("Data", "SimpleData"):
            self._data = attributes.get("name", "")
        elif name == "link" and "href" in attributes:
            self._keep("link", attributes["href"])

    def end(self, name: str, text: str) -> None:
        self._path.pop()
        parent = self._path[-1] if self._path else ""
        if self._values is not None:
            self._size += len(text)
            if self._size > MAX_TEXT:
                self._document.refuse(f"has a placemark of more than {MAX_TEXT // 2**20} MB")
            self._element(name, parent, text)
        elif name == "Folder":
            self._folders.pop()
        elif name == "name" and parent == "Folder":
            self._folders[-1] = " ".join(text.split())

    def _element(self, name: str, parent: str, text: str) -> None:
        if name == "Placemark":
            self._finish()
        elif name in _SHAPES:
            self._shape.end(name)
        elif name in ("coordinates", "coord", "longitude", "latitude"):
            self._positions(name, text)
        elif (name, parent) == ("value", "Data") or name == "SimpleData":
            self._keep(self._data, text)
        elif name == "end":
            self._keep("until", text)
        elif name == "description" and parent == "Placemark":
            self._keep("description", text)
        elif name in _SIMPLE and parent not in _SHAPES:
            self._keep({"phoneNumber": "telephone", "begin": "from"}.get(name, name.lower()), text)

    def _positions(self, name: str, text: str) -> None:
        try:
            self._shape.positions(name, text)
        except Invalid as problem:
            self._fault = problem.detail

    def _keep(self, name: str, text: str) -> None:
        values = self._values
        plain = text.strip()
        if values is None or not plain or len(values) > MAX_COLUMNS:
            return
        name = " ".join(name.split()) or "value"
        if values.get(name, plain) != plain:
            name = next(other for n in range(2, len(values) + 3) if (other := f"{name} ({n})") not in values)
        values[name] = plain

    def _finish(self) -> None:
        values, self._values = self._values or {}, None
        if "description" in values:
            _describe(values)
        if folders := " / ".join(filter(None, self._folders)):
            values.setdefault("folder", folders)
        self.count += 1
        geometry = None if self._fault else self._shape.geometry
        self._rows.append(Row(self.count, values, geometry, self._fault))


def _describe(values: dict[str, Any]) -> None:
    """The description as plain text, without the lines that only repeat other values; its picture on its own."""
    text = str(values.pop("description"))
    if _TAG.search(text):
        if found := _PICTURE.search(text):
            values.setdefault("picture", html.unescape(found[1]))
        text = _without_markup(text)
    said = {f"{name}: {value}" for name, value in values.items()}
    lines = [line for line in (" ".join(line.split()) for line in text.splitlines()) if line and line not in said]
    if lines:
        values["description"] = "\n".join(lines)


def _without_markup(text: str) -> str:
    """HTML as text. It is shown as text, so this need not be safe, only quick and readable."""
    first, *rest = _SCRIPT.split(text)
    closings = [*rest[2::2], ""]
    told = (rest[n + 1] for n in range(0, len(rest), 2) if rest[n] == "/" or closings[n // 2] != "/")
    return html.unescape(_TAG.sub("", _BREAK.sub("\n", " ".join([first, *told]))))


class _Shape:
    """The geometry of a placemark, put together from what is heard of it."""

    def __init__(self) -> None:
        self.geometry: dict[str, Any] | None = None
        self._open: list[tuple[str, list[Any]]] = []  # kinds with their positions, rings or members
        self._count = 0

    def begin(self, kind: str) -> None:
        self._open.append((kind, []))

    def positions(self, name: str, text: str) -> None:
        """The text of <coordinates>; of <coord> (one position of a track); of a model's <longitude> or <latitude>."""
        if not self._open:
            return
        self._count += text.count(",") + 1
        if self._count > MAX_POSITIONS:
            raise Invalid(f"it has more than {MAX_POSITIONS} positions")
        try:
            if name == "coordinates":
                parts = text.replace(", ", ",").split()
                self._open[-1][1].extend(_position(part.split(",")) for part in parts)
            elif name == "coord":
                self._open[-1][1].append(_position(text.split()))
            else:
                self._open[-1][1].append(float(text))
        except (ValueError, IndexError) as error:
            raise Invalid("its coordinates cannot be read") from error

    def end(self, kind: str) -> None:
        _, parts = self._open.pop()
        made = _made(kind, parts)
        if made is None:
            return
        if not self._open:
            self.geometry = made
        elif self._open[-1][0] == "Polygon":
            self._open[-1][1].append(made["coordinates"])  # outer ring first, as KML asks
        else:
            self._open[-1][1].append(made)


def _position(numbers: list[str]) -> list[float]:
    return [float(numbers[0]), float(numbers[1])]


def _made(kind: str, parts: list[Any]) -> dict[str, Any] | None:
    if not parts:
        return None
    match kind:
        case "Point":
            return {"type": "Point", "coordinates": parts[0]}
        case "Model":
            return {"type": "Point", "coordinates": parts[:2]}
        case "MultiGeometry" | "MultiTrack":
            return _several(parts)
        case "Polygon":
            return {"type": "Polygon", "coordinates": parts}
        case _:
            return {"type": "LineString", "coordinates": parts}


def _several(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """One geometry of many: a Multi… where all are of one type."""
    if len(parts) == 1:
        return parts[0]
    kinds = {part["type"] for part in parts}
    if len(kinds) == 1 and (kind := kinds.pop()) in ("Point", "LineString", "Polygon"):
        return {"type": f"Multi{kind}", "coordinates": [part["coordinates"] for part in parts]}
    return {"type": "GeometryCollection", "geometries": parts}
