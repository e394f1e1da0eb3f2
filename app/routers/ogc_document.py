"""The OpenAPI 3.0 document of /ogc, made from the collections: FastAPI's own is 3.1, which OGC API clients do not read.

Every parameter says how it is written (`explode: false` for lists, as the standard wants), and every status that an
operation can answer with is there. Paths name each collection: clients look for the parameters of theirs.
"""

from collections.abc import Iterable
from typing import Any

from app.geo import cql2, crs
from app.routers import ogc_asking
from app.routers.ogc_asking import DEFINITION, FEATURES, PLAIN, SCHEMA
from app.routers.ogc_collections import Collection

Json = dict[str, Any]
_URIS = [system.uri for system in crs.ALL]
MVT = "application/vnd.mapbox-vector-tile"


def document(title: str, root: str, collections: Iterable[Collection]) -> Json:
    """The whole document, for a service at this address."""
    paths: Json = {
        "/": {"get": _operation("getLandingPage", "Landing page", "Service", PLAIN, "landingPage")},
        "/conformance": {"get": _operation("getConformance", "Conformance", "Service", PLAIN, "confClasses")},
        "/api": {"get": _operation("getApi", "This document", "Service", DEFINITION, "anything")},
        "/collections": {"get": _operation("getCollections", "The collections", "Service", PLAIN, "collections")},
        **_tile_paths("", "map.dataset", "the whole map"),
        "/tileMatrixSets": {"get": _operation("getTileMatrixSetsList", "The grids", "Tiles", PLAIN, "anything")},
        "/tileMatrixSets/{tileMatrixSetId}": {
            "get": _operation("getTileMatrixSet", "One grid", "Tiles", PLAIN, "anything", ["tileMatrixSetId"], True)
        },
    }
    for collection in collections:
        paths |= _paths_of(collection)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": title,
            "version": "1.0.0",
            "description": "The public data of this map through OGC API Features and OGC API Tiles.",
        },
        "servers": [{"url": root}],
        "tags": [{"name": name} for name in ("Service", "Features", "Tiles")],
        "paths": paths,
        "components": {"parameters": _parameters(), "schemas": _schemas(), "responses": _responses()},
    }


def _paths_of(collection: Collection) -> Json:
    name, own = collection.id, f"/collections/{collection.id}"
    return {
        own: {"get": _operation(f"{name}.getCollection", collection.title, "Features", PLAIN, "collection")},
        f"{own}/queryables": {
            "get": _operation(f"{name}.getQueryables", "What can be filtered by", "Features", SCHEMA, "anything")
        },
        f"{own}/schema": {"get": _operation(f"{name}.getSchema", "Properties", "Features", SCHEMA, "anything")},
        f"{own}/feature-schema": {
            "get": _operation(
                f"{name}.getFeatureSchema", "A feature as GeoJSON has it", "Features", SCHEMA, "anything"
            )
        },
        f"{own}/items": {"get": _items(collection)},
        f"{own}/items/{{featureId}}": {
            "get": _operation(
                f"{name}.getFeature", f"One feature: {collection.item}", "Features", FEATURES, "feature",
                ["featureId", "crs"], True,
            )
        },
        **_tile_paths(own, f"{name}.collection", collection.title),
    }  # fmt: skip


def _items(collection: Collection) -> Json:
    shared = ["bbox", "bbox-crs", "datetime", "cursor", "crs", "filter", "filter-lang", "filter-crs"]
    made = _operation(
        f"{collection.id}.getFeatures", collection.title, "Features", FEATURES, "featureCollection", shared
    )
    default = min(ogc_asking.DEFAULT_LIMIT, collection.most)
    limit = {"type": "integer", "minimum": 1, "maximum": collection.most, "default": default}
    own = [_parameter("limit", "At most so many features in a page. A higher number is cut to the maximum.", limit)]
    own += [_of_queryable(one) for one in collection.columns]
    return made | {"parameters": [*made["parameters"], *own]}


