"""Working on jobs, in tries.

The event of an order brings it to a worker, who begins a *try* and is heard of each second. A worker that is silent
for long loses its try, and the next one begins anew; what the former still says or writes counts for nothing. So the
work of a job is done at least once and its outcome is kept exactly once.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from psycopg import errors as postgres_errors
from psycopg.types.json import Jsonb
from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, errors, files
from app.actions import orders
from app.actions.progress import Progress, Tell
from app.auth import Actor
from app.db import Engines
from app.models import Job, Outbox
from app.models.columns import now

log = logging.getLogger("civic.orders")

#: A job whose worker died so often is given up: it may well be what killed it.
MOST_TRIES = 5
BEAT_S = 1.0
#: A worker that has not been heard of for so long has lost its try.
SILENCE = timedelta(seconds=60)
#: SQLSTATEs, or their beginnings, after which another try may go well (PostgreSQL, appendix A).
PASSING = ("08", "40", "53", "55P03", "57P")
OURS = "The fault is ours and was written down. Try again later, or ask for less."
CUT_OFF = f"This was begun {MOST_TRIES} times and cut off each time. Ask for less at a time."


class Stopped(Exception):
    """The job was called off, or is another worker's now: nothing that is done for it counts."""


@dataclass(frozen=True)
class Try:
    """One try of a job: what is asked, for whom (with the rights of this moment), and a folder to work in."""

    uid: UUID
    number: int
    """Which one it is, from 1."""
    what: str
    asked: dict[str, Any]
    actor: Actor
    folder: Path


@dataclass(frozen=True)
class Outcome:
    """What came of a job: plain values to keep with it, and perhaps a file (in the try's folder) to fetch."""

    result: dict[str, Any] | None = None
    path: Path | None = None
    name: str = ""
    media_type: str = "application/octet-stream"


#: What does a job. It may begin again after it was cut off at any place, and must bear that. A Problem that it raises
#: is told to whoever ordered it; of every other error they learn only that it is ours. It may tell from a thread.
Work = Callable[[Engines, Try, Tell], Awaitable[Outcome]]


async def run(engines: Engines, uid: UUID, works: Mapping[str, Work]) -> None:
    """Work on a job to its end; return at once when it has ended, or while somebody else works on it.

    Raises what says that the database does not serve: then the job waits for another try.
    """
    begun = await _begin(engines, uid)
    if begun is None:
        return
    job, actor = begun
    with files.room() as folder:
        this = Try(uid, job.tries, job.what, job.asked, actor or auth.VISITOR, folder)
        try:
            if actor is None:
                raise errors.Forbidden("This account is not active.")
            if this.number > MOST_TRIES:
                raise errors.Conflict(CUT_OFF)
            await _watched(engines, this, works[job.what])
        except Stopped:
            log.info("the job %s (%s) counts no more", uid, job.what)
        except asyncio.CancelledError:
            await _leave(engines, this, again=True)
            raise
        except errors.Problem as problem:
            await _fail(engines, this, problem.detail)
        except Exception as error:
            if _passing(error) and this.number < MOST_TRIES:
                await _leave(engines, this, again=False)
                raise
            log.exception("the job %s (%s) failed", uid, job.what)
            await _fail(engines, this, _told(error))


async def take_up_left(session: AsyncSession) -> int:
    """Let jobs whose workers are not heard of any more begin anew. Returns how many."""
    lost = update(Job).where(_lost()).values(state="waiting").returning(Job.uid)
    uids = list(await session.scalars(lost))
    session.add_all(Outbox(event=orders.EVENT, thing_uid=uid) for uid in uids)
    return len(uids)


async def hold(session: AsyncSession, this: Try) -> None:
    """Raise Stopped unless this try still counts; until the transaction ends it cannot be called off.

    For work that writes what must not be there when its job was cancelled: ask last, just before the commit, for nobody
    hears of this worker while the row is held.
    """
    still = select(Job.id).where(*_this(this)).with_for_update()
    if await session.scalar(still) is None:
        raise Stopped


def _lost() -> ColumnElement[bool]:
    return and_(Job.state == "working", Job.seen_at < func.now() - SILENCE)


def _this(this: Try) -> list[ColumnElement[bool]]:
    return [Job.uid == this.uid, Job.tries == this.number, Job.state == "working"]


