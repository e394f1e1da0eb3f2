"""Every file of the shared test data is read: as what, how many rows, how many of them with a place."""

from collections import Counter
from pathlib import Path

import pytest

from app.errors import Invalid
from app.geo import coordinates, formats, tables

ANY = ("Point", "LineString", "Polygon", "MultiLineString", "MultiPolygon")
COUNCIL = "lambeth_council_2012_raw/Lambeth"
#: file → what it is, and how many of its rows have a place, have none, and are wrong
GIVEN: dict[str, tuple[str, int, int, int]] = {
    "lambeth_assets_2012.geojson": ("GeoJSON", 406, 0, 0),
    f"{COUNCIL}AdventurePlaygrounds.csv": ("CSV, UTF-8, separated by commas", 15, 0, 0),
    f"{COUNCIL}CommunityToilets.csv": ("CSV, UTF-8, separated by commas", 30, 0, 0),
    f"{COUNCIL}FoodGrowingProjects.csv": ("CSV, UTF-8, separated by commas", 142, 0, 0),
    f"{COUNCIL}LeisureCentres.csv": ("CSV, UTF-8, separated by commas", 5, 0, 0),
    f"{COUNCIL}Libraries.csv": ("CSV, UTF-8, separated by commas", 10, 0, 0),
    f"{COUNCIL}PollingStations.csv": ("CSV, UTF-8, separated by commas", 95, 0, 0),
    f"{COUNCIL}RecyclingBanks.csv": ("CSV, UTF-8, separated by commas", 22, 0, 0),
    f"{COUNCIL}Schools.csv": ("CSV, UTF-8, separated by commas", 87, 0, 0),
    "lambeth_food_growing_2012.kml": ("KML", 142, 0, 0),
    "lambeth_food_growing_2012_epsg27700.gpkg": ("GeoPackage, layer food_growing", 142, 0, 0),
    "lambeth_libraries_2012.gpx": ("GPX", 10, 0, 0),
    "london_cultural_places_2026.geojson.gz": ("GeoJSON", 5524, 0, 0),
    "london_cycle_routes_lines.geojson": ("GeoJSON", 146, 0, 0),
    "london_hospitals_cqc_2026.geojson": ("GeoJSON", 181, 0, 0),
    "london_osm_cafes_2026.geojson.gz": ("GeoJSON", 4828, 0, 0),
    "london_schools_ofsted_2026.geojson.gz": ("GeoJSON", 2237, 0, 0),
    "mymaps_style_folders.kml": ("KML", 26, 1, 0),
    "mymaps_style_folders.kmz": ("KMZ", 26, 1, 0),
    "nyc_volunteer_opportunities_2011.csv": ("CSV, UTF-8, separated by commas", 383, 282, 0),
    "made_messy/bom_semicolon_libraries.csv": ("CSV, UTF-8, separated by semicolons", 10, 0, 0),
    "made_messy/cp1252_cafes.csv": ("CSV, Windows-1252, separated by commas", 10, 0, 0),
    "made_messy/decimal_comma.csv": ("CSV, UTF-8, separated by semicolons", 10, 0, 0),
    "made_messy/duplicates.csv": ("CSV, UTF-8, separated by commas", 20, 0, 0),
    "made_messy/excel_unicode_text.txt": ("CSV, UTF-16, separated by tabs", 15, 0, 0),
    "made_messy/header_only.csv": ("CSV, UTF-8, separated by commas", 0, 0, 0),
    "made_messy/hostile_text.csv": ("CSV, UTF-8, separated by commas", 9, 0, 0),
    "made_messy/missing_and_bad_coordinates.csv": ("CSV, UTF-8, separated by commas", 6, 4, 4),
    "made_messy/odd_features.geojson": ("GeoJSON", 8, 2, 4),
    "made_messy/old_style_crs_27700.geojson": ("GeoJSON", 10, 0, 0),
    "made_messy/swapped_lat_lon_half.csv": ("CSV, UTF-8, separated by commas", 10, 0, 0),
    "made_messy/wkt_column.csv": ("CSV, UTF-8, separated by commas", 10, 0, 0),
}
#: file → why it is refused
REFUSED = {
    "made_messy/broken.geojson": "is damaged or cut off",
    "made_messy/empty.csv": "is empty",
    "made_messy/entity_bomb.kml": "declares a document type",
    "made_messy/external_entity.kml": "declares a document type",
    "made_messy/not_a_csv.csv": "is not a text file",
}


def _read(path: Path) -> tuple[str, int, int, int]:
    table = formats.read(path)
    reading = coordinates.understand(table, tables.sample(table, 1000), postcodes=True)
    became: Counter[str] = Counter()
    for row in table.rows():
        try:
            if row.fault:
                raise Invalid(row.fault)
            became["placed" if reading.spot(row, ANY).raw else "unplaced"] += 1
        except Invalid:
            became["wrong"] += 1
    return table.what, became["placed"], became["unplaced"], became["wrong"]


@pytest.mark.parametrize("name", sorted(GIVEN))
def test_a_given_file_is_read_whole(shared_data: Path, name: str) -> None:
    assert _read(shared_data / "assets" / name) == GIVEN[name]


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_a_broken_or_hostile_given_file_is_refused(shared_data: Path, name: str) -> None:
    with pytest.raises(Invalid, match=REFUSED[name]):
        _read(shared_data / "assets" / name)


def test_every_given_file_is_looked_at(shared_data: Path) -> None:
    assets = shared_data / "assets"
    assert {str(path.relative_to(assets)) for path in assets.rglob("*") if path.is_file()} == {*GIVEN, *REFUSED}


def test_half_of_the_swapped_rows_are_pointed_out(shared_data: Path) -> None:
    table = formats.read(shared_data / "assets" / "made_messy" / "swapped_lat_lon_half.csv")
    assert "5 of 10 rows looked at" in coordinates.understand(table, list(table.rows())).says


def test_the_same_gardens_are_read_from_csv_kml_and_geopackage(shared_data: Path) -> None:
    names = [
        {" ".join(str(row.values[column]).split()) for row in formats.read(shared_data / "assets" / file).rows()}
        for file, column in (
            (f"{COUNCIL}FoodGrowingProjects.csv", "Name"), ("lambeth_food_growing_2012.kml", "name"),
            ("lambeth_food_growing_2012_epsg27700.gpkg", "name"),
        )
    ]  # fmt: skip
    assert names[0] == names[1] == names[2]
    assert len(names[0]) > 130
