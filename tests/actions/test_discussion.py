"""Comments, thanks, updates and flags."""

from uuid import UUID

import pytest

from app import errors, search
from app.actions import discussion, moderation
from app.models import Comment, Flag
from tests.actions.conftest import Cast


async def write(cast: Cast, asset: UUID, who: str = "author", text: str = "Well said", **given: object) -> Comment:
    """Comment as this person."""
    return await discussion.write_comment(cast.session, cast[who], asset, text=text, **given)  # type: ignore[arg-type]


async def listed(cast: Cast, who: str, asset: UUID) -> list[str]:
    """The texts of the discussion as this person sees it."""
    parent = await search.get_asset(cast.session, cast[who], asset)
    rows, _ = await search.things(cast.session, cast[who], Comment, parent, limit=50, cursor=None)
    return [row.text for row in rows]


# Comments ------------------------------------------------------------------------------------------------------------


async def test_a_comment_is_there_at_once_and_waits_where_new_content_is_held(cast: Cast) -> None:
    asset = await cast.pin()
    comment = await write(cast, asset.uid)
    assert (comment.state, comment.via, comment.version) == ("published", "web", 1)
    held = await write(cast, asset.uid, "stranger", "Buy my pills", hold=True)
    assert held.state == "pending"
    assert await listed(cast, "visitor", asset.uid) == ["Well said"]
    assert await listed(cast, "stranger", asset.uid) == ["Well said", "Buy my pills"]
    assert await listed(cast, "officer", asset.uid) == ["Well said", "Buy my pills"]
    assert await listed(cast, "far_officer", asset.uid) == ["Well said"]


async def test_an_application_that_writes_is_named_as_the_way_it_came(cast: Cast) -> None:
    asset = await cast.pin()
    app = cast["author"].__class__(
        kind="app", name="An app", person_id=cast["author"].person_id, scopes=frozenset({"take-part"})
    )
    comment = await discussion.write_comment(cast.session, app, asset.uid, text="From afar")
    assert comment.via == "app"


async def test_a_reply_answers_a_comment_that_one_sees_on_the_same_asset(cast: Cast) -> None:
    asset, elsewhere = await cast.pin(), await cast.pin()
    comment, foreign = await write(cast, asset.uid), await write(cast, elsewhere.uid)
    reply = await write(cast, asset.uid, "stranger", "Indeed", reply_to=comment.uid)
    assert reply.reply_to is comment
    with pytest.raises(errors.Invalid, match="another asset"):
        await write(cast, asset.uid, reply_to=foreign.uid)
    hidden = await write(cast, asset.uid, text="Hidden", hold=True)
    with pytest.raises(errors.NotFound):
        await write(cast, asset.uid, "stranger", reply_to=hidden.uid)
    with pytest.raises(errors.NotFound):
        await write(cast, asset.uid, reply_to=UUID(int=1))


async def test_ones_own_words_may_be_changed_and_history_keeps_the_old_ones(cast: Cast) -> None:
    comment = await write(cast, (await cast.pin()).uid)
    author = cast["author"]
    amended = await discussion.amend_comment(cast.session, author, comment.uid, text="Better said", version=1)
    assert (amended.text, amended.version) == ("Better said", 2)
    with pytest.raises(errors.PreconditionFailed):
        await discussion.amend_comment(cast.session, author, comment.uid, text="Lost", version=1)
    told = "SELECT before->>'text' FROM history WHERE thing_uid = :uid AND verb = 'comments.amend'"
    assert await cast.values(told, uid=comment.uid) == ["Well said"]


async def test_the_author_withdraws_and_an_officer_hides_with_a_reason(cast: Cast) -> None:
    asset = await cast.pin()
    mine, theirs = await write(cast, asset.uid, text="Mine"), await write(cast, asset.uid, "stranger", "Theirs")
    with pytest.raises(errors.PreconditionFailed):
        await discussion.withdraw_comment(cast.session, cast["author"], mine.uid, 9)
    await discussion.withdraw_comment(cast.session, cast["author"], mine.uid, 1)
    assert mine.state == "withdrawn"
    with pytest.raises(errors.IllegalTransition):
        await discussion.withdraw_comment(cast.session, cast["author"], mine.uid, None)
    await discussion.hide_comment(cast.session, cast["officer"], theirs.uid, why="Unkind")
    assert (theirs.state, theirs.version) == ("hidden", 2)
    assert await cast.history(theirs.uid) == ["comments.write", "moderation.hide"]
    assert await listed(cast, "visitor", asset.uid) == []
    for who in ("owner", "far_officer", "member"):
        with pytest.raises((errors.Forbidden, errors.NotFound)):
            await discussion.restore_comment(cast.session, cast[who], theirs.uid, why="Me too")


async def test_a_hidden_comment_comes_back_and_a_waiting_one_is_published(cast: Cast) -> None:
    asset = await cast.pin()
    hidden = await write(cast, asset.uid, "stranger", "Rough")
    await discussion.hide_comment(cast.session, cast["officer"], hidden.uid, why="Too quick")
    waiting = await discussion.write_comment(cast.session, cast["stranger"], asset.uid, text="New here", hold=True)
    assert (waiting.state, await listed(cast, "visitor", asset.uid)) == ("pending", [])
    for comment in (hidden, waiting):
        await discussion.restore_comment(cast.session, cast["officer"], comment.uid, why="It is fine")
    assert await listed(cast, "visitor", asset.uid) == ["Rough", "New here"]


