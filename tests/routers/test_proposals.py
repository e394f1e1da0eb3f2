"""Proposals and pledges over HTTP: what each of those concerned is told."""

from typing import Any

import pytest

from tests.factories import Town
from tests.routers.test_manners import assert_problem

STAR = {"If-Match": "*"}


async def test_from_an_offered_action_to_hours_given(town: Town) -> None:
    made = await town.pin()
    body = {"title": "I could dig", "text": "All day", "places": 2, "happens_on": "2030-05-01"}
    answer = await town["author"].post(f"/api/v1/assets/{made['id']}/proposals", json=body)
    assert (answer.status_code, answer.headers["etag"][:2]) == (201, '"1')
    proposal = answer.json()
    assert body.items() <= proposal.items()
    assert set(proposal) - set(body) == {"uid", "asset", "proposer", "full", "pledged", "state", "created_at",
                                         "updated_at", "version", "may", "my_pledge"}  # fmt: skip
    assert proposal["may"] == ["proposals.withdraw", "proposals.amend", "pledges.promise"]
    path = f"/api/v1/proposals/{proposal['uid']}"
    pledge = await town["stranger"].post(f"{path}/pledges", json={"hours_promised": 2.5, "message": "Gladly"})
    assert pledge.status_code == 201
    said = pledge.json()
    assert (said["hours_promised"], said["hours_given"], said["message"], said["state"]) == (
        2.5,
        None,
        "Gladly",
        "pledged",
    )
    assert said["person"]["name"] == "Stranger"
    assert said["may"] == ["pledges.withdraw"]
    accepted = (await town["owner"].post(f"{path}/accept", json={"why": "Please do"})).json()
    assert (accepted["state"], accepted["version"], accepted["pledged"]) == ("accepted", 2, 1)
    verbs = f"/api/v1/pledges/{said['uid']}"
    assert (await town["owner"].post(f"{verbs}/confirm")).json()["may"] == ["pledges.fulfil", "pledges.miss"]
    given = (await town["owner"].post(f"{verbs}/fulfil", json={"hours_given": 3})).json()
    assert (given["state"], given["hours_given"], given["may"]) == ("fulfilled", 3.0, [])
    done = (await town["owner"].post(f"{path}/complete")).json()
    assert (done["state"], done["may"]) == ("done", [])
    for verb in ("accept", "decline", "complete"):
        assert_problem(await town["owner"].post(f"{path}/{verb}"), 409, "illegal-transition")
    assert_problem(await town["author"].post(f"{path}/withdraw"), 409, "illegal-transition")
    assert_problem(await town["owner"].post(f"{verbs}/miss"), 409, "illegal-transition")


async def test_who_pledged_is_told_to_those_concerned_and_to_nobody_else(town: Town) -> None:
    scene = await town.scene()
    await town["stranger"].post(f"/api/v1/proposals/{scene.offered}/pledges", json={"hours_promised": 1})
    told, counted, mine = {}, {}, {}
    for who in (
        "visitor",
        "stranger",
        "author",
        "member",
        "far_officer",
        "owner",
        "other",
        "steward",
        "officer",
        "operator",
    ):
        listed = (await town[who].get(f"/api/v1/proposals/{scene.offered}/pledges")).json()["items"]
        told[who] = sorted(item["person"]["name"] for item in listed)
        shown = (await town[who].get(f"/api/v1/assets/{scene.asset}/proposals")).json()["items"]
        (offered,) = [item for item in shown if item["uid"] == str(scene.offered)]
        counted[who] = offered["pledged"]
        mine[who] = offered["my_pledge"] is not None
    both = ["Author", "Stranger"]
    assert told == {"visitor": [], "member": [], "far_officer": [], "stranger": ["Stranger"], "author": ["Author"],
                    "owner": both, "other": both, "steward": both, "officer": both, "operator": both}  # fmt: skip
    assert {who for who, count in counted.items() if count is not None} == {
        "owner",
        "other",
        "steward",
        "officer",
        "operator",
    }
    assert {who for who, has in mine.items() if has} == {"stranger", "author"}


