"""Where rows lie: names suggest, values decide, and what is empty, wrong or changed over is said."""

import json
from pathlib import Path
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.geo import coordinates, formats, numbers


def _file(tmp_path: Path, content: str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def _reading(tmp_path: Path, text: str, **said: Any) -> coordinates.Reading:
    table = formats.read(_file(tmp_path, text))
    return coordinates.understand(table, list(table.rows()), **said)


def _place(tmp_path: Path, text: str) -> tuple[int, str]:
    table = formats.read(_file(tmp_path, text))
    reading = coordinates.understand(table, list(table.rows()))
    return reading.epsg, shapely.from_wkb(reading.place(next(table.rows()), ("Point",))).wkt


@pytest.mark.parametrize(
    ("text", "epsg", "place"),
    [
        ("Lat,Lng\n51.46,-0.11\n", 4326, "POINT (-0.11 51.46)"),
        ("Eastings;Northings\n531067;175255\n", 27700, "POINT (531067 175255)"),
        ("lat;lon\n51,46;-0,11\n", 4326, "POINT (-0.11 51.46)"),
        ('easting,northing\n"531,067","175,255"\n', 27700, "POINT (531067 175255)"),
        ("x,y\n-12770,6700000\n", 3857, "POINT (-12770 6700000)"),
        ("lat,lon\n175255,531067\n", 27700, "POINT (531067 175255)"),
        ("easting,northing,lon,lat\n1,2,-0.11,51.46\n", 4326, "POINT (-0.11 51.46)"),
        ("easting,northing\n-0.11,51.46\n", 4326, "POINT (-0.11 51.46)"),
        ("lat,lon\n5.146e1,-1.1e-1\n", 4326, "POINT (-0.11 51.46)"),
        ('lat,lon\n"51°27\'36""N","0°06\'36""W"\n', 4326, "POINT (-0.11 51.46)"),
        ("lat,lon\n51.46N,0.11W\n", 4326, "POINT (-0.11 51.46)"),
        ('name,location\na,"51.46, -0.11"\n', 4326, "POINT (-0.11 51.46)"),
        ('name,lonlat\na,"(-0.11, 51.46)"\n', 4326, "POINT (-0.11 51.46)"),
        ("name;coordinates\na;51.46 -0.11\n", 4326, "POINT (-0.11 51.46)"),
        ('name,position\na,"531067, 175255"\n', 27700, "POINT (531067 175255)"),
        ("a;locality\n1;\"{'latitude': '51.46', 'longitude': '-0.11'}\"\n", 4326, "POINT (-0.11 51.46)"),
    ],
)
def test_names_suggest_and_values_decide(tmp_path: Path, text: str, epsg: int, place: str) -> None:
    assert _place(tmp_path, text) == (epsg, place)


def test_a_column_of_wkt_is_found_by_what_it_holds(tmp_path: Path) -> None:
    assert _reading(tmp_path, "a,location\n1,POINT(-0.1 51)\n2,\n").wkt == "location"
    assert _reading(tmp_path, "lat,lon,location\n51,-0.1,Brixton\n").wkt is None
    assert _reading(tmp_path, "geom\nSRID=27700;POINT(531067 175255)\n").epsg == 27700


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",", "it has no coordinates"),
        ("51.4,", "its lon is empty"),
        ("N/A,-0.1", "its lat 'N/A' is not a number"),
        ("51.4,nan", "is not a number"),
        ("151.46,-0.11", "is no longitude and latitude position; changed over they would be one"),
        ("0°6'W,51°27'N", "is the other coordinate: the two look changed over"),
        ("531067,175255", "these look like British National Grid"),
    ],
)
def test_a_row_without_a_place_says_why(tmp_path: Path, row: str, says: str) -> None:
    table = formats.read(_file(tmp_path, f"lat,lon,name\n{row},a\n51.4,-0.1,b\n51.4,-0.1,c\n"))
    reading = coordinates.understand(table, list(table.rows()))
    with pytest.raises(Invalid, match=says):
        reading.place(next(table.rows()), ("Point",))


def test_a_table_without_coordinates_names_its_columns(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"No coordinates were found.*The columns are: name, postcode"):
        _reading(tmp_path, "name,postcode\na,SW2 1JQ\n")


# ── rows without a place ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (",", "it has no coordinates"),
        ("N/A,n/a", "it has no coordinates"),
        ("-,", "it has no coordinates"),
        ("0,0", "its coordinates are 0, 0, which programs write for an unknown place"),
    ],
)
def test_a_row_that_says_nothing_of_its_place_is_not_wrong(tmp_path: Path, row: str, why: str) -> None:
    table = formats.read(_file(tmp_path, f"lat,lon,name\n{row},a\n51.4,-0.1,b\n51.4,-0.1,c\n"))
    first, second, _ = table.rows()
    reading = coordinates.understand(table, [first, second])
    assert reading.spot(first, ("Point",)) == coordinates.Spot(None, None, why)
    assert reading.spot(second, ("Point",)).unplaced is None


