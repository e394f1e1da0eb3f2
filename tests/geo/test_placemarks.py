"""KML, KMZ and GPX: what a phone, Google My Maps or a walker's device exports."""

from pathlib import Path

import pytest

from app.errors import Invalid
from app.geo import coordinates, formats
from app.geo.tables import Row
from tests.geo import hostile

KML = '<?xml version="1.0"?>\n<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
POINT = "<Point><coordinates>-0.11,51.46,0</coordinates></Point>"


def _read(tmp_path: Path, content: str | bytes, name: str = "file.kml") -> list[Row]:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(formats.read(path).rows())


def _placemark(tmp_path: Path, inside: str) -> Row:
    return _read(tmp_path, KML.format(f"<Placemark>{inside}</Placemark>"))[0]


def test_folders_become_a_column(tmp_path: Path) -> None:
    folders = (
        "<Folder><name>Food</name><Placemark><name>a</name></Placemark>"
        "<Folder><name>Gardens</name><Placemark><name>b</name></Placemark></Folder></Folder>"
        "<Placemark><name>c</name></Placemark>"
    )
    rows = _read(tmp_path, KML.format(folders))
    assert [row.values for row in rows] == [
        {"name": "a", "folder": "Food"}, {"name": "b", "folder": "Food / Gardens"}, {"name": "c"},
    ]  # fmt: skip


def test_extended_data_of_both_ways_are_columns(tmp_path: Path) -> None:
    row = _placemark(
        tmp_path,
        '<name>a</name><ExtendedData><Data name="Post code"><displayName>x</displayName><value>SW2 1JQ</value></Data>'
        '<SchemaData><SimpleData name="hours">9-5</SimpleData><SimpleData name="name">other</SimpleData></SchemaData>'
        "</ExtendedData><phoneNumber>020</phoneNumber><address>Brixton Oval</address>",
    )
    assert row.values == {
        "name": "a", "Post code": "SW2 1JQ", "hours": "9-5", "name (2)": "other", "telephone": "020",
        "address": "Brixton Oval",
    }  # fmt: skip


def test_a_description_is_plain_text_without_what_is_said_already(tmp_path: Path) -> None:
    row = _placemark(
        tmp_path,
        '<name>a</name><description><![CDATA[<img src="https://example.org/p.jpg" height="200"/><br>Hours: 9-5<br>'
        "Fish &amp; <b>chips</b><script>alert(1)</script><p>Open late</p>]]></description>"
        '<ExtendedData><Data name="Hours"><value>9-5</value></Data></ExtendedData>',
    )
    assert row.values["description"] == "Fish & chips\nOpen late"
    assert row.values["picture"] == "https://example.org/p.jpg"
    assert _placemark(tmp_path, "<description>5 &lt; 6 &amp; 7</description>").values["description"] == "5 < 6 & 7"


def _ring(positions: str) -> str:
    return f"<LinearRing><coordinates>{positions}</coordinates></LinearRing>"


_HOLE = f"<innerBoundaryIs>{_ring('2,1 3,1 3,2 2,1')}</innerBoundaryIs>"


@pytest.mark.parametrize(
    ("shape", "geometry"),
    [
        (POINT, {"type": "Point", "coordinates": [-0.11, 51.46]}),
        (
            "<LineString><coordinates>0,51 \n\t0.1, 51.1,7</coordinates></LineString>",
            {"type": "LineString", "coordinates": [[0, 51], [0.1, 51.1]]},
        ),
        (
            f"<Polygon><outerBoundaryIs>{_ring('0,0 4,0 4,4 0,0')}</outerBoundaryIs>{_HOLE}</Polygon>",
            {"type": "Polygon", "coordinates": [[[0, 0], [4, 0], [4, 4], [0, 0]], [[2, 1], [3, 1], [3, 2], [2, 1]]]},
        ),
        (f"<MultiGeometry>{POINT}</MultiGeometry>", {"type": "Point", "coordinates": [-0.11, 51.46]}),
        (
            f"<MultiGeometry>{POINT}{POINT}</MultiGeometry>",
            {"type": "MultiPoint", "coordinates": [[-0.11, 51.46], [-0.11, 51.46]]},
        ),
        (
            '<gx:Track xmlns:gx="g"><when>2026</when><gx:coord>0 51 3</gx:coord><gx:coord>1 51 3</gx:coord></gx:Track>',
            {"type": "LineString", "coordinates": [[0, 51], [1, 51]]},
        ),
        ("", None),
    ],
)
def test_every_shape_of_a_placemark_is_read(tmp_path: Path, shape: str, geometry: object) -> None:
    row = _placemark(tmp_path, f"<name>a</name>{shape}")
    assert (row.geometry, row.fault, row.values) == (geometry, None, {"name": "a"})


