"""The predicates of the standard's own test suite, on its own layers in a real PostGIS: first against the numbers that
the standard gives, then, row by row, against what tests/geo/cql2_oracle.py makes of them.
"""

import json
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cql2 as package
import pyogrio
import pytest
import shapely
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Connection,
    Date,
    DateTime,
    Double,
    Integer,
    MetaData,
    Table,
    Text,
    create_engine,
    insert,
    select,
)  # fmt: skip

from app.errors import BadRequest
from app.geo import cql2, cql2_text
from tests.geo import cql2_annex, cql2_oracle
from tests.geo.cql2_annex import Try

if TYPE_CHECKING:
    from tests.conftest import Database

LAYERS = {
    "countries": "ne_110m_admin_0_countries",
    "places": "ne_110m_populated_places_simple",
    "rivers": "ne_110m_rivers_lake_centerlines",
}
KINDS: dict[str, tuple[Any, cql2.QueryableType]] = {
    "OFTString": (Text, "string"),
    "OFTInteger64": (BigInteger, "integer"),
    "OFTReal": (Double, "number"),
    "OFTDate": (Date, "date"),
    "OFTDateTime": (DateTime(timezone=True), "timestamp"),
    "OFTInteger": (Boolean, "boolean"),  # the layers have no other 32-bit field
}


class Layer:
    """One layer of the test data as a table, its queryables, and its rows in Python."""

    def __init__(self, name: str, path: Path, connection: Connection) -> None:
        info = pyogrio.read_info(path, layer=LAYERS[name])
        _, _, shapes, values = pyogrio.raw.read(path, layer=LAYERS[name])
        kinds = dict(zip(info["fields"], (KINDS[kind] for kind in info["ogr_types"]), strict=True))
        columns = [Column(field, kind) for field, (kind, _) in kinds.items()]
        self.table = Table(
            name, MetaData(), Column("id", Integer, primary_key=True), *columns, Column("geom", Geometry(srid=4326))
        )
        self.queryables = [cql2.Queryable(field, self.table.c[field], kind) for field, (_, kind) in kinds.items()]
        self.queryables.append(cql2.Queryable("geom", self.table.c.geom, "geometry"))
        self.rows = [
            {field: _plain(column[i]) for field, column in zip(kinds, values, strict=True)} | {"id": i}
            for i in range(len(shapes))
        ]
        self.connection = connection
        self.table.create(connection)
        connection.execute(
            insert(self.table),
            [row | {"geom": WKBElement(shapes[row["id"]], srid=4326)} for row in self.rows],
        )
        for row in self.rows:
            row["geom"] = shapely.from_wkb(shapes[row["id"]])

    def found(self, expression: str, language: str = "cql2-text") -> list[int]:
        """The rows that the filter lets through, by SQL."""
        where = cql2.condition(expression, self.queryables, language=language)
        return list(self.connection.scalars(select(self.table.c.id).where(where).order_by(self.table.c.id)))


def _plain(cell: Any) -> Any:
    """A cell of pyogrio's arrays as Python has it; what is missing is None."""
    found = cell.item() if hasattr(cell, "item") else cell
    if hasattr(found, "hour"):
        return found.replace(tzinfo=UTC)
    if isinstance(found, float) and found in (0.0, 1.0):
        return bool(found)  # the one field of truths is read as numbers, because some are missing
    return None if found != found else found


@pytest.fixture(scope="module")
def layers(module_database: "Database", shared_data: Path) -> Iterator[dict[str, Layer]]:
    engine = create_engine(module_database.owner.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.connect() as connection:
        path = shared_data / "cql2" / "ne110m4cql2.gpkg"
        yield {name: Layer(name, path, connection) for name in LAYERS}
    engine.dispose()


@pytest.mark.parametrize("tried", cql2_annex.ALL, ids=lambda tried: f"{tried.layer}: {tried.filter[:60]}")
def test_the_standard_finds_as_many_features_and_python_the_same_ones(layers: dict[str, Layer], tried: Try) -> None:
    layer = layers[tried.layer]
    node = cql2_text.parse(tried.filter)
    found = layer.found(tried.filter)
    assert found == layer.found(json.dumps(node), "cql2-json")
    assert found == [row["id"] for row in layer.rows if cql2_oracle.holds(node, row)]
    assert len(found) == tried.rows


def test_a_place_that_cannot_be_is_refused_as_the_standard_asks(layers: dict[str, Layer]) -> None:
    for nowhere in ("POINT(90 180)", "MULTIPOINT(7.02 49.92, 90 180)"):
        for name in ("S_INTERSECTS", "S_DISJOINT"):
            with pytest.raises(BadRequest, match="out of bounds"):
                layers["countries"].found(f"{name}(geom,{nowhere})")


@pytest.mark.parametrize("name", sorted(f"S_{name.upper()}" for name in cql2_oracle._SPATIAL))
def test_every_spatial_function_takes_every_geometry_from_both_sides(layers: dict[str, Layer], name: str) -> None:
    mixed = f"GEOMETRYCOLLECTION(POINT(7.02 49.92),LINESTRING(7 50,10 51),{cql2_annex.TEN})"
    literals = ["POINT Z(7.02 49.92 5)", "MULTIPOINT((7 50),(10 51))", "LINESTRING(7 50,10 51)", cql2_annex.WEST, mixed]
    literals += ["BBOX(170,-90,-170,90)", "BBOX(0,40,0,10,50,9)", "BBOX(7,50,7,51)", "BBOX(7,50,7,50)"]
    for layer in layers.values():
        for literal in literals:
            sides = [layer.found(f"{name}(geom,{literal})"), layer.found(f"{name}({literal},geom)")]
            assert all(len(side) <= len(layer.rows) for side in sides)
            if name not in ("S_WITHIN", "S_CONTAINS"):
                assert sides[0] == sides[1]


def test_the_package_cql2_reads_the_same_from_every_predicate() -> None:
    for tried in cql2_annex.ALL:
        assert _plainly(cql2_text.parse(tried.filter)) == _plainly(package.parse_text(tried.filter).to_json())


def _plainly(node: Any) -> Any:
    """A node with the names of its operators in one case: 't_metBy' is 't_metby'."""
    if isinstance(node, dict):
        return {key: _plainly(each.lower() if key == "op" else each) for key, each in node.items()}
    return [_plainly(each) for each in node] if isinstance(node, list) else node
