"""What the tests of tries share: ordering, looking, and work that a test can hold in the middle."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text

from app import files
from app.actions import orders, tries
from app.actions.progress import Tell
from app.actions.tries import Outcome, Try
from app.auth import Actor
from app.db import Engines

SECRET = b"a secret of the tests"


async def ordered(engines: Engines, actor: Actor, **asked: Any) -> UUID:
    """Order a report of these words."""
    async with engines.transaction() as session:
        return (await orders.order(session, actor, "report", asked)).uid


async def row(engines: Engines, uid: UUID) -> Any:
    """A job as it stands."""
    async with engines.transaction() as session:
        return (await session.execute(text("SELECT * FROM job WHERE uid = :uid"), {"uid": uid})).one()


async def value(engines: Engines, statement: str, **given: Any) -> Any:
    """The first value of a statement; commits."""
    async with engines.transaction() as session:
        result = await session.execute(text(statement), given)
        return result.scalar() if result.returns_rows else None  # type: ignore[attr-defined,unused-ignore]


async def fetched(engines: Engines, actor: Actor, uid: UUID) -> bytes:
    """What its orderer fetches."""
    async with engines.transaction() as session:
        job = await orders.get(session, actor, uid)
    assert job.file is not None
    return b"".join([piece async for piece in files.stream(engines, job.file)])


async def silent(engines: Engines, uid: UUID, seconds: float) -> None:
    """Whoever works on it was last heard of so long ago."""
    aged = "UPDATE job SET seen_at = now() - make_interval(secs => :s) WHERE uid = :uid"
    await value(engines, aged, s=seconds, uid=uid)


def left_in(room: Path) -> list[Path]:
    """What lies where jobs work."""
    return sorted(room.iterdir())


def writing(what: bytes, **result: Any) -> tries.Work:
    """Work that writes these bytes."""

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        path = this.folder / "report.txt"
        path.write_bytes(what)
        return Outcome(result or None, path, "report.txt", "text/plain")

    return work


@asynccontextmanager
async def under_way(
    engines: Engines, uid: UUID, then: tries.Work | None = None, *, begun: asyncio.Event | None = None
) -> AsyncIterator[asyncio.Event]:
    """A try that has begun and goes on as `then` when the event is set; ended when the block ends."""
    here, go = begun or asyncio.Event(), asyncio.Event()

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        here.set()
        await go.wait()
        return await (then or writing(b"done"))(engines, this, tell)

    running = asyncio.create_task(tries.run(engines, uid, {"report": work}))
    await asyncio.wait_for(here.wait(), 5)
    try:
        yield go
    finally:
        await asyncio.wait_for(running, 5)


async def cancelled(engines: Engines, actor: Actor, uid: UUID) -> None:
    """Call a job off."""
    async with engines.transaction() as session:
        await orders.cancel(session, actor, uid)
