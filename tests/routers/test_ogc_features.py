"""Features over /ogc: what is found, in which order, and the traps that servers of this kind fall into."""

import uuid
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from app.routers import ogc_collections
from tests.factories import BOROUGH, FAR_WARD, HERE, NORTH, Town
from tests.routers.ogc_world import EPSG27700, PLACES, SECRETS, SEEN, UID, Ogc, refused

KINDS = {
    "projects": "project", "ideas": "idea", "offers": "offer", "places": "place", "services": "service",
    "groups": "group", "events": "event",
}  # fmt: skip


# Collections ---------------------------------------------------------------------------------------------------------


def test_there_is_a_collection_for_every_kind_and_every_level_that_is_loaded(ogc: Ogc) -> None:
    found = ogc.json("/collections")["collections"]
    assert [one["id"] for one in found] == [*KINDS, "wards", "boroughs"]
    for one in found:
        assert ogc.json(f"/collections/{one['id']}")["id"] == one["id"]


@pytest.mark.parametrize("name", ["countries", "project", "Projects", "asset", "counties", "x%00", "%2e%2e"])
@pytest.mark.parametrize("below", ["", "/items", "/items/x", "/queryables", "/schema", "/tiles"])
def test_an_unknown_collection_is_not_found_at_any_address(ogc: Ogc, name: str, below: str) -> None:
    refused(ogc.get(f"/collections/{name}{below}"), 404)


def test_a_collection_says_where_and_when_its_features_are(ogc: Ogc) -> None:
    extent = ogc.json("/collections/projects")["extent"]
    assert extent["spatial"] == {
        "bbox": [[-179.5, -17.0, 179.5, 51.500729]],
        "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
    }
    assert extent["temporal"]["interval"] == [[None, None]]
    assert ogc.json("/collections/wards")["extent"]["temporal"]["interval"] == [["2022-05-05T00:00:00Z", None]]


def test_bounds_that_cannot_be_found_in_time_are_the_whole_world_and_not_a_failure(
    ogc: Ogc, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ogc_collections, "KEPT_S", 0.0)
    with ogc.locked():
        assert ogc.json("/collections/wards")["extent"]["spatial"]["bbox"] == [[-180, -90, 180, 90]]
    assert ogc.json("/collections/wards")["extent"]["spatial"]["bbox"] != [[-180, -90, 180, 90]]


@pytest.mark.parametrize("collection", KINDS)
def test_a_collection_holds_what_a_visitor_sees_and_nothing_else(ogc: Ogc, collection: str) -> None:
    assert ogc.titles(collection) == set(SEEN[KINDS[collection]])


def test_what_is_hidden_is_nowhere(ogc: Ogc) -> None:
    for row in SECRETS:
        refused(ogc.get(f"/collections/projects/items/{row.uid}"), 404)
        assert ogc.titles(title=row.title) == set()
    for form in ("json", "html"):
        assert "Secret" not in ogc.get("/collections/projects/items", limit=1000, f=form).text
    assert ogc.titles(filter="title LIKE 'Secret%'") == set()


async def test_credentials_are_not_looked_at(town: Town) -> None:
    made = await town.pin(at=HERE, title="My own draft", state="draft")
    for who in ("owner", "operator"):
        answer = await town[who].get(f"/ogc/collections/projects/items/{made['id']}")
        assert answer.status_code == 404
    bad = await town["visitor"].get("/ogc/collections", headers={"Authorization": "Bearer nonsense"})
    assert bad.status_code == 200


async def test_an_offer_lies_where_the_api_shows_it_and_never_at_the_door(town: Town) -> None:
    made = await town.pin(kind="offer", at=(-0.114311, 51.461322))
    answer = await town["visitor"].get(f"/ogc/collections/offers/items/{made['id']}")
    assert answer.json()["geometry"] == made["geometry"]
    assert made["geometry"]["coordinates"] != [-0.114311, 51.461322]
    assert "51.461322" not in answer.text