async def test_nobody_moderates_what_they_wrote_and_what_was_withdrawn_stays_so(cast: Cast) -> None:
    comment = await write(cast, (await cast.pin()).uid, "officer")
    with pytest.raises(errors.Forbidden):
        await discussion.hide_comment(cast.session, cast["officer"], comment.uid, why="My mistake")
    await discussion.withdraw_comment(cast.session, cast["officer"], comment.uid, None)
    with pytest.raises(errors.IllegalTransition):
        await discussion.restore_comment(cast.session, cast["operator"], comment.uid, why="Bring it back")


# Thanks --------------------------------------------------------------------------------------------------------------


async def test_thanks_count_once_a_person_and_can_be_taken_back(cast: Cast) -> None:
    asset = await cast.pin()
    give, take = discussion.appreciate, discussion.take_back_appreciation
    assert await give(cast.session, cast["stranger"], asset.uid) == 1
    assert await give(cast.session, cast["stranger"], asset.uid) == 1
    assert await give(cast.session, cast["member"], asset.uid) == 2
    assert await take(cast.session, cast["stranger"], asset.uid) == 1
    assert await take(cast.session, cast["stranger"], asset.uid) == 1
    assert await give(cast.session, cast["owner"], asset.uid) == 2
    stored = "SELECT appreciation_count FROM asset WHERE uid = :uid"
    assert await cast.value(stored, uid=asset.uid) == await cast.value("SELECT count(*) FROM appreciation") == 2


async def test_thanks_touch_neither_version_nor_map(cast: Cast) -> None:
    asset = await cast.pin()
    changes = await cast.value("SELECT count(*) FROM map_change")
    await discussion.appreciate(cast.session, cast["stranger"], asset.uid)
    assert await cast.value("SELECT version FROM asset WHERE uid = :uid", uid=asset.uid) == 1
    assert await cast.value("SELECT count(*) FROM map_change") == changes


async def test_what_is_hidden_gets_no_new_thanks_and_gives_old_ones_back(cast: Cast) -> None:
    asset = await cast.pin()
    await discussion.appreciate(cast.session, cast["owner"], asset.uid)
    await moderation.hide(cast.session, cast["officer"], asset.uid, why="For a while")
    with pytest.raises(errors.Conflict):
        await discussion.appreciate(cast.session, cast["officer"], asset.uid)
    assert await discussion.take_back_appreciation(cast.session, cast["owner"], asset.uid) == 0
    with pytest.raises(errors.NotSignedIn):
        await discussion.take_back_appreciation(cast.session, cast["visitor"], (await cast.pin()).uid)


# Updates -------------------------------------------------------------------------------------------------------------


async def test_the_organiser_reports_back_changes_and_removes_it(cast: Cast) -> None:
    asset, owner = await cast.pin(), cast["owner"]
    posted = await discussion.post_update(cast.session, owner, asset.uid, text="It grows")
    amended = await discussion.amend_update(cast.session, owner, posted.uid, text="It grew", version=1)
    assert (amended.text, amended.version) == ("It grew", 2)
    with pytest.raises(errors.PreconditionFailed):
        await discussion.remove_update(cast.session, owner, posted.uid, 1)
    await discussion.remove_update(cast.session, owner, posted.uid, 2)
    assert await cast.value("SELECT count(*) FROM update") == 0
    assert await cast.history(posted.uid) == ["updates.post", "updates.amend", "updates.remove"]


# Flags ---------------------------------------------------------------------------------------------------------------


async def raise_flag(cast: Cast, asset: UUID, who: str = "stranger", **given: object) -> Flag:
    """Flag as this person."""
    said = {"reason": "spam", **given}
    return await discussion.raise_flag(cast.session, cast[who], asset, **said)  # type: ignore[arg-type]


async def test_a_second_flag_of_the_same_person_replaces_the_first(cast: Cast) -> None:
    asset = await cast.pin()
    first = await raise_flag(cast, asset.uid)
    cast.session.expunge(first)
    second = await raise_flag(cast, asset.uid, reason="unsafe", text="There is a hole.")
    assert (second.uid, second.reason, second.text) == (first.uid, "unsafe", "There is a hole.")
    await raise_flag(cast, asset.uid, "member")
    assert await cast.value("SELECT count(*) FROM flag") == 2


async def test_an_asset_and_each_comment_on_it_are_flagged_apart(cast: Cast) -> None:
    asset, elsewhere = await cast.pin(), await cast.pin()
    comment, foreign = await write(cast, asset.uid), await write(cast, elsewhere.uid)
    about_asset = await raise_flag(cast, asset.uid)
    about_comment = await raise_flag(cast, asset.uid, comment=comment.uid)
    assert about_asset.uid != about_comment.uid
    assert about_comment.comment_id == comment.id
    with pytest.raises(errors.Invalid, match="another asset"):
        await raise_flag(cast, asset.uid, comment=foreign.uid)


async def test_a_flag_that_was_decided_is_not_raised_again(cast: Cast) -> None:
    asset = await cast.pin()
    flag = await raise_flag(cast, asset.uid)
    await cast.value("UPDATE flag SET state = 'dismissed' WHERE uid = :uid RETURNING 1", uid=flag.uid)
    with pytest.raises(errors.Conflict, match="decided"):
        await raise_flag(cast, asset.uid)
