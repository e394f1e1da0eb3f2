"""Zipped Shapefiles, GeoPackages, and zip archives with one table in them."""

import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy
import pyogrio
import pytest
import shapely

from app.actions import areas
from app.errors import Invalid
from app.geo import coordinates, formats
from tests.geo import hostile

SQUARES = [shapely.box(530_000 + n * 1000, 175_000, 530_900 + n * 1000, 176_000) for n in range(3)]


def _written(path: Path, shapes: Sequence[Any], columns: Mapping[str, Any], **how: Any) -> Path:
    fields = [numpy.array(values) for values in columns.values()]
    kind = how.pop("geometry_type", "Polygon")
    how.setdefault("crs", "EPSG:27700")
    pyogrio.raw.write(path, shapely.to_wkb(shapes), fields, list(columns), geometry_type=kind, **how)
    return path


def _zip(tmp_path: Path, columns: Mapping[str, Any], leave: tuple[str, ...] = (), **how: Any) -> Path:
    folder = tmp_path / "parts"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    _written(folder / "Wards_2022.shp", SQUARES, columns, driver="ESRI Shapefile", **how)
    parts = {f"data/{part.name}": part.read_bytes() for part in folder.iterdir() if part.suffix not in leave}
    packed = tmp_path / "wards.zip"
    packed.write_bytes(hostile.zipped(parts | {"__MACOSX/data/._Wards_2022.shp": "x", "data/readme.txt": "x"}))
    return packed


NAMES: dict[str, Any] = {"WD22CD": ["E05000001", "E05000002", "E05000003"], "WD22NM": ["Brixton", "Café", "Ynys Môn"]}


@pytest.mark.parametrize(("leave", "encoding"), [((), "UTF-8"), ((".cpg",), "UTF-8"), ((), "ISO-8859-1")])
def test_a_zipped_shapefile_is_read_in_its_system_and_encoding(
    tmp_path: Path, leave: tuple[str, ...], encoding: str
) -> None:
    table = formats.read(_zip(tmp_path, NAMES, leave, encoding=encoding))
    rows = list(table.rows())
    assert (table.epsg, table.columns, table.what) == (27700, ["WD22CD", "WD22NM"], "Shapefile, Wards_2022")
    assert [row.values["WD22NM"] for row in rows] == NAMES["WD22NM"]
    assert [shapely.from_wkb(row.geometry).equals(square) for row, square in zip(rows, SQUARES, strict=True)] == [
        True
    ] * 3


def test_without_a_prj_the_values_tell_the_system(tmp_path: Path) -> None:
    table = formats.read(_zip(tmp_path, NAMES, (".prj",)))
    reading = coordinates.understand(table, list(table.rows()))
    assert (table.epsg, reading.epsg) == (None, 27700)
    assert table.what.endswith("without a .prj that names its coordinate system")
    assert "by its values: the file names none" in reading.says


def test_a_shapefile_of_many_rows_comes_in_batches_and_in_order(tmp_path: Path) -> None:
    folder = tmp_path / "many"
    folder.mkdir()
    points = shapely.points(numpy.arange(5000) / 1000, 51)
    columns = {"n": list(range(5000))}
    _written(folder / "p.shp", points, columns, driver="ESRI Shapefile", geometry_type="Point", crs="EPSG:4326")
    (tmp_path / "p.zip").write_bytes(hostile.zipped({part.name: part.read_bytes() for part in folder.iterdir()}))
    table = formats.read(tmp_path / "p.zip")
    assert [(row.line, row.values["n"]) for row in table.rows()] == [(n + 1, n) for n in range(5000)]
    assert table.share == 1


def test_what_was_unpacked_goes_when_it_is_not_needed_any_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = tmp_path / "there"
    there.mkdir()
    packed = _zip(tmp_path, NAMES)
    monkeypatch.setattr("tempfile.tempdir", str(there))
    table = formats.read(packed)
    assert len(list(there.iterdir())) == 1
    del table
    assert list(there.iterdir()) == []
    packed.write_bytes(hostile.zipped({"a.gpkg": b"SQLite format 3\0"}))
    with pytest.raises(Invalid, match="is not a readable GeoPackage"):
        formats.read(packed)
    assert list(there.iterdir()) == []


