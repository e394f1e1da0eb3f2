"""An officer of the area hides what must not be seen and brings it back, and decides on flags; always with a reason."""

from typing import Literal
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, rules, search
from app.actions import assets, discussion
from app.actions.record import record, step
from app.auth import Actor
from app.models import Asset, Flag
from app.models.columns import now


async def hide(session: AsyncSession, actor: Actor, uid: UUID, *, why: str) -> Asset:
    """Take an asset out of every public surface."""
    return await _moderated(session, actor, uid, "moderation.hide", "hidden", ("pending", "published"), why)


async def restore(session: AsyncSession, actor: Actor, uid: UUID, *, why: str) -> Asset:
    """Publish what was hidden, or what waits for a moderator."""
    return await _moderated(session, actor, uid, "moderation.restore", "published", ("pending", "hidden"), why)


async def _moderated(
    session: AsyncSession, actor: Actor, uid: UUID, act: str, state: str, possible: tuple[str, ...], why: str
) -> Asset:
    asset = await search.get_asset(session, actor, uid, lock=True)
    rules.require(actor, act, asset)
    if asset.state not in possible:
        raise errors.illegal_transition("asset", asset.state, state)
    await assets.change_state(session, actor, asset, state, verb=act, why=why)
    return asset


# ── flags ───────────────────────────────────────────────────────────────────────────────────

Verdict = Literal["upheld", "dismissed"]
_VERBS: dict[Verdict, str] = {"upheld": "flags.uphold", "dismissed": "flags.dismiss"}


async def decide(
    session: AsyncSession, actor: Actor, uid: UUID, verdict: Verdict, *, why: str, hide_it: bool = False
) -> Flag:
    """Uphold or dismiss a flag. With `hide_it`, what an upheld one complains of is hidden too, or neither is done.

    What is out of sight already stays so. Raises IllegalTransition for a flag that is decided.
    """
    flag = await search.get_thing(session, actor, Flag, uid, lock=True)
    rules.require(actor, "flags.decide", flag)
    if flag.state != "open":
        raise errors.illegal_transition("flag", flag.state, verdict)
    flag.state, flag.decided_at = verdict, now()
    step(session, actor, "flag", flag.id, "open", verdict, why=why)
    record(session, actor, _VERBS[verdict], "flag", uid, before={"state": "open"}, after={"state": verdict}, why=why)
    await session.flush()
    if hide_it:
        await _hide_what(session, actor, flag, why)
    return flag


async def _hide_what(session: AsyncSession, actor: Actor, flag: Flag, why: str) -> None:
    if flag.comment is None:
        if flag.asset.state in ("pending", "published"):
            await hide(session, actor, flag.asset.uid, why=why)
    elif flag.comment.state in ("pending", "published"):
        await discussion.hide_comment(session, actor, flag.comment.uid, why=why)
