"""OGC API Tiles Part 1 on the map's own tiles: tilesets of each collection and of the whole map, on WebMercatorQuad.

The tiles are those of /tiles, so they hold what is planned or active: single pins in layers named like the collections,
clusters where they would cover each other, lines and polygons in `shapes`. Levels of area have the layers of
/tiles/areas. The address has the row before the column.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from fastapi import APIRouter, Request, Response

from app import errors, kinds
from app.geo import cells, crs, outlines, tiles
from app.routers import kept, ogc_answer, ogc_collections
from app.routers.deps import Read, Service, Serving, anonymous
from app.routers.ogc_answer import REL, Asked, Link, link
from app.routers.ogc_asking import PLAIN
from app.routers.ogc_collections import Collection

router = APIRouter(prefix="/ogc", route_class=ogc_answer.OgcRoute, include_in_schema=False)

GRID = "WebMercatorQuad"
GRID_URI = f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{GRID}"
MVT = {"mvt": tiles.MEDIA_TYPE}
FRESH = "public, max-age=1, s-maxage=1"
_EDGE = 20_037_508.342_789_2
_SCALE = 559_082_264.028_717_8
_PIXEL_M = 0.000_28


# ── grids ───────────────────────────────────────────────────────────────────────────────────


@router.get("/tileMatrixSets", **anonymous("map.read"))
async def list_grids(request: Request) -> Response:
    """The grids that tiles are cut on."""
    asked = Asked.of(request)
    own = link("self", f"{asked.root}/tileMatrixSets/{GRID}", PLAIN["json"], "The whole grid")
    grid = {"id": GRID, "title": "Web Mercator", "uri": GRID_URI, "crs": crs.WEB_MERCATOR.uri, "links": [own]}
    value = {"links": asked.own_links(), "tileMatrixSets": [grid]}
    return ogc_answer.answer(asked, value, "ogc_tiles", title="Grids", path="", tilesets=[])


@router.get("/tileMatrixSets/{grid}", **anonymous("map.read"))
async def read_grid(grid: str, request: Request) -> Response:
    """The grid as the standard "Two Dimensional Tile Matrix Set" 2.0 registers it."""
    _known(grid)
    asked = Asked.of(request)
    value = {
        "id": GRID,
        "title": "Google Maps Compatible for the World",
        "uri": GRID_URI,
        "crs": crs.WEB_MERCATOR.uri,
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": [_matrix(zoom) for zoom in range(25)],
        "links": asked.own_links(),
    }
    return ogc_answer.answer(asked, value, "ogc_tiles", title="Web Mercator", path="", tilesets=[])


def _matrix(zoom: int) -> dict[str, Any]:
    return {
        "id": str(zoom), "scaleDenominator": _SCALE / 2**zoom, "cellSize": _SCALE * _PIXEL_M / 2**zoom,
        "pointOfOrigin": [-_EDGE, _EDGE], "tileWidth": 256, "tileHeight": 256, "matrixWidth": 2**zoom,
        "matrixHeight": 2**zoom,
    }  # fmt: skip


def _known(grid: str) -> None:
    if grid != GRID:
        raise errors.NotFound(f"There is no such grid. There is one: {GRID}.")


# ── tilesets ────────────────────────────────────────────────────────────────────────────────


@router.get("/tiles", **anonymous("map.read"))
async def list_tilesets(request: Request) -> Response:
    """The tilesets of the whole map."""
    return _tilesets(Asked.of(request), None)


@router.get("/collections/{collection_id}/tiles", **anonymous("map.read"))
async def list_tilesets_of(collection_id: str, request: Request, session: Read) -> Response:
    """The tilesets of a collection."""
    return _tilesets(Asked.of(request), await ogc_collections.find(session, collection_id))


@router.get("/tiles/{grid}", **anonymous("map.read"))
async def read_tileset(grid: str, request: Request, session: Read, serving: Serving) -> Response:
    """The tileset of the whole map."""
    every = [one for one in await ogc_collections.every(session) if one.kind]
    return _tileset(Asked.of(request), serving, None, grid, await _bounds(serving, every))


@router.get("/collections/{collection_id}/tiles/{grid}", **anonymous("map.read"))
async def read_tileset_of(collection_id: str, grid: str, request: Request, session: Read, serving: Serving) -> Response:
    """A tileset of a collection."""
    collection = await ogc_collections.find(session, collection_id)
    return _tileset(Asked.of(request), serving, collection, grid, await _bounds(serving, [collection]))


async def _bounds(serving: Service, collections: Sequence[Collection]) -> dict[str, Any]:
    """Where the features of these are, in the metres of the grid."""
    extents = [await ogc_collections.extent(serving, one) for one in collections]
    boxes = [extent.box for extent in extents if extent.box]
    if not boxes:
        return {}
    west, south, east, north = zip(*boxes, strict=True)
    lower, upper = _metres(min(west), min(south)), _metres(max(east), max(north))
    return {"boundingBox": {"lowerLeft": lower, "upperRight": upper, "crs": crs.WEB_MERCATOR.uri}}


def _metres(lon: float, lat: float) -> list[float]:
    up = math.asinh(math.tan(math.radians(lat))) / math.pi
    return [round(lon / 180 * _EDGE, 2), round(max(-1.0, min(1.0, up)) * _EDGE, 2)]


def _tilesets(asked: Asked, collection: Collection | None) -> Response:
    whole = f"{_above(asked, collection)}/tiles/{GRID}"
    listed = {
        **_about(collection),
        "links": [
            link("self", whole, PLAIN["json"], "The whole tileset"),
            link(f"{REL}tiling-scheme", f"{asked.root}/tileMatrixSets/{GRID}", PLAIN["json"], "Its grid"),
        ],
    }
    value = {"links": asked.own_links(), "tilesets": [listed]}
    title = f"{collection.title if collection else 'The whole map'}: vector tiles"
    return ogc_answer.answer(asked, value, "ogc_tiles", title=title, path=_below(collection), tilesets=[whole])


def _tileset(
    asked: Asked, serving: Service, collection: Collection | None, grid: str, bounds: dict[str, Any]
) -> Response:
    _known(grid)
    above = _above(asked, collection)
    one = f"{above}/tiles/{GRID}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}"
    links: list[Link] = [
        *asked.own_links(),
        link("item", one, tiles.MEDIA_TYPE, "A tile", templated=True),
        link(f"{REL}tiling-scheme", f"{asked.root}/tileMatrixSets/{GRID}", PLAIN["json"], "Its grid"),
        link(f"{REL}geodata", above, PLAIN["json"], collection.title if collection else serving.settings.title),
    ]
    value = {
        **_about(collection),
        "attribution": serving.settings.attribution,
        "license": serving.settings.licence,
        **bounds,
        "tileMatrixSetLimits": [_limits(zoom) for zoom in range(cells.CELL_ZOOM + 1)],
        "layers": _layers(collection),
        "links": links,
    }
    title = value["title"]
    return ogc_answer.answer(asked, value, "ogc_tiles", title=title, path=_below(collection), tilesets=[])


def _above(asked: Asked, collection: Collection | None) -> str:
    return f"{asked.root}/collections/{collection.id}" if collection else asked.root


def _below(collection: Collection | None) -> str:
    return f"/collections/{collection.id}" if collection else ""


def _about(collection: Collection | None) -> dict[str, Any]:
    return {
        "title": f"{collection.title if collection else 'The whole map'} on {GRID}",
        "dataType": "vector",
        "crs": crs.WEB_MERCATOR.uri,
        "tileMatrixSetURI": GRID_URI,
    }


def _limits(zoom: int) -> dict[str, Any]:
    last = 2**zoom - 1
    return {
        "tileMatrix": str(zoom), "minTileRow": 0, "maxTileRow": last, "minTileCol": 0, "maxTileCol": last,
    }  # fmt: skip


def _layers(collection: Collection | None) -> list[dict[str, Any]]:
    """The layers in a tile, with their properties."""
    if collection and collection.level:
        named = {"code": "string", "name": "string"}
        return [_layer("areas", "Outlines", 2, named), _layer("names", "A point inside each area", 0, named)]
    shown = [kind for kind in kinds.ALL if collection is None or collection.kind == kind.name]
    pin = dict.fromkeys(("uid", "title", "kind", "theme", "stage"), "string")
    counts = {"count": "integer"} | {kind.name: "integer" for kind in shown}
    return [
        *(_layer(kind.plural, f"Single pins: {kind.plural}", 0, pin) for kind in shown),
        _layer("clusters", "Several close together, at their mean", 0, counts),
        {**_layer("shapes", "Lines and polygons", None, pin)},
    ]


def _layer(name: str, title: str, dimension: int | None, fields: dict[str, str]) -> dict[str, Any]:
    schema = {"type": "object", "properties": {field: {"type": kind} for field, kind in fields.items()}}
    made: dict[str, Any] = {"id": name, "title": title, "dataType": "vector", "propertiesSchema": schema}
    return made if dimension is None else made | {"geometryDimension": dimension}


# ── tiles ───────────────────────────────────────────────────────────────────────────────────


@router.get("/tiles/{grid}/{matrix}/{row}/{col}", **anonymous("map.read"))
async def read_tile(grid: str, matrix: str, row: str, col: str, request: Request, serving: Serving) -> Response:
    """A tile of the whole map: zoom, row from the north, column from the west."""
    Asked.of(request, (), MVT)
    return await _answer(request, serving, None, _tile(grid, matrix, row, col))


@router.get("/collections/{collection_id}/tiles/{grid}/{matrix}/{row}/{col}", **anonymous("map.read"))
async def read_tile_of(
    collection_id: str, grid: str, matrix: str, row: str, col: str, request: Request, serving: Serving
) -> Response:
    """A tile of a collection: zoom, row from the north, column from the west."""
    async with serving.engines.reading() as session:
        collection = await ogc_collections.find(session, collection_id)
    Asked.of(request, (), MVT)
    return await _answer(request, serving, collection, _tile(grid, matrix, row, col))


def _tile(grid: str, *numbers: str) -> cells.Tile:
    _known(grid)
    if all(re.fullmatch(r"\d{1,8}", number, re.ASCII) for number in numbers):
        zoom, row, col = map(int, numbers)
        tile = cells.Tile(zoom, col, row)
        if tile.exists:
            return tile
    raise errors.NotFound("There is no such tile: zoom is 0 to 22, row and column are 0 to 2^zoom - 1.")


async def _answer(request: Request, serving: Service, collection: Collection | None, tile: cells.Tile) -> Response:
    name = collection.id if collection else ""
    made = await serving.tiles.get(("ogc", name, tile), lambda: _draw(serving, collection, tile))
    return kept.answer(made, request.headers, fresh=FRESH, vary="Accept, Accept-Encoding")


async def _draw(serving: Service, collection: Collection | None, tile: cells.Tile) -> bytes:
    if collection and collection.level:
        async with serving.engines.read.connect() as connection:
            return await outlines.draw(connection, tile, collection.level)
    of_kinds: Sequence[str] = (collection.kind,) if collection and collection.kind else ()
    return await tiles.draw(serving.engines.glance, tile, of_kinds=of_kinds)
