"""Filters over /ogc (Part 3): CQL2 on every collection, a parameter for every property, and what both may name."""

import json
from typing import Any

import pytest

from tests.routers.ogc_world import EPSG4326, EPSG27700, SEEN, UID, Ogc, refused


@pytest.mark.parametrize(
    ("filter", "found"),
    [
        ("theme = 'food'", {"Bus stop", "Food plan"}),
        ("appreciations >= 2 AND appreciations < 7", {"Green lane"}),
        ("organiser LIKE 'The%'", {"Bus stop"}),
        ("CASEI(title) = CASEI('BUS STOP')", {"Bus stop"}),
        ("title IN ('Bus stop', 'Meadow')", {"Bus stop", "Meadow"}),
        ("how_to_join LIKE '%gloves%'", {"Bus stop"}),
        ("ward_name = 'South ward' AND theme = 'green'", {"Meadow"}),
        ("area_name = 'Ourborough'", {"Food plan"}),
        ("stage = 'ended'", {"It is over"}),
        ("starts_at > TIMESTAMP('2026-03-31T00:00:00Z')", {"Meadow"}),
        ("starts_at IS NULL AND theme = 'arts'", {"Nobody knows when"}),
        ("S_INTERSECTS(geometry, POINT(-0.08 51.42))", {"Meadow"}),
        ("S_INTERSECTS(geometry, BBOX(179, -18, 180, -16))", {"West of Fiji"}),
        ("title = 'x'' OR 1=1 --'", set()),
    ],
)
def test_a_filter_in_words_finds_what_it_says(ogc: Ogc, filter: str, found: set[str]) -> None:  # noqa: A002
    assert ogc.titles(filter=filter) == found
    assert ogc.titles(filter=filter, filter_lang="cql2-text") == found


def test_a_filter_in_json_finds_the_same(ogc: Ogc) -> None:
    said: dict[str, Any] = {"op": "=", "args": [{"property": "theme"}, "food"]}
    assert ogc.titles(filter=json.dumps(said), filter_lang="cql2-json") == {"Bus stop", "Food plan"}


def test_what_is_asked_for_in_several_ways_must_all_be_so(ogc: Ogc) -> None:
    asked = {"filter": "theme = 'green'", "bbox": "-0.2,51.4,0,51.5", "stage": "active"}
    assert ogc.titles(**asked) == {"Green lane", "Meadow"}
    assert ogc.titles(**asked, datetime="2026-04-10T00:00:00Z") == {"Meadow"}
    assert ogc.titles(**asked, appreciations="2") == {"Green lane"}


def test_a_filter_s_positions_are_read_in_filter_crs(ogc: Ogc) -> None:
    assert ogc.titles(filter="S_INTERSECTS(geometry, POINT(51.42 -0.08))", filter_crs=EPSG4326) == {"Meadow"}
    box = "S_WITHIN(geometry, BBOX(530200, 179580, 530330, 179700))"
    assert ogc.titles(filter=box, filter_crs=EPSG27700) == {"Big Ben"}


@pytest.mark.parametrize(
    "filter",
    ["", "theme", "theme =", "theme = 'food' AND", "nothing = 1", "owner_id = 1", "state = 'hidden'",
     "1; DROP TABLE asset",
     "details = 'x'", "geom IS NULL", "S_INTERSECTS(geometry, POINT(nan 1))", "S_INTERSECTS(geometry, POINT(500 1))",
     "starts_at > TIMESTAMP('yesterday')", "theme = 'a\x00'", "(" * 500, "theme LIKE 1", "appreciations = 'x'",
     "pg_sleep(1) = 1", "theme = 'food'" + " OR theme = 'x'" * 200, "x" * 30_000],
)  # fmt: skip
def test_a_filter_that_cannot_be_understood_is_refused(ogc: Ogc, filter: str) -> None:  # noqa: A002
    refused(ogc.get("/collections/projects/items", filter=filter))


@pytest.mark.parametrize(
    "filter", ["{", "[]", "1", '{"op":"=","args":[]}', '{"op":"pg_sleep","args":[1]}', "theme='food'"]
)
def test_a_filter_in_json_that_cannot_be_understood_is_refused(ogc: Ogc, filter: str) -> None:  # noqa: A002
    refused(ogc.get("/collections/projects/items", filter=filter, filter_lang="cql2-json"))


