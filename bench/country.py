"""A made country of any number of assets, straight into our tables: the same rows every time, in minutes.

135 towns with the density of real ones, villages on the way between them, streets, buildings that several share; all
kinds, themes, stages and states, words that a search finds, shapes, what is unmapped, and what people do around it all.
At a million assets some hundred zoom-14 tiles hold about 1,000 pins, their zoom-16 tiles about 60 to 100.

    python -m bench.country 1M --data DIR [--wards FILE]
"""

import argparse
import asyncio
import csv
import json
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from psycopg import sql

from app import auth, db, localdb, schema
from app.actions import areas
from app.geo import pyramid
from app.reports import tallies
from app.settings import Settings

HERE = Path(__file__).parent
#: Real wards where they are at hand: the folder of test data beside the checkout (tests/conftest.py says the same).
WARDS = HERE.parents[1] / "shared" / "data" / "wards" / "gb_wards_2013.geojson.gz"
WORKERS = 2
BATCH = 20_000
#: Where most rows go: made without their indexes, which are built afterwards.
LOADED = ("asset", "asset_area", "state_change")
#: While rows are poured in: few checkpoints, and no clean-up of tables that are not there yet.
POURING = {
    "max_wal_size": "16GB", "checkpoint_timeout": "30min", "autovacuum": "off", "wal_compression": "on",
}  # fmt: skip
SESSION = {
    "session_replication_role": "replica", "synchronous_commit": "off", "maintenance_work_mem": "1GB",
    "work_mem": "128MB",
    "statement_timeout": "0", "lock_timeout": "0",
}  # fmt: skip

Say = Callable[[str], None]


@dataclass(frozen=True)
class Country:
    """A built database: how many assets it holds, and the folder of its cluster."""

    size: int
    data: Path


def number(word: str) -> int:
    """10k, 1M or 2000 as a number."""
    factor = {"k": 1000, "M": 1_000_000}.get(word[-1:], 1)
    return int(word if factor == 1 else word[:-1]) * factor


def word(size: int) -> str:
    """The number as 10k, 1M or 2000."""
    for factor, letter in ((1_000_000, "M"), (1000, "k")):
        if size >= factor and size % factor == 0:
            return f"{size // factor}{letter}"
    return str(size)


def built(data: Path, size: int, *, wards: Path | None = WARDS, say: Say = print) -> Country:
    """The country of this size in this folder: as it stands there, with today's tables, or made now.

    Where there is no file of wards, squares take their place.
    Raises SystemExit with a sentence when the folder holds something else, or an earlier attempt that was interrupted.
    """
    mark = data / "country.json"
    with localdb.running(data) as cluster:
        schema.upgrade(cluster.url("civic_owner"))
        if mark.exists():
            there = json.loads(mark.read_text())["size"]
            if there != size:
                raise SystemExit(f"{data} holds {word(there)} assets, not {word(size)}.")
            return Country(size, data)
        with cluster.connect(database=localdb.DATABASE) as connection:
            if _one(connection, "SELECT count(*) FROM person") or _one(connection, "SELECT count(*) FROM boundary_set"):
                raise SystemExit(f"{data} holds a map, or half a country. Remove the folder, then try again.")
        began = time.monotonic()
        _make(cluster, size, wards, say)
        mark.write_text(json.dumps({"size": size, "seconds": round(time.monotonic() - began, 1)}))
        say(f"{word(size)} assets in {time.monotonic() - began:.0f} s")
    return Country(size, data)


