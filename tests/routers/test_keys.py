"""Keys for applications, and how often anybody may do anything."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app import auth, main
from app.settings import Settings
from tests.conftest import Database
from tests.factories import Town, document
from tests.routers.test_accounts import an_address, ask, browser, complete
from tests.routers.test_manners import assert_problem

# Keys ----------------------------------------------------------------------------------------------------------------


async def test_a_key_is_shown_once_works_at_once_and_is_revoked_at_once(town: Town) -> None:
    _, client = await town.settle("Developer")
    made = await client.post("/api/v1/me/keys", json={"name": "My app", "scopes": ["assets:write", "assets:write"]})
    assert (made.status_code, made.headers["cache-control"]) == (201, "no-store")
    key = made.json()["key"]
    assert re.fullmatch(r"ccm_[0-9a-f]{10}_[\w-]{43}", key)
    assert made.json()["scopes"] == ["assets:write"]
    async with browser(town.app) as app:
        app.headers["Authorization"] = f"Bearer {key}"
        assert (await app.post("/api/v1/assets", json=document())).status_code == 201
        listed = await client.get("/api/v1/me/keys")
        (item,) = listed.json()["items"]
        assert key not in listed.text
        assert (item["prefix"], item["used_on"]) == (key[4:14], datetime.now(UTC).date().isoformat())
        for path in ("/api/v1/me", "/api/v1/me/keys"):
            assert_problem(await app.get(path), 403, "forbidden")
        assert (await client.delete(f"/api/v1/me/keys/{item['uid']}")).status_code == 204
        assert_problem(await app.post("/api/v1/assets", json=document()), 401, "not-signed-in")
    assert (await client.get("/api/v1/me/keys")).json()["items"] == []
    assert (await client.delete(f"/api/v1/me/keys/{item['uid']}")).status_code == 404


async def test_a_key_ends_on_its_day(town: Town) -> None:
    _, client = await town.settle("Careful")
    soon = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = await client.post("/api/v1/me/keys", json={"name": "Short", "scopes": ["assets:read"], "expires_at": soon})
    async with browser(town.app) as app:
        app.headers["Authorization"] = f"Bearer {made.json()['key']}"
        assert (await app.get("/api/v1/assets?limit=1")).status_code == 200
        await town.sql("UPDATE api_key SET expires_at = now() WHERE uid = :uid", uid=made.json()["uid"])
        assert (await app.get("/api/v1/assets?limit=1")).status_code == 401
    past = {"name": "Late", "scopes": ["assets:read"], "expires_at": "2020-01-01T00:00:00Z"}
    assert_problem(await client.post("/api/v1/me/keys", json=past), 422, "invalid")


@pytest.mark.parametrize(
    "said", [{"name": "x"}, {"name": "x", "scopes": []}, {"name": "x", "scopes": ["all"]}, {"scopes": ["moderate"]},
             {"name": "x" * 81, "scopes": ["moderate"]}, {"name": "x", "scopes": ["moderate"] * 6},
             {"name": "x", "scopes": ["moderate"], "expires_at": 1893456000},
             {"name": "x", "scopes": ["moderate"], "expires_at": "2030-01-01T00:00:00"}],
)  # fmt: skip
async def test_a_key_needs_a_name_and_known_scopes(town: Town, said: dict[str, Any]) -> None:
    assert_problem(await town["stranger"].post("/api/v1/me/keys", json=said), 422, "invalid")


async def test_anothers_key_is_not_there(town: Town) -> None:
    made = await town["owner"].post("/api/v1/me/keys", json={"name": "Mine", "scopes": ["assets:read"]})
    assert_problem(await town["stranger"].delete(f"/api/v1/me/keys/{made.json()['uid']}"), 404, "not-found")
    assert (await town["owner"].delete(f"/api/v1/me/keys/{made.json()['uid']}")).status_code == 204


async def test_a_key_dies_with_the_account_and_a_changed_one_opens_nothing(town: Town) -> None:
    who, client = await town.settle("Gone")
    key = (await client.post("/api/v1/me/keys", json={"name": "x", "scopes": ["assets:read"]})).json()["key"]
    async with browser(town.app) as app:
        for given, status in ((key, 200), (key[:-1] + ("A" if key[-1] != "A" else "B"), 401), (key + "A", 401)):
            answer = await app.get("/api/v1/assets?limit=1", headers={"Authorization": f"Bearer {given}"})
            assert answer.status_code == status
        await town.sql("UPDATE person SET state = 'suspended' WHERE id = :id", id=who.id)
        answer = await app.get("/api/v1/assets?limit=1", headers={"Authorization": f"Bearer {key}"})
        assert answer.status_code == 401


async def test_only_hashes_of_what_opens_doors_are_kept(town: Town) -> None:
    async with browser(town.app) as client:
        sign_in = await ask(client, an_address())
        await complete(client, town, sign_in)
        made = await client.post("/api/v1/me/keys", json={"name": "x", "scopes": ["assets:read"]})
        secrets = [client.cookies["civic"], made.json()["key"], auth.sign_in_token(town.secret, sign_in)]
    assert all(len(secret) > 40 for secret in secrets)
    for table in ("session", "api_key", "outbox", "history", "idempotency"):
        found = await town.sql(f"SELECT string_agg(t::text, ' ') FROM {table} t") or ""
        assert not [secret for secret in secrets if secret in found], table


# How often -----------------------------------------------------------------------------------------------------------


@pytest.fixture
async def strict(database: Database, tmp_path: Any) -> AsyncIterator[Town]:
    """A town that allows three writes, five by key, and two sign-in mails an hour."""
    settings = Settings(
        data=tmp_path, database_url=database.write, database_read_url=database.read, writes_per_hour=3,
        key_writes_per_hour=5, sign_ins_per_hour=2, secret=SecretStr("only for tests"),
    )  # fmt: skip
    app = main.create_app(settings)
    async with app.router.lifespan_context(app):
        service = app.state.service
        own = await Town.found(app, service.engines, service.secret)
        yield own
        await own.leave()


async def test_a_person_and_their_keys_write_as_often_as_allowed_and_not_once_more(strict: Town) -> None:
    app = await strict.app_of("owner", "assets:write", "assets:read")
    for client, allowed in ((strict["owner"], 3), (app, 5)):
        for _ in range(allowed):
            assert (await client.post("/api/v1/assets", json=document())).status_code == 201
        refused = await client.post("/api/v1/assets", json=document())
        assert_problem(refused, 429, "too-many-requests")
        assert 1 <= int(refused.headers["retry-after"]) <= 3601
        assert (await client.get("/api/v1/assets?limit=1")).status_code == 200, "reading is not counted"
    assert (await strict["stranger"].post("/api/v1/assets", json=document())).status_code == 201


async def test_an_address_is_mailed_as_often_as_allowed_whoever_asks(strict: Town) -> None:
    for _ in range(2):
        async with browser(strict.app) as client:
            await ask(client, "ana@example.org")
    forged = {"X-Forwarded-For": "203.0.113.9"}
    async with browser(strict.app) as client:
        refused = await client.post("/api/v1/sign-in", json={"email": "ANA@example.org"}, headers=forged)
        assert_problem(refused, 429, "too-many-requests")
        await ask(client, "bo@example.org")


async def test_one_network_address_asks_for_ten_times_as_many(strict: Town) -> None:
    async with browser(strict.app) as client:
        for number in range(20):
            await ask(client, f"p{number}@example.org")
        refused = await client.post("/api/v1/sign-in", json={"email": "p20@example.org"})
        assert_problem(refused, 429, "too-many-requests")
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=strict.app, client=("203.0.113.9", 1)), base_url="http://localhost:8000"
    ) as other:
        await ask(other, "p21@example.org")
