"""Python and SQL must agree on every cell, or a tile would ask for other rows than the database filed under it."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app.geo import cells, privacy

POSITIONS = st.tuples(
    st.floats(-180, 180, allow_nan=False, allow_subnormal=False),
    st.floats(-85.05, 85.05, allow_nan=False, allow_subnormal=False),
)
EDGES = [
    (-180.0, 0.0),
    (180.0, 0.0),
    (0.0, 0.0),
    (-0.117, 51.46),
    (180.0, 85.05),
    (-180.0, -85.05),
    (0.0, -0.0),
    (90.0, 85.05),
]
IN_SQL = text(
    """
    SELECT civic_world_x(point), civic_world_y(point), civic_cell(point)
    FROM unnest(CAST(:lons AS float8[]), CAST(:lats AS float8[])) WITH ORDINALITY AS given (lon, lat, place),
         LATERAL ST_SetSRID(ST_MakePoint(lon, lat), 4326) AS point
    ORDER BY place
    """
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(positions=st.lists(POSITIONS, min_size=20, max_size=200))
async def test_cells_and_world_positions_are_those_of_the_database(
    session: AsyncSession, positions: list[tuple[float, float]]
) -> None:
    given = EDGES + positions
    asked = {"lons": [lon for lon, _ in given], "lats": [lat for _, lat in given]}
    in_sql = [tuple(row) for row in await session.execute(IN_SQL, asked)]
    assert in_sql == [(*cells.world(lon, lat), cells.cell(lon, lat)) for lon, lat in given]


@given(position=POSITIONS, zoom=st.integers(0, 22))
def test_a_position_belongs_to_exactly_one_tile_of_a_zoom(position: tuple[float, float], zoom: int) -> None:
    tile = cells.tile_at(*position, zoom)
    low, high = tile.cells
    assert tile.exists
    assert low <= cells.cell(*position) < high
    assert high - low == 4 ** (cells.CELL_ZOOM - zoom)
    x, y = cells.world(*position)
    left, top = tile.corner
    assert left <= x < left + tile.size
    assert top <= y < top + tile.size


@given(position=POSITIONS, zoom=st.integers(1, 22))
def test_a_shifted_code_names_the_tile_around_it(position: tuple[float, float], zoom: int) -> None:
    inner, outer = cells.tile_at(*position, zoom), cells.tile_at(*position, zoom - 1)
    assert cells.morton(inner.x, inner.y) >> 2 == cells.morton(outer.x, outer.y)
    assert cells.cell(*position) >> cells.shift(zoom) == cells.morton(inner.x, inner.y)


@given(x=st.integers(0, 2**30 - 1), y=st.integers(0, 2**30 - 1))
def test_world_and_degrees_lead_back_to_each_other(x: int, y: int) -> None:
    lon, lat = cells.lon_lat(x + 0.5, y + 0.5)
    assert cells.world(lon, lat) == (x, y)


@given(position=POSITIONS)
def test_a_coarse_point_lies_in_the_cell_of_the_exact_one(position: tuple[float, float]) -> None:
    snapped = privacy.snap(*position)
    level = privacy.CELL_ZOOM
    assert cells.tile_at(snapped.x, snapped.y, level) == cells.tile_at(*position, level)


def test_the_grid_has_an_end() -> None:
    assert cells.Tile(0, 0, 0).cells == (0, 4**22)
    assert cells.Tile(22, 2**22 - 1, 2**22 - 1).exists
    outside = [(23, 0, 0), (-1, 0, 0), (0, 1, 0), (5, 32, 0), (5, 0, 32), (5, -1, 0), (5, 0, -1)]
    assert not any(cells.Tile(*place).exists for place in outside)


def test_bounds_are_degrees_and_grow_with_the_margin() -> None:
    assert cells.Tile(1, 1, 0).bounds() == (0.0, 0.0, 180.0, 85.0511287798066)
    west, south, east, north = cells.Tile(14, 8186, 5448).bounds(1 / 64)
    inner = cells.Tile(14, 8186, 5448).bounds()
    assert west < inner[0] < inner[2] < east
    assert south < inner[1] < inner[3] < north
