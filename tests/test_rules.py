"""The one file of rights, held against the hand-written tables of tests/rights.py: in Python, and as SQL."""

import functools
import itertools
from collections.abc import Callable, Iterable
from typing import Any
from uuid import UUID, uuid4

import pytest
from geoalchemy2 import WKTElement
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import selectinload

from app import errors, lifecycles, rules
from app.auth import VISITOR, Actor
from app.geo import areas
from app.models import Area, Asset, AssetArea, Comment, Flag, Link, Need, Pledge, Proposal, Update
from tests import factories
from tests.rights import NO_KEY, OPEN, SCOPES, SEEN, TABLE, THINGLESS, WHO, scope_of, verdict

HERE, THERE = 10, 20
IDS = {name: number for number, name in enumerate(WHO, start=1)}
COMMUNITY = 5


def an_actor(who: str, scopes: frozenset[str] | None = None) -> Actor:
    """One of WHO, or an application with a key of theirs."""
    if who == "visitor":
        return VISITOR
    return Actor(
        kind="person" if scopes is None else "app",
        name=who,
        person_id=IDS[who],
        person_uid=UUID(int=IDS[who]),
        role="operator" if who == "operator" else "resident",
        areas=frozenset({"officer": {HERE}, "far_officer": {THERE}}.get(who, set())),
        reads=frozenset({"officer": {HERE}, "far_officer": {THERE}, "councillor": {HERE}}.get(who, set())),
        communities={COMMUNITY: who} if who in ("steward", "member") else {},
        scopes=scopes,
    )


def things(state: str = "published", audience: str = "public", **changes: Any) -> dict[str, rules.Thing]:
    """An asset of the owner's and what belongs to it, by the name of their acts."""
    asset = Asset(
        id=1, owner_id=IDS["owner"], community_id=COMMUNITY, state=state, audience=audience, area_id=None,
        in_areas=[AssetArea(asset_id=1, area_id=HERE)], **changes,
    )  # fmt: skip
    theirs = Asset(id=2, owner_id=IDS["other"], state="published", audience="public", in_areas=[])
    author = IDS["author"]
    offered = Proposal(asset=asset, proposer_id=IDS["other"], state="proposed")
    return {
        "assets": asset,
        "comments": Comment(asset=asset, author_id=author, state="published"),
        "needs": Need(asset=asset),
        "proposals": Proposal(asset=asset, proposer_id=author, state="proposed"),
        "offered": offered,
        "pledges": Pledge(proposal=offered, person_id=author, state="pledged"),
        "updates": Update(asset=asset, author_id=author),
        "links": Link(from_asset=asset, to_asset=theirs, state="asked"),
        "flags": Flag(asset=asset, person_id=author),
    }


_untouched = functools.cache(things)

#: act → the thing that it is about, where its first word does not say so
ABOUT = {
    "appreciations.give": "assets", "comments.write": "assets", "needs.add": "assets", "proposals.propose": "assets",
    "pledges.see": "offered", "pledges.promise": "offered", "updates.post": "assets", "links.ask": "assets",
    "flags.raise": "assets", "flags.see": "assets", "moderation.hide": "assets", "moderation.restore": "assets",
}  # fmt: skip


def judged(actor: Actor, act: str, state: str = "published", audience: str = "public") -> int:
    """What the code says: 200, or the status of its refusal."""
    thing = None if act in THINGLESS else _untouched(state, audience)[ABOUT.get(act, act.partition(".")[0])]
    try:
        rules.require(actor, act, thing)
        return 200 if thing is None or rules.sees(actor, thing) else 404
    except errors.Problem as refusal:
        return refusal.status


def mismatches(of: Iterable[tuple[str, str]] = SEEN) -> tuple[int, list[str]]:
    """Every cell act × who × state × audience, with and without keys: how many, and which differ from the tables."""
    cells, wrong = 0, []
    for act, who, (state, audience) in itertools.product(TABLE, WHO, of):
        found, expected = judged(an_actor(who), act, state, audience), verdict(act, who, state, audience)
        cells += 1
        if found != expected:
            wrong.append(f"{who} {act} on {state} for {audience}: {found}, not {expected}")
    keyholders = [who for who in WHO if who != "visitor"]
    for act, who, scope in itertools.product(TABLE, keyholders, [*SCOPES, ""]):
        found = judged(an_actor(who, frozenset({scope} - {""})), act)
        expected = verdict(act, who) if act in OPEN or (scope and scope == scope_of(act)) else 403
        cells += 1
        if found != expected:
            wrong.append(f"{who}'s key for '{scope}' {act}: {found}, not {expected}")
    return cells, wrong


