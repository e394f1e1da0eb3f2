"""What the service forgets by itself, and when (safety.md, retention); and the words that it learns."""

from datetime import timedelta
from uuid import UUID

from sqlalchemy import BigInteger, bindparam, delete, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.actions import import_desk, orders
from app.auth import SESSION_IDLE_DAYS
from app.models import Idempotency, ImportRun, Outbox, RateCounter, Session, Word

KEPT_ANSWERS = timedelta(hours=24)
KEPT_COUNTERS = timedelta(hours=24)
KEPT_EVENTS = timedelta(days=14)
#: Assets whose words are learnt again each minute.
NEWEST = 500
#: Advisory lock of who learns words, held to the end of the transaction.
LOCK = 0x776F7264


async def forget(session: AsyncSession) -> None:
    """Remove what is past its time: stored answers, counters, sessions, sign-ins, events, jobs, files, previews."""
    now = func.now()
    idle = Session.seen_at < now - timedelta(days=SESSION_IDLE_DAYS)
    await session.execute(delete(Idempotency).where(Idempotency.created_at < now - KEPT_ANSWERS))
    await session.execute(delete(RateCounter).where(RateCounter.window_at < now - KEPT_COUNTERS))
    await session.execute(delete(Session).where(or_(Session.expires_at < now, Session.revoked_at < now, idle)))
    await session.execute(delete(Outbox).where(Outbox.taken_at < now - KEPT_EVENTS))
    await session.execute(select(func.vault.forget_old_sign_ins()))
    await orders.forget(session)
    await import_desk.forget(session)


async def learn_imported_words(session: AsyncSession, run: UUID) -> None:
    """Learn the words of an import that made more assets than each minute's learning looks at."""
    if (await session.scalar(select(ImportRun.created).where(ImportRun.uid == run)) or 0) > NEWEST:
        await learn_words(session, newest=None)


async def learn_words(session: AsyncSession, newest: int | None = NEWEST) -> None:
    """Learn what words the newest public assets use, so that misspelt ones can be told; nothing while others learn.

    None: all of them, and forget what is used no more. Half a minute for a million; waits for others who learn.
    """
    if newest is None:
        await session.execute(text("SET LOCAL statement_timeout = 0; SET LOCAL lock_timeout = 0"))
        await session.execute(select(func.pg_advisory_xact_lock(LOCK)))
        await session.execute(delete(Word))
    elif not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return
    await session.execute(db.sql("learn_words").bindparams(bindparam("newest", type_=BigInteger)), {"newest": newest})