async def _begin(engines: Engines, uid: UUID) -> tuple[Job, Actor | None] | None:
    free = or_(Job.state == "waiting", _lost())
    began = {"state": "working", "tries": Job.tries + 1, "started_at": func.now(), "seen_at": func.now()}
    async with engines.transaction() as session:
        job = await session.scalar(update(Job).where(Job.uid == uid, free).values(began).returning(Job))
        return (job, await auth.actor_of_person(session, job.person_id)) if job else None


async def _watched(engines: Engines, this: Try, work: Work) -> None:
    """Do the work and keep what comes of it, while another task tells how far it is and hears if it still counts."""
    said = _Said()
    doing = asyncio.create_task(_done(engines, this, work, said))
    telling = asyncio.create_task(_beat(engines, this, said))
    try:
        await asyncio.wait([doing, telling], return_when=asyncio.FIRST_COMPLETED)
        await (doing if doing.done() else telling)
    finally:
        said.stopped = True  # for work in a thread, which cannot be cancelled
        for task in (telling, doing):
            task.cancel()
        await asyncio.gather(telling, doing, return_exceptions=True)


async def _done(engines: Engines, this: Try, work: Work, said: "_Said") -> None:
    outcome = await work(engines, this, said)
    async with engines.transaction() as session:
        ended = now()
        file_id = await _kept(session, this, outcome, ended + orders.KEPT) if outcome.path else None
        await _end(
            session, this, ended, {"state": "done", "result": outcome.result, "file_id": file_id, "progress": {}}
        )


async def _kept(session: AsyncSession, this: Try, outcome: Outcome, expires: datetime) -> int:
    if outcome.path is None or this.actor.person_id is None:
        raise ValueError("a file is kept for somebody")
    uid = await files.keep(session, this.actor.person_id, outcome.name, outcome.media_type, outcome.path, expires)
    return (await files.about(session, uid)).id


async def _end(session: AsyncSession, this: Try, ended: datetime, ends: dict[str, Any]) -> None:
    values = {**ends, "ended_at": ended, "expires_at": ended + orders.KEPT}
    if await session.scalar(update(Job).where(*_this(this)).values(values).returning(Job.id)) is None:
        raise Stopped


async def _fail(engines: Engines, this: Try, fault: str) -> None:
    with suppress(Stopped):
        async with engines.transaction() as session:
            await _end(session, this, now(), {"state": "failed", "fault": fault})


async def _leave(engines: Engines, this: Try, *, again: bool) -> None:
    """Let somebody begin anew, at once: this worker goes, or its database does not serve."""
    with suppress(DBAPIError, PoolTimeout):  # then take_up_left finds it
        async with engines.transaction() as session:
            left = await session.scalar(update(Job).where(*_this(this)).values(state="waiting").returning(Job.uid))
            if left and again:
                session.add(Outbox(event=orders.EVENT, thing_uid=left))


def _passing(error: Exception) -> bool:
    """True when another try may go well: the database was away or full, or two changes met each other."""
    if not isinstance(error, DBAPIError):
        return isinstance(error, PoolTimeout)
    state = getattr(error.orig, "sqlstate", None)
    return state.startswith(PASSING) if state else isinstance(error, OperationalError | InterfaceError)


def _told(error: Exception) -> str:
    if isinstance(error, DBAPIError) and isinstance(error.orig, postgres_errors.QueryCanceled):
        return "This took longer than the database may take for one question. Ask for less at a time."
    return OURS


# ── telling ─────────────────────────────────────────────────────────────────────────────────


class _Said:
    """Where the work says how far it is, from whatever thread; and where it hears that it counts no more."""

    def __init__(self) -> None:
        self.latest: Progress | None = None
        self.stopped = False

    def __call__(self, progress: Progress) -> None:
        if self.stopped:
            raise Stopped
        self.latest = progress


async def _beat(engines: Engines, this: Try, said: _Said) -> None:
    """Each second say that we are there, and how far; raise Stopped when the job is not ours any more."""
    while True:
        await asyncio.sleep(BEAT_S)
        about = {"uid": this.uid, "try": this.number, "progress": _plain(said.latest)}
        with suppress(DBAPIError, PoolTimeout):  # it is told again in a moment
            if not await engines.light("job_seen", **about):
                raise Stopped


def _plain(progress: Progress | None) -> Jsonb:
    if progress is None:
        return Jsonb({})
    return Jsonb({"what": progress.phase, "done": progress.done, "unit": progress.unit, "share": progress.share})