@pytest.mark.parametrize("geometry", [None, {"type": "Point", "coordinates": []}])
def test_a_feature_without_a_geometry_is_not_wrong(tmp_path: Path, geometry: object) -> None:
    feature = {"type": "Feature", "properties": {"name": "a"}, "geometry": geometry}
    table = formats.read(_file(tmp_path, json.dumps({"type": "FeatureCollection", "features": [feature]})))
    row = next(table.rows())
    with pytest.raises(coordinates.Unplaced, match=r"it has no geometry|its geometry is empty"):
        coordinates.understand(table, [row]).place(row, ("Point",))


POSTCODES = "name,Post Code,lat,lon\na,sw2 1jq,,\nb,SW2 1JQ,51.4,-0.1\nc,nowhere,,\nd,,,\ne,SE1 7PZ,N/A,51\n"


def test_a_postcode_places_a_row_whose_coordinates_are_empty_and_no_other(tmp_path: Path) -> None:
    table = formats.read(_file(tmp_path, POSTCODES))
    rows = list(table.rows())
    reading = coordinates.understand(table, rows, postcodes=True)
    assert reading.says.endswith("; where they are empty, by the postcode in 'Post Code'")
    by_code, by_place, strange, empty = (reading.spot(row, ("Point",)) for row in rows[:4])
    assert (by_code.raw, by_code.postcode) == (None, "SW21JQ")
    assert by_place.raw and by_place.postcode is None
    assert strange.postcode is None
    assert strange.unplaced == (
        "it has no coordinates, and its Post Code 'nowhere' is not a postcode of the United Kingdom"
    )
    assert empty.unplaced == "it has no coordinates"
    with pytest.raises(Invalid, match="its lat 'N/A' is not a number"):
        reading.spot(rows[4], ("Point",))


def test_postcodes_alone_will_do_for_who_can_look_them_up(tmp_path: Path) -> None:
    text = "name,postcode\na,SW2 1JQ\nb,\n"
    with pytest.raises(coordinates.Nowhere, match="No coordinates were found"):
        _reading(tmp_path, text)
    reading = _reading(tmp_path, text, postcodes=True)
    assert (reading.postcode, reading.says, reading.columns) == ("postcode", "by the postcode in 'postcode'", set())
    assert _reading(tmp_path, "name,where\na,SW2 1JQ\n", postcode="where").postcode == "where"
    assert _reading(tmp_path, "name,zip,lat,lon\na,10009,40,-73\n", postcodes=True).postcode is None


def test_a_list_without_coordinates_is_kept_whole_by_whoever_says_so(tmp_path: Path) -> None:
    text = "name,postcode,lat,lon\na,SW2 1JQ,51.46,-0.11\n"
    table = formats.read(_file(tmp_path, text))
    rows = list(table.rows())
    nowhere = coordinates.understand(table, rows, pairs=False)
    assert nowhere.says == "nowhere, as you said: each row is kept for a person to place"
    assert nowhere.spot(rows[0], ("Point",)) == (None, None, "it has no coordinates")
    by_code = coordinates.understand(table, rows, pairs=False, postcodes=True)
    assert by_code.spot(rows[0], ("Point",)) == (None, "SW21JQ", "it has no coordinates")
    named = coordinates.understand(table, rows, x="lon", y="lat", pairs=False)
    assert named.spot(rows[0], ("Point",)).raw


# ── changed over ────────────────────────────────────────────────────────────────────────────


def test_rows_that_are_changed_over_are_counted_and_left_as_they_are(tmp_path: Path) -> None:
    places = "51.46,-0.11\n51.47,-0.12\n-0.13,51.48\n51.49,-0.14\n"
    reading = _reading(tmp_path, f"lat,lon\n{places}")
    assert ", but 1 of 4 rows looked at seem to have the two coordinates changed over" in reading.says
    assert "changed over" not in _reading(tmp_path, "lat,lon\n51.46,-0.11\n-33.9,151.2\n40.7,-74\n").says
    assert "changed over" not in _reading(tmp_path, "lat,lon\n35.1,35.2\n35.3,35.1\n35.2,35.3\n").says
    assert ", but 1 of 3" in _reading(tmp_path, "easting,northing\n531067,175255\n532328,175252\n175501,529136\n").says


@pytest.mark.parametrize(("epsg", "position"), [(27700, [531067, 175255]), (3857, [-12770, 6700000])])
def test_metres_in_geojson_that_names_no_system_are_recognised(tmp_path: Path, epsg: int, position: list[int]) -> None:
    feature = {"type": "Feature", "properties": {}, "geometry": {"type": "Point", "coordinates": position}}
    reading = _reading(tmp_path, json.dumps({"type": "FeatureCollection", "features": [feature] * 3}))
    assert reading.epsg == epsg
    assert "by its values: the file names none" in reading.says


@given(st.floats(-180, 180))
def test_an_angle_written_out_is_the_angle(angle: float) -> None:
    seconds = round(abs(angle) * 3600)
    written = f"{seconds // 3600}°{seconds // 60 % 60}′{seconds % 60}″{'W' if angle < 0 else 'E'}"
    assert numbers.degrees(written) == pytest.approx(angle, abs=1 / 3600)


@pytest.mark.parametrize(
    "text", ["51°61'N", "51 27", "here", "", "N", "1°2'3''4", "5146N12", "527'N", "1" + " " * 9999 + "x"]
)
def test_what_is_no_angle_is_none(text: str) -> None:
    assert numbers.degrees(text) is None
