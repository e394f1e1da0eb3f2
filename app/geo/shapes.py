"""Shapes: from what callers write to what the database keeps and back, with every check on the way.

Coordinates are longitude, latitude in degrees (WGS 84, EPSG:4326) everywhere here; a third coordinate is dropped.
"""

import itertools
import json
import math
import re
from collections.abc import Mapping
from typing import Any

import shapely
from geoalchemy2 import WKBElement
from shapely.geometry.base import BaseGeometry

from app import wire
from app.errors import Invalid

SRID = 4326
#: A geometry may hold so many collections, in each other or side by side.
MAX_COLLECTIONS = 500
_COLLECTION = re.compile("COLLECTION", re.IGNORECASE)
#: How every WKB of several parts begins: byte order and type, of two, three or four dimensions, with EWKB's flags.
_COMPOSITE = re.compile(
    rb"\x01(?:[\x04-\x11]\x00|[\xec-\xf9]\x03|[\xd4-\xe1]\x07|[\xbc-\xc9]\x0b)\x00[\x00\x20-\xe0]"
    rb"|\x00[\x00\x20-\xe0]\x00(?:\x00[\x04-\x11]|\x03[\xec-\xf9]|\x07[\xd4-\xe1]|\x0b[\xbc-\xc9])"
)
#: Decimals in what we send: 7 are about 1 cm.
DECIMALS = 7


def of_wire(geometry: wire.Geometry) -> BaseGeometry:
    """The shape that a caller sent, rings turned the way RFC 7946 asks.

    Raises Invalid, with a sentence for its author, for an open or self-crossing ring, a line without length, an area
    without surface, or more than wire.MAX_POSITIONS positions. Nothing is mended here: a caller is told.
    """
    return checked(_built(geometry.type, geometry.coordinates))


def of_foreign(value: object, *, degrees: bool = True) -> BaseGeometry:
    """The shape in somebody's file (a GeoJSON geometry, WKB or WKT): checked like `of_wire`, but rings are mended.

    A collection of one is taken for its only member. `degrees=False`: the coordinates are metres of some other system.
    Raises Invalid when it is no geometry, or empty.
    """
    shape = parsed(value)
    parts = _leaves(shape)
    return checked(mended(parts[0] if len(parts) == 1 else shape)[0], degrees=degrees)


def parsed(value: object) -> BaseGeometry:
    """The shape in a GeoJSON geometry, in WKB or in WKT, just as it is; Invalid when it cannot be read."""
    if isinstance(value, bytes | str):
        _refuse_nesting(value)
    try:
        if isinstance(value, bytes):
            return shapely.force_2d(shapely.from_wkb(value))
        if isinstance(value, str):
            return shapely.force_2d(shapely.from_wkt(value))
        if isinstance(value, Mapping) and isinstance(value.get("type"), str):
            return shapely.force_2d(shapely.from_geojson(json.dumps(value, allow_nan=False)))
    except (shapely.GEOSException, ValueError, TypeError, RecursionError) as error:
        raise Invalid("The geometry cannot be read.") from error
    raise Invalid("There is no geometry.")


def _refuse_nesting(value: bytes | str) -> None:
    """GEOS reads collections in collections until its stack is full, and then the whole process ends."""
    marks = _COMPOSITE.finditer(value) if isinstance(value, bytes) else _COLLECTION.finditer(value)
    if next(itertools.islice(marks, MAX_COLLECTIONS, None), None):
        raise Invalid(f"The geometry has more than {MAX_COLLECTIONS} collections in it.")


def of_db(element: WKBElement) -> BaseGeometry:
    """The shape of a stored geometry."""
    return shapely.from_wkb(element.data if isinstance(element.data, str) else bytes(element.data))


def to_db(shape: BaseGeometry) -> WKBElement:
    """The value for a geometry column of EPSG:4326."""
    return WKBElement(shapely.to_wkb(shape), srid=SRID)


