"""Lists over HTTP: every parameter on both sides of its limits, and walks by the links that the answers give."""

from typing import Any
from uuid import UUID, uuid4

import anyio
import httpx
import pytest

from app import kinds, lifecycles
from tests.factories import BOROUGH, HERE, NORTH, NOWHERE, Town, document
from tests.routers.test_manners import assert_problem

A_UID = "6f1c2a4e-8c1b-4c55-9d0e-0d9d8e5c7a11"


async def ask(town: Town, who: str = "visitor", **params: Any) -> httpx.Response:
    """The list with these parameters."""
    return await town[who].get("/api/v1/assets", params=params)


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({"limit": 0}, 422), ({"limit": 1}, 200), ({"limit": 1000}, 200), ({"limit": 1001}, 422), ({"limit": -1}, 422),
        ({"limit": "x"}, 422), ({"limit": "true"}, 422), ({"limit": "1e2"}, 422), ({"limit": ""}, 422),
        ({"limit": "9" * 5000}, 422),
        ({"kind": "idea"}, 200), ({"kind": "idea,project"}, 200), ({"kind": "idea, project"}, 200),
        ({"kind": ""}, 422), ({"kind": "idea,"}, 422), ({"kind": "ideas"}, 422),
        ({"kind": ",".join(["idea"] * 40)}, 200),
        ({"theme": "food,arts"}, 200), ({"theme": "cheese"}, 422),
        ({"stage": "ended"}, 200), ({"stage": "over"}, 422), ({"stage": ""}, 422),
        ({"ward": NORTH}, 200), ({"ward": "nowhere"}, 200), ({"ward": "x" * 41}, 422), ({"ward": "x" * 40}, 200),
        ({"ward": ",".join(str(n) for n in range(100))[:200]}, 422), ({"ward": ",".join("abcdefghijkl")}, 200),
        ({"area": BOROUGH}, 200), ({"area": ""}, 422),
        ({"bbox": "-0.2,51.4,0,51.5"}, 200), ({"bbox": "-180,-90,180,90"}, 200), ({"bbox": "170,-10,-170,10"}, 200),
        ({"bbox": "0,0,0,0"}, 200), ({"bbox": "1,2,3"}, 422), ({"bbox": "1,2,3,4,5"}, 422), ({"bbox": "a,b,c,d"}, 422),
        ({"bbox": "0,1,1,0"}, 422), ({"bbox": "-180.1,0,0,1"}, 422), ({"bbox": "0,0,1,90.1"}, 422), ({"bbox": ""}, 422),
        ({"bbox": "nan,0,1,1"}, 422), ({"bbox": "inf,0,1,1"}, 422), ({"bbox": "1e1,0,11,1"}, 422),
        ({"bbox": " 0,0,1,1"}, 422), ({"bbox": "0,0,1,1;DROP TABLE asset"}, 422), ({"bbox": "0x1,0,1,1"}, 422),
        ({"near": "0,0"}, 200), ({"near": "-180,90"}, 200), ({"near": "0,-90.1"}, 422), ({"near": "0"}, 422),
        ({"near": "true,0"}, 422), ({"near": "51.46,-180"}, 422), ({"near": "0," + "9" * 13}, 422),
        ({"near": "0,0", "within": 1}, 200), ({"near": "0,0", "within": 0}, 422),
        ({"near": "0,0", "within": 50_000}, 200), ({"near": "0,0", "within": 50_001}, 422),
        ({"near": "0,0", "within": -5}, 422), ({"near": "0,0", "within": 1.5}, 422), ({"within": 100}, 422),
        ({"near": "0,89.9", "within": 50_000}, 200), ({"near": "179.99,0", "within": 50_000}, 200),
        ({"q": "x" * 200}, 200), ({"q": "x" * 201}, 422), ({"q": ""}, 200), ({"q": "a\x00b"}, 422), ({"q": "🌱"}, 200),
        ({"owner": A_UID}, 200), ({"owner": "me"}, 422), ({"community": A_UID}, 200), ({"community": "x"}, 422),
        ({"link": f"grew_from:{A_UID}"}, 200), ({"link": f"likes:{A_UID}"}, 422), ({"link": "grew_from"}, 422),
        ({"link": "grew_from:x"}, 422),
        ({"has": "needs,offers,location"}, 200), ({"has": "fun"}, 422),
        ({"sort": "new"}, 200), ({"sort": "title"}, 200), ({"sort": "appreciated"}, 200), ({"sort": "near"}, 422),
        ({"sort": "near", "near": "0,0"}, 200), ({"sort": "newest"}, 422), ({"sort": ""}, 422),
        ({"count": "exact"}, 200), ({"count": "yes"}, 422),
        ({"cursor": "x" * 2000}, 422), ({"cursor": "x" * 2001}, 422),
    ],
)  # fmt: skip
async def test_every_parameter_is_taken_or_refused_on_each_side_of_its_limit(
    town: Town, params: dict[str, Any], status: int
) -> None:
    answer = await ask(town, **params)
    assert answer.status_code == status, answer.text[:300]
    if status == 422:
        assert_problem(answer, 422, "invalid")
    else:
        assert answer.json()["type"] == "FeatureCollection"


