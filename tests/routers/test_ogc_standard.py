"""The standards, requirement by requirement: each test names the /req/… that it holds the service to.

Written from the text of the standards and not from the code: OGC 17-069r4 (Features Part 1), 18-058r1 (Part 2),
19-079r2 (Part 3), 20-057 (Tiles Part 1), 19-072 and 20-024 (Common). Only classes that /ogc/conformance claims are
here, and a test sees to it that each of them is.
"""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from tests.routers.ogc_world import CRS84, EPSG3857, EPSG4326, EPSG27700, UID, Ogc

SPEC = "http://www.opengis.net/spec/"
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
#: class → the tests that try its requirements
CLASSES = {
    "ogcapi-common-1/1.0/conf/core": "req_core_http_and_etag req_core_query_param_unknown_and_invalid",
    "ogcapi-common-1/1.0/conf/landing-page":
        "req_core_root_op_and_success req_core_api_definition_op_and_success req_core_conformance_op_and_success",
    "ogcapi-common-1/1.0/conf/json": "req_core_root_op_and_success accept_decides_on_the_format",
    "ogcapi-common-1/1.0/conf/html": "req_html_definition_and_content",
    "ogcapi-common-1/1.0/conf/oas30":
        "it_meets_the_schema_of_openapi_3_0 made_up_requests_are_answered_as_the_document_foretells",
    "ogcapi-common-2/1.0/conf/collections":
        "req_core_fc_md_op_and_success_and_links req_core_fc_md_items_and_sfc_md req_core_fc_md_extent",
    "ogcapi-features-1/1.0/conf/core":
        "req_core_root_op_and_success req_core_api_definition_op_and_success req_core_conformance_op_and_success "
        "req_core_http_and_etag req_core_query_param_unknown_and_invalid req_core_crs84 "
        "req_core_fc_md_op_and_success_and_links req_core_fc_md_items_and_sfc_md req_core_fc_md_extent "
        "req_core_fc_op_response_and_links req_core_fc_limit_definition_and_response "
        "req_core_fc_number_matched_and_returned req_core_fc_bbox_response req_core_fc_time_response "
        "req_core_f_op_success_and_links",
    "ogcapi-features-1/1.0/conf/oas30":
        "it_meets_the_schema_of_openapi_3_0 parameters_are_written_as_the_standard_has_them "
        "every_operation_has_a_name_of_its_own_and_every_status_it_can_answer_with",
    "ogcapi-features-1/1.0/conf/html": "req_html_definition_and_content",
    "ogcapi-features-1/1.0/conf/geojson": "req_geojson_content req_core_fc_op_response_and_links",
    "ogcapi-features-2/1.0/conf/crs":
        "req_crs_fc_md_crs_list_and_storage_crs req_crs_ogc_crs_header_and_geojson a_box_is_read_in_its_own_system "
        "an_unknown_system_is_refused_and_the_known_are_named positions_are_moved_to_their_system",
    "ogcapi-features-3/1.0/conf/queryables": "req_queryables_link_op_and_response",
    "ogcapi-features-3/1.0/conf/queryables-query-parameters":
        "every_property_is_a_parameter every_queryable_but_the_geometry_is_a_parameter_with_the_same_schema",
    "ogcapi-features-3/1.0/conf/filter":
        "req_filter_params_and_mixing a_filter_s_positions_are_read_in_filter_crs "
        "a_filter_that_cannot_be_understood_is_refused",
    "ogcapi-features-3/1.0/conf/features-filter": "a_filter_in_words_finds_what_it_says",
    "ogcapi-tiles-1/1.0/conf/core": "req_tiles_core_tc_success_and_error an_empty_tile_has_no_content",
    "ogcapi-tiles-1/1.0/conf/tileset": "req_tiles_links_lists_and_tilesets",
    "ogcapi-tiles-1/1.0/conf/tilesets-list": "req_tiles_links_lists_and_tilesets",
    "ogcapi-tiles-1/1.0/conf/dataset-tilesets": "req_tiles_links_lists_and_tilesets",
    "ogcapi-tiles-1/1.0/conf/geodata-tilesets": "req_tiles_links_lists_and_tilesets",
    "ogcapi-tiles-1/1.0/conf/mvt": "the_tiles_of_a_zoom_hold_every_feature_once",
    "ogcapi-tiles-1/1.0/conf/oas30": "tile_operations_are_named_by_the_suffixes_of_the_standard",
}  # fmt: skip
COLLECTIONS = ("projects", "ideas", "offers", "places", "services", "groups", "events", "wards", "boroughs")
FORMATS = ("application/geo+json", "text/html")


def links(value: dict[str, Any], rel: str) -> list[dict[str, Any]]:
    """The links with this relation; each has its address, its type and a title."""
    found = [link for link in value["links"] if link["rel"] == rel]
    for link in found:
        assert link["href"].startswith("http")
        assert link["type"]
        assert link["title"]
    return found


