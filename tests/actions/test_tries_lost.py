"""A job comes to its end exactly once: whoever dies, whoever works beside, and whatever is called off meanwhile."""

import asyncio
import os
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import anyio.to_thread
import pytest

from app import files, tasks
from app.actions import tries
from app.actions.progress import Progress, Tell
from app.actions.tries import Outcome, Try
from app.auth import Actor
from app.db import Engines
from app.jobs import Worker
from app.settings import Settings
from tests.actions.trying import SECRET, cancelled, fetched, left_in, ordered, row, silent, under_way, value, writing

pytestmark = pytest.mark.usefixtures("room")

ROOT = Path(__file__).parents[2]


# Whoever dies --------------------------------------------------------------------------------------------------------

#: A worker that begins a report, says so, and does not come to its end.
DOOMED = """
import asyncio
from app import tasks
from app.settings import Settings

async def work(engines, this, tell):
    (this.folder / "half").write_bytes(b"half of it")
    print("begun", flush=True)
    await asyncio.sleep(60)

tasks.WORKS["report"] = work
asyncio.run(tasks.work(Settings()))
"""


def _killed(settings: Settings, room: Path) -> Path:
    """Let a worker of a process of its own begin, and kill it in the middle; what it left."""
    urls = {"CIVIC_DATABASE_URL": settings.database_url, "CIVIC_DATABASE_READ_URL": settings.database_read_url}
    own = {name: url or "" for name, url in urls.items()}
    process = subprocess.Popen(
        [sys.executable, "-c", DOOMED], cwd=ROOT, stdout=subprocess.PIPE, text=True,
        env={**os.environ, **own, "CIVIC_SECRET": "s" * 40, "TMPDIR": str(room)},
    )  # fmt: skip
    assert process.stdout is not None
    with process.stdout:
        assert process.stdout.readline() == "begun\n"
        process.kill()
        process.wait(10)
    (left,) = left_in(room)
    assert (left / "half").read_bytes() == b"half of it"
    return left


async def test_a_job_whose_worker_is_killed_in_the_middle_is_done_by_the_next_with_one_file_and_nothing_left_over(
    settings: Settings, engines: Engines, ana: Actor, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tasks.WORKS, "report", writing(b"whole"))
    uid = await ordered(engines, ana)
    left = await anyio.to_thread.run_sync(_killed, settings, room)
    worker = Worker(settings, engines, SECRET, tasks.JOBS)
    await tasks.take_up_left_jobs(worker)
    await tasks.work_off(settings, engines, SECRET)
    begun = await row(engines, uid)
    assert (begun.state, begun.tries) == ("working", 1), "perhaps it is only slow"
    await silent(engines, uid, tries.SILENCE.total_seconds() + 1)
    os.utime(left, (time.time() - files.LEFT_S - 1,) * 2)
    await tasks.take_up_left_jobs(worker)
    assert (await row(engines, uid)).state == "waiting"
    await tasks.work_off(settings, engines, SECRET)
    done = await row(engines, uid)
    assert (done.state, done.tries) == ("done", 2)
    assert await fetched(engines, ana, uid) == b"whole"
    await tasks.do_job(worker, uid)  # the queue finds its own job abandoned too, and runs it again
    assert await row(engines, uid) == done
    assert [await value(engines, f"SELECT count(*) FROM {table}") for table in ("file", "file_part")] == [1, 1]
    assert left_in(room) == []


@pytest.mark.parametrize(("seconds", "lost"), [(55, False), (65, True)])
async def test_a_worker_loses_its_try_after_a_minute_of_silence(
    engines: Engines, ana: Actor, monkeypatch: pytest.MonkeyPatch, seconds: float, lost: bool
) -> None:
    monkeypatch.setattr(tries, "BEAT_S", 60)
    uid = await ordered(engines, ana)
    async with under_way(engines, uid, writing(b"of the first")) as go:
        await silent(engines, uid, seconds)
        await tries.run(engines, uid, {"report": writing(b"of the second")})
        assert (await row(engines, uid)).tries == (2 if lost else 1)
        go.set()
    done = await row(engines, uid)
    assert done.state == "done"
    assert await fetched(engines, ana, uid) == (b"of the second" if lost else b"of the first")
    assert await value(engines, "SELECT count(*) FROM file") == 1


async def test_what_a_lost_try_still_brings_does_not_end_the_one_that_took_its_place(
    engines: Engines, ana: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "BEAT_S", 60)
    uid = await ordered(engines, ana)
    async with under_way(engines, uid, writing(b"of the first")) as first:
        await silent(engines, uid, 65)
        async with under_way(engines, uid, writing(b"of the second")) as second:
            first.set()
            await asyncio.sleep(0.3)
            still = await row(engines, uid)
            assert (still.state, still.tries) == ("working", 2)
            assert await value(engines, "SELECT count(*) FROM file") == 0
            second.set()
    assert await fetched(engines, ana, uid) == b"of the second"
    assert await value(engines, "SELECT count(*) FROM file") == 1


