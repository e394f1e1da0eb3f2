"""Ties between assets, as other people's pages show them."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import FastAPI

from app import auth
from app.actions import accounts
from app.routers.deps import Service

DOCUMENT: dict[str, Any] = {"type": "Feature", "geometry": None}


async def _key(app: FastAPI, name: str) -> dict[str, str]:
    serving: Service = app.state.service
    async with serving.engines.transaction() as session:
        system = auth.Actor.system("test")
        person = await accounts.create_person(session, system, email=f"{name}@example.org", name=name)
        actor = await auth.actor_of_person(session, person.id)
        assert actor is not None
        _, key = await accounts.create_key(
            session, actor, serving.secret, name="k", scopes=["assets:read", "assets:write"]
        )
    return {"Authorization": f"Bearer {key}"}


async def _pin(client: httpx.AsyncClient, who: dict[str, str], title: str) -> UUID:
    body = DOCUMENT | {"properties": {"kind": "project", "title": title}}
    return UUID((await client.post("/api/v1/assets", json=body, headers=who)).json()["id"])


@pytest.mark.parametrize("agreed", [False, True])
async def test_a_tie_is_on_the_other_sides_page_for_everybody_only_when_it_is_agreed(
    app: FastAPI, client: httpx.AsyncClient, agreed: bool
) -> None:
    ana, ben = await _key(app, "ana"), await _key(app, "ben")
    mine, theirs = await _pin(client, ana, "Mine"), await _pin(client, ben, "Theirs")
    asked = await client.post(f"/api/v1/assets/{mine}/links", json={"kind": "part_of", "to": str(theirs)}, headers=ana)
    assert asked.json()["state"] == "asked"
    if agreed:
        await client.patch(f"/api/v1/links/{asked.json()['uid']}", json={"state": "agreed"}, headers=ben)
    for page in (mine, theirs):
        for who, seen in ((ana, True), (ben, True), ({}, agreed)):
            listed = (await client.get(f"/api/v1/assets/{page}/links", headers=who)).json()["items"]
            assert [link["uid"] for link in listed] == ([asked.json()["uid"]] if seen else [])
