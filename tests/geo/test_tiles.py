"""What one tile shows."""

import asyncio
import gzip
import random
import threading
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds
from app.geo import cells, pyramid, tiles
from tests.geo.world import BRIXTON, Thing, drawn, layers, pin, tally, tally_zoom

WORLD = cells.Tile(0, 0, 0)


def at(zoom: int) -> cells.Tile:
    """The tile of Brixton."""
    return cells.tile_at(*BRIXTON, zoom)


def beside(step: int, metres: float = 20) -> tuple[float, float]:
    """A place some steps east of Brixton."""
    return BRIXTON[0] + step * metres / 69_300, BRIXTON[1]


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("zoom", [0, 5, 13, 14, 18, 22])
async def test_a_single_pin_is_drawn_as_itself_at_every_zoom(session: AsyncSession, zoom: int, folded: bool) -> None:
    (uid,) = await pin(session, [Thing(kind="idea", theme="food", stage="planned", title="Café “Mañana” 🌱")])
    if folded:
        assert await pyramid.fold(session) == 1
    (feature,) = layers(await drawn(session, at(zoom)))["ideas"]
    assert feature["properties"] == {
        "uid": str(uid), "title": "Café “Mañana” 🌱", "kind": "idea", "theme": "food", "stage": "planned",
    }  # fmt: skip
    x, y = cells.world(*BRIXTON)
    (left, top), size = at(zoom).corner, at(zoom).size
    assert feature["geometry"]["coordinates"] == [(x - left) * 4096 // size, (y - top) * 4096 // size]


async def test_each_kind_has_a_layer_under_its_plural_name(session: AsyncSession) -> None:
    await pin(session, [Thing(kind=kind.name, shape=beside(step)) for step, kind in enumerate(kinds.ALL)])
    found = layers(await drawn(session, at(14)))
    assert {name: len(features) for name, features in found.items()} == {kind.plural: 1 for kind in kinds.ALL}


async def test_neighbours_are_one_cluster_at_their_mean_with_a_count_per_kind(session: AsyncSession) -> None:
    places = [beside(0), beside(1), beside(3)]
    await pin(session, [Thing(shape=places[0]), Thing(kind="idea", shape=places[1]), Thing(shape=places[2])])
    (feature,) = layers(await drawn(session, at(9)))["clusters"]
    assert feature["properties"] == {"count": 3, "project": 2, "idea": 1}
    positions = [cells.world(*place) for place in places]
    left, top = at(9).corner
    mean = [sum(x for x, _ in positions) // 3 - left, sum(y for _, y in positions) // 3 - top]
    assert feature["geometry"]["coordinates"] == [part * 4096 // at(9).size for part in mean]


async def test_pins_on_one_spot_stay_a_cluster_at_every_zoom(session: AsyncSession) -> None:
    await pin(session, [Thing(), Thing(kind="offer"), Thing(shape=beside(40))])
    for zoom in range(23):
        found = layers(await drawn(session, at(zoom)))
        (cluster,) = found["clusters"]
        assert cluster["properties"]["count"] >= 2
        assert cluster["properties"].get("stack", False) is (zoom >= 14)


@pytest.mark.parametrize("zoom", [14, 17])
async def test_a_crowd_is_clustered_on_the_grid_and_counted_in_full(
    session: AsyncSession, zoom: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CROWD", 60)
    west, south, east, north = at(zoom).bounds(-0.01)
    places = [(west + (east - west) * (i % 12) / 12, south + (north - south) * (i // 12) / 6) for i in range(61)]
    await pin(session, [Thing(shape=place) for place in places[:60]])
    assert len(layers(await drawn(session, at(zoom)))["projects"]) == 60
    await pin(session, [Thing(shape=places[60])])
    crowd = await drawn(session, at(zoom))
    assert tally(crowd) == 61
    assert 1 <= len(layers(crowd)["clusters"]) <= 64
    assert "stack" not in layers(crowd)["clusters"][0]["properties"]


async def test_a_crowd_on_one_spot_is_a_stack_where_a_square_is_a_spot(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "CROWD", 3)
    await pin(session, [Thing(), Thing(kind="idea"), Thing(), Thing()])
    (crowd,) = layers(await drawn(session, at(22)))["clusters"]
    assert crowd["properties"] == {"count": 4, "project": 3, "idea": 1, "stack": True}


@pytest.mark.parametrize("zoom", [14, 16])
async def test_a_crowd_that_nobody_counts_to_the_end_comes_from_the_pyramid(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, zoom: int
) -> None:
    monkeypatch.setattr(tiles, "CROWD", 3)
    monkeypatch.setattr(tiles, "MANY", 5)
    await pin(session, [Thing(shape=beside(i % 3)) for i in range(6)])
    await pyramid.fold(session)
    assert tally(await drawn(session, at(zoom))) == 6
    await session.execute(text("UPDATE map_cell SET n = n + 1 WHERE level = -16"))
    assert tally(await drawn(session, at(zoom))) > 6, "it was counted from the rows"


async def test_an_anchor_on_an_edge_belongs_to_one_tile(session: AsyncSession) -> None:
    corners = [(0.0, 0.0), (-180.0, 85.05), (180.0, -85.05), (90.0, 66.51326044311186), (-0.0, 0.0)]
    await pin(session, [Thing(shape=corner) for corner in corners])
    for zoom in (0, 1, 2):
        assert await tally_zoom(session, zoom, ()) == 5
    for zoom in (3, 13, 14, 22):
        assert await tally_zoom(session, zoom, corners) == 5


@pytest.mark.parametrize(
    "gone", ["state = 'hidden'", "state = 'withdrawn'", "state = 'removed'", "stage = 'ended'", "geom = NULL"]
)
async def test_what_is_no_longer_public_is_absent_at_once(session: AsyncSession, gone: str) -> None:
    await pin(session, [Thing()])
    await pyramid.fold(session)
    assert tally(await drawn(session, WORLD)) == tally(await drawn(session, at(14))) == 1
    await session.execute(text(f"UPDATE asset SET {gone}"))
    for zoom in (0, 8, 14, 22):
        assert await drawn(session, at(zoom)) == b""


async def test_what_only_members_may_see_is_on_no_tile(session: AsyncSession) -> None:
    await pin(session, [Thing()])
    await session.execute(text("INSERT INTO community (name) VALUES ('Growers')"))
    await session.execute(text("UPDATE asset SET audience = 'members', community_id = (SELECT max(id) FROM community)"))
    assert await drawn(session, WORLD) == await drawn(session, at(14)) == b""


@pytest.mark.parametrize("zoom", [3, 14])
async def test_kinds_and_themes_narrow_counts_and_pins(session: AsyncSession, zoom: int) -> None:
    await pin(
        session,
        [
            Thing(kind="idea", theme="food"), Thing(kind="idea", theme="arts"), Thing(kind="place", theme="food"),
            Thing(kind="idea", theme="food", shape=beside(4)),
        ],
    )  # fmt: skip

    async def count(**asked: Any) -> int:
        return tally(await drawn(session, at(zoom), **asked))

    assert await count() == 4
    assert await count(of_kinds=["idea"]) == 3
    assert await count(of_kinds=["idea", "place"], themes=["food"]) == 3
    assert await count(themes=["arts"]) == 1
    assert await count(of_kinds=["group"]) == 0
    (place,) = layers(await drawn(session, at(zoom), of_kinds=["place"]))["places"]
    assert place["properties"]["theme"] == "food"


POLYGON = "POLYGON((-0.13 51.45,-0.10 51.45,-0.10 51.47,-0.13 51.47,-0.13 51.45))"
LINE = "LINESTRING(-0.2 51.4613,-0.05 51.4613)"


async def test_lines_and_polygons_are_drawn_cut_and_counted_once_by_their_anchor(session: AsyncSession) -> None:
    await pin(session, [Thing(shape=POLYGON, kind="place"), Thing(shape=LINE)])
    found = layers(await drawn(session, at(14)))
    kinds_drawn = sorted(feature["properties"]["kind"] for feature in found["shapes"])
    assert kinds_drawn == ["place", "project"]
    for feature in found["shapes"]:
        assert set(feature["properties"]) == {"uid", "title", "kind", "theme", "stage"}
        flat = str(feature["geometry"]["coordinates"]).replace("[", "").replace("]", "")
        numbers = [int(part) for part in flat.replace("(", "").replace(")", "").split(",")]
        assert min(numbers) >= -64
        assert max(numbers) <= 4096 + 64
    everywhere = [(lon / 1000, lat / 1000) for lon in range(-200, -40, 5) for lat in range(51440, 51480, 5)]
    for zoom in (0, 10, 14):
        assert await tally_zoom(session, zoom, everywhere) == 2


async def test_a_shape_too_small_to_see_is_only_its_pin(session: AsyncSession) -> None:
    await pin(session, [Thing(shape=POLYGON)])
    assert "shapes" not in layers(await drawn(session, WORLD))
    assert tally(await drawn(session, WORLD)) == 1
    assert "shapes" in layers(await drawn(session, at(11)))


def square(size: float) -> str:
    """A square with so many degrees to a side, near its corner the same place."""
    (x, y), far = BRIXTON, size * 0.99
    return f"POLYGON(({x} {y}, {x + far} {y}, {x + far} {y + far}, {x} {y + far}, {x} {y}))"


@pytest.mark.parametrize(
    ("most", "drawn_sizes"), [(1, [9]), (2, [9, 9]), (3, [9, 9, 5]), (4, [9, 9, 5]), (5, [9, 9, 5, 2, 2])]
)
async def test_from_afar_the_largest_shapes_are_drawn_and_a_size_that_is_too_many_is_left_out_whole(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, most: int, drawn_sizes: list[int]
) -> None:
    monkeypatch.setattr(tiles, "SHAPES_AFAR", most)
    sizes = {9: 0.08, 5: 0.02, 2: 0.005}  # degrees; at zoom 12 the bands begin at 0.0007, 0.0027, 0.011 and 0.044
    await pin(session, [Thing(shape=square(sizes[name]), title=str(name)) for name in (2, 9, 5, 2, 9)])
    found = layers(await drawn(session, at(12)))
    assert sorted((int(one["properties"]["title"]) for one in found["shapes"]), reverse=True) == drawn_sizes
    assert tally(await drawn(session, at(9))) == 5
    near = layers(await drawn(session, at(14)))
    assert len(near["shapes"]) == 5


async def test_shapes_too_are_filtered_and_hidden(session: AsyncSession) -> None:
    await pin(session, [Thing(shape=POLYGON, kind="place", theme="green")])
    assert "shapes" in layers(await drawn(session, at(14), of_kinds=["place"], themes=["green"]))
    assert await drawn(session, at(14), themes=["food"]) == b""
    await session.execute(text("UPDATE asset SET state = 'hidden'"))
    assert await drawn(session, at(14)) == b""


@pytest.mark.parametrize("zoom", [0, 9, 14])
async def test_found_rows_alone_are_drawn_and_an_open_end_is_marked(session: AsyncSession, zoom: int) -> None:
    await pin(
        session, [Thing(), Thing(), Thing(shape=POLYGON), Thing(kind="idea", shape=beside(5)), Thing(stage="ended")]
    )
    ids = list(await session.scalars(text("SELECT id FROM asset ORDER BY id DESC LIMIT 5")))
    found = layers(await drawn(session, at(zoom), found=tiles.Found(ids[:1])))
    assert [f["properties"]["stage"] for f in found["projects"]] == ["ended"]
    both = await drawn(session, at(zoom), found=tiles.Found(ids[3:]))
    (cluster,) = layers(both)["clusters"]
    assert cluster["properties"]["count"] == 2
    assert "approximate" not in cluster["properties"]
    (cluster,) = layers(await drawn(session, at(zoom), found=tiles.Found(ids[3:], [1.0, 1.0])))["clusters"]
    assert cluster["properties"]["approximate"] is True
    assert ("shapes" in layers(await drawn(session, at(zoom), found=tiles.Found([ids[2]])))) is (zoom >= 9)
    assert await drawn(session, at(zoom), found=tiles.Found([])) == b""


async def test_the_same_tile_has_the_same_bytes(session: AsyncSession) -> None:
    await pin(session, [Thing(shape=beside(i % 50), kind=kinds.ALL[i % 7].name) for i in range(200)])
    for zoom in (3, 14):
        first = await drawn(session, at(zoom))
        await session.execute(text("UPDATE asset SET updated_at = now() WHERE id % 2 = 0"))
        assert await drawn(session, at(zoom)) == first


# The shelf ---------------------------------------------------------------------------------------------------------


class Counter:
    """Makes tiles slowly and counts them."""

    def __init__(self) -> None:
        self.made = 0

    async def make(self) -> bytes:
        """A new tile."""
        self.made += 1
        await asyncio.sleep(0.02)
        return b"tile %d" % self.made


async def test_a_tile_is_made_once_however_many_ask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "KEPT_S", 0.2)
    shelf, counter = tiles.Shelf(), Counter()
    answers = await asyncio.gather(*(shelf.get("a", counter.make) for _ in range(100)))
    assert counter.made == 1
    assert {answer.plain for answer in answers} == {b"tile 1"}
    assert (await shelf.get("b", counter.make)).plain == b"tile 2"
    await asyncio.sleep(0.25)
    assert (await shelf.get("a", counter.make)).plain == b"tile 3"


async def test_a_failure_is_told_to_all_and_not_kept() -> None:
    shelf, counter = tiles.Shelf(), Counter()

    async def fail() -> bytes:
        await asyncio.sleep(0.01)
        raise ConnectionError

    failed = await asyncio.gather(*(shelf.get("a", fail) for _ in range(5)), return_exceptions=True)
    assert [type(one) for one in failed] == [ConnectionError] * 5
    assert (await shelf.get("a", counter.make)).plain == b"tile 1"


async def test_a_reader_who_leaves_takes_the_tile_from_nobody() -> None:
    shelf, counter = tiles.Shelf(), Counter()
    first = asyncio.create_task(shelf.get("a", counter.make))
    await asyncio.sleep(0.005)
    second = asyncio.create_task(shelf.get("a", counter.make))
    first.cancel()
    assert (await second).plain == b"tile 1"
    assert counter.made == 1


async def test_the_shelf_holds_so_many_bytes_and_drops_what_lies_there_longest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "KEPT_BYTES", 400_000)
    shelf, made = tiles.Shelf(), []

    async def get(key: int, keep_s: float = 60) -> None:
        async def make() -> bytes:
            made.append(key)
            return random.Random(key).randbytes(60_000)  # zipped as large as plain: three of them fit

        await shelf.get(key, make, keep_s=keep_s)
        assert shelf._weight == sum(thing.weight for thing in shelf._kept.values()) <= tiles.KEPT_BYTES

    for key in range(20):
        await get(key)
    made.clear()
    for key in (17, 18, 19, 16):  # nothing has expired; the oldest is gone
        await get(key)
    assert made == [16]
    await get(20, keep_s=-1)  # drops 17, and has itself expired
    await get(21)
    made.clear()
    for key in (19, 16, 21):
        await get(key)
    assert made == [], "what had expired went first"


async def test_many_small_tiles_do_not_fill_the_shelf_either(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tiles, "KEPT_BYTES", 10 * tiles.THING_BYTES)
    shelf = tiles.Shelf()

    async def make() -> bytes:
        return b""

    for i in range(100):
        await shelf.get(i, make, keep_s=60)
    assert len(shelf._kept) <= 10


async def test_a_large_tile_is_zipped_while_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    zipping: list[bool] = []
    compress = gzip.compress

    def noted(*given: Any, **more: Any) -> bytes:
        zipping.append(threading.current_thread() is threading.main_thread())
        return compress(*given, **more)

    monkeypatch.setattr(gzip, "compress", noted)

    async def make() -> bytes:
        return b"large " * 20_000

    made = await tiles.Shelf().get("a", make)
    assert gzip.decompress(made.zipped) == made.plain
    assert zipping == [False]


def test_the_etag_is_of_the_bytes_and_zip_is_the_same_tile() -> None:
    one, other = tiles.Made(b"tile" * 1000), tiles.Made(b"tile" * 1000)
    assert one.etag == other.etag != tiles.Made(b"tiles").etag
    assert one.zipped == other.zipped
    assert gzip.decompress(one.zipped) == one.plain
