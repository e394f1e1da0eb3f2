"""Reading foreign tables: what a file is, how its text is written, where its rows begin, what is refused."""

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.geo import coordinates, formats, tables
from app.geo.tables import Row


def _rows(path: Path) -> list[Row]:
    return list(formats.read(path).rows())


def _file(tmp_path: Path, content: bytes | str, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# ── CSV ─────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_any_usual_encoding_and_separator_is_found(tmp_path: Path, encoding: str, delimiter: str) -> None:
    text = f"name{delimiter}notes\r\nCafé{delimiter}“open”\r\nBäckerei{delimiter}\r\n"
    rows = _rows(_file(tmp_path, text.encode(encoding)))
    assert [row.values for row in rows] == [{"name": "Café", "notes": "“open”"}, {"name": "Bäckerei", "notes": ""}]


def test_lines_are_those_of_the_file(tmp_path: Path) -> None:
    path = _file(tmp_path, 'name,notes\na,"two\nlines"\n\nb,x\n')
    assert [(row.line, row.values["name"]) for row in _rows(path)] == [(2, "a"), (5, "b")]


def test_cells_beyond_the_header_keep_a_name_and_missing_ones_are_missing(tmp_path: Path) -> None:
    path = _file(tmp_path, "name,name,\na,b,c,d,e\nf\n")
    assert [row.values for row in _rows(path)] == [
        {"name": "a", "name (2)": "b", "Column 3": "c", "Column 4": "d", "Column 5": "e"},
        {"name": "f"},
    ]


def test_a_gzip_is_read_by_its_bytes_whatever_its_name(tmp_path: Path) -> None:
    path = _file(tmp_path, gzip.compress(b"name\na\n"))
    assert _rows(path)[0].values == {"name": "a"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (bytes(range(256)) * 8, "is not a text file"),
        (b"PK\x03\x04rest", "is a damaged or cut-off zip archive"),
        (b"\xd0\xcf\x11\xe0rest", "an old Excel workbook"),
        (b"<?xml version='1.0'?><gml/>", "is XML that begins with <gml>, neither KML nor GPX"),
        (b"<!DOCTYPE html><html>", "is a web page"),
        (b"\0\0\x27\x0a", "is one part of a Shapefile"),
        (b"%PDF-1.7", "is a PDF"),
        (b'name,notes\na,"never closed\nb,c\n', "line 2: a quotation mark opens here and does not close"),
        (b'name,notes\n"a"b,c\n', "line 2: the quotation marks do not pair up"),
        (b"\x1f\x8b\x08\x00broken", "is damaged"),
        (b"\n\n", "has no line that names the columns"),
        (b"name,x\n\x81\x9d,y\n", "unknown encoding"),
    ],
)
def test_what_is_no_table_is_refused_with_a_reason(tmp_path: Path, content: bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        _rows(_file(tmp_path, content))


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="There is no file"):
        formats.read(tmp_path / "none.csv")


def test_a_large_table_is_read_in_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "large.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("name,lat,lon,notes\n")
        file.writelines(f"Place {n},51.{n:06d},-0.1,{'x' * 200}\n" for n in range(60_000))
    tracemalloc.start()
    assert sum(1 for _ in formats.read(path).rows()) == 60_000
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 8_000_000 < 60_000 * 200  # the text alone


def test_what_unpacks_without_end_is_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tables, "MAX_BYTES", 1_000_000)
    path = _file(tmp_path, gzip.compress(b"name\n" + b"a\n" * 1_000_000))
    with pytest.raises(Invalid, match="unpacks to more than"):
        _rows(path)


# ── GeoJSON ─────────────────────────────────────────────────────────────────────────────────


CRS = '"crs":{{"type":"name","properties":{{"name":"{}"}}}}'


def _collection(features: Sequence[object], **members: object) -> str:
    return json.dumps({"type": "FeatureCollection", **members, "features": features})


def _point(**properties: object) -> dict[str, object]:
    return {"type": "Feature", "properties": properties, "geometry": {"type": "Point", "coordinates": [0.5, 51]}}


@given(st.lists(st.dictionaries(st.text(max_size=5), st.text() | st.integers() | st.none()), max_size=4))
def test_features_come_as_they_are(tmp_path_factory: pytest.TempPathFactory, many: list[dict[str, object]]) -> None:
    path = _file(tmp_path_factory.mktemp("f"), _collection([_point(**properties) for properties in many]), "f.geojson")
    assert [row.values for row in _rows(path)] == many
    assert [row.line for row in _rows(path)] == list(range(1, len(many) + 1))


def test_features_longer_than_a_piece_are_read_whole(tmp_path: Path) -> None:
    long = {"type": "LineString", "coordinates": [[n / 1e6, 51.123456789] for n in range(30_000)]}
    path = _file(tmp_path, _collection([{"type": "Feature", "properties": {}, "geometry": long}, _point(name="b")]))
    assert _rows(path)[0].geometry == long
    assert _rows(path)[1].values == {"name": "b"}


@pytest.mark.parametrize(
    ("name", "epsg"),
    [("urn:ogc:def:crs:EPSG::27700", 27700), ("EPSG:3857", 3857), ("urn:ogc:def:crs:OGC:1.3:CRS84", 4326)],
)
def test_an_old_style_crs_is_honoured(tmp_path: Path, name: str, epsg: int) -> None:
    crs = {"type": "name", "properties": {"name": name}}
    table = formats.read(_file(tmp_path, _collection([_point()], crs=crs)))
    assert table.epsg == epsg


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ('{"type":"FeatureCollection","features":[{"type":"Fea', "damaged or cut off"),
        ('{"type":"FeatureCollection","features":[{}', "damaged or cut off"),
        ('{"type":"FeatureCollection","features":[{} {}]}', "a comma is missing"),
        ('{"type":"FeatureCollection","features":[]} x', "something follows its end"),
        ('{"type":"FeatureCollection"}', "no list of features"),
        ('{"type":"Point","coordinates":[0,51]}', "of the type 'Point'"),
        ('{"type":"Topology","arcs":[],"objects":{}}', "is TopoJSON"),
        ('{"arcs":[],"type":"Topology","objects":{}}', "is TopoJSON"),
        ("[1, 2]", "damaged or cut off"),
        ('{"features":[{"a": NaN}]}', "NaN is no number"),
        ('{"features":' + '[{"a":' + "[" * 100_000, "nested too deeply"),
        (f'{{{CRS.format("mars")},"features":[]}}', "is not known"),
        (f'{{"features":[{{}}],{CRS.format("EPSG:27700")}}}', "names its coordinate system at its end"),
        (b'{"type":"FeatureCollection","features":[{"a":"\xff"}]}', "is not UTF-8"),
    ],
)
def test_broken_json_is_refused_with_a_reason(tmp_path: Path, content: str | bytes, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        _rows(_file(tmp_path, content, "f.geojson"))


def test_what_is_no_feature_is_a_fault_of_its_own_row(tmp_path: Path) -> None:
    rows = _rows(_file(tmp_path, _collection([_point(), {"type": "feature"}, {"type": "Feature", "properties": [1]}])))
    assert [bool(row.fault) for row in rows] == [False, True, True]


# ── coordinates ─────────────────────────────────────────────────────────────────────────────


def _reading(tmp_path: Path, text: str) -> coordinates.Reading:
    table = formats.read(_file(tmp_path, text))
    return coordinates.understand(table, list(table.rows()))


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


@given(st.text())
def test_text_in_our_files_is_never_a_formula(text: str) -> None:
    assert not tables.harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert tables.harmless(text).removeprefix("'") == text.removeprefix("'")