def test_every_class_that_is_claimed_is_tried_and_no_other_is_claimed(ogc: Ogc) -> None:
    claimed = ogc.json("/conformance")["conformsTo"]
    assert len(claimed) == len(set(claimed))
    cql2 = [uri for uri in claimed if uri.startswith(f"{SPEC}cql2/")]
    assert [uri for uri in claimed if uri not in cql2] == [f"{SPEC}{name}" for name in CLASSES]
    assert len(cql2) >= 10  # held by the tests of app/geo/cql2
    there = set[str]()
    for file in Path(__file__).parent.glob("test_ogc_*.py"):
        there |= set(re.findall(r"^def test_(\w+)", file.read_text(encoding="utf-8"), re.MULTILINE))
    for name, tests in CLASSES.items():
        assert set(tests.split()) <= there, name
        assert tests, name


# Common and Features Part 1: Core ------------------------------------------------------------------------------------


def test_req_core_root_op_and_success(ogc: Ogc) -> None:
    answer = ogc.get()
    assert answer.status_code == 200
    found = answer.json()
    for rel in ("service-desc", "service-doc", "conformance", "data", "self", "alternate"):
        assert links(found, rel), rel
    for rel in ("service-desc", "service-doc", "conformance", "data"):
        for link in links(found, rel):
            linked = ogc.client.get(link["href"])
            assert linked.status_code == 200
            assert linked.headers["content-type"].replace(" ", "").startswith(link["type"])


def test_req_core_api_definition_op_and_success(ogc: Ogc) -> None:
    for rel in ("service-desc", "service-doc"):
        for link in links(ogc.json(), rel):
            assert ogc.client.get(link["href"], headers={"Accept": link["type"]}).status_code == 200


def test_req_core_conformance_op_and_success(ogc: Ogc) -> None:
    found = ogc.json("/conformance")
    assert f"{SPEC}ogcapi-features-1/1.0/conf/core" in found["conformsTo"]
    assert all(isinstance(uri, str) for uri in found["conformsTo"])


def test_req_core_http_and_etag(ogc: Ogc) -> None:
    answer = ogc.get("/collections")
    assert answer.http_version == "HTTP/1.1"
    assert answer.headers["etag"]
    assert ogc.client.options(f"{ogc.url}/collections").status_code in (200, 204, 405)


def test_req_core_query_param_unknown_and_invalid(ogc: Ogc) -> None:
    for path in ("", "/conformance", "/collections", "/collections/places", "/collections/places/items"):
        assert ogc.get(path, unknown="x").status_code == 400
    for query in ({"limit": "x"}, {"bbox": "x"}, {"datetime": "x"}, {"crs": "x"}, {"filter-lang": "x"}):
        assert ogc.get("/collections/places/items", **query).status_code == 400


def test_req_core_crs84(ogc: Ogc) -> None:
    lon, lat = ogc.json(f"/collections/projects/items/{UID['Bus stop']}")["geometry"]["coordinates"]
    assert (lon, lat) == (-0.1143, 51.4613)


def test_req_core_fc_md_op_and_success_and_links(ogc: Ogc) -> None:
    found = ogc.json("/collections")
    assert links(found, "self")
    assert links(found, "alternate")
    assert isinstance(found["collections"], list)


@pytest.mark.parametrize("name", COLLECTIONS)
def test_req_core_fc_md_items_and_sfc_md(ogc: Ogc, name: str) -> None:
    listed = next(one for one in ogc.json("/collections")["collections"] if one["id"] == name)
    alone = ogc.json(f"/collections/{name}")
    assert alone["id"] == listed["id"] == name
    for key in ("id", "title", "description", "extent", "crs", "storageCrs", "itemType", "attribution"):
        assert listed[key] == alone[key]  # /req/core/sfc-md-success
    for value in (listed, alone):
        assert {link["type"] for link in links(value, "items")} == set(FORMATS)  # /req/core/fc-md-items-links
    assert links(alone, "self")
    assert links(alone, "alternate")


@pytest.mark.parametrize("name", COLLECTIONS)
def test_req_core_fc_md_extent(ogc: Ogc, name: str) -> None:
    extent = ogc.json(f"/collections/{name}")["extent"]
    assert extent["spatial"]["crs"] == CRS84
    (box,) = extent["spatial"]["bbox"]
    west, south, east, north = box
    for feature in ogc.json(f"/collections/{name}/items", limit=1000)["features"]:
        for lon, lat in _positions((feature["geometry"] or {}).get("coordinates", [])):
            assert west <= lon <= east
            assert south <= lat <= north
    assert extent["temporal"]["trs"] == "http://www.opengis.net/def/uom/ISO-8601/0/Gregorian"
    for instant in extent["temporal"]["interval"][0]:
        assert instant is None or datetime.fromisoformat(instant).tzinfo


