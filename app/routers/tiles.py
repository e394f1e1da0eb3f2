"""/tiles/{z}/{x}/{y}.mvt and what map clients need to find and draw them: TileJSON and a MapLibre style.

Tiles are the same for everybody and look at no credentials, so any cache may keep them for a second.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlalchemy import ARRAY, BigInteger, Select, any_, func, literal, select, union
from sqlalchemy.ext.asyncio import AsyncSession
from starlette.datastructures import Headers, URLPath
from starlette.routing import BaseRoute, Match, NoMatchFound
from starlette.types import ASGIApp, Receive, Scope, Send

from app import db, errors, kinds, lifecycles, search
from app.auth import VISITOR
from app.geo import cells, tiles
from app.models import Asset
from app.routers import catalogue, kept
from app.routers.assets import MAX_WORDS, listed
from app.routers.deps import Read, Service, Serving, anonymous
from app.search import AssetFilter
from app.wire import Out, Text

router = APIRouter(tags=["map"])

FRESH = "public, max-age=1, s-maxage=1"
PIN_FIELDS = {"uid": "String", "title": "String", "kind": "String", "theme": "String", "stage": "String"}

Words = Annotated[Text | None, Query(max_length=MAX_WORDS)]
TILE: dict[int | str, dict[str, Any]] = {
    200: {
        "content": {tiles.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}}},
        "description": "A Mapbox Vector Tile 2.1, 512 pixels wide. Layers: one per kind under its plural name with "
        "single pins; `clusters` with `count`, one number per kind, `stack` where all stand on one spot, and "
        "`approximate` where a search found more than was counted; `shapes` with lines and polygons, from "
        "afar the largest.",
    },
    204: {"description": "Nothing is here."},
    304: {"description": "The tile that If-None-Match names is still the tile."},
}


@router.get("/tiles/{z}/{x}/{y}.mvt", response_class=Response, responses=TILE, **anonymous("map.read"))
async def read_tile(
    z: int,
    x: int,
    y: int,
    request: Request,
    serving: Serving,
    kind: Words = None,
    theme: Words = None,
    stage: Words = None,
    ward: Words = None,
    q: Words = None,
) -> Response:
    """One tile of the map (zoom, column from the west, row from the north), as a visitor sees it.

    For any kinds and themes the counts of all tiles of a zoom add up to what the list counts. `stage`, `ward` and `q`
    narrow as they do in the list.
    """
    tile = cells.Tile(z, x, y)
    if not tile.exists:
        raise errors.NotFound("There is no such tile: zoom is 0 to 22, column and row are 0 to 2^zoom - 1.")
    return await _read(tile, _wanted(kind, theme, stage, ward, q), serving, request.headers)


def _wanted(kind: str | None, theme: str | None, stage: str | None, ward: str | None, q: str | None) -> AssetFilter:
    return AssetFilter(
        kinds=_any_of("kind", kind, tuple(kinds.BY_NAME)),
        themes=_any_of("theme", theme, lifecycles.THEMES),
        stages=_any_of("stage", stage, lifecycles.STAGES) or search.DEFAULT_STAGES,
        wards=tuple(sorted(listed("ward", ward))),
        words=(q or "").strip(),
    )


async def _read(tile: cells.Tile, wanted: AssetFilter, serving: Service, headers: Headers) -> Response:
    made = await serving.tiles.get((tile, wanted), lambda: _make(serving, tile, wanted))
    return kept.answer(made, headers, fresh=FRESH)


ADDRESS = re.compile(r"/tiles/(\d{1,2})/(\d{1,7})/(\d{1,7})\.mvt", re.ASCII)
EVERYTHING = AssetFilter()


def _whole(scope: Scope) -> cells.Tile | None:
    """The tile that a request is for, if it exists and nothing is asked of it: most of what a map asks for."""
    if scope["type"] != "http" or scope["method"] != "GET" or scope["query_string"]:
        return None
    found = ADDRESS.fullmatch(scope["path"].removeprefix(scope.get("root_path", "")))
    tile = cells.Tile(*map(int, found.groups())) if found else None
    return tile if tile and tile.exists else None


class KeptTile:
    """Answers with a whole tile that the shelf holds before the framework begins: it says the same, in less time."""

    def __init__(self, app: ASGIApp, service: Service) -> None:
        self.app = app
        self.service = service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        tile = _whole(scope)
        made = self.service.tiles.kept((tile, EVERYTHING)) if tile else None
        answer = kept.answer(made, Headers(scope=scope), fresh=FRESH) if made else self.app
        await answer(scope, receive, send)


class WholeTile(BaseRoute):
    """`read_tile` for a whole tile, found before all other routes and answered without the framework's. It says the
    same; what it does not know it leaves to the other.
    """

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether this is the address of a tile that exists, without a query."""
        tile = _whole(scope)
        return (Match.FULL, {"tile": tile}) if tile else (Match.NONE, {})

    def url_path_for(self, name: str, /, **path_params: Any) -> URLPath:
        """It has no name: addresses are made by the route that it stands before."""
        raise NoMatchFound(name, path_params)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer it."""
        answer = await _read(scope["tile"], EVERYTHING, scope["app"].state.service, Headers(scope=scope))
        await answer(scope, receive, send)


def _any_of(name: str, value: str | None, known: tuple[str, ...]) -> tuple[str, ...]:
    """The values named, in one order; none at all where every one is named: the same question is the same tile."""
    given = set(listed(name, value, known))
    return () if len(given) == len(known) and name != "stage" else tuple(one for one in known if one in given)


async def _make(serving: Service, tile: cells.Tile, wanted: AssetFilter) -> bytes:
    if not (wanted.wards or wanted.words) and wanted.stages == search.DEFAULT_STAGES:
        return await tiles.draw(serving.engines.glance, tile, of_kinds=wanted.kinds, themes=wanted.themes)
    # What was found must still be public when it is drawn: all statements see the same moment.
    engine = serving.engines.read.execution_options(isolation_level="REPEATABLE READ")
    async with AsyncSession(engine) as session:
        found = tiles.Found(list(await session.scalars(_matching(tile, wanted))))
        if len(found.ids) > tiles.FOUND_BOUND:
            shapes = await session.scalars(_each_once(_reaching(tile, wanted), tiles.FOUND_BOUND))
            found = replace(await _estimated(session, tile, wanted), shapes=list(shapes))
        return await tiles.draw(db.within(session), tile, found=found)


async def _estimated(session: AsyncSession, tile: cells.Tile, wanted: AssetFilter) -> tiles.Found:
    """More match than are looked at: those of a sample of the whole tile, each with what it stands for."""
    weights: dict[int, float] = {}
    for ended, part in _by_index(wanted):
        some = await tiles.sample(db.within(session), tile, of_kinds=wanted.kinds, themes=wanted.themes, ended=ended)
        matching = part.where(Asset.id == any_(literal(list(some), ARRAY(BigInteger))))
        weights |= {one: some[one] for one in await session.scalars(matching)}
    return tiles.Found(list(weights), list(weights.values()))


def _matching(tile: cells.Tile, wanted: AssetFilter) -> Select[Any]:
    """Ids of what was asked for: anchors of this tile first, then lines and polygons that reach into it. At most one
    more than may be drawn.
    """
    (low, high), most = tile.cells, tiles.FOUND_BOUND + 1
    anchored = [part.where(Asset.cell >= low, Asset.cell < high) for _, part in _by_index(wanted)]
    return _each_once([*anchored, *_reaching(tile, wanted)], most)


def _reaching(tile: cells.Tile, wanted: AssetFilter) -> list[Select[Any]]:
    """Lines and polygons that reach into this tile and are large enough to be seen, wherever their anchor is."""
    low, high = tiles.reach(tile)
    within = func.ST_MakeLine(func.ST_MakePoint(*low), func.ST_MakePoint(*high))
    shape, reach = func.GeometryType(Asset.geom) != "POINT", func.civic_reach(Asset.geom).op("&&&")(within)
    return [part.where(shape, reach) for _, part in _by_index(wanted)]


def _each_once(parts: Sequence[Select[Any]], most: int) -> Select[Any]:
    """The ids of all parts, once each, though a shape may come both ways."""
    both = union(*(select(part.limit(most).subquery().c.id) for part in parts)).subquery()
    return select(both.c.id).limit(most)


def _by_index(wanted: AssetFilter) -> list[tuple[bool, Select[Any]]]:
    """The question in parts that each have an index of cells: what is on the map, and what has ended (True)."""
    parts = []
    current = tuple(stage for stage in wanted.stages if stage != "ended")
    if current:
        of_map = search.select_assets(VISITOR, replace(wanted, stages=current), Asset.id)
        parts.append((False, of_map.where(Asset.on_map)))  # says nothing new, but opens the indexes of the map
    if "ended" in wanted.stages:
        parts.append((True, search.select_assets(VISITOR, replace(wanted, stages=("ended",)), Asset.id)))
    return parts


# ── what clients load first ─────────────────────────────────────────────────────────────────


class VectorLayer(Out):
    """A layer of the tiles and the attributes that its features carry."""

    id: str
    description: str
    minzoom: int
    maxzoom: int
    fields: dict[str, str]


class TileJson(Out):
    """TileJSON 3.0.0."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    attribution: str
    scheme: Literal["xyz"] = "xyz"
    tiles: list[str]
    minzoom: int
    maxzoom: int
    vector_layers: list[VectorLayer]