def test_a_page_of_a_filter_keeps_it(ogc: Ogc) -> None:
    page = ogc.json("/collections/places/items", filter="appreciations > 24", limit=2)
    assert page["numberMatched"] == 5
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    assert ogc.client.get(following).json()["numberMatched"] == 5


# Properties as parameters --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("collection", "query", "found"),
    [
        ("projects", {"theme": "food"}, {"Bus stop", "Food plan"}),
        ("projects", {"appreciations": "7"}, {"Bus stop"}),
        ("projects", {"published_at": "2026-03-01T09:00:00Z", "theme": "food"}, {"Bus stop", "Food plan"}),
        ("projects", {"website": "https://example.org/a?b=1&c=2"}, {"Bus stop"}),
        ("offers", {"nature": "skill", "reach_m": "3000"}, {"I mend bicycles"}),
        ("offers", {"nature": "money"}, set()),
        ("groups", {"open_to_new_members": "true"}, {"Singers"}),
        ("groups", {"open_to_new_members": "false"}, set()),
        ("events", {"venue": "Lodge"}, {"Seed swap"}),
    ],
)
def test_every_property_is_a_parameter(ogc: Ogc, collection: str, query: dict[str, str], found: set[str]) -> None:
    assert ogc.titles(collection, **query) == found


def test_every_queryable_but_the_geometry_is_a_parameter_with_the_same_schema(ogc: Ogc) -> None:
    paths = ogc.json("/api")["paths"]
    for one in ogc.json("/collections")["collections"]:
        path = f"/collections/{one['id']}"
        queryables = ogc.json(f"{path}/queryables")["properties"]
        offered = {p["name"]: p["schema"] for p in paths[f"{path}/items"]["get"]["parameters"] if "name" in p}
        assert "geometry" in queryables
        for name, schema in queryables.items():
            if name != "geometry":
                plain = {word: value for word, value in schema.items() if word not in ("title", "description")}
                assert offered[name] == plain, name
                assert ogc.get(f"{path}/items", **{name: _some(schema)}).status_code == 200


def _some(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return str(schema["enum"][0])
    formats = {"date-time": "2026-01-01T00:00:00Z", "date": "2026-01-01"}
    return formats.get(schema.get("format", ""), {"integer": "1", "boolean": "true"}.get(schema["type"], "x"))


def test_what_can_be_filtered_by_is_what_features_carry(ogc: Ogc) -> None:
    for one in ogc.json("/collections")["collections"]:
        path = f"/collections/{one['id']}"
        feature = ogc.json(f"{path}/items", limit=1)["features"][0]
        for page in ("queryables", "schema"):
            found = ogc.json(f"{path}/{page}")
            assert list(found["properties"]) == [*feature["properties"], "geometry"]
        whole = ogc.json(f"{path}/feature-schema")["properties"]
        assert list(whole["properties"]["properties"]) == list(feature["properties"])


def test_values_have_the_types_that_the_schema_says(ogc: Ogc) -> None:
    types: dict[str, type] = {"string": str, "integer": int, "boolean": bool}
    seen = 0
    for one in ogc.json("/collections")["collections"]:
        schema = ogc.json(f"/collections/{one['id']}/schema")["properties"]
        for feature in ogc.json(f"/collections/{one['id']}/items")["features"]:
            for name, value in feature["properties"].items():
                if value is not None:
                    seen += 1
                    assert type(value) is types[schema[name]["type"]], name
                    assert value in schema[name].get("enum", [value])
    assert seen > 300


def test_nothing_is_said_of_how_an_asset_came_or_who_made_it(ogc: Ogc) -> None:
    secret = {
        "state",
        "audience",
        "owner",
        "owner_id",
        "via",
        "consent",
        "recorded_by",
        "source",
        "location_class",
        "id",
    }
    for collection in ("projects", "offers"):
        assert not secret & set(ogc.json(f"/collections/{collection}/queryables")["properties"])
        for name in secret:
            refused(ogc.get(f"/collections/{collection}/items", **{name: "1"}))


def test_the_same_walk_is_longer_without_a_filter(ogc: Ogc) -> None:
    assert len(ogc.titles("places", theme="green")) * 3 == len(SEEN["place"])
    assert UID["Place 00"] in ogc.get("/collections/places/items", theme="green").text
