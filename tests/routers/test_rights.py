"""Every route, asked by everybody, in three states of the asset: as tests/rights.py says, and a no changes nothing.

The refused ask first, of one and the same scene; then each of the allowed in a fresh one, so that no refusal passes
because the request was wrong anyway.
"""

import json
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi.routing import APIRoute

from app import routers, rules
from app.auth import Actor
from tests.factories import Scene, Town
from tests.rights import OTHERS, ROUTES, TABLE, WHO, Route, verdict

STATES = ("published", "hidden", "draft")

#: What a refusal must leave as it was: everything about the asset, and what was written down.
_DIGEST = """
SELECT concat_ws(' ',
  (SELECT count(*) FROM history), (SELECT count(*) FROM outbox), (SELECT count(*) FROM state_change),
  (SELECT md5(t::text) FROM asset t WHERE uid = :asset), (SELECT md5(t::text) FROM comment t WHERE uid = :comment),
  (SELECT md5(t::text) FROM need t WHERE uid = :need), (SELECT md5(t::text) FROM proposal t WHERE uid = :proposal),
  (SELECT md5(t::text) FROM pledge t WHERE uid = :pledge), (SELECT md5(t::text) FROM update t WHERE uid = :update),
  (SELECT md5(t::text) FROM link t WHERE uid = :link), (SELECT md5(t::text) FROM flag t WHERE uid = :flag))
"""


def declared() -> dict[str, str]:
    """`METHOD path` → act, of every route that is served."""
    found = {}
    for router in routers.ALL:
        for route in router.routes:
            assert isinstance(route, APIRoute)
            for method in route.methods or ():
                found[f"{method} {route.path}"] = (route.openapi_extra or {})["x-act"]
    return found


def test_every_route_is_in_the_tables_and_declares_the_act_that_they_say() -> None:
    def shape(route: Route) -> str:
        # The tables name two proposals of a scene; a route has one parameter.
        return route.name.replace("{offered}", "{proposal}")

    assert declared() == {shape(route): route.act for route in ROUTES} | OTHERS
    assert set(declared().values()) <= set(rules.RULES)
    served_by_commands = {"areas.bring_in", "postcodes.bring_in", "pledges.see"}
    assert set(rules.RULES) - set(declared().values()) == served_by_commands


async def test_the_served_document_lists_the_same_routes(town: Town) -> None:
    paths = town.app.openapi()["paths"]
    ours = {name for name in declared() if not name.startswith("GET /ogc")}  # which has a document of its own
    assert {f"{method.upper()} {path}" for path, each in paths.items() for method in each} == ours


async def ask(client: httpx.AsyncClient, route: Route, scene: Scene) -> httpx.Response:
    """Make the route's request about this scene."""
    path, body = route.path, json.dumps(route.body) if route.body is not None else None
    for name, uid in scene.names.items():
        path = path.replace(f"{{{name}}}", uid)
        body = body.replace(f"{{{name}}}", uid) if body else body
    headers = {"If-Match": "*"} if route.method in ("PATCH", "DELETE") else {}
    if body:
        headers["Content-Type"] = "application/json"
    return await client.request(route.method, path, content=body, headers=headers)


def expected(route: Route, who: str, state: str) -> int:
    """The status by the tables."""
    said = verdict(route.act, who, state)
    if said in (200, 409):
        return route.otherwise.get(state, said if said == 409 else route.success)
    return route.for_who.get(who, said) if said == 403 else said


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_a_route_answers_everybody_as_the_tables_say(town: Town, route: Route) -> None:
    seen = {}
    wanted = {(who, state): expected(route, who, state) for state in STATES for who in WHO}
    for state in STATES:
        given = {"state": state, **{name: value for name, value in route.scene.items() if name != "state"}}
        scene = await town.scene(**given)
        uids = {name: uid for name, uid in scene.names.items() if name not in ("other_asset", "offered")}
        before = await town.sql(_DIGEST, **uids)
        changing = [who for who in WHO if wanted[who, state] < 400 and route.method != "GET"]
        for who in [who for who in WHO if who not in changing]:
            answer = await ask(town[who], route, scene)
            seen[who, state] = answer.status_code
            if answer.status_code >= 400:
                assert answer.headers["content-type"] == "application/problem+json"
                assert "Scene" not in answer.text
        assert await town.sql(_DIGEST, **uids) == before, f"somebody changed something on {state}"
        for who in changing:
            seen[who, state] = (await ask(town[who], route, await town.scene(**given))).status_code
    assert seen == wanted
    assert route.success in seen.values()
    assert len(seen) == 33


