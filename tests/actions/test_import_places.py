"""Rows without a place, rows placed by a postcode, rows that may be there already, and where officers may bring in."""

import json
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import wire
from app.actions import assets as pins
from app.actions import import_batches, import_placing, import_undo, imports, sources
from app.actions.import_plan import Said
from app.errors import Forbidden, Invalid, NotFound
from app.models import Asset, ImportRow, Source
from tests.actions.conftest import Cast
from tests.actions.releases import OPERATOR, assets, digests, latest, release, rows, written
from tests.factories import HERE, NOWHERE, THERE

LINES = "ref,title,postcode,lat,lon\n1,One,,51.46,-0.11\n2,Two,SW9 7HH,,\n3,Three,,,\n4,Four,SW9 9ZZ,,\n"


async def _postcode(session: AsyncSession) -> None:
    await session.execute(
        text("INSERT INTO postcode (code, geom) VALUES ('SW97HH', ST_SetSRID(ST_MakePoint(-0.1146, 51.4611), 4326))")
    )


def _point(lon: float, lat: float) -> wire.Geometry:
    return wire.Point(type="Point", coordinates=(lon, lat))


async def _waiting(session: AsyncSession) -> list[str]:
    return list(await session.scalars(select(ImportRow.title).where(ImportRow.waits).order_by(ImportRow.id)))


async def test_a_postcode_places_a_row_and_rows_without_a_place_wait(session: AsyncSession, tmp_path: Path) -> None:
    await _postcode(session)
    account = await release(session, written(tmp_path, LINES), key="ref")
    assert (account.created, account.unplaced, account.rejected) == (2, 2, 0)
    two = (await assets(session))["Two"]
    at = (await session.execute(select(func.ST_X(Asset.geom), func.ST_Y(Asset.geom)).where(Asset.id == two.id))).one()
    assert tuple(at) == (-0.1146, 51.4611)
    told = {row.title: row.reason for row in await rows(session, await latest(session), "unplaced")}
    assert told["Three"] == "it has no coordinates"
    assert told["Four"] == "it has no coordinates; the postcode SW99ZZ is not among those loaded"
    assert await _waiting(session) == ["Three", "Four"]


@pytest.mark.parametrize("key", ["ref", None])
async def test_rows_that_wait_are_there_already_for_the_next_release(
    session: AsyncSession, tmp_path: Path, key: str | None
) -> None:
    path = written(tmp_path, LINES)
    await release(session, path, key=key)
    before = await digests(session)
    again = await release(session, path, key=key)
    assert (again.already_there, again.unplaced, again.changes) == (4, 0, False)
    assert await digests(session) == before
    assert await _waiting(session) == ["Two", "Three", "Four"]


async def test_the_next_release_places_words_anew_or_drops_rows_that_wait(
    session: AsyncSession, tmp_path: Path
) -> None:
    await release(session, written(tmp_path, LINES), key="ref")
    first = await latest(session)
    later = "ref,title,postcode,lat,lon\n1,One,,51.46,-0.11\n2,Two,,51.461,-0.114\n3,Three and a half,,,\n"
    account = await release(session, written(tmp_path, later), key="ref")
    assert (account.created, account.unplaced, account.already_there) == (1, 1, 1)
    assert await _waiting(session) == ["Three and a half"]
    await import_undo.undo(session, OPERATOR, (await latest(session)).uid)
    assert await _waiting(session) == ["Two", "Three", "Four"]
    await import_undo.undo(session, OPERATOR, first.uid)
    assert await _waiting(session) == []