async def test_what_is_hidden_now_is_gone_at_once(town: Town) -> None:
    made = await town.pin(title="Soon hidden")
    path = f"/ogc/collections/projects/items/{made['id']}"
    answer = await town["visitor"].get(path)
    assert answer.status_code == 200
    await town["officer"].post(f"/api/v1/assets/{made['id']}/hide", json={"reason": "It names a child."})
    again = await town["visitor"].get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert again.status_code == 404


# One feature ---------------------------------------------------------------------------------------------------------


def test_a_feature_carries_plain_columns_of_stable_types(ogc: Ogc) -> None:
    found = ogc.json(f"/collections/projects/items/{UID['Bus stop']}")
    updated = found["properties"].pop("updated_at")
    assert updated.startswith("20")
    assert updated.endswith("Z")
    assert (found["type"], found["id"]) == ("Feature", UID["Bus stop"])
    assert found["geometry"] == {"type": "Point", "coordinates": [-0.1143, 51.4613]}
    assert found["properties"] == {
        "title": "Bus stop", "summary": "", "theme": "food", "stage": "active", "organiser": "The 322",
        "website": "https://example.org/a?b=1&c=2", "ward_code": NORTH, "ward_name": "North ward", "area_code": None,
        "area_name": None, "how_to_join": "Saturdays from ten. Bring gloves.", "who_benefits": None, "address": None,
        "appreciations": 7, "starts_at": None, "ends_at": None, "published_at": "2026-03-01T09:00:00Z",
        "licence": None, "attribution": None,
    }  # fmt: skip


def test_what_belongs_to_a_whole_area_names_it_and_lies_nowhere(ogc: Ogc) -> None:
    found = ogc.json(f"/collections/projects/items/{UID['Food plan']}")
    assert found["geometry"] is None
    assert (found["properties"]["area_code"], found["properties"]["area_name"]) == (BOROUGH, "Ourborough")


def test_details_keep_their_types(ogc: Ogc) -> None:
    offer = ogc.json(f"/collections/offers/items/{UID['I mend bicycles']}")["properties"]
    assert (offer["nature"], offer["reach_m"]) == ("skill", 3000)
    assert ogc.json(f"/collections/groups/items/{UID['Singers']}")["properties"]["open_to_new_members"] is True


def test_an_area_is_named_by_its_code(ogc: Ogc) -> None:
    found = ogc.json(f"/collections/wards/items/{NORTH}")
    updated = {name: found["properties"][name] for name in ("code", "name", "parent_code", "parent_name", "valid_from")}
    assert (found["id"], found["geometry"]["type"]) == (NORTH, "MultiPolygon")
    assert updated == {
        "code": NORTH, "name": "North ward", "parent_code": BOROUGH, "parent_name": "Ourborough",
        "valid_from": "2022-05-05",
    }  # fmt: skip
    assert {one["id"] for one in ogc.json("/collections/wards/items")["features"]} == {NORTH, "E05000002", FAR_WARD}


@pytest.mark.parametrize(
    "uid",
    [uuid.uuid4(), "x", "{UID}", UID["Bus stop"].replace("-", ""), f"{{{UID['Bus stop']}}}", "a%00b", UID["Benches"]],
)  # fmt: skip
def test_an_unknown_feature_is_not_found(ogc: Ogc, uid: Any) -> None:
    refused(ogc.get(f"/collections/projects/items/{uid}"), 404)


# Pages ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [1, 7, 29, 30, 31])
def test_a_walk_along_next_meets_every_feature_once_and_keeps_its_question(ogc: Ogc, size: int) -> None:
    address: str | None = f"{ogc.url}/collections/places/items?limit={size}&bbox=-1,51,1,52&f=json"
    seen: list[str] = []
    while address:
        page = ogc.client.get(address).json()
        assert page["numberMatched"] == PLACES
        assert page["numberReturned"] == len(page["features"]) <= size
        seen += [feature["properties"]["title"] for feature in page["features"]]
        following = [link for link in page["links"] if link["rel"] == "next"]
        assert len(following) == (1 if len(seen) < PLACES else 0)
        address = following[0]["href"] if following else None
        if address:
            assert set(parse_qs(urlsplit(address).query)) == {"limit", "bbox", "f", "cursor"}
            assert following[0]["type"] == "application/geo+json"
    assert seen == SEEN["place"]


