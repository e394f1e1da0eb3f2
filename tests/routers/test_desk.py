"""The officer desk over HTTP: flags and what is out of sight, of one's own areas and of no other."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from app import rules
from app.actions import assets
from app.auth import Actor
from app.models import Asset
from tests.factories import BOROUGH, FAR, NORTH, NOWHERE, SOUTH, THERE, Scene, Town, document
from tests.routers.test_manners import assert_problem

WHY = {"reason": "It names a child."}


async def walked(client: httpx.AsyncClient, path: str) -> list[dict[str, Any]]:
    """Every item of a list, page by page."""
    found: list[dict[str, Any]] = []
    following: str | None = path
    while following:
        answer = await client.get(following)
        assert answer.status_code == 200, answer.text
        assert answer.headers["cache-control"] == "no-store"
        found += answer.json()["items"]
        following = answer.json()["next"]
    return found


async def flagged(town: Town, scene: Scene, who: str = "stranger", **about: Any) -> str:
    """Somebody flags a scene's asset; the flag's uid."""
    answer = await town[who].post(f"/api/v1/assets/{scene.asset}/flags", json={"reason": "unsafe", **about})
    assert answer.status_code == 201, answer.text
    uid: str = answer.json()["uid"]
    return uid


async def flags(town: Town, who: str, query: str = "") -> dict[str, dict[str, Any]]:
    """uid → flag, as somebody's desk lists them."""
    return {item["uid"]: item for item in await walked(town[who], f"/api/v1/desk/flags?limit=200{query}")}


# Flags ---------------------------------------------------------------------------------------------------------------


async def test_a_desk_lists_the_flags_of_its_own_areas_the_oldest_first(town: Town) -> None:
    here, there, nowhere = await town.scene(), await town.scene(at=THERE), await town.scene(at=NOWHERE)
    first = await flagged(town, here, text="There is a hole.")
    second = await flagged(town, here, comment=str(here.comment))
    far, lost = await flagged(town, there), await flagged(town, nowhere)
    ours, theirs, every = await flags(town, "officer"), await flags(town, "far_officer"), await flags(town, "operator")
    assert {first, second} <= ours.keys()
    assert not {far, lost} & ours.keys()
    assert far in theirs
    assert not {first, second, lost} & theirs.keys()
    assert {first, second, far, lost} <= every.keys()
    assert list(ours).index(first) < list(ours).index(second)
    told = await town.sql("SELECT title FROM asset WHERE uid = :uid", uid=here.asset)
    shown = ours[first]
    assert shown["asset"] == {"uid": str(here.asset), "title": told, "kind": "project", "state": "published"}
    assert (shown["reason"], shown["text"], shown["comment"], shown["decision"]) == (
        "unsafe",
        "There is a hole.",
        None,
        None,
    )
    assert (shown["link"], shown["may"], shown["state"]) == (f"/assets/{here.asset}", ["flags.decide"], "open")
    assert ours[second]["comment"] == {"uid": str(here.comment), "text": "Well said", "state": "published"}
    assert "stranger" not in str(shown).lower(), "not who raised it"


async def test_a_list_of_flags_comes_in_pages_without_gap_or_repeat(town: Town) -> None:
    scene = await town.scene()
    raised = [await flagged(town, scene, who) for who in ("owner", "author", "member")]
    items = await walked(town["officer"], "/api/v1/desk/flags?limit=1")
    uids = [item["uid"] for item in items]
    assert len(uids) == len(set(uids))
    assert [uid for uid in uids if uid in raised] == raised


@pytest.mark.parametrize(
    ("area", "seen"),
    [(BOROUGH, True), (NORTH, True), (SOUTH, False), (FAR, False), (f"{SOUTH},{NORTH}", True), ("X", False)],
)
async def test_an_area_narrows_a_desk_and_never_widens_it(town: Town, area: str, seen: bool) -> None:
    here, there = await town.scene(), await town.scene(at=THERE)
    ours, theirs = await flagged(town, here), await flagged(town, there)
    listed = await flags(town, "officer", f"&area={area}")
    assert (ours in listed) == seen
    assert theirs not in listed


