"""What the service forgets by itself, and when (safety.md, retention); and the words that it learns."""

from datetime import timedelta

from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.auth import SESSION_IDLE_DAYS
from app.models import Idempotency, Outbox, RateCounter, Session, Word

KEPT_ANSWERS = timedelta(hours=24)
KEPT_COUNTERS = timedelta(hours=24)
KEPT_EVENTS = timedelta(days=14)
#: Assets whose words are learnt again each minute.
NEWEST = 500


async def forget(session: AsyncSession) -> None:
    """Remove what is past its time: stored answers, counters, ended sessions, old sign-ins and old events."""
    now = func.now()
    idle = Session.seen_at < now - timedelta(days=SESSION_IDLE_DAYS)
    await session.execute(delete(Idempotency).where(Idempotency.created_at < now - KEPT_ANSWERS))
    await session.execute(delete(RateCounter).where(RateCounter.window_at < now - KEPT_COUNTERS))
    await session.execute(delete(Session).where(or_(Session.expires_at < now, Session.revoked_at < now, idle)))
    await session.execute(delete(Outbox).where(Outbox.taken_at < now - KEPT_EVENTS))
    await session.execute(select(func.vault.forget_old_sign_ins()))


async def learn_words(session: AsyncSession, newest: int | None = NEWEST) -> None:
    """Learn what words the newest public assets use, so that misspelt ones can be told; None: all of them, and forget
    what is used no more. Half a minute for a million."""
    if newest is None:
        await session.execute(text("SET LOCAL statement_timeout = 0"))
        await session.execute(delete(Word))
    await session.execute(db.sql("learn_words").bindparams(bindparam("newest", type_=BigInteger)), {"newest": newest})
