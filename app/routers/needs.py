"""What an asset needs, and how much of it is met."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field

from app import errors, search
from app.actions import needs
from app.models import Need
from app.routers import contributions
from app.routers.contributions import NeedOut
from app.routers.deps import IfMatch, JustOnce, Paging, Read, Tx, Who, act
from app.wire import Day, Line, Page, Text, Wire

router = APIRouter(prefix="/api/v1", tags=["needs"])

Kind = Literal["people", "skill", "space", "equipment", "money", "permission", "training"]
Title = Annotated[Line, Field(max_length=160)]
Story = Annotated[Text, Field(max_length=5000)]
Quantity = Annotated[int, Field(strict=True, ge=1, le=100_000)]


class NeedIn(Wire):
    kind: Kind
    title: Title
    text: Story = ""
    quantity: Quantity = 1
    blocking: Annotated[bool, Field(strict=True, description="Nothing goes on until this is met.")] = False
    report_back_on: Annotated[
        Day | None, Field(description="When you will say how it stands; a blocking need has one.")
    ] = None


class NeedPatch(Wire):
    kind: Kind | None = None
    title: Title | None = None
    text: Story | None = None
    quantity: Quantity | None = None
    blocking: Annotated[bool | None, Field(strict=True)] = None
    report_back_on: Day | None = None


class Met(Wire):
    quantity: Quantity = 1


@router.get("/assets/{asset}/needs", **act("assets.read"))
async def list_needs(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[NeedOut]:
    """What it needs, oldest first."""
    parent = await search.get_asset(session, actor, asset)
    rows, following = await search.things(session, actor, Need, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.need(row, actor) for row in rows], following)


@router.post("/assets/{asset}/needs", status_code=201, response_model=NeedOut, **act("needs.add"))
async def add_need(asset: UUID, said: NeedIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Say what your project, idea or place needs."""
    row = await needs.add(session, actor, asset, **said.model_dump())
    return await once.created(contributions.need(row, actor), version=row.version)


@router.patch("/needs/{need}", **act("needs.amend"))
async def amend_need(need: UUID, said: NeedPatch, session: Tx, actor: Who, version: IfMatch) -> NeedOut:
    """Change what you asked for; what is left out stays."""
    changes = said.model_dump(exclude_unset=True)
    empty = [name for name, value in changes.items() if value is None and name != "report_back_on"]
    if empty:
        raise errors.Invalid(f"{empty[0]} cannot be null. Leave it out to keep it.")
    return contributions.need(await needs.amend(session, actor, need, changes, version), actor)


@router.delete("/needs/{need}", status_code=204, **act("needs.remove"))
async def remove_need(need: UUID, session: Tx, actor: Who, version: IfMatch) -> None:
    """Take a need away."""
    await needs.remove(session, actor, need, version)


@router.post("/needs/{need}/meet", response_model=NeedOut, **act("needs.meet"))
async def meet_need(need: UUID, said: Met, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Count some of it as met."""
    row = await needs.meet(session, actor, need, quantity=said.quantity)
    return await once.created(contributions.need(row, actor), version=row.version, status=200)


@router.post("/needs/{need}/close", **act("needs.close"))
async def close_need(need: UUID, session: Tx, actor: Who) -> NeedOut:
    """It is no longer needed."""
    return contributions.need(await needs.close(session, actor, need), actor)


@router.post("/needs/{need}/reopen", **act("needs.reopen"))
async def reopen_need(need: UUID, session: Tx, actor: Who) -> NeedOut:
    """It is needed again."""
    return contributions.need(await needs.reopen(session, actor, need), actor)
