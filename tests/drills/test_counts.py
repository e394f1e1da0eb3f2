"""kill -9 of the whole cluster while four connections change the map: every count is exact when it is back."""

import asyncio
import contextlib
import random
import threading
import time
from pathlib import Path

from app import db, localdb
from app.geo import pyramid
from app.settings import Settings
from tests.drills import served
from tests.drills.served import Served
from tests.geo import programs

STEPS = [step for step in programs.STEPS if step != "kill"]
ZOOMS = (0, 7, 13, 14, 18)


def test_every_count_is_exact_after_kill_9(folder: Path, tmp_path: Path) -> None:
    with served.serving(folder) as service:
        duration = served.seconds(6)
        doomed = threading.Thread(target=_kill_half_way, args=(service, duration))
        doomed.start()
        before = asyncio.run(_work(service, tmp_path, duration))
        doomed.join()
        service.start()
        looked = asyncio.run(_look(service))
    assert before >= 4, "hardly anything happened before the kill: nothing was proved"
    print(f"\n{before} steps of four connections, killed in the middle; {looked} assets counted exactly")  # noqa: T201  a drill tells its figures


def _kill_half_way(service: Served, duration: float) -> None:
    time.sleep(duration / 2)
    service.kill_everything()


def _engines(service: Served, cluster: localdb.Cluster) -> db.Engines:
    write, read = cluster.url("civic_write"), cluster.url("civic_read")
    return db.Engines.of(Settings(data=service.data, database_url=write, database_read_url=read))


async def _work(service: Served, tmp_path: Path, duration: float) -> int:
    """Change the map until the cluster is gone, and some time after; how many steps were taken."""
    with localdb.running(service.data) as cluster:
        engines = _engines(service, cluster)
        people = [programs.Connection(engines, tmp_path, number) for number in range(4)]
        until = time.monotonic() + duration * 0.6
        await asyncio.gather(*(_person(one, until) for one in people))
        with contextlib.suppress(Exception):
            await engines.dispose()
        return sum(sum(one.done.values()) for one in people)


async def _person(one: programs.Connection, until: float) -> None:
    dice = random.Random(one.number)
    while time.monotonic() < until:
        await one.run([(dice.choice(STEPS), dice.randrange(2**16), dice.random() < 0.8)])


async def _look(service: Served) -> int:
    with localdb.running(service.data) as cluster:
        engines = _engines(service, cluster)
        async with engines.transaction() as session:
            await programs.assert_exact(session, ZOOMS)
            await pyramid.fold(session)
            await programs.assert_exact(session, ZOOMS)
            counted = await pyramid.count_on_map(session)
        await engines.dispose()
        return counted
