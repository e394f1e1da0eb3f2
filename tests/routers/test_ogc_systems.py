"""Coordinate reference systems over /ogc (Part 2): what goes in and what comes out, in the order of each one's axes."""

import pytest

from tests.routers.ogc_world import BIG_BEN, CRS84, EPSG3857, EPSG4326, EPSG27700, UID, Ogc, refused

SYSTEMS = (CRS84, EPSG4326, EPSG3857, EPSG27700)
#: A box around Big Ben of about a hundred metres, in each system and in the order of its axes.
AROUND = {
    CRS84: "-0.1253,51.5002,-0.1239,51.5012",
    EPSG4326: "51.5002,-0.1253,51.5012,-0.1239",
    EPSG3857: "-13950,6710250,-13790,6710450",
    EPSG27700: "530200,179580,530330,179700",
}


def _position(ogc: Ogc, system: str | None) -> tuple[list[float], str]:
    query = {"crs": system} if system else {}
    answer = ogc.get(f"/collections/projects/items/{UID['Big Ben']}", **query)
    assert answer.status_code == 200
    return answer.json()["geometry"]["coordinates"], answer.headers["content-crs"]


def test_every_collection_lists_the_systems_and_the_one_it_is_kept_in(ogc: Ogc) -> None:
    found = ogc.json("/collections")
    assert found["crs"] == list(SYSTEMS)
    for one in found["collections"]:
        assert one["crs"] == list(SYSTEMS)
        assert one["storageCrs"] == CRS84


def test_positions_come_in_the_order_of_their_system_s_axes(ogc: Ogc) -> None:
    lon, lat = BIG_BEN[0]
    assert _position(ogc, None) == ([lon, lat], f"<{CRS84}>")
    assert _position(ogc, CRS84) == ([lon, lat], f"<{CRS84}>")
    assert _position(ogc, EPSG4326) == ([lat, lon], f"<{EPSG4326}>")


def test_positions_are_moved_to_their_system(ogc: Ogc) -> None:
    grid, said = _position(ogc, EPSG27700)
    assert grid == pytest.approx(BIG_BEN[1], abs=5)  # metres: no shift grid is needed on the server
    assert said == f"<{EPSG27700}>"
    mercator, said = _position(ogc, EPSG3857)
    assert mercator == pytest.approx([-13873.19, 6710349.45], abs=0.02)
    assert said == f"<{EPSG3857}>"


def test_lines_and_areas_are_moved_whole(ogc: Ogc) -> None:
    plain = ogc.json(f"/collections/projects/items/{UID['Meadow']}")["geometry"]["coordinates"][0]
    turned = ogc.json(f"/collections/projects/items/{UID['Meadow']}", crs=EPSG4326)["geometry"]["coordinates"][0]
    assert turned == [[lat, lon] for lon, lat in plain]
    ward = ogc.json("/collections/wards/items", crs=EPSG27700)["features"][0]["geometry"]["coordinates"][0][0]
    assert all(500_000 < x < 560_000 and 150_000 < y < 200_000 for x, y in ward)


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_box_is_read_in_its_own_system(ogc: Ogc, system: str) -> None:
    found = ogc.titles(bbox=AROUND[system], bbox_crs=system)
    assert found == {"Big Ben", "Food plan"}  # what lies nowhere is in every box
    assert ogc.titles(bbox=AROUND[system], bbox_crs=system, crs=EPSG3857) == found


def test_bbox_crs_and_crs_do_not_touch_each_other(ogc: Ogc) -> None:
    found = ogc.json("/collections/projects/items", bbox=AROUND[CRS84], crs=EPSG4326)["features"]
    shapes = {feature["properties"]["title"]: feature["geometry"] for feature in found}
    assert shapes["Big Ben"]["coordinates"] == [51.500729, -0.124625]


def test_a_box_in_metres_is_asked_in_metres(ogc: Ogc) -> None:
    """The box's edges bend in degrees: a point just inside and just outside of a long edge."""
    lane = ogc.json(f"/collections/projects/items/{UID['Green lane']}", crs=EPSG27700)["geometry"]["coordinates"]
    (west, south), (east, north) = sorted(lane)
    low, high = min(south, north), max(south, north)
    assert "Green lane" in ogc.titles(bbox=f"{west},{low - 1},{east},{low + 0.5}", bbox_crs=EPSG27700)
    assert "Green lane" not in ogc.titles(bbox=f"{west},{low - 2},{east},{low - 0.5}", bbox_crs=EPSG27700)
    assert "Green lane" in ogc.titles(bbox=f"{west},{high - 0.5},{east},{high + 1}", bbox_crs=EPSG27700)
    assert "Green lane" not in ogc.titles(bbox=f"{west},{high + 0.5},{east},{high + 2}", bbox_crs=EPSG27700)


def test_a_box_as_large_as_its_system_meets_what_is_in_it_and_does_not_fail(ogc: Ogc) -> None:
    assert "Big Ben" in ogc.titles(bbox="-1000000,-1000000,2000000,2500000", bbox_crs=EPSG27700)
    edge = 20037508.34
    assert "East of Fiji" in ogc.titles(bbox=f"{-edge},{-edge},{edge},{edge}", bbox_crs=EPSG3857)


def test_latitude_first_crosses_the_antimeridian_too(ogc: Ogc) -> None:
    assert ogc.titles(bbox="-18,179,-16,-179", bbox_crs=EPSG4326) == {"East of Fiji", "West of Fiji", "Food plan"}


@pytest.mark.parametrize(
    ("box", "system"),
    [("51.5002,-0.1253,91,-0.1239", EPSG4326), ("51,-181,52,0", EPSG4326), ("530330,179580,530200,179700", EPSG27700),
     ("530200,179700,530330,179580", EPSG27700), ("0,0,9999999,1", EPSG27700), ("0,0,20037509,1", EPSG3857)],
)  # fmt: skip
def test_a_box_outside_its_system_or_the_wrong_way_round_is_refused(ogc: Ogc, box: str, system: str) -> None:
    assert "bbox" in refused(ogc.get("/collections/projects/items", bbox=box, bbox_crs=system))


@pytest.mark.parametrize("name", ["crs", "bbox_crs", "filter_crs"])
@pytest.mark.parametrize(
    "system", ["", "EPSG:27700", "27700", f"{EPSG27700}/", "http://www.opengis.net/def/crs/EPSG/0/27701", "x" * 5000]
)
def test_an_unknown_system_is_refused_and_the_known_are_named(ogc: Ogc, name: str, system: str) -> None:
    said = refused(ogc.get("/collections/projects/items", **{name: system}))
    assert said.startswith(name.replace("_", "-"))
    assert all(known in said for known in SYSTEMS)


def test_one_feature_refuses_an_unknown_system_too(ogc: Ogc) -> None:
    refused(ogc.get(f"/collections/projects/items/{UID['Big Ben']}", crs="x"))
    refused(ogc.get(f"/collections/projects/items/{UID['Big Ben']}", bbox_crs=CRS84))


def test_the_next_page_keeps_the_system(ogc: Ogc) -> None:
    page = ogc.json("/collections/places/items", crs=EPSG27700, limit=1)
    following = next(link["href"] for link in page["links"] if link["rel"] == "next")
    answer = ogc.client.get(following)
    assert answer.headers["content-crs"] == f"<{EPSG27700}>"
    assert answer.json()["features"][0]["geometry"]["coordinates"][0] > 500_000
