"""What every change leaves behind: history, outbox and state change, with the change itself or not at all."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text

from app import db
from tests.conftest import Database
from tests.factories import Town, document
from tests.rights import ROUTES, TABLE, WHO, Route
from tests.routers.test_rights import ask

#: route → verb, thing, and the step where there is one
TRAIL: dict[str, tuple[str, str, tuple[str | None, str] | None]] = {
    "PATCH /api/v1/assets/{asset}": ("assets.amend", "asset", None),
    "DELETE /api/v1/assets/{asset}": ("assets.withdraw", "asset", ("published", "withdrawn")),
    "POST /api/v1/assets/{asset}/hide": ("moderation.hide", "asset", ("published", "hidden")),
    "POST /api/v1/assets/{asset}/restore": ("moderation.restore", "asset", ("hidden", "published")),
    "PUT /api/v1/assets/{asset}/appreciation": ("appreciations.give", "asset", None),
    "POST /api/v1/assets/{asset}/comments": ("comments.write", "comment", None),
    "PATCH /api/v1/comments/{comment}": ("comments.amend", "comment", None),
    "DELETE /api/v1/comments/{comment}": ("comments.withdraw", "comment", None),
    "POST /api/v1/comments/{comment}/hide": ("moderation.hide", "comment", None),
    "POST /api/v1/comments/{comment}/restore": ("moderation.restore", "comment", None),
    "POST /api/v1/assets/{asset}/needs": ("needs.add", "need", (None, "open")),
    "PATCH /api/v1/needs/{need}": ("needs.amend", "need", None),
    "DELETE /api/v1/needs/{need}": ("needs.remove", "need", None),
    "POST /api/v1/needs/{need}/meet": ("needs.meet", "need", None),
    "POST /api/v1/needs/{need}/close": ("needs.close", "need", ("open", "closed")),
    "POST /api/v1/needs/{need}/reopen": ("needs.reopen", "need", ("closed", "open")),
    "POST /api/v1/assets/{asset}/proposals": ("proposals.propose", "proposal", (None, "proposed")),
    "PATCH /api/v1/proposals/{proposal}": ("proposals.amend", "proposal", None),
    "POST /api/v1/proposals/{proposal}/accept": ("proposals.accept", "proposal", ("proposed", "accepted")),
    "POST /api/v1/proposals/{proposal}/decline": ("proposals.decline", "proposal", ("proposed", "declined")),
    "POST /api/v1/proposals/{proposal}/complete": ("proposals.complete", "proposal", ("accepted", "done")),
    "POST /api/v1/proposals/{proposal}/withdraw": ("proposals.withdraw", "proposal", ("proposed", "withdrawn")),
    "POST /api/v1/proposals/{proposal}/pledges": ("pledges.promise", "pledge", (None, "pledged")),
    "POST /api/v1/pledges/{pledge}/confirm": ("pledges.confirm", "pledge", ("pledged", "confirmed")),
    "POST /api/v1/pledges/{pledge}/fulfil": ("pledges.fulfil", "pledge", ("confirmed", "fulfilled")),
    "POST /api/v1/pledges/{pledge}/miss": ("pledges.miss", "pledge", ("confirmed", "missed")),
    "POST /api/v1/pledges/{pledge}/withdraw": ("pledges.withdraw", "pledge", ("pledged", "withdrawn")),
    "POST /api/v1/assets/{asset}/updates": ("updates.post", "update", None),
    "PATCH /api/v1/updates/{update}": ("updates.amend", "update", None),
    "DELETE /api/v1/updates/{update}": ("updates.remove", "update", None),
    "POST /api/v1/assets/{asset}/links": ("links.ask", "link", (None, "asked")),
    "PATCH /api/v1/links/{link}": ("links.decide", "link", ("asked", "agreed")),
    "DELETE /api/v1/links/{link}": ("links.remove", "link", None),
    "POST /api/v1/assets/{asset}/flags": ("flags.raise", "flag", (None, "open")),
    "POST /api/v1/flags/{flag}/uphold": ("flags.uphold", "flag", ("open", "upheld")),
    "POST /api/v1/flags/{flag}/dismiss": ("flags.dismiss", "flag", ("open", "dismissed")),
}
#: Taking back thanks that one never gave changes nothing.
SILENT = {"DELETE /api/v1/assets/{asset}/appreciation"}
REASONED = ("moderation.hide", "moderation.restore", "flags.uphold", "flags.dismiss")
WRITES = [route for route in ROUTES if route.name in TRAIL]


def somebody(route: Route) -> str:
    """Who may."""
    return next(who for who in WHO if TABLE[route.act][who] == "+")


async def rows(engines: db.Engines, statement: str) -> list[Any]:
    """All rows of a statement."""
    async with engines.transaction() as session:
        return list(await session.execute(text(statement)))


def test_every_route_that_writes_has_its_trail_here() -> None:
    assert {route.name for route in ROUTES if route.method != "GET"} == TRAIL.keys() | SILENT


@pytest.mark.parametrize("route", WRITES, ids=lambda route: route.name)
async def test_a_change_leaves_one_history_row_one_event_and_its_step(town: Town, route: Route) -> None:
    scene = await town.scene(**route.scene)
    await town.sql("DELETE FROM outbox")
    last = await town.sql("SELECT coalesce(max(id), 0) FROM history")
    steps = await town.sql("SELECT coalesce(max(id), 0) FROM state_change")
    who = somebody(route)
    answer = await ask(town[who], route, scene)
    assert answer.status_code == route.success, answer.text
    verb, thing, step = TRAIL[route.name]
    (told,) = await rows(town.engines, f"SELECT * FROM history WHERE id > {last}")
    assert (told.verb, told.thing, told.actor) == (verb, thing, f"person:{town.people[who].uid}")
    assert told.person_id == town.people[who].id
    (event,) = await rows(town.engines, "SELECT * FROM outbox")
    assert (event.event, event.thing_uid, event.taken_at) == (verb, told.thing_uid, None)
    stepped = await rows(town.engines, f"SELECT * FROM state_change WHERE id > {steps}")
    found = [(row.thing, row.from_state, row.to_state, row.person_id) for row in stepped]
    assert found == ([(thing, *step, town.people[who].id)] if step else [])
    reasons = {"proposals.decline": "why"} | dict.fromkeys(REASONED, "reason")
    assert told.why == (route.body[reasons[verb]] if route.body and verb in reasons else None)


async def test_an_application_is_named_in_history_as_one(town: Town) -> None:
    client = await town.app_of("owner", "assets:write")
    made = (await client.post("/api/v1/assets", json=document())).json()
    told = await town.sql("SELECT actor FROM history WHERE thing_uid = :uid", uid=made["id"])
    assert told == f"app:{town.people['owner'].uid}"


async def test_thanks_that_change_nothing_are_not_written_down(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/appreciation"
    for method in ("DELETE", "PUT", "PUT", "DELETE", "DELETE"):
        assert (await town["stranger"].request(method, path)).status_code == 200
    told = await rows(town.engines, f"SELECT verb FROM history WHERE thing_uid = '{scene.asset}' ORDER BY id")
    assert [row.verb for row in told] == ["appreciations.give", "appreciations.take-back"]


# With the change or not at all ---------------------------------------------------------------------------------------


@pytest.fixture
async def fragile(app: FastAPI) -> AsyncIterator[Town]:
    """A town of this test's own whose clients see a 500 as the answer that it is."""
    service = app.state.service
    own = await Town.found(app, service.engines, service.secret)
    for client in own.clients.values():
        client._transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    yield own
    await own.leave()