def test_a_placemark_without_a_place_waits_for_one_and_a_broken_one_says_why(tmp_path: Path) -> None:
    path = tmp_path / "a.kml"
    broken = "<Placemark><Point><coordinates>here</coordinates></Point></Placemark>"
    path.write_text(KML.format(f"<Placemark><name>a</name></Placemark>{broken}"))
    table = formats.read(path)
    first, second = table.rows()
    with pytest.raises(coordinates.Unplaced, match="it has no geometry"):
        coordinates.understand(table, [first]).place(first, ("Point",))
    assert second.fault == "its coordinates cannot be read"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_prefix_another_encoding_or_no_namespace_changes_nothing(tmp_path: Path, encoding: str) -> None:
    text = f'<k:kml xmlns:k="http://earth.google.com/kml/2.1"><k:Placemark><k:name>Café</k:name>{POINT}</k:Placemark></k:kml>'
    rows = _read(tmp_path, text.encode(encoding))
    assert [(row.values, bool(row.geometry)) for row in rows] == [({"name": "Café"}, True)]


def test_a_kmz_is_read_by_its_main_document(tmp_path: Path) -> None:
    inside = KML.format(f"<Placemark><name>a</name>{POINT}</Placemark>")
    packed = hostile.zipped({"files/other.kml": KML.format(""), "images/a.png": "x", "doc.kml": inside})
    (tmp_path / "a.kmz").write_bytes(packed)
    table = formats.read(tmp_path / "a.kmz", name="upload.kmz")
    assert table.what == "KMZ"
    assert [row.values for row in table.rows()] == [{"name": "a"}]


def test_waypoints_are_points_and_routes_and_tracks_are_lines(tmp_path: Path) -> None:
    line = '<trkpt lat="51" lon="0"><ele>3</ele></trkpt><trkpt lat="51" lon="1"/>'
    rows = _read(
        tmp_path,
        '<gpx version="1.1" xmlns="http://www.topografix.com/GPX/1/1"><metadata><name>Walks</name></metadata>'
        '<wpt lat="51.46" lon="-0.11"><name>a</name><desc>d</desc><link href="https://example.org"><text>t</text></link>'
        '<extensions><ogr:kind xmlns:ogr="o">tree</ogr:kind></extensions></wpt>'
        '<rte><name>b</name><rtept lat="51" lon="0"><name>start</name></rtept><rtept lat="52" lon="0"/></rte>'
        f"<trk><name>c</name><trkseg>{line}</trkseg><trkseg>{line}</trkseg></trk>"
        '<wpt lat="north" lon="0"/></gpx>',
        "walks.gpx",
    )
    assert [row.values for row in rows[:3]] == [
        {"name": "a", "desc": "d", "link": "https://example.org", "kind": "tree"}, {"name": "b"}, {"name": "c"},
    ]  # fmt: skip
    assert [row.geometry for row in rows] == [
        {"type": "Point", "coordinates": [-0.11, 51.46]},
        {"type": "LineString", "coordinates": [[0, 51], [0, 52]]},
        {"type": "MultiLineString", "coordinates": [[[0, 51], [1, 51]]] * 2},
        None,
    ]
    assert rows[3].fault == "its coordinates cannot be read"


def test_a_placemark_of_endless_positions_is_refused_on_its_own(tmp_path: Path) -> None:
    many = f"<LineString><coordinates>{'1,1 ' * 500_000}</coordinates></LineString>"
    rows = _read(tmp_path, KML.format(f"<Placemark>{many}</Placemark><Placemark>{POINT}</Placemark>"))
    assert [row.fault for row in rows] == ["it has more than 400000 positions", None]


def test_xml_of_another_kind_is_named(tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"is OpenStreetMap's own XML, neither KML nor GPX"):
        _read(tmp_path, "<osm/>", "a.xml")
