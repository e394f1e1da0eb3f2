"""Ties between assets over HTTP."""

from typing import Any
from uuid import UUID

import pytest

from tests.factories import Town
from tests.routers.test_manners import assert_problem


@pytest.mark.parametrize("kind", ["grew_from", "part_of", "at_place", "partner_of"])
async def test_a_link_is_asked_agreed_and_then_seen_from_both_sides(town: Town, kind: str) -> None:
    mine, theirs = await town.pin(), await town.pin("other", "idea")
    path = f"/api/v1/assets/{mine['id']}/links"
    asked = await town["owner"].post(path, json={"kind": kind, "to": theirs["id"]})
    assert asked.status_code == 201
    link = asked.json()
    assert set(link) == {"uid", "kind", "state", "from", "to", "created_at", "may"}
    assert (link["state"], link["may"]) == ("asked", ["links.remove"])
    assert link["from"] == {"uid": mine["id"], "title": mine["properties"]["title"], "kind": "project"}
    assert link["to"] == {"uid": theirs["id"], "title": theirs["properties"]["title"], "kind": "idea"}
    assert (await town["visitor"].get(path)).json()["items"] == []
    (seen,) = (await town["other"].get(f"/api/v1/assets/{theirs['id']}/links")).json()["items"]
    assert seen["may"] == ["links.decide", "links.remove"]
    agreed = await town["other"].patch(f"/api/v1/links/{link['uid']}", json={"state": "agreed"})
    assert (agreed.status_code, agreed.json()["state"]) == (200, "agreed")
    for side in (mine, theirs):
        (shown,) = (await town["visitor"].get(f"/api/v1/assets/{side['id']}/links")).json()["items"]
        assert (shown["uid"], shown["may"]) == (link["uid"], [])
    again = await town["other"].patch(f"/api/v1/links/{link['uid']}", json={"state": "declined"})
    assert_problem(again, 409, "illegal-transition")
    assert (await town["other"].delete(f"/api/v1/links/{link['uid']}")).status_code == 204
    assert (await town["visitor"].get(path)).json()["items"] == []


async def test_what_cannot_be_tied_is_refused(town: Town) -> None:
    mine, theirs = await town.pin(), await town.pin("other")
    path = f"/api/v1/assets/{mine['id']}/links"
    body: dict[str, Any] = {"kind": "partner_of", "to": theirs["id"]}
    assert (await town["owner"].post(path, json=body)).status_code == 201
    assert_problem(await town["owner"].post(path, json=body), 409, "already-linked")
    assert_problem(await town["owner"].post(path, json=body | {"to": mine["id"]}), 422, "invalid")
    assert_problem(await town["owner"].post(path, json=body | {"to": str(UUID(int=1))}), 404, "not-found")
    for wrong in ({"kind": "likes"}, {"to": "x"}, {"to": None}, {"state": "agreed"}):
        assert_problem(await town["owner"].post(path, json=body | wrong), 422, "invalid")


@pytest.mark.parametrize("state", ["asked", "removed", None, 1])
async def test_a_side_agrees_or_declines_and_nothing_else(town: Town, state: Any) -> None:
    scene = await town.scene()
    answer = await town["other"].patch(f"/api/v1/links/{scene.link}", json={"state": state})
    assert_problem(answer, 422, "invalid")
