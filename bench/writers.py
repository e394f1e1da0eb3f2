"""What the map's change log costs those who write, and that nobody ever meets a deadlock over it.

    python -m bench.writers [--seconds 15] [--rounds 3] [--transactions 100000] [--json FILE]

pgbench, eight clients in one city, 3 ms between each change and its commit, as a service has them. First the rate of
inserts with the log's triggers and a folder at work beside them, and without both, in turn; the median ratio counts.
Then so many transactions that insert, move, hide and show again, on few enough assets that writers do meet; the
database's own count of deadlocks must not move, and the pyramid must be right afterwards.
"""

import argparse
import asyncio
import contextlib
import functools
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy.ext.asyncio import AsyncSession

from app import db, localdb
from app.geo import areas, pyramid
from app.settings import Settings
from bench import city, load

T = TypeVar("T")

WAIT = "\\sleep 3 ms"
TRIGGERS = ("log_map_insert", "log_map_update", "log_map_delete")
#: So many assets are moved and hidden again and again.
CROWD = 2000

_PLACE = f"""\\set lon random({city.WEST}, {city.WEST + city.SIDE}) / 1000000.0
\\set lat random({city.SOUTH}, {city.SOUTH + city.SIDE}) / 1000000.0
\\set one random(1, {CROWD})
BEGIN;
SELECT pg_advisory_xact_lock_shared({areas.LOCK});"""
INSERT = f"""{_PLACE}
INSERT INTO asset (uid, kind, title, geom, published_at)
VALUES (gen_random_uuid(), 'project', 'Bench', ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), now());
{WAIT}
COMMIT;"""
MOVE = f"""{_PLACE}
UPDATE asset SET geom = ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), version = version + 1 WHERE id = :one;
{WAIT}
COMMIT;"""
HIDE = f"""{_PLACE}
UPDATE asset SET state = CASE state WHEN 'published' THEN 'hidden' ELSE 'published' END, version = version + 1
WHERE id = :one;
{WAIT}
COMMIT;"""
#: script → how many of a hundred transactions are of its kind
MIX = {INSERT: 50, MOVE: 30, HIDE: 20}


@dataclass(frozen=True)
class Found:
    """What was measured."""

    with_log: float
    """Inserts a second; the median round."""
    without: float
    ratio: float
    """The median of the rounds' ratios."""
    transactions: int
    mix_per_s: float
    deadlocks: int
    drift: int


@contextlib.contextmanager
def _folding(settings: Settings) -> Iterator[None]:
    """A worker's folder beside the writers: once a second, as in the service."""
    over = threading.Event()

    async def fold() -> None:
        engines = db.Engines.of(settings)
        while not over.is_set():
            async with engines.transaction() as session:
                await pyramid.fold(session)
            await asyncio.sleep(1)
        await engines.dispose()

    folder = threading.Thread(target=asyncio.run, args=(fold(),))
    folder.start()
    try:
        yield
    finally:
        over.set()
        folder.join()


def measure(data: Path, seconds: float, rounds: int, transactions: int) -> Found:
    """Everything, in a cluster of its own in this folder."""
    with localdb.running(data) as cluster, cluster.connect(database=localdb.DATABASE) as owner:
        city.found_city(cluster)
        url = cluster.url("civic_write")
        settings = Settings(data=data, database_url=url, database_read_url=url)
        pgbench = functools.partial(load.pgbench, cluster, role="civic_write", clients=city.CLIENTS)
        pgbench({INSERT: 1}, f"-t{CROWD // city.CLIENTS}")

        def with_log() -> float:
            with _folding(settings):
                return pgbench({INSERT: 1}, f"-T{seconds:g}").per_s

        def without() -> float:
            for trigger in TRIGGERS:
                owner.execute(f"ALTER TABLE asset DISABLE TRIGGER {trigger}".encode())
            try:
                return pgbench({INSERT: 1}, f"-T{seconds:g}").per_s
            finally:
                for trigger in TRIGGERS:
                    owner.execute(f"ALTER TABLE asset ENABLE TRIGGER {trigger}".encode())

        rates = [(with_log(), without()) for _ in range(rounds)]
        asyncio.run(_in_transaction(settings, pyramid.rebuild))  # for what was written without the log
        before = _deadlocks(owner)
        with _folding(settings):
            mixed = pgbench(MIX, f"-t{transactions // city.CLIENTS}")
        levels = asyncio.run(_in_transaction(settings, pyramid.verify))
        return Found(
            statistics.median(rate for rate, _ in rates),
            statistics.median(rate for _, rate in rates),
            statistics.median(one / other for one, other in rates),
            mixed.made,
            mixed.per_s,
            _deadlocks(owner) - before,
            sum(level.drift for level in levels),
        )


async def _in_transaction(settings: Settings, work: Callable[[AsyncSession], Awaitable[T]]) -> T:
    engines = db.Engines.of(settings)
    async with engines.transaction() as session:
        done = await work(session)
    await engines.dispose()
    return done


def _deadlocks(owner: localdb.Connection) -> int:
    time.sleep(1.5)  # back ends tell their figures once a second
    found = owner.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").fetchone()
    assert found
    return int(found[0])


def main() -> None:
    """Measure, print, and fail when there was a deadlock or drift."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--transactions", type=int, default=100_000)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        Path(name).chmod(0o711)
        found = measure(Path(name) / "map", asked.seconds, asked.rounds, asked.transactions)
    print(f"inserts    {found.with_log:.0f} a second with the log, {found.without:.0f} without: {found.ratio:.2f}×")
    print(f"the mix    {found.transactions:,} transactions, {found.mix_per_s:.0f} a second")
    print(f"deadlocks  {found.deadlocks}\ndrift      {found.drift}")
    if asked.json:
        asked.json.write_text(json.dumps(asdict(found), indent=1) + "\n")
    sys.exit(1 if found.deadlocks or found.drift else 0)


if __name__ == "__main__":
    main()
