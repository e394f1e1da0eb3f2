"""From an exact place to the one that may be public (safety.md, location classes).

The public point is a deterministic function of the place and the class: no randomness that could be averaged away.
A `person` is shown as the centre of its zoom-16 Web Mercator cell (about 380 m wide at 51.5° N), so tiles, wards and
counts, which all use the public point, agree with each other.
"""

import math

from shapely import Point
from shapely.geometry.base import BaseGeometry

CELL_ZOOM = 16


def public_geometry(exact: BaseGeometry | None, location_class: str) -> BaseGeometry | None:
    """What may be shown of a geometry (longitude, latitude): itself, one cell's centre, or nothing."""
    if exact is None or location_class == "shielded":
        return None
    if location_class == "person":
        point = exact if isinstance(exact, Point) else exact.representative_point()
        return snap(point.x, point.y)
    return exact


def snap(lon: float, lat: float) -> Point:
    """The centre of the cell that holds this position; a centre snaps to itself."""
    size = 2**CELL_ZOOM
    x = min(size - 1, max(0, math.floor((lon + 180) / 360 * size)))
    mercator = math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
    y = min(size - 1, max(0, math.floor((0.5 - mercator / (2 * math.pi)) * size)))
    centre_lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (y + 0.5) / size))))
    return Point(round((x + 0.5) / size * 360 - 180, 7), round(centre_lat, 7))
