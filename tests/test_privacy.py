"""What must never be public: where somebody is exactly, how to reach them, and what opens their door.

Canaries are planted (an exact point, an address, secrets) and looked for in every answer of every route, with decoders
that are first shown a canary, so that a sweep that finds nothing has looked.
"""

import gzip
import itertools
import json
import math
import re
from typing import Any

import httpx
import mapbox_vector_tile
import psycopg
import pytest
from fastapi.routing import APIRoute

from app import auth, localdb, routers
from app.geo import cells
from tests.conftest import Database
from tests.factories import BOROUGH, NORTH, SOUTH, Town, document

#: Seven metres north of the border between SOUTH and NORTH; the centre of its cell lies in SOUTH.
HOME = (-0.11437, 51.45006)
#: That centre, computed apart (OpenStreetMap wiki): tile 32747, 21809 of zoom 16 at its middle.
CELL = (-0.1126099, 51.4488721)
EMAIL = "canary.5b1f@example.org"
#: No answer may hold a pair of numbers this near to HOME.
NEAR_M = 50.0


def metres(lon: float, lat: float) -> float:
    """Distance from HOME, good enough near it."""
    return math.hypot((lon - HOME[0]) * 111_320 * math.cos(math.radians(HOME[1])), (lat - HOME[1]) * 110_574)


# Decoders ------------------------------------------------------------------------------------------------------------


def numbers(body: str) -> list[float]:
    """Every number in a text, in its order."""
    return [float(found) for found in re.findall(r"-?\d+\.\d+(?:e-?\d+)?|-?\d+", body) if len(found) < 30]


def leaks(answer: httpx.Response, tile: cells.Tile | None = None) -> list[str]:
    """What an answer tells that it must not, in body or headers."""
    body = answer.content
    if tile is not None and body:
        return _of_tile(gzip.decompress(body) if body[:2] == b"\x1f\x8b" else body, tile)
    plain = (
        json.dumps(answer.json(), ensure_ascii=False)
        if "json" in answer.headers.get("content-type", "")
        else answer.text
    )
    heads = " ".join(f"{name}: {value}" for name, value in answer.headers.items())
    found = [EMAIL] if EMAIL in (plain + heads).lower() else []
    return found + _points(numbers(plain)) + _points(numbers(heads))


def _points(found: list[float]) -> list[str]:
    return [
        f"{lon}, {lat}"
        for pair in itertools.pairwise(found)
        for lon, lat in (pair, pair[::-1])
        if metres(lon, lat) < NEAR_M
    ]  # fmt: skip


def _of_tile(body: bytes, tile: cells.Tile) -> list[str]:
    """Features whose place in the tile is that of HOME, to the tile's grid."""
    (left, top), size = tile.corner, tile.size
    decoded = mapbox_vector_tile.decode(body, default_options={"y_coord_down": True})
    found = []
    for layer in decoded.values():
        places = [(place, one) for one in layer["features"] for place in _positions(one["geometry"]["coordinates"])]
        for (x, y), feature in places:
            lon = (left + (x + 0.5) * size / 4096) / 2**30 * 360 - 180
            lat = math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * (top + (y + 0.5) * size / 4096) / 2**30))))
            metres_per_step = 40_075_017 / 2**tile.z / 4096 * math.cos(math.radians(lat))
            if metres_per_step < NEAR_M / 2 and metres(lon, lat) < NEAR_M:
                found.append(f"{lon}, {lat}")
            found += [EMAIL] if EMAIL in json.dumps(feature["properties"]) else []
    return found


def _positions(coordinates: Any) -> list[tuple[float, float]]:
    """Every position of a point, a line or a polygon."""
    if isinstance(coordinates[0], int | float):
        return [(coordinates[0], coordinates[1])]
    return [position for part in coordinates for position in _positions(part)]


# A home --------------------------------------------------------------------------------------------------------------


