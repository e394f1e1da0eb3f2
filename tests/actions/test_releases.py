"""The next release of a list: what it updates, adds and retires, and what people have changed since."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.actions import assets as pins
from app.actions import import_batches, sources
from app.actions.import_plan import Said
from app.errors import Conflict, Invalid
from app.geo import pyramid
from app.geo.coordinates import Misnamed
from app.models import Asset, History, ImportRun, Outbox, Source, StateChange
from tests.actions.releases import OPERATOR, assets, digests, latest, release, rows, written

FIRST = {
    "1": ("One", "the first", "51.46", "-0.11"),
    "2": ("Two", "the second", "51.47", "-0.12"),
    "3": ("Three", "the third", "51.48", "-0.13"),
    "4": ("Four", "the fourth", "51.49", "-0.14"),
}
#: Two says something else and lies elsewhere (in another ward of the tests' town), Three is gone, Five is new.
SECOND = {
    "1": FIRST["1"], "2": ("Two and a half", "moved", "51.441", "-0.121"), "4": FIRST["4"],
    "5": ("Five", "the fifth", "51.495", "-0.15"),
}  # fmt: skip


async def _drift(session: AsyncSession) -> int:
    await pyramid.fold(session)
    return sum(level.drift for level in await pyramid.verify(session))


async def test_the_next_release_updates_adds_and_retires_by_key(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    before = {title: (asset.uid, asset.version) for title, asset in (await assets(session)).items()}
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.read, account.created, account.updated, account.already_there) == (4, 1, 1, 2)
    assert (account.retired, account.conflicts) == (1, 0)
    now = await assets(session)
    assert set(now) == {"One", "Two and a half", "Three", "Four", "Five"}
    two = now["Two and a half"]
    assert (two.uid, two.version, two.summary) == (before["Two"][0], 2, "moved")
    lon, lat = (
        await session.execute(select(func.ST_X(Asset.geom), func.ST_Y(Asset.geom)).where(Asset.id == two.id))
    ).one()
    assert (round(lon, 6), round(lat, 6)) == (-0.121, 51.441)
    assert (now["Three"].stage, now["Three"].state, now["Three"].ended_at is not None) == ("ended", "published", True)
    assert {now[title].version for title in ("One", "Four", "Five")} == {1}
    steps = select(StateChange.aspect, StateChange.from_state, StateChange.to_state, StateChange.why)
    told = (await session.execute(steps.where(StateChange.thing_id == now["Three"].id).order_by(StateChange.id))).all()
    assert [tuple(row) for row in told] == [
        ("state", None, "published", None),
        ("stage", "active", "ended", "it is not in the list of its source any more"),
    ]
    assert await _drift(session) == 0
    run = await latest(session)
    (updated,) = await rows(session, run, "updated")
    assert (updated.line, updated.asset_uid) == (3, two.uid)
    assert updated.before and updated.after
    assert (updated.before["title"], updated.after["title"]) == ("Two", "Two and a half")
    assert [row.title for row in await rows(session, run, "retired")] == ["Three"]


async def test_what_is_back_in_the_list_lives_again(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    await release(session, written(tmp_path, SECOND), key="ref")
    account = await release(session, written(tmp_path, FIRST), key="ref")
    assert (account.updated, account.retired, account.already_there) == (2, 1, 2)
    now = await assets(session)
    assert (now["Three"].stage, now["Three"].ended_at) == ("active", None)
    assert now["Five"].stage == "ended"
    assert await _drift(session) == 0


async def test_the_same_release_twice_changes_nothing_at_all(session: AsyncSession, tmp_path: Path) -> None:
    path = written(tmp_path, FIRST)
    await release(session, path, key="ref")
    await release(session, written(tmp_path, SECOND), key="ref")
    before = await digests(session)
    counted = [
        await session.scalar(select(func.count()).select_from(one)) for one in (ImportRun, History, Outbox, Source)
    ]
    remembered = await session.scalar(select(Source.updated_at))
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.already_there, account.changes) == (4, False)
    assert await digests(session) == before
    again = [
        await session.scalar(select(func.count()).select_from(one)) for one in (ImportRun, History, Outbox, Source)
    ]
    assert again == counted
    assert await session.scalar(select(Source.updated_at)) == remembered


async def test_without_a_key_a_changed_row_is_another_row(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST))
    account = await release(session, written(tmp_path, SECOND))
    assert (account.created, account.already_there, account.retired) == (2, 2, 2)
    assert (await assets(session))["Two"].stage == "ended"


async def test_a_corrected_reading_of_the_same_file_updates_what_it_read_wrongly(
    session: AsyncSession, tmp_path: Path
) -> None:
    path = written(tmp_path, FIRST)
    await release(session, path, mapping={"title": "summary"})
    account = await release(session, path, mapping={"title": "title"})
    assert (account.updated, account.created, account.retired) == (4, 0, 0)
    assert set(await assets(session)) == {"One", "Two", "Three", "Four"}


# ── what people have changed ────────────────────────────────────────────────────────────────


async def _amended(session: AsyncSession, title: str, **properties: str) -> Asset:
    asset = (await assets(session))[title]
    await pins.amend(session, OPERATOR, asset.uid, {"properties": properties}, None)
    return asset


async def test_what_a_resident_has_changed_is_never_overwritten(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    for title in ("One", "Two", "Three"):
        await _amended(session, title, summary="in our own words")
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.conflicts, account.updated, account.already_there, account.created) == (1, 0, 2, 1)
    assert (account.retired, account.retired_in_conflict) == (0, 1)
    now = await assets(session)
    assert {now[title].summary for title in ("One", "Two", "Three")} == {"in our own words"}
    assert now["Three"].stage == "active"
    changed, gone = await rows(session, await latest(session), "conflict")
    assert (changed.line, changed.asset_uid, changed.reason) == (
        3, now["Two"].uid, "people have changed it since it was brought in",
    )  # fmt: skip
    assert changed.before and changed.after
    assert (changed.before["summary"], changed.after["summary"]) == ("in our own words", "moved")
    assert (gone.line, gone.asset_uid) == (None, now["Three"].uid)
    assert "people have changed it since" in gone.reason


async def test_a_conflict_is_told_again_and_changes_nothing(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    await _amended(session, "Two", summary="in our own words")
    await release(session, written(tmp_path, SECOND), key="ref")
    before = await digests(session)
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.conflicts, account.changes) == (1, False)
    assert await digests(session) == before


async def test_what_somebody_changes_while_it_is_looked_at_is_a_conflict(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    execute = AsyncSession.execute

    async def between(self: AsyncSession, statement: object, *more: object, **named: object) -> object:
        if "-- import_hold" in str(statement):
            await execute(self, text("UPDATE asset SET version = 2, summary = 'ours' WHERE title = 'Two'"))
        return await execute(self, statement, *more, **named)  # type: ignore[call-overload]

    monkeypatch.setattr(AsyncSession, "execute", between)
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.conflicts, account.updated) == (1, 0)
    assert (await assets(session))["Two"].summary == "ours"


# ── retiring ────────────────────────────────────────────────────────────────────────────────


async def test_a_first_release_retires_nothing(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST, "other.csv"), key="ref")
    account = await release(session, written(tmp_path, {"9": ("Nine", "", "51.4", "-0.1")}), key="ref")
    assert (account.retired, account.live) == (0, 0)
    assert {asset.stage for asset in (await assets(session)).values()} == {"active"}


async def test_a_release_that_would_retire_more_than_half_is_refused(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    short = written(tmp_path, {"1": FIRST["1"]})
    before = await digests(session)
    with pytest.raises(Conflict, match="does not have 3 of the 4 assets of 'list': more than half"):
        await release(session, short, key="ref")
    seen = await release(session, short, key="ref", dry_run=True)
    assert (seen.retired, seen.retires_many) == (3, True)
    kept = await release(session, short, key="ref", retire=False)
    assert (kept.retired, kept.changes) == (0, False)
    assert await digests(session) == before
    half = written(tmp_path, {"1": FIRST["1"], "2": FIRST["2"]})
    assert (await release(session, half, key="ref")).retired == 2
    many = await release(session, written(tmp_path, {"9": ("Nine", "", "51.4", "-0.1")}), key="ref", retire=True)
    assert (many.retired, many.created) == (2, 1)


async def test_a_row_that_cannot_be_read_any_more_does_not_retire_its_asset(
    session: AsyncSession, tmp_path: Path
) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    broken = {**FIRST, "2": ("Two", "", "fifty", "-0.12"), "3": ("", "", "51.48", "-0.13")}
    account = await release(session, written(tmp_path, broken), key="ref")
    assert (account.rejected, account.retired, account.already_there) == (2, 0, 2)


# ── keys ────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("batch", [2, 20_000])
async def test_a_key_that_stands_twice_with_other_contents_is_refused(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, batch: int
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", batch)
    lines = (
        "ref,title,lat,lon\n1,One,51.46,-0.11\n2,Two,51.47,-0.12\n1,Other,51.48,-0.13\n2,Two,51.47,-0.12\n,No,51,0\n"
    )
    account = await release(session, written(tmp_path, lines), key="ref")
    assert (account.created, account.already_there, account.rejected) == (2, 1, 2)
    reasons = {reject.line: reject.reason for reject in account.first_rejects}
    assert "already, with other contents" in reasons[4]
    assert reasons[6] == "its ref is empty, so no later release could tell it from the others"
    again = await release(session, written(tmp_path, lines), key="ref")
    assert (again.changes, again.already_there, again.rejected) == (False, 3, 2)


async def test_another_key_or_kind_needs_another_source(session: AsyncSession, tmp_path: Path) -> None:
    path = written(tmp_path, FIRST)
    await release(session, path, key="ref")
    with pytest.raises(Invalid, match="The rows of 'list' are told apart by 'ref'"):
        await release(session, path)
    with pytest.raises(Invalid, match="The source 'list' holds places"):
        await release(session, path, "service", key="ref")
    assert (await release(session, path, "service", source="more")).created == 4


# ── what is remembered ──────────────────────────────────────────────────────────────────────


async def test_what_was_said_of_a_source_need_not_be_said_again(session: AsyncSession, tmp_path: Path) -> None:
    path = written(tmp_path, "id,label,what,E,N\n7,x,Brixton Library,531067,175255\n")
    with pytest.raises(Misnamed, match="Nothing was brought in from 'list' before"):
        await sources.understood(session, OPERATOR, path, Said())
    mapping = {"title": "what", "x": "E", "y": "N"}
    said = {
        "key": "id",
        "mapping": mapping,
        "crs": "EPSG:27700",
        "theme": "arts",
        "licence": "OGL",
        "attribution": "Us",
    }
    await release(session, path, "service", **said)  # type: ignore[arg-type]
    plan = await sources.understood(session, OPERATOR, path, Said())
    assert (plan.kind.name, plan.theme, plan.key, plan.fields["title"]) == ("service", "arts", "id", "what")
    assert (plan.place.epsg, plan.said.licence) == (27700, "OGL")
    (asset,) = (await assets(session)).values()
    assert (asset.licence, asset.attribution, asset.theme) == ("OGL", "Us", "arts")
    other = await sources.understood(session, OPERATOR, path, Said(mapping={"title": "label"}))
    assert other.fields["title"] == "label", "what is said now counts"