def _everything(database: Database) -> list[Any]:
    """What all tables say that a change could touch."""
    names = "asset comment need proposal pledge update link flag appreciation history outbox state_change idempotency"
    with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
        return [connection.execute(f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {name} t").fetchone()
                for name in names.split()]  # fmt: skip


def _break(database: Database, table: str, deferred: bool) -> None:
    """Make every insert into a table fail: at once, or only when the transaction commits."""
    kind = "CONSTRAINT TRIGGER broken AFTER" if deferred else "TRIGGER broken BEFORE"
    when = "DEFERRABLE INITIALLY DEFERRED" if deferred else ""
    with psycopg.connect(database.owner.replace("+psycopg", "")) as connection:
        connection.execute(
            "CREATE FUNCTION broken() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'broken'; END $$"
        )
        connection.execute(f"CREATE {kind} INSERT ON {table} {when} FOR EACH ROW EXECUTE FUNCTION broken()")


@pytest.mark.parametrize(
    ("table", "deferred"), [("outbox", False), ("history", True)], ids=["no outbox", "a commit that fails"]
)  # fmt: skip
async def test_where_its_trail_cannot_be_written_nothing_is_changed_and_success_is_never_said(
    fragile: Town, database: Database, table: str, deferred: bool
) -> None:
    scenes = {route.name: await fragile.scene(**route.scene) for route in WRITES}
    _break(database, table, deferred)
    before = _everything(database)
    for route in WRITES:
        answer = await ask(fragile[somebody(route)], route, scenes[route.name])
        assert answer.status_code == 500, f"{route.name}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"
    key = {"Idempotency-Key": "a-key"}
    answer = await fragile["owner"].post("/api/v1/assets", json=document(), headers=key)
    assert answer.status_code == 500
    assert "etag" not in answer.headers
    assert _everything(database) == before
