"""What the service forgets by itself, and when (safety.md, retention)."""

from datetime import timedelta

from sqlalchemy import delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import SESSION_IDLE_DAYS
from app.models import Idempotency, Outbox, RateCounter, Session

KEPT_ANSWERS = timedelta(hours=24)
KEPT_COUNTERS = timedelta(hours=24)
KEPT_EVENTS = timedelta(days=14)


async def forget(session: AsyncSession) -> None:
    """Remove what is past its time: stored answers, counters, ended sessions, old sign-ins and old events."""
    now = func.now()
    idle = Session.seen_at < now - timedelta(days=SESSION_IDLE_DAYS)
    await session.execute(delete(Idempotency).where(Idempotency.created_at < now - KEPT_ANSWERS))
    await session.execute(delete(RateCounter).where(RateCounter.window_at < now - KEPT_COUNTERS))
    await session.execute(delete(Session).where(or_(Session.expires_at < now, Session.revoked_at < now, idle)))
    await session.execute(delete(Outbox).where(Outbox.taken_at < now - KEPT_EVENTS))
    await session.execute(select(func.vault.forget_old_sign_ins()))
