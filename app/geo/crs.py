"""Coordinate reference systems that the map can be asked in, by their OGC names; PostGIS does the arithmetic.

The database holds longitude and latitude (EPSG:4326 as PostGIS means it). The order of a client's coordinates is the
one that the authority of its system defines: EPSG:4326 begins with the latitude, CRS84 with the longitude.
"""

from dataclasses import dataclass
from math import isfinite
from typing import Any

from sqlalchemy import case, false, func
from sqlalchemy.sql.elements import ColumnElement

from app.errors import BadRequest

_OGC = "http://www.opengis.net/def/crs/"
#: How finely the edges of a box are followed when it is drawn in another system.
_STEPS = 64


@dataclass(frozen=True)
class Crs:
    """One system: its name, its number in PostGIS, the order of its axes, and how it is written."""

    uri: str
    title: str
    srid: int
    flipped: bool
    """True when a client's coordinates begin with the northern one."""
    bounds: tuple[float, float, float, float]
    """Least and greatest x and y that are taken, eastern coordinate first whatever `flipped` says."""
    digits: int
    """Decimal places that are written: about a centimetre."""
    domain: tuple[float, float, float, float] | None = None
    """West, south, east, north of what can be shown in it, in degrees; None for everything on the map."""

    def shown(self, geom: Any) -> ColumnElement[Any]:
        """A stored geometry (EPSG:4326) in this system, with this system's order of axes; null outside its domain."""
        moved = geom if self.srid == 4326 else func.ST_Transform(geom, self.srid)
        if self.domain:  # PROJ refuses what lies too far away, and with it the whole answer
            moved = case((geom.op("@")(func.ST_MakeEnvelope(*self.domain, 4326)), moved))
        return func.ST_FlipCoordinates(moved) if self.flipped else moved

    def geojson(self, geom: Any) -> ColumnElement[str]:
        """The same as the text of a GeoJSON geometry; `null` for none."""
        return func.coalesce(func.ST_AsGeoJSON(self.shown(geom), self.digits, 0), "null")

    def box(self, corners: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
        """A client's box (two corners in this system's order) as min x, min y, max x, max y.

        In degrees a west beyond the east is left as it is: the box crosses the antimeridian (RFC 7946, 5.2).
        Raises BadRequest for numbers that are none, lie outside the system, or are the wrong way round.
        """
        one, two, three, four = corners
        west, south, east, north = (two, one, four, three) if self.flipped else corners
        least_x, least_y, most_x, most_y = self.bounds
        across = all(isfinite(x) and least_x <= x <= most_x for x in (west, east))
        along = all(isfinite(y) and least_y <= y <= most_y for y in (south, north))
        if not across or not along:
            raise BadRequest(f"bbox lies outside {self.title}: {self._limits()}.")
        if south > north or (west > east and self.srid != 4326):
            raise BadRequest("bbox is the wrong way round: the lower corner comes first, then the upper one.")
        return west, south, east, north

    def _limits(self) -> str:
        x, y = (f"{self.bounds[i]:g} to {self.bounds[i + 2]:g}" for i in (0, 1))
        return f"its first axis goes from {y if self.flipped else x}, its second from {x if self.flipped else y}"

    def meets(self, geom: Any, box: tuple[float, float, float, float]) -> ColumnElement[bool]:
        """A stored geometry has a point in common with the box or its edge. The index of `geom` is used."""
        west, south, east, north = box
        if self.srid == 4326 and west > east:
            return self.meets(geom, (west, south, 180, north)) | self.meets(geom, (-180, south, east, north))
        # Of a box without width or height this makes the line or the point that it is.
        corners = (func.ST_MakePoint(float(x), float(y)) for x, y in ((west, south), (east, north)))
        area = func.ST_SetSRID(func.ST_Envelope(func.ST_MakeLine(*corners)), self.srid)
        if self.srid == 4326:
            return func.ST_Intersects(geom, area)
        # A straight edge is a curve elsewhere: the index finds what is near it, the exact question is asked here.
        step = max((east - west) / _STEPS, (north - south) / _STEPS, 1.0)
        around = func.ST_Envelope(func.ST_Transform(func.ST_Segmentize(area, step), 4326))
        near: ColumnElement[bool] = geom.op("&&")(func.ST_Expand(around, 0.01))
        # CASE keeps the order: PROJ refuses what lies too far away.
        return near & case((near, func.ST_Intersects(func.ST_Transform(geom, self.srid), area)), else_=false())


CRS84 = Crs(f"{_OGC}OGC/1.3/CRS84", "WGS 84 longitude, latitude", 4326, False, (-180, -90, 180, 90), 7)
WGS84 = Crs(f"{_OGC}EPSG/0/4326", "WGS 84 latitude, longitude", 4326, True, (-180, -90, 180, 90), 7)
_EDGE = 20_037_508.342_789_244
WEB_MERCATOR = Crs(f"{_OGC}EPSG/0/3857", "Web Mercator", 3857, False, (-_EDGE, -_EDGE, _EDGE, _EDGE), 2)
BRITISH_GRID = Crs(
    f"{_OGC}EPSG/0/27700", "British National Grid", 27700, False, (-1_000_000, -1_000_000, 2_000_000, 2_500_000), 2,
    (-60, 20, 56, 85.05),
)  # fmt: skip

#: In the order in which clients are told of them; the first is the default.
ALL = (CRS84, WGS84, WEB_MERCATOR, BRITISH_GRID)
BY_URI = {crs.uri: crs for crs in ALL}


def named(uri: str, parameter: str) -> Crs:
    """The system of this name. Raises BadRequest, which says what the parameter takes."""
    found = BY_URI.get(uri)
    if found is None:
        raise BadRequest(f"{parameter} knows no such coordinate reference system. It takes: {', '.join(BY_URI)}.")
    return found
