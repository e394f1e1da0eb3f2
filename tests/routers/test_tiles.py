"""The tiles as a map client meets them over HTTP."""

import asyncio
import gzip
import re
from typing import Any

import httpx
import psycopg
import pytest
from sqlalchemy import text
from sqlalchemy.dialects import postgresql

from app.db import Engines
from app.geo import cells, tiles
from app.routers import tiles as routes
from app.routers.tiles import _reaching
from app.search import AssetFilter
from tests.geo.world import BRIXTON, Thing, layers, pin, tally

Z14 = cells.tile_at(*BRIXTON, 14)


def url(tile: cells.Tile = Z14) -> str:
    """The address of a tile."""
    return f"/tiles/{tile.z}/{tile.x}/{tile.y}.mvt"


@pytest.fixture
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is kept, so that a test need not wait."""
    monkeypatch.setattr(tiles, "KEPT_S", -1.0)


async def put(engines: Engines, *things: Thing) -> None:
    """Pin things and commit."""
    async with engines.transaction() as session:
        await pin(session, things)


async def change(engines: Engines, statement: str) -> None:
    """Run one statement and commit."""
    async with engines.transaction() as session:
        await session.execute(text(statement))


async def test_a_tile_is_answered_with_its_type_and_may_be_kept_a_moment(
    client: httpx.AsyncClient, engines: Engines
) -> None:
    await put(engines, Thing(title="Orchard"))
    answer = await client.get(url(), headers={"Origin": "https://another.example"})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    ages = [
        int(age)
        for age in re.findall(r"max-?age=(\d+)", answer.headers["cache-control"].replace("s-maxage", "max-age"))
    ]
    assert len(ages) == 2
    assert sum(ages) <= 2
    assert answer.headers["access-control-allow-origin"] == "*"
    (feature,) = layers(answer.content)["projects"]
    assert feature["properties"]["title"] == "Orchard"


async def test_an_empty_tile_has_no_content(client: httpx.AsyncClient) -> None:
    answer = await client.get(url())
    assert (answer.status_code, answer.content) == (204, b"")
    assert "cache-control" in answer.headers


async def test_outside_the_grid_is_nothing(client: httpx.AsyncClient) -> None:
    for place in ("23/0/0", "-1/0/0", "0/1/0", "3/0/8", "3/-1/0", "22/4194304/0", f"5/0/{10**30}"):
        answer = await client.get(f"/tiles/{place}.mvt")
        assert answer.status_code == 404, place
        assert answer.headers["content-type"] == "application/problem+json"


async def test_a_parameter_that_cannot_be_is_refused(client: httpx.AsyncClient) -> None:
    unknown = ("kind=projects", "theme=nice", "stage=dead", "colour=red", "bbox=1,2,3,4")
    malformed = ("kind=", "kind=a,,b", "kind=idea&kind=idea", "q=%00", "q=" + "a" * 201)
    for bad in (*unknown, *malformed):
        answer = await client.get(f"{url()}?{bad}")
        assert answer.status_code == 422, bad
        assert answer.json()["status"] == 422


async def test_the_short_way_to_a_tile_says_what_the_long_one_says(
    client: httpx.AsyncClient, engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(
        engines, *[Thing(title=f"Garden number {i}", shape=(BRIXTON[0] + i * 1e-4, BRIXTON[1])) for i in range(40)]
    )
    tag = (await client.get(url())).headers["etag"]
    asked: tuple[dict[str, str], ...] = (
        {}, {"If-None-Match": tag}, {"Accept-Encoding": "gzip"}, {"Origin": "https://another.example"},
    )  # fmt: skip
    places = (url(), url(cells.Tile(14, 0, 0)), "/tiles/14/0/16384.mvt", "/tiles/014/0/0.mvt")

    async def said() -> list[tuple[int, bytes, dict[str, str]]]:
        answers = [await client.request(m, p, headers=h) for m in ("GET", "HEAD") for p in places for h in asked]
        return [(answer.status_code, answer.content, dict(answer.headers)) for answer in answers]

    short = await said()
    monkeypatch.setattr(routes, "_whole", lambda scope: None)  # neither KeptTile nor WholeTile knows it
    assert await said() == short
    assert {status for status, _, _ in short} == {200, 204, 304, 404}


async def test_words_for_numbers_are_refused(client: httpx.AsyncClient) -> None:
    for place in ("a/0/0", "0/0/0.5", "1e1/0/0"):
        assert (await client.get(f"/tiles/{place}.mvt")).status_code in (404, 422)


#: A query and how many of the five things below it finds on the map.
QUERIES = (
    ("", 4), ("kind=idea", 2), ("kind=idea,place", 3), ("theme=food", 3), ("kind=idea&theme=food", 1),
    ("stage=planned", 1), ("stage=planned,active", 4), ("stage=ended", 1), ("stage=planned,active,ended", 5),
    ("q=orchard", 2), ("q=orchard&kind=place", 1), ("q=orchard&stage=ended", 1), ("q=nothing-like-it", 0),
    ("q=%20", 4),
    ("ward=E05014095", 1), ("ward=E05014095,E05014096&theme=food", 2), ("ward=nowhere", 0),
    ("q=orchards&ward=E05014095", 1),
)  # fmt: skip


async def test_filters_mean_what_they_mean_in_the_list(
    client: httpx.AsyncClient, engines: Engines, fresh: None
) -> None:
    beside = (BRIXTON[0] + 0.0003, BRIXTON[1])
    await put(
        engines,
        Thing(title="Orchard", kind="place", theme="food"), Thing(title="An orchard for all", theme="food"),
        Thing(title="Bees", kind="idea", theme="food", stage="planned"),
        Thing(title="Mural", kind="idea", theme="arts", shape=beside),
        Thing(title="Old orchard", kind="event", stage="ended"),
    )  # fmt: skip
    await change(
        engines,
        "UPDATE asset SET ward = CASE title WHEN 'Orchard' THEN 'E05014095' WHEN 'Bees' THEN 'E05014096' END",
    )
    for query, count in QUERIES:
        listed = await client.get(f"/api/v1/assets?count=exact{'&' if query else ''}{query}")
        assert listed.json()["numberMatched"] == count, query
        for zoom in (3, 14):
            answer = await client.get(f"{url(cells.tile_at(*BRIXTON, zoom))}?{query}")
            assert tally(answer.content) == count, (query, zoom)


@pytest.mark.parametrize("query", ["q=orchard", "stage=ended", "ward=W1&stage=active,ended", "q=orchard&kind=project"])
async def test_a_search_is_exact_up_to_its_bound_and_estimated_and_marked_beyond(
    client: httpx.AsyncClient, engines: Engines, monkeypatch: pytest.MonkeyPatch, fresh: None, query: str
) -> None:
    monkeypatch.setattr(tiles, "FOUND_BOUND", 8)
    monkeypatch.setattr(tiles, "CROWD", 4)
    stage = "ended" if "ended" in query else "active"

    async def add(count: int) -> None:
        """In two places, three of four in the first."""
        places = (BRIXTON, BRIXTON, BRIXTON, (BRIXTON[0] + 0.003, BRIXTON[1]))
        await put(engines, *[Thing(title="Orchard", stage=stage, shape=places[i % 4]) for i in range(count)])
        await change(engines, "UPDATE asset SET ward = 'W1'")

    async def told(zoom: int) -> tuple[list[int], set[bool]]:
        found = layers((await client.get(f"{url(cells.tile_at(*BRIXTON, zoom))}?{query}")).content)
        clusters = [feature["properties"] for feature in found.get("clusters", [])]
        counts = [one["count"] for one in clusters] + [1] * len(found.get("projects", []))
        assert all(one["count"] == one["project"] for one in clusters)
        return sorted(counts), {one.get("approximate", False) for one in clusters}

    await add(7)  # one below
    assert [await told(zoom) for zoom in (3, 14)] == [([7], {False}), ([1, 6], {False})]
    await add(1)  # at the bound
    assert [await told(zoom) for zoom in (3, 14)] == [([8], {False}), ([1, 7], {False})]
    await add(1)  # one above: all of one kind match, so the estimate is the number
    assert [await told(zoom) for zoom in (3, 14)] == [([9], {True}), ([1, 8], {True})]
    await add(40)
    assert [await told(zoom) for zoom in (3, 14)] == [([49], {True}), ([11, 38], {True})]


async def test_an_estimate_comes_from_all_over_the_tile(
    client: httpx.AsyncClient, engines: Engines, monkeypatch: pytest.MonkeyPatch, fresh: None
) -> None:
    monkeypatch.setattr(tiles, "FOUND_BOUND", 200)
    places = [(BRIXTON[0] + i * 0.01, BRIXTON[1] + j * 0.01) for i in range(-5, 5) for j in range(-5, 5)]
    await put(
        engines, *[Thing(title=t, shape=place) for place in places for t in ("Orchard", "Orchard", "Orchard", "Mill")]
    )
    for zoom in (5, 9):
        seen = tally((await client.get(f"{url(cells.tile_at(*BRIXTON, zoom))}?q=orchard")).content)
        assert 150 <= seen <= 400
    shown = layers((await client.get(f"{url(cells.tile_at(*BRIXTON, 9))}?q=orchard")).content)
    assert len(shown["clusters"]) == len(
        layers((await client.get(url(cells.tile_at(*BRIXTON, 9)))).content)["clusters"]
    )


async def test_a_shape_that_was_searched_for_counts_once(
    client: httpx.AsyncClient, engines: Engines, fresh: None
) -> None:
    around = "POLYGON((-0.13 51.45,-0.10 51.45,-0.10 51.47,-0.13 51.47,-0.13 51.45))"
    await put(engines, Thing(title="Orchard", shape=around), Thing(title="Orchard", shape=around, stage="ended"))
    for query, count in (("q=orchard", 1), ("stage=ended", 1), ("stage=planned,active,ended", 2)):
        for zoom in (3, 9, 12):
            found = layers((await client.get(f"{url(cells.tile_at(-0.115, 51.46, zoom))}?{query}")).content)
            assert sum(len(features) for name, features in found.items() if name == "projects") == count % 2
            assert [f["properties"]["count"] for f in found.get("clusters", [])] == [2] * (count == 2)
            assert len(found.get("shapes", [])) == (count if zoom >= 9 else 0)


@pytest.mark.parametrize("query", ["q=orchard", "stage=ended", "q=orchard&stage=active,ended"])
async def test_every_shape_that_was_searched_for_is_drawn_however_many_pins_match(
    client: httpx.AsyncClient, engines: Engines, monkeypatch: pytest.MonkeyPatch, fresh: None, query: str
) -> None:
    monkeypatch.setattr(tiles, "FOUND_BOUND", 8)
    stage = "ended" if "ended" in query else "active"
    around = "POLYGON((-0.13 51.45,-0.10 51.45,-0.10 51.47,-0.13 51.47,-0.13 51.45))"
    await put(
        engines,
        *[Thing(title="Orchard", stage=stage) for _ in range(40)],
        *[Thing(title="Orchard", stage=stage, shape=around) for _ in range(5)],
        Thing(title="Orchard", stage=stage, shape="LINESTRING(-0.2 51.4613,-0.05 51.4613)"),
    )
    for zoom in (10, 14):
        found = layers((await client.get(f"{url(cells.tile_at(*BRIXTON, zoom))}?{query}")).content)
        assert any(one["properties"].get("approximate") for one in found["clusters"])
        assert len(found["shapes"]) == 6


async def test_shapes_that_have_ended_are_found_by_an_index(engines: Engines) -> None:
    await put(engines, Thing(stage="ended", shape="LINESTRING(-0.2 51.4613,-0.05 51.4613)"))
    (part,) = _reaching(Z14, AssetFilter(stages=("ended",)))
    asked = str(part.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True}))  # type: ignore[no-untyped-call]
    async with engines.transaction() as session:
        await session.execute(text("SET LOCAL enable_seqscan = off"))
        plan = list(await session.scalars(text(f"EXPLAIN {asked}")))  # as an operator would look at it
        assert "ix_asset_ended_reach" in str(plan)
        assert "Index Cond" in str(plan)
        assert len((await session.execute(part)).all()) == 1


async def test_what_was_searched_for_is_clustered_from_afar(
    client: httpx.AsyncClient, engines: Engines, fresh: None
) -> None:
    await put(engines, *[Thing(title="Orchard", shape=(BRIXTON[0] + i * 1e-3, BRIXTON[1])) for i in range(3)])
    afar = layers((await client.get(f"{url(cells.tile_at(*BRIXTON, 5))}?q=orchard")).content)
    assert set(afar) == {"clusters"}
    assert len(layers((await client.get(f"{url()}?q=orchard")).content)["projects"]) == 3


async def test_a_large_shape_is_found_from_a_tile_without_its_anchor(
    client: httpx.AsyncClient, engines: Engines
) -> None:
    await put(engines, Thing(title="River walk", shape="LINESTRING(-0.2 51.4613,-0.05 51.4613)"))
    between = cells.tile_at(-0.12, 51.4613, 14)
    for query in ("", "?q=river", "?kind=project"):
        found = layers((await client.get(f"{url(between)}{query}")).content)
        assert set(found) == {"shapes"}


# Caching -----------------------------------------------------------------------------------------------------------


async def test_an_unchanged_tile_is_304_and_a_changed_one_is_not(
    client: httpx.AsyncClient, engines: Engines, fresh: None
) -> None:
    await put(engines, Thing())
    first = await client.get(url())
    tag = first.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = await client.get(url(), headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
        assert again.headers["etag"] == tag
    await change(engines, "UPDATE asset SET title = 'Something else'")
    changed = await client.get(url(), headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


async def test_what_is_hidden_leaves_the_tile_within_its_second(client: httpx.AsyncClient, engines: Engines) -> None:
    await put(engines, Thing())
    tag = (await client.get(url())).headers["etag"]
    await change(engines, "UPDATE asset SET state = 'hidden'")
    await asyncio.sleep(1.1)
    assert (await client.get(url(), headers={"If-None-Match": tag})).status_code == 204


@pytest.fixture
def statements(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """What is sent to the database from now on, by whatever way: every way ends in psycopg's cursor."""
    sent: list[str] = []
    execute = psycopg.AsyncCursor.execute

    async def noted(cursor: Any, query: Any, *values: Any, **more: Any) -> Any:
        sent.append(query.decode() if isinstance(query, bytes) else str(query))
        return await execute(cursor, query, *values, **more)

    monkeypatch.setattr(psycopg.AsyncCursor, "execute", noted)
    return sent


