"""From an offered action to a done one: proposals, and the pledges of time that carry them."""

from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, kinds, rules, search
from app.actions.record import match, record, step
from app.auth import Actor
from app.models import Pledge, Proposal
from app.models.columns import now

# ── proposals ───────────────────────────────────────────────────────────────────────────────


async def propose(
    session: AsyncSession,
    actor: Actor,
    asset_uid: UUID,
    *,
    title: str,
    text: str = "",
    places: int | None = None,
    happens_on: date | None = None,
) -> Proposal:
    """Offer to do something for somebody's project, idea or place; `places` limits how many may pledge."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "proposals.propose", asset)
    if not kinds.BY_NAME[asset.kind].takes_proposals:
        raise errors.Conflict(f"A {asset.kind} takes no proposals. Propose to a project, an idea or a place.")
    if asset.stage == "ended":
        raise errors.Conflict("This has ended, so nothing can be proposed for it any more.")
    proposal = Proposal(
        asset_id=asset.id, proposer_id=actor.person_id, title=title, text=text, places=places, happens_on=happens_on
    )
    session.add(proposal)
    await session.flush()
    record(session, actor, "proposals.propose", "proposal", proposal.uid, after=_public(proposal))
    step(session, actor, "proposal", proposal.id, None, "proposed")
    return await search.get_thing(session, actor, Proposal, proposal.uid)


async def amend(
    session: AsyncSession, actor: Actor, uid: UUID, changes: dict[str, Any], version: int | None
) -> Proposal:
    """Change one's own proposal while it is open. Places cannot fall below what is pledged."""
    proposal = await _held(session, actor, uid, "proposals.amend")
    match(proposal.version, version)
    if proposal.state not in ("proposed", "accepted"):
        raise errors.Conflict(f"This proposal is {proposal.state}; it can no longer be changed.")
    places = changes.get("places", proposal.places)
    if places is not None and places < proposal.pledged:
        raise errors.Invalid(f"{proposal.pledged} people have pledged already; there cannot be fewer places.")
    before = _public(proposal)
    for name, value in changes.items():
        setattr(proposal, name, value)
    _touch(proposal)
    record(session, actor, "proposals.amend", "proposal", uid, before=before, after=_public(proposal))
    await session.flush()
    return proposal


async def accept(session: AsyncSession, actor: Actor, uid: UUID, *, why: str | None = None) -> Proposal:
    """The project takes the offer up."""
    return await _stepped(session, actor, uid, "proposals.accept", "accepted", why)


async def decline(session: AsyncSession, actor: Actor, uid: UUID, *, why: str | None = None) -> Proposal:
    """The project says no; open pledges are let go."""
    return await _stepped(session, actor, uid, "proposals.decline", "declined", why)


async def complete(session: AsyncSession, actor: Actor, uid: UUID, *, why: str | None = None) -> Proposal:
    """It has been done. Pledges stay to be counted: fulfilled with their hours, or missed."""
    return await _stepped(session, actor, uid, "proposals.complete", "done", why)


async def withdraw(session: AsyncSession, actor: Actor, uid: UUID, *, why: str | None = None) -> Proposal:
    """The proposer takes the offer back; open pledges are let go."""
    return await _stepped(session, actor, uid, "proposals.withdraw", "withdrawn", why)


async def _held(session: AsyncSession, actor: Actor, uid: UUID, act: str) -> Proposal:
    proposal = await search.get_thing(session, actor, Proposal, uid, lock=True)
    rules.require(actor, act, proposal)
    return proposal


async def _stepped(session: AsyncSession, actor: Actor, uid: UUID, act: str, state: str, why: str | None) -> Proposal:
    proposal = await _held(session, actor, uid, act)
    if proposal.state == state:
        raise errors.illegal_transition("proposal", proposal.state, state)
    old, proposal.state = proposal.state, state
    _touch(proposal)
    step(session, actor, "proposal", proposal.id, old, state, why=why)
    record(session, actor, act, "proposal", uid, before={"state": old}, after={"state": state}, why=why)
    await session.flush()
    if state in ("declined", "withdrawn"):
        await _let_go(session, actor, proposal)
    return await search.get_thing(session, actor, Proposal, uid, lock=True)