@router.get("/tiles.json", **anonymous("map.read"))
async def describe_tiles(request: Request, serving: Serving) -> TileJson:
    """Where the tiles are and what is in them, for map clients (TileJSON 3.0.0)."""
    last = cells.CELL_ZOOM
    counts = {"count": "Number"} | {kind.name: "Number" for kind in kinds.ALL}
    flags = {"stack": "Boolean", "approximate": "Boolean"}
    layers = [(kind.plural, f"Single pins: {kind.plural}.", PIN_FIELDS) for kind in kinds.ALL]
    layers.append(("clusters", "Several assets close together, at their mean.", counts | flags))
    layers.append(("shapes", "Lines and polygons; from afar the largest.", PIN_FIELDS))
    return TileJson(
        name=serving.settings.title,
        attribution=serving.settings.attribution,
        tiles=[f"{_here(request, serving)}/tiles/{{z}}/{{x}}/{{y}}.mvt"],
        minzoom=0,
        maxzoom=last,
        vector_layers=[
            VectorLayer(id=name, description=what, minzoom=0, maxzoom=last, fields=fields)
            for name, what, fields in layers
        ],
    )


@router.get("/style.json", **anonymous("map.read"))
async def style(request: Request, session: Read, serving: Serving) -> dict[str, Any]:
    """A MapLibre style of the whole map, with ward outlines and the base map where one is set; it loads as it is."""
    here, own = _here(request, serving), await catalogue.read_settings(session, serving)
    sources: dict[str, Any] = {
        "map": {"type": "vector", "url": f"{here}/tiles.json"},
        "wards": {
            "type": "vector", "tiles": [f"{here}/tiles/areas/ward/{{z}}/{{x}}/{{y}}.mvt"], "minzoom": 0, "maxzoom": 14,
        },
    }  # fmt: skip
    layers: list[dict[str, Any]] = [{"id": "ground", "type": "background", "paint": {"background-color": "#f6f3ea"}}]
    if own.tile_url:
        base = own.tile_url.replace("{s}", "a").replace("{r}", "")
        sources["base"] = {
            "type": "raster", "tiles": [base], "tileSize": 256, "maxzoom": 19, "attribution": own.tile_attribution,
        }  # fmt: skip
        layers.append({"id": "base", "type": "raster", "source": "base"})
    view = _view(own.bounds) if own.bounds else {}
    return {"version": 8, "name": own.title, **view, "sources": sources, "layers": [*layers, *_drawn()]}


