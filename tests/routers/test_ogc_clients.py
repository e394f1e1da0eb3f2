"""Programs that our users have open /ogc by its address: GDAL (its drivers for features and for tiles) and OWSLib."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import shapely
from owslib.ogcapi.features import Features  # type: ignore[import-untyped,unused-ignore]

from tests.factories import NORTH
from tests.routers import ogc_gdal
from tests.routers.ogc_world import BIG_BEN, PLACES, SEEN, UID, Ogc

COLLECTIONS = ["projects", "ideas", "offers", "places", "services", "groups", "events", "wards", "boroughs"]
Gdal = Callable[..., Any]


@pytest.fixture(scope="module")
def gdal() -> Iterator[Gdal]:
    """Do something of ogc_gdal's in its process."""
    with ogc_gdal.running() as pool:
        yield lambda do, *args, **asked: pool.submit(do, *args, **asked).result(60)


# GDAL ----------------------------------------------------------------------------------------------------------------


def test_gdal_lists_every_collection(ogc: Ogc, gdal: Gdal) -> None:
    assert gdal(ogc_gdal.layers, f"OAPIF:{ogc.url}") == COLLECTIONS
    assert gdal(ogc_gdal.layers, f"OAPIF:{ogc.url}/") == COLLECTIONS


@pytest.mark.parametrize("size", [7, 1000])
def test_gdal_reads_all_features_whatever_its_page(ogc: Ogc, gdal: Gdal, size: int) -> None:
    system, rows, shapes = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", layer="places", PAGE_SIZE=size)
    assert [row["title"] for row in rows] == SEEN["place"]
    assert len(set(shapes)) == PLACES
    assert "CRS84" in system


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_gdal_counts_what_it_then_reads(ogc: Ogc, gdal: Gdal, collection: str) -> None:
    info = gdal(ogc_gdal.info, f"OAPIF:{ogc.url}", collection)
    _, rows, _ = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", layer=collection)
    assert info["features"] == len(rows) > 0
    assert info["fast_feature_count"]


def test_gdal_learns_the_types_of_columns_even_where_all_are_empty(ogc: Ogc, gdal: Gdal) -> None:
    types = gdal(ogc_gdal.info, f"OAPIF:{ogc.url}", "projects")["types"]
    assert types["appreciations"] == "OFTInteger"
    assert {types[name] for name in ("starts_at", "ends_at", "published_at", "updated_at")} == {"OFTDateTime"}
    assert {types[name] for name in ("id", "title", "licence", "area_code")} == {"OFTString"}
    wards = gdal(ogc_gdal.info, f"OAPIF:{ogc.url}", "wards")
    assert (wards["types"]["population"], wards["types"]["valid_from"]) == ("OFTInteger", "OFTDate")
    assert wards["geometry_type"] == "MultiPolygon"


def test_gdal_asks_for_a_box(ogc: Ogc, gdal: Gdal) -> None:
    box = (-0.091, 51.409, -0.089, 51.411)
    _, rows, _ = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", layer="projects", bbox=box)
    assert "Meadow" in {row["title"] for row in rows}
    assert "Bus stop" not in {row["title"] for row in rows}


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("theme = 'green'", {"Green lane", "Meadow"}),
        ("theme = 'green' AND appreciations >= 1", {"Green lane"}),
        ("title = 'Quote '' and <b>bold</b> & \"so\"'", {'Quote \' and <b>bold</b> & "so"'}),
        ("appreciations = 7", {"Bus stop"}),
        (f"id = '{UID['Bus stop']}'", {"Bus stop"}),
    ],
)
def test_gdal_hands_its_filter_on_and_it_means_the_same(ogc: Ogc, gdal: Gdal, where: str, found: set[str]) -> None:
    _, rows, _ = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", layer="projects", where=where)
    assert {row["title"] for row in rows} == found


def test_gdal_reads_the_national_grid(ogc: Ogc, gdal: Gdal) -> None:
    asked = {"layer": "projects", "CRS": "EPSG:27700", "where": "title = 'Big Ben'"}
    system, rows, shapes = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", **asked)
    shape = shapely.from_wkb(shapes[0])
    assert (system, [row["title"] for row in rows]) == ("EPSG:27700", ["Big Ben"])
    assert (shape.x, shape.y) == pytest.approx(BIG_BEN[1], abs=5)


def test_gdal_reads_outlines_whole(ogc: Ogc, gdal: Gdal) -> None:
    _, rows, shapes = gdal(ogc_gdal.read, f"OAPIF:{ogc.url}", layer="wards", where=f"code = '{NORTH}'")
    assert [row["name"] for row in rows] == ["North ward"]
    assert shapely.from_wkb(shapes[0]).bounds == pytest.approx((-0.2, 51.45, 0.0, 51.5))


@pytest.mark.parametrize("collection", ["wards", "places"])
def test_gdal_reads_vector_tiles_too(ogc: Ogc, gdal: Gdal, collection: str) -> None:
    address = f"OGCAPI:{ogc.url}/collections/{collection}"
    assert gdal(ogc_gdal.layers, address) == [f"Zoom level {zoom}" for zoom in range(23)]
    system, _, shapes = gdal(ogc_gdal.read, address, layer="Zoom level 0")
    assert system == "EPSG:3857"
    assert len(shapes) > 0


# OWSLib --------------------------------------------------------------------------------------------------------------


def test_owslib_finds_its_way(ogc: Ogc) -> None:
    client = Features(ogc.url)
    assert client.api()["openapi"].startswith("3.0")
    assert client.feature_collections() == COLLECTIONS
    assert "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core" in client.conformance()["conformsTo"]
    assert client.collection("places")["title"] == "Places"
    assert "theme" in client.collection_queryables("places")["properties"]
    assert client.collection_schema("places")["title"] == "Places"


def test_owslib_reads_features_one_and_all(ogc: Ogc) -> None:
    client = Features(f"{ogc.url}/")
    found = client.collection_items("projects", bbox=[-0.12, 51.46, -0.11, 51.465], limit=100)
    assert "Bus stop" in {feature["properties"]["title"] for feature in found["features"]}
    one = client.collection_item("projects", UID["Bus stop"])
    assert one["properties"]["title"] == "Bus stop"
    filtered = client.collection_items("projects", filter="theme = 'food'", limit=100)
    assert {feature["properties"]["title"] for feature in filtered["features"]} == {"Bus stop", "Food plan"}
    page = client.collection_items("places", limit=PLACES - 1)
    assert page["numberReturned"] == PLACES - 1
    assert page["numberMatched"] == PLACES