def test_wards_can_come_as_a_zipped_shapefile(tmp_path: Path) -> None:
    found = areas.understand(_zip(tmp_path, NAMES), level="ward")
    assert (found.code_column, found.name_column, found.epsg) == ("WD22CD", "WD22NM", 27700)
    bare = areas.understand(_zip(tmp_path, NAMES, (".prj",)), level="ward")
    assert bare.epsg == 27700


def _package(tmp_path: Path) -> Path:
    columns = {
        "name": ["a", "b", "c"],
        "since": numpy.array(["2026-11-23", "NaT", "2026-01-01"], dtype="datetime64[D]"),
        "open": numpy.array([True, False, True]),
        "count": numpy.array([1, 2, 3]),
    }
    return _written(tmp_path / "made.gpkg", SQUARES, columns, driver="GPKG", layer="places")


def test_a_geopackage_is_read_as_gdal_wrote_it(tmp_path: Path) -> None:
    table = formats.read(_package(tmp_path))
    assert (table.epsg, table.columns, table.what) == (
        27700, ["name", "since", "open", "count"], "GeoPackage, layer places",
    )  # fmt: skip
    first, second, _ = table.rows()
    assert first.values == {"name": "a", "since": "2026-11-23", "open": True, "count": 1}
    assert second.values["since"] is None
    assert shapely.from_wkb(first.geometry).equals(SQUARES[0])


def test_a_geopackage_with_triggers_and_views_is_only_read(tmp_path: Path) -> None:
    path = _package(tmp_path)
    with sqlite3.connect(path) as connection:
        connection.executescript(
            "CREATE TABLE log (at TEXT);"
            "CREATE TRIGGER harm AFTER INSERT ON gpkg_contents BEGIN INSERT INTO log VALUES ('x'); END;"
            "CREATE VIEW more AS SELECT * FROM places;"
            "INSERT INTO gpkg_contents (table_name, data_type, srs_id) VALUES ('more', 'features', 27700);"
            "INSERT INTO gpkg_geometry_columns VALUES ('more', 'geom', 'POLYGON', 27700, 0, 0);"
        )
    connection.close()
    before = path.read_bytes()
    assert len(list(formats.read(path, layer="places").rows())) == 3
    with pytest.raises(Invalid, match="what a view computes is not run"):
        formats.read(path, layer="more")
    with pytest.raises(Invalid, match="has the layers places, more: say which is meant"):
        formats.read(path)
    assert path.read_bytes() == before
    assert sorted(part.name for part in tmp_path.iterdir()) == ["made.gpkg"]


def test_a_broken_geometry_is_a_fault_of_its_own_row(tmp_path: Path) -> None:
    path = _package(tmp_path)
    connection = sqlite3.connect(path)
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")  # they call functions that only GDAL has
    connection.execute(
        "UPDATE places SET geom = CASE fid WHEN 1 THEN x'00112233445566778899' WHEN 2 THEN NULL ELSE geom END"
    )
    connection.commit()
    connection.close()
    first, second, third = formats.read(path).rows()
    assert first.fault == "its geometry cannot be read: it is not one of a GeoPackage"
    assert (second.geometry, second.fault, third.fault) == (None, None, None)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("places.csv", "name,lat,lon\na,51.4,-0.1\n"),
        (
            "folder/places.geojson",
            '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"name":"a"}}]}',
        ),
        ("../../places.CSV", "name;lat;lon\na;51,4;-0,1\n"),
        ("/etc/places.txt", "name\tlat\tlon\na\t51.4\t-0.1\n"),
    ],
)
def test_one_table_in_a_zip_archive_is_read_where_it_lies(tmp_path: Path, name: str, content: str) -> None:
    path = tmp_path / "inner" / "packed.zip"
    path.parent.mkdir()
    path.write_bytes(hostile.zipped({name: content, "__MACOSX/._x.csv": "", ".DS_Store": "x"}))
    assert [row.values["name"] for row in formats.read(path).rows()] == ["a"]
    assert [found.name for found in tmp_path.rglob("*")] == ["inner", "packed.zip"]


def test_of_several_tables_in_a_zip_archive_one_can_be_named(tmp_path: Path) -> None:
    path = tmp_path / "packed.zip"
    path.write_bytes(hostile.zipped({"a.csv": "name,b\nx,1\n", "b.csv": "name,b\ny,1\n"}))
    assert [row.values["name"] for row in formats.read(path, layer="b.csv").rows()] == ["y"]