def _view(bounds: list[float]) -> dict[str, Any]:
    """Centre and zoom that show all of the loaded areas on a screen 512 pixels wide."""
    west, south, east, north = bounds
    width = max(east - west, (north - south) * 1.6, 1e-4)
    return {"center": [(west + east) / 2, (south + north) / 2], "zoom": round(max(0.0, math.log2(360 / width)), 2)}


def _drawn() -> list[dict[str, Any]]:
    colours = ["match", ["get", "kind"], *(part for kind in kinds.ALL for part in (kind.name, kind.colour)), "#555555"]
    rim = {"circle-stroke-color": "#ffffff", "circle-stroke-width": 2}
    shapes = {"source": "map", "source-layer": "shapes"}
    polygons = ["in", ["geometry-type"], ["literal", ["Polygon", "MultiPolygon"]]]
    pins = [
        {"id": kind.plural, "type": "circle", "source": "map", "source-layer": kind.plural,
         "paint": {"circle-radius": 7, "circle-color": kind.colour, **rim}}
        for kind in kinds.ALL
    ]  # fmt: skip
    size = ["interpolate", ["linear"], ["log10", ["get", "count"]], 0, 10, 1, 14, 4, 30]
    return [
        {"id": "wards", "type": "line", "source": "wards", "source-layer": "areas",
         "paint": {"line-color": "#8a8574", "line-width": 1}},
        {"id": "shape-areas", "type": "fill", **shapes, "filter": polygons,
         "paint": {"fill-color": colours, "fill-opacity": 0.15}},
        {"id": "shape-lines", "type": "line", **shapes, "paint": {"line-color": colours, "line-width": 2}},
        {"id": "clusters", "type": "circle", "source": "map", "source-layer": "clusters",
         "paint": {"circle-radius": size, "circle-color": "#2f3b45", "circle-opacity": 0.8, **rim}},
        *pins,
    ]  # fmt: skip


def _here(request: Request, serving: Service) -> str:
    """This service's address: the one that the operator set, else the one that the request came to."""
    return serving.settings.public_url if serving.settings.base_url else str(request.base_url).rstrip("/")
