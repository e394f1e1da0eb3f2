"""What people order and wait for: reports and imports that take longer than a request may. Who does it: tries.py.

A job is its orderer's alone: to everybody else it is not there. It is kept for a day after its end, with its file; its
row is its record, so only what a person does to it is written into history.
"""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import errors, files, rules
from app.actions.record import record
from app.auth import Actor
from app.models import Job, Person
from app.models.columns import now
from app.wire import Cursor

EVENT = "jobs.ordered"
#: what → the act that whoever orders it needs a right to
ACTS = {
    "report": "reports.order",
    "import.preview": "imports.bring_in",
    "import.run": "imports.bring_in",
    "import.undo": "imports.bring_in",
}
#: An outcome is kept for so long; then its file is gone as well.
KEPT = timedelta(hours=24)
#: Jobs of one person that are not done yet.
MOST_WAITING = 5


async def order(session: AsyncSession, actor: Actor, what: str, asked: dict[str, Any]) -> Job:
    """Order a job. Raises Conflict while MOST_WAITING of this person's are not done, or when their files fill the room.

    `asked` holds plain JSON values; whoever does the job makes sense of them.
    """
    rules.require(actor, ACTS[what])
    if actor.person_id is None:
        raise errors.NotSignedIn()
    # Of several orders at once each must count the others.
    await session.execute(select(Person.id).where(Person.id == actor.person_id).with_for_update(key_share=True))
    unfinished = Job.person_id == actor.person_id, Job.state.in_(("waiting", "working"))
    if (await session.scalar(select(func.count()).where(*unfinished)) or 0) >= MOST_WAITING:
        raise errors.Conflict(f"{MOST_WAITING} of your jobs are not done yet. Wait for one of them, or cancel one.")
    if await files.kept_for(session, actor.person_id) >= files.MOST_OF_ALL:
        raise errors.Conflict(
            f"Your files have {files.MOST_OF_ALL:,} bytes, and that is all. Remove some of them first."
        )
    job = Job(person_id=actor.person_id, what=what, asked=asked, file=None)
    session.add(job)
    await session.flush()
    record(session, actor, EVENT, "job", job.uid, after={"what": what})
    return job


async def get(session: AsyncSession, actor: Actor, uid: UUID, *, what: str | None = None) -> Job:
    """A job with its file. Raises NotFound unless it is the actor's own, of this sort if one is named, and lasting."""
    mine = select(Job).where(Job.uid == uid, *_mine(actor, what)).options(joinedload(Job.file))
    job = await session.scalar(mine)
    if job is None:
        raise errors.NotFound()
    return job


async def listed(
    session: AsyncSession, actor: Actor, *, what: str, limit: int, cursor: str | None
) -> tuple[list[Job], str | None]:
    """The actor's own jobs of this sort, the newest first, and the cursor of what follows."""
    mine = select(Job).where(*_mine(actor, what)).options(joinedload(Job.file))
    if cursor:
        mine = mine.where(Job.id < Cursor.decode(cursor, "jobs", int)[0])
    found = list(await session.scalars(mine.order_by(Job.id.desc()).limit(limit + 1)))
    return found[:limit], Cursor.encode("jobs", found[limit - 1].id) if len(found) > limit else None


def _mine(actor: Actor, what: str | None) -> list[ColumnElement[bool]]:
    lasting = or_(Job.expires_at.is_(None), Job.expires_at > func.now())
    return [Job.person_id == actor.person_id, lasting, *([Job.what == what] if what else [])]


async def cancel(session: AsyncSession, actor: Actor, uid: UUID, *, what: str | None = None) -> None:
    """Call off a job that is not done; remove one that is, with its file. Raises NotFound as `get` does."""
    mine = select(Job).where(Job.uid == uid, *_mine(actor, what)).options(joinedload(Job.file))
    job = await session.scalar(mine.with_for_update(of=Job))
    if job is None:
        raise errors.NotFound()
    if job.state in ("waiting", "working"):
        ended = now()
        job.state, job.ended_at, job.expires_at = "cancelled", ended, ended + KEPT
        return record(session, actor, "jobs.cancel", "job", uid)
    if job.file:
        await files.drop(session, job.file.uid)
    await session.delete(job)
    return record(session, actor, "jobs.remove", "job", uid)


async def forget(session: AsyncSession) -> None:
    """Remove what has expired."""
    await session.execute(delete(Job).where(Job.expires_at < func.now()))
    await files.forget(session)