async def test_two_workers_at_once_do_a_job_once(settings: Settings, engines: Engines, ana: Actor) -> None:
    worked = []

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        worked.append(this.number)
        await asyncio.sleep(0.3)
        return await writing(b"once")(engines, this, tell)

    uid = await ordered(engines, ana)
    await asyncio.gather(*(tries.run(engines, uid, {"report": work}) for _ in range(4)))
    assert worked == [1]
    assert (await row(engines, uid)).state == "done"
    assert await value(engines, "SELECT count(*) FROM file") == 1


async def test_a_worker_that_is_told_to_go_leaves_its_job_to_the_next_at_once(
    settings: Settings, engines: Engines, ana: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun = asyncio.Event()

    async def never(engines: Engines, this: Try, tell: Tell) -> Outcome:
        begun.set()
        await asyncio.sleep(60)
        return Outcome()

    monkeypatch.setattr("app.jobs.LEAVE_S", 0.1)
    monkeypatch.setitem(tasks.WORKS, "report", never)
    uid = await ordered(engines, ana)
    working = asyncio.create_task(Worker(settings, engines, SECRET, tasks.JOBS).run())
    await asyncio.wait_for(begun.wait(), 5)
    working.cancel()
    with suppress(asyncio.CancelledError):
        await working
    assert (await row(engines, uid)).state == "waiting"
    monkeypatch.setitem(tasks.WORKS, "report", writing(b"whole"))
    await tasks.work_off(settings, engines, SECRET)
    assert (await row(engines, uid)).state == "done"


# Called off ----------------------------------------------------------------------------------------------------------


async def test_what_is_called_off_while_it_waits_is_never_begun(engines: Engines, ana: Actor) -> None:
    uid = await ordered(engines, ana)
    await cancelled(engines, ana, uid)
    await tries.run(engines, uid, {"report": writing(b"late")})
    over = await row(engines, uid)
    assert (over.state, over.tries, over.file_id) == ("cancelled", 0, None)


async def test_what_is_called_off_while_it_is_done_stops_soon_and_leaves_no_file(
    engines: Engines, ana: Actor, room: Path
) -> None:
    uid = await ordered(engines, ana)
    async with under_way(engines, uid):
        await cancelled(engines, ana, uid)
    # The block ended: without the go-ahead, only the stop can have ended the work.
    assert (await row(engines, uid)).state == "cancelled"
    assert await value(engines, "SELECT count(*) FROM file") == 0
    assert left_in(room) == []


async def test_work_in_a_thread_stops_where_it_next_tells(engines: Engines, ana: Actor) -> None:
    uid, told, begun = await ordered(engines, ana), 0, asyncio.Event()
    loop = asyncio.get_running_loop()

    def write(tell: Tell) -> None:
        nonlocal told
        while True:
            tell(Progress("writing", told))
            told += 1
            loop.call_soon_threadsafe(begun.set)
            time.sleep(0.01)

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        await anyio.to_thread.run_sync(write, tell)
        return Outcome()

    running = asyncio.create_task(tries.run(engines, uid, {"report": work}))
    await asyncio.wait_for(begun.wait(), 5)
    await cancelled(engines, ana, uid)
    await asyncio.wait_for(running, 5)
    assert told > 0
    assert (await row(engines, uid)).state == "cancelled"


async def test_what_is_called_off_as_it_ends_keeps_nothing(
    engines: Engines, ana: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tries, "BEAT_S", 60)
    uid = await ordered(engines, ana)
    async with under_way(engines, uid, writing(b"too late")) as go:
        await cancelled(engines, ana, uid)
        go.set()
    assert (await row(engines, uid)).state == "cancelled"
    assert [await value(engines, f"SELECT count(*) FROM {table}") for table in ("file", "file_part")] == [0, 0]


async def test_work_that_holds_its_try_cannot_be_called_off_before_it_has_committed(
    engines: Engines, ana: Actor
) -> None:
    outcomes: list[str] = []

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        async with engines.transaction() as session:
            await tries.hold(session, this)
            calling = asyncio.create_task(cancelled(engines, ana, this.uid))
            await asyncio.sleep(0.2)
            outcomes.append("waits" if not calling.done() else "called off")
        await calling
        async with engines.transaction() as session:
            await tries.hold(session, this)
        return Outcome()

    uid = await ordered(engines, ana)
    await tries.run(engines, uid, {"report": work})
    assert outcomes == ["waits"]
    assert (await row(engines, uid)).state == "cancelled"