def _make(cluster: localdb.Cluster, size: int, wards: Path | None, say: Say) -> None:
    with _pouring(cluster), cluster.connect(database=localdb.DATABASE) as connection:
        people = max(50, size // 50)
        words = _tools(connection)
        _ground(cluster, connection, wards, say)
        _run(connection, "country_people", people=people)
        connection.execute("ANALYZE")
        later = _without_indexes(connection)
        _pour(cluster, {"size": size, "people": people, "words": words}, say)
        _settle(connection)
        _run(connection, "country_life", people=people)
        _say_time(say, "indexes", lambda: _index(cluster, later))
        _say_time(say, "pyramid and tallies", lambda: asyncio.run(_counts(cluster)))
        connection.execute("DROP SCHEMA bench CASCADE")
        _say_time(say, "vacuum", lambda: connection.execute("VACUUM (ANALYZE)"))


@contextmanager
def _pouring(cluster: localdb.Cluster) -> Iterator[None]:
    """The server set for a load; afterwards as it was, with everything on disk."""
    with cluster.connect() as connection:
        for name, value in POURING.items():
            connection.execute(sql.SQL("ALTER SYSTEM SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))
        connection.execute("SELECT pg_reload_conf()")
        try:
            yield
        finally:
            for name in POURING:
                connection.execute(sql.SQL("ALTER SYSTEM RESET {}").format(sql.Identifier(name)))
            connection.execute("SELECT pg_reload_conf()")
        connection.execute("CHECKPOINT")


def _tools(connection: localdb.Connection) -> int:
    """Dice, cities and words; returns how many words there are."""
    _settle(connection)
    _run(connection, "country_tools")
    for name, columns in (("city", "name, lon, lat, thousands"), ("word", "theme, thing, doing")):
        with (HERE / f"{'cities' if name == 'city' else 'words'}.csv").open(encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))[1:]
        copy = sql.SQL("COPY bench.{} (id, {}) FROM STDIN").format(sql.Identifier(name), sql.SQL(columns))
        with connection.cursor() as cursor, cursor.copy(copy) as lines:
            for index, row in enumerate(rows, 1):
                lines.write_row([index, *row])
    _run(connection, "country_ground")
    return len(rows)


def _ground(cluster: localdb.Cluster, connection: localdb.Connection, wards: Path | None, say: Say) -> None:
    """Wards, from a file or as squares."""
    if wards is None or not wards.exists():
        _run(connection, "country_grid")
        say("wards: squares")
        return
    wanted = areas.understand(wards, level="ward", set_name="Wards of Great Britain")

    async def bring_in(engines: db.Engines) -> None:
        async with engines.transaction() as session:
            await areas.bring_in(session, auth.Actor.system("bench"), wanted)

    _say_time(say, "wards", lambda: asyncio.run(_with_engines(cluster, bring_in)))


async def _with_engines(cluster: localdb.Cluster, work: Callable[[db.Engines], Any]) -> None:
    url = cluster.url("civic_write")
    engines = db.Engines.of(Settings(data=cluster.data, database_url=url, database_read_url=url))
    try:
        await work(engines)
    finally:
        await engines.dispose()


async def _counts(cluster: localdb.Cluster) -> None:
    async def work(engines: db.Engines) -> None:
        async with engines.transaction() as session:
            await pyramid.rebuild(session)
            await tallies.rebuild(session)

    await _with_engines(cluster, work)


# Rows ----------------------------------------------------------------------------------------------------------------


def _pour(cluster: localdb.Cluster, values: dict[str, int], say: Say) -> None:
    """All assets, in batches, on as many connections as there are workers."""
    size, began, done = values["size"], time.monotonic(), 0
    batches = [(first, min(first + BATCH - 1, size)) for first in range(1, size + 1, BATCH)]

    def pour(part: Sequence[tuple[int, int]]) -> Iterator[int]:
        with cluster.connect(database=localdb.DATABASE) as connection:
            _settle(connection)
            for first, last in part:
                _run(connection, "country_assets", first=first, last=last, **values)
                yield last - first + 1

    def worker(number: int) -> None:
        nonlocal done
        for count in pour(batches[number::WORKERS]):
            done += count
            if number == 0 and (done // BATCH) % 10 < WORKERS:
                say(f"assets: {done:,} of {size:,}, {done / (time.monotonic() - began):,.0f} in a second")

    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(worker, range(WORKERS)))
    say(f"assets: {size:,} in {time.monotonic() - began:.0f} s")


# Indexes -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Later:
    """What was taken away for the load: constraints as (table, name, definition), indexes as statements."""

    constraints: list[tuple[str, str, str]]
    indexes: list[str]


def _without_indexes(connection: localdb.Connection) -> Later:
    """Take away every index of the loaded tables that nothing refers to."""
    constraints = connection.execute(
        "SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint AS own "
        "WHERE contype IN ('p', 'u') AND conrelid::regclass::text = ANY(%s) AND NOT EXISTS "
        "(SELECT FROM pg_constraint AS other WHERE other.contype = 'f' AND other.conindid = own.conindid)",
        [list(LOADED)],
    ).fetchall()
    for table, name, _ in constraints:
        connection.execute(
            sql.SQL("ALTER TABLE {} DROP CONSTRAINT {}").format(sql.Identifier(table), sql.Identifier(name))
        )
    indexes = connection.execute(
        "SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid) FROM pg_index "
        "WHERE indrelid::regclass::text = ANY(%s) AND NOT EXISTS "
        "(SELECT FROM pg_constraint WHERE conindid = indexrelid AND contype IN ('p', 'u'))",
        [list(LOADED)],
    ).fetchall()
    for name, _ in indexes:
        connection.execute(sql.SQL("DROP INDEX {}").format(sql.Identifier(name)))
    return Later(constraints, [definition for _, definition in indexes])


def _index(cluster: localdb.Cluster, later: Later) -> None:
    """Build them again: constraints one by one, then the indexes on two connections, the dearest first."""
    with cluster.connect(database=localdb.DATABASE) as connection:
        _settle(connection)
        for table, name, definition in later.constraints:
            statement = sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} {}")
            connection.execute(statement.format(sql.Identifier(table), sql.Identifier(name), sql.SQL(definition)))

    def build(definition: str) -> None:
        with cluster.connect(database=localdb.DATABASE) as connection:
            _settle(connection)
            connection.execute("SET max_parallel_maintenance_workers = 0")
            connection.execute(definition.encode())

    dear = sorted(later.indexes, key=lambda definition: -sum(part in definition for part in ("gin", "trgm", "gist")))
    with ThreadPoolExecutor(WORKERS) as pool:
        list(pool.map(build, dear))


# Statements ----------------------------------------------------------------------------------------------------------


def statement(name: str) -> bytes:
    """The statement of bench/sql/<name>.sql."""
    return (HERE / "sql" / f"{name}.sql").read_bytes()


def _run(connection: localdb.Connection, name: str, **values: int) -> None:
    """Run a script of ours, its whole numbers written into it: several statements take no parameters."""
    script = statement(name)
    if values:
        for key, value in values.items():
            script = script.replace(f"%({key})s".encode(), str(int(value)).encode())
    connection.execute(script)


def _settle(connection: localdb.Connection) -> None:
    for name, value in SESSION.items():
        connection.execute(sql.SQL("SET {} = {}").format(sql.Identifier(name), sql.Literal(value)))


def _one(connection: localdb.Connection, query: str) -> int:
    row = connection.execute(query.encode()).fetchone()
    return int(row[0]) if row else 0


def _say_time(say: Say, what: str, work: Callable[[], Any]) -> None:
    began = time.monotonic()
    work()
    say(f"{what}: {time.monotonic() - began:.0f} s")


def main() -> None:
    """Build or find one country."""
    parser = argparse.ArgumentParser(prog="python -m bench.country", description="Build a made country of assets.")
    parser.add_argument("size", type=number, help="10k, 100k, 1M, 10M or any number")
    parser.add_argument("--data", type=Path, required=True, help="the data folder to make, as for ./civic serve")
    parser.add_argument(
        "--wards", type=Path, help="a file of wards; else squares, or the test data beside the checkout"
    )
    words = parser.parse_args()
    built(words.data, words.size, wards=words.wards)


if __name__ == "__main__":
    main()
