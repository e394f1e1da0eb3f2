"""The bench still runs: a small country is made twice alike, measured for a moment, and nobody may send less."""

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.geo import cells
from app.kinds import document
from bench import country, lists, load, rows, servers, site, tiles, upkeep

SIZE = 2000


def _quiet(_: str) -> None:
    """Nobody listens."""


@pytest.fixture(scope="module")
def here() -> Iterator[site.Site]:
    """A country with squares for wards, and our server on it, in a folder that the database's account can reach."""
    with tempfile.TemporaryDirectory(prefix="civic-test-") as name:
        Path(name).chmod(0o711)
        with (
            site.opened(Path(name) / "data", SIZE, seconds=1, rounds=1, say=_quiet, wards=None) as ground,
            site.serving(ground) as served,
        ):
            yield served


def test_the_made_country_is_whole_and_keeps_its_rules(here: site.Site) -> None:
    with here.connect() as connection:
        whole = connection.execute(
            "SELECT count(*), count(DISTINCT kind), count(DISTINCT theme), count(DISTINCT state), count(DISTINCT "
            "stage), count(*) FILTER (WHERE geom IS NULL), count(*) FILTER (WHERE GeometryType(geom) <> 'POINT'), "
            "count(*) FILTER (WHERE geom IS NOT NULL AND ward IS NULL) FROM asset"
        ).fetchone()
        assert whole
        assert whole[:5] == (SIZE, 7, 14, 5, 3)
        assert whole[5] > 0
        assert whole[6] > 0
        assert whole[7] == 0
        indexes = connection.execute("SELECT count(*) FROM pg_indexes WHERE tablename = 'asset'").fetchone()
        assert indexes
        assert indexes[0] > 10
        triggers = connection.execute("SELECT count(*) FROM pg_trigger WHERE tgenabled = 'D'").fetchone()
        assert triggers == (0,)
    assert country.built(here.cluster.data, SIZE, say=_quiet).size == SIZE  # found, not made again
    with pytest.raises(SystemExit, match="holds 2k assets, not 3k"):
        country.built(here.cluster.data, 3000, say=_quiet)


def test_what_the_made_country_says_is_what_a_form_would_take(here: site.Site) -> None:
    found = httpx.get(f"{here.ours.url}/api/v1/assets?limit=300", timeout=30).json()["features"]
    assert len(found) == 300
    told = ("kind", "title", "summary", "body", "theme", "stage", "details", "starts_at", "ends_at")
    for feature in found:
        properties = {name: feature["properties"][name] for name in told if feature["properties"][name] is not None}
        document.ADAPTER.validate_python({"type": "Feature", "geometry": feature["geometry"], "properties": properties})


def test_tiles_are_measured_and_a_tile_with_less_in_it_is_refused(
    here: site.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiles, "PINNED", (("z14", 14, 1000, {"raw SQL": 0.6, "tipg": 5.0}),))
    # So small a country has some 1,000 such tiles: at more in a second they would be refused as kept.
    monkeypatch.setattr(load, "LUA", load.LUA + "function delay() return 20 end\n")
    found = tiles.not_cached(here)
    assert [row.beside.split()[0] for row in found] == ["tipg", "raw"]
    assert found[0].result is None
    assert found[1].result is not None
    assert found[1].result > 0
    assert found[0].cells()[-1] == "not here"
    assert found[0].ours
    chosen = tiles.choose(here, 14, 3)
    assert tiles.check(here, here.ours, chosen)
    more = {tile: pins + 1 for tile, pins in chosen.items()}
    with pytest.raises(load.Failed, match="shows"):
        tiles.check(here, here.ours, more)


def test_clusters_that_are_not_stacks_are_refused(here: site.Site) -> None:
    far = tiles.choose(here, 12, 30)
    with pytest.raises(load.Failed, match="other clusters"):
        tiles.check(here, here.ours, far)
    with pytest.raises(load.Failed, match="somebody shows"):  # not from others either
        tiles.check(here, replace(here.ours, name="somebody"), far)


def test_growth_and_the_slow_zoom_are_told_zoom_by_zoom() -> None:
    tile = cells.Tile
    few = {tile(zoom, 0, 0): 10.0 for zoom in tiles.LOW_ZOOMS}
    grown = {1000: few, 2000: few | {tile(3, 0, 0): 31.0}}
    row = tiles.growth(grown)
    assert row.result == pytest.approx(3.1)
    assert "z3" in row.ours
    assert row.met is False


def test_lists_are_the_features_that_sql_makes(here: site.Site) -> None:
    (_, beside_sql) = lists.in_a_box(replace(here, seconds=2))
    assert beside_sql.result
    other = lists.STATEMENT.replace("'title', title", "'title', upper(title)")
    boxes = lists.choose(here, 2)
    with pytest.raises(load.Failed, match="differ"):
        lists.check(here, boxes, 2, other.replace("{limit}", "2"))


def test_ogc_is_measured_beside_our_own_list(here: site.Site) -> None:
    (items, collections) = lists.ogc(replace(here, seconds=1))
    assert items.result
    assert collections.cells()[-1] == "not here"


def test_the_map_is_kept_in_time_and_the_country_stays_as_it_was(here: site.Site) -> None:
    with here.connect() as connection:
        before = connection.execute("SELECT md5(string_agg(theme, '' ORDER BY id)) FROM asset").fetchone()
        found = upkeep.of_the_map(here)
        after = connection.execute("SELECT md5(string_agg(theme, '' ORDER BY id)) FROM asset").fetchone()
    assert before == after
    assert [row.work for row in found] == ["fold", "rebuild of the pyramid", "verify"]


def test_the_bare_framework_says_our_very_bytes(here: site.Site) -> None:
    (tile, *_) = tiles.choose(here, 12, 3)
    path = here.ours.tile(tile.z, tile.x, tile.y)
    answer = httpx.get(here.ours.url + path)
    with servers.bare("starlette", path, answer.content, {"etag": answer.headers["etag"]}) as other:
        tiles.same(here.ours, other, path, {})
        tiles.same(here.ours, other, path, {"If-None-Match": answer.headers["etag"]})
        with pytest.raises(load.Failed, match="our bytes"):
            tiles.same(here.ours, other, here.ours.tile(0, 0, 0), {})


def test_the_table_says_what_was_met_and_what_was_missed(tmp_path: Path) -> None:
    made = [
        rows.Row("fast", "2/s", "other 1/s", 2.0, 1.0),
        rows.Row("slow", "9 ms", "", 9.0, 5.0, "ms", at_most=True),
        rows.Row("absent", "3/s", "Martin", None, 1.0),
        rows.Row("broken", "", "it fell over", failed=True),
    ]
    table = rows.markdown(made).splitlines()
    assert table[2] == "| fast | 2/s | other 1/s | 2.00 × | ≥ 1.00 × | met |"
    assert table[3] == "| slow | 9 ms |  | 9.00 ms | ≤ 5.00 ms | **missed** |"
    assert table[4] == "| absent | 3/s | Martin |  | ≥ 1.00 × | not here |"
    assert table[5].endswith("| **failed** |")
    rows.write(tmp_path / "out.json", {"machine": "this"}, made)
    assert [row["met"] for row in json.loads((tmp_path / "out.json").read_text())["rows"]] == [True, False, None, None]
