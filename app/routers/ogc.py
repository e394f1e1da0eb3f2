"""/ogc: where OGC API clients begin. Landing page, conformance, collections, queryables, schemas, the API's document.

What is claimed in CONFORMANCE is held against the standard, requirement by requirement, in tests/routers/test_ogc_*.py.
Everything here is what a visitor sees; credentials are not looked at.
"""

import re
from typing import Any

from fastapi import APIRouter, Request, Response

from app.geo import cql2, crs
from app.routers import ogc_answer, ogc_collections, ogc_document
from app.routers.deps import Read, Service, Serving, anonymous
from app.routers.ogc_answer import REL, Asked, Link, link
from app.routers.ogc_asking import DEFINITION, FEATURES, PLAIN, SCHEMA
from app.routers.ogc_collections import Collection

router = APIRouter(prefix="/ogc", route_class=ogc_answer.OgcRoute, include_in_schema=False)

_SPEC = "http://www.opengis.net/spec/"
CONFORMANCE = (
    *(f"{_SPEC}ogcapi-common-1/1.0/conf/{name}" for name in ("core", "landing-page", "json", "html", "oas30")),
    f"{_SPEC}ogcapi-common-2/1.0/conf/collections",
    *(f"{_SPEC}ogcapi-features-1/1.0/conf/{name}" for name in ("core", "oas30", "html", "geojson")),
    f"{_SPEC}ogcapi-features-2/1.0/conf/crs",
    *(
        f"{_SPEC}ogcapi-features-3/1.0/conf/{name}"
        for name in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *cql2.CONFORMANCE,
    *(
        f"{_SPEC}ogcapi-tiles-1/1.0/conf/{name}"
        for name in ("core", "tileset", "tilesets-list", "dataset-tilesets", "geodata-tilesets", "mvt", "oas30")
    ),
)


@router.get("", **anonymous("map.read"))
@router.get("/", **anonymous("map.read"))
async def landing(request: Request, serving: Serving) -> Response:
    """Where everything else is."""
    asked = Asked.of(request)
    root, title = asked.root, serving.settings.title
    links = [
        *asked.own_links(),
        link("service-desc", f"{root}/api?f=json", DEFINITION["json"], "The definition of this API (OpenAPI 3.0)"),
        link("service-doc", f"{root}/api?f=html", "text/html", "This API in words"),
        link("conformance", f"{root}/conformance", PLAIN["json"], "What of the standards is kept"),
        link(f"{REL}conformance", f"{root}/conformance", PLAIN["json"], "What of the standards is kept"),
        link("data", f"{root}/collections", PLAIN["json"], "The collections of features"),
        link(f"{REL}data", f"{root}/collections", PLAIN["json"], "The collections of features"),
        link(f"{REL}tilesets-vector", f"{root}/tiles", PLAIN["json"], "Vector tiles of the whole map"),
        link(f"{REL}tiling-schemes", f"{root}/tileMatrixSets", PLAIN["json"], "The grids that tiles are cut on"),
        *licence(serving),
    ]
    value = {
        "title": title,
        "description": "A civic map: projects, ideas, offers, places, services, groups and events of a community, and "
        "the areas that they lie in. Public data only.",
        "attribution": serving.settings.attribution,
        "links": links,
    }
    return ogc_answer.answer(asked, value, "ogc_landing")


def licence(serving: Service) -> list[Link]:
    """Where the licence of the data can be read, when its name is one that SPDX knows of."""
    name = serving.settings.licence
    if not re.fullmatch(r"[A-Za-z0-9.+-]+", name):
        return []
    return [link("license", f"https://spdx.org/licenses/{name}.html", "text/html", f"Licence of the data: {name}")]


@router.get("/conformance", **anonymous("map.read"))
async def conformance(request: Request) -> Response:
    """The classes of the standards that this API keeps to."""
    asked = Asked.of(request)
    value = {"conformsTo": list(CONFORMANCE), "links": asked.own_links()}
    return ogc_answer.answer(asked, value, "ogc_conformance")


@router.get("/api", **anonymous("map.read"))
async def definition(request: Request, session: Read, serving: Serving) -> Response:
    """This API as an OpenAPI 3.0 document."""
    asked = Asked.of(request, (), DEFINITION)
    every = await ogc_collections.every(session)
    value = ogc_document.document(serving.settings.title, asked.root, every)
    return ogc_answer.answer(asked, value, "ogc_api")


# ── collections ─────────────────────────────────────────────────────────────────────────────


@router.get("/collections", **anonymous("map.read"))
async def list_collections(request: Request, session: Read, serving: Serving) -> Response:
    """Every collection."""
    asked = Asked.of(request)
    every = await ogc_collections.every(session)
    value = {
        "links": [*asked.own_links(), *licence(serving)],
        "crs": [system.uri for system in crs.ALL],
        "collections": [await _listed(serving, asked.root, one) for one in every],
    }
    return ogc_answer.answer(asked, value, "ogc_collections")


@router.get("/collections/{collection_id}", **anonymous("map.read"))
async def read_collection(collection_id: str, request: Request, session: Read, serving: Serving) -> Response:
    """One collection."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request)
    value = await _described(serving, asked.root, collection)
    value["links"] = [*asked.own_links(), *value["links"]]
    return ogc_answer.answer(asked, value, "ogc_collection")


async def _listed(serving: Service, root: str, collection: Collection) -> dict[str, Any]:
    value = await _described(serving, root, collection)
    own = link("self", f"{root}/collections/{collection.id}", PLAIN["json"], collection.title)
    return value | {"links": [own, *value["links"]]}


async def _described(serving: Service, root: str, collection: Collection) -> dict[str, Any]:
    value: dict[str, Any] = {
        "id": collection.id,
        "title": collection.title,
        "description": collection.description,
        "itemType": "feature",
        "attribution": serving.settings.attribution,
        "crs": [system.uri for system in crs.ALL],
        "storageCrs": crs.CRS84.uri,
        "links": [*_links_of_collection(root, collection), *licence(serving)],
    }
    found = await ogc_collections.extent(serving, collection)
    extent: dict[str, Any] = {}
    if found.box:
        extent["spatial"] = {"bbox": [list(found.box)], "crs": crs.CRS84.uri}
        interval = [at.isoformat().replace("+00:00", "Z") if at else None for at in (found.begin, found.end)]
        extent["temporal"] = {"interval": [interval], "trs": "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"}
    return value | ({"extent": extent} if extent else {})


def _links_of_collection(root: str, collection: Collection) -> list[Link]:
    own = f"{root}/collections/{collection.id}"
    title = collection.title
    return [
        link("items", f"{own}/items", FEATURES["json"], f"{title} as GeoJSON"),
        link("items", f"{own}/items?f=html", "text/html", f"{title} as a page"),
        link(f"{REL}queryables", f"{own}/queryables", SCHEMA["json"], "What can be filtered by"),
        link("describedby", f"{own}/feature-schema", SCHEMA["json"], "A feature as GeoJSON has it"),
        link(f"{REL}schema", f"{own}/schema", SCHEMA["json"], "The properties of a feature"),
        link(f"{REL}tilesets-vector", f"{own}/tiles", PLAIN["json"], f"{title} as vector tiles"),
    ]


# ── properties ──────────────────────────────────────────────────────────────────────────────


@router.get("/collections/{collection_id}/queryables", **anonymous("map.read"))
async def read_queryables(collection_id: str, request: Request, session: Read) -> Response:
    """What a collection can be filtered by, as a JSON Schema."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request, (), SCHEMA)
    address = f"{asked.root}/collections/{collection.id}/queryables"
    value = cql2.queryables_schema(collection.queryables, title=collection.title, id=address)
    return ogc_answer.answer(asked, value, "ogc_properties", collection=collection, what="What can be filtered by")


@router.get("/collections/{collection_id}/schema", **anonymous("map.read"))
async def read_schema(collection_id: str, request: Request, session: Read) -> Response:
    """The properties of a collection's features, as a JSON Schema."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request, (), SCHEMA)
    value = _schema(asked, collection, "schema")
    return ogc_answer.answer(asked, value, "ogc_properties", collection=collection, what="Properties")


@router.get("/collections/{collection_id}/feature-schema", **anonymous("map.read"))
async def read_feature_schema(collection_id: str, request: Request, session: Read) -> Response:
    """A feature of a collection as GeoJSON has it, as a JSON Schema: what GDAL learns the types of columns from."""
    collection = await ogc_collections.find(session, collection_id)
    asked = Asked.of(request, (), SCHEMA)
    whole = _schema(asked, collection, "feature-schema")
    named = dict(whole["properties"])
    members = {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "string"},
        "geometry": named.pop("geometry"),
        "properties": {"type": "object", "properties": named},
    }
    del whole["additionalProperties"]
    value = whole | {"properties": members, "required": list(members)}
    return ogc_answer.answer(asked, value, "ogc_properties", collection=collection, what="A feature as GeoJSON has it")


def _schema(asked: Asked, collection: Collection, name: str) -> dict[str, Any]:
    address = f"{asked.root}/collections/{collection.id}/{name}"
    value = cql2.queryables_schema(collection.queryables, title=collection.title, id=address)
    geometry = {
        "title": "Geometry",
        "x-ogc-role": "primary-geometry",
        "format": "geometry-multipolygon" if collection.shapes else "geometry-any",
    }
    value["properties"] = {**value["properties"], "geometry": geometry}
    return value