def test_a_page_without_a_limit_has_a_hundred_features_at_most(ogc: Ogc) -> None:
    assert ogc.json("/collections/places/items")["numberReturned"] == PLACES
    limit = next(
        one for one in ogc.json("/api")["paths"]["/collections/places/items"]["get"]["parameters"]
        if one.get("name") == "limit"
    )  # fmt: skip
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 1000, "default": 100}


@pytest.mark.parametrize("limit", ["1001", "1000000", "999999999999999999"])
def test_a_limit_above_the_maximum_is_cut_and_no_error(ogc: Ogc, limit: str) -> None:
    assert ogc.json("/collections/places/items", limit=limit)["numberReturned"] == PLACES
    assert ogc.json("/collections/wards/items", limit=limit)["numberReturned"] == 3


@pytest.mark.parametrize("limit", ["0", "-1", "x", "1.5", "", "1e3", " 1", "１", "9" * 30, "NaN"])
def test_a_limit_that_is_no_count_is_refused(ogc: Ogc, limit: str) -> None:
    assert "limit" in refused(ogc.get("/collections/places/items", limit=limit))


@pytest.mark.parametrize("cursor", ["", "x", "WyJuZXciLDFd", "WyJwcm9qZWN0cyIsMV0", "a" * 3000, "%00", "é"])
def test_a_cursor_of_another_list_is_refused(ogc: Ogc, cursor: str) -> None:
    refused(ogc.get("/collections/places/items", cursor=cursor))


# Boxes ---------------------------------------------------------------------------------------------------------------


def test_a_box_meets_the_geometry_and_not_the_anchor(ogc: Ogc) -> None:
    assert "Green lane" in ogc.titles(bbox="-0.149,51.459,-0.148,51.461")  # its end; the anchor is in the middle
    assert "Meadow" in ogc.titles(bbox="-0.0901,51.4099,-0.0899,51.4101")  # a corner
    assert "Meadow" not in ogc.titles(bbox="-0.0951,51.4099,-0.0901,51.4101")


def test_a_box_has_its_edges_and_may_be_a_point(ogc: Ogc) -> None:
    assert "Bus stop" in ogc.titles(bbox="-0.1143,51.4613,0,51.5")
    assert "Bus stop" in ogc.titles(bbox="-0.1143,51.4613,-0.1143,51.4613")
    assert "Meadow" in ogc.titles(bbox="-0.08,51.42,-0.08,51.42")
    assert "Green lane" in ogc.titles(bbox="-0.1,51.4,-0.1,51.5")


def test_what_lies_nowhere_is_in_every_box(ogc: Ogc) -> None:
    assert ogc.titles(bbox="10,10,11,11") == {"Food plan"}  # /req/core/fc-bbox-response C


def test_a_box_with_heights_is_a_box(ogc: Ogc) -> None:
    flat = ogc.titles(bbox="-0.12,51.46,-0.11,51.47")
    assert ogc.titles(bbox="-0.12,51.46,-50,-0.11,51.47,100") == flat != set()


def test_a_box_crosses_the_antimeridian(ogc: Ogc) -> None:
    assert ogc.titles(bbox="179,-18,-179,-16") == {"East of Fiji", "West of Fiji", "Food plan"}
    assert "East of Fiji" not in ogc.titles(bbox="179,-18,180,-16")


@pytest.mark.parametrize(
    "box",
    ["", "1,2,3", "1,2,3,4,5", "1,2,3,4,5,6,7", "a,b,c,d", "NaN,0,1,1", "0,0,inf,1", "-Infinity,0,1,1", "1e999,0,1,1",
     "0,1,1,0", "0,0,181,1", "-181,0,0,1", "0,-91,1,1", "0,0,1,90.1", "0,0,5,1,1,1", "0,0,1,1,", "0;0;1;1", "0x1,0,1,1",
     "１,0,1,1", "0,0,1,1\x00"],
)  # fmt: skip
def test_a_box_that_is_none_is_refused(ogc: Ogc, box: str) -> None:
    assert "bbox" in refused(ogc.get("/collections/projects/items", bbox=box))


