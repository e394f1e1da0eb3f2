"""Undoing an import: everything is as it was, but for what people have touched since and for the logs."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.actions import assets as pins
from app.actions import import_undo, moderation
from app.errors import Conflict, NotFound
from app.geo import pyramid
from app.models import (
    Appreciation,
    Asset,
    Comment,
    Flag,
    History,
    Link,
    Need,
    Outbox,
    Pledge,
    Proposal,
    StateChange,
    Update,
)  # fmt: skip
from tests import factories
from tests.actions.releases import OPERATOR, assets, digests, latest, release, rows, written
from tests.actions.test_releases import FIRST, SECOND


async def _drift(session: AsyncSession) -> int:
    await pyramid.fold(session)
    return sum(level.drift for level in await pyramid.verify(session))


async def test_undoing_restores_every_table_but_the_logs(session: AsyncSession, tmp_path: Path) -> None:
    await factories.draw_areas(session)
    empty = await digests(session)
    await release(session, written(tmp_path, FIRST), key="ref")
    first, first_run = await digests(session), await latest(session)
    await release(session, written(tmp_path, SECOND), key="ref")
    second, second_run = await digests(session), await latest(session)
    assert first not in (empty, second)
    assert first["asset_area"] != second["asset_area"]
    with pytest.raises(Conflict, match="A later import of 'list' stands on this one"):
        await import_undo.undo(session, OPERATOR, first_run.uid)
    done = await import_undo.undo(session, OPERATOR, second_run.uid)
    assert (done.removed, done.set_back, done.kept) == (1, 2, 0)
    assert await digests(session) == first
    assert await _drift(session) == 0
    with pytest.raises(Conflict, match="Nothing of this import is there"):
        await import_undo.undo(session, OPERATOR, second_run.uid)
    done = await import_undo.undo(session, OPERATOR, first_run.uid)
    assert (done.removed, done.set_back) == (4, 0)
    assert await digests(session) == empty
    assert await _drift(session) == 0
    account = await release(session, written(tmp_path, FIRST), key="ref")
    assert account.created == 4, "it can come in again"


async def test_undoing_leaves_its_trail(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    await release(session, written(tmp_path, SECOND), key="ref")
    run = await latest(session)
    await import_undo.undo(session, OPERATOR, run.uid)
    await session.refresh(run)
    assert (run.state, run.undone_at is not None) == ("undone", True)
    for log in (History.verb, Outbox.event):
        assert await session.scalar(select(func.count()).where(log == "imports.undo")) == 1
    three = (await assets(session))["Three"]
    told = select(StateChange.from_state, StateChange.to_state).where(StateChange.thing_id == three.id)
    assert [tuple(row) for row in await session.execute(told.order_by(StateChange.id))] == [
        (None, "published"), ("active", "ended"), ("ended", "active"),
    ]  # fmt: skip


async def test_an_unknown_import_is_not_found(session: AsyncSession) -> None:
    with pytest.raises(NotFound):
        await import_undo.undo(session, OPERATOR, uuid4())


# ── what people have touched ────────────────────────────────────────────────────────────────

Touch = Callable[[AsyncSession, Asset, int], Awaitable[Any]]


async def _edit(session: AsyncSession, asset: Asset, person: int) -> None:
    await pins.amend(session, OPERATOR, asset.uid, {"properties": {"organiser": "Us"}}, None)


async def _hide(session: AsyncSession, asset: Asset, person: int) -> None:
    await moderation.hide(session, OPERATOR, asset.uid, why="It names a child.")


def _adds(make: Callable[[int, int], Any]) -> Touch:
    async def touch(session: AsyncSession, asset: Asset, person: int) -> None:
        session.add(make(asset.id, person))
        await session.flush()

    return touch


async def _link(session: AsyncSession, asset: Asset, person: int) -> None:
    other = Asset(kind="idea", title="Ours")
    session.add(other)
    await session.flush()
    session.add(Link(kind="part_of", from_id=other.id, to_id=asset.id))
    await session.flush()


async def _pledge(session: AsyncSession, asset: Asset, person: int) -> None:
    proposal = Proposal(asset_id=asset.id, title="I could")
    session.add(proposal)
    await session.flush()
    session.add(Pledge(proposal_id=proposal.id, person_id=person, hours_promised=1))
    await session.flush()


TOUCHES: dict[str, tuple[Touch, str]] = {
    "edited": (_edit, "it was changed since"),
    "hidden": (_hide, "it was changed since"),
    "discussed": (_adds(lambda a, p: Comment(asset_id=a, author_id=p, text="Well!")), "it was discussed"),
    "appreciated": (_adds(lambda a, p: Appreciation(asset_id=a, person_id=p)), "people appreciated it"),
    "proposed": (_adds(lambda a, p: Proposal(asset_id=a, title="I could")), "an action was proposed for it"),
    "pledged": (_pledge, "people pledged time to it"),
    "needed": (_adds(lambda a, p: Need(asset_id=a, kind="space", title="A shed")), "it says what it needs"),
    "told": (_adds(lambda a, p: Update(asset_id=a, text="It grows.")), "it has news"),
    "flagged": (_adds(lambda a, p: Flag(asset_id=a, person_id=p, reason="spam")), "it was flagged"),
    "linked": (_link, "it is linked"),
}


@pytest.mark.parametrize("how", TOUCHES)
async def test_what_people_have_touched_stays_and_is_listed(session: AsyncSession, tmp_path: Path, how: str) -> None:
    """Of a made, an updated and a retired asset each."""
    touch, reason = TOUCHES[how]
    person = (await factories.person(session, "Somebody")).id
    await release(session, written(tmp_path, FIRST), key="ref")
    await release(session, written(tmp_path, {**SECOND, "4": ("Four", "new", "51.49", "-0.14")}), key="ref")
    run = await latest(session)
    made = await assets(session)
    touched = [made[title] for title in ("Five", "Two and a half", "Three")]
    for asset in touched:
        await touch(session, asset, person)
    done = await import_undo.undo(session, OPERATOR, run.uid)
    assert (done.removed, done.set_back, done.kept) == (0, 1, 3)
    now = await assets(session)
    assert {"Five", "Two and a half", "Three"} <= set(now)
    assert (now["Three"].stage, now["Four"].summary) == ("ended", "the fourth")
    kept = await rows(session, run, "kept")
    assert [row.asset_uid for row in kept] == [asset.uid for asset in sorted(touched, key=lambda one: one.id)]
    assert {row.reason for row in kept} == {reason}


async def test_what_was_said_before_a_release_does_not_keep_what_it_changed(
    session: AsyncSession, tmp_path: Path
) -> None:
    person = (await factories.person(session, "Somebody")).id
    await release(session, written(tmp_path, FIRST), key="ref")
    asset = (await assets(session))["Two"]
    earlier = text("INSERT INTO comment (asset_id, author_id, text, created_at, updated_at) "
                   "VALUES (:asset, :person, 'Well!', now() - interval '1 day', now() - interval '1 day')")  # fmt: skip
    await session.execute(earlier, {"asset": asset.id, "person": person})
    before = await digests(session)
    await release(session, written(tmp_path, SECOND), key="ref")
    done = await import_undo.undo(session, OPERATOR, (await latest(session)).uid)
    assert (done.set_back, done.kept) == (2, 0)
    assert await digests(session) == before


async def test_what_stayed_is_met_again_by_the_next_release(session: AsyncSession, tmp_path: Path) -> None:
    await release(session, written(tmp_path, FIRST), key="ref")
    await _edit(session, (await assets(session))["Two"], 0)
    await import_undo.undo(session, OPERATOR, (await latest(session)).uid)
    assert set(await assets(session)) == {"Two"}
    account = await release(session, written(tmp_path, SECOND), key="ref")
    assert (account.created, account.conflicts, account.retired) == (3, 1, 0)


async def test_many_assets_are_undone_batch_by_batch(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_undo, "BATCH", 3)
    before = await digests(session)
    await release(
        session, written(tmp_path, {str(n): (f"P{n}", "", "51.4", f"-0.{n:04}") for n in range(10)}), key="ref"
    )
    told: list[tuple[str, int]] = []
    run = await latest(session)
    await import_undo.undo(session, OPERATOR, run.uid, tell=lambda one: told.append((one.phase, one.done)))
    assert told == [("undoing", 3), ("undoing", 6), ("undoing", 9), ("undoing", 10), ("counting for the map", 0)]
    assert await digests(session) == before
