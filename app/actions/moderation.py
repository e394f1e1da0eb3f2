"""An officer of the area hides what must not be seen and brings it back, always with a reason."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, rules, search
from app.actions import assets
from app.auth import Actor
from app.models import Asset


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
