"""From an offered action to a done one, and the pledges that carry it: every legal step and every other one."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, ProgrammingError

from app import errors, kinds, lifecycles
from app.actions import assets, moderation, proposals
from app.models import Pledge
from tests.actions.conftest import Cast

#: Written by hand from design.md, section 2: verb → who, and state → what it becomes.
PROPOSAL_VERBS: dict[str, tuple[str, dict[str, str]]] = {
    "accept": ("owner", {"proposed": "accepted"}),
    "decline": ("owner", {"proposed": "declined"}),
    "complete": ("owner", {"accepted": "done"}),
    "withdraw": ("author", {"proposed": "withdrawn", "accepted": "withdrawn"}),
}
PLEDGE_VERBS: dict[str, tuple[str, dict[str, str]]] = {
    "confirm": ("other", {"pledged": "confirmed"}),
    "fulfil": ("other", {"confirmed": "fulfilled"}),
    "miss": ("other", {"confirmed": "missed"}),
    "withdraw_pledge": ("author", {"pledged": "withdrawn", "confirmed": "withdrawn"}),
}
PROPOSAL_STATES = ("proposed", "accepted", "declined", "done", "withdrawn")
PLEDGE_STATES = ("pledged", "confirmed", "fulfilled", "missed", "withdrawn")

#: Every legal step of everything that has a life; all others are refused by the database itself.
LEGAL: dict[str, str] = {
    "asset": "draft>pending draft>published draft>withdrawn draft>removed pending>published pending>hidden "
    "pending>withdrawn pending>removed published>hidden published>withdrawn published>removed hidden>published "
    "hidden>withdrawn hidden>removed withdrawn>published withdrawn>removed",
    "comment": "pending>published pending>hidden pending>withdrawn pending>removed published>hidden "
    "published>withdrawn published>removed hidden>published hidden>withdrawn hidden>removed withdrawn>removed",
    "need": "open>met open>closed met>open closed>open",
    "proposal": "proposed>accepted proposed>declined proposed>withdrawn accepted>done accepted>withdrawn",
    "pledge": "pledged>confirmed pledged>withdrawn confirmed>fulfilled confirmed>missed confirmed>withdrawn",
    "link": "asked>agreed asked>declined declined>asked",
    "flag": "open>upheld open>dismissed",
    "job": "waiting>working waiting>cancelled working>waiting working>done working>failed working>cancelled",
}


#: A row of each thing, born in a state.
BIRTHS: dict[str, str] = {
    "asset": "INSERT INTO asset (kind, title, state) VALUES ('project', 'x', :old)",
    "comment": "INSERT INTO comment (asset_id, text, state) VALUES (:asset, 'x', :old)",
    "need": "INSERT INTO need (asset_id, kind, title, state) VALUES (:asset, 'people', 'x', :old)",
    "proposal": "INSERT INTO proposal (asset_id, title, state) VALUES (:asset, 'x', :old)",
    "pledge": "INSERT INTO pledge (proposal_id, hours_promised, state, hours_given) "
    "VALUES (:proposal, 1, :old, CASE WHEN :old = 'fulfilled' THEN 1 END)",
    "link": "INSERT INTO link (kind, from_id, to_id, state) VALUES ('part_of', :asset, :theirs, :old)",
    "flag": "INSERT INTO flag (asset_id, person_id, reason, state) VALUES (:asset, :person, 'spam', :old)",
    "job": "INSERT INTO job (person_id, what, asked, state, fault, expires_at) VALUES (:person, 'report', '{}', :old, "
    "CASE WHEN :old = 'failed' THEN 'x' END, CASE WHEN :old IN ('done', 'failed', 'cancelled') THEN now() END)",
}
#: What has to go with a step.
WITH: dict[str, str] = {
    "pledge": ", hours_given = CASE WHEN CAST(:new AS text) = 'fulfilled' THEN 1 END",
    "job": ", fault = CASE WHEN CAST(:new AS text) = 'failed' THEN 'x' END, "
    "expires_at = CASE WHEN CAST(:new AS text) IN ('done', 'failed', 'cancelled') THEN now() END",
}


# The life of everything ----------------------------------------------------------------------------------------------


async def test_the_code_the_database_and_this_page_know_the_same_steps(cast: Cast) -> None:
    rows = (await cast.session.scalars(text("SELECT thing||' '||from_state||'>'||to_state FROM transition"))).all()
    by_hand = {f"{thing} {step}" for thing, steps in LEGAL.items() for step in steps.split()}
    by_code = {
        f"{thing} {old}>{new}" for thing, states in lifecycles.STEPS.items() for old, news in states.items()
        for new in news
    }  # fmt: skip
    assert set(rows) == by_hand == by_code
    assert len(rows) == len(by_hand) == 52


@pytest.mark.parametrize("thing", LEGAL)
async def test_the_database_itself_refuses_every_step_that_is_not_legal(cast: Cast, thing: str) -> None:
    scene = await cast.scene()
    given = {
        "asset": await cast.value("SELECT id FROM asset WHERE uid = :uid", uid=scene.asset),
        "theirs": await cast.value("SELECT id FROM asset WHERE uid = :uid", uid=scene.other_asset),
        "proposal": await cast.value("SELECT id FROM proposal WHERE uid = :uid", uid=scene.offered),
        "person": cast["stranger"].person_id,
    }
    states, legal, tried = list(lifecycles.STEPS[thing]), LEGAL[thing].split(), 0
    step = text(f"UPDATE {thing} SET state = CAST(:new AS text){WITH.get(thing, '')} WHERE id = :id")
    birth = text(BIRTHS[thing].replace(":old", "CAST(:old AS text)") + " RETURNING id")
    for old in states:
        for new in states:
            point, said = await cast.session.begin_nested(), ""
            try:
                born = await cast.session.scalar(birth, given | {"old": old})
                await cast.session.execute(step, {"new": new, "id": born})
            except IntegrityError as error:
                said = str(error.orig.diag.constraint_name)  # type: ignore[union-attr]
            await point.rollback()
            assert said == ("" if old == new or f"{old}>{new}" in legal else f"transition_{thing}"), f"{old} → {new}"
            tried += 1
    assert tried == len(states) ** 2


async def test_the_writing_role_cannot_change_what_is_legal(cast: Cast) -> None:
    with pytest.raises(ProgrammingError, match="permission denied for table transition"):
        await cast.session.execute(text("INSERT INTO transition VALUES ('need', 'met', 'closed')"))


# Proposals -----------------------------------------------------------------------------------------------------------


async def outcome(cast: Cast, verb: str, who: str, uid: UUID, **given: Any) -> str:
    """The state after a verb, or the name of its refusal; a refusal leaves nothing."""
    point = await cast.session.begin_nested()
    try:
        done = await getattr(proposals, verb)(cast.session, cast[who], uid, **given)
        state = str(done.state)
        await point.commit()
        return state
    except (errors.Problem, IntegrityError) as error:
        await point.rollback()
        cast.session.expunge_all()
        return type(error).__name__


@pytest.mark.parametrize("state", PROPOSAL_STATES)
@pytest.mark.parametrize("verb", PROPOSAL_VERBS)
async def test_a_proposal_takes_its_legal_steps_and_no_other(cast: Cast, verb: str, state: str) -> None:
    scene = await cast.scene(proposal=state)
    who, steps = PROPOSAL_VERBS[verb]
    found = await outcome(cast, verb, who, scene.proposal)
    if state in steps:
        assert found == steps[state]
        assert await cast.history(scene.proposal) == [f"proposals.{verb}"]
    else:
        assert found in ("IllegalTransition", "IntegrityError")
        assert await cast.history(scene.proposal) == []
        assert await cast.value("SELECT state FROM proposal WHERE uid = :uid", uid=scene.proposal) == state


@pytest.mark.parametrize("kind", [kind.name for kind in kinds.ALL])
async def test_projects_ideas_and_places_take_proposals_and_nothing_else(cast: Cast, kind: str) -> None:
    asset = await cast.pin("owner", kind)
    if kind in ("project", "idea", "place"):
        proposal = await proposals.propose(cast.session, cast["stranger"], asset.uid, title="I could dig", places=4)
        assert (proposal.state, proposal.pledged, proposal.places) == ("proposed", 0, 4)
        assert await cast.steps("proposal", proposal.id) == ["proposed"]
    else:
        with pytest.raises(errors.Conflict, match="takes no proposals"):
            await proposals.propose(cast.session, cast["stranger"], asset.uid, title="I could dig")


async def test_nothing_is_proposed_for_what_has_ended_or_is_hidden(cast: Cast) -> None:
    ended = await cast.pin(stage="ended")
    with pytest.raises(errors.Conflict, match="ended"):
        await proposals.propose(cast.session, cast["stranger"], ended.uid, title="Too late")
    asset = await cast.pin()
    await moderation.hide(cast.session, cast["officer"], asset.uid, why="For a while")
    with pytest.raises(errors.NotFound):
        await proposals.propose(cast.session, cast["stranger"], asset.uid, title="Unseen")
    with pytest.raises(errors.Conflict, match="not published"):
        await proposals.propose(cast.session, cast["owner"], asset.uid, title="Mine")


@pytest.mark.parametrize("state", PROPOSAL_STATES)
async def test_a_proposal_is_changed_while_it_is_open(cast: Cast, state: str) -> None:
    scene = await cast.scene(proposal=state)
    changes = {"title": "I could dig deeper", "places": 3, "happens_on": date(2030, 5, 1)}
    if state in ("proposed", "accepted"):
        amended = await proposals.amend(cast.session, cast["author"], scene.proposal, changes, 1)
        assert (amended.title, amended.places, amended.version) == ("I could dig deeper", 3, 2)
        with pytest.raises(errors.PreconditionFailed):
            await proposals.amend(cast.session, cast["author"], scene.proposal, changes, 1)
    else:
        with pytest.raises(errors.Conflict, match=state):
            await proposals.amend(cast.session, cast["author"], scene.proposal, changes, None)


async def test_places_cannot_fall_below_what_is_pledged(cast: Cast) -> None:
    scene = await cast.scene()
    await promise(cast, scene.offered, "stranger")
    with pytest.raises(errors.Invalid, match="2 people"):
        await proposals.amend(cast.session, cast["other"], scene.offered, {"places": 1}, None)
    assert (await proposals.amend(cast.session, cast["other"], scene.offered, {"places": 2}, None)).places == 2
    with pytest.raises(IntegrityError, match="ck_proposal_places"):
        await promise(cast, scene.offered, "member")


@pytest.mark.parametrize("verb", ["decline", "withdraw"])
async def test_a_no_lets_everybody_go_who_had_promised(cast: Cast, verb: str) -> None:
    scene = await cast.scene(pledge="confirmed", offered_is="proposed")
    waiting = await promise(cast, scene.offered, "stranger")
    gone = await promise(cast, scene.offered, "member")
    await proposals.withdraw_pledge(cast.session, cast["member"], gone.uid)
    who = "owner" if verb == "decline" else "other"
    ended = {"decline": "declined", "withdraw": "withdrawn"}[verb]
    assert await outcome(cast, verb, who, scene.offered, why="The ground is frozen.") == ended
    states = "SELECT state FROM pledge WHERE proposal_id = (SELECT id FROM proposal WHERE uid = :uid)"
    assert await cast.values(states, uid=scene.offered) == ["withdrawn"] * 3
    assert await cast.value("SELECT pledged FROM proposal WHERE uid = :uid", uid=scene.offered) == 0
    whys = "SELECT why FROM state_change WHERE thing = 'pledge' AND thing_id = :id AND to_state = 'withdrawn'"
    assert await cast.values(whys, id=waiting.id) == [f"the proposal was {ended}"]
    assert await cast.history(gone.uid) == ["pledges.promise", "pledges.withdraw"], "who had left is not let go again"
    assert await cast.history(scene.pledge) == ["pledges.withdraw"]


async def test_what_is_done_keeps_its_pledges_to_be_counted(cast: Cast) -> None:
    scene = await cast.scene(proposal="accepted", pledge="confirmed")
    await proposals.complete(cast.session, cast["owner"], scene.offered)
    done = await proposals.fulfil(cast.session, cast["owner"], scene.pledge, hours_given=Decimal("2.25"))
    assert (done.state, done.hours_given) == ("fulfilled", Decimal("2.25"))


# Pledges -------------------------------------------------------------------------------------------------------------


async def promise(cast: Cast, proposal: UUID, who: str) -> Pledge:
    """Promise two hours."""
    return await proposals.promise(cast.session, cast[who], proposal, hours=Decimal(2), message="Gladly")


@pytest.mark.parametrize("state", PLEDGE_STATES)
@pytest.mark.parametrize("verb", PLEDGE_VERBS)
async def test_a_pledge_takes_its_legal_steps_and_no_other(cast: Cast, verb: str, state: str) -> None:
    scene = await cast.scene()
    hours = Decimal(1) if state == "fulfilled" else None
    if state != "pledged":
        await cast.session.execute(text("DELETE FROM pledge"))
        born = Pledge(
            proposal_id=await cast.value("SELECT id FROM proposal WHERE uid = :uid", uid=scene.offered),
            person_id=cast["author"].person_id, hours_promised=Decimal(2), state=state, hours_given=hours,
        )  # fmt: skip
        cast.session.expunge_all()
        cast.session.add(born)
        await cast.session.flush()
        uid = born.uid
    else:
        uid = scene.pledge
    who, steps = PLEDGE_VERBS[verb]
    found = await outcome(cast, verb, who, uid, **({"hours_given": Decimal(3)} if verb == "fulfil" else {}))
    if state in steps:
        assert found == steps[state]
        given = await cast.value("SELECT hours_given FROM pledge WHERE uid = :uid", uid=uid)
        assert given == (Decimal(3) if verb == "fulfil" else None)
    else:
        assert found in ("IllegalTransition", "IntegrityError")
        assert await cast.history(uid) == []


@pytest.mark.parametrize("state", PROPOSAL_STATES)
async def test_time_is_promised_to_open_proposals_only(cast: Cast, state: str) -> None:
    scene = await cast.scene(proposal=state)
    if state in ("proposed", "accepted"):
        pledge = await promise(cast, scene.proposal, "stranger")
        assert (pledge.state, pledge.message) == ("pledged", "Gladly")
        assert await cast.value("SELECT pledged FROM proposal WHERE uid = :uid", uid=scene.proposal) == 1
    else:
        with pytest.raises(errors.Conflict, match=state):
            await promise(cast, scene.proposal, "stranger")


async def test_one_open_pledge_a_person_and_another_after_it_ended(cast: Cast) -> None:
    scene = await cast.scene()
    assert await outcome(cast, "promise", "author", scene.offered, hours=Decimal(1)) == "IntegrityError"
    await proposals.withdraw_pledge(cast.session, cast["author"], scene.pledge)
    assert (await promise(cast, scene.offered, "author")).state == "pledged"


@pytest.mark.parametrize(("verb", "free"), [("withdraw_pledge", True), ("miss", True), ("fulfil", False)])
async def test_a_place_is_free_again_when_nobody_fills_it(cast: Cast, verb: str, free: bool) -> None:
    scene = await cast.scene(pledge="confirmed")
    given = {"hours_given": Decimal(1)} if verb == "fulfil" else {}
    await outcome(cast, verb, PLEDGE_VERBS[verb][0], scene.pledge, **given)
    left = await cast.value("SELECT pledged FROM proposal WHERE uid = :uid", uid=scene.offered)
    assert left == (0 if free else 1)


async def test_nothing_more_is_promised_for_an_asset_that_was_withdrawn(cast: Cast) -> None:
    scene = await cast.scene()
    await assets.withdraw(cast.session, cast["owner"], scene.asset, None)
    assert await outcome(cast, "promise", "stranger", scene.offered, hours=Decimal(1)) == "NotFound"


@pytest.mark.parametrize(
    ("hours", "given", "state"),
    [(0, None, "pledged"), (Decimal("1000.01"), None, "pledged"), (1, 1, "pledged"), (1, None, "fulfilled"),
     (1, Decimal("1000.01"), "fulfilled"), (1, -1, "fulfilled")],
)  # fmt: skip
async def test_the_database_refuses_hours_that_cannot_be(cast: Cast, hours: Any, given: Any, state: str) -> None:
    scene = await cast.scene()
    proposal = await cast.value("SELECT id FROM proposal WHERE uid = :uid", uid=scene.proposal)
    cast.session.add(
        Pledge(proposal_id=proposal, hours_promised=Decimal(hours), state=state,
               hours_given=None if given is None else Decimal(given))
    )  # fmt: skip
    with pytest.raises(IntegrityError, match="ck_pledge_"):
        await cast.session.flush()


async def test_a_proposer_counts_on_people_only_when_the_organiser_accepted_and_never_on_themselves(cast: Cast) -> None:
    unasked = await cast.scene(offered_is="proposed")
    with pytest.raises(errors.Conflict, match="accepted"):
        await proposals.confirm(cast.session, cast["other"], unasked.pledge)
    await proposals.confirm(cast.session, cast["owner"], unasked.pledge)
    asked = await cast.scene()
    own = await proposals.promise(cast.session, cast["other"], asked.offered, hours=Decimal(1000))
    with pytest.raises(errors.Forbidden):
        await proposals.confirm(cast.session, cast["other"], own.uid)