def test_a_geopackage_in_a_zip_archive_is_read(tmp_path: Path) -> None:
    path = tmp_path / "packed.zip"
    path.write_bytes(hostile.zipped({"made.gpkg": _package(tmp_path).read_bytes()}))
    assert [row.values["name"] for row in formats.read(path).rows()] == ["a", "b", "c"]


def test_an_archive_with_a_password_is_refused(tmp_path: Path) -> None:
    packed = bytearray(hostile.zipped({"a.csv": "name\nx\n"}))
    packed[6] |= 1
    packed[packed.rindex(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "a.zip").write_bytes(packed)
    with pytest.raises(Invalid, match="is protected by a password"):
        formats.read(tmp_path / "a.zip")


def test_dates_of_a_shapefile_are_dates(tmp_path: Path) -> None:
    days = numpy.array(["2026-11-23", "2026-01-01", "NaT"], dtype="datetime64[D]")
    rows = list(formats.read(_zip(tmp_path, NAMES | {"on": days})).rows())
    assert [row.values["on"] for row in rows] == [date(2026, 11, 23), date(2026, 1, 1), None]


@pytest.mark.parametrize(
    ("suffix", "driver", "options"),
    [
        ("kml", "LIBKML", {}), ("kmz", "LIBKML", {}), ("kml", "KML", {}), ("gpx", "GPX", {"GPX_USE_EXTENSIONS": "YES"}),
        ("xlsx", "XLSX", {}), ("csv", "CSV", {"GEOMETRY": "AS_XY"}), ("csv", "CSV", {"GEOMETRY": "AS_WKT"}),
        ("geojson", "GeoJSON", {}), ("geojsonl", "GeoJSONSeq", {}), ("json", "GeoJSONSeq", {"RS": "YES"}),
        ("gpkg", "GPKG", {}),
    ],
)  # fmt: skip
def test_what_gdal_writes_is_read_with_every_name_and_place(
    tmp_path: Path, suffix: str, driver: str, options: dict[str, str]
) -> None:
    names, lons = ["Café", "b & <c>", "=1+1"], [-0.11, -0.12, -0.13]
    columns: dict[str, Any] = {"name": names, "desc": ["x", "y", "z"]}
    shapes = shapely.to_wkb(shapely.points(lons, 51.46))
    how: dict[str, Any] = {"geometry_type": "Point", "crs": "EPSG:4326"}
    if driver == "XLSX":  # it has no geometries
        columns |= {"lon": lons, "lat": [51.46] * 3}
        shapes, how = None, {"geometry_type": None}
    if driver in ("CSV", "GeoJSONSeq"):
        how["layer_options"], options = options, {}
    path = tmp_path / f"written.{suffix}"
    fields = [numpy.array(cells) for cells in columns.values()]
    pyogrio.raw.write(path, shapes, fields, list(columns), driver=driver, **how, **options)
    table = formats.read(path)
    rows = list(table.rows())
    reading = coordinates.understand(table, rows)
    name = next(column for column in table.columns if column.lower() == "name")
    assert [row.values[name] for row in rows] == names
    places = [shapely.from_wkb(reading.place(row, ("Point",))) for row in rows]
    assert [(point.x, point.y) for point in places] == [pytest.approx((lon, 51.46)) for lon in lons]


def test_of_the_layers_of_a_kmz_one_can_be_named(tmp_path: Path) -> None:
    link = "<kml><NetworkLink><Link><href>layers/a.kml</href></Link></NetworkLink></kml>"
    layers = {f"layers/{name}.kml": f"<kml><Placemark><name>{name}</name></Placemark></kml>" for name in "ab"}
    path = tmp_path / "two.kmz"
    path.write_bytes(hostile.zipped({"doc.kml": link, **layers}))
    with pytest.raises(Invalid, match="has the layers a, b: say which is meant"):
        formats.read(path)
    assert [row.values for row in formats.read(path, layer="b").rows()] == [{"name": "b"}]
    path.write_bytes(hostile.zipped({"doc.kml": link}))
    with pytest.raises(Invalid, match="only names other files"):
        formats.read(path)
