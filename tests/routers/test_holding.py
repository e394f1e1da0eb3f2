"""Where new content is held, and where the database's connections are all in use."""

import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import text

from app import main
from app.settings import Settings
from tests.conftest import Database
from tests.factories import Town, document
from tests.routers.test_manners import assert_problem


async def _served(database: Database, folder: Path, **changes: Any) -> AsyncIterator[Town]:
    settings = Settings(
        data=folder, database_url=database.write, database_read_url=database.read,
        secret=SecretStr("only for tests"), **changes,
    )  # fmt: skip
    app = main.create_app(settings)
    async with app.router.lifespan_context(app):
        service = app.state.service
        own = await Town.found(app, service.engines, service.secret)
        yield own
        await own.leave()


@pytest.fixture
async def holding(database: Database, tmp_path: Path) -> AsyncIterator[Town]:
    """A town in which nothing is published before a moderator has seen it."""
    async for town in _served(database, tmp_path, hold_new_content=True):
        yield town


async def test_what_is_new_waits_for_an_officer_of_its_area(holding: Town) -> None:
    made = await holding["owner"].post("/api/v1/assets", json=document(title="Waiting room"))
    assert (made.status_code, made.json()["properties"]["state"]) == (201, "pending")
    path = f"/api/v1/assets/{made.json()['id']}"

    async def seen() -> dict[str, int]:
        found = {}
        for who in ("visitor", "stranger", "far_officer", "owner", "officer"):
            found[who] = (await holding[who].get("/api/v1/assets?q=Waiting")).json()["numberReturned"]
        return found

    assert await seen() == {"visitor": 0, "stranger": 0, "far_officer": 0, "owner": 1, "officer": 1}
    assert_problem(await holding["owner"].put(f"{path}/appreciation"), 409, "conflict")
    released = await holding["officer"].post(f"{path}/restore", json={"reason": "It is fine."})
    assert released.json()["properties"]["state"] == "published"
    assert set((await seen()).values()) == {1}


async def test_a_comment_that_waits_is_released_by_an_officer(holding: Town) -> None:
    scene = await holding.scene()
    comments = f"/api/v1/assets/{scene.asset}/comments"
    waiting = (await holding["stranger"].post(comments, json={"text": "Buy my pills"})).json()
    assert waiting["state"] == "pending"

    async def seen(who: str) -> int:
        return len((await holding[who].get(comments)).json()["items"])

    assert [await seen(who) for who in ("visitor", "owner", "stranger", "officer")] == [1, 1, 2, 2]
    answer = await holding["officer"].post(f"/api/v1/comments/{waiting['uid']}/restore", json={"reason": "It is fine."})
    assert (answer.status_code, answer.json()["state"]) == (200, "published")
    assert await seen("visitor") == 2


async def test_a_draft_is_held_when_its_author_publishes_it(holding: Town) -> None:
    made = await holding["owner"].post("/api/v1/assets", json=document(state="draft"))
    assert made.json()["properties"]["state"] == "draft"
    patch = {"properties": {"state": "published"}}
    path = made.headers["location"]
    held = await holding["owner"].patch(path, json=patch, headers={"If-Match": "*"})
    assert held.json()["properties"]["state"] == "pending"
    await holding["owner"].delete(path, headers={"If-Match": "*"})
    again = await holding["owner"].patch(path, json=patch, headers={"If-Match": "*"})
    assert_problem(again, 409, "conflict")


@pytest.fixture
async def narrow(database: Database, tmp_path: Path) -> AsyncIterator[Town]:
    """A town with one connection of each kind, for which nobody waits long."""
    async for town in _served(database, tmp_path, pool_size=1, pool_wait_s=0.3):
        yield town


async def test_who_gets_no_connection_is_told_soon_and_the_process_still_lives(narrow: Town) -> None:
    transport = httpx.ASGITransport(app=narrow.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8000") as visitor:
        engines = narrow.engines
        async with engines.reading() as reading, engines.transaction() as writing, engines.glance.transaction():
            await reading.execute(text("SELECT 1"))
            await writing.execute(text("SELECT 1"))
            for path in ("/api/v1/assets", "/health/ready", "/tiles/0/0/0.mvt?q=a"):
                began = time.monotonic()
                refused = await visitor.get(path)
                assert_problem(refused, 503, "busy")
                assert int(refused.headers["retry-after"]) >= 1
                assert time.monotonic() - began < 10, "long before a pool would give up by itself"
            assert_problem(await visitor.post("/api/v1/sign-in", json={"email": "a@example.org"}), 503, "busy")
            assert (await visitor.get("/health/live")).status_code == 200
        assert (await visitor.get("/api/v1/assets")).status_code == 200, "and at once afterwards all is well"