class Home:
    """A town in which `canary` lives at HOME, with an offer and a project there, and everything around them."""

    def __init__(self, town: Town) -> None:
        self.town = town
        self.uids: dict[str, str] = {}

    async def furnish(self) -> None:
        """Plant the canaries."""
        who, client = await self.town.settle("Canary", email=EMAIL)
        self.town.people["canary"], self.town.clients["canary"] = who, client
        self.uids["offer"] = (await self.town.pin("canary", "offer", at=HOME, title="I can sew"))["id"]
        made = await self.town.pin("canary", "project", at=HOME, location_class="person", title="A quiet project")
        self.uids["asset"] = made["id"]
        path = f"/api/v1/assets/{made['id']}"
        for name, route, body in (
            ("comment", "comments", {"text": "From my door"}),
            ("need", "needs", {"kind": "people", "title": "Hands"}),
            ("proposal", "proposals", {"title": "I could"}),
            ("update", "updates", {"text": "It grows"}),
            ("flag", "flags", {"reason": "other"}),
        ):
            answer = await client.post(f"{path}/{route}", json=body)
            assert answer.status_code == 201
            self.uids[name] = answer.json()["uid"]
        link = await client.post(f"{path}/links", json={"kind": "part_of", "to": self.uids["offer"]})
        self.uids["link"] = link.json()["uid"]
        pledge = await client.post(f"/api/v1/proposals/{self.uids['proposal']}/pledges", json={"hours_promised": 1})
        self.uids["pledge"] = pledge.json()["uid"]


@pytest.fixture(scope="module")
async def home(town: Town) -> Home:
    """The canaries' home, furnished once."""
    made = Home(town)
    await made.furnish()
    return made


def reads() -> list[str]:
    """Every path that can be read, with its parameters."""
    return sorted(
        route.path for router in routers.ALL for route in router.routes
        if isinstance(route, APIRoute) and "GET" in (route.methods or ())
    )  # fmt: skip


QUERIES = [
    "", "?q=sew", "?q=quiet", "?kind=offer", "?count=exact", "?sort=title", "?near={lon},{lat}&within=1000&sort=near",
    "?has=location", "?stage=planned,active,ended&limit=1000", "?owner={owner}", "?link=part_of:{offer}",
    "?bbox=-0.2,51.4,0,51.5", "?ward={south}", "?area={borough}", "?q=canary.5b1f@example.org",
]  # fmt: skip
ITEMS = [
    "", "?f=html", "?limit=1000", "?bbox=-0.2,51.4,0,51.5", "?filter=title LIKE '%25quiet%25'",
    "?filter=S_INTERSECTS(geometry,BBOX(-0.2,51.4,0,51.5))", "?crs=http://www.opengis.net/def/crs/EPSG/0/4326",
]  # fmt: skip


