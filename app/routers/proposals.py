"""Proposals for somebody's project, and the pledges that carry them."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, rules, search
from app.actions import proposals
from app.auth import Actor
from app.models import Pledge, Proposal
from app.routers import contributions
from app.routers.contributions import PledgeOut, ProposalOut
from app.routers.deps import IfMatch, JustOnce, Paging, Read, Tx, Who, act
from app.wire import Day, Line, Number, Page, Text, Wire

router = APIRouter(prefix="/api/v1", tags=["proposals"])

Title = Annotated[Line, Field(max_length=160)]
Story = Annotated[Text, Field(max_length=5000)]
Places = Annotated[int, Field(strict=True, ge=1, le=10_000)]


class ProposalIn(Wire):
    title: Title
    text: Story = ""
    places: Annotated[Places | None, Field(description="How many people it needs at most; null for any number.")] = None
    happens_on: Day | None = None


class ProposalPatch(Wire):
    title: Title | None = None
    text: Story | None = None
    places: Places | None = None
    happens_on: Day | None = None


class Why(Wire):
    why: Annotated[Text | None, Field(max_length=1000)] = None


async def _shown(session: AsyncSession, actor: Actor, row: Proposal) -> ProposalOut:
    return contributions.proposal(row, actor, (await _mine(session, actor, [row.id])).get(row.id))


async def _mine(session: AsyncSession, actor: Actor, ids: list[int]) -> dict[int, Pledge]:
    """The actor's own latest pledge to each of these proposals."""
    if not (actor.signed_in and ids and rules.holds(actor, "pledges.see")):
        return {}
    mine = select(Pledge).where(Pledge.proposal_id.in_(ids), Pledge.person_id == actor.person_id)
    rows = await session.scalars(mine.options(*search.whole(Pledge)).order_by(Pledge.id))
    return {row.proposal_id: row for row in rows}


@router.get("/assets/{asset}/proposals", **act("assets.read"))
async def list_proposals(asset: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[ProposalOut]:
    """What people offer to do for it, oldest first."""
    parent = await search.get_asset(session, actor, asset)
    rows, following = await search.things(session, actor, Proposal, parent, limit=paging.limit, cursor=paging.cursor)
    mine = await _mine(session, actor, [row.id for row in rows])
    return paging.page(request, [contributions.proposal(row, actor, mine.get(row.id)) for row in rows], following)


@router.post("/assets/{asset}/proposals", status_code=201, response_model=ProposalOut, **act("proposals.propose"))
async def propose(asset: UUID, said: ProposalIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Offer to do something for somebody's project, idea or place."""
    row = await proposals.propose(session, actor, asset, **said.model_dump())
    return await once.created(contributions.proposal(row, actor), version=row.version)


@router.patch("/proposals/{proposal}", **act("proposals.amend"))
async def amend_proposal(proposal: UUID, said: ProposalPatch, session: Tx, actor: Who, version: IfMatch) -> ProposalOut:
    """Change your own proposal; what is left out stays, null clears places and date."""
    changes: dict[str, Any] = said.model_dump(exclude_unset=True)
    empty = [name for name, value in changes.items() if value is None and name in ("title", "text")]
    if empty:
        raise errors.Invalid(f"{empty[0]} cannot be null. Leave it out to keep it.")
    return await _shown(session, actor, await proposals.amend(session, actor, proposal, changes, version))


Step = Callable[..., Awaitable[Proposal]]


async def _stepped(step: Step, uid: UUID, said: Why | None, session: AsyncSession, actor: Actor) -> ProposalOut:
    return await _shown(session, actor, await step(session, actor, uid, why=said.why if said else None))


@router.post("/proposals/{proposal}/accept", **act("proposals.accept"))
async def accept(proposal: UUID, session: Tx, actor: Who, said: Why | None = None) -> ProposalOut:
    """Take the offer up."""
    return await _stepped(proposals.accept, proposal, said, session, actor)


@router.post("/proposals/{proposal}/decline", **act("proposals.decline"))
async def decline(proposal: UUID, session: Tx, actor: Who, said: Why | None = None) -> ProposalOut:
    """Say no; open pledges are let go."""
    return await _stepped(proposals.decline, proposal, said, session, actor)


@router.post("/proposals/{proposal}/complete", **act("proposals.complete"))
async def complete(proposal: UUID, session: Tx, actor: Who, said: Why | None = None) -> ProposalOut:
    """It has been done."""
    return await _stepped(proposals.complete, proposal, said, session, actor)


@router.post("/proposals/{proposal}/withdraw", **act("proposals.withdraw"))
async def withdraw(proposal: UUID, session: Tx, actor: Who, said: Why | None = None) -> ProposalOut:
    """Take your own offer back; open pledges are let go."""
    return await _stepped(proposals.withdraw, proposal, said, session, actor)


# ── pledges ─────────────────────────────────────────────────────────────────────────────────

MAX_HOURS = 1000
Hours = Annotated[Number, Field(max_digits=6, decimal_places=2, le=MAX_HOURS, allow_inf_nan=False)]


class PledgeIn(Wire):
    hours_promised: Annotated[Hours, Field(gt=0)]
    message: Annotated[Text, Field(max_length=2000)] = ""


class Given(Wire):
    hours_given: Annotated[Hours, Field(ge=0)]


@router.get("/proposals/{proposal}/pledges", **act("assets.read"))
async def list_pledges(proposal: UUID, request: Request, session: Read, actor: Who, paging: Paging) -> Page[PledgeOut]:
    """Who pledged: all of them for the organiser, the proposer and officers, for anybody else their own."""
    parent = await search.get_thing(session, actor, Proposal, proposal)
    rows, following = await search.things(session, actor, Pledge, parent, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [contributions.pledge(row, actor) for row in rows], following)


@router.post("/proposals/{proposal}/pledges", status_code=201, response_model=PledgeOut, **act("pledges.promise"))
async def promise(proposal: UUID, said: PledgeIn, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Promise some of your time."""
    row = await proposals.promise(session, actor, proposal, hours=said.hours_promised, message=said.message)
    return await once.created(contributions.pledge(row, actor))


@router.post("/pledges/{pledge}/confirm", **act("pledges.confirm"))
async def confirm(pledge: UUID, session: Tx, actor: Who) -> PledgeOut:
    """Count on this person."""
    return contributions.pledge(await proposals.confirm(session, actor, pledge), actor)


@router.post("/pledges/{pledge}/fulfil", **act("pledges.fulfil"))
async def fulfil(pledge: UUID, said: Given, session: Tx, actor: Who) -> PledgeOut:
    """Say how many hours were given."""
    return contributions.pledge(await proposals.fulfil(session, actor, pledge, hours_given=said.hours_given), actor)


@router.post("/pledges/{pledge}/miss", **act("pledges.miss"))
async def miss(pledge: UUID, session: Tx, actor: Who) -> PledgeOut:
    """The person did not come."""
    return contributions.pledge(await proposals.miss(session, actor, pledge), actor)


@router.post("/pledges/{pledge}/withdraw", **act("pledges.withdraw"))
async def withdraw_pledge(pledge: UUID, session: Tx, actor: Who) -> PledgeOut:
    """Take your promise back."""
    return contributions.pledge(await proposals.withdraw_pledge(session, actor, pledge), actor)
