"""The map's arithmetic: world positions, Morton cells, tiles; the same integers as civic_world_* and civic_cell in SQL.

The world is the square of Web Mercator (EPSG:3857), 2**30 to a side, origin in the north-west. A cell is a tile of
zoom 22, named by its Morton code, so a tile of any zoom is one contiguous, half-open range of cells, and a code shifted
right by two bits for each zoom level is the code of the tile around it.
"""

import math
from dataclasses import dataclass

WORLD_BITS = 30
WORLD = 1 << WORLD_BITS
CELL_ZOOM = 22
#: Levels of the pyramid of counts; a tile of zoom z reads level z + GRID_BITS.
LEVELS = range(3, 17)
#: A tile's clusters lie on a grid of 8 × 8, which is 64 pixels of a 512-pixel tile.
GRID_BITS = 3
#: The deepest zoom that the pyramid answers; below it the rows are read.
PYRAMID_ZOOM = LEVELS[-1] - GRID_BITS
#: Units across a vector tile.
EXTENT = 4096

_SPREADS = (
    (16, 0x0000FFFF0000FFFF),
    (8, 0x00FF00FF00FF00FF),
    (4, 0x0F0F0F0F0F0F0F0F),
    (2, 0x3333333333333333),
    (1, 0x5555555555555555),
)


def world(lon: float, lat: float) -> tuple[int, int]:
    """Where a position (degrees, WGS 84) lies in the world; what is outside the square goes to its edge."""
    x = (lon + 180) / 360 * WORLD
    y = (0.5 - math.log(math.tan(math.pi / 4 + math.radians(lat) / 2)) / (2 * math.pi)) * WORLD
    return _inside(x), _inside(y)


def _inside(value: float) -> int:
    return min(WORLD - 1, max(0, math.floor(value)))


def lon_lat(x: float, y: float) -> tuple[float, float]:
    """The position (degrees, WGS 84) of a place in the world."""
    return x / WORLD * 360 - 180, math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * y / WORLD))))


def spread(value: int) -> int:
    """Put a zero before each bit of a number of up to 32 bits: half of a Morton code."""
    for bits, mask in _SPREADS:
        value = (value | (value << bits)) & mask
    return value


def morton(x: int, y: int) -> int:
    """The Morton code of a tile's column and row."""
    return spread(x) | spread(y) << 1


def cell(lon: float, lat: float) -> int:
    """The cell of a position (degrees, WGS 84)."""
    x, y = world(lon, lat)
    return morton(x >> WORLD_BITS - CELL_ZOOM, y >> WORLD_BITS - CELL_ZOOM)


def shift(level: int) -> int:
    """How far a cell is shifted right to name the tile of this level around it."""
    return 2 * (CELL_ZOOM - level)


@dataclass(frozen=True)
class Tile:
    """A square of the map: zoom, column from the west, row from the north (the XYZ scheme, WebMercatorQuad)."""

    z: int
    x: int
    y: int

    @property
    def exists(self) -> bool:
        """True when the zoom is one we draw and column and row lie on its grid."""
        return 0 <= self.z <= CELL_ZOOM and 0 <= self.x < 1 << self.z and 0 <= self.y < 1 << self.z

    @property
    def cells(self) -> tuple[int, int]:
        """The half-open range of the cells inside it."""
        code = morton(self.x, self.y)
        return code << shift(self.z), (code + 1) << shift(self.z)

    @property
    def size(self) -> int:
        """Its width and height in the world."""
        return WORLD >> self.z

    @property
    def corner(self) -> tuple[int, int]:
        """Its north-western corner in the world."""
        return self.x * self.size, self.y * self.size

    def bounds(self, margin: float = 0.0) -> tuple[float, float, float, float]:
        """West, south, east, north in degrees, widened by a share of its width on each side."""
        (left, top), more = self.corner, self.size * margin
        west, north = lon_lat(left - more, top - more)
        east, south = lon_lat(left + self.size + more, top + self.size + more)
        return west, south, east, north


def tile_at(lon: float, lat: float, zoom: int) -> Tile:
    """The one tile of this zoom that a position (degrees, WGS 84) belongs to."""
    x, y = world(lon, lat)
    return Tile(zoom, x >> WORLD_BITS - zoom, y >> WORLD_BITS - zoom)
