"""Needs: added, met in part and wholly, closed, begun anew."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy.exc import IntegrityError

from app import errors, kinds
from app.actions import moderation, needs
from app.models import Need
from tests.actions.conftest import Cast

SOON = date(2030, 5, 1)


async def add(cast: Cast, asset_uid: UUID, who: str = "owner", **given: Any) -> Need:
    """Say that something is needed."""
    return await needs.add(cast.session, cast[who], asset_uid, **{"kind": "people", "title": "Hands", **given})


async def amend(cast: Cast, need: Need, **changes: Any) -> Need:
    """Change a need as the owner."""
    return await needs.amend(cast.session, cast["owner"], need.uid, changes, None)


async def test_a_need_is_met_piece_by_piece_and_then_wholly(cast: Cast) -> None:
    need = await add(cast, (await cast.pin()).uid, quantity=3)
    assert (need.state, need.met, need.version) == ("open", 0, 1)
    owner = cast["owner"]
    need = await needs.meet(cast.session, owner, need.uid)
    assert (need.state, need.met, need.version) == ("open", 1, 2)
    with pytest.raises(errors.Invalid, match="Only 2"):
        await needs.meet(cast.session, owner, need.uid, quantity=3)
    need = await needs.meet(cast.session, owner, need.uid, quantity=2)
    assert (need.state, need.met) == ("met", 3)
    with pytest.raises(errors.IllegalTransition):
        await needs.meet(cast.session, owner, need.uid)
    assert await cast.steps("need", need.id) == ["open", "met"]
    assert await cast.history(need.uid) == ["needs.add", "needs.meet", "needs.meet"]


async def test_what_was_wholly_met_begins_anew_and_what_was_partly_met_goes_on(cast: Cast) -> None:
    asset, owner = await cast.pin(), cast["owner"]
    whole, part = await add(cast, asset.uid, quantity=2), await add(cast, asset.uid, quantity=2)
    await needs.meet(cast.session, owner, whole.uid, quantity=2)
    assert (await needs.reopen(cast.session, owner, whole.uid)).met == 0
    await needs.meet(cast.session, owner, part.uid)
    await needs.close(cast.session, owner, part.uid)
    part = await needs.reopen(cast.session, owner, part.uid)
    assert (part.state, part.met) == ("open", 1)
    assert await cast.steps("need", part.id) == ["open", "closed", "open"]


@pytest.mark.parametrize(("state", "verb"), [("open", "reopen"), ("met", "close"), ("closed", "close")])
async def test_an_illegal_step_is_refused_and_leaves_nothing(cast: Cast, state: str, verb: str) -> None:
    need, owner = await add(cast, (await cast.pin()).uid), cast["owner"]
    if state == "met":
        await needs.meet(cast.session, owner, need.uid)
    elif state == "closed":
        await needs.close(cast.session, owner, need.uid)
    uid, before = need.uid, await cast.history(need.uid)
    with pytest.raises((errors.IllegalTransition, IntegrityError)):
        async with cast.session.begin_nested():
            await getattr(needs, verb)(cast.session, owner, uid)
    assert await cast.value("SELECT state FROM need WHERE uid = :uid", uid=uid) == state
    assert await cast.history(uid) == before


async def test_a_blocking_need_says_when_it_will_report_back(cast: Cast) -> None:
    asset = await cast.pin()
    with pytest.raises(errors.Invalid, match="report_back_on"):
        await add(cast, asset.uid, blocking=True)
    need = await add(cast, asset.uid, blocking=True, report_back_on=SOON)
    with pytest.raises(errors.Invalid, match="report_back_on"):
        await amend(cast, need, report_back_on=None)
    assert (await amend(cast, need, blocking=False, report_back_on=None)).report_back_on is None
    with pytest.raises(errors.Invalid, match="report_back_on"):
        await amend(cast, need, blocking=True)


async def test_a_quantity_cannot_fall_below_what_is_met(cast: Cast) -> None:
    need = await add(cast, (await cast.pin()).uid, quantity=5)
    await needs.meet(cast.session, cast["owner"], need.uid, quantity=2)
    with pytest.raises(errors.Invalid, match="2 of these"):
        await amend(cast, need, quantity=1)
    need = await amend(cast, need, quantity=2)
    assert (need.state, need.met) == ("met", 2), "what is left is met"


async def test_a_need_that_grows_beyond_what_is_met_is_open_again(cast: Cast) -> None:
    need = await add(cast, (await cast.pin()).uid, quantity=1)
    await needs.meet(cast.session, cast["owner"], need.uid)
    need = await amend(cast, need, quantity=4)
    assert (need.state, need.met, need.quantity) == ("open", 1, 4)
    assert await cast.steps("need", need.id) == ["open", "met", "open"]
    closed = await add(cast, (await cast.pin()).uid, quantity=1)
    await needs.close(cast.session, cast["owner"], closed.uid)
    assert (await amend(cast, closed, quantity=4)).state == "closed"


async def test_a_stale_version_is_refused(cast: Cast) -> None:
    need, owner = await add(cast, (await cast.pin()).uid), cast["owner"]
    await needs.amend(cast.session, owner, need.uid, {"title": "More hands"}, 1)
    with pytest.raises(errors.PreconditionFailed):
        await needs.amend(cast.session, owner, need.uid, {"title": "Lost"}, 1)
    with pytest.raises(errors.PreconditionFailed):
        await needs.remove(cast.session, owner, need.uid, 1)
    await needs.remove(cast.session, owner, need.uid, 2)
    assert await cast.value("SELECT count(*) FROM need WHERE uid = :uid", uid=need.uid) == 0
    assert await cast.history(need.uid) == ["needs.add", "needs.amend", "needs.remove"]


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.ALL])
async def test_projects_ideas_and_places_have_needs_and_nothing_else(cast: Cast, kind: str) -> None:
    asset = await cast.pin("owner", kind)
    if kind in ("project", "idea", "place"):
        assert (await add(cast, asset.uid)).state == "open"
    else:
        with pytest.raises(errors.Conflict, match="has no needs"):
            await add(cast, asset.uid)


async def test_nothing_is_added_to_what_is_hidden(cast: Cast) -> None:
    asset = await cast.pin()
    await moderation.hide(cast.session, cast["officer"], asset.uid, why="For a while")
    with pytest.raises(errors.Conflict, match="not published"):
        await add(cast, asset.uid)


@pytest.mark.parametrize(
    "values",
    [{"quantity": 0}, {"quantity": 100_001}, {"met": 2}, {"met": -1}, {"blocking": True}, {"kind": "gold"},
     {"state": "lost"}],
)  # fmt: skip
async def test_the_database_refuses_a_need_that_cannot_be(cast: Cast, values: dict[str, Any]) -> None:
    asset = await cast.pin()
    cast.session.add(Need(asset_id=asset.id, **{"kind": "people", "title": "Hands", **values}))
    with pytest.raises(IntegrityError, match="ck_need_"):
        await cast.session.flush()