def _of_queryable(queryable: cql2.Queryable) -> Json:
    kinds: dict[str, Json] = {
        "date": {"type": "string", "format": "date"},
        "timestamp": {"type": "string", "format": "date-time"},
        "string": {"type": "string"} | ({"format": queryable.format} if queryable.format else {}),
    }
    schema = kinds.get(queryable.type, {"type": queryable.type})
    if queryable.enum:
        schema = schema | {"enum": list(queryable.enum)}
    return _parameter(queryable.name, f"Only features with this value. {queryable.title}.", schema)


def _tile_paths(own: str, name: str, title: str) -> Json:
    suffix = f"{name}.vector"
    grid = f"{own}/tiles/{{tileMatrixSetId}}"
    tile = _operation(
        f"{suffix}.getTile", f"A tile of {title}", "Tiles", {"mvt": MVT}, "binary",
        ["tileMatrixSetId", "tileMatrix", "tileRow", "tileCol"], True,
    )  # fmt: skip
    tile["parameters"] = [one for one in tile["parameters"] if one != _ref("parameters", "f")]
    tile["parameters"].append(_parameter("f", "The format.", {"type": "string", "enum": ["mvt"]}))
    tile["responses"]["204"] = {"description": "Nothing is here."}
    return {
        f"{own}/tiles": {
            "get": _operation(f"{suffix}.getTileSetsList", f"Tilesets of {title}", "Tiles", PLAIN, "anything")
        },
        grid: {
            "get": _operation(
                f"{suffix}.getTileSet", f"A tileset of {title}", "Tiles", PLAIN, "anything", ["tileMatrixSetId"], True
            )
        },
        f"{grid}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": tile},
    }


def _operation(
    name: str, summary: str, tag: str, media: ogc_asking.Media, schema: str, parameters: Iterable[str] = (),
    missing: bool = False,
) -> Json:  # fmt: skip
    """A GET; `parameters` are names of components, `missing` adds 404."""
    content = {
        kind: {"schema": {"type": "string"} if kind == "text/html" else _ref("schemas", schema)}
        for kind in media.values()
    }
    statuses = {
        "304": "NotModified", "400": "Invalid", "406": "NotAcceptable", "429": "TooMany", "500": "Fault",
        "503": "Busy",
    }  # fmt: skip
    if missing:
        statuses["404"] = "NotFound"
    return {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [*(_ref("parameters", one) for one in parameters), _ref("parameters", "f")],
        "responses": {
            "200": {"description": summary, "content": content},
            **{status: _ref("responses", one) for status, one in sorted(statuses.items())},
        },
    }


def _ref(where: str, name: str) -> Json:
    return {"$ref": f"#/components/{where}/{name}"}


def _parameter(name: str, description: str, schema: Json, **more: Any) -> Json:
    made = {"name": name, "in": "query", "description": description, "required": False, "schema": schema}
    return made | {"style": "form", "explode": False} | more


def _path(name: str, description: str, schema: Json | None = None) -> Json:
    return {
        "name": name, "in": "path", "required": True, "description": description, "style": "simple",
        "explode": False, "schema": schema or {"type": "string"},
    }  # fmt: skip


def _parameters() -> Json:
    system = {"type": "string", "format": "uri", "enum": _URIS, "default": crs.CRS84.uri}
    number = {"type": "integer", "minimum": 0}
    box: Json = {
        "type": "array", "items": {"type": "number"},
        "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
    }  # fmt: skip
    filters = (
        f"A CQL2 expression of at most {cql2.MAX_LENGTH:,} characters, {cql2.MAX_NODES} parts and a depth of "
        f"{cql2.MAX_DEPTH}."
    )
    language = {"type": "string", "enum": list(cql2.LANGUAGES), "default": "cql2-text"}
    queries = [
        _parameter("f", "The format; without it Accept decides.", {"type": "string", "enum": ["json", "html"]}),
        _parameter("bbox", "Only features that meet this box, edges included, or have no geometry.", box),
        _parameter("bbox-crs", "The coordinate reference system of bbox.", system),
        _parameter(
            "datetime",
            "Only features whose time meets this instant or interval, or that have none.", {"type": "string"},
        ),
        _parameter("cursor", "Where the page begins: only ever taken from a 'next' link.", {"type": "string"}),
        _parameter("crs", "The coordinate reference system of the answer.", system),
        _parameter("filter", filters, {"type": "string", "maxLength": cql2.MAX_LENGTH}),
        _parameter("filter-lang", "The language of filter.", language),
        _parameter("filter-crs", "The coordinate reference system of geometries in filter.", system),
    ]  # fmt: skip
    paths = [
        _path("featureId", "The id of a feature."),
        _path("tileMatrixSetId", "The grid.", {"type": "string", "enum": ["WebMercatorQuad"]}),
        _path("tileMatrix", "The zoom.", {"type": "integer", "minimum": 0, "maximum": 22}),
        _path("tileRow", "The row, from the north.", number),
        _path("tileCol", "The column, from the west.", number),
    ]
    return {one["name"]: one for one in [*queries, *paths]}