@pytest.mark.parametrize("query", ["", "?kind=project", "?q=thing"])
async def test_a_hundred_readers_in_a_second_cost_the_database_one_or_two_statements(
    client: httpx.AsyncClient, engines: Engines, statements: list[str], query: str
) -> None:
    await put(engines, Thing())
    await client.get(url(cells.tile_at(*BRIXTON, 20)) + query)  # opens connections, each with a few words of its own
    statements.clear()
    answers = await asyncio.gather(*(client.get(url() + query) for _ in range(100)))
    assert {answer.status_code for answer in answers} == {200}
    assert len([one for one in statements if "ST_AsMVT" in one]) == 1
    assert len(statements) <= 2


async def test_a_large_tile_is_zipped_for_those_who_ask(client: httpx.AsyncClient, engines: Engines) -> None:
    await put(
        engines, *[Thing(title=f"Garden number {i}", shape=(BRIXTON[0] + i * 1e-4, BRIXTON[1])) for i in range(40)]
    )
    zipped = await client.get(url(), headers={"Accept-Encoding": "br, gzip;q=0.5"})
    assert zipped.headers["content-encoding"] == "gzip"
    assert "Accept-Encoding" in zipped.headers["vary"]
    for refused in ("identity", "br", "gzip;q=0", "gzip; q=0.00"):
        plain = await client.get(url(), headers={"Accept-Encoding": refused})
        assert "content-encoding" not in plain.headers
        assert plain.content == zipped.content
        assert plain.headers["etag"] == zipped.headers["etag"]
    assert len(gzip.compress(plain.content)) < len(plain.content)


# The anonymous view ------------------------------------------------------------------------------------------------


async def test_a_tile_looks_at_no_credentials(client: httpx.AsyncClient, engines: Engines) -> None:
    await put(engines, Thing())
    plain = await client.get(url())
    for headers in (
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic eDp5"},
        {"Cookie": "civic=nonsense"},
    ):
        answer = await client.get(url(), headers=headers)
        assert answer.status_code == 200
        assert answer.content == plain.content
        assert "set-cookie" not in answer.headers
