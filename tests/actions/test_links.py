"""Ties between assets: asked by one side, agreed by the other, undone by either."""

import json

import pytest
from sqlalchemy.exc import IntegrityError

from app import errors, search
from app.actions import links, moderation
from app.models import Link
from tests.actions.conftest import Cast


async def test_a_link_waits_for_the_other_side(cast: Cast) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other", "idea")
    link = await links.ask(cast.session, cast["owner"], mine.uid, kind="grew_from", to=theirs.uid)
    assert link.state == "asked"
    for who in ("owner", "stranger", "operator"):
        with pytest.raises(errors.Forbidden):
            await links.decide(cast.session, cast[who], link.uid, state="agreed")
    assert (await links.decide(cast.session, cast["other"], link.uid, state="agreed")).state == "agreed"
    assert await cast.steps("link", link.id) == ["asked", "agreed"]
    with pytest.raises(errors.IllegalTransition):
        await links.decide(cast.session, cast["other"], link.uid, state="agreed")


async def test_a_link_between_ones_own_and_to_what_nobody_speaks_for_is_agreed_at_once(cast: Cast) -> None:
    one, two = await cast.pin(), await cast.pin()
    assert (await links.ask(cast.session, cast["owner"], one.uid, kind="part_of", to=two.uid)).state == "agreed"
    imported = await cast.pin("system", "place")
    assert imported.owner_id is None
    assert (await links.ask(cast.session, cast["owner"], one.uid, kind="at_place", to=imported.uid)).state == "agreed"


async def test_a_steward_speaks_for_the_community(cast: Cast) -> None:
    ours = await cast.pin("member", community=str(cast.community))
    link = await links.ask(cast.session, cast["owner"], (await cast.pin()).uid, kind="partner_of", to=ours.uid)
    assert (await links.decide(cast.session, cast["steward"], link.uid, state="declined")).state == "declined"


async def test_only_who_owns_the_asset_asks_and_only_what_they_see(cast: Cast) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    with pytest.raises(errors.Forbidden, match="pinned it"):
        await links.ask(cast.session, cast["stranger"], mine.uid, kind="partner_of", to=theirs.uid)
    draft = await cast.pin("other", state="draft")
    with pytest.raises(errors.NotFound):
        await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=draft.uid)


@pytest.mark.parametrize("twice", [True, False])
async def test_a_link_to_itself_or_a_second_one_of_a_kind_is_refused_by_the_database(cast: Cast, twice: bool) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    target = theirs.uid if twice else mine.uid
    if twice:
        await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=target)
        await links.ask(cast.session, cast["owner"], mine.uid, kind="part_of", to=target)
    constraint = "uq_link_from_id_to_id_kind" if twice else "ck_link_distinct"
    with pytest.raises(IntegrityError, match=constraint):
        await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=target)
    assert errors.of_constraint(constraint) is not None


@pytest.mark.parametrize("who", ["owner", "other"])
async def test_either_side_undoes_a_link_and_may_be_asked_again(cast: Cast, who: str) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    link = await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=theirs.uid)
    with pytest.raises(errors.Forbidden):
        await links.remove(cast.session, cast["stranger"], link.uid)
    await links.remove(cast.session, cast[who], link.uid)
    assert await cast.history(link.uid) == ["links.ask", "links.remove"]
    assert (await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=theirs.uid)).state == "asked"


async def test_hiding_either_end_leaves_no_tie_to_be_seen(cast: Cast) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    link = await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=theirs.uid)
    await links.decide(cast.session, cast["other"], link.uid, state="agreed")

    async def seen(who: str) -> int:
        rows, _ = await search.things(cast.session, cast[who], Link, mine, limit=10, cursor=None)
        return len(rows)

    assert (await seen("visitor"), await seen("owner")) == (1, 1)
    await moderation.hide(cast.session, cast["officer"], theirs.uid, why="For a while")
    assert (await seen("visitor"), await seen("owner"), await seen("officer")) == (0, 0, 1)
    with pytest.raises(errors.NotFound):
        await search.get_thing(cast.session, cast["owner"], Link, link.uid)


@pytest.mark.parametrize("state", ["asked", "declined", "agreed"])
async def test_a_tie_is_listed_for_everybody_only_when_both_sides_agreed(cast: Cast, state: str) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    link = await links.ask(cast.session, cast["owner"], mine.uid, kind="partner_of", to=theirs.uid)
    if state != "asked":
        await links.decide(cast.session, cast["other"], link.uid, state=state)
    for asset in (mine, theirs):
        seen = set()
        for who in ("visitor", "stranger", "owner", "other", "officer", "far_officer", "operator"):
            rows, _ = await search.things(cast.session, cast[who], Link, asset, limit=10, cursor=None)
            seen |= {who} if rows else set()
        concerned = {"owner", "other", "officer", "operator"}
        assert seen == (concerned | {"visitor", "stranger", "far_officer"} if state == "agreed" else concerned)


async def test_the_filter_for_ties_answers_only_where_both_ends_may_be_seen(cast: Cast) -> None:
    project, idea = await cast.pin(), await cast.pin("owner", "idea")
    await links.ask(cast.session, cast["owner"], project.uid, kind="grew_from", to=idea.uid)
    asked = await links.ask(
        cast.session, cast["owner"], (await cast.pin()).uid, kind="grew_from", to=(await cast.pin("other", "idea")).uid
    )

    async def grown(who: str, uid: object) -> list[str]:
        wanted = search.AssetFilter(link=("grew_from", uid))  # type: ignore[arg-type]
        found = await search.page(cast.session, cast[who], wanted, sort="new", limit=9, cursor=None, count=False)
        return [json.loads(text)["id"] for text in found.features]

    assert await grown("visitor", idea.uid) == [str(project.uid)]
    assert await grown("visitor", asked.to_asset.uid) == [], "what was only asked is no tie"
    await moderation.hide(cast.session, cast["officer"], idea.uid, why="For a while")
    assert await grown("visitor", idea.uid) == [], "a hidden idea is not there, and nothing grew from it"
    assert await grown("owner", idea.uid) == [str(project.uid)]


async def test_a_declined_tie_may_be_asked_for_once_more(cast: Cast) -> None:
    mine, theirs = await cast.pin(), await cast.pin("other")
    link = await links.ask(cast.session, cast["owner"], mine.uid, kind="part_of", to=theirs.uid)
    await links.decide(cast.session, cast["other"], link.uid, state="declined")
    again = await links.ask(cast.session, cast["owner"], mine.uid, kind="part_of", to=theirs.uid)
    assert (again.uid, again.state) == (link.uid, "asked")
    assert (await links.decide(cast.session, cast["other"], link.uid, state="agreed")).state == "agreed"
    assert await cast.steps("link", link.id) == ["asked", "declined", "asked", "agreed"]