async def test_a_flag_of_what_stands_for_a_whole_area_is_on_the_desk_of_that_area(town: Town) -> None:
    made = await town.pin("owner", "project", at=None, area=BOROUGH)
    answer = await town["stranger"].post(f"/api/v1/assets/{made['id']}/flags", json={"reason": "spam"})
    assert answer.json()["uid"] in await flags(town, "officer")
    assert answer.json()["uid"] not in await flags(town, "far_officer")


async def test_a_decision_says_who_when_and_why_and_is_made_once(town: Town) -> None:
    scene = await town.scene()
    right, wrong = await flagged(town, scene), await flagged(town, scene, "member")
    for uid, verb, state in ((right, "uphold", "upheld"), (wrong, "dismiss", "dismissed")):
        answer = await town["officer"].post(f"/api/v1/flags/{uid}/{verb}", json={"reason": f"To {verb}."})
        assert (answer.status_code, answer.json()["state"]) == (200, state)
        again = await town["operator"].post(f"/api/v1/flags/{uid}/dismiss", json=WHY)
        assert_problem(again, 409, "illegal-transition")
        shown = (await flags(town, "officer", f"&state={state}"))[uid]
        assert (shown["decision"]["by"], shown["decision"]["why"]) == ("Officer", f"To {verb}.")
        assert shown["may"] == []
        assert uid not in await flags(town, "officer")
    assert (await town["visitor"].get(f"/api/v1/assets/{scene.asset}")).status_code == 200, "neither hides by itself"
    again = await town["stranger"].post(f"/api/v1/assets/{scene.asset}/flags", json={"reason": "spam"})
    assert_problem(again, 409, "conflict")


async def test_upholding_hides_what_is_complained_of_in_the_same_breath_where_asked(town: Town) -> None:
    scene, other = await town.scene(), await town.scene()
    asset, second = await flagged(town, scene), await flagged(town, scene, "member")
    comment = await flagged(town, other, comment=str(other.comment))
    for uid in (asset, second, comment):  # the second finds it hidden already
        answer = await town["officer"].post(f"/api/v1/flags/{uid}/uphold", json=WHY | {"hide": True})
        assert (answer.status_code, answer.json()["state"]) == (200, "upheld")
    assert (await town["visitor"].get(f"/api/v1/assets/{scene.asset}")).status_code == 404
    assert (await town["visitor"].get(f"/api/v1/assets/{other.asset}")).status_code == 200
    assert (await town["visitor"].get(f"/api/v1/assets/{other.asset}/comments")).json()["items"] == []
    hidden = "SELECT string_agg(verb || ': ' || why, ', ') FROM history WHERE thing_uid = :uid"
    assert await town.sql(hidden, uid=scene.asset) == f"moderation.hide: {WHY['reason']}"
    step = """SELECT why FROM state_change JOIN asset ON asset.id = thing_id
              WHERE thing = 'asset' AND to_state = 'hidden' AND uid = :uid"""
    assert await town.sql(step, uid=scene.asset) == WHY["reason"]