def _positions(value: Any) -> list[tuple[float, float]]:
    if value and isinstance(value[0], float | int):
        return [(value[0], value[1])]
    return [position for part in value for position in _positions(part)]


@pytest.mark.parametrize("name", COLLECTIONS)
def test_req_core_fc_op_response_and_links(ogc: Ogc, name: str) -> None:
    answer = ogc.get(f"/collections/{name}/items", limit=1)
    found = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"  # /req/geojson/definition
    assert (found["type"], len(found["features"])) == ("FeatureCollection", found["numberReturned"])
    own, others = links(found, "self"), links(found, "alternate")
    assert (len(own), own[0]["type"]) == (1, "application/geo+json")  # /req/core/fc-rel-type
    assert [other["type"] for other in others] == ["text/html"]
    assert ogc.client.get(own[0]["href"]).json()["features"] == found["features"]
    for other in others:
        assert ogc.client.get(other["href"]).headers["content-type"].startswith("text/html")
    stamp = datetime.fromisoformat(found["timeStamp"])  # /req/core/fc-timeStamp
    assert stamp.tzinfo
    assert links(found, "collection")


def test_req_core_fc_limit_definition_and_response(ogc: Ogc) -> None:
    for size in (1, 10, 29):
        found = ogc.json("/collections/places/items", limit=size)
        assert found["numberReturned"] == size
        assert links(found, "next")
    assert not [link for link in ogc.json("/collections/places/items", limit=30)["links"] if link["rel"] == "next"]
    assert ogc.get("/collections/places/items", limit=1_000_000).status_code == 200


def test_req_core_fc_number_matched_and_returned(ogc: Ogc) -> None:
    for query in ({}, {"bbox": "-0.19,51.43,-0.15,51.45"}, {"theme": "green"}, {"filter": "appreciations > 20"}):
        counted, walked = 0, 0
        address: str | None = str(ogc.get("/collections/places/items", limit=4, **query).url)
        while address:
            page = ogc.client.get(address).json()
            counted, walked = page["numberMatched"], walked + page["numberReturned"]
            following = links(page, "next")
            address = following[0]["href"] if following else None
        assert walked == counted > 4


def test_req_core_fc_bbox_response(ogc: Ogc) -> None:
    inside = ogc.titles(bbox="-0.115,51.461,-0.114,51.462")
    assert "Bus stop" in inside  # A
    assert "Meadow" not in inside
    assert "Food plan" in inside  # C: what has no geometry matches every box


def test_req_core_fc_time_response(ogc: Ogc) -> None:
    assert ogc.titles("events", datetime="2026-05-02T12:00:00Z") == {"Seed swap"}  # A
    assert "Nobody knows when" in ogc.titles(datetime="1999-01-01T00:00:00Z")  # C
    for span in ("../2026-06-01T00:00:00Z", "/2026-06-01T00:00:00Z"):  # F
        assert ogc.titles("events", datetime=span) == {"Seed swap"}


@pytest.mark.parametrize("name", COLLECTIONS)
def test_req_core_f_op_success_and_links(ogc: Ogc, name: str) -> None:
    first = ogc.json(f"/collections/{name}/items", limit=1)["features"][0]
    answer = ogc.get(f"/collections/{name}/items/{first['id']}")
    found = answer.json()
    assert answer.headers["content-type"] == "application/geo+json"
    assert {key: found[key] for key in first} == first
    assert links(found, "self")[0]["type"] == "application/geo+json"
    assert links(found, "alternate")[0]["type"] == "text/html"
    (up,) = links(found, "collection")
    assert ogc.client.get(up["href"]).json()["id"] == name


# GeoJSON and HTML ----------------------------------------------------------------------------------------------------


def test_req_geojson_content(ogc: Ogc) -> None:
    schema = {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"const": "FeatureCollection"},
            "features": {
                "type": "array",
                "items": {
                    "type": "object",
                    "required": ["type", "geometry", "properties"],
                    "properties": {
                        "type": {"const": "Feature"},
                        "id": {"type": ["string", "number"]},
                        "geometry": {"type": ["object", "null"], "required": ["type", "coordinates"]},
                        "properties": {"type": ["object", "null"]},
                    },
                },
            },
        },
        "not": {"required": ["crs"]},  # RFC 7946 has no such member
    }
    for name in COLLECTIONS:
        jsonschema_rs.validate(schema, ogc.json(f"/collections/{name}/items", limit=1000))


