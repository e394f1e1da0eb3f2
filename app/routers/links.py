"""Ties between assets."""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from app import search
from app.actions import links
from app.models import Link
from app.routers import contributions
from app.routers.contributions import LinkOut
from app.routers.deps import JustOnce, Paging, Read, Tx, Who, act
from app.wire import Page, Wire

router = APIRouter(prefix="/api/v1", tags=["links"])


class LinkIn(Wire):
    kind: Literal["grew_from", "part_of", "at_place", "partner_of"]
    to: UUID


class LinkPatch(Wire):
    state: Literal["agreed", "declined"]


@router.get("/assets/{asset}/links", **act("assets.read"))
async def list_links(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[LinkOut]:
    """Ties from and to this asset."""
    parent = await search.get_asset(session, actor, asset)
    rows, following = await search.things(session, actor, Link, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.link(row, actor) for row in rows], following)


@router.post("/assets/{asset}/links", status_code=201, response_model=LinkOut, **act("links.ask"))
async def ask_link(asset: UUID, said: LinkIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Tie your asset to another; the other side agrees or declines."""
    return await once.created(
        contributions.link(await links.ask(session, actor, asset, kind=said.kind, to=said.to), actor)
    )


@router.patch("/links/{link}", **act("links.decide"))
async def decide_link(link: UUID, said: LinkPatch, session: Tx, actor: Who) -> LinkOut:
    """Agree or decline as the other side."""
    return contributions.link(await links.decide(session, actor, link, state=said.state), actor)


@router.delete("/links/{link}", status_code=204, **act("links.remove"))
async def remove_link(link: UUID, session: Tx, actor: Who) -> None:
    """Undo a tie; either side may."""
    await links.remove(session, actor, link)