def test_every_act_is_in_the_tables_and_every_scope() -> None:
    assert set(TABLE) == set(rules.RULES)
    assert set(SCOPES) == set(lifecycles.SCOPES)
    assert sorted([*(act for acts in SCOPES.values() for act in acts), *OPEN, *NO_KEY]) == sorted(TABLE)
    assert {state for state, _ in SEEN} == set(lifecycles.states("asset"))


def test_everybody_may_do_in_every_state_what_the_tables_say_and_no_more() -> None:
    cells, wrong = mismatches()
    assert cells == 48 * 11 * 12 + 48 * 10 * 6
    assert wrong == []


def _nobody(*_: Any) -> bool:
    return False


def _everybody(*_: Any) -> bool:
    return True


#: A defence taken away: the matrix above must notice each.
MUTANTS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "nobody asks whether one is signed in": lambda patch: patch.setattr(rules, "admit", lambda *_: None),
    "everything is seen by everybody": lambda patch: patch.setattr(rules, "_sees_asset", _everybody),
    "everybody owns everything": lambda patch: patch.setattr(rules, "_owns", _everybody),
    "an owner is nobody": lambda patch: patch.setattr(rules, "_owns", _nobody),
    "an officer is one everywhere": lambda patch: patch.setattr(rules, "_officer_of", _everybody),
    "the other side is anybody": lambda patch: patch.setattr(rules, "_on_other_side", _everybody),
    "no author is known": lambda patch: patch.setattr(rules, "_writer_of", lambda *_: None),
    "everybody moderates": lambda patch: patch.setattr(rules, "_moderates", _everybody),
    "an amendment needs an account only": lambda patch: patch.setitem(
        rules.RULES, "assets.amend", rules.Rule("assets:write", frozenset({rules.SIGNED_IN}))
    ),
    "hiding needs no scope of its own": lambda patch: patch.setitem(
        rules.RULES, "moderation.hide", rules.Rule("take-part", frozenset({rules.OFFICER, rules.OPERATOR}))
    ),
    "a member speaks for the community": lambda patch: patch.setattr(
        rules, "_owns", lambda actor, asset: asset.owner_id == actor.person_id or bool(actor.communities)
    ),
    "comments may be written anywhere": lambda patch: patch.setitem(
        rules.RULES, "comments.write", rules.Rule("take-part", frozenset({rules.SIGNED_IN}))
    ),
}


@pytest.mark.parametrize("mutant", MUTANTS)
def test_the_matrix_notices_when_a_defence_is_gone(mutant: str, monkeypatch: pytest.MonkeyPatch) -> None:
    MUTANTS[mutant](monkeypatch)
    some = [("published", "public"), ("hidden", "public")]
    assert mismatches(some)[1]


# What the matrix has no column for -----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["resident", "operator"])
@pytest.mark.parametrize("act", ["moderation.hide", "moderation.restore"])
def test_nobody_moderates_what_they_own_or_wrote(act: str, role: Any) -> None:
    here = frozenset({HERE})
    actor = Actor(kind="person", name="both", person_id=IDS["owner"], role=role, areas=here)
    assert judged(actor, act) == 403
    steward = Actor(kind="person", name="both", person_id=99, role=role, areas=here, communities={COMMUNITY: "steward"})
    assert judged(steward, act) == 403
    author = Actor(kind="person", name="both", person_id=IDS["author"], role=role, areas=here)
    with pytest.raises(errors.Forbidden, match="own"):
        rules.require(author, act, things()["comments"])
    assert judged(Actor(kind="person", name="free", person_id=98, role=role, areas=here), act) == 200


def test_an_officer_of_the_area_that_an_asset_stands_for_is_its_officer() -> None:
    whole = Asset(id=1, owner_id=None, state="published", audience="public", area_id=HERE, in_areas=[])
    rules.require(an_actor("officer"), "moderation.hide", whole)
    with pytest.raises(errors.Forbidden):
        rules.require(an_actor("far_officer"), "moderation.hide", whole)


def test_nobody_owns_what_has_no_owner() -> None:
    nobodys = Asset(id=1, owner_id=None, community_id=None, state="published", audience="public", in_areas=[])
    for who in WHO:
        assert not rules.relations(an_actor(who), nobodys) & {rules.OWNER, rules.AUTHOR, rules.OTHER_SIDE}
    unwritten = Comment(asset=nobodys, author_id=None, state="hidden")
    assert not rules.sees(VISITOR, unwritten)


@pytest.mark.parametrize("state", ["pending", "hidden", "withdrawn", "removed"])
def test_a_comment_that_is_not_published_is_seen_by_its_author_and_moderators_only(state: str) -> None:
    comment = things()["comments"]
    assert isinstance(comment, Comment)
    comment.state = state
    assert {who for who in WHO if rules.sees(an_actor(who), comment)} == {"author", "officer", "operator"}


