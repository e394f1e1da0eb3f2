"""Needs over HTTP."""

from typing import Any

import pytest

from tests.factories import Town
from tests.routers.test_manners import assert_problem

STAR = {"If-Match": "*"}


async def test_a_need_is_answered_listed_and_met(town: Town) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}/needs"
    body = {"kind": "equipment", "title": "Spades", "text": "Long ones", "quantity": 2, "blocking": True,
            "report_back_on": "2030-05-01"}  # fmt: skip
    answer = await town["owner"].post(path, json=body)
    assert (answer.status_code, answer.headers["etag"][:2]) == (201, '"1')
    need = answer.json()
    assert body.items() <= need.items()
    assert set(need) - set(body) == {"uid", "asset", "met", "state", "created_at", "updated_at", "version", "may"}
    assert need["may"] == ["needs.amend", "needs.remove", "needs.meet", "needs.close"]
    assert (await town["visitor"].get(path)).json()["items"] == [need | {"may": []}]
    verbs = f"/api/v1/needs/{need['uid']}"
    met = (await town["owner"].post(f"{verbs}/meet", json={})).json()
    assert (met["met"], met["state"]) == (1, "open")
    met = (await town["owner"].post(f"{verbs}/meet", json={"quantity": 1})).json()
    assert (met["met"], met["state"], met["may"]) == (2, "met", ["needs.amend", "needs.remove", "needs.reopen"])
    assert_problem(await town["owner"].post(f"{verbs}/meet", json={}), 409, "illegal-transition")
    assert_problem(await town["owner"].post(f"{verbs}/close"), 409, "illegal-transition")
    assert (await town["owner"].post(f"{verbs}/reopen")).json()["met"] == 0
    assert (await town["owner"].post(f"{verbs}/close")).json()["state"] == "closed"
    said = assert_problem(await town["owner"].post(f"{verbs}/close"), 409, "illegal-transition")
    assert "'closed'" in said["detail"]


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"kind": "gold"}, 422), ({"kind": None}, 422), ({"title": ""}, 422), ({"title": "x" * 160}, 201),
        ({"title": "x" * 161}, 422), ({"text": "x" * 5000}, 201), ({"text": "x" * 5001}, 422), ({"quantity": 0}, 422),
        ({"quantity": 1}, 201), ({"quantity": 100_000}, 201), ({"quantity": 100_001}, 422), ({"quantity": "2"}, 422),
        ({"quantity": True}, 422), ({"quantity": 1.5}, 422), ({"quantity": 10**30}, 422), ({"blocking": True}, 422),
        ({"blocking": "true"}, 422), ({"blocking": 1}, 422), ({"report_back_on": "2030-05-01"}, 201),
        ({"report_back_on": "2030-13-01"}, 422), ({"report_back_on": 0}, 422), ({"report_back_on": 1893456000}, 422),
        ({"report_back_on": "1893456000"}, 422), ({"report_back_on": "2030-05-01T10:00:00Z"}, 422),
        ({"report_back_on": ""}, 422), ({"met": 1}, 422), ({"state": "met"}, 422),
    ],
)  # fmt: skip
async def test_a_need_has_limits_on_both_sides(town: Town, change: dict[str, Any], status: int) -> None:
    made = await town.pin()
    body = {"kind": "people", "title": "Hands", **change}
    answer = await town["owner"].post(f"/api/v1/assets/{made['id']}/needs", json=body)
    assert answer.status_code == status, answer.text
    if status == 422:
        assert_problem(answer, 422, "invalid")


@pytest.mark.parametrize("kind", ["people", "skill", "space", "equipment", "money", "permission", "training"])
async def test_each_kind_of_need(town: Town, kind: str) -> None:
    made = await town.pin("owner", "idea")
    answer = await town["owner"].post(f"/api/v1/assets/{made['id']}/needs", json={"kind": kind, "title": "It"})
    assert answer.json()["kind"] == kind


async def test_a_kind_that_has_no_needs_says_so(town: Town) -> None:
    made = await town.pin("owner", "event")
    answer = await town["owner"].post(f"/api/v1/assets/{made['id']}/needs", json={"kind": "people", "title": "It"})
    assert_problem(answer, 409, "conflict")
    assert "needs.add" not in made["properties"]["may"]


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 200), ({"title": "New"}, 200), ({"title": None}, 422), ({"kind": None}, 422), ({"quantity": None}, 422),
        ({"text": None}, 422), ({"blocking": None}, 422), ({"report_back_on": None}, 200), ({"blocking": True}, 422),
        ({"blocking": True, "report_back_on": "2030-05-01"}, 200), ({"quantity": 0}, 422), ({"uid": "x"}, 422),
    ],
)  # fmt: skip
async def test_a_change_of_a_need_is_checked_as_a_whole(town: Town, body: dict[str, Any], status: int) -> None:
    scene = await town.scene()
    answer = await town["owner"].patch(f"/api/v1/needs/{scene.need}", json=body, headers=STAR)
    assert answer.status_code == status, answer.text


async def test_a_change_needs_the_version_that_it_knows(town: Town) -> None:
    scene = await town.scene()
    path, owner = f"/api/v1/needs/{scene.need}", town["owner"]
    for method in ("PATCH", "DELETE"):
        body = {"title": "New"} if method == "PATCH" else None
        assert_problem(await owner.request(method, path, json=body), 428, "precondition-required")
        assert_problem(await owner.request(method, path, json=body, headers={"If-Match": '"9"'}), 412, "stale")
    assert (await owner.patch(path, json={"title": "New"}, headers={"If-Match": '"1"'})).json()["version"] == 2
    assert (await owner.delete(path, headers={"If-Match": '"2"'})).status_code == 204
    assert_problem(await owner.delete(path, headers=STAR), 404, "not-found")


@pytest.mark.parametrize(("quantity", "status"), [(0, 422), (3, 200), (4, 422), ("1", 422), (True, 422), (None, 422)])
async def test_no_more_is_met_than_is_needed(town: Town, quantity: Any, status: int) -> None:
    scene = await town.scene()
    answer = await town["owner"].post(f"/api/v1/needs/{scene.need}/meet", json={"quantity": quantity})
    assert answer.status_code == status