async def test_no_answer_to_anybody_else_tells_where_somebody_is_or_how_to_reach_them(home: Home) -> None:
    town, seen, documents = home.town, 0, 0
    filled = {
        "asset": home.uids["asset"], "code": NORTH, "postcode": "SW21JQ", "proposal": home.uids["proposal"],
        "level": "ward", "collection_id": "projects", "feature_id": home.uids["asset"], "grid": "WebMercatorQuad",
        "uid": home.uids["asset"],
        "job": home.uids["asset"],
    }  # fmt: skip
    drawn = {"z", "x", "y", "matrix", "row", "col"}
    assert set(re.findall(r"{(\w+)}", " ".join(reads()))) == set(filled) | drawn
    given = {"lon": HOME[0], "lat": HOME[1], "owner": town.people["canary"].uid, "south": SOUTH, "borough": BOROUGH,
             "offer": home.uids["offer"]}  # fmt: skip
    for who in ("visitor", "stranger", "member", "officer", "operator"):
        for path in reads():
            if "{z}" in path or "{matrix}" in path:
                for z in range(17):
                    tile = cells.tile_at(*CELL, z)
                    place = {"z": z, "x": tile.x, "y": tile.y, "matrix": z, "row": tile.y, "col": tile.x}
                    for collection in ("projects", "offers") if "{collection_id}" in path else ("",):
                        address = path.format(**filled | place | {"collection_id": collection})
                        answer = await town[who].get(address)
                        assert answer.status_code in (200, 204), f"{address}: {answer.text}"
                        assert leaks(answer, tile) == []
                        documents += 1
                continue
            asked = QUERIES if path == "/api/v1/assets" else ITEMS if path.endswith("/items") else [""]
            asked = ["?is=created"] if path.endswith("/rows") else asked
            queries = [query.format(**given) for query in asked]
            for query in queries:
                answer = await town[who].get(path.format(**filled) + query)
                assert answer.status_code in (200, 401, 403, 404), f"{path}{query}: {answer.text}"
                assert leaks(answer) == [], f"{who} {path}{query}"
                seen += str(home.uids["asset"]) in answer.text
                documents += 1
        for path in (f"/assets/{home.uids['asset']}", f"/assets/{home.uids['offer']}", "/"):
            assert leaks(await town[who].get(path)) == []
    assert documents > 250
    assert seen > 40, "the sweep met the canary's project again and again"


async def test_refusals_and_faults_tell_nothing_either(home: Home) -> None:
    town, asked = home.town, 0
    _, snoop = await town.settle("Snoop")
    ending = {"/api/v1/sign-out", "/api/v1/me"}
    for client in (town["visitor"], snoop):
        for route in (route for router in routers.ALL for route in router.routes if isinstance(route, APIRoute)):
            path = re.sub(r"{(\w+)}", lambda found: home.uids.get(found[1], home.uids["asset"]), route.path)
            for method in (route.methods or set()) - {"GET"}:
                for body in ({}, document("offer", at=HOME, uid=home.uids["offer"]), {"email": EMAIL}):
                    if path in ending:
                        continue
                    answer = await client.request(method, path, json=body, headers={"If-Match": '"9"'})
                    # What one sent oneself may come back, and nothing else.
                    if answer.status_code >= 400 and "swapped" not in answer.text:
                        assert [leak for leak in leaks(answer) if leak != EMAIL or body == {}] == []
                        asked += 1
    assert asked > 150


async def test_the_sweep_would_have_found_them(home: Home) -> None:
    """Positive control: each decoder is shown a canary, and who may know it is told."""
    me = await home.town["canary"].get("/api/v1/me")
    assert EMAIL in leaks(me)
    for planted in ({"at": [HOME[0], HOME[1]]}, {"lat": HOME[1], "lon": HOME[0]}, {"near": f"{HOME[0]},{HOME[1]}"}):
        assert leaks(httpx.Response(200, json=planted))
    assert leaks(httpx.Response(200, text=EMAIL))
    assert leaks(httpx.Response(200, headers={"X-Where": f"{HOME[0]} {HOME[1]}"}))
    assert not leaks(httpx.Response(200, json={"at": CELL}))
    tile = cells.tile_at(*HOME, 16)
    x, y = cells.world(*HOME)
    (left, top), size = tile.corner, tile.size
    point = f"POINT({(x - left) * 4096 // size} {(y - top) * 4096 // size})"
    planted_tile = mapbox_vector_tile.encode(
        [{"name": "offers", "features": [{"geometry": point, "properties": {"title": "x"}}]}],
        default_options={"y_coord_down": True},
    )
    assert leaks(httpx.Response(200, content=planted_tile), tile)


# Filters -------------------------------------------------------------------------------------------------------------


