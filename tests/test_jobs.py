"""Every event becomes its jobs exactly once, and every job is done at least once, whoever dies in between."""

import asyncio
import logging
import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import text

from app.db import Engines
from app.jobs import SLOW_AT_ONCE, Always, Job, OnClock, OnEvent, Worker
from app.settings import Settings

SECRET = b"a secret of the tests"


@pytest.fixture
def done() -> list[uuid.UUID]:
    """What the jobs of a test did, in their order."""
    return []


@pytest.fixture
def working(settings: Settings, engines: Engines) -> Callable[..., Worker]:
    """Makes a worker with these jobs."""

    def make(*jobs: Job) -> Worker:
        return Worker(settings, engines, SECRET, jobs)

    return make


def listener(done: list[uuid.UUID], name: str = "listen") -> OnEvent:
    """A job that writes down what it was called for."""

    async def listen(worker: Worker, uid: uuid.UUID) -> None:
        done.append(uid)

    listen.__name__ = name
    return OnEvent("thing.happened", listen)


async def happen(engines: Engines, count: int = 1, event: str = "thing.happened") -> list[uuid.UUID]:
    """An action that writes outbox rows."""
    uids = [uuid.uuid4() for _ in range(count)]
    async with engines.transaction() as session:
        await session.execute(
            text("INSERT INTO outbox (event, thing_uid) SELECT :event, unnest(CAST(:uids AS uuid[]))"),
            {"event": event, "uids": uids},
        )
    return uids


async def value(engines: Engines, query: str) -> Any:
    """One value from the database."""
    async with engines.transaction() as session:
        await session.execute(text("SET LOCAL search_path = procrastinate, public"))
        return await session.scalar(text(query))


