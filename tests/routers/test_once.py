"""A retry is safe: the same Idempotency-Key is the same answer, the same uid the same asset."""

from typing import Any
from uuid import uuid4

import anyio
import httpx
import psycopg
import pytest
from fastapi import FastAPI

from app.geo import areas
from tests.conftest import Database
from tests.factories import Town, document
from tests.routers.test_manners import assert_problem


def fresh() -> dict[str, str]:
    """A key that nobody has used."""
    return {"Idempotency-Key": uuid4().hex}


async def post(town: Town, body: dict[str, Any], key: dict[str, str], who: str = "owner") -> httpx.Response:
    """Pin an asset with this key."""
    return await town[who].post("/api/v1/assets", json=body, headers=key)


async def pinned(town: Town, title: str) -> int:
    """How many assets bear this title."""
    found: int = await town.sql("SELECT count(*) FROM asset WHERE title = :title", title=title)
    return found


async def test_the_same_key_and_body_is_one_asset_and_the_very_same_answer(town: Town) -> None:
    body, key = document(title=uuid4().hex), fresh()
    first, second = await post(town, body, key), await post(town, body, key)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.content == second.content
    assert "idempotency-replayed" not in first.headers
    assert second.headers["idempotency-replayed"] == "true"
    for name in ("etag", "location", "content-type"):
        assert first.headers[name] == second.headers[name]
    assert await pinned(town, body["properties"]["title"]) == 1
    assert (await town["owner"].get(first.headers["location"])).headers["etag"] == first.headers["etag"]


async def test_without_a_key_a_retry_is_a_second_asset(town: Town) -> None:
    body = document(title=uuid4().hex)
    await post(town, body, {})
    await post(town, body, {})
    assert await pinned(town, body["properties"]["title"]) == 2


async def test_the_same_key_with_another_body_or_address_is_refused(town: Town) -> None:
    key = fresh()
    made = (await post(town, document(), key)).json()
    assert_problem(await post(town, document(), key), 422, "idempotency-key-reused")
    elsewhere = await town["owner"].post(f"/api/v1/assets/{made['id']}/comments", json={"text": "x"}, headers=key)
    assert_problem(elsewhere, 422, "idempotency-key-reused")


async def test_a_key_belongs_to_who_used_it(town: Town) -> None:
    body, key = document(title=uuid4().hex), fresh()
    mine, theirs = await post(town, body, key), await post(town, body, key, "other")
    app = await town.app_of("owner", "assets:write")
    by_app = await app.post("/api/v1/assets", json=body, headers=key)
    assert len({answer.json()["id"] for answer in (mine, theirs, by_app)}) == 3
    assert await pinned(town, body["properties"]["title"]) == 3


async def test_a_refusal_is_not_kept_so_a_mended_request_may_use_the_key(town: Town) -> None:
    key = fresh()
    assert (await post(town, document(title=""), key)).status_code == 422
    assert (await post(town, document(), key)).status_code == 201
    scene, key = await town.scene(state="hidden"), fresh()
    path = f"/api/v1/assets/{scene.asset}/comments"
    assert (await town["owner"].post(path, json={"text": "Well"}, headers=key)).status_code == 409
    await town.sql("UPDATE asset SET state = 'published' WHERE uid = :uid", uid=scene.asset)
    assert (await town["owner"].post(path, json={"text": "Well"}, headers=key)).status_code == 201


@pytest.mark.parametrize(("age", "same"), [("23 hours 59 minutes", True), ("24 hours 1 minute", False)])
async def test_a_key_is_remembered_for_a_day(town: Town, age: str, same: bool) -> None:
    body, key = document(), fresh()
    first = await post(town, body, key)
    aged = f"UPDATE idempotency SET created_at = now() - interval '{age}' WHERE key = :key"
    await town.sql(aged, key=key["Idempotency-Key"])
    second = await post(town, body, key)
    assert (first.json()["id"] == second.json()["id"]) == same
    third = await post(town, body, key)
    assert third.content == second.content, "and what took its place is remembered in turn"