async def test_halving_boxes_around_the_true_point_finds_the_cell_and_nothing_finer(home: Home) -> None:
    """An observer asks of ever smaller boxes whether the offer lies inside, as one would to find a home."""
    client, asked = home.town["visitor"], 0

    async def inside(west: float, south: float, east: float, north: float) -> bool:
        nonlocal asked
        asked += 1
        box = f"{west:.7f},{south:.7f},{east:.7f},{north:.7f}"
        answer = await client.get("/api/v1/assets", params={"bbox": box, "kind": "offer", "q": "sew", "limit": 1000})
        return home.uids["offer"] in [feature["id"] for feature in answer.json()["features"]]

    west, south, east, north = -0.2, 51.40, 0.0, 51.50
    assert await inside(west, south, east, north)
    while east - west > 1e-6 or north - south > 1e-6:
        middle = (west + east) / 2, (south + north) / 2
        west, east = (west, middle[0]) if await inside(west, south, middle[0], north) else (middle[0], east)
        south, north = (south, middle[1]) if await inside(west, south, east, middle[1]) else (middle[1], north)
    assert asked > 30
    assert (west, south) == pytest.approx(CELL, abs=1e-5), "what is found is the public centre"
    assert metres(west, south) > 150
    assert not await inside(HOME[0] - 1e-4, HOME[1] - 1e-4, HOME[0] + 1e-4, HOME[1] + 1e-4)


async def test_distances_are_from_the_public_point_and_coarse(home: Home) -> None:
    client = home.town["visitor"]
    for at, far in ((HOME, 200), (CELL, 0)):
        asked: dict[str, Any] = {
            "near": f"{at[0]},{at[1]}",
            "within": 1000,
            "kind": "offer",
            "q": "sew",
            "sort": "near",
        }
        features = (await client.get("/api/v1/assets", params=asked)).json()["features"]
        (found,) = [feature for feature in features if feature["id"] == home.uids["offer"]]
        assert found["properties"]["distance_m"] == far
    exact = math.ceil(metres(*CELL))
    for within, seen in ((exact - 20, False), (exact + 20, True)):
        asked = {"near": f"{HOME[0]},{HOME[1]}", "within": within, "kind": "offer", "q": "sew"}
        features = (await client.get("/api/v1/assets", params=asked)).json()["features"]
        assert (home.uids["offer"] in [feature["id"] for feature in features]) == seen


async def test_the_ward_is_that_of_the_public_point(home: Home) -> None:
    """HOME lies in NORTH, its cell's centre in SOUTH: the ward must not tell more than the map."""
    for name in ("offer", "asset"):
        shown = (await home.town["visitor"].get(f"/api/v1/assets/{home.uids[name]}")).json()
        assert shown["properties"]["ward"]["code"] == SOUTH
        assert shown["properties"]["anchor"] == pytest.approx(CELL, abs=1e-6)
    plain = await home.town.pin("canary", "project", at=HOME)
    assert plain["properties"]["ward"]["code"] == NORTH, "a place that is public keeps its ward"
    patch = {"properties": {"location_class": "person"}}
    path = f"/api/v1/assets/{plain['id']}"
    shown = (await home.town["canary"].patch(path, json=patch, headers={"If-Match": "*"})).json()
    assert shown["properties"]["ward"]["code"] == SOUTH
    patch = {"properties": {"location_class": "shielded"}}
    shown = (await home.town["canary"].patch(path, json=patch, headers={"If-Match": "*"})).json()
    assert (shown["geometry"], shown["properties"]["ward"], shown["properties"]["anchor"]) == (None, None, None)
    await home.town["canary"].delete(path, headers={"If-Match": "*"})


PRIVATE = ["exact_point", "geom", "vault", "email", "contact", "owner_id", "token_hash", "consent", "recorded_by",
           "fingerprint", "import_id", "person_id", "lat", "cell", "on_map", "id", "anchor"]  # fmt: skip


@pytest.mark.parametrize("name", PRIVATE)
async def test_nothing_private_can_be_filtered_or_sorted_by(home: Home, name: str) -> None:
    client = home.town["visitor"]
    for query in (f"{name}=1", f"sort={name}", f"sort=-{name}", f"has={name}", f"filter={name}>1", f"{name}__gt=1"):
        answer = await client.get(f"/api/v1/assets?{query}")
        assert answer.status_code == 422, query


