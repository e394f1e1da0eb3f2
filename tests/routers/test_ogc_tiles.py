"""Vector tiles over /ogc: every collection and the whole map, row before column, read by a library that is not ours."""

import math
from typing import Any

import mapbox_vector_tile
import pytest

from app.geo import cells
from tests.factories import FAR_WARD, NORTH, SOUTH
from tests.routers.ogc_world import EPSG3857, SEEN, Ogc, refused

GRID = "WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
COLLECTIONS = ("projects", "ideas", "offers", "places", "services", "groups", "events", "wards", "boroughs")
#: What a kind's tiles leave out: what has ended, and what lies nowhere.
OFF_MAP = {"It is over", "Food plan"}


def _around(lon: float, lat: float, zoom: int) -> tuple[int, int, int]:
    """Zoom, row and column of the tile around a position, by the formula of the standard's grid."""
    size = 2**zoom
    row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * size
    return zoom, int(row), int((lon + 180) / 360 * size)


def _layers(content: bytes) -> dict[str, list[dict[str, Any]]]:
    return {name: layer["features"] for name, layer in mapbox_vector_tile.decode(content).items()}


def _tile(ogc: Ogc, collection: str, tile: tuple[int, int, int]) -> dict[str, list[dict[str, Any]]]:
    above = f"/collections/{collection}" if collection else ""
    answer = ogc.get(f"{above}/tiles/{GRID}/{'/'.join(map(str, tile))}")
    assert answer.status_code in (200, 204)
    assert answer.status_code == 204 or answer.headers["content-type"] == MVT
    return _layers(answer.content) if answer.content else {}


def _count(layers: dict[str, list[dict[str, Any]]]) -> int:
    clusters = sum(feature["properties"]["count"] for feature in layers.get("clusters", ()))
    return int(clusters) + sum(len(found) for name, found in layers.items() if name not in ("clusters", "shapes"))


@pytest.mark.parametrize("collection", [*COLLECTIONS, ""])
def test_a_tileset_says_where_its_tiles_are_and_what_is_in_them(ogc: Ogc, collection: str) -> None:
    above = f"/collections/{collection}" if collection else ""
    found = ogc.json(f"{above}/tiles/{GRID}")
    template = next(link for link in found["links"] if link["rel"] == "item")
    assert (template["templated"], template["type"]) == (True, MVT)
    filled = template["href"]
    for name, number in (("tileMatrix", "0"), ("tileRow", "0"), ("tileCol", "0")):
        filled = filled.replace(f"{{{name}}}", number)
    answer = ogc.client.get(filled)
    assert (answer.status_code, answer.headers["content-type"]) == (200, MVT)
    box = found["boundingBox"]
    assert box["crs"] == EPSG3857
    described = {layer["id"]: set(layer["propertiesSchema"]["properties"]) for layer in found["layers"]}
    for name, features in _layers(answer.content).items():
        for feature in features:
            assert set(feature["properties"]) <= described[name]


@pytest.mark.parametrize("collection", COLLECTIONS[:7])
@pytest.mark.parametrize("zoom", [0, 1, 2])
def test_the_tiles_of_a_zoom_hold_every_feature_once(ogc: Ogc, collection: str, zoom: int) -> None:
    size = range(2**zoom)
    counted = sum(_count(_tile(ogc, collection, (zoom, row, col))) for row in size for col in size)
    kind = collection.removesuffix("s")
    assert counted == len([title for title in SEEN[kind] if title not in OFF_MAP])


def test_the_whole_map_holds_every_collection(ogc: Ogc) -> None:
    everything = [title for titles in SEEN.values() for title in titles if title not in OFF_MAP]
    assert _count(_tile(ogc, "", (0, 0, 0))) == len(everything)


def test_a_deep_tile_holds_the_pin_and_only_its_own_collection(ogc: Ogc) -> None:
    tile = _around(-0.1165, 51.4572, 18)
    found = _tile(ogc, "ideas", tile)
    assert [feature["properties"]["title"] for feature in found["ideas"]] == ["Benches"]
    assert _tile(ogc, "projects", tile) == {}
    assert set(_tile(ogc, "", tile)) == {"ideas"}


def test_the_row_comes_before_the_column(ogc: Ogc) -> None:
    zoom, row, col = _around(-0.1165, 51.4572, 10)
    assert row != col
    assert _count(_tile(ogc, "ideas", (zoom, row, col))) == 1
    assert _tile(ogc, "ideas", (zoom, col, row)) == {}
    assert cells.tile_at(-0.1165, 51.4572, 10) == cells.Tile(zoom, col, row)


def test_tiles_of_areas_hold_outlines_with_code_and_name(ogc: Ogc) -> None:
    found = _tile(ogc, "wards", _around(-0.1, 51.45, 9))
    assert {feature["properties"]["code"] for feature in found["areas"]} >= {NORTH, SOUTH}
    assert all("Polygon" in feature["geometry"]["type"] for feature in found["areas"])
    assert FAR_WARD not in str(_tile(ogc, "wards", _around(-0.1, 51.47, 13)))


def test_what_is_hidden_is_in_no_tile(ogc: Ogc) -> None:
    zoom, row, col = _around(-0.1143, 51.4613, 20)
    assert [one["properties"]["title"] for one in _tile(ogc, "projects", (zoom, row, col))["projects"]] == ["Bus stop"]


def test_an_empty_tile_has_no_content(ogc: Ogc) -> None:
    answer = ogc.get(f"/collections/projects/tiles/{GRID}/10/1023/0")
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize(
    "tile",
    ["23/0/0", "0/0/1", "0/1/0", "1/2/0", "1/0/2", "-1/0/0", "x/0/0", "0/0/x", "0/0/1.5", "0/0/99999999999", "１/0/0"],
)
@pytest.mark.parametrize("above", ["", "/collections/projects", "/collections/wards"])
def test_a_tile_off_the_grid_is_not_found(ogc: Ogc, tile: str, above: str) -> None:
    refused(ogc.get(f"{above}/tiles/{GRID}/{tile}"), 404)


@pytest.mark.parametrize("path", ["/tiles/x", "/tiles/x/0/0/0", "/collections/projects/tiles/x", "/tileMatrixSets/x"])
def test_an_unknown_grid_is_not_found(ogc: Ogc, path: str) -> None:
    refused(ogc.get(path), 404)


def test_a_tile_that_has_not_changed_is_not_sent_again(ogc: Ogc) -> None:
    path = f"{ogc.url}/collections/places/tiles/{GRID}/0/0/0"
    first = ogc.client.get(path)
    again = ogc.client.get(path, headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    seconds = [int(part.partition("=")[2]) for part in first.headers["cache-control"].split(",") if "=" in part]
    assert sum(seconds) <= 2  # what is hidden goes within five seconds


def test_the_grid_is_the_registered_one(ogc: Ogc) -> None:
    grid = ogc.json(f"/tileMatrixSets/{GRID}")
    assert (grid["id"], grid["crs"]) == (GRID, EPSG3857)
    assert grid["uri"] == f"http://www.opengis.net/def/tilematrixset/OGC/1.0/{GRID}"
    first, last = grid["tileMatrices"][0], grid["tileMatrices"][-1]
    assert first["scaleDenominator"] == pytest.approx(559082264.028717)
    assert first["cellSize"] == pytest.approx(156543.033928041)
    assert first["pointOfOrigin"] == pytest.approx([-20037508.3427892, 20037508.3427892])
    assert (last["id"], last["matrixWidth"]) == ("24", 2**24)
    assert last["scaleDenominator"] == pytest.approx(33.3238997476)
