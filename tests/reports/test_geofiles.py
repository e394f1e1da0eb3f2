"""GeoJSON and GeoPackage: what programs for maps read is what the report says, batch after batch."""

import json
import math
from pathlib import Path
from typing import Any

import pyogrio
import pytest

from app.reports import figures, geofiles
from app.reports.matter import Matter
from tests.reports import matters
from tests.reports.matters import HOSTILE

NOWHERE: dict[str, Any] = {"lon": None, "lat": None, "easting": None, "northing": None, "ward_name": "In no ward"}


def _matter() -> Matter:
    assets = [matters.asset(n, title) for n, title in enumerate(HOSTILE)]
    return matters.matter([*assets, matters.asset(99, "Nowhere", "", **NOWHERE)], ("W1", "W2"))


def _layer(path: Path, layer: str) -> tuple[dict[str, list[Any]], Any, dict[str, Any]]:
    """Columns by name, geometries as WKB, and what GDAL says of the layer."""
    about, _, shapes, columns = pyogrio.raw.read(path, layer=layer)
    return {name: list(column) for name, column in zip(about["fields"], columns, strict=True)}, shapes, about


def test_geojson_holds_areas_with_figures_then_assets_as_points(tmp_path: Path) -> None:
    path = tmp_path / "report.geojson"
    matter = _matter()
    geofiles.write_geojson(matter, path)
    told = json.loads(path.read_text(encoding="utf-8"))
    assert told["type"] == "FeatureCollection"
    assert [column["name"] for column in told["report"]["columns"]] == [one.name for one in matter.report.columns]
    assert told["report"]["set"]["attribution"] == "Contains OS data © Crown copyright"
    areas = [feature for feature in told["features"] if feature["properties"]["layer"] == "ward"]
    assert [one["properties"]["ward_name"] for one in areas] == ["Ward W1", "Ward W2", "Area-wide", "In no ward"]
    assert [one["geometry"] and one["geometry"]["type"] for one in areas] == ["MultiPolygon"] * 2 + [None] * 2
    assert areas[0]["properties"]["total_assets"] == len(HOSTILE)
    assert areas[0]["properties"]["hours_given"] is None
    assert "hours_given" in areas[0]["properties"]["suppressed"]
    assets = [feature for feature in told["features"] if feature["properties"]["layer"] == "asset"]
    assert [one["properties"]["title"] for one in assets] == [*HOSTILE, "Nowhere"]
    assert assets[0]["geometry"] == {"type": "Point", "coordinates": [-0.1143, 51.4613]}
    assert assets[0]["id"] == assets[0]["properties"]["uid"]
    assert assets[-1]["geometry"] is None


def test_gdal_reads_the_geojson(tmp_path: Path) -> None:
    path = tmp_path / "report.geojson"
    geofiles.write_geojson(_matter(), path)
    about = pyogrio.read_info(path)
    assert (about["driver"], about["features"], about["crs"]) == ("GeoJSON", len(HOSTILE) + 5, "EPSG:4326")


@pytest.mark.parametrize("batch", [1, 7, len(HOSTILE) + 1, 10_000])
def test_a_geopackage_holds_layers_and_tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int) -> None:
    monkeypatch.setattr(geofiles, "BATCH", batch)
    path = tmp_path / "report.gpkg"
    geofiles.write_geopackage(_matter(), path)
    layers = [(name, kind) for name, kind in pyogrio.list_layers(path)]
    assert layers == [("wards", "MultiPolygon"), ("assets", "Point"), ("definitions", None), ("about", None)]
    wards, shapes, about = _layer(path, "wards")
    assert (about["crs"], about["geometry_type"]) == ("EPSG:4326", "MultiPolygon")
    assert wards["ward_code"] == ["W1", "W2", "", ""]
    assert wards["total_assets"] == [len(HOSTILE), 0, 7, 7]
    assert all(math.isnan(value) for value in wards["hours_given"]) and "hours_given" in wards["suppressed"][0].split()
    assert [shape is None for shape in shapes] == [False, False, True, True]
    assets, points, about = _layer(path, "assets")
    assert (about["crs"], about["geometry_type"]) == ("EPSG:4326", "Point")
    assert assets["title"] == [*HOSTILE, "Nowhere"]
    assert str(assets["published_on"][0]) == "2026-05-01"
    assert (assets["easting"][0], assets["northing"][0]) == (531067, 175255)
    assert math.isnan(assets["easting"][-1]) and points[-1] is None
    definitions, _, _ = _layer(path, "definitions")
    assert definitions["name"] == [figure.name for figure in figures.of_wards(period=True)]
    said, _, _ = _layer(path, "about")
    assert dict(zip(said["what"], said["said"], strict=True))["Boundaries"] == "Wards 2022"


def test_a_geopackage_of_nothing_has_all_its_layers(tmp_path: Path) -> None:
    path = tmp_path / "report.gpkg"
    geofiles.write_geopackage(matters.matter([], ()), path)
    assert [name for name, _ in pyogrio.list_layers(path)] == ["wards", "assets", "definitions", "about"]
    assert pyogrio.read_info(path, layer="assets")["features"] == 0


def test_a_place_is_found_by_its_box(tmp_path: Path) -> None:
    """x is the longitude, and the index of places was kept through all batches."""
    path = tmp_path / "report.gpkg"
    geofiles.write_geopackage(_matter(), path)
    _, _, shapes, _ = pyogrio.raw.read(path, layer="assets", bbox=(-0.1144, 51.4612, -0.1142, 51.4614))
    assert len(shapes) == 1
