"""/api/v1/assets: pinning, reading, changing and withdrawing over HTTP; what it takes and what it refuses."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from app import kinds
from tests.factories import FAR_WARD, HERE, NORTH, Town, document, ring
from tests.routers.test_manners import assert_problem


async def post(town: Town, body: dict[str, Any], who: str = "owner") -> httpx.Response:
    """Pin something."""
    return await town[who].post("/api/v1/assets", json=body)


def shape(kind: str, coordinates: Any, of: str = "project") -> dict[str, Any]:
    """A document with this geometry."""
    return document(of) | {"geometry": {"type": kind, "coordinates": coordinates}}


# Pinning and reading -------------------------------------------------------------------------------------------------

PROPERTIES = {
    "kind", "title", "summary", "body", "body_html", "theme", "state", "stage", "audience", "owner", "community",
    "organiser", "website", "licence", "attribution", "details", "location_class", "anchor", "ward", "area",
    "starts_at", "ends_at", "published_at", "ended_at", "created_at", "updated_at", "version", "via", "appreciations",
    "counts", "appreciated", "may",
}  # fmt: skip


async def test_a_pinned_asset_is_answered_listed_and_read_alike(town: Town) -> None:
    body = document(
        title="Edible bus stop", summary="A bed where the 322 stops.", body="# Join *us*\n\n<b>now</b>", theme="food",
        stage="planned", organiser="The neighbours", website="https://example.org/a?b=1", licence="CC0-1.0",
        attribution="The neighbours", starts_at="2030-05-01T10:00:00+01:00", ends_at="2030-05-01T12:00:00Z",
        details={"address": "Stop E"}, community=None,
    )  # fmt: skip
    made = await post(town, body)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/geo+json")
    feature = made.json()
    assert made.headers["location"] == f"/api/v1/assets/{feature['id']}"
    assert set(feature) == {"type", "id", "geometry", "properties"}
    assert set(feature["properties"]) == PROPERTIES
    said = {name: value for name, value in body["properties"].items() if name not in ("starts_at", "details", "body")}
    assert said.items() <= feature["properties"].items()
    assert feature["properties"]["starts_at"] == "2030-05-01T09:00:00Z"
    assert feature["properties"]["details"] == {"address": "Stop E", "how_to_join": "", "who_benefits": ""}
    assert feature["geometry"] == {"type": "Point", "coordinates": list(HERE)}
    assert feature["properties"]["anchor"] == list(HERE)
    assert feature["properties"]["ward"] == {"code": NORTH, "name": "North ward"}
    assert feature["properties"]["owner"] == {"uid": str(town.people["owner"].uid), "name": "Owner"}
    assert feature["properties"]["counts"] == {"comments": 0, "open_needs": 0, "proposals": 0, "updates": 0}
    assert feature["properties"]["body_html"] == "<h3>Join <em>us</em></h3>\n<p>&lt;b&gt;now&lt;/b&gt;</p>\n"
    assert (await town["owner"].get(made.headers["location"])).json() == feature
    listed = (await town["visitor"].get("/api/v1/assets", params={"q": "Edible bus stop"})).json()
    (row,) = [row for row in listed["features"] if row["id"] == feature["id"]]
    only_single = ("body_html", "counts", "appreciated", "may")
    assert row["properties"] == {k: v for k, v in feature["properties"].items() if k not in only_single}


async def test_a_visitor_reads_and_is_told_what_an_account_would_open(town: Town) -> None:
    made = await town.pin()
    shown = (await town["visitor"].get(f"/api/v1/assets/{made['id']}")).json()["properties"]
    assert shown["appreciated"] is None
    assert set(shown["may"]) == {"appreciations.give", "comments.write", "proposals.propose", "flags.raise"}
    assert_problem(await post(town, document(), "visitor"), 401, "not-signed-in")


async def test_counts_and_thanks_are_those_of_the_moment(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}"
    await town["stranger"].put(f"{path}/appreciation")
    shown = (await town["stranger"].get(path)).json()["properties"]
    assert shown["counts"] == {"comments": 1, "open_needs": 1, "proposals": 2, "updates": 1}
    assert (shown["appreciated"], shown["appreciations"]) == (True, 1)
    assert (await town["other"].get(path)).json()["properties"]["appreciated"] is False


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("Point", [-0.11, 51.46]),
        ("Point", [0, 0]),
        ("Point", [-180, 85.05]),
        ("Point", [180.0, -85.05]),
        ("LineString", [[-0.11, 51.46], [-0.10, 51.47]]),
        ("MultiLineString", [[[-0.11, 51.46], [-0.10, 51.47]], [[-0.12, 51.46], [-0.12, 51.47]]]),
        ("Polygon", [[[-0.11, 51.46], [-0.10, 51.46], [-0.10, 51.47], [-0.11, 51.46]]]),
        ("MultiPolygon", [[[[-0.11, 51.46], [-0.10, 51.46], [-0.10, 51.47], [-0.11, 51.46]]]]),
        ("LineString", [*ring(5000)[:-1], [-0.2, 51.41]]),
        ("Polygon", [ring(5000)]),
    ],
)
async def test_every_shape_of_geojson_may_be_pinned(town: Town, kind: str, coordinates: Any) -> None:
    made = await post(town, shape(kind, coordinates))
    assert made.status_code == 201, made.text[:300]
    assert made.json()["geometry"]["type"] == kind
    lon, lat = made.json()["properties"]["anchor"]
    assert -180 <= lon <= 180
    assert -85.05 <= lat <= 85.05


@pytest.mark.parametrize(
    ("kind", "coordinates"),
    [
        ("Point", [True, 51.46]),
        ("Point", ["-0.11", 51.46]),
        ("Point", ["1", "1"]),
        ("Point", [None, 1]),
        ("Point", [1]),
        ("Point", []),
        ("Point", [1, 2, 3]),
        ("Point", [180.0001, 0]),
        ("Point", [-180.1, 0]),
        ("Point", [0, 85.0501]),
        ("Point", [0, -90]),
        ("Point", [[0, 0]]),
        ("Point", {"lon": 1, "lat": 2}),
        ("LineString", [[0, 0]]),
        ("LineString", [[0, 0], [0, 0]]),
        ("LineString", []),
        ("LineString", [*ring(5000), [0.5, 51.0]]),
        ("Polygon", [ring(5001)]),
        ("Polygon", [ring(4999), ring(5)]),
        ("Polygon", [[[0, 0], [1, 0], [1, 1], [0, 1]]]),
        ("Polygon", [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]),
        ("Polygon", [[[0, 0], [1, 1], [0, 0]]]),
        ("Polygon", [[[0, 0], [1, 1], [2, 2], [0, 0]]]),
        ("Polygon", []),
        ("Polygon", [[]]),
        ("GeometryCollection", []),
        ("MultiPoint", [[0, 0]]),
        ("Circle", [0, 0]),
        ("point", [0, 0]),
    ],
)
async def test_what_is_no_shape_of_ours_is_refused(town: Town, kind: str, coordinates: Any) -> None:
    assert_problem(await post(town, shape(kind, coordinates)), 422, "invalid")


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999", "1e400", "-1e309"])
@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_what_is_no_finite_number_is_no_coordinate(town: Town, number: str, method: str) -> None:
    path, headers = "/api/v1/assets", {"Content-Type": "application/json", "If-Match": "*"}
    body = f'{{"type": "Feature", "geometry": {{"type": "Point", "coordinates": [{number}, 1]}}'
    if method == "POST":
        body += ', "properties": {"kind": "idea", "title": "x"}'
    else:
        path += f"/{(await town.pin())['id']}"
    answer = await town["owner"].request(method, path, content=body + "}", headers=headers)
    assert_problem(answer, 422, "invalid")


async def test_a_swapped_pair_gets_a_hint_where_areas_are_loaded(town: Town) -> None:
    said = assert_problem(await post(town, document(at=(HERE[1], HERE[0]))), 422, "invalid")
    assert "longitude first" in said["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": "x" * 160}, 201), ({"title": "x" * 161}, 422), ({"title": " "}, 422), ({"title": "a\nb"}, 422),
        ({"title": None}, 422), ({"title": 5}, 422), ({"title": " x "}, 201), ({"title": "🌱" * 160}, 201),
        ({"summary": "x" * 500}, 201), ({"summary": "x" * 501}, 422), ({"summary": None}, 422),
        ({"body": "x" * 20_000}, 201), ({"body": "x" * 20_001}, 422),
        ({"organiser": "x" * 160}, 201), ({"organiser": "x" * 161}, 422),
        ({"licence": "x" * 80}, 201), ({"licence": "x" * 81}, 422),
        ({"attribution": "x" * 400}, 201), ({"attribution": "x" * 401}, 422),
        ({"website": "https://e.org/" + "x" * 486}, 201), ({"website": "https://e.org/" + "x" * 487}, 422),
        ({"website": "javascript:alert(1)"}, 422), ({"website": "data:text/html,x"}, 422),
        ({"website": "https://a b"}, 422), ({"website": "//example.org"}, 422), ({"website": "HTTP://e.org"}, 201),
        ({"theme": "food"}, 201), ({"theme": "Food"}, 422), ({"theme": None}, 422), ({"theme": ""}, 422),
        ({"stage": "planned"}, 201), ({"stage": "done"}, 422),
        ({"state": "draft"}, 201), ({"state": "hidden"}, 422), ({"state": "pending"}, 422), ({"state": "removed"}, 422),
        ({"audience": "members"}, 422), ({"audience": "nobody"}, 422),
        ({"via": "shop"}, 201), ({"via": "import"}, 422),
        ({"consent": "x" * 300}, 201), ({"consent": "x" * 301}, 422),
        ({"location_class": "shielded"}, 201), ({"location_class": "exact"}, 422),
        ({"starts_at": "2030-01-01T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, 201),
        ({"starts_at": "2030-01-02T00:00:00Z", "ends_at": "2030-01-01T00:00:00Z"}, 422),
        ({"starts_at": "2030-01-01"}, 422), ({"starts_at": "2030-01-01T00:00:00"}, 422), ({"starts_at": 1}, 422),
        ({"starts_at": 1.5}, 422), ({"starts_at": True}, 422), ({"starts_at": "tomorrow"}, 422),
        ({"starts_at": "1893456000"}, 422),
        ({"starts_at": "2999-12-31T23:59:59-14:00"}, 201), ({"starts_at": "3000-01-01T00:00:00Z"}, 422),
        ({"starts_at": "1000-01-01T00:00:00+14:00"}, 201), ({"starts_at": "0999-12-31T00:00:00Z"}, 422),
        ({"starts_at": "0001-01-01T00:00:00+14:00"}, 422), ({"ends_at": "9999-12-31T23:59:59-14:00"}, 422),
        ({"area": NORTH}, 422), ({"community": "x"}, 422), ({"community": str(UUID(int=1))}, 422),
        ({"details": {"address": "x" * 300}}, 201), ({"details": {"address": "x" * 301}}, 422),
        ({"details": {"unknown": 1}}, 422), ({"details": None}, 422), ({"details": []}, 422),
        ({"kind": "unicorn"}, 422), ({"kind": None}, 422),
        ({"owner": {"uid": str(UUID(int=1))}}, 422), ({"version": 9}, 422), ({"appreciations": 9}, 422),
        ({"ward": NORTH}, 422), ({"published_at": "2020-01-01T00:00:00Z"}, 422), ({"uid": str(UUID(int=1))}, 422),
        ({"created_at": "2020-01-01T00:00:00Z"}, 422), ({"recorded_by": 1}, 422), ({"on_map": True}, 422),
    ],
)  # fmt: skip
async def test_each_property_has_its_limits_on_both_sides_and_none_can_be_forged(
    town: Town, change: dict[str, Any], status: int
) -> None:
    body = document()
    body["properties"] |= change
    answer = await post(town, body)
    assert answer.status_code == status, answer.text[:300]
    if status == 422:
        assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"type": "feature"}, 422), ({"type": None}, 422), ({"id": "x"}, 422), ({"id": 5}, 422), ({"extra": 1}, 422),
        ({"geometry": []}, 422), ({"properties": None}, 422), ({"properties": {}}, 422), ({"bbox": [0, 0, 1, 1]}, 422),
        ({"geometry": None}, 201), ({"id": None}, 201),
    ],
)  # fmt: skip
async def test_the_feature_around_them_is_strict(town: Town, body: dict[str, Any], status: int) -> None:
    assert (await post(town, document() | body)).status_code == status


async def test_an_asset_has_a_place_or_a_whole_area_never_both(town: Town) -> None:
    whole = (await post(town, document(at=None, area=NORTH))).json()
    assert whole["properties"]["area"] == {"code": NORTH, "name": "North ward", "level": "ward"}
    assert whole["geometry"] is None
    assert_problem(await post(town, document(area=NORTH)), 422, "invalid")
    assert_problem(await post(town, document(at=None, area="E00000000")), 422, "invalid")


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.ALL])
async def test_a_kind_takes_only_its_own_shapes_and_stages(town: Town, kind: str) -> None:
    line = await post(town, shape("LineString", [[0, 51], [0.1, 51]], of=kind))
    assert line.status_code == (422 if kind == "offer" else 201)
    planned = await post(town, document(kind, stage="planned"))
    assert planned.status_code == (422 if kind == "offer" else 201)


# Versions ------------------------------------------------------------------------------------------------------------

TITLE = {"properties": {"title": "Changed"}}


async def test_a_change_needs_the_version_that_it_knows(town: Town) -> None:
    made = await post(town, document())
    path = made.headers["location"]
    for method in ("PATCH", "DELETE"):
        body = TITLE if method == "PATCH" else None
        assert_problem(await town["owner"].request(method, path, json=body), 428, "precondition-required")
        for stale in ('"0"', '"2"', '"2-000000000000"', "1", '"x"', '"-1"', 'W/"1"', '"1" , "2"', "", '"1-xyz"'):
            answer = await town["owner"].request(method, path, json=body, headers={"If-Match": stale})
            assert_problem(answer, 412, "stale")
    changed = await town["owner"].patch(path, json=TITLE, headers={"If-Match": made.headers["etag"]})
    assert changed.status_code == 200
    assert changed.json()["properties"]["version"] == 2
    assert changed.headers["etag"].startswith('"2-')
    assert (await town["owner"].patch(path, json=TITLE, headers={"If-Match": '"2"'})).status_code == 200
    assert (await town["owner"].patch(path, json=TITLE, headers={"If-Match": "*"})).status_code == 200
    gone = await town["owner"].delete(path, headers={"If-Match": '"4"'})
    assert (gone.status_code, gone.content) == (204, b"")
    assert_problem(await town["visitor"].get(path), 404, "not-found")
    assert (await town["owner"].get(path)).json()["properties"]["state"] == "withdrawn"


async def test_what_is_unchanged_is_304_and_what_anybody_changed_is_not(town: Town) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}"
    seen = await town["visitor"].get(path)
    tag = seen.headers["etag"]
    for known in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = await town["visitor"].get(path, headers={"If-None-Match": known})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag), known
        assert {"Authorization", "Cookie"} <= set(again.headers["vary"].split(", "))
    assert (await town["visitor"].get(path, headers={"If-None-Match": '"1"'})).status_code == 200
    assert (await town["owner"].get(path)).headers["etag"] != tag, "what one may do is part of one's own answer"
    await town["stranger"].put(f"{path}/appreciation")
    thanked = await town["visitor"].get(path, headers={"If-None-Match": tag})
    assert thanked.status_code == 200
    changed = await town["owner"].patch(path, json=TITLE, headers={"If-Match": tag})
    assert changed.status_code == 200, "thanks of others are no reason to refuse a change"


# Merge patch ---------------------------------------------------------------------------------------------------------


async def patch(town: Town, uid: str, body: Any, who: str = "owner") -> httpx.Response:
    """Change an asset whatever its version."""
    return await town[who].patch(f"/api/v1/assets/{uid}", json=body, headers={"If-Match": "*"})


async def test_a_patch_over_http_moves_clears_and_keeps(town: Town) -> None:
    made = await town.pin(summary="Here", details={"address": "Old"})
    body: dict[str, Any] = {
        "type": "Feature", "geometry": {"type": "Point", "coordinates": [1.1, 51.5]},
        "properties": {"summary": None, "details": {"who_benefits": "All"}},
    }  # fmt: skip
    changed = (await patch(town, made["id"], body)).json()
    assert changed["geometry"]["coordinates"] == [1.1, 51.5]
    assert changed["properties"]["ward"]["code"] == FAR_WARD
    assert changed["properties"]["summary"] == ""
    assert changed["properties"]["details"] == {"address": "Old", "who_benefits": "All", "how_to_join": ""}
    assert changed["properties"]["title"] == made["properties"]["title"]
    cleared = (await patch(town, made["id"], {"geometry": None})).json()
    assert (cleared["geometry"], cleared["properties"]["ward"]) == (None, None)
    nothing = await patch(town, made["id"], {})
    assert nothing.status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        {"properties": None}, {"properties": []}, {"geometry": []}, {"type": "Point"}, {"id": str(uuid4())}, {"x": 1},
        {"properties": {"kind": "idea"}}, {"properties": {"title": None}}, {"properties": {"title": 5}},
        {"properties": {"title": "a\x00"}}, {"properties": {"owner": "me"}}, {"properties": {"version": 7}},
        {"properties": {"details": {"a": {"b": {"c": 1}}}}}, {"properties": {"state": "hidden"}},
    ],
)  # fmt: skip
async def test_a_patch_that_cannot_be_is_refused_and_changes_nothing(town: Town, body: Any) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}"
    assert_problem(await patch(town, made["id"], body), 422, "invalid")
    assert (await town["owner"].get(path)).json() == made


@pytest.mark.parametrize("depth", [50, 500, 900, 5000])
async def test_a_patch_of_any_depth_is_refused_and_never_breaks_anything(town: Town, depth: int) -> None:
    made = await town.pin()
    for inner in ('{"a":' * depth + "1" + "}" * depth, "[" * depth + "]" * depth):
        body = f'{{"properties": {{"details": {inner}}}}}'
        headers = {"If-Match": "*", "Content-Type": "application/json"}
        answer = await town["owner"].patch(f"/api/v1/assets/{made['id']}", content=body, headers=headers)
        assert answer.status_code in (400, 422)


async def test_an_offer_keeps_its_public_point_when_its_owner_saves_what_they_read(town: Town) -> None:
    offer = await town.pin("owner", "offer")
    for _ in range(3):
        body = {"geometry": offer["geometry"], "properties": {"title": "Once more"}}
        saved = (await patch(town, offer["id"], body)).json()
        assert saved["geometry"] == offer["geometry"]
        assert saved["properties"]["anchor"] == offer["properties"]["anchor"]


async def test_an_instant_is_answered_in_utc_and_the_clock_is_ours(town: Town) -> None:
    made = (await town.pin())["properties"]
    for name in ("created_at", "updated_at", "published_at"):
        assert made[name].endswith("Z")
        assert abs((datetime.now(UTC) - datetime.fromisoformat(made[name])).total_seconds()) < 60


# Moderation over HTTP ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reason", "status"), [("abc", 200), ("ab", 422), ("x" * 1000, 200), ("x" * 1001, 422), (None, 422), (5, 422)]
)
async def test_hiding_needs_a_reason_of_some_length(town: Town, reason: Any, status: int) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}/hide"
    assert (await town["officer"].post(path, json={"reason": reason})).status_code == status


async def test_a_hidden_asset_is_absent_everywhere_a_visitor_looks(town: Town) -> None:
    made = await town.pin(title="Unmistakable hidden thing")
    surfaces = [
        f"/api/v1/assets/{made['id']}", "/api/v1/assets?q=Unmistakable", f"/assets/{made['id']}",
        "/api/v1/assets?kind=project&limit=1000", f"/api/v1/assets?owner={town.people['owner'].uid}&limit=1000",
    ]  # fmt: skip
    for path in surfaces:
        assert "hidden thing" in (await town["visitor"].get(path)).text, path
    hidden = await town["officer"].post(f"/api/v1/assets/{made['id']}/hide", json={"reason": "For a test"})
    assert hidden.json()["properties"]["state"] == "hidden"
    assert "moderation.restore" in hidden.json()["properties"]["may"]
    for who in ("visitor", "stranger", "far_officer"):
        for path in surfaces:
            assert "hidden thing" not in (await town[who].get(path)).text, f"{who} {path}"
    assert "noindex" in (await town["visitor"].get(f"/assets/{made['id']}")).text