async def test_a_key_that_only_reads_is_told_of_no_pledge_not_even_of_its_persons_own(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/proposals/{scene.offered}/pledges"
    for who in ("owner", "author"):
        reading = await town.app_of(who, "assets:read")
        assert (await town[who].get(path)).json()["items"] != []
        assert (await reading.get(path)).json()["items"] == []
        shown = (await reading.get(f"/api/v1/assets/{scene.asset}/proposals")).json()["items"]
        assert [(item["pledged"], item["my_pledge"]) for item in shown] == [(None, None), (None, None)]
        taking_part = await town.app_of(who, "assets:read", "take-part")
        assert (await taking_part.get(path)).json()["items"] != []


async def test_a_full_proposal_says_so_and_offers_nothing_more(town: Town) -> None:
    scene = await town.scene()
    await town["other"].patch(f"/api/v1/proposals/{scene.offered}", json={"places": 1}, headers=STAR)
    shown = (await town["stranger"].get(f"/api/v1/assets/{scene.asset}/proposals")).json()["items"][1]
    assert (shown["full"], shown["may"]) == (True, [])
    path = f"/api/v1/proposals/{scene.offered}/pledges"
    assert_problem(await town["stranger"].post(path, json={"hours_promised": 1}), 409, "proposal-full")
    await town["author"].post(f"/api/v1/pledges/{scene.pledge}/withdraw")
    assert (await town["stranger"].post(path, json={"hours_promised": 1})).status_code == 201


async def test_who_has_pledged_is_not_asked_again(town: Town) -> None:
    scene = await town.scene()
    shown = (await town["author"].get(f"/api/v1/assets/{scene.asset}/proposals")).json()["items"][1]
    assert (shown["may"], shown["my_pledge"]["uid"]) == ([], str(scene.pledge))
    answer = await town["author"].post(f"/api/v1/proposals/{scene.offered}/pledges", json={"hours_promised": 1})
    assert_problem(answer, 409, "already-pledged")


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"title": ""}, 422), ({"title": "x" * 160}, 201), ({"title": "x" * 161}, 422), ({"text": "x" * 5000}, 201),
        ({"text": "x" * 5001}, 422), ({"places": 0}, 422), ({"places": 1}, 201), ({"places": 10_000}, 201),
        ({"places": 10_001}, 422), ({"places": None}, 201), ({"places": "3"}, 422), ({"places": True}, 422),
        ({"happens_on": "2030-02-30"}, 422), ({"happens_on": None}, 201), ({"happens_on": 0}, 422),
        ({"happens_on": "86400"}, 422), ({"state": "done"}, 422), ({"proposer": "me"}, 422),
    ],
)  # fmt: skip
async def test_a_proposal_has_limits_on_both_sides(town: Town, change: dict[str, Any], status: int) -> None:
    made = await town.pin()
    answer = await town["author"].post(f"/api/v1/assets/{made['id']}/proposals", json={"title": "I could", **change})
    assert answer.status_code == status, answer.text


@pytest.mark.parametrize(
    ("body", "status"),
    [({"title": None}, 422), ({"text": None}, 422), ({"places": None}, 200), ({"happens_on": None}, 200), ({}, 200),
     ({"title": "I can"}, 200), ({"places": 0}, 422), ({"state": "accepted"}, 422)],
)  # fmt: skip
async def test_null_clears_places_and_date_and_nothing_else(town: Town, body: dict[str, Any], status: int) -> None:
    scene = await town.scene()
    path = f"/api/v1/proposals/{scene.proposal}"
    assert (await town["author"].patch(path, json=body, headers=STAR)).status_code == status
    assert_problem(await town["author"].patch(path, json={}), 428, "precondition-required")
    assert_problem(await town["author"].patch(path, json={}, headers={"If-Match": '"9"'}), 412, "stale")


@pytest.mark.parametrize(
    ("hours", "status"),
    [(0, 422), (0.25, 201), (-1, 422), (1000, 201), (1000.01, 422), (1.005, 422), ("NaN", 422), ("1", 422), (None, 422),
     (True, 422)],
)  # fmt: skip
async def test_hours_are_more_than_none_and_at_most_a_thousand(town: Town, hours: Any, status: int) -> None:
    scene = await town.scene()
    path = f"/api/v1/proposals/{scene.proposal}/pledges"
    assert (await town["stranger"].post(path, json={"hours_promised": hours})).status_code == status
    ready = await town.scene(pledge="confirmed")
    given = await town["owner"].post(f"/api/v1/pledges/{ready.pledge}/fulfil", json={"hours_given": hours})
    assert given.status_code == (200 if status == 201 or hours == 0 else 422)


@pytest.mark.parametrize(("message", "status"), [("x" * 2000, 201), ("x" * 2001, 422), (None, 422), ("a\x00", 422)])
async def test_a_message_has_a_length(town: Town, message: Any, status: int) -> None:
    scene = await town.scene()
    body = {"hours_promised": 1, "message": message}
    assert (await town["stranger"].post(f"/api/v1/proposals/{scene.proposal}/pledges", json=body)).status_code == status


@pytest.mark.parametrize(
    ("body", "status"),
    [(None, 200), ({}, 200), ({"why": "x" * 1000}, 200), ({"why": "x" * 1001}, 422), ({"because": "x"}, 422),
     ({"why": None}, 200)],
)  # fmt: skip
async def test_a_decision_may_say_why(town: Town, body: Any, status: int) -> None:
    scene = await town.scene()
    assert (await town["owner"].post(f"/api/v1/proposals/{scene.proposal}/decline", json=body)).status_code == status