@pytest.mark.parametrize("key", ["", " ", "two words", "é", "x" * 201, "a\tb"])
async def test_a_key_is_up_to_200_visible_characters(town: Town, key: str) -> None:
    answer = await town["owner"].post(
        "/api/v1/assets",
        json=document(),
        headers={b"Idempotency-Key": key.encode()},  # type: ignore[arg-type,unused-ignore]
    )
    assert_problem(answer, 422, "invalid")
    longest = {"Idempotency-Key": uuid4().hex + "!" * 168}
    assert (await post(town, document(), longest)).status_code == 201


async def test_every_route_that_creates_takes_a_key(town: Town) -> None:
    scene = await town.scene()
    asset = f"/api/v1/assets/{scene.asset}"
    creates: dict[str, dict[str, Any]] = {
        f"{asset}/comments": {"text": "Well"},
        f"{asset}/needs": {"kind": "people", "title": "Hands"},
        f"{asset}/proposals": {"title": "I could"},
        f"{asset}/updates": {"text": "It grows"},
        f"{asset}/links": {"kind": "partner_of", "to": str(scene.other_asset)},
        f"{asset}/flags": {"reason": "other"},
        f"/api/v1/proposals/{scene.proposal}/pledges": {"hours_promised": 1},
    }
    for path, body in creates.items():
        key = fresh()
        first, second = [await town["owner"].post(path, json=body, headers=key) for _ in range(2)]
        assert (first.status_code, second.status_code) == (201, 201), first.text
        assert first.content == second.content
        assert second.headers["idempotency-replayed"] == "true"


# At the same time ----------------------------------------------------------------------------------------------------


async def test_while_the_first_is_in_flight_the_second_is_told_so_and_not_kept_waiting(
    app: FastAPI, database: Database
) -> None:
    """The first request is held up inside its transaction, by a change of boundaries; the second comes meanwhile."""
    service = app.state.service
    own = await Town.found(app, service.engines, service.secret)
    body, key, answers = document(title="Once"), fresh(), {}

    async def ask(name: str) -> None:
        answers[name] = await post(own, body, key)

    with psycopg.connect(database.write.replace("+psycopg", ""), autocommit=True) as boundary:
        boundary.execute("SELECT pg_advisory_lock(%s)", [areas.LOCK])
        waiting = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
        async with anyio.create_task_group() as group:
            group.start_soon(ask, "first")
            with anyio.fail_after(5):
                while boundary.execute(waiting).fetchone() == (0,):  # noqa: ASYNC110  another process's doing
                    await anyio.sleep(0.01)
            await ask("second")
            refused = answers["second"]
            assert_problem(refused, 409, "in-flight")
            assert refused.headers["retry-after"] == "1"
            assert "first" not in answers, "the first is still on its way"
            boundary.execute("SELECT pg_advisory_unlock(%s)", [areas.LOCK])
    assert answers["first"].status_code == 201
    assert (await post(own, body, key)).content == answers["first"].content
    assert await pinned(own, "Once") == 1
    await own.leave()


async def test_twenty_retries_at_once_are_one_asset(town: Town) -> None:
    body, key, answers = document(title=uuid4().hex), fresh(), []

    async def ask() -> None:
        answers.append(await post(town, body, key))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert await pinned(town, body["properties"]["title"]) == 1
    statuses = {answer.status_code for answer in answers}
    assert statuses <= {201, 409}
    assert len({answer.content for answer in answers if answer.status_code == 201}) == 1


async def test_twenty_posts_with_one_uid_are_one_asset_and_each_is_told_of_it(town: Town) -> None:
    body, answers = document(uid=uuid4(), title=uuid4().hex), []

    async def ask() -> None:
        answers.append(await post(town, body, {}))

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(ask)
    assert await pinned(town, body["properties"]["title"]) == 1
    assert {(answer.status_code, answer.json()["id"]) for answer in answers} == {(201, body["id"])}


async def test_a_taken_uid_is_a_conflict_for_anybody_else_and_for_another_document(town: Town) -> None:
    body = document(uid=uuid4())
    assert (await post(town, body, {})).status_code == 201
    assert_problem(await post(town, body, {}, "other"), 409, "uid-taken")
    body["properties"]["title"] = "Another"
    assert_problem(await post(town, body, {}), 409, "uid-taken")