async def _let_go(session: AsyncSession, actor: Actor, proposal: Proposal) -> None:
    """Nobody stays bound by a promise to something that will not happen."""
    open_ones = select(Pledge).where(Pledge.proposal_id == proposal.id, Pledge.state.in_(("pledged", "confirmed")))
    for pledge in await session.scalars(open_ones.order_by(Pledge.id).with_for_update()):
        step(session, actor, "pledge", pledge.id, pledge.state, "withdrawn", why=f"the proposal was {proposal.state}")
        record(session, actor, "pledges.withdraw", "pledge", pledge.uid, after={"state": "withdrawn"})
        pledge.state, pledge.updated_at = "withdrawn", now()
    await session.flush()


def _touch(proposal: Proposal) -> None:
    proposal.version += 1
    proposal.updated_at = now()


def _public(proposal: Proposal) -> dict[str, Any]:
    happens_on = proposal.happens_on.isoformat() if proposal.happens_on else None
    return {
        "title": proposal.title,
        "text": proposal.text,
        "places": proposal.places,
        "happens_on": happens_on,
        "state": proposal.state,
    }


# ── pledges ─────────────────────────────────────────────────────────────────────────────────


async def promise(
    session: AsyncSession, actor: Actor, proposal_uid: UUID, *, hours: Decimal, message: str = ""
) -> Pledge:
    """Promise time to a proposal. One open pledge a person, and never more than there are places:
    the database holds both under parallel requests (AlreadyPledged, ProposalFull)."""
    proposal = await search.get_thing(session, actor, Proposal, proposal_uid)
    rules.require(actor, "pledges.promise", proposal)
    if proposal.state not in ("proposed", "accepted"):
        raise errors.Conflict(f"This proposal is {proposal.state}; nothing can be pledged to it any more.")
    pledge = Pledge(proposal_id=proposal.id, person_id=actor.person_id, hours_promised=hours, message=message)
    session.add(pledge)
    await session.flush()
    record(session, actor, "pledges.promise", "pledge", pledge.uid, payload={"proposal": str(proposal_uid)})
    step(session, actor, "pledge", pledge.id, None, "pledged")
    await _still_open(session, proposal)
    return await search.get_thing(session, actor, Pledge, pledge.uid)


async def _still_open(session: AsyncSession, proposal: Proposal) -> None:
    # Counting the pledge has locked the proposal's row: what is read now holds until we commit.
    state = await session.scalar(select(Proposal.state).where(Proposal.id == proposal.id))
    if state not in ("proposed", "accepted"):
        raise errors.Conflict(f"This proposal is {state}; nothing can be pledged to it any more.")


async def confirm(session: AsyncSession, actor: Actor, uid: UUID) -> Pledge:
    """The organiser counts on this person."""
    return await _move(session, actor, uid, "pledges.confirm", "confirmed")


async def fulfil(session: AsyncSession, actor: Actor, uid: UUID, *, hours_given: Decimal) -> Pledge:
    """The person came; this many hours were given."""
    return await _move(session, actor, uid, "pledges.fulfil", "fulfilled", hours_given=hours_given)


async def miss(session: AsyncSession, actor: Actor, uid: UUID) -> Pledge:
    """The person did not come."""
    return await _move(session, actor, uid, "pledges.miss", "missed")


async def withdraw_pledge(session: AsyncSession, actor: Actor, uid: UUID) -> Pledge:
    """The person takes the promise back; the place is free again."""
    return await _move(session, actor, uid, "pledges.withdraw", "withdrawn")


def _refuse_unasked(proposal: Proposal) -> None:
    """A proposer counts on people, and their hours, only for what the organiser took up."""
    if proposal.state not in ("accepted", "done"):
        raise errors.Conflict(f"This proposal is {proposal.state}. When the organiser has accepted it, you can go on.")


async def _move(
    session: AsyncSession, actor: Actor, uid: UUID, act: str, state: str, hours_given: Decimal | None = None
) -> Pledge:
    proposal_id = (await search.get_thing(session, actor, Pledge, uid)).proposal_id
    # The proposal before its pledges, as everywhere: otherwise two who wait for each other wait for ever.
    await session.execute(select(Proposal.id).where(Proposal.id == proposal_id).with_for_update(key_share=True))
    pledge = await search.get_thing(session, actor, Pledge, uid, lock=True)
    rules.require(actor, act, pledge)
    if pledge.state == state:
        raise errors.illegal_transition("pledge", pledge.state, state)
    if state != "withdrawn" and rules.OWNER not in rules.relations(actor, pledge):
        _refuse_unasked(pledge.proposal)
    old, pledge.state, pledge.updated_at = pledge.state, state, now()
    pledge.hours_given = hours_given
    step(session, actor, "pledge", pledge.id, old, state)
    record(session, actor, act, "pledge", uid, before={"state": old}, after={"state": state})
    await session.flush()
    return pledge
