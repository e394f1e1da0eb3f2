"""Shapes: what callers may send, what is told to them, what comes back."""

import math
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from app import wire
from app.errors import Invalid
from app.geo import shapes

GEOMETRY: TypeAdapter[wire.Geometry] = TypeAdapter(wire.Geometry)
BOW_TIE = {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]]}
TRIANGLE = [[[0, 0], [0, 1], [1, 1], [0, 0]]]
OPEN = [[[0, 0], [1, 1], [1, 0], [0, 1]]]
LONG = [[[i / 5000, 0] for i in range(2501)]] * 2


def _read(geometry: dict[str, Any]) -> Any:
    return shapes.of_wire(GEOMETRY.validate_python(geometry))


@pytest.mark.parametrize(
    ("geometry", "says"),
    [
        (BOW_TIE, "crosses itself near 0.5, 0.5"),
        ({"type": "Polygon", "coordinates": OPEN}, "must end where it begins"),
        ({"type": "LineString", "coordinates": [[0, 0], [0, 0]]}, "more different positions"),
        ({"type": "MultiPolygon", "coordinates": [TRIANGLE, TRIANGLE]}, "crosses itself"),
        ({"type": "MultiLineString", "coordinates": LONG}, "5002 positions"),
    ],
)
def test_what_cannot_be_drawn_is_told(geometry: dict[str, Any], says: str) -> None:
    with pytest.raises(Invalid, match=says):
        _read(geometry)


def test_rings_are_turned_the_way_rfc_7946_asks() -> None:
    clockwise = {"type": "Polygon", "coordinates": [[[0, 0], [0, 1], [1, 1], [1, 0], [0, 0]]]}
    ring = shapes.to_geojson(_read(clockwise))["coordinates"][0]
    assert shapely.LinearRing(ring).is_ccw


@given(st.floats(-180, 180), st.floats(-85, 85))
def test_a_point_goes_to_the_database_and_back(lon: float, lat: float) -> None:
    shape = _read({"type": "Point", "coordinates": [lon, lat]})
    element = shapes.to_db(shape)
    assert element.srid == 4326
    assert shapes.of_db(element) == shape
    assert shapes.to_geojson(shape)["coordinates"] == pytest.approx([lon, lat], abs=1e-7)


def test_foreign_rings_are_mended_and_a_collection_of_one_is_its_member() -> None:
    assert shapes.of_foreign(BOW_TIE).geom_type == "MultiPolygon"
    lone = {"type": "GeometryCollection", "geometries": [{"type": "Point", "coordinates": [0, 1, 12.5]}]}
    assert shapes.of_foreign(lone).wkt == "POINT (0 1)"


@pytest.mark.parametrize(
    "value",
    [
        None,
        3,
        {},
        {"type": "Point"},
        {"type": "Point", "coordinates": [0]},
        {"type": "Point", "coordinates": ["0", "1"]},
        {"type": "Point", "coordinates": [float("nan"), 1]},
        {"type": "Point", "coordinates": []},
        {"type": "Nothing", "coordinates": [0, 1]},
        "POINT (1e999 51)",
        "LINESTRING (0 0, 1e999 51)",
        "POLYGON ((0 0, 1e999 0, 1 1, 0 0))",
        shapely.to_wkb(shapely.Point(math.inf, 51)),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow encountered:RuntimeWarning")
def test_what_is_no_geometry_is_told(value: object) -> None:
    with pytest.raises(Invalid):
        shapes.of_foreign(value)


def test_the_polygons_of_a_mended_ring_are_kept() -> None:
    mended, reason = shapes.mended(shapely.from_geojson(str(BOW_TIE).replace("'", '"')))
    assert reason is not None and "Self-intersection" in reason
    assert mended.area == pytest.approx(0.5)
    assert shapes.mended(mended) == (mended, None)