async def test_a_swapped_place_to_look_near_gets_a_hint(town: Town) -> None:
    said = assert_problem(await ask(town, near="51.46,-100.1"), 422, "invalid")
    assert "Longitude comes first" in said["detail"]


async def test_an_unknown_word_of_a_closed_list_is_answered_with_the_known_ones(town: Town) -> None:
    for name, known in (("kind", kinds.BY_NAME), ("theme", lifecycles.THEMES), ("stage", lifecycles.STAGES)):
        detail = assert_problem(await ask(town, **{name: "nonsense"}), 422, "invalid")["detail"]
        assert all(word in detail for word in known), name


async def test_the_collection_says_what_it_is_and_whose(town: Town) -> None:
    await town.pin()
    listed = (await ask(town, limit=1, count="exact")).json()
    assert set(listed) == {"type", "features", "links", "numberReturned", "numberMatched", "licence", "attribution"}
    assert (listed["numberReturned"], len(listed["features"]), listed["licence"]) == (1, 1, "CC-BY-4.0")
    assert listed["numberMatched"] >= 1
    assert {link["rel"] for link in listed["links"]} <= {"self", "next"}
    everything = (await ask(town, limit=1000, stage="planned,active,ended", count="exact")).json()
    assert everything["numberMatched"] == await town.sql(
        "SELECT count(*) FROM asset WHERE state = 'published' AND audience = 'public'"
    )


async def test_what_has_ended_is_left_out_unless_asked_for(town: Town) -> None:
    uid = (await town.pin(stage="ended", title="Over and done"))["id"]
    ids = [feature["id"] for feature in (await ask(town, q="Over done")).json()["features"]]
    assert uid not in ids
    ids = [feature["id"] for feature in (await ask(town, q="Over done", stage="ended")).json()["features"]]
    assert ids == [uid]


async def test_who_is_signed_in_also_finds_their_own_drafts_and_a_member_what_is_for_members(town: Town) -> None:
    title = uuid4().hex
    await town.pin("owner", title=title, state="draft")
    await town.pin("member", title=title, audience="members", community=str(town.community[1]))
    found = {who: (await ask(town, who, q=title)).json()["numberReturned"] for who in
             ("visitor", "stranger", "owner", "member", "steward", "officer", "operator")}  # fmt: skip
    assert found == {"visitor": 0, "stranger": 0, "owner": 1, "member": 1, "steward": 1, "officer": 1, "operator": 1}


async def test_distances_are_told_in_steps_of_a_hundred_metres(town: Town) -> None:
    title = uuid4().hex
    await town.pin(at=(HERE[0] + 0.0021, HERE[1]), title=title)
    (feature,) = (await ask(town, near=f"{HERE[0]},{HERE[1]}", q=title)).json()["features"]
    assert feature["properties"]["distance_m"] == 100
    assert "distance_m" not in (await ask(town, q=title)).json()["features"][0]["properties"]


