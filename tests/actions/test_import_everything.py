"""Every file of the shared assets: an account of every row, no change by a second time, nothing left by undoing."""

from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.actions import import_undo
from app.errors import Invalid
from tests.actions.releases import OPERATOR, digests, latest, release

#: file → kind, and its rows: read, created, already there, unplaced, rejected (no areas loaded); None: refused whole
FILES: dict[str, tuple[str, tuple[int, int, int, int, int] | None]] = {
    "lambeth_assets_2012.geojson": ("place", (406, 406, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethAdventurePlaygrounds.csv": ("place", (15, 15, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethCommunityToilets.csv": ("service", (30, 30, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethFoodGrowingProjects.csv": ("project", (142, 142, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethLeisureCentres.csv": ("place", (5, 5, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethLibraries.csv": ("service", (10, 10, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethPollingStations.csv": ("place", (95, 95, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethRecyclingBanks.csv": ("service", (22, 22, 0, 0, 0)),
    "lambeth_council_2012_raw/LambethSchools.csv": ("service", (87, 87, 0, 0, 0)),
    "lambeth_food_growing_2012.kml": ("project", (142, 142, 0, 0, 0)),
    "lambeth_food_growing_2012_epsg27700.gpkg": ("project", (142, 142, 0, 0, 0)),
    "lambeth_libraries_2012.gpx": ("service", (10, 10, 0, 0, 0)),
    "london_cultural_places_2026.geojson.gz": ("place", (5524, 5484, 40, 0, 0)),
    "london_cycle_routes_lines.geojson": ("place", (146, 146, 0, 0, 0)),
    "london_hospitals_cqc_2026.geojson": ("service", (181, 181, 0, 0, 0)),
    "london_osm_cafes_2026.geojson.gz": ("service", (4828, 4828, 0, 0, 0)),
    "london_schools_ofsted_2026.geojson.gz": ("service", (2237, 2237, 0, 0, 0)),
    "made_messy/bom_semicolon_libraries.csv": ("service", (10, 10, 0, 0, 0)),
    "made_messy/broken.geojson": ("place", None),
    "made_messy/cp1252_cafes.csv": ("place", (10, 10, 0, 0, 0)),
    "made_messy/decimal_comma.csv": ("place", (10, 10, 0, 0, 0)),
    "made_messy/duplicates.csv": ("place", (20, 15, 5, 0, 0)),
    "made_messy/empty.csv": ("place", None),
    "made_messy/entity_bomb.kml": ("place", None),
    "made_messy/excel_unicode_text.txt": ("place", (15, 15, 0, 0, 0)),
    "made_messy/external_entity.kml": ("place", None),
    "made_messy/header_only.csv": ("place", (0, 0, 0, 0, 0)),
    "made_messy/hostile_text.csv": ("place", (9, 8, 0, 0, 1)),
    "made_messy/missing_and_bad_coordinates.csv": ("place", (14, 5, 0, 4, 5)),
    "made_messy/not_a_csv.csv": ("place", None),
    "made_messy/odd_features.geojson": ("place", (14, 6, 0, 2, 6)),
    "made_messy/old_style_crs_27700.geojson": ("place", (10, 10, 0, 0, 0)),
    "made_messy/swapped_lat_lon_half.csv": ("place", (10, 10, 0, 0, 0)),
    "made_messy/wkt_column.csv": ("place", (10, 10, 0, 0, 0)),
    "mymaps_style_folders.kml": ("place", (27, 26, 0, 1, 0)),
    "mymaps_style_folders.kmz": ("place", (27, 26, 0, 1, 0)),
    "nyc_volunteer_opportunities_2011.csv": ("service", (665, 383, 0, 282, 0)),
}  # fmt: skip


def test_every_file_is_looked_at(shared_data: Path) -> None:
    folder = shared_data / "assets"
    assert {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} == set(FILES)


@pytest.mark.parametrize("name", FILES)
async def test_a_file_comes_in_once_and_goes_without_a_trace(
    session: AsyncSession, shared_data: Path, name: str
) -> None:
    path = shared_data / "assets" / name
    kind, expected = FILES[name]
    before = await digests(session)
    if expected is None:
        with pytest.raises(Invalid, match=path.name):
            await release(session, path, kind)
        assert await digests(session) == before
        return
    account = await release(session, path, kind)
    found = (account.read, account.created, account.already_there, account.unplaced, account.rejected)
    assert (found, account.updated, account.conflicts) == (expected, 0, 0)
    after = await digests(session)
    again = await release(session, path, kind)
    assert (again.changes, again.already_there, again.rejected) == (False, sum(expected[1:4]), expected[4])
    assert await digests(session) == after
    if account.changes:
        done = await import_undo.undo(session, OPERATOR, (await latest(session)).uid)
        assert (done.removed, done.set_back, done.kept) == (account.created, 0, 0)
    assert await digests(session) == before