def _responses() -> Json:
    problem = {
        "application/problem+json": {"schema": _ref("schemas", "problem")},
        "text/html": {"schema": {"type": "string"}},
    }
    said = {
        "Invalid": "A parameter is unknown or has a value that it cannot have.",
        "NotFound": "There is no such thing, or it is not public.",
        "NotAcceptable": "None of the formats that Accept names.",
        "TooMany": "Too many requests in this minute.",
        "Fault": "The fault is ours.",
        "Busy": "There was no room, or this was too costly to answer.",
    }
    found: Json = {name: {"description": words, "content": problem} for name, words in said.items()}
    seconds = {"description": "Seconds to wait before asking again.", "schema": {"type": "integer", "minimum": 1}}
    for name in ("TooMany", "Busy"):
        found[name]["headers"] = {"Retry-After": seconds}
    return found | {"NotModified": {"description": "What If-None-Match names is still so."}}


def _schemas() -> Json:
    text: Json = {"type": "string"}
    number: Json = {"type": "integer", "minimum": 0}
    links = _list_of("link")
    link = dict.fromkeys(("href", "rel", "type", "title", "hreflang"), text) | {"templated": {"type": "boolean"}}
    collection: Json = {
        "id": text, "title": text, "description": text, "attribution": text, "links": links,
        "extent": {"type": "object"}, "itemType": {"type": "string", "default": "feature"},
        "crs": {"type": "array", "items": text, "default": [crs.CRS84.uri]},
        "storageCrs": {"type": "string", "format": "uri"},
    }  # fmt: skip
    feature: Json = {
        "type": {"type": "string", "enum": ["Feature"]}, "id": text, "links": links,
        "geometry": {"type": "object", "nullable": True, "description": "A GeoJSON geometry, or null."},
        "properties": {"type": "object", "nullable": True},
    }  # fmt: skip
    features: Json = {
        "type": {"type": "string", "enum": ["FeatureCollection"]}, "features": _list_of("feature"), "links": links,
        "timeStamp": {"type": "string", "format": "date-time"}, "numberMatched": number, "numberReturned": number,
    }  # fmt: skip
    problem: Json = {"type": text, "title": text, "status": {"type": "integer"}, "detail": text, "instance": text}
    return {
        "anything": {"type": "object"},
        "binary": {"type": "string", "format": "binary"},
        "link": _object(link, "href rel type title"),
        "landingPage": _object({"title": text, "description": text, "links": links}, "links"),
        "confClasses": _object({"conformsTo": {"type": "array", "items": text}, "links": links}, "conformsTo"),
        "collection": _object(collection, "id links"),
        "collections": _object({"links": links, "collections": _list_of("collection")}, "links collections"),
        "feature": _object(feature, "type id geometry properties"),
        "featureCollection": _object(features, "type features"),
        "problem": _object(problem, "type title status detail"),
    }


def _list_of(schema: str) -> Json:
    return {"type": "array", "items": _ref("schemas", schema)}


def _object(properties: Json, required: str) -> Json:
    return {"type": "object", "required": required.split(), "properties": properties}