# Time ----------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("span", "found"),
    [
        ("2026-05-02T10:00:00Z", {"Seed swap"}),
        ("2026-05-02T11:00:00+01:00", {"Seed swap"}),
        ("2026-05-02T12:00:00.123456789z", {"Seed swap"}),
        ("2026-05-02", {"Seed swap"}),
        ("2026-05-02T13:00:01Z", set()),
        ("2026-05-02T13:00:00Z/2026-06-01T00:00:00Z", {"Seed swap"}),
        ("2026-06-01T00:00:00Z/..", {"Only a beginning"}),
        ("2026-06-01T00:00:00Z/", {"Only a beginning"}),
        ("../2026-06-01T00:00:00Z", {"Seed swap"}),
        ("/2026-06-01T00:00:00Z", {"Seed swap"}),
        ("2026-01-01/2026-12-31", {"Seed swap", "Only a beginning"}),
    ],
)
def test_events_are_found_by_when_they_are(ogc: Ogc, span: str, found: set[str]) -> None:
    assert ogc.titles("events", datetime=span) == found


def test_what_has_no_dates_of_its_own_is_found_by_when_it_was_published(ogc: Ogc) -> None:
    march = ogc.titles(datetime="2026-03-01/2026-03-31")
    assert "Bus stop" in march
    assert "Green lane" not in march
    assert "Meadow" not in march  # it lasts for April, whenever it was published
    assert "Nobody knows when" in march  # /req/core/fc-time-response C


def test_areas_are_valid_from_their_set_on(ogc: Ogc) -> None:
    assert len(ogc.json("/collections/wards/items", datetime="2026-01-01T00:00:00Z")["features"]) == 3
    assert len(ogc.json("/collections/wards/items", datetime="../2022-05-04")["features"]) == 0
    assert len(ogc.json("/collections/wards/items", datetime="2022-05-05T00:00:00Z")["features"]) == 3


@pytest.mark.parametrize(
    "span",
    ["", "..", "../..", "/", "yesterday", "2026", "2026-05", "2026-13-01", "2026-02-30T00:00:00Z",
     "2026-05-02T10:00:00", "2026-05-02 10:00:00Z", "2026-05-02T25:00:00Z",
     "2026-05-02T10:00:00Z/2026-05-01T10:00:00Z", "20260502", "a/b",
     "2026-05-02T10:00:00Z/2026-05-03T10:00:00Z/2026-05-04T10:00:00Z", "0000-01-01T00:00:00Z", "２026-05-02",
     "10000-01-01T00:00:00Z", "2026-05-02T10:00:00+25:00", "2026-W01"],
)  # fmt: skip
def test_a_time_that_is_none_is_refused(ogc: Ogc, span: str) -> None:
    assert "datetime" in refused(ogc.get("/collections/events/items", datetime=span))


@pytest.mark.parametrize(
    "span", ["0001-01-01T00:00:00+14:00/..", "../9999-12-31T23:59:59-14:00", "0001-01-01/9999-12-31"]
)
def test_the_ends_of_the_calendar_are_times(ogc: Ogc, span: str) -> None:
    assert ogc.titles("events", datetime=span) == {"Seed swap", "Only a beginning"}


def test_a_text_stays_what_it_was_in_json_and_is_escaped_in_a_page(ogc: Ogc) -> None:
    title = 'Quote \' and <b>bold</b> & "so"'
    assert ogc.titles(title=title) == {title}
    page = ogc.get(f"/collections/projects/items/{UID[title]}", f="html").text
    assert "<b>bold" not in page
    assert "&lt;b&gt;bold&lt;/b&gt;" in page
    assert "<script" not in page


def test_a_system_that_cannot_show_a_place_shows_none_and_does_not_fail(ogc: Ogc) -> None:
    found = ogc.json("/collections/projects/items", crs=EPSG27700, limit=1000)["features"]
    shapes = {feature["properties"]["title"]: feature["geometry"] for feature in found}
    assert shapes["East of Fiji"] is None
    assert shapes["Bus stop"]["coordinates"][0] == pytest.approx(531_000, abs=1500)
