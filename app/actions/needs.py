"""What an asset asks for: add, amend, meet, close, reopen, remove."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, kinds, rules, search
from app.actions.record import match, record, step
from app.auth import Actor
from app.models import Need
from app.models.columns import now


async def add(
    session: AsyncSession,
    actor: Actor,
    asset_uid: UUID,
    *,
    kind: str,
    title: str,
    text: str = "",
    quantity: int = 1,
    blocking: bool = False,
    report_back_on: date | None = None,
) -> Need:
    """Say what a project, idea or place needs. A blocking need has a date to report back."""
    asset = await search.get_asset(session, actor, asset_uid)
    rules.require(actor, "needs.add", asset)
    if not kinds.BY_NAME[asset.kind].takes_proposals:
        raise errors.Conflict(f"A {asset.kind} has no needs. A project, an idea or a place may say what it needs.")
    _refuse_dateless(blocking, report_back_on)
    need = Need(
        asset_id=asset.id,
        kind=kind,
        title=title,
        text=text,
        quantity=quantity,
        blocking=blocking,
        report_back_on=report_back_on,
        created_by=actor.person_id,
    )
    session.add(need)
    await session.flush()
    record(session, actor, "needs.add", "need", need.uid, after=_public(need))
    step(session, actor, "need", need.id, None, "open")
    return await search.get_thing(session, actor, Need, need.uid)


async def amend(session: AsyncSession, actor: Actor, uid: UUID, changes: dict[str, Any], version: int | None) -> Need:
    """Change a need's words, quantity or date. What is met stays met, so the quantity cannot fall below it."""
    need = await _held(session, actor, uid, "needs.amend")
    match(need.version, version)
    before = _public(need)
    _refuse_dateless(changes.get("blocking", need.blocking), changes.get("report_back_on", need.report_back_on))
    if changes.get("quantity", need.quantity) < need.met:
        raise errors.Invalid(f"{need.met} of these are met already; the quantity cannot be less.")
    for name, value in changes.items():
        setattr(need, name, value)
    _touch(need)
    wholly = "met" if need.met == need.quantity else "open"
    if need.state not in ("closed", wholly):
        _go(session, actor, need, wholly)
    record(session, actor, "needs.amend", "need", uid, before=before, after=_public(need))
    await session.flush()
    return need


async def meet(session: AsyncSession, actor: Actor, uid: UUID, *, quantity: int = 1) -> Need:
    """Count some of a need as met; when all of it is, the need is met."""
    need = await _held(session, actor, uid, "needs.meet")
    if need.state != "open":
        raise errors.illegal_transition("need", need.state, "met")
    left = need.quantity - need.met
    if quantity > left:
        raise errors.Invalid(f"Only {left} of this need {'is' if left == 1 else 'are'} still open.")
    before = _public(need)
    need.met += quantity
    if need.met == need.quantity:
        _go(session, actor, need, "met")
    _touch(need)
    record(session, actor, "needs.meet", "need", uid, before=before, after=_public(need))
    await session.flush()
    return need


async def close(session: AsyncSession, actor: Actor, uid: UUID) -> Need:
    """It is no longer needed."""
    return await _stepped(session, actor, uid, "needs.close", "closed")


async def reopen(session: AsyncSession, actor: Actor, uid: UUID) -> Need:
    """It is needed again. A need that was wholly met begins anew."""
    return await _stepped(session, actor, uid, "needs.reopen", "open")


async def remove(session: AsyncSession, actor: Actor, uid: UUID, version: int | None) -> None:
    """Take a need away; history keeps what it said."""
    need = await _held(session, actor, uid, "needs.remove")
    match(need.version, version)
    record(session, actor, "needs.remove", "need", uid, before=_public(need))
    await session.delete(need)


async def _held(session: AsyncSession, actor: Actor, uid: UUID, act: str) -> Need:
    need = await search.get_thing(session, actor, Need, uid, lock=True)
    rules.require(actor, act, need)
    return need


async def _stepped(session: AsyncSession, actor: Actor, uid: UUID, act: str, state: str) -> Need:
    need = await _held(session, actor, uid, act)
    if need.state == state:
        raise errors.illegal_transition("need", need.state, state)
    before = _public(need)
    if state == "open" and need.met == need.quantity:
        need.met = 0
    _go(session, actor, need, state)
    _touch(need)
    record(session, actor, act, "need", uid, before=before, after=_public(need))
    await session.flush()
    return need


def _go(session: AsyncSession, actor: Actor, need: Need, state: str) -> None:
    step(session, actor, "need", need.id, need.state, state)
    need.state = state


def _touch(need: Need) -> None:
    need.version += 1
    need.updated_at = now()


def _refuse_dateless(blocking: bool, report_back_on: date | None) -> None:
    if blocking and report_back_on is None:
        raise errors.Invalid("A blocking need has a date to report back: give report_back_on.")


def _public(need: Need) -> dict[str, Any]:
    names = ("kind", "title", "text", "quantity", "met", "state", "blocking")
    return {name: getattr(need, name) for name in names} | {
        "report_back_on": need.report_back_on.isoformat() if need.report_back_on else None
    }
