"""GPX 1.0 and 1.1: waypoints as points, routes and tracks as lines."""

from collections.abc import Iterator
from typing import Any

from app.geo.markup import MAX_TEXT, Document
from app.geo.tables import MAX_COLUMNS, File, Row, first_different

#: A route or track may have this many positions: in memory each takes a hundred bytes.
MAX_POSITIONS = 400_000
_SAMPLE = 2000
_FEATURES = {"wpt": "waypoint", "rte": "route", "trk": "track"}
_KEPT = {"name", "cmt", "desc", "src", "type", "sym", "url", "number", "time"}


class Gpx:
    """The waypoints, routes and tracks of a GPX file, in its order."""

    unit, located, what = "feature", True, "GPX"
    epsg: int | None = 4326

    def __init__(self, file: File) -> None:
        self._document = Document(file)
        some = (row for row, _ in zip(self.rows(), range(_SAMPLE), strict=False))
        self.columns = first_different((name for row in some for name in row.values), MAX_COLUMNS)

    @property
    def share(self) -> float:
        """How much of the file has been read."""
        return self._document.share

    def rows(self) -> Iterator[Row]:
        """Every waypoint, route and track; the text of their extensions stands beside their own."""
        listener = _Features(self._document)
        for _ in self._document.walk(listener):
            yield from listener.taken()


class _Features:
    """Hears a document and keeps the features that have ended."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._rows: list[Row] = []
        self._path: list[str] = []
        self._values: dict[str, Any] | None = None
        self._fault: str | None = None
        self._lines: list[list[list[float]]] = []
        self._count = self._size = self._positions = 0

    def taken(self) -> list[Row]:
        rows, self._rows = self._rows, []
        return rows

    def begin(self, name: str, attributes: dict[str, str]) -> None:
        self._path.append(name)
        if name in _FEATURES and len(self._path) == 2:
            self._values, self._fault, self._lines = {}, None, []
            self._size = self._positions = 0
        if self._values is None:
            return
        if not self._lines or (name == "trkseg" and self._lines[-1]):
            self._lines.append([])
        if name in ("wpt", "rtept", "trkpt"):
            self._position(attributes)
        elif name == "link" and self._path[-2] in _FEATURES and attributes.get("href", "").strip():
            self._values.setdefault("link", attributes["href"].strip())

    def _position(self, attributes: dict[str, str]) -> None:
        self._positions += 1
        if self._positions > MAX_POSITIONS:
            self._document.refuse(f"has a line of more than {MAX_POSITIONS} positions")
        try:
            self._lines[-1].append([float(attributes["lon"]), float(attributes["lat"])])
        except (KeyError, ValueError):
            self._fault = "its coordinates cannot be read"

    def end(self, name: str, text: str) -> None:
        self._path.pop()
        if self._values is None:
            return
        self._size += len(text)
        if self._size > MAX_TEXT:
            self._document.refuse(f"has a feature of more than {MAX_TEXT // 2**20} MB")
        parent = self._path[-1] if self._path else ""
        if len(self._path) == 1:
            self._finish(name)
        elif len(self._values) < MAX_COLUMNS and text.strip() and self._kept(name, parent):
            self._values.setdefault(name, text.strip())

    def _kept(self, name: str, parent: str) -> bool:
        extended = len(self._path) > 2 and self._path[2] == "extensions"
        return extended or (name in _KEPT and parent in _FEATURES)

    def _finish(self, name: str) -> None:
        values, self._values = self._values or {}, None
        lines = [line for line in self._lines if line]
        geometry: dict[str, Any] | None = None
        if lines and name == "wpt":
            geometry = {"type": "Point", "coordinates": lines[0][0]}
        elif len(lines) == 1:
            geometry = {"type": "LineString", "coordinates": lines[0]}
        elif lines:
            geometry = {"type": "MultiLineString", "coordinates": lines}
        self._lines = []
        self._count += 1
        self._rows.append(Row(self._count, values, None if self._fault else geometry, self._fault))
