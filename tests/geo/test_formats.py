"""Reading foreign tables: what a file is, how its text is written, where its rows begin, what is refused."""

import gzip
import json
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import Invalid
from app.geo import formats, tables
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


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
def test_utf_16_that_does_not_say_so_is_recognised(tmp_path: Path, encoding: str) -> None:
    table = formats.read(_file(tmp_path, "name\tnotes\r\nCafé\t“open”\r\n".encode(encoding)))
    assert [row.values for row in table.rows()] == [{"name": "Café", "notes": "“open”"}]
    assert table.what == "CSV, UTF-16, separated by tabs"


@pytest.mark.parametrize("mark", ["~", "^", "#", ":"])
def test_another_mark_divides_where_it_plainly_does(tmp_path: Path, mark: str) -> None:
    path = _file(tmp_path, f"name{mark}lat{mark}lon\nA, b{mark}51.4{mark}-0.1\nC{mark}51.5{mark}-0.1\n")
    assert _rows(path)[0].values == {"name": "A, b", "lat": "51.4", "lon": "-0.1"}
    assert formats.read(_file(tmp_path, "hours\n9:00 to 17:30\n9:00\n")).columns == ["hours"]


def test_a_first_line_that_names_the_separator_is_obeyed(tmp_path: Path) -> None:
    table = formats.read(_file(tmp_path, "sep=;\r\nname;a,b,c\r\nx;1,2,3\r\n"))
    assert [(row.line, row.values) for row in table.rows()] == [(3, {"name": "x", "a,b,c": "1,2,3"})]


def test_titles_above_the_header_are_passed_over_and_told(tmp_path: Path) -> None:
    title = 'Lambeth Council,,,,\n\n"Toilets, and more",,,,\nUpdated:,June 2012,,,\n'
    header = "Name,Area,Postcode,Easting,Northing,Notes,Open\n"
    table = formats.read(_file(tmp_path, title + header + "Wimpy,Streatham,SW16 1BJ,530150,172089,x,y\n" * 3))
    assert table.columns == ["Name", "Area", "Postcode", "Easting", "Northing", "Notes", "Open"]
    assert [row.line for row in table.rows()] == [6, 7, 8]
    assert "above the names of the columns stands 'Lambeth Council'; 'Toilets, and more'" in table.what


@pytest.mark.parametrize(
    "text", ["name,notes,more\na,,\nb,,\nc,,\n", "name,x\na\n", "name\na\nb\n", "a,b,c,d,e,f,g\n1,2,3,4,5,6,7\n"]
)
def test_a_header_in_the_first_line_is_the_header(tmp_path: Path, text: str) -> None:
    table = formats.read(_file(tmp_path, text))
    assert table.columns == text.partition("\n")[0].split(",")
    assert "above" not in table.what


def test_lines_without_anything_in_their_cells_are_passed_over(tmp_path: Path) -> None:
    rows = _rows(_file(tmp_path, "name,notes\na,x\n,\n  ,\nb,y\n"))
    assert [(row.line, row.values["name"]) for row in rows] == [(2, "a"), (5, "b")]


def test_a_file_that_ends_within_a_letter_is_told_and_not_misread(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="is cut off in the middle of a character"):
        _rows(_file(tmp_path, "name\ncafé".encode()[:-1]))
    with pytest.raises(Invalid, match="is damaged or cut off"):
        _rows(_file(tmp_path, "name,b\ncafé,x".encode("utf-16")[:-1]))


def test_people_hear_the_name_they_know(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"^Our parks\.csv is empty\.$"):
        formats.read(_file(tmp_path, b"", "0a1b2c"), name="Our parks.csv")


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


@pytest.mark.parametrize("between", ["\n", "\n\x1e", "\r\n\r\n", " "])
def test_features_one_after_the_other_are_read_too(tmp_path: Path, between: str) -> None:
    features = [json.dumps(_point(name=name)) for name in "abc"]
    table = formats.read(_file(tmp_path, between.strip(" \r\n") + between.join(features) + "\n", "f.geojsonl"))
    assert [row.values["name"] for row in table.rows()] == ["a", "b", "c"]
    assert table.what == "GeoJSON, one feature after the other"
    pretty = _file(tmp_path, json.dumps(_point(name="one"), indent=2))
    assert [row.values["name"] for row in formats.read(pretty).rows()] == ["one"]


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
        ('{"type":"FeatureCollection","features":[{"type":"Fea', r"damaged or cut off: Unterminated string\.$"),
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


@given(st.text())
def test_text_in_our_files_is_never_a_formula(text: str) -> None:
    assert not tables.harmless(text).startswith(("=", "+", "-", "@", "\t", "\r"))
    assert tables.harmless(text).removeprefix("'") == text.removeprefix("'")
