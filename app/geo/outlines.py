"""Outlines of areas as vector tiles, so that a map draws the wards in sight and not those of a whole country."""

from psycopg.types.numeric import Int4
from sqlalchemy.ext.asyncio import AsyncConnection

from app import db
from app.geo import cells

#: From this zoom on a tile says where the names of its areas stand.
NAMES_ZOOM = 11
#: Up to this zoom outlines are drawn to a whole pixel of a 512-pixel tile; twice as fine with each zoom below it.
COARSE_ZOOM = 7
COARSE_EXTENT = 512
#: Corners may be this far from the truth, in pixels of a 512-pixel tile: a browser draws no more of them than are seen.
TOLERANCE = 0.6
#: Metres around the equator of the Web Mercator square.
AROUND_M = 40_075_016.7
#: Share of a tile around it that belongs to it: 32 pixels of 512, so that a shadow or a thick line is not cut.
BUFFER = 1 / 16


async def draw(connection: AsyncConnection, tile: cells.Tile, level: str) -> bytes:
    """The current areas of a level in this tile (Mapbox Vector Tile 2.1); no bytes where there are none.

    Layer `areas`: polygons with `code` and `name`. Layer `names`, from zoom 11: a point inside each area, in one tile.
    """
    extent = min(cells.EXTENT, COARSE_EXTENT << max(0, tile.z - COARSE_ZOOM))
    west, south, east, north = tile.bounds(BUFFER)
    asked = {
        "level": level, "z": Int4(tile.z), "x": Int4(tile.x), "y": Int4(tile.y), "names": Int4(NAMES_ZOOM),
        "extent": Int4(extent), "buffer": Int4(round(extent * BUFFER)),
        "tolerance": TOLERANCE * AROUND_M / 512 / 2**tile.z,
        "west": west, "south": south, "east": east, "north": north,
    }  # fmt: skip
    return bytes((await connection.execute(db.sql("outline_tile"), asked)).scalar() or b"")