@pytest.mark.parametrize(
    "path", ["", "/conformance", "/collections", "/collections/places", "/collections/places/items",
             f"/collections/places/items/{UID['Place 01']}"],
)  # fmt: skip
def test_req_html_definition_and_content(ogc: Ogc, path: str) -> None:
    page = ogc.get(path, accept="text/html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.text.lower().startswith("<!doctype html>")
    assert not re.search(r"{{|{%|None\b", page.text)


# Part 2 --------------------------------------------------------------------------------------------------------------


def test_req_crs_fc_md_crs_list_and_storage_crs(ogc: Ogc) -> None:
    for one in ogc.json("/collections")["collections"]:
        assert one["crs"][0] == CRS84  # crs-list: the default is in it
        assert set(one["crs"]) == {CRS84, EPSG4326, EPSG3857, EPSG27700}
        assert one["storageCrs"] in one["crs"]


def test_req_crs_ogc_crs_header_and_geojson(ogc: Ogc) -> None:
    for path in ("/collections/projects/items", f"/collections/projects/items/{UID['Bus stop']}"):
        assert ogc.get(path).headers["content-crs"] == f"<{CRS84}>"
        for system in (EPSG4326, EPSG3857, EPSG27700):
            answer = ogc.get(path, crs=system)
            assert answer.headers["content-crs"] == f"<{system}>"
            assert "crs" not in answer.json()


# Part 3 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COLLECTIONS)
def test_req_queryables_link_op_and_response(ogc: Ogc, name: str) -> None:
    (link,) = links(ogc.json(f"/collections/{name}"), f"{REL}queryables")
    answer = ogc.client.get(link["href"], headers={"Accept": "application/schema+json"})
    found = answer.json()
    assert answer.headers["content-type"] == link["type"] == "application/schema+json"
    assert found["$schema"] in (
        "https://json-schema.org/draft/2019-09/schema", "https://json-schema.org/draft/2020-12/schema"
    )  # fmt: skip
    assert found["$id"] == f"{ogc.url}/collections/{name}/queryables"
    assert found["type"] == "object"
    assert found["additionalProperties"] is False  # then unknown names in a filter are refused:
    assert ogc.get(f"/collections/{name}/items", filter="no_such_thing = 1").status_code == 400
    jsonschema_rs.meta.validate(found)
    for schema in found["properties"].values():
        assert "type" in schema or schema["format"].startswith("geometry-")


def test_req_filter_params_and_mixing(ogc: Ogc) -> None:
    asked = {"filter": "theme = 'green'", "filter_lang": "cql2-text", "filter_crs": CRS84}
    assert ogc.titles(**asked) == {"Green lane", "Meadow"}
    assert ogc.titles(**asked, appreciations="2", bbox="-0.2,51.4,0,51.5") == {"Green lane"}  # joined by AND
    for query in ({"filter": "=="}, {"filter_lang": "x"}, {"filter_crs": "x"}):
        assert ogc.get("/collections/projects/items", **query).status_code == 400


# Tiles ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("above", ["", *(f"/collections/{name}" for name in COLLECTIONS)])
def test_req_tiles_links_lists_and_tilesets(ogc: Ogc, above: str) -> None:
    # /req/dataset-tilesets/landingpage and /req/geodata-tilesets/desc-links
    (up,) = links(ogc.json(above), f"{REL}tilesets-vector")
    assert up["href"] == f"{ogc.url}{above}/tiles"
    (listed,) = ogc.client.get(up["href"]).json()["tilesets"]
    (whole,) = links(listed, "self")  # /req/tilesets-list/tileset-links
    assert whole["href"] == f"{ogc.url}{above}/tiles/WebMercatorQuad"
    tileset = ogc.client.get(whole["href"]).json()
    for value in (listed, tileset):  # /req/tileset/description
        assert (value["dataType"], value["crs"]) == ("vector", EPSG3857)
        assert value["tileMatrixSetURI"] == "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
        (grid,) = links(value, f"{REL}tiling-scheme")
        assert ogc.client.get(grid["href"]).json()["id"] == "WebMercatorQuad"
    (item,) = links(tileset, "item")
    assert item["templated"] is True
    assert set(re.findall(r"{(\w+)}", item["href"])) == {"tileMatrix", "tileRow", "tileCol"}
    assert item["type"] == "application/vnd.mapbox-vector-tile"
    for limits in tileset["tileMatrixSetLimits"]:
        last = 2 ** int(limits["tileMatrix"]) - 1
        assert (limits["maxTileRow"], limits["maxTileCol"]) == (last, last)
        assert (limits["minTileRow"], limits["minTileCol"]) == (0, 0)


def test_req_tiles_core_tc_success_and_error(ogc: Ogc) -> None:
    for path, status in (("0/0/0", 200), ("22/0/0", 204), ("23/0/0", 404), ("1/2/0", 404), ("x/0/0", 404)):
        assert ogc.get(f"/collections/places/tiles/WebMercatorQuad/{path}").status_code == status
    assert ogc.get("/collections/places/tiles/Unknown/0/0/0").status_code == 404
