"""Geometry in CQL2 (OGC 21-065, clauses 7.5 and 7.6): literals as GeoJSON or BBOX, and how two geometries lie.

Geometries are compared in the plane of longitude and latitude (EPSG:4326), as PostGIS does; a third coordinate is
read and dropped. A literal in another system is brought to the column's, never the column to it, so indexes serve.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import shapely
from shapely.geometry.base import BaseGeometry
from sqlalchemy import Boolean, LargeBinary, func, literal, not_
from sqlalchemy.sql.elements import ColumnElement

from app.errors import BadRequest
from app.geo import shapes
from app.geo.cql2_operands import WORDS, Operand, shown

#: The positions that all geometries of one filter may have together.
MAX_POSITIONS = 5_000
#: A straight line in another system is a curve here: it is followed in steps of a thousandth of its length, but of
#: no less than so many of the system's units (metres). Then a side of 10 km lies off by millimetres, one across a
#: country by decimetres.
_STEP = 500.0


class Crs(Protocol):
    """The coordinate reference system of a filter's geometries."""

    @property
    def srid(self) -> int:
        """Its EPSG number, as PostGIS knows it (CRS84: 4326)."""

    @property
    def flipped(self) -> bool:
        """Whether positions are written y, x (latitude, longitude)."""

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Lowest x and y, highest x and y of a position, in its units; always x before y."""


@dataclass(frozen=True)
class _Crs84:
    srid: int = shapes.SRID
    flipped: bool = False
    bounds: tuple[float, float, float, float] = (-180.0, -90.0, 180.0, 90.0)


#: Longitude and latitude in degrees: what a filter is in when nothing else is said.
CRS84: Crs = _Crs84()


class Shapes:
    """Reads the geometries of one filter, and keeps count of their positions."""

    def __init__(self, crs: Crs) -> None:
        self.crs = crs
        self.positions = 0

    def geometry(self, node: Mapping[str, Any]) -> Operand:
        """A GeoJSON geometry. Raises BadRequest for one that is empty, open, self-crossing or out of bounds."""
        if not set(node) <= {"type", "coordinates", "geometries", "bbox"}:
            raise BadRequest("A geometry has the members 'type' and 'coordinates' (or 'geometries') only.")
        return self._operand(self._of_geojson(node, collection=True), shown(str(node["type"]).upper()).strip("'"))

    def bbox(self, numbers: object) -> Operand:
        """A box of 4 or 6 numbers. In degrees, a west beyond the east crosses the antimeridian (RFC 7946, 5.2)."""
        if not isinstance(numbers, list) or len(numbers) not in (4, 6):
            raise BadRequest("BBOX takes 4 numbers (lower corner, upper corner), or 6 with heights.")
        half = len(numbers) // 2
        (west, south), (east, north) = self._position(numbers[:half]), self._position(numbers[half:])
        if south > north:
            raise BadRequest(f"The box ends at {north}, south of where it begins ({south}).")
        if west <= east:
            return self._operand(_box(west, south, east, north), "BBOX")
        if self.crs.srid != shapes.SRID:
            raise BadRequest(f"The box ends at {east}, west of where it begins ({west}).")
        low, _, high, _ = self.crs.bounds
        halves = [_box(west, south, high, north), _box(low, south, east, north)]
        dimension = max(shapely.get_dimensions(half) for half in halves)
        kept = [half for half in halves if shapely.get_dimensions(half) == dimension]
        return self._operand(shapely.union_all(kept), "BBOX")

    def _operand(self, shape: BaseGeometry, said: str) -> Operand:
        srid = self.crs.srid
        if srid != shapes.SRID:
            shape = shapely.segmentize(shape, max(shape.length / 1000, _STEP))
        sql = func.ST_GeomFromWKB(literal(shapely.to_wkb(shape), LargeBinary), srid)
        if srid != shapes.SRID:
            sql = func.ST_Transform(sql, shapes.SRID)
        return Operand("geometry", said, sql, shape, constant=True)

    # ── reading positions ───────────────────────────────────────────────────────────────────

    def _of_geojson(self, node: object, *, collection: bool = False) -> BaseGeometry:
        if not isinstance(node, Mapping):
            raise BadRequest(f"A geometry is expected, not {shown(node)}.")
        kind = node.get("type")
        if collection and kind == "GeometryCollection":
            members = [self._of_geojson(member) for member in _some(node.get("geometries"), "a collection")]
            return _collected(members)
        if not isinstance(kind, str) or kind not in _READERS:
            raise BadRequest(f"{shown(kind)} is not a geometry that may stand here. There are: {', '.join(_READERS)}.")
        try:
            shape = _READERS[kind](self, node.get("coordinates"))
        except (shapely.GEOSException, ValueError) as error:
            raise BadRequest(f"The {kind} cannot be drawn: {error}.") from error
        if not shape.is_valid:
            raise BadRequest(f"{kind}: {shapes.complaint(shapely.is_valid_reason(shape))}")
        return shape

    def _position(self, position: object) -> tuple[float, float]:
        self.positions += 1
        if self.positions > MAX_POSITIONS:
            raise BadRequest(f"The geometries of the filter have more than {MAX_POSITIONS} positions. Simplify them.")
        if not isinstance(position, list) or len(position) not in (2, 3) or not all(map(_is_number, position)):
            raise BadRequest(f"A position is two or three numbers, not {shown(position)}.")
        x, y = position[1::-1] if self.crs.flipped else position[:2]
        west, south, east, north = self.crs.bounds
        if not (west <= x <= east and south <= y <= north):
            order = "y, x" if self.crs.flipped else "x, y"
            raise BadRequest(
                f"The position {shown(position)} is out of bounds: x runs from {west:g} to {east:g} and y from "
                f"{south:g} to {north:g} in this system, and positions are written {order}."
            )
        return float(x), float(y)

    def _line(self, positions: object) -> list[tuple[float, float]]:
        return [self._position(position) for position in _some(positions, "a line")]

    def _lines(self, lines: object) -> list[list[tuple[float, float]]]:
        return [self._line(line) for line in _some(lines, "a list of lines")]

    def _polygon(self, rings: object) -> BaseGeometry:
        drawn = self._lines(rings)
        if any(ring[0] != ring[-1] for ring in drawn):
            raise BadRequest("Each ring of a polygon must end where it begins.")
        return shapely.Polygon(drawn[0], drawn[1:])

    def _polygons(self, polygons: object) -> BaseGeometry:
        return shapely.MultiPolygon([self._polygon(rings) for rings in _some(polygons, "a list of polygons")])


_READERS: dict[str, Callable[[Shapes, Any], BaseGeometry]] = {
    "Point": lambda reader, found: shapely.Point(reader._position(found)),
    "LineString": lambda reader, found: shapely.LineString(reader._line(found)),
    "Polygon": lambda reader, found: reader._polygon(found),
    "MultiPoint": lambda reader, found: shapely.MultiPoint(reader._line(found)),
    "MultiLineString": lambda reader, found: shapely.MultiLineString(reader._lines(found)),
    "MultiPolygon": lambda reader, found: reader._polygons(found),
}


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _some(found: object, what: str) -> Sequence[Any]:
    if not isinstance(found, list) or not found:
        raise BadRequest(f"The geometry is empty or broken: {what} must be a list with something in it.")
    return found


def _box(west: float, south: float, east: float, north: float) -> BaseGeometry:
    """A box, or the line or point that it has shrunk to."""
    if west == east and south == north:
        return shapely.Point(west, south)
    if west == east or south == north:
        return shapely.LineString([(west, south), (east, north)])
    return shapely.box(west, south, east, north)


def _collected(members: list[BaseGeometry]) -> BaseGeometry:
    """One geometry of what a collection holds; it stays a collection where points, lines and areas are mixed."""
    if len({shapely.get_dimensions(member) for member in members}) == 1:
        return shapely.union_all(members)
    return shapely.GeometryCollection(members)


# ── how two geometries lie ──────────────────────────────────────────────────────────────────

_POSTGIS: dict[str, Callable[..., ColumnElement[bool]]] = {
    "s_contains": func.ST_Contains,
    "s_crosses": func.ST_Crosses,
    "s_equals": func.ST_Equals,
    "s_intersects": func.ST_Intersects,
    "s_overlaps": func.ST_Overlaps,
    "s_touches": func.ST_Touches,
    "s_within": func.ST_Within,
}
FUNCTIONS = {*_POSTGIS, "s_disjoint"}


def relation(name: str, one: Operand, other: Operand) -> ColumnElement[bool]:
    """How two geometries lie to each other, by DE-9IM (OGC 06-103r4). NULL where a row has no geometry."""
    for operand in (one, other):
        if operand.kind != "geometry":
            raise BadRequest(f"{name.upper()} compares geometries, but {operand.said} is {WORDS[operand.kind]}.")
    if name == "s_disjoint":
        return not_(relation("s_intersects", one, other))
    return _POSTGIS[name](one.sql, other.sql, type_=Boolean)
