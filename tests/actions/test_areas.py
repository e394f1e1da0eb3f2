"""Bringing in boundaries, made ones and the real ones."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import numpy
import pyogrio
import pytest
import shapely
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.actions import areas
from app.actions.progress import Progress
from app.auth import VISITOR, Actor
from app.db import Engines
from app.errors import Invalid, NotSignedIn
from app.geo import areas as ground
from app.geo import coordinates, formats
from app.geo.tables import Row
from app.models import Area, Asset, AssetArea, BoundarySet, History, MapChange, OfficerArea, Person
from tests.geo import hostile

OPERATOR = Actor.system("test")
BOW_TIE = [[[0, 0], [0.1, 0.1], [0.1, 0], [0, 0.1], [0, 0]]]


def _box(west: float, south: float, size: float = 0.1) -> list[list[list[float]]]:
    east, north = west + size, south + size
    return [[[west, south], [east, south], [east, north], [west, north], [west, south]]]


def _file(folder: Path, name: str, boxes: dict[str, Any], **members: Any) -> Path:
    """A file of areas: code → rings."""
    features = [
        {"type": "Feature", "properties": {"code": code, "name": f"Area {code}", "people": 1200},
         "geometry": {"type": "Polygon", "coordinates": rings}}
        for code, rings in boxes.items()
    ]  # fmt: skip
    path = folder / f"{name}.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", **members, "features": features}), encoding="utf-8")
    return path


async def _bring(session: AsyncSession, path: Path, level: str = "ward", **said: Any) -> areas.Outcome:
    return await areas.bring_in(session, OPERATOR, areas.understand(path, level=level, **said))


async def _pin(session: AsyncSession, lon: float, lat: float) -> Asset:
    asset = Asset(kind="place", title="A place", geom=f"SRID=4326;POINT({lon} {lat})", published_at=func.now())
    session.add(asset)
    await session.flush()
    await ground.assign(session, [asset.id])
    return asset


async def _current(session: AsyncSession, level: str = "ward") -> list[str]:
    codes = select(Area.code).where(Area.level == level, Area.ended_at.is_(None)).order_by(Area.code)
    return list(await session.scalars(codes))


async def _ward(session: AsyncSession, asset: Asset) -> str | None:
    return await session.scalar(select(Asset.ward).where(Asset.id == asset.id))


# ── a set comes in ──────────────────────────────────────────────────────────────────────────


async def test_it_says_how_far_it_is_and_sets_wards_in_batches(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ground, "BATCH", 2)
    pins = [await _pin(session, 0.05, 0.05) for _ in range(5)]
    told: list[Progress] = []
    wanted = areas.understand(_file(tmp_path, "wards", {"A": _box(0, 0), "B": _box(0.1, 0)}), level="ward")
    await areas.bring_in(session, OPERATOR, wanted, tell=told.append)
    assert [(one.phase, one.done, one.share) for one in told] == [
        ("reading", 1, 1.0), ("reading", 2, 1.0), ("checking the outlines", 0, None),
        ("setting wards, writers wait", 2, 0.4), ("setting wards, writers wait", 4, 0.8),
        ("setting wards, writers wait", 5, 1.0),
    ]  # fmt: skip
    assert {await _ward(session, pin) for pin in pins} == {"A"}


async def test_a_set_comes_in_and_assets_find_their_ward(session: AsyncSession, tmp_path: Path) -> None:
    pin = await _pin(session, 0.05, 0.05)
    done = await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0), "B": _box(0.1, 0)}), population="people")
    assert (done.added, done.in_wards, done.outside, done.mended) == (2, 1, 0, [])
    assert await _ward(session, pin) == "A"
    found = (await session.execute(select(Area.name, Area.population).order_by(Area.code))).all()
    assert [tuple(row) for row in found] == [("Area A", 1200), ("Area B", 1200)]
    made = await session.scalar(select(BoundarySet))
    assert made is not None and (made.name, made.valid_from) == ("wards", None)
    assert await session.scalar(select(History.actor).where(History.verb == "areas.bring_in")) == "system:test"


async def test_only_an_operator_brings_boundaries_in(session: AsyncSession, tmp_path: Path) -> None:
    wanted = areas.understand(_file(tmp_path, "wards", {"A": _box(0, 0)}), level="ward")
    with pytest.raises(NotSignedIn):
        await areas.bring_in(session, VISITOR, wanted)


async def test_crossing_rings_are_mended_and_told(session: AsyncSession, tmp_path: Path) -> None:
    done = await _bring(session, _file(tmp_path, "wards", {"A": BOW_TIE, "B": _box(0.1, 0)}))
    assert [code for code, _ in done.mended] == ["A"]
    assert "Self-intersection" in done.mended[0][1]
    assert await session.scalar(select(func.bool_and(func.ST_IsValid(Area.geom)))) is True
    assert any("Mended the outline of A" in line for line in done.says())


@pytest.mark.parametrize(
    ("boxes", "says"),
    [
        ({"": _box(0, 0)}, "its code is empty"),
        ({"A" * 21: _box(0, 0)}, "at most 20 characters"),
        ({"A": []}, "cannot be read|no polygon"),
        ({"A": [[[0, 0], [0, 0], [0, 0], [0, 0]]]}, "have no polygon: A"),
        ({}, "has no areas"),
    ],
)
async def test_what_is_no_area_is_refused(session: AsyncSession, tmp_path: Path, boxes: Any, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await _bring(session, _file(tmp_path, "wards", boxes), code="code", name="name")


async def test_a_column_that_is_not_there_is_told_with_those_that_are(tmp_path: Path) -> None:
    path = _file(tmp_path, "wards", {"A": _box(0, 0)})
    with pytest.raises(coordinates.Misnamed, match=r"no column 'WD22CD'\. The columns are: code, name, people"):
        areas.understand(path, level="ward", code="WD22CD")
    with pytest.raises(Invalid, match="come into force"):
        areas.understand(path, level="ward", valid_from=date(2999, 1, 1))


async def test_metres_and_a_geopackage_are_brought_to_degrees(session: AsyncSession, tmp_path: Path) -> None:
    path = tmp_path / "wards.gpkg"
    shape, code, name = (
        numpy.array([cell], dtype=object)
        for cell in (shapely.to_wkb(shapely.box(530_000, 174_000, 532_000, 176_000)), "A", "Brixton")
    )
    pyogrio.raw.write(
        path, geometry=shape, field_data=[code, name], fields=["WD22CD", "WD22NM"], crs="EPSG:27700",
        geometry_type="Polygon", driver="GPKG", layer="wards",
    )  # fmt: skip
    pin = await _pin(session, -0.1147, 51.4611)
    assert (await _bring(session, path)).added == 1
    assert await _ward(session, pin) == "A"


# ── a set takes another's place ─────────────────────────────────────────────────────────────


async def test_a_new_set_ends_only_what_lies_in_its_union(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "old", {"A": _box(0, 0), "B": _box(0.1, 0), "C": _box(0.2, 0)}))
    pins = [await _pin(session, lon, 0.05) for lon in (0.05, 0.15, 0.25)]
    changes = await session.scalar(select(func.count()).select_from(MapChange))
    done = await _bring(session, _file(tmp_path, "new", {"N": _box(0, 0), "B": _box(0.1, 0)}))
    assert done.ended == {"old": 2}
    assert await _current(session) == ["B", "C", "N"]
    assert [await _ward(session, pin) for pin in pins] == ["N", "B", "C"]
    assert await session.scalar(select(func.count()).select_from(AssetArea)) == 5  # each set keeps its rows
    assert await session.scalar(select(func.count()).select_from(MapChange)) == changes
    assert await session.scalar(select(func.max(Asset.version))) == 1
    old, new = [await session.scalar(select(BoundarySet).where(BoundarySet.name == name)) for name in ("old", "new")]
    assert old is not None and new is not None
    assert old.valid_to is None  # C is still in force
    assert new.valid_from is not None  # it replaced something today


async def test_another_level_is_left_alone(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0)}))
    await _bring(session, _file(tmp_path, "boroughs", {"A": _box(0, 0)}), level="borough")
    assert await _current(session) == await _current(session, "borough") == ["A"]


async def test_a_set_that_comes_late_yields_to_the_later_one(session: AsyncSession, tmp_path: Path) -> None:
    pin = await _pin(session, 0.05, 0.05)
    await _bring(session, _file(tmp_path, "new", {"N": _box(0, 0)}), valid_from=date(2022, 5, 5))
    done = await _bring(
        session, _file(tmp_path, "old", {"A": _box(0, 0), "B": _box(0.1, 0)}), valid_from=date(2013, 5, 2)
    )
    assert (done.late, done.ended) == (1, {})
    assert await _current(session) == ["B", "N"]
    assert await _ward(session, pin) == "N"
    ended = await session.scalar(select(Area.ended_at).where(Area.code == "A"))
    assert ended is not None and ended.date() == date(2022, 5, 5)


async def test_the_same_set_again_changes_nothing(session: AsyncSession, tmp_path: Path) -> None:
    path = _file(tmp_path, "wards", {"A": _box(0, 0), "B": _box(0.1, 0)})
    await _bring(session, path)
    histories = select(func.count()).select_from(History)
    before = await session.scalar(histories)
    done = await _bring(session, path)
    assert (done.added, done.rewritten, done.ended) == (0, 0, {})
    assert await session.scalar(select(func.count()).select_from(Area)) == 2
    assert await session.scalar(histories) == before


async def test_a_corrected_edition_rewrites_what_differs(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0), "B": _box(0.1, 0)}))
    pin = await _pin(session, 0.25, 0.05)
    ids = set(await session.scalars(select(Area.id)))
    done = await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0), "B": _box(0.1, 0, 0.2)}))
    assert (done.added, done.rewritten) == (0, 1)
    assert set(await session.scalars(select(Area.id))) == ids
    assert await _ward(session, pin) == "B"


async def test_a_name_that_is_taken_by_other_codes_is_refused(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0)}))
    path = _file(tmp_path, "wards", {"X": _box(0, 0)})
    with pytest.raises(Invalid, match=r"other codes is loaded \(2 differ: A, X\)"):
        await _bring(session, path)
    with pytest.raises(Invalid, match="of the level ward is loaded"):
        await _bring(session, path, level="borough")


async def test_parents_follow_the_middle_of_each_area(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "wards", {"A": _box(0, 0), "C": _box(0.5, 0)}))
    await _bring(session, _file(tmp_path, "boroughs", {"LAD": _box(0, 0, 0.3)}), level="borough")
    tree = text("SELECT a.code, p.code FROM area a LEFT JOIN area p ON p.id = a.parent_id")
    parents = {tuple(row) for row in await session.execute(tree)}
    assert parents == {("A", "LAD"), ("C", None), ("LAD", None)}


async def test_what_stands_for_an_area_moves_to_the_new_one(session: AsyncSession, tmp_path: Path) -> None:
    await _bring(session, _file(tmp_path, "old", {"A": _box(0, 0), "B": _box(0.1, 0)}))
    ids = dict((await session.execute(select(Area.code, Area.id))).all())
    for code in ("A", "B"):
        session.add(Asset(kind="project", title=f"For all of {code}", area_id=ids[code]))
    await session.flush()
    done = await _bring(session, _file(tmp_path, "new", {"A": _box(0, 0), "N": _box(0.1, 0)}))
    assert (done.moved, done.left) == (2, 0)
    found = await session.execute(
        select(Asset.title, Area.code, Asset.ward, Asset.version)
        .join(Area, Area.id == Asset.area_id)
        .order_by(Asset.id)
    )
    assert [tuple(row) for row in found] == [("For all of A", "A", "A", 1), ("For all of B", "N", "N", 2)]


async def test_an_officer_stays_one_when_the_boundaries_change(session: AsyncSession, tmp_path: Path) -> None:
    boxes = {"A": _box(0, 0), "B": _box(0.1, 0), "C": _box(5, 5), "D": _box(5.1, 5)}
    await _bring(session, _file(tmp_path, "old", boxes))
    ids = dict((await session.execute(select(Area.code, Area.id))).all())
    officer = Person(name="Officer")
    session.add(officer)
    await session.flush()
    offices = {"A": "officer", "B": "councillor", "C": "officer", "D": "councillor"}
    session.add_all(OfficerArea(person_id=officer.id, area_id=ids[code], role=role) for code, role in offices.items())
    await session.flush()
    # C and D become one; where both offices meet, the officer's stays.
    await _bring(session, _file(tmp_path, "new", {"A": _box(0, 0), "N": _box(0.1, 0), "M": _box(5, 5, 0.2)}))
    held = select(Area.code, OfficerArea.role).join(OfficerArea, OfficerArea.area_id == Area.id)
    current = await session.execute(held.where(OfficerArea.person_id == officer.id, Area.ended_at.is_(None)))
    assert dict(current.all()) == {"A": "officer", "N": "councillor", "M": "officer"}


async def test_official_boundaries_end_every_illustrative_area(session: AsyncSession, tmp_path: Path) -> None:
    for level, code in (("ward", "X-W"), ("borough", "X-B")):
        made = BoundarySet(level=level, name=f"Illustrative {level}s", illustrative=True)
        session.add(made)
        await session.flush()
        shape = "SRID=4326;MULTIPOLYGON(((5 5,6 5,6 6,5 6,5 5)))"
        session.add(Area(set_id=made.id, level=level, code=code, name=code, geom=shape))
    await session.flush()
    borough = await session.scalar(select(Area.id).where(Area.code == "X-B"))
    session.add(Asset(kind="project", title="Everywhere", area_id=borough))
    await session.flush()
    done = await _bring(session, _file(tmp_path, "wards", {"A": _box(5, 5)}))
    assert done.ended == {"Illustrative wards": 1, "Illustrative boroughs": 1}
    assert done.left == 1 and "import its level too" in " ".join(done.says())
    assert (await session.scalar(select(BoundarySet.valid_from).where(BoundarySet.name == "wards"))) is None
    done = await _bring(session, _file(tmp_path, "boroughs", {"B": _box(5, 5, 2)}), level="borough")
    assert (done.moved, done.left) == (1, 0)


async def test_a_failed_import_changes_nothing(engines: Engines, tmp_path: Path) -> None:
    path = _file(tmp_path, "wards", {"A": _box(0, 0), "": _box(0.1, 0)})
    with pytest.raises(Invalid):
        async with engines.transaction() as session:
            await _bring(session, path, code="code", name="name")
    async with engines.reading() as session:
        assert await session.scalar(select(func.count()).select_from(BoundarySet)) == 0


# ── the real ones ───────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("name", "level", "count", "code"),
    [
        ("lambeth_wards_2013.geojson", "ward", 21, "WD13CD"),
        ("lambeth_wards_2013_council_copy.geojson", "ward", 21, "WD13CD"),
        ("lambeth_wards_2022.geojson", "ward", 25, "WD22CD"),
        ("lambeth_lsoa_2021_simplified.geojson", "neighbourhood", 181, "LSOA21CD"),
        ("london_boroughs.geojson", "borough", 33, "CODE"),
        ("london_wards_2013.geojson.gz", "ward", 649, "WD13CD"),
    ],
)
async def test_usual_column_names_are_known(
    session: AsyncSession, shared_data: Path, name: str, level: str, count: int, code: str
) -> None:
    wanted = areas.understand(shared_data / "wards" / name, level=level)
    assert wanted.code_column == code
    done = await areas.bring_in(session, OPERATOR, wanted)
    assert done.added == count
    metres = select(func.sum(func.ST_Area(func.geography(Area.geom))) / 1e6).where(Area.level == level)
    km2 = float(await session.scalar(metres) or 0)
    if name.startswith("lambeth_wards"):
        assert 26.6 < km2 < 26.9


async def test_every_ward_nine_times_is_refused_with_the_list(session: AsyncSession, shared_data: Path) -> None:
    path = shared_data / "wards" / "raw_lambeth_wards_2022_each_ward_9_times.geojson"
    with pytest.raises(Invalid, match=r"25 codes stand more than once .* E05014095 \(9 times\).*E05014119"):
        await _bring(session, path)


async def test_wards_without_codes_ask_for_a_column(shared_data: Path) -> None:
    with pytest.raises(Invalid, match=r"known to hold the codes: say --code COLUMN\. The columns are: WARD_NAME"):
        areas.understand(shared_data / "wards" / "lambeth_wards_2022_simplified.geojson", level="ward")


async def test_topojson_is_refused_with_a_way_out(shared_data: Path) -> None:
    with pytest.raises(Invalid, match=r"is TopoJSON.*ogr2ogr"):
        areas.understand(shared_data / "wards" / "raw_lambeth_wards_2022_topojson_one_invalid.json", level="ward")


async def test_lambeths_new_wards_end_lambeths_old_ones_and_no_others(session: AsyncSession, shared_data: Path) -> None:
    await _bring(session, shared_data / "wards" / "london_wards_2013.geojson.gz")
    done = await _bring(session, shared_data / "wards" / "lambeth_wards_2022.geojson")
    assert done.ended == {"london_wards_2013": 21}
    assert len(await _current(session)) == 649 - 21 + 25


async def test_the_one_crossing_ward_of_great_britain_is_mended(
    session: AsyncSession, shared_data: Path, tmp_path: Path
) -> None:
    rows = formats.read(shared_data / "wards" / "gb_wards_2013.geojson.gz").rows()
    maldon = [
        {"type": "Feature", "properties": dict(row.values), "geometry": row.geometry}
        for row in rows
        if row.values["LAD13CD"] == "E07000074"
    ]
    path = tmp_path / "maldon.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": maldon}), encoding="utf-8")
    done = await _bring(session, path)
    assert [code for code, _ in done.mended] == ["E05004205"]  # Tolleshunt D'Arcy
    assert done.areas == len(maldon) > 10


def _zipped_shapefile(rows: list[Row], folder: Path) -> Path:
    shapes = shapely.to_wkb([shapely.from_geojson(json.dumps(row.geometry)) for row in rows])
    fields = [numpy.array([str(row.values[name]) for row in rows]) for name in ("WD22CD", "WD22NM")]
    pyogrio.raw.write(
        folder / "wards.shp", shapes, fields, ["WD22CD", "WD22NM"], geometry_type="MultiPolygon",
        driver="ESRI Shapefile", crs="EPSG:4326", promote_to_multi=True,
    )  # fmt: skip
    packed = folder / "2022.zip"
    packed.write_bytes(hostile.zipped({part.name: part.read_bytes() for part in folder.iterdir()}))
    return packed


async def test_the_same_wards_from_a_zipped_shapefile_are_the_same_set(
    session: AsyncSession, shared_data: Path, tmp_path: Path
) -> None:
    path = shared_data / "wards" / "lambeth_wards_2022.geojson"
    assert (await _bring(session, path, set_name="2022")).added == 25
    rows = list(formats.read(path).rows())
    again = await _bring(session, _zipped_shapefile(rows, tmp_path))
    assert (again.name, again.areas, again.added) == ("2022", 25, 0)
    apart = text("SELECT max(ST_HausdorffDistance(area.geom, :geom)) FROM area WHERE code = :code")
    for row in rows:
        outline = shapely.to_wkt(shapely.from_geojson(json.dumps(row.geometry)))
        known = {"geom": f"SRID=4326;{outline}", "code": row.values["WD22CD"]}
        assert (await session.scalar(apart, known) or 0) < 1e-6