def test_a_link_is_seen_only_by_who_sees_both_ends() -> None:
    link = things()["links"]
    assert isinstance(link, Link)
    assert all(rules.sees(an_actor(who), link) for who in WHO)
    link.to_asset.state = "hidden"
    assert {who for who in WHO if rules.sees(an_actor(who), link)} == {"other", "operator"}


def test_a_key_sees_pledges_only_with_the_scope_to_take_part() -> None:
    pledge = things()["pledges"]
    for who in ("owner", "author", "other", "steward", "officer", "operator"):
        assert rules.sees(an_actor(who), pledge)
        for scope in SCOPES:
            assert rules.sees(an_actor(who, frozenset({scope})), pledge) == (scope == "take-part"), f"{who} {scope}"


def test_the_service_itself_may_do_everything_to_everything() -> None:
    for act, (state, audience) in itertools.product(TABLE, SEEN):
        assert judged(Actor.system("a job"), act, state, audience) == 200


@pytest.mark.parametrize("who", WHO)
def test_may_lists_exactly_what_require_allows(who: str) -> None:
    acts = tuple(act for act in TABLE if ABOUT.get(act) == "assets")
    assert len(acts) == 10
    for state, audience in SEEN:
        if who == "visitor" and who not in SEEN[state, audience]:
            continue  # never asked: such an asset is not there for them
        # A visitor is invited: what an account alone would open.
        asks = "stranger" if who == "visitor" else who
        found = rules.may(an_actor(who), acts, things(state, audience)["assets"])
        assert found == [act for act in acts if verdict(act, asks, state, audience) == 200]


# The same question as SQL --------------------------------------------------------------------------------------------


async def _populate(session: AsyncSession) -> dict[str, Actor]:
    """Assets in every state, for every audience, of several owners, communities and places; and who asks for them."""
    await factories.draw_areas(session)
    people = {who: await factories.person(session, who, **factories.PEOPLE[who]) for who in factories.PEOPLE}
    roles = {people["steward"].id: "steward", people["member"].id: "member"}
    ours, _ = await factories.community(session, "Gardeners", roles)
    theirs, _ = await factories.community(session, "Singers", {people["other"].id: "steward"})
    far = await session.scalar(select(Area.id).where(Area.code == factories.FAR))
    borough = await session.scalar(select(Area.id).where(Area.code == factories.BOROUGH))
    owners = [people["owner"].id, people["other"].id, people["officer"].id, None]
    places = [(factories.HERE, None), (factories.THERE, None), (None, borough), (None, far), (None, None)]
    rows = []
    for state, audience, owner, community, (at, whole) in itertools.product(
        lifecycles.states("asset"), lifecycles.AUDIENCES, owners, (None, ours, theirs), places
    ):
        if audience == "members" and community is None:
            continue
        geom = WKTElement(f"POINT({at[0]} {at[1]})", srid=4326) if at else None
        rows.append(
            Asset(
                uid=uuid4(), kind="project", title="One of many", state=state, audience=audience, owner_id=owner,
                community_id=community, geom=geom, area_id=whole, details={},
            )
        )  # fmt: skip
    session.add_all(rows)
    await session.flush()
    await areas.assign(session)
    actors = {who: await factories.actor(session, person) for who, person in people.items()}
    return actors | {"visitor": VISITOR, "system": Actor.system("a job")}


async def test_the_rule_in_sql_and_the_rule_in_python_agree_on_every_asset_for_everybody(
    session: AsyncSession,
) -> None:
    actors = await _populate(session)
    session.expunge_all()
    everything = list(await session.scalars(select(Asset).options(selectinload(Asset.in_areas))))
    assert len(everything) >= 600
    seen = {}
    for who, actor in actors.items():
        by_sql = set(await session.scalars(select(Asset.id).where(rules.visible(actor))))
        by_python = {asset.id for asset in everything if rules.sees(actor, asset)}
        assert by_sql == by_python, who
        seen[who] = len(by_sql)
    # Counted by hand: 6 states x 5 places x 4 owners x (3 public + 2 for members); see SEEN.
    assert seen["system"] == 600
    assert seen["visitor"] == seen["stranger"] == seen["author"] == seen["councillor"] == 60
    assert seen["operator"] == 600 - 100 - 100  # all but drafts and removed ones
    assert seen["member"] == 60 + 20
    assert seen["steward"] == 60 + 20 * 5 + 20 * 4  # all of its community's but removed ones, and the public
    assert seen["owner"] == 60 + 25 * 5 - 15
    assert seen["visitor"] < seen["officer"] < seen["operator"]
    assert seen["far_officer"] == 60 + 2 * 20 * 3 + 2 * 8