# Forgetting ----------------------------------------------------------------------------------------------------------


async def test_after_leaving_no_table_holds_what_named_or_located_a_person(
    app: Any, database: Database, cluster: localdb.Cluster
) -> None:
    """A scan of every column of every table, as the superuser; canaries must be found before and be gone after."""
    service = app.state.service
    town = await Town.found(app, service.engines, service.secret)
    who, client = await town.settle("Canaryname Zfgh", email=EMAIL)
    town.clients["canary"], town.people["canary"] = client, who
    await client.patch("/api/v1/me", json={"about": "Canaryabout", "name": "Canaryrenamed"})
    await client.post("/api/v1/sign-in", json={"email": EMAIL})
    scene = await town.scene()
    made = await client.post("/api/v1/me/keys", json={"name": "Canarykey", "scopes": ["assets:read"]})
    key = made.json()["key"]
    path = f"/api/v1/proposals/{scene.proposal}/pledges"
    pledge = {"hours_promised": 1, "message": "Canarymessage"}
    await client.post(path, json=pledge, headers={"Idempotency-Key": "a-key"})
    for kind in ("offer", "project"):
        made = await client.post("/api/v1/assets", json=document(kind, at=HOME, location_class="person"))
        assert made.status_code == 201
    withdrawn = made.json()["id"]
    await client.delete(f"/api/v1/assets/{withdrawn}", headers={"If-Match": "*"})
    hashes = [auth.keyed_hash(service.secret, "session", client.cookies["civic"]).hex(),
              auth.keyed_hash(service.secret, "key", key).hex()]  # fmt: skip
    words = [EMAIL, "canaryrenamed", "canaryabout", "canarykey", "canarymessage", *hashes]
    with cluster.connect(database=database.name) as connection:
        before, columns = _scan(connection, words)
        assert {word for word, _ in before} == set(words), "every canary was planted"
        assert {"vault.contact", "vault.sign_in", "public.person"} <= {table for _, table in before}
        points = "SELECT count(*) FROM vault.exact_point"
        assert connection.execute(points).fetchone() == (2,)
        assert (await client.delete("/api/v1/me")).status_code == 204
        after, again = _scan(connection, words)
        assert columns == again > 200
        assert after == []
        assert connection.execute(points).fetchone() == (0,)
    await town.leave()


def _scan(connection: localdb.Connection, words: list[str]) -> tuple[list[tuple[str, str]], int]:
    """(word, table) wherever a word stands, and how many columns were looked through."""
    listed = connection.execute(
        "SELECT table_schema, table_name, count(*) FROM information_schema.columns WHERE table_schema IN "
        "('public', 'vault', 'procrastinate') GROUP BY 1, 2"
    ).fetchall()
    found = []
    for schema, table, _ in listed:
        rows = connection.execute(f'SELECT lower(t::text) FROM "{schema}"."{table}" t').fetchall()
        everything = "\n".join(row[0] for row in rows)
        found += [(word, f"{schema}.{table}") for word in words if word in everything]
    return found, sum(count for _, _, count in listed)


@pytest.mark.parametrize(
    ("fault", "told"),
    [("DROP COLUMN browser_hash CASCADE", "browser_hash"), ("ADD CONSTRAINT broken CHECK (false)", "broken")],
)
async def test_the_log_never_repeats_what_was_written(
    app: Any, database: Database, caplog: pytest.LogCaptureFixture, fault: str, told: str
) -> None:
    with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
        connection.execute(f"ALTER TABLE vault.sign_in {fault}")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as visitor:
        answer = await visitor.post("/api/v1/sign-in", json={"email": EMAIL})
    assert answer.status_code == 500
    assert EMAIL not in answer.text
    assert told in caplog.text, "the fault was written down"
    assert "ask_sign_in" in caplog.text, "and where it happened"
    assert EMAIL not in caplog.text