# Walks ---------------------------------------------------------------------------------------------------------------


async def walk(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Every page from this address on, by the links that the answers give."""
    pages = []
    following: str | None = path
    while following:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        pages.append(page)
        if "links" in page:
            following = next((link["href"] for link in page["links"] if link["rel"] == "next"), None)
        else:
            following = page["next"]
    return pages


@pytest.mark.parametrize("sort", ["new", "title", "appreciated", "near"])
async def test_a_walk_by_links_meets_everything_once_while_others_pin(town: Town, sort: str) -> None:
    mark = uuid4().hex
    uids = [(await town.pin(title=f"{mark} {number % 3}"))["id"] for number in range(11)]
    near = f"&near={HERE[0]},{HERE[1]}" if sort == "near" else ""
    stop = anyio.Event()

    async def others() -> None:
        while not stop.is_set():
            await town.pin("other", title=f"{mark} {uuid4().hex[:1]}")

    async with anyio.create_task_group() as group:
        group.start_soon(others)
        pages = await walk(town["visitor"], f"/api/v1/assets?q={mark}&sort={sort}&limit=2{near}")
        stop.set()
    met = [feature["id"] for page in pages for feature in page["features"]]
    assert len(met) == len(set(met))
    assert set(uids) <= set(met)
    assert len(pages) >= 6
    for page in pages:
        (self_link,) = [link["href"] for link in page["links"] if link["rel"] == "self"]
        assert f"q={mark}" in self_link
        assert f"sort={sort}" in self_link


async def test_a_walk_by_title_goes_on_after_the_longest_title_of_any_letters(town: Town) -> None:
    for letters in ("কথা", "\U0001f331", '"', "\x01"):
        _, writer = await town.settle("Writer")
        title = (letters * 160)[:160]
        pinned = {(await writer.post("/api/v1/assets", json=document(title=title))).json()["id"] for _ in range(2)}
        me = (await writer.get("/api/v1/me")).json()["uid"]
        query = {"limit": 1, "sort": "title", "owner": me}
        first = (await ask(town, **query)).json()
        following = httpx.URL(first["links"][-1]["href"]).params["cursor"]
        second = await ask(town, **query, cursor=following)
        assert second.status_code == 200, letters
        assert {page["features"][0]["id"] for page in (first, second.json())} == pinned, letters


async def test_a_cursor_is_good_for_its_own_sort_only(town: Town) -> None:
    for _ in range(2):
        await town.pin()
    (first,) = (await ask(town, limit=1, sort="title")).json()["links"][1:]
    assert first["rel"] == "next"
    cursor = httpx.URL(first["href"]).params["cursor"]
    assert (await ask(town, limit=1, sort="title", cursor=cursor)).status_code == 200
    for sort in ("new", "appreciated"):
        assert_problem(await ask(town, sort=sort, cursor=cursor), 422, "invalid")


LISTS = {
    "comments": {"text": "Comment {}"},
    "needs": {"kind": "people", "title": "Need {}"},
    "proposals": {"title": "Proposal {}"},
    "updates": {"text": "Update {}"},
}


@pytest.mark.parametrize("name", LISTS)
async def test_what_belongs_to_an_asset_is_listed_oldest_first_and_walked_by_next(town: Town, name: str) -> None:
    asset = (await town.pin())["id"]
    path = f"/api/v1/assets/{asset}/{name}"
    made = []
    for number in range(5):
        body = {field: str(value).format(number) for field, value in LISTS[name].items()}
        made.append((await town["owner"].post(path, json=body)).json()["uid"])
    pages = await walk(town["visitor"], f"{path}?limit=2")
    assert [[item["uid"] for item in page["items"]] for page in pages] == [made[:2], made[2:4], made[4:]]
    assert all(set(page) == {"items", "next"} for page in pages)
    whole = (await town["visitor"].get(path)).json()
    assert ([item["uid"] for item in whole["items"]], whole["next"]) == (made, None)
    exact = (await town["visitor"].get(f"{path}?limit=5")).json()
    assert exact["next"] is None, "a full last page has nothing after it"


@pytest.mark.parametrize(("limit", "status"), [(0, 422), (1, 200), (200, 200), (201, 422), ("x", 422)])
async def test_other_lists_have_pages_of_1_to_200(town: Town, limit: Any, status: int) -> None:
    scene = await town.scene()
    lists = [f"/api/v1/assets/{scene.asset}/{name}" for name in (*LISTS, "links")]
    for path in (*lists, f"/api/v1/proposals/{scene.offered}/pledges", "/api/v1/areas"):
        assert (await town["visitor"].get(path, params={"limit": limit})).status_code == status, path
        answer = await town["visitor"].get(path, params={"cursor": "W10"})
        assert_problem(answer, 422, "invalid")


async def test_a_walk_over_pages_of_which_some_are_hidden_still_ends_and_meets_the_rest(town: Town) -> None:
    """Links whose other end may not be seen are left out of a page, not of the walk."""
    asset, others = await town.pin(), []
    for number in range(6):
        other = await town.pin(title=f"Neighbour {number}", state="draft" if number % 2 else "published")
        body = {"kind": "partner_of", "to": other["id"]}
        assert (await town["owner"].post(f"/api/v1/assets/{asset['id']}/links", json=body)).status_code == 201
        others.append(other["id"])
    pages = await walk(town["visitor"], f"/api/v1/assets/{asset['id']}/links?limit=1")
    assert [item["to"]["uid"] for page in pages for item in page["items"]] == others[::2]
    pages = await walk(town["owner"], f"/api/v1/assets/{asset['id']}/links?limit=4")
    assert [item["to"]["uid"] for page in pages for item in page["items"]] == others


async def test_areas_are_listed_by_code_and_walked(town: Town) -> None:
    pages = await walk(town["visitor"], "/api/v1/areas?limit=2")
    codes = [item["code"] for page in pages for item in page["items"]]
    assert codes == sorted(codes)
    assert {BOROUGH, NORTH} <= set(codes)
    assert len(codes) == 5


async def test_posting_to_a_list_needs_an_asset_that_is_there(town: Town) -> None:
    for name, body in LISTS.items():
        answer = await town["owner"].post(f"/api/v1/assets/{UUID(int=1)}/{name}", json=body)
        assert_problem(answer, 404, "not-found")
    assert (await town["owner"].post("/api/v1/assets", json=document())).status_code == 201


# Facets --------------------------------------------------------------------------------------------------------------


async def test_facets_count_what_the_list_would_show(town: Town) -> None:
    mark = uuid4().hex
    for kind, theme, at in (("idea", "food", HERE), ("idea", "arts", HERE), ("project", "food", NOWHERE)):
        await town.pin(kind=kind, theme=theme, at=at, title=f"Counted {mark}")
    answer = await town["visitor"].get("/api/v1/assets/facets", params={"q": mark, "kind": "idea"})
    said = answer.json()
    assert answer.headers["cache-control"] == "no-cache"
    assert set(said) == {"kind", "theme", "ward", "matched", "approximate"}
    assert (said["kind"]["idea"], said["kind"]["project"], said["kind"]["offer"]) == (2, 1, 0)
    assert (said["theme"]["food"], said["theme"]["arts"], said["ward"]) == (1, 1, {NORTH: 2})
    assert (said["matched"], said["approximate"]) == (2, False)
    everything = (await town["visitor"].get("/api/v1/assets/facets")).json()
    listed = (await ask(town, limit=1, count="exact")).json()
    assert everything["matched"] == sum(everything["kind"].values()) == listed["numberMatched"]


@pytest.mark.parametrize("params", [{"limit": 5}, {"sort": "new"}, {"kind": "ideas"}, {"bbox": "1,2,3"}], ids=str)
async def test_facets_refuse_what_is_no_filter(town: Town, params: dict[str, Any]) -> None:
    assert_problem(await town["visitor"].get("/api/v1/assets/facets", params=params), 422, "invalid")