@pytest.mark.parametrize("route", [route for route in ROUTES if route.method != "GET"], ids=lambda route: route.name)
async def test_the_act_that_a_route_declares_is_the_one_that_its_action_requires(
    town: Town, route: Route, monkeypatch: pytest.MonkeyPatch
) -> None:
    required: list[tuple[str, str]] = []

    def recording(name: str) -> None:
        real: Any = getattr(rules, name)

        def told(actor: Actor, act: str, *thing: Any) -> None:
            required.append((name, act))
            real(actor, act, *thing)

        monkeypatch.setattr(rules, name, told)

    scene = await town.scene(**route.scene)
    recording("require")
    recording("admit")
    who = next(name for name in WHO if TABLE[route.act][name] == "+")
    answer = await ask(town[who], route, scene)
    assert answer.status_code == route.success, answer.text
    assert required[0] == ("admit", route.act), "the route asks before anything is loaded"
    # may_… questions of the answer come after: what the action itself asks is the next thing.
    first = next((act for name, act in required[1:] if name == "require"), None)
    if route.name == "DELETE /api/v1/assets/{asset}/appreciation":
        assert required[1] == ("admit", route.act), "one's own thanks may be taken back whatever became of the asset"
    else:
        assert first == route.act


async def test_an_officers_key_hides_a_comment_with_the_scope_to_moderate_and_no_other(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/comments/{scene.comment}/hide"
    why = {"reason": "It is unkind."}
    taking_part = await town.app_of("officer", "assets:read", "take-part")
    assert (await taking_part.post(path, json=why)).status_code == 403
    moderating = await town.app_of("officer", "moderate")
    assert (await moderating.post(path, json={})).status_code == 422
    assert (await moderating.post(path, json=why)).status_code == 200
    assert (await town["visitor"].get(f"/api/v1/assets/{scene.asset}/comments")).json()["items"] == []
    assert (await taking_part.get(f"/api/v1/assets/{scene.asset}/comments")).json()["items"] == []
    assert len((await town["officer"].get(f"/api/v1/assets/{scene.asset}/comments")).json()["items"]) == 1


async def test_a_moderators_key_sees_what_is_hidden_only_with_the_scope_to_moderate(town: Town) -> None:
    scene = await town.scene(state="hidden")
    path = f"/api/v1/assets/{scene.asset}"
    assert (await town["officer"].get(path)).status_code == 200
    assert (await (await town.app_of("officer", "assets:read", "moderate")).get(path)).status_code == 200
    assert (await (await town.app_of("officer", "assets:read")).get(path)).status_code == 404


@pytest.mark.parametrize("scope", ["assets:read", "assets:write", "take-part", "reports:read", "moderate"])
async def test_a_key_opens_the_routes_of_its_scope_and_no_other(town: Town, scope: str) -> None:
    client = await town.app_of("owner", scope)
    scene = await town.scene()
    opened = []
    for route in ROUTES:
        answer = await ask(client, route, scene)
        if answer.status_code != 403:
            opened.append(route)
        elif TABLE[route.act]["owner"] == "+":
            assert "scope" in answer.json()["detail"]
    scopes = {rules.RULES[route.act].scope for route in opened}
    assert scopes <= {scope}
    if scope in ("assets:read", "assets:write", "take-part"):
        assert len(opened) >= 6


async def test_a_right_that_is_taken_away_is_gone_at_the_next_request(town: Town) -> None:
    who, client = await town.settle("Short-lived", officer_of=["E09000001"])
    scene = await town.scene()
    flags = f"/api/v1/assets/{scene.asset}/flags"
    assert (await client.get(flags)).status_code == 200
    await town.sql("DELETE FROM officer_area WHERE person_id = :id", id=who.id)
    assert (await client.get(flags)).status_code == 403
    await town.sql("UPDATE person SET state = 'suspended' WHERE id = :id", id=who.id)
    assert (await client.get(flags)).status_code == 401


async def test_what_is_hidden_answers_byte_for_byte_like_what_never_was(town: Town) -> None:
    scene = await town.scene(state="hidden", flagged="open")
    seen = (await town["owner"].get(f"/api/v1/assets/{scene.asset}")).json()
    assert seen["properties"]["state"] == "hidden"
    nothing = Scene(*[UUID(int=n) for n in range(9)])
    for who in ("visitor", "stranger"):
        for route in ROUTES:
            hidden, unknown = await ask(town[who], route, scene), await ask(town[who], route, nothing)
            assert hidden.status_code == unknown.status_code, f"{who} {route.name}"
            one, other = hidden.json(), unknown.json()
            assert one.pop("instance") != other.pop("instance")
            assert one == other
            same = [name for name in hidden.headers if name != "content-length"]
            assert {name: hidden.headers[name] for name in same} == {name: unknown.headers[name] for name in same}
