"""Bringing in other people's tables: every row accounted for, nothing twice, nothing lost, nothing on failure."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds
from app.actions import areas, import_account, import_batches, import_plan, imports
from app.actions.import_account import FATES, Account
from app.actions.import_rows import Reject
from app.auth import VISITOR, Actor
from app.db import Engines
from app.errors import Invalid, NotSignedIn
from app.geo import areas as ground
from app.geo import coordinates, privacy
from app.models import Asset, AssetArea, History, ImportRun, MapChange, Outbox, StateChange

OPERATOR = Actor.system("test")
#: file → the kind that its rows are
COUNCIL = {
    "LambethAdventurePlaygrounds": "place",
    "LambethCommunityToilets": "service",
    "LambethFoodGrowingProjects": "project",
    "LambethLeisureCentres": "place",
    "LambethLibraries": "service",
    "LambethPollingStations": "place",
    "LambethRecyclingBanks": "service",
    "LambethSchools": "service",
}
ROWS = "title,lat,lon\nOne,51.46,-0.11\nTwo,51.47,-0.12\n"


def _file(tmp_path: Path, content: str | bytes, name: str = "file.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


async def _bring(
    session: AsyncSession, path: Path, kind: str = "place", **said: object
) -> tuple[Account, list[Reject]]:
    dry_run = bool(said.pop("dry_run", False))
    rejects: list[Reject] = []
    plan = import_plan.understand(path, kinds.BY_NAME[kind], **said)  # type: ignore[arg-type]
    account = await imports.bring_in(session, OPERATOR, plan, dry_run=dry_run, on_reject=rejects.append)
    figures = account.figures()
    assert figures["read"] == sum(figures[fate] for fate in FATES)
    placed = figures["created"] + figures["updated"] + figures["already_there"] + figures["conflicts"]
    assert placed >= figures["in_areas"] + figures["outside_areas"], "what waits for a place lies nowhere"
    assert len(rejects) == account.rejected
    return account, rejects


async def _wards(session: AsyncSession, shared_data: Path, year: int = 2022) -> None:
    path = shared_data / "wards" / f"lambeth_wards_{year}.geojson"
    await areas.bring_in(session, OPERATOR, areas.understand(path, level="ward"))


async def _assets(session: AsyncSession) -> Sequence[Asset]:
    return (await session.scalars(select(Asset).order_by(Asset.id))).all()


async def _counts(session: AsyncSession) -> list[int]:
    counted = (Asset, AssetArea, ImportRun, StateChange, History, Outbox, MapChange)
    return [await session.scalar(select(func.count()).select_from(model)) or 0 for model in counted]


# ── the eight council files ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("year", [2022, 2013])
async def test_the_eight_council_files_give_their_figures(engines: Engines, shared_data: Path, year: int) -> None:
    async with engines.transaction() as session:
        await _wards(session, shared_data, year)
    total: dict[str, dict[str, int]] = {}
    rejects: list[Reject] = []
    for run in ("dry run", "first run", "second run"):
        total[run] = dict.fromkeys(import_account.FIGURES, 0)
        async with engines.transaction() as reading:
            before = await _counts(reading)
        for name, kind in COUNCIL.items():
            path = shared_data / "assets" / "lambeth_council_2012_raw" / f"{name}.csv"
            async with engines.transaction() as session:
                account, refused = await _bring(session, path, kind, dry_run=run == "dry run")
            rejects += refused
            for figure, value in account.figures().items():
                total[run][figure] += value
        async with engines.transaction() as reading:
            assert (await _counts(reading) == before) == (run != "first run"), f"the {run} wrote"
        sys.stdout.write(f"{run}: {total[run]}\n")  # the figures of the issue, for whoever reads the log
    first = dict.fromkeys(import_account.FIGURES, 0)
    first |= {"read": 406, "created": 405, "rejected": 1, "in_areas": 402, "outside_areas": 3, "swapped": 0}
    for figures in total.values():
        figures["duplicates"] = 0  # a dry run does not see those of the file before
    assert total["first run"] == total["dry run"] == first
    assert total["second run"] == first | {"created": 0, "already_there": 405}
    assert {(reject.line, reject.title) for reject in rejects} == {(22, "King's Avenue, junction with Clarence Avenue")}
    async with engines.transaction() as session:
        places = {(asset.id, asset.ward) for asset in await _assets(session)}
        await ground.assign(session)
        session.expire_all()
        assert {(asset.id, asset.ward) for asset in await _assets(session)} == places, "one definition of a ward"


async def test_rows_lie_where_a_better_transformation_puts_them(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    for name, kind in COUNCIL.items():
        await _bring(session, shared_data / "assets" / "lambeth_council_2012_raw" / f"{name}.csv", kind)
    known = json.loads((shared_data / "assets" / "lambeth_assets_2012.geojson").read_text(encoding="utf-8"))
    right = {
        (feature["properties"]["source_file"], *feature["geometry"]["coordinates"]) for feature in known["features"]
    }
    statement = text(
        "SELECT count(*) FROM unnest(CAST(:sources AS text[]), CAST(:lons AS float[]), CAST(:lats AS float[])) "
        "AS known (source, lon, lat) WHERE EXISTS (SELECT FROM asset WHERE asset.source || '.csv' = known.source AND "
        "ST_DWithin(asset.geom::geography, ST_SetSRID(ST_MakePoint(lon, lat), 4326)::geography, 5))"
    )
    sources, lons, lats = (list(column) for column in zip(*right, strict=True))
    found = await session.scalar(statement, {"sources": sources, "lons": lons, "lats": lats})
    assert found == len(right) - 1  # all but the bank near Middlesbrough


async def test_a_polling_station_is_called_by_its_venue(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    path = shared_data / "assets" / "lambeth_council_2012_raw" / "LambethPollingStations.csv"
    plan = import_plan.understand(path, kinds.BY_NAME["place"])
    assert plan.fields["title"] == "VENUE"
    assert any("'Name' repeats (21 different in 95), so it names a group" in line for line in plan.says())
    await _bring(session, path)
    first = (await _assets(session))[0]
    assert first.title == "St John Angell Town CE Primary School"
    assert first.details["address"] == "85 Angell Town"
    assert first.body == "- Postcode: SW9 7HH\n- Name: Coldharbour\n- District code: NJA"
    assert (first.via, first.state, first.source) == ("import", "published", "LambethPollingStations")


async def test_rows_that_slid_to_the_right_keep_every_cell(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    await _bring(
        session, shared_data / "assets" / "lambeth_council_2012_raw" / "LambethFoodGrowingProjects.csv", "project"
    )
    garden = next(asset for asset in await _assets(session) if asset.title == "The Sustaining Garden")
    assert garden.details["address"] == "47 Fentiman Road"
    assert garden.body == "- No: 26\n- Postcode: SW81LH\n- Notes: shared garden\n- Column 8: Private"
    assert garden.ward is not None


# ── what a run leaves behind ────────────────────────────────────────────────────────────────


async def test_a_run_leaves_one_history_row_one_event_and_a_first_state_for_each_asset(
    session: AsyncSession, tmp_path: Path
) -> None:
    account, _ = await _bring(session, _file(tmp_path, ROWS))
    assert account.created == 2
    run = (await session.scalars(select(ImportRun))).one()
    assert (run.rows_read, run.created, run.already_there, run.rejected, run.state) == (2, 2, 0, 0, "done")
    assert {asset.import_id for asset in await _assets(session)} == {run.id}
    assert (await session.scalars(select(History.thing_uid).where(History.verb == "imports.bring_in"))).all() == [
        run.uid
    ]
    assert len((await session.scalars(select(Outbox).where(Outbox.event == "imports.bring_in"))).all()) == 1
    states = (await session.execute(select(StateChange.thing_id, StateChange.to_state))).all()
    assert sorted(tuple(row) for row in states) == [(asset.id, "published") for asset in await _assets(session)]
    assert await session.scalar(select(func.count()).select_from(MapChange)) == 0, "it folds its own log"


async def test_only_an_operator_imports(session: AsyncSession, tmp_path: Path) -> None:
    plan = import_plan.understand(_file(tmp_path, ROWS), kinds.BY_NAME["place"])
    with pytest.raises(NotSignedIn):
        await imports.bring_in(session, VISITOR, plan)


async def test_already_there_means_the_same_row_of_the_same_source(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, ROWS, "a.csv"))
    other, _ = await _bring(session, _file(tmp_path, ROWS, "b.csv"))
    assert other.created == 2, "another source may say the same"
    again, _ = await _bring(session, _file(tmp_path, ROWS, "b.csv"), source="a")
    assert (again.created, again.already_there) == (0, 2)
    reordered = "lon,title,lat\n-0.11,One,51.46\n-0.12,  Two ,51.47\n-0.12,Three,51.47\n"
    more, _ = await _bring(session, _file(tmp_path, reordered, "a.csv"))
    assert (more.created, more.already_there) == (1, 2)


async def test_of_two_identical_rows_the_first_is_created(session: AsyncSession, tmp_path: Path) -> None:
    account, _ = await _bring(session, _file(tmp_path, ROWS + "One,51.46,-0.11\n"))
    assert (account.created, account.already_there) == (2, 1)


async def test_identical_rows_in_different_batches_are_one_asset(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", 2)
    account, _ = await _bring(session, _file(tmp_path, ROWS + "Three,51.4,-0.1\nOne,51.46,-0.11\nNo,,\n"))
    assert (account.read, account.created, account.already_there, account.unplaced) == (5, 3, 1, 1)


async def test_without_areas_no_row_is_too_far(session: AsyncSession, tmp_path: Path) -> None:
    account, _ = await _bring(session, _file(tmp_path, "title,lat,lon\nSydney,-33.87,151.21\n"))
    assert (account.created, account.outside_areas) == (1, 1)


@pytest.mark.parametrize(("lon", "taken"), [(-0.2, True), (-0.258, True), (-0.265, False)])
async def test_five_kilometres_are_the_limit(session: AsyncSession, tmp_path: Path, lon: float, taken: bool) -> None:
    """At 51.45° N a hundredth of a degree of longitude is 694 m, and the ward begins at -0.19: 0.7, 4.7 and 5.2 km."""
    ring = [[-0.19, 51.4], [-0.1, 51.4], [-0.1, 51.5], [-0.19, 51.5], [-0.19, 51.4]]
    ward = {"type": "Feature", "properties": {"code": "W", "name": "W"}}
    ward["geometry"] = {"type": "Polygon", "coordinates": [ring]}
    path = _file(tmp_path, json.dumps({"type": "FeatureCollection", "features": [ward]}), "w.geojson")
    await areas.bring_in(session, OPERATOR, areas.understand(path, level="ward"))
    account, rejects = await _bring(session, _file(tmp_path, f"title,lat,lon\nA,51.45,{lon}\nIn,51.45,-0.15\n"))
    assert (account.created, account.in_areas) == ((2, 1) if taken else (1, 1))
    assert [reject.reason for reject in rejects] == (
        [] if taken else ["it lies 5.2 km from the nearest area of this map"]
    )


# ── what rows become ────────────────────────────────────────────────────────────────────────


async def test_shapes_come_in_whole(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    account, _ = await _bring(session, shared_data / "assets" / "london_cycle_routes_lines.geojson")
    assert (account.read, account.created) == (146, 73)
    types = set(await session.scalars(select(func.GeometryType(Asset.geom)).distinct()))
    assert "MULTILINESTRING" in types


async def test_an_offer_is_snapped_and_its_address_left_out(session: AsyncSession, tmp_path: Path) -> None:
    content = "title,easting,northing,address,phone,notes\nI mend bikes,531067.0,175255.0,1 High Street,020,Sundays\n"
    path = _file(tmp_path, content)
    plan = import_plan.understand(path, kinds.BY_NAME["offer"])
    assert any("shown only roughly: address, phone" in line for line in plan.says())
    await _bring(session, path, "offer")
    found = await session.execute(
        select(func.ST_X(Asset.geom), func.ST_Y(Asset.geom), Asset.body, Asset.location_class)
    )
    lon, lat, body, location_class = found.one()
    centre = privacy.snap(-0.1147, 51.4611)
    assert (lon, lat) == (pytest.approx(centre.x, abs=1e-6), pytest.approx(centre.y, abs=1e-6))
    assert (body, location_class) == ("- Notes: Sundays", "person")


async def test_what_does_not_fit_its_field_is_kept_in_the_text(session: AsyncSession, tmp_path: Path) -> None:
    content = f"name,lat,lon,address,use,website,organiser\n{'x' * 200},51,0,{'y' * 301},Unused,not a url,{'z' * 200}\n"
    account, _ = await _bring(session, _file(tmp_path, content))
    asset = (await _assets(session))[0]
    assert len(asset.title) == 160 and asset.title.endswith("…")
    assert asset.details["use"] == "unused", "a word of a list is recognised"
    assert (asset.details["address"], asset.website, asset.organiser) == ("", None, "")
    for cell in ("x" * 200, "y" * 301, "not a url", "z" * 200):
        assert cell in asset.body
    assert sum(account.remarks.values()) == 4


async def test_a_long_description_becomes_the_story(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, f"name,lat,lon,description\nA,51,0,short\nB,51,0,{'word ' * 200}\n"))
    short, long = await _assets(session)
    assert (short.summary, short.body) == ("short", "")
    assert (long.summary, long.body) == ("", ("word " * 200).strip())


async def test_what_a_person_maps_is_obeyed(session: AsyncSession, tmp_path: Path) -> None:
    path = _file(tmp_path, "name,what,E,N\nx,Brixton Library,531067,175255\n")
    mapping = {"title": "what", "x": "E", "y": "N", "details.address": "name"}
    await _bring(session, path, mapping=mapping, crs="EPSG:27700", theme="arts")
    asset = (await _assets(session))[0]
    assert (asset.title, asset.theme, asset.details["address"]) == ("Brixton Library", "arts", "x")


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"mapping": {"title": "Titel"}}, "no column 'Titel'"),
        ({"mapping": {"colour": "title"}}, "no field 'colour'"),
        ({"mapping": {"x": "lon"}}, "say both, or neither"),
        ({"crs": "British"}, "is not a coordinate system"),
    ],
)
def test_a_word_that_the_file_does_not_bear_out_is_told(tmp_path: Path, said: dict[str, object], says: str) -> None:
    with pytest.raises(coordinates.Misnamed, match=says):
        import_plan.understand(_file(tmp_path, ROWS), kinds.BY_NAME["place"], **said)  # type: ignore[arg-type]


async def test_a_system_that_nobody_knows_is_told(session: AsyncSession, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match="EPSG:99999 is not a coordinate system that the database knows"):
        await _bring(session, _file(tmp_path, ROWS), crs="EPSG:99999")


# ── broken and hostile files ────────────────────────────────────────────────────────────────

#: file → read, created, already there, unplaced, rejected; None: it is refused whole
MESSY: dict[str, tuple[int, int, int, int, int] | None] = {
    "bom_semicolon_libraries.csv": (10, 10, 0, 0, 0),
    "broken.geojson": None,
    "cp1252_cafes.csv": (10, 10, 0, 0, 0),
    "decimal_comma.csv": (10, 10, 0, 0, 0),
    "duplicates.csv": (20, 15, 5, 0, 0),
    "empty.csv": None,
    "entity_bomb.kml": None,
    "excel_unicode_text.txt": (15, 15, 0, 0, 0),
    "external_entity.kml": None,
    "header_only.csv": (0, 0, 0, 0, 0),
    "hostile_text.csv": (9, 8, 0, 0, 1),
    "missing_and_bad_coordinates.csv": (14, 4, 0, 4, 6),
    "not_a_csv.csv": None,
    "odd_features.geojson": (14, 5, 0, 2, 7),
    "old_style_crs_27700.geojson": (10, 10, 0, 0, 0),
    "swapped_lat_lon_half.csv": (10, 5, 0, 0, 5),
    "wkt_column.csv": (10, 10, 0, 0, 0),
}


@pytest.mark.parametrize("name", sorted(MESSY))
async def test_messy_files_are_accounted_for_or_refused(session: AsyncSession, shared_data: Path, name: str) -> None:
    await _wards(session, shared_data)
    path = shared_data / "assets" / "made_messy" / name
    expected = MESSY[name]
    if expected is None:
        before = await _counts(session)
        with pytest.raises(Invalid, match=name):
            await _bring(session, path)
        assert await _counts(session) == before
        return
    account, _ = await _bring(session, path)
    assert (account.read, account.created, account.already_there, account.unplaced, account.rejected) == expected
    again, _ = await _bring(session, path)
    there = account.created + account.already_there + account.unplaced
    assert (again.changes, again.created, again.already_there) == (False, 0, there)


def test_every_messy_file_is_looked_at(shared_data: Path) -> None:
    assert {path.name for path in (shared_data / "assets" / "made_messy").iterdir()} == set(MESSY)


async def test_swapped_coordinates_get_a_hint(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    _, rejects = await _bring(session, shared_data / "assets" / "made_messy" / "swapped_lat_lon_half.csv")
    assert [reject.line for reject in rejects] == [3, 5, 7, 9, 11]
    assert all("changed over it would lie inside" in reject.reason for reject in rejects)


async def test_hostile_text_is_stored_as_text(session: AsyncSession, shared_data: Path) -> None:
    await _wards(session, shared_data)
    _, rejects = await _bring(session, shared_data / "assets" / "made_messy" / "hostile_text.csv")
    titles = [asset.title for asset in await _assets(session)]
    assert '=HYPERLINK("http://127.0.0.1/","click")' in titles
    assert "<script>alert(1)</script> Garden" in titles
    assert "Line break in title" in titles
    assert [(reject.line, "NUL" in reject.reason) for reject in rejects] == [(9, True)]


@pytest.mark.parametrize("text", [r"\u0000", r"\ud800", "x" * 30_000])
async def test_what_the_database_cannot_hold_is_refused_row_by_row(
    session: AsyncSession, tmp_path: Path, text: str
) -> None:
    point = '"geometry": {"type": "Point", "coordinates": [0.5, 51]}'
    named, valued = f'{{"name": "A", "n{text}": 1}}', f'{{"name": "A", "note": "{text}"}}'
    features = [f'{{"type": "Feature", "properties": {properties}, {point}}}' for properties in (named, valued)]
    features.append(f'{{"type": "Feature", "properties": {{"name": "B"}}, {point}}}')
    path = _file(tmp_path, f'{{"type": "FeatureCollection", "features": [{", ".join(features)}]}}', "f.geojson")
    account, rejects = await _bring(session, path)
    assert (account.created, [reject.line for reject in rejects]) == (1, [1, 2])


async def test_a_file_that_breaks_off_changes_nothing(engines: Engines, tmp_path: Path) -> None:
    lines = "".join(f"Place {n},51.4,-0.1\n" for n in range(2500))
    path = _file(tmp_path, f'title,lat,lon\n{lines}"never closed,51.4,-0.1\n')
    async with engines.transaction() as reading:
        before = await _counts(reading)
    with pytest.raises(Invalid, match="line 2502: a quotation mark opens here"):
        async with engines.transaction() as session:
            await _bring(session, path)
    async with engines.transaction() as reading:
        assert await _counts(reading) == before


# ── the file of rejects ─────────────────────────────────────────────────────────────────────


def test_rejects_are_written_as_harmless_text_and_only_when_all_went_well(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    with import_account.rejects_file(path, "line") as reject:
        reject(Reject(3, "it has no coordinates", "=1+1"))
        assert not path.exists()
    assert path.read_bytes() == b"line,reason,title\r\n3,it has no coordinates,'=1+1\r\n"
    with pytest.raises(ValueError, match="broken"), import_account.rejects_file(path, "line") as reject:
        raise ValueError("broken")
    assert [file.name for file in tmp_path.iterdir()] == ["rejects.csv"]
    assert b"=1+1" in path.read_bytes()