async def test_where_hiding_fails_the_flag_stays_open(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = await town.scene()
    uid = await flagged(town, scene)

    async def broken(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(assets, "change_state", broken)
    town["officer"]._transport = httpx.ASGITransport(app=town.app, raise_app_exceptions=False)
    answer = await town["officer"].post(f"/api/v1/flags/{uid}/uphold", json=WHY | {"hide": True})
    assert answer.status_code == 500
    assert await town.sql("SELECT state FROM flag WHERE uid = :uid", uid=uid) == "open"
    assert await town.sql("SELECT count(*) FROM history WHERE thing_uid = :uid AND verb <> 'flags.raise'", uid=uid) == 0


@pytest.mark.parametrize(
    "body", [{}, {"reason": "x"}, {"reason": "Long enough", "hide": "yes"}, {"reason": "x" * 1001}]
)
async def test_a_decision_has_a_reason(town: Town, body: dict[str, Any]) -> None:
    uid = await flagged(town, await town.scene())
    assert_problem(await town["officer"].post(f"/api/v1/flags/{uid}/uphold", json=body), 422, "invalid")
    assert_problem(
        await town["officer"].post(f"/api/v1/flags/{uid}/dismiss", json=WHY | {"hide": True}), 422, "invalid"
    )


async def test_nobody_decides_on_a_flag_of_their_own_words_but_may_on_one_that_they_raised(town: Town) -> None:
    _, judge = await town.settle("Judge", officer_of=[BOROUGH])
    made = (await judge.post("/api/v1/assets", json=document())).json()["id"]
    of_asset = await town["stranger"].post(f"/api/v1/assets/{made}/flags", json={"reason": "spam"})
    scene = await town.scene()
    said = await judge.post(f"/api/v1/assets/{scene.asset}/comments", json={"text": "My own words"})
    of_comment = await flagged(town, scene, comment=said.json()["uid"])
    for uid in (of_asset.json()["uid"], of_comment):
        refused = await judge.post(f"/api/v1/flags/{uid}/dismiss", json=WHY)
        assert "your own" in assert_problem(refused, 403, "forbidden")["detail"]
        assert (await town["officer"].post(f"/api/v1/flags/{uid}/dismiss", json=WHY)).status_code == 200
    raised = await judge.post(f"/api/v1/assets/{scene.asset}/flags", json={"reason": "not-true"})
    assert (await judge.post(f"/api/v1/flags/{raised.json()['uid']}/uphold", json=WHY)).status_code == 200


async def test_a_flag_is_not_there_for_whom_it_does_not_concern(town: Town) -> None:
    uid = await flagged(town, await town.scene())
    for who in ("owner", "author", "councillor", "far_officer"):
        there = await town[who].post(f"/api/v1/flags/{uid}/dismiss", json=WHY)
        never = await town[who].post(f"/api/v1/flags/{uuid4()}/dismiss", json=WHY)
        one, other = assert_problem(there, 404, "not-found"), assert_problem(never, 404, "not-found")
        assert one.pop("instance") != other.pop("instance")
        assert one == other
    raiser = await town["stranger"].post(f"/api/v1/flags/{uid}/dismiss", json=WHY)
    assert_problem(raiser, 403, "forbidden")


# Out of sight --------------------------------------------------------------------------------------------------------


async def hidden(town: Town, who: str, query: str = "") -> dict[str, dict[str, Any]]:
    """uid of asset or comment → what somebody's desk says of it."""
    items = await walked(town[who], f"/api/v1/desk/hidden?limit=200{query}")
    return {(item["comment"] or item)["uid"]: item for item in items}


async def test_a_desk_lists_what_is_hidden_in_its_areas_with_who_when_and_why(town: Town) -> None:
    here, there, shown = await town.scene(), await town.scene(at=THERE), await town.scene()
    assert (await town["officer"].post(f"/api/v1/assets/{here.asset}/hide", json=WHY)).status_code == 200
    assert (await town["far_officer"].post(f"/api/v1/assets/{there.asset}/hide", json=WHY)).status_code == 200
    ours = await hidden(town, "officer")
    assert not {str(there.asset), str(shown.asset)} & ours.keys()
    found = ours[str(here.asset)]
    assert (found["state"], found["by"], found["reason"], found["comment"]) == (
        "hidden",
        "Officer",
        WHY["reason"],
        None,
    )
    at = await town.sql("SELECT at FROM history WHERE thing_uid = :uid AND verb = 'moderation.hide'", uid=here.asset)
    assert found["at"] == at.isoformat().replace("+00:00", "Z")
    assert found["link"] == f"/assets/{here.asset}"
    theirs = await hidden(town, "far_officer")
    assert str(there.asset) in theirs
    assert str(here.asset) not in theirs
    assert {str(here.asset), str(there.asset)} <= (await hidden(town, "operator")).keys()
    assert str(here.asset) in await hidden(town, "officer", f"&area={NORTH}")
    assert str(here.asset) not in await hidden(town, "officer", f"&area={SOUTH}")
    await town["officer"].post(f"/api/v1/assets/{here.asset}/restore", json=WHY)
    assert str(here.asset) not in await hidden(town, "officer")


async def test_what_waits_names_its_author_and_drafts_are_nobodys_business(town: Town) -> None:
    waits, draft, gone = (
        await town.scene(state="pending"),
        await town.scene(state="draft"),
        await town.scene(state="removed"),
    )
    members = await town.scene(state="pending", audience="members")
    ours = await hidden(town, "officer")
    found = ours[str(waits.asset)]
    assert (found["state"], found["by"], found["reason"]) == ("pending", "Owner", None)
    assert str(members.asset) in ours
    assert not {str(draft.asset), str(gone.asset)} & ours.keys()
    assert str(waits.asset) not in await hidden(town, "officer", "&state=hidden")
    assert str(waits.asset) in await hidden(town, "officer", "&state=pending")


async def test_comments_that_are_hidden_or_wait_have_a_list_of_their_own(town: Town) -> None:
    scene, waiting, far = (
        await town.scene(),
        await town.scene(comment="pending"),
        await town.scene(at=THERE, comment="pending"),
    )
    assert (await town["officer"].post(f"/api/v1/comments/{scene.comment}/hide", json=WHY)).status_code == 200
    assert not {str(scene.comment), str(waiting.comment)} & (await hidden(town, "officer")).keys()
    ours = await hidden(town, "officer", "&of=comments")
    assert str(far.comment) not in ours
    found = ours[str(scene.comment)]
    assert (found["uid"], found["comment"]["text"]) == (str(scene.asset), "Well said")
    assert (found["state"], found["by"], found["reason"]) == ("hidden", "Officer", WHY["reason"])
    found = ours[str(waiting.comment)]
    assert (found["state"], found["by"], found["reason"]) == ("pending", "Author", None)


async def test_who_left_is_named_no_more(town: Town) -> None:
    _, leaver = await town.settle("Leaver", officer_of=[BOROUGH])
    scene = await town.scene()
    uid = await flagged(town, scene)
    await leaver.post(f"/api/v1/flags/{uid}/uphold", json=WHY | {"hide": True})
    assert (await hidden(town, "officer"))[str(scene.asset)]["by"] == "Leaver"
    assert (await leaver.delete("/api/v1/me")).status_code == 204
    assert (await hidden(town, "officer"))[str(scene.asset)]["by"] is None
    assert (await flags(town, "officer", "&state=upheld"))[uid]["decision"]["by"] is None


async def test_a_walk_through_what_is_hidden_meets_each_once(town: Town) -> None:
    made = {str((await town.scene(state="hidden")).asset) for _ in range(3)}
    items = [item["uid"] for item in await walked(town["officer"], "/api/v1/desk/hidden?limit=2")]
    assert len(items) == len(set(items))
    assert made <= set(items)


# Numbers -------------------------------------------------------------------------------------------------------------


async def counted(town: Town, who: str) -> dict[str, int]:
    """What somebody's desk counts."""
    answer = await town[who].get("/api/v1/desk")
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, int] = answer.json()
    return found


async def test_the_numbers_of_a_desk_are_those_of_its_areas(town: Town) -> None:
    who = ("officer", "councillor", "far_officer", "operator")
    before = {name: await counted(town, name) for name in who}
    await flagged(town, await town.scene(comment="hidden"))
    await town.scene(state="hidden")
    await town.scene(state="pending", comment="pending")
    await town.scene(state="draft")
    await town.scene(at=NOWHERE, state="hidden")
    after = {name: await counted(town, name) for name in who}
    grown = {name: {key: after[name][key] - before[name][key] for key in before[name]} for name in who}
    ours = {"flags_open": 1, "hidden": 1, "pending": 1, "hidden_comments": 1, "pending_comments": 1}
    nothing = dict.fromkeys(ours, 0)
    seen = {name: {key: grown[name][key] for key in ours} for name in who}
    assert seen == {"officer": ours, "councillor": ours, "far_officer": nothing, "operator": ours | {"hidden": 2}}


async def test_a_councillor_sees_numbers_and_nothing_of_what_they_count(town: Town) -> None:
    scene = await town.scene(state="hidden")
    assert (await town["councillor"].get("/api/v1/desk")).status_code == 200
    for path in ("flags", "hidden"):
        assert_problem(await town["councillor"].get(f"/api/v1/desk/{path}"), 403, "forbidden")
    assert (await town["councillor"].get(f"/api/v1/assets/{scene.asset}")).status_code == 404
    me = (await town["councillor"].get("/api/v1/me")).json()
    held = {"code": BOROUGH, "name": "Ourborough", "level": "borough"}
    assert (me["areas"], me["officer_areas"]) == ([held | {"role": "councillor"}], [])
    me = (await town["officer"].get("/api/v1/me")).json()
    assert (me["areas"], me["officer_areas"]) == ([held | {"role": "officer"}], [held])


@pytest.mark.parametrize("path", ["desk", "desk/flags", "desk/hidden"])
async def test_a_desk_opens_for_who_holds_an_area_and_a_key_needs_its_scope(town: Town, path: str) -> None:
    assert_problem(await town["visitor"].get(f"/api/v1/{path}"), 401, "not-signed-in")
    refused = assert_problem(await town["stranger"].get(f"/api/v1/{path}"), 403, "forbidden")
    assert "an officer" in refused["detail"]
    good = "reports:read" if path == "desk" else "moderate"
    for scope in ("assets:read", "reports:read", "moderate"):
        answer = await (await town.app_of("officer", scope)).get(f"/api/v1/{path}")
        assert answer.status_code == (200 if scope == good else 403), scope


async def test_who_is_officer_here_and_councillor_there_acts_here_and_reads_there(town: Town) -> None:
    who, client = await town.settle("Both", officer_of=[NORTH], councillor_of=[BOROUGH, FAR])
    north = await town.scene(state="hidden")
    south = await town.scene(state="hidden", at=(-0.1143, 51.42))
    listed = {item["uid"] for item in await walked(client, "/api/v1/desk/hidden?limit=200")}
    assert str(north.asset) in listed
    assert str(south.asset) not in listed
    assert (await client.post(f"/api/v1/assets/{south.asset}/restore", json=WHY)).status_code == 404
    mine, theirs = (await client.get("/api/v1/desk")).json(), await counted(town, "officer")
    assert mine["hidden"] == theirs["hidden"] + (await counted(town, "far_officer"))["hidden"]
    await town.sql("DELETE FROM officer_area WHERE person_id = :id", id=who.id)
    assert (await client.get("/api/v1/desk")).status_code == 403


def test_where_somebody_may_act_is_asked_of_the_rules_alone() -> None:
    nobody = Actor(kind="person", name="x", person_id=1, role="resident")
    assert rules.areas_of(nobody, "desk.read") == frozenset()
    reader = Actor(kind="person", name="x", person_id=1, role="resident", areas=frozenset({1}), reads=frozenset({1, 2}))
    assert rules.areas_of(reader, "desk.moderate") == frozenset({1})
    assert rules.areas_of(reader, "desk.read") == frozenset({1, 2})
    assert rules.areas_of(Actor(kind="person", name="x", person_id=1, role="operator"), "desk.read") is None
    assert rules.areas_of(Actor.system("a job"), "desk.moderate") is None
    assert not rules.sees(reader, Asset(id=1, state="hidden", audience="public", area_id=2, in_areas=[]))
