"""/tiles/areas/{level}/{z}/{x}/{y}.mvt: outlines of wards and other areas, for maps that show a whole country."""

from typing import Any

from fastapi import APIRouter, Request, Response

from app import errors
from app.geo import cells, outlines, tiles
from app.routers import kept
from app.routers.catalogue import Level
from app.routers.deps import Service, Serving, anonymous

router = APIRouter(tags=["map"])

#: Boundaries change on polling days: a minute is soon enough.
KEEP_S = 60
FRESH = f"public, max-age={KEEP_S}"
TILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {tiles.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": "A Mapbox Vector Tile 2.1, 512 pixels wide. Layer `areas`: polygons with `code` and `name`, as "
        f"fine as the zoom can show. Layer `names`, from zoom {outlines.NAMES_ZOOM}: a point inside each area.",
    },
    204: {"description": "No area is here."},
    304: {"description": "The tile that If-None-Match names is still the tile."},
}


@router.get("/tiles/areas/{level}/{z}/{x}/{y}.mvt", response_class=Response, responses=TILE, **anonymous("map.read"))
async def read_outlines(level: Level, z: int, x: int, y: int, request: Request, serving: Serving) -> Response:
    """The current areas of a level in one tile (zoom, column from the west, row from the north)."""
    tile = cells.Tile(z, x, y)
    if not tile.exists:
        raise errors.NotFound("There is no such tile: zoom is 0 to 22, column and row are 0 to 2^zoom - 1.")
    made = await serving.tiles.get((level, tile), lambda: _make(serving, tile, level), keep_s=KEEP_S)
    return kept.answer(made, request.headers, fresh=FRESH)


async def _make(serving: Service, tile: cells.Tile, level: str) -> bytes:
    async with serving.engines.read.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        return await outlines.draw(connection, tile, level)