def wkb(element: WKBElement | None) -> bytes | None:
    """The bytes of a stored geometry, as a statement of our own takes them."""
    return None if element is None else bytes(element.data)


def to_geojson(shape: BaseGeometry) -> dict[str, Any]:
    """A GeoJSON geometry with coordinates rounded to DECIMALS."""
    coarse = shapely.transform(shape, lambda positions: positions.round(DECIMALS))
    plain: dict[str, Any] = json.loads(shapely.to_geojson(coarse))
    return plain


def checked(shape: BaseGeometry, *, degrees: bool = True) -> BaseGeometry:
    """The same shape with its rings turned as RFC 7946 asks; Invalid when an asset could not have it."""
    if shape.is_empty:
        raise Invalid("The geometry is empty. Leave it out, or give at least one position.")
    if (count := shapely.get_num_coordinates(shape)) > wire.MAX_POSITIONS:
        raise Invalid(f"The geometry has {count} positions; at most {wire.MAX_POSITIONS} are allowed. Simplify it.")
    west, south, east, north = shape.bounds
    if not all(map(math.isfinite, shape.bounds)):
        raise Invalid("A coordinate is not a finite number.")
    if degrees and not (west >= -180 and east <= 180 and south >= -wire.MAX_LATITUDE and north <= wire.MAX_LATITUDE):
        raise Invalid(
            f"Longitudes run from -180 to 180 and latitudes from -{wire.MAX_LATITUDE} to {wire.MAX_LATITUDE}."
        )
    if not shape.is_valid:
        raise Invalid(complaint(shapely.is_valid_reason(shape)))
    return shapely.orient_polygons(shape)


def mended(shape: BaseGeometry) -> tuple[BaseGeometry, str | None]:
    """A valid shape of the same dimension, and what was wrong with it (None: nothing was).

    Raises Invalid when a coordinate is no finite number.
    """
    if shape.is_valid:
        return shape, None
    if not all(map(math.isfinite, shapely.get_coordinates(shape).flat)):
        raise Invalid("A coordinate is not a finite number.")
    reason = shapely.is_valid_reason(shape)
    whole = shapely.make_valid(shape)
    wanted = shapely.get_dimensions(shape)
    parts = [part for part in shapely.get_parts(whole) if shapely.get_dimensions(part) == wanted]
    return (shapely.union_all(parts) if len(parts) != 1 else parts[0]), reason


def _leaves(shape: BaseGeometry) -> list[BaseGeometry]:
    parts = list(shapely.get_parts(shape))
    return parts if len(parts) == 1 and parts[0] == shape else [leaf for part in parts for leaf in _leaves(part)]


def _built(kind: str, coordinates: Any) -> BaseGeometry:
    match kind:
        case "Point":
            return shapely.Point(coordinates)
        case "LineString":
            return shapely.LineString(coordinates)
        case "MultiLineString":
            return shapely.MultiLineString(coordinates)
        case "Polygon":
            return _polygon(coordinates)
        case "MultiPolygon":
            return shapely.MultiPolygon([_polygon(rings) for rings in coordinates])
    raise Invalid(f"'{kind}' is not a geometry that an asset may have.")


def _polygon(rings: list[list[wire.Position]]) -> BaseGeometry:
    for ring in rings:
        if tuple(ring[0]) != tuple(ring[-1]):
            raise Invalid("Each ring of a polygon must end where it begins.")
    return shapely.Polygon(rings[0], rings[1:])


def complaint(reason: str) -> str:
    """GEOS's reason as a sentence for whoever drew the shape."""
    what, _, where = reason.partition("[")
    spot = f" near {where.rstrip(']').replace(' ', ', ')}" if where else ""
    if "intersection" in what.lower():
        return f"The outline crosses itself{spot}. Draw it so that its edges do not cross."
    if "few points" in what.lower():
        return f"The geometry needs more different positions{spot}."
    return f"The geometry is not valid{spot}: {what.strip().lower()}."
