"""Outlines of areas as tiles: what a map of a whole country draws its ground from."""

import httpx
import pytest

from app.geo import cells, outlines
from tests.factories import BOROUGH, FAR_WARD, NORTH, SOUTH, Town
from tests.geo.world import layers
from tests.routers.test_manners import assert_problem

IN_NORTH = (-0.1, 51.475)


def url(tile: cells.Tile, level: str = "ward") -> str:
    """The address of a tile of outlines."""
    return f"/tiles/areas/{level}/{tile.z}/{tile.x}/{tile.y}.mvt"


async def read(town: Town, tile: cells.Tile, level: str = "ward") -> httpx.Response:
    """What a visitor gets."""
    return await town["visitor"].get(url(tile, level))


async def test_a_tile_holds_the_areas_of_its_level_that_reach_into_it_and_no_others(town: Town) -> None:
    around = cells.tile_at(*IN_NORTH, 9)
    answer = await read(town, around)
    assert answer.headers["content-type"] == "application/vnd.mapbox-vector-tile"
    assert [area["properties"]["code"] for area in layers(answer.content)["areas"]] == [NORTH, SOUTH]
    assert layers(answer.content)["areas"][0]["properties"] == {"code": NORTH, "name": "North ward"}
    (borough,) = layers((await read(town, around, "borough")).content)["areas"]
    assert borough["properties"]["code"] == BOROUGH
    assert (await read(town, around, "county")).status_code == 204
    assert (await read(town, cells.tile_at(100, 0, 9))).status_code == 204


async def test_an_area_too_small_to_be_seen_is_a_dot_and_no_hole(town: Town) -> None:
    drawn = layers((await read(town, cells.Tile(0, 0, 0))).content)["areas"]
    assert {NORTH, SOUTH, FAR_WARD} <= {area["properties"]["code"] for area in drawn}
    assert all(area["geometry"]["type"] in ("Polygon", "MultiPolygon") for area in drawn)


async def test_a_name_stands_inside_its_area_and_in_one_tile_only(town: Town) -> None:
    zoom = outlines.NAMES_ZOOM
    home = cells.tile_at(*IN_NORTH, zoom)  # the middle of the ward, by the PostGIS rule, lies in this tile
    found = []
    for column in (home.x - 1, home.x, home.x + 1):
        for row in (home.y - 1, home.y, home.y + 1):
            tile = cells.Tile(zoom, column, row)
            names = layers((await read(town, tile)).content).get("names", [])
            found += [(tile, name) for name in names if name["properties"]["code"] == NORTH]
    ((tile, name),) = found
    assert tile == home
    assert name["geometry"]["type"] == "Point"
    assert "names" not in layers((await read(town, cells.tile_at(*IN_NORTH, zoom - 1))).content)


async def test_a_tile_that_is_the_same_is_not_sent_again(town: Town) -> None:
    first = await read(town, cells.tile_at(*IN_NORTH, 9))
    assert first.headers["vary"] == "Accept-Encoding"
    assert first.headers["cache-control"] == "public, max-age=60"
    again = await town["visitor"].get(
        url(cells.tile_at(*IN_NORTH, 9)), headers={"If-None-Match": first.headers["etag"]}
    )
    assert (again.status_code, again.content) == (304, b"")
    any_tile = await town["visitor"].get(url(cells.tile_at(*IN_NORTH, 9)), headers={"If-None-Match": "*"})
    assert any_tile.status_code == 304


async def test_who_refuses_gzip_gets_none(town: Town) -> None:
    tile, refused = cells.tile_at(*IN_NORTH, 9), {"Accept-Encoding": "gzip;q=0, br"}
    answer = await town["visitor"].get(url(tile), headers=refused)
    assert "content-encoding" not in answer.headers
    assert layers(answer.content)["areas"]


@pytest.mark.parametrize("path", ["ward/3/8/0", "ward/23/0/0", "ward/-1/0/0"])
async def test_a_tile_outside_the_grid_is_404(town: Town, path: str) -> None:
    assert_problem(await town["visitor"].get(f"/tiles/areas/{path}.mvt"), 404, "not-found")


async def test_an_unknown_level_is_refused(town: Town) -> None:
    assert_problem(await town["visitor"].get("/tiles/areas/street/0/0/0.mvt"), 422, "invalid")
