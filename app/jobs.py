"""How jobs are done: the outbox is handed to a queue in the database (procrastinate), and a worker works it off.

Actions only write outbox rows, in their own transaction. A relay looks every half second and turns them into jobs, rows
and jobs in one transaction: nothing is lost, nothing is handed on twice, and no writer waits for a notification.
A job may run more than once (a worker may die after its work): each one must bear that.

The queue lives in the schema `procrastinate`. Its path is set for each transaction, so a pooler may stand in between.
"""

import asyncio
import contextlib
import functools
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

import procrastinate
import psycopg
from procrastinate import exceptions as queue_errors
from procrastinate.types import JSONDict
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from app import db
from app.db import Engines
from app.settings import Settings

log = logging.getLogger("civic.jobs")

RELAY_S = 0.5
BATCH = 500
AT_ONCE = 4
#: What takes long has a queue of its own, so that no mail waits for it; so many at once, each within its memory.
QUICK, SLOW, SLOW_AT_ONCE = "default", "slow", 2
#: A worker that has not been heard of for so long has died; others do what it had begun.
SILENCE_S = 30
LEAVE_S = 5.0
#: Tried again after 2, 4, 8 … 256 s: eight times in 8.5 minutes, then it is failed and an operator can see it.
RETRY = procrastinate.RetryStrategy(max_attempts=8, exponential_wait=2)


@dataclass(frozen=True)
class OnEvent:
    """A job for each outbox row of this event that is about one thing; it gets that thing's uid."""

    event: str
    run: Callable[["Worker", UUID], Awaitable[None]]
    slow: bool = False
    """True for work of minutes."""


@dataclass(frozen=True)
class OnClock:
    """A job for each tick of a cron line (UTC); one worker of all does it."""

    cron: str
    run: Callable[["Worker"], Awaitable[None]]


@dataclass(frozen=True)
class Always:
    """What every worker does again and again; it must leave the work to another one that is at it."""

    every_s: float
    run: Callable[["Worker"], Awaitable[None]]


Job = OnEvent | OnClock | Always


class Worker:
    """Does the jobs of one process. The bodies of jobs get it, for the engines, the settings and the secret."""

    def __init__(self, settings: Settings, engines: Engines, secret: bytes, jobs: Sequence[Job]) -> None:
        self.settings, self.engines, self.secret = settings, engines, secret
        self._always = [job for job in jobs if isinstance(job, Always)]
        self._queue = procrastinate.App(connector=procrastinate.PsycopgConnector())
        self._listening: dict[str, list[procrastinate.tasks.Task[Any, Any, Any]]] = {}
        for job in jobs:
            if isinstance(job, OnEvent):
                self._listening.setdefault(job.event, []).append(self._event_task(job))
            elif isinstance(job, OnClock):
                self._clock_task(job)

    def _event_task(self, job: OnEvent) -> procrastinate.tasks.Task[Any, Any, Any]:
        async def body(uid: str) -> None:
            await job.run(self, UUID(uid))

        return self._queue.task(name=_name(job), retry=RETRY, queue=SLOW if job.slow else QUICK)(body)

    def _clock_task(self, job: OnClock) -> None:
        async def body(timestamp: int) -> None:
            await job.run(self)

        task = self._queue.task(name=_name(job), lock=_name(job), queueing_lock=_name(job))(body)
        self._queue.periodic(cron=job.cron)(task)

    # Running ---------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Work until cancelled; then jobs under way get some seconds to end. Outlives a database that goes away."""
        async with self._opened(), asyncio.TaskGroup() as group:
            group.create_task(_again("relay", RELAY_S, self._relay_all))
            group.create_task(_again("abandoned jobs", SILENCE_S, self._take_over))
            group.create_task(_again("queue", 1, functools.partial(self._work, QUICK, AT_ONCE)))
            group.create_task(_again("slow queue", 1, functools.partial(self._work, SLOW, SLOW_AT_ONCE)))
            for job in self._always:
                group.create_task(_again(_name(job), job.every_s, functools.partial(job.run, self)))

    async def work_off(self) -> None:
        """Hand on the whole outbox, do every job that is due, and return."""
        async with self._opened():
            await self._relay_all()
            for queue in (QUICK, SLOW):
                await self._work(queue, AT_ONCE, wait=False)
            for job in self._always:
                await job.run(self)

    async def relay(self) -> int:
        """Turn waiting outbox rows into jobs, in one transaction; return how many rows."""
        async with self.engines.transaction() as session:
            rows = (await session.execute(db.sql("take_outbox"), {"most": BATCH})).all()
            connection = await _on_queue(await session.connection())
            about = [row for row in rows if row.thing_uid]
            for event in {row.event for row in about} & self._listening.keys():
                things: list[JSONDict] = [{"uid": str(row.thing_uid)} for row in about if row.event == event]
                for task in self._listening[event]:
                    await task.configure(connection=connection).batch_defer_async(*things)
        return len(rows)

    async def forget_ended(self, days: int) -> None:
        """Remove jobs that failed or were stopped more than some days ago. Done ones do not stay at all."""
        await self._queue.job_manager.delete_old_jobs(
            nb_hours=days * 24, include_failed=True, include_cancelled=True, include_aborted=True
        )

    async def _relay_all(self) -> None:
        while await self.relay() == BATCH:
            pass

    async def _work(self, queue: str, at_once: int, *, wait: bool = True) -> None:
        await self._queue.run_worker_async(
            queues=[queue],
            wait=wait,
            concurrency=at_once,
            fetch_job_polling_interval=RELAY_S,
            listen_notify=False,
            install_signal_handlers=False,
            delete_jobs="successful",
            shutdown_graceful_timeout=LEAVE_S,
            stalled_worker_timeout=SILENCE_S,
        )

    async def _take_over(self) -> None:
        """Put back what workers that died had begun."""
        manager = self._queue.job_manager
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE_S):
            with contextlib.suppress(queue_errors.ConnectorException):  # another worker was faster
                await manager.retry_job(job, retry_at=datetime.now(UTC))

    @contextlib.asynccontextmanager
    async def _opened(self) -> AsyncIterator[None]:
        async with self._queue.open_async(pool=_Pool(self.engines.write)):
            yield


def _name(job: Job) -> str:
    return job.run.__name__


async def _again(name: str, every_s: float, once: Callable[[], Awaitable[None]]) -> None:
    """Do something for ever with pauses. A failure is written down once, until it works again."""
    failing = False
    while True:
        try:
            await once()
            failing = False
        except (SQLAlchemyError, psycopg.Error, queue_errors.ProcrastinateException) as error:
            if not failing:
                log.warning("%s: the database does not serve, trying on: %s", name, type(error).__name__)
            failing = True
        except Exception:
            if not failing:
                log.exception("%s failed, trying on", name)
            failing = True
        await asyncio.sleep(every_s)


class _Pool:
    """What procrastinate needs of a pool, on our own engine: each use is one transaction on the queue's path."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @contextlib.asynccontextmanager
    async def connection(self) -> AsyncIterator["psycopg.AsyncConnection[Any]"]:
        """A psycopg connection; commits when the block ends, rolls back when it raises."""
        async with self._engine.begin() as connection:
            yield await _on_queue(connection)


async def _on_queue(connection: AsyncConnection) -> "psycopg.AsyncConnection[Any]":
    """The driver's connection, for the rest of this transaction on the queue's path."""
    await connection.execute(text("SET LOCAL search_path = procrastinate, public"))
    return cast("psycopg.AsyncConnection[Any]", (await connection.get_raw_connection()).driver_connection)
