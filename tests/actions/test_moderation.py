"""Hiding and bringing back: by an officer of the area, with a reason, and everywhere at once."""

import pytest
from sqlalchemy import func, select

from app import errors, rules
from app.actions import assets, moderation
from app.auth import VISITOR, Actor
from app.models import Asset, MapChange
from tests.actions.conftest import Cast
from tests.factories import BOROUGH, NORTH, THERE


async def on_the_map(cast: Cast) -> int:
    """How many assets the map's change log adds up to."""
    await cast.session.flush()
    return await cast.session.scalar(select(func.coalesce(func.sum(MapChange.n), 0))) or 0


async def public(cast: Cast) -> set[int]:
    """The assets that a visitor may see."""
    return set(await cast.session.scalars(select(Asset.id).where(rules.visible(VISITOR))))


@pytest.mark.parametrize("who", ["officer", "operator"])
async def test_hidden_is_off_the_map_and_the_list_and_restored_is_back(cast: Cast, who: str) -> None:
    asset = await cast.pin()
    first = asset.published_at
    assert (await on_the_map(cast), asset.id in await public(cast)) == (1, True)
    hidden = await moderation.hide(cast.session, cast[who], asset.uid, why="It names a child.")
    assert hidden.state == "hidden"
    assert (await on_the_map(cast), asset.id in await public(cast)) == (0, False)
    await moderation.restore(cast.session, cast[who], asset.uid, why="The name is gone.")
    assert (asset.state, asset.published_at, asset.version) == ("published", first, 3)
    assert (await on_the_map(cast), asset.id in await public(cast)) == (1, True)
    assert await cast.history(asset.uid) == ["assets.publish", "moderation.hide", "moderation.restore"]
    reasons = "SELECT why FROM state_change WHERE thing = 'asset' AND thing_id = :id ORDER BY id"
    assert await cast.values(reasons, id=asset.id) == [None, "It names a child.", "The name is gone."]


async def test_what_waits_is_published_or_hidden_by_a_moderator(cast: Cast) -> None:
    held = await cast.pin(hold=True)
    released = await moderation.restore(cast.session, cast["officer"], held.uid, why="It is fine.")
    assert (released.state, released.published_at is not None) == ("published", True)
    held = await cast.pin(hold=True)
    assert (await moderation.hide(cast.session, cast["officer"], held.uid, why="It is spam.")).state == "hidden"


async def test_an_officer_moderates_their_area_and_what_stands_for_it_and_nothing_else(cast: Cast) -> None:
    for given in ({}, {"at": None, "area": NORTH}, {"at": None, "area": BOROUGH}):
        asset = await cast.pin("owner", **given)  # type: ignore[arg-type]
        with pytest.raises(errors.Forbidden):
            await moderation.hide(cast.session, cast["far_officer"], asset.uid, why="Not mine.")
        await moderation.hide(cast.session, cast["officer"], asset.uid, why="Mine to judge.")
        with pytest.raises(errors.NotFound):
            await moderation.restore(cast.session, cast["far_officer"], asset.uid, why="Not mine.")
    elsewhere = await cast.pin(at=THERE)
    nowhere = await cast.pin(at=None)
    for asset in (elsewhere, nowhere):
        with pytest.raises(errors.Forbidden):
            await moderation.hide(cast.session, cast["officer"], asset.uid, why="Not mine.")
        await moderation.hide(cast.session, cast["operator"], asset.uid, why="Ours to judge.")


async def test_nobody_moderates_their_own(cast: Cast) -> None:
    for who in ("officer", "operator"):
        asset = await cast.pin(who)
        with pytest.raises(errors.Forbidden, match="own"):
            await moderation.hide(cast.session, cast[who], asset.uid, why="My mistake.")
        assert (await moderation.hide(cast.session, cast["system"], asset.uid, why="A job")).state == "hidden"
        with pytest.raises(errors.Forbidden, match="own"):
            await moderation.restore(cast.session, cast[who], asset.uid, why="My mistake.")


@pytest.mark.parametrize("state", ["draft", "withdrawn", "hidden"])
async def test_only_what_is_or_waits_to_be_public_can_be_hidden(cast: Cast, state: str) -> None:
    asset = await cast.pin(state="draft" if state == "draft" else "published")
    if state == "withdrawn":
        await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    elif state == "hidden":
        await moderation.hide(cast.session, cast["officer"], asset.uid, why="Once is enough.")
    refusal = errors.NotFound if state == "draft" else errors.IllegalTransition
    with pytest.raises(refusal):
        await moderation.hide(cast.session, cast["officer"], asset.uid, why="Again")


@pytest.mark.parametrize("state", ["published", "withdrawn"])
async def test_only_what_is_hidden_or_waits_can_be_restored(cast: Cast, state: str) -> None:
    asset = await cast.pin()
    if state == "withdrawn":
        await assets.withdraw(cast.session, cast["owner"], asset.uid, None)
    with pytest.raises(errors.IllegalTransition):
        await moderation.restore(cast.session, cast["officer"], asset.uid, why="For no reason")
    assert asset.state == state


async def test_the_service_hides_for_a_stated_reason(cast: Cast) -> None:
    asset = await cast.pin()
    await moderation.hide(cast.session, Actor.system("three flags"), asset.uid, why="Three flags")
    told = "SELECT actor FROM history WHERE verb = 'moderation.hide' AND thing_uid = :uid"
    assert await cast.value(told, uid=asset.uid) == "system:three flags"