@asynccontextmanager
async def started(worker: Worker) -> AsyncIterator[None]:
    """The worker runs while the block lasts."""
    task = asyncio.create_task(worker.run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    """Wait for something that must come soon."""
    for _ in range(int(seconds / 0.02)):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError


async def test_events_become_jobs_of_all_who_listen_and_others_are_only_taken(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    uids = await happen(engines, 3)
    await happen(engines, 2, "nobody.listens")
    await working(listener(done, "one"), listener(done, "other")).work_off()
    assert sorted(done) == sorted([*uids, *uids])
    assert await value(engines, "SELECT count(*) FROM outbox WHERE taken_at IS NULL") == 0
    assert await value(engines, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_a_running_worker_notices_an_event_within_seconds_and_stops_when_told(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    async with started(working(listener(done))):
        await asyncio.sleep(0.3)
        (uid,) = await happen(engines)
        await until(lambda: done == [uid], 3)
    assert await value(engines, "SELECT count(*) FROM procrastinate_workers") == 0


async def test_an_event_about_nothing_in_particular_is_only_taken(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    await value(engines, "INSERT INTO outbox (event) VALUES ('thing.happened') RETURNING 1")
    await working(listener(done)).work_off()
    assert done == []
    assert await value(engines, "SELECT count(*) FROM outbox WHERE taken_at IS NULL") == 0


async def test_no_connection_keeps_the_path_of_the_queue(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    """A pooler may hand the connection to anybody after each transaction."""
    await happen(engines)
    await working(listener(done)).work_off()
    async with engines.write.connect() as one, engines.write.connect() as other:
        for connection in (one, other):
            assert await connection.scalar(text("SHOW search_path")) == '"$user", public'


async def test_two_relays_at_once_hand_each_event_on_once(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.jobs.BATCH", 10)
    uids = await happen(engines, 200)
    workers = [working(listener(done)) for _ in range(3)]
    await asyncio.gather(*(worker.work_off() for worker in workers))
    await workers[0].work_off()
    assert sorted(done) == sorted(uids)


async def test_an_event_whose_hand_over_fails_waits_in_the_outbox(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID], monkeypatch: pytest.MonkeyPatch
) -> None:
    uids = await happen(engines, 2)
    worker = working(listener(done))
    with monkeypatch.context() as broken:
        broken.setattr("procrastinate.jobs.JobDeferrer.batch_defer_async", None)
        with pytest.raises(TypeError):
            await worker.relay()
    assert await value(engines, "SELECT count(*) FROM outbox WHERE taken_at IS NULL") == 2
    await worker.work_off()
    assert sorted(done) == sorted(uids)


async def test_an_undone_action_leaves_no_event(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    with pytest.raises(ZeroDivisionError):
        async with engines.transaction() as session:
            await session.execute(text("INSERT INTO outbox (event) VALUES ('thing.happened')"))
            raise ZeroDivisionError
    await working(listener(done)).work_off()
    assert done == []


async def test_a_job_that_fails_is_tried_again_later(
    working: Callable[..., Worker], engines: Engines, caplog: pytest.LogCaptureFixture
) -> None:
    tries = []

    async def stumble(worker: Worker, uid: uuid.UUID) -> None:
        tries.append(uid)
        if len(tries) < 3:
            raise ConnectionError

    await happen(engines)
    worker = working(OnEvent("thing.happened", stumble))
    for number in (1, 2, 3):
        await worker.work_off()
        assert len(tries) == number
        await worker.work_off()
        assert len(tries) == number, "it waits before the next try"
        await value(engines, "UPDATE procrastinate_jobs SET scheduled_at = now() RETURNING 1")
    assert await value(engines, "SELECT count(*) FROM procrastinate_jobs") == 0


async def test_what_a_dead_worker_had_begun_is_done_by_another(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    uids = await happen(engines, 2)
    await working(listener(done)).relay()
    # A worker took both and was killed; its last sign of life is old.
    await value(
        engines,
        """WITH dead AS (INSERT INTO procrastinate_workers (last_heartbeat)
                         VALUES (now() - interval '1 hour') RETURNING id)
           UPDATE procrastinate_jobs SET status = 'doing', worker_id = (SELECT id FROM dead) RETURNING 1""",
    )
    async with started(working(listener(done))):
        await until(lambda: sorted(done) == sorted(uids))


async def test_what_is_always_done_goes_on_after_a_failure(working: Callable[..., Worker], caplog: Any) -> None:
    calls = []

    async def tend(worker: Worker) -> None:
        calls.append(worker)
        if len(calls) in (1, 2, 3):
            raise ValueError("not today")

    worker = working(Always(0.01, tend))
    async with started(worker):
        await until(lambda: len(calls) > 10)
    assert calls[0] is worker
    failures = [record for record in caplog.records if record.name == "civic.jobs" and record.levelno == logging.ERROR]
    assert len(failures) == 1, "one line for a row of failures"


async def test_a_clock_job_is_done_once_however_many_workers_there_are(
    working: Callable[..., Worker], engines: Engines
) -> None:
    ticks = []

    async def tick(worker: Worker) -> None:
        ticks.append(worker)

    workers = [working(OnClock("* * * * *", tick)) for _ in range(2)]
    async with started(workers[0]), started(workers[1]):
        await until(lambda: bool(ticks))
        await asyncio.sleep(1.5)
    minutes = await value(engines, "SELECT count(*) FROM procrastinate_periodic_defers")
    assert len(ticks) <= 2, "the minute may have changed meanwhile"
    assert minutes == 1


async def test_a_worker_outlives_its_connections(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID], admin: Any, database: Any
) -> None:
    async with started(working(listener(done))):
        await asyncio.sleep(0.3)
        for _ in range(3):
            admin.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND usename = 'civic_write'",
                [database.name],
            )
            await asyncio.sleep(0.2)
        (uid,) = await happen(engines)
        await until(lambda: done == [uid], 15)


async def test_old_failures_are_forgotten_and_new_ones_kept(working: Callable[..., Worker], engines: Engines) -> None:
    await value(
        engines,
        """WITH old AS (INSERT INTO procrastinate_jobs (queue_name, task_name, status)
                        SELECT 'default', 'listen', 'failed' FROM generate_series(1, 2) RETURNING id)
           INSERT INTO procrastinate_events (job_id, type, at)
           SELECT id, 'failed', now() - interval '20 days' * (row_number() OVER () - 1) FROM old RETURNING 1""",
    )
    worker = working()
    async with worker._opened():
        await worker.forget_ended(days=14)
    assert await value(engines, "SELECT count(*) FROM procrastinate_jobs") == 1


async def test_what_takes_long_keeps_nothing_else_waiting_and_little_of_it_is_done_at_once(
    working: Callable[..., Worker], engines: Engines, done: list[uuid.UUID]
) -> None:
    begun: list[uuid.UUID] = []
    go = asyncio.Event()

    async def toil(worker: Worker, uid: uuid.UUID) -> None:
        begun.append(uid)
        await go.wait()

    await happen(engines, 6, "thing.ordered")
    async with started(working(OnEvent("thing.ordered", toil, slow=True), listener(done))):
        await until(lambda: len(begun) == 2)
        (uid,) = await happen(engines)
        await until(lambda: done == [uid], 5)
        assert len(begun) == SLOW_AT_ONCE == 2
        go.set()
        await until(lambda: len(begun) == 6)