async def test_the_same_row_without_a_place_in_two_batches_waits_once(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", 2)
    lines = "ref,title,lat,lon\n1,One,51.4,-0.1\n2,Two,,\n2,Two,,\n2,Too,,\n"
    account = await release(session, written(tmp_path, lines), key="ref")
    assert (account.created, account.unplaced, account.already_there, account.rejected) == (1, 1, 1, 1)
    assert await _waiting(session) == ["Two"]


async def test_a_row_without_a_place_updates_its_asset_and_leaves_it_where_it_is(
    session: AsyncSession, tmp_path: Path
) -> None:
    await release(session, written(tmp_path, "ref,title,lat,lon\n1,One,51.46,-0.11\n"), key="ref")
    geom = await session.scalar(text("SELECT geom::text FROM asset"))
    account = await release(session, written(tmp_path, "ref,title,lat,lon\n1,First,,\n"), key="ref")
    assert (account.updated, account.unplaced) == (1, 0)
    assert set(await assets(session)) == {"First"}
    assert await session.scalar(text("SELECT geom::text FROM asset")) == geom


# ── placing ─────────────────────────────────────────────────────────────────────────────────


async def _sent(cast: Cast, tmp_path: Path, who: str = "officer") -> ImportRow:
    """A row of this officer's that waits."""
    await release(cast.session, written(tmp_path, LINES), key="ref", actor=cast[who])
    return (await rows(cast.session, await latest(cast.session), "unplaced"))[1]


async def test_placing_a_row_makes_its_asset(cast: Cast, tmp_path: Path) -> None:
    before = await digests(cast.session)
    row = await _sent(cast, tmp_path)
    run = await latest(cast.session)
    uid = await import_placing.place(cast.session, cast["officer"], row.id, _point(*HERE))
    asset = (await assets(cast.session))["Three"]
    assert (asset.uid, asset.via, asset.import_id, asset.state, asset.ward) == (
        uid, "import", run.id, "published", "E05000001",
    )  # fmt: skip
    await cast.session.refresh(run)
    assert (run.created, run.unplaced) == (2, 2)
    await cast.session.refresh(row)
    assert (row.fate, row.asset_uid, row.reason, row.after) == ("created", uid, "", None)
    assert await cast.history(uid) == ["imports.place"]
    assert await cast.steps("asset", asset.id) == ["published"]
    with pytest.raises(NotFound):
        await import_placing.place(cast.session, cast["officer"], row.id, _point(*HERE))
    again = await release(cast.session, written(tmp_path, LINES), key="ref", actor=cast["officer"])
    assert (again.already_there, again.changes) == (4, False)
    done = await import_undo.undo(cast.session, cast["officer"], run.uid)
    assert (done.removed, done.kept) == (2, 0)
    assert await digests(cast.session) == before


async def test_a_row_is_placed_only_where_its_officer_may_and_its_kind_can_be(cast: Cast, tmp_path: Path) -> None:
    row = await _sent(cast, tmp_path)
    with pytest.raises(NotFound):
        await import_placing.place(cast.session, cast["far_officer"], row.id, _point(*THERE))
    for where, why in ((THERE, "outside the areas that you look after"), (NOWHERE, "km from the nearest area")):
        with pytest.raises(Invalid, match=why):
            await import_placing.place(cast.session, cast["officer"], row.id, _point(*where))
    with pytest.raises(Forbidden):
        await import_placing.place(cast.session, cast["owner"], row.id, _point(*HERE))
    assert "Three" not in await assets(cast.session)


# ── officers ────────────────────────────────────────────────────────────────────────────────


def _near() -> tuple[str, str]:
    return str(HERE[1]), str(HERE[0])


def _two(tmp_path: Path, far: str = "Far") -> Path:
    return written(
        tmp_path, {"1": ("Near", "", str(HERE[1]), str(HERE[0])), "2": (far, "", str(THERE[1]), str(THERE[0]))}
    )


async def test_an_officer_brings_in_only_into_their_areas(cast: Cast, tmp_path: Path) -> None:
    account = await release(cast.session, _two(tmp_path), key="ref", actor=cast["officer"])
    assert (account.created, account.rejected) == (1, 1)
    assert account.first_rejects[0].reason == "it lies outside the areas that you look after"
    with pytest.raises(Forbidden):
        await release(cast.session, _two(tmp_path), actor=cast["owner"], source="other")


async def test_an_officer_neither_updates_nor_retires_what_lies_elsewhere(cast: Cast, tmp_path: Path) -> None:
    await release(cast.session, _two(tmp_path), key="ref")
    await cast.session.execute(
        text("UPDATE source SET area_id = (SELECT min(area_id) FROM officer_area WHERE person_id = :officer)"),
        {"officer": cast["officer"].person_id},
    )
    account = await release(cast.session, _two(tmp_path, "Renamed"), key="ref", actor=cast["officer"])
    assert (account.updated, account.rejected, account.already_there) == (0, 1, 1)
    drawn = written(tmp_path, {"1": ("Near", "", *_near()), "2": ("Drawn to us", "", *_near())})
    account = await release(cast.session, drawn, key="ref", actor=cast["officer"])
    assert [reject.reason for reject in account.first_rejects] == [
        "what it would change lies outside the areas that you look after"
    ]
    gone = written(tmp_path, {"1": ("Near", "", str(HERE[1]), str(HERE[0]))})
    assert (await release(cast.session, gone, key="ref", actor=cast["officer"], retire=True)).retired == 0
    assert (await release(cast.session, gone, key="ref", retire=True)).retired == 1


async def test_a_source_is_its_areas_own(cast: Cast, tmp_path: Path) -> None:
    await release(cast.session, _two(tmp_path), key="ref", actor=cast["officer"])
    with pytest.raises(Forbidden, match="brought in by others"):
        await release(cast.session, _two(tmp_path), key="ref", actor=cast["far_officer"])
    with pytest.raises(Forbidden):
        await sources.understood(cast.session, cast["far_officer"], _two(tmp_path), Said())
    with pytest.raises(Forbidden):
        await import_undo.undo(cast.session, cast["far_officer"], (await latest(cast.session)).uid)
    assert await sources.listed(cast.session, cast["far_officer"]) == []
    assert [source.name for source in await sources.listed(cast.session, cast["officer"])] == ["list"]
    assert await cast.session.scalar(select(func.count()).select_from(Source)) == 1


# ── likely duplicates ───────────────────────────────────────────────────────────────────────


async def test_likely_duplicates_are_shown_and_not_refused(cast: Cast, tmp_path: Path) -> None:
    there = await cast.pin("owner", "place", title="St John's Church Hall", at=HERE)
    hidden = await cast.pin("owner", "place", title="The Secret Garden", at=HERE)
    await pins.withdraw(cast.session, cast["owner"], hidden.uid, None)
    lon, lat = HERE
    content = "title,lat,lon\n" + "".join(
        f"{title},{lat + north},{lon}\n"
        for title, north in (
            ("St Johns Church Hall", 0.0008), ("St Johns Church Hall", 0.001),
            ("Bowling Green", 0.0), ("The Secret Garden", 0.0),
        )
    )  # fmt: skip
    account = await release(cast.session, written(tmp_path, content))
    assert (account.created, account.duplicates) == (4, 2)
    near, own = await rows(cast.session, await latest(cast.session), "duplicate")
    assert (near.line, near.title, near.reason) == (
        2,
        "St Johns Church Hall",
        "89 m from 'St John's Church Hall'",
    )
    assert near.asset_uid == there.uid
    assert (own.line, own.reason) == (3, "22 m from 'St Johns Church Hall', in the same file")


async def test_a_preview_keeps_what_it_would_have_done_and_writes_nothing(
    session: AsyncSession, tmp_path: Path
) -> None:
    path = written(tmp_path, LINES + "5,,x,51,0\n")
    account = await release(session, path, key="ref", source="begun")
    run = await latest(session)
    await session.execute(text("UPDATE import_run SET state = 'previewing'"))
    before = await digests(session)
    seen = await release(session, path, key="ref", source="new", dry_run=True, run_id=run.id)
    assert seen.figures() == account.figures() | {"duplicates": seen.duplicates}
    assert await digests(session) == before
    for fate, count in (("created", 1), ("unplaced", 3), ("rejected", 1)):
        assert len(await rows(session, run, fate)) == count
    assert await session.scalar(select(func.count()).where(ImportRow.run_id == run.id, ImportRow.waits)) == 0
    assert await session.scalar(select(Source.id).where(Source.name == "new")) is None


async def test_too_many_new_assets_are_not_compared_and_that_is_said(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imports, "MOST_COMPARED", 1)
    account = await release(session, written(tmp_path, {"1": ("A", "", "51", "0"), "2": ("A", "x", "51", "0")}))
    assert account.duplicates == 0
    assert "more than 1 new: duplicates were not looked for" in account.remarks


async def test_hostile_text_is_kept_as_text_while_it_waits(session: AsyncSession, tmp_path: Path) -> None:
    title = "<script>alert(1)</script>\t=cmd()'; DROP TABLE asset; --"
    feature = {"type": "Feature", "properties": {"title": title, "note": "\u202e{{7*7}}"}, "geometry": None}
    content = json.dumps({"type": "FeatureCollection", "features": [feature]})
    account = await release(session, written(tmp_path, content, "f.geojson"))
    assert account.unplaced == 1
    (row,) = await rows(session, await latest(session), "unplaced")
    assert row.title == " ".join(title.split())
    uid: UUID = await import_placing.place(session, OPERATOR, row.id, _point(*HERE))
    made = await session.scalar(select(Asset).where(Asset.uid == uid))
    assert made is not None and made.title == row.title
