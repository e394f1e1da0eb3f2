"""Ties between assets: asked by one side, agreed by the other."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, rules, search
from app.actions.record import record, step
from app.auth import Actor
from app.models import Link


async def ask(session: AsyncSession, actor: Actor, asset_uid: UUID, *, kind: str, to: UUID) -> Link:
    """Tie one's asset to another. It is agreed at once where the asker speaks for both sides, or where the other side
    has nobody to speak for it (what a council imported)."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "links.ask", asset)
    other = await search.get_asset(session, actor, to)
    nobody = other.owner_id is None and other.community_id is None
    state = "agreed" if nobody or rules.OWNER in rules.relations(actor, other) else "asked"
    same = select(Link).where(Link.from_id == asset.id, Link.to_id == other.id, Link.kind == kind)
    link = await session.scalar(same.where(Link.state == "declined").with_for_update())
    old = link.state if link else None
    if link is None:
        link = Link(kind=kind, from_id=asset.id, to_id=other.id, state=state, created_by=actor.person_id)
        session.add(link)
    else:
        link.state = "asked"  # declined once; it may be asked again
    await session.flush()
    record(session, actor, "links.ask", "link", link.uid, after={"kind": kind, "state": link.state})
    step(session, actor, "link", link.id, old, link.state)
    return await search.get_thing(session, actor, Link, link.uid)


async def decide(session: AsyncSession, actor: Actor, uid: UUID, *, state: str) -> Link:
    """The other side agrees or declines."""
    link = await search.get_thing(session, actor, Link, uid, lock=True)
    rules.require(actor, "links.decide", link)
    if link.state == state:
        raise errors.illegal_transition("link", link.state, state)
    old, link.state = link.state, state
    step(session, actor, "link", link.id, old, state)
    record(session, actor, "links.decide", "link", uid, before={"state": old}, after={"state": state})
    await session.flush()
    return link


async def remove(session: AsyncSession, actor: Actor, uid: UUID) -> None:
    """Undo a tie; either side may."""
    link = await search.get_thing(session, actor, Link, uid, lock=True)
    rules.require(actor, "links.remove", link)
    record(session, actor, "links.remove", "link", uid, before={"kind": link.kind, "state": link.state})
    await session.delete(link)
