"""How quickly a country's table becomes assets, beside the same rows, indexes and ward join by hand in SQL.

    python -m bench.imports DIR [--parts 4] [--rows N] [--json FILE]

DIR gets a durable cluster with the 8,886 wards of Great Britain in two equal databases. The 1.68 million postcodes go
into one with `./civic import` and into the other by hand, cut into so many parts, in turn, so that what else the
machine does falls on both. Beside the time of the clock stands the processor's, which hardly knows about others.

by hand   bench/sql/import_by_hand.sql: one transaction over one connection, COPY of the file as it is, ST_Covers of
          every row against `area` with ties to the lowest code, INSERT into `asset` with the titles and texts of ours,
          INSERT into `asset_area`. The table has all its columns, constraints, foreign keys and indexes. It checks
          nothing, looks for nothing that is there already, and its change log is switched off.
ours      the command from its start to its end: reading and checking each row, the fingerprint that makes a second run
          harmless, the account, refusing what is far away, the state's record of each asset, history, change log, fold.

Then the same file again (nothing to do), the same file under another name beside the rows that are there, with a server
that is asked for tiles, lists and pins meanwhile, and the wards again as a new set.
"""

import argparse
import csv
import gzip
import itertools
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg

from app import auth, localdb, schema
from bench import rows as table
from bench import servers

ROOT = Path(__file__).parents[1]
DATA = ROOT.parent / "shared" / "data"
WARDS = DATA / "wards" / "gb_wards_2013.geojson.gz"
POSTCODES = DATA / "postcodes" / "gb_postcodes_2014.csv.gz"
SECRET = secrets.token_urlsafe(32)
HAND = "hand"
Say = Callable[[str], None]

BY_HAND = Path(__file__).parent / "sql" / "import_by_hand.sql"


@dataclass
class Cost:
    """What a run took: seconds by the clock, and of the processor; megabytes of memory at the most."""

    seconds: float
    program_s: float
    database_s: float
    peak_mb: float = 0.0
    said: dict[str, int] = field(default_factory=dict)

    @property
    def processor_s(self) -> float:
        """Program and back end together."""
        return self.program_s + self.database_s


# ── ours ────────────────────────────────────────────────────────────────────────────────────────


def _civic(data: Path, *words: str | Path) -> list[str]:
    return [sys.executable, "-m", "app.cli", *map(str, words), "--data", str(data)]


def ours(cluster: localdb.Cluster, file: Path, source: str) -> Cost:
    """The command as an operator types it; memory and the back end's time are looked at from outside."""
    words = ("import", file, "--kind", "place", "--map", "title=postcode", "--source", source, "--json")
    done, peak_mb, used_s, database_s = _watched(cluster, _civic(cluster.data, *words))
    return Cost(done[0], used_s, database_s, peak_mb, json.loads(done[1]))


def _watched(cluster: localdb.Cluster, command: list[str]) -> tuple[tuple[float, str], float, float, float]:
    """Run it; (seconds, what it printed), its peak of memory in MB, its processor seconds, its back end's."""
    peak_mb = used_s = 0.0
    backends: dict[int, float] = {}
    with cluster.connect() as looking:
        began = time.monotonic()
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        while process.poll() is None:
            with suppress(OSError, StopIteration):  # it has just ended
                peak_mb, used_s = _peak_mb(process.pid), processor_s(process.pid)
            for (pid,) in looking.execute(
                "SELECT pid FROM pg_stat_activity WHERE usename = 'civic_write' AND application_name = 'civic'"
                " AND xact_start < now() - interval '3 s'"
            ):
                with suppress(OSError):
                    backends[pid] = processor_s(pid)
            time.sleep(0.25)
        seconds = time.monotonic() - began
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    assert process.stdout
    return (seconds, process.stdout.read()), peak_mb, used_s, max(backends.values(), default=0.0)


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM:")).split()[1]) / 1024


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


# ── by hand ─────────────────────────────────────────────────────────────────────────────────────


def by_hand(cluster: localdb.Cluster, file: Path, source: str) -> Cost:
    """The bare way, as the owner of the tables."""
    with cluster.connect("civic_owner", HAND) as connection:
        pid, began, used_s = connection.info.backend_pid, time.monotonic(), time.process_time()
        before_s = processor_s(pid)
        connection.execute("SET work_mem = '32MB'")
        with connection.transaction():
            for statement in BY_HAND.read_text(encoding="utf-8").split("\n\n"):
                if statement.startswith("COPY"):
                    _pour(connection, statement, file)
                else:
                    connection.execute(statement, {"source": source} if "%(" in statement else None)
        seconds = time.monotonic() - began
        found = connection.execute("SELECT count(*), count(ward) FROM asset WHERE source = %s", [source]).fetchone()
        assert found
        said = {"created": found[0], "in_areas": found[1]}
        return Cost(seconds, time.process_time() - used_s, processor_s(pid) - before_s, said=said)


def _pour(connection: localdb.Connection, statement: str, file: Path) -> None:
    with connection.cursor() as cursor, cursor.copy(statement) as copy, gzip.open(file) as stream:
        while piece := stream.read(2**20):
            copy.write(piece)


# ── the map meanwhile ───────────────────────────────────────────────────────────────────────────


class Meanwhile:
    """Somebody who asks the server for a tile, a list and a pin, one after the other, and notes how long each took."""

    def __init__(self, url: str, key: str) -> None:
        self._url, self._key = url, key
        self.ms: dict[str, list[float]] = {}
        self.failed: list[str] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Ask until the block ends."""
        self._thread.start()
        try:
            yield
        finally:
            self._over.set()
            self._thread.join()

    def _ask(self) -> None:
        with httpx.Client(base_url=self._url, timeout=30) as client:
            for n in itertools.count():
                for name, request in self._requests(client, n):
                    began = time.monotonic()
                    answer = client.send(request)
                    self.ms.setdefault(name, []).append((time.monotonic() - began) * 1000)
                    if answer.status_code >= 400:
                        self.failed.append(f"{name} {answer.status_code} {answer.text[:200]}")
                if self._over.wait(0.2):
                    return

    def _requests(self, client: httpx.Client, n: int) -> list[tuple[str, httpx.Request]]:
        lon, lat = -3 + n * 0.618034 % 3, 51 + n * 0.381966 % 3
        box = f"{lon:.4f},{lat:.4f},{lon + 0.1:.4f},{lat + 0.1:.4f}"
        pin = {
            "type": "Feature", "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"kind": "idea", "title": f"Meanwhile {n}"},
        }  # fmt: skip
        key = {"Authorization": f"Bearer {self._key}"}
        tiles = [(0, 0, 0), (5, 15, 10), (9, 253 + n % 4, 166 + n % 5), (14, 8150 + n % 40, 5430 + n % 40)]
        return [
            *((f"tile z{z}", client.build_request("GET", f"/tiles/{z}/{x}/{y}.mvt")) for z, x, y in tiles),
            ("list", client.build_request("GET", "/api/v1/assets", params={"bbox": box})),
            ("pin", client.build_request("POST", "/api/v1/assets", json=pin, headers=key)),
        ]

    def p95(self) -> dict[str, float]:
        """Milliseconds, by what was asked for."""
        return {name: statistics.quantiles(some, n=20)[-1] for name, some in self.ms.items() if len(some) > 1}

    def slowest(self) -> dict[str, float]:
        """The same: the slowest of each."""
        return {name: max(some) for name, some in self.ms.items()}


def meanwhile(cluster: localdb.Cluster, file: Path, say: Say) -> tuple[Cost, list[table.Row]]:
    """Import beside the rows that are there while a server is asked; p95 beside that of the idle database."""
    os.environ.update(
        {"CIVIC_SECRET": SECRET, "CIVIC_KEY_WRITES_PER_HOUR": "1000000000", "CIVIC_READS_PER_MINUTE": "0"}
    )
    key = _key(cluster)
    with servers.ours(cluster.data) as server:
        idle, busy = Meanwhile(server.url, key), Meanwhile(server.url, key)
        with idle.asking():
            time.sleep(20)
        with busy.asking():
            cost = ours(cluster, file, "again beside itself")
    before, during = idle.p95(), busy.p95()
    say(f"idle, p95 in ms: {_ms(before)}; meanwhile: {_ms(during)}; slowest: {_ms(busy.slowest())}; {busy.failed[:3]}")
    rows = [
        table.Row(
            f"{name} while an import runs, p95", f"{during[name]:.0f} ms", f"{before[name]:.0f} ms when idle",
            during[name], unit="ms", at_most=True, seen={"slowest": busy.slowest()[name], "asked": len(busy.ms[name])},
        )
        for name in during
    ]  # fmt: skip
    return cost, [
        *rows,
        table.Row("refused meanwhile", str(len(busy.failed)), "", len(busy.failed), 0, "", at_most=True),
    ]


def _key(cluster: localdb.Cluster) -> str:
    key, prefix, kept = auth.new_key(SECRET.encode())
    with cluster.connect("civic_owner", localdb.DATABASE) as connection:
        connection.execute(
            """WITH one AS (INSERT INTO person (name) VALUES ('Bench') RETURNING id)
            INSERT INTO api_key (person_id, name, prefix, token_hash, scopes)
            SELECT id, 'bench', %s, %s, '{assets:read,assets:write}' FROM one""",
            [prefix, kept],
        )
    return key


def _ms(found: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:.0f}" for name, value in found.items())


# ── the whole ───────────────────────────────────────────────────────────────────────────────────


@contextmanager
def _ground(folder: Path, say: Say) -> Iterator[localdb.Cluster]:
    """Two equal databases with the wards in them."""
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    with localdb.running(folder) as cluster:
        schema.upgrade(cluster.url("civic_owner"))
        with cluster.connect(database=localdb.DATABASE) as connection:
            if connection.execute("SELECT EXISTS (SELECT FROM asset)").fetchone() == (True,):
                raise SystemExit(f"{folder} holds assets already: name an empty folder.")
        subprocess.run(_civic(folder, "areas", "import", WARDS, "--level", "ward"), cwd=ROOT, check=True)
        with cluster.connect() as connection:
            connection.execute("DROP DATABASE IF EXISTS hand")
            connection.execute("CREATE DATABASE hand TEMPLATE civic OWNER civic_owner")
        with cluster.connect("civic_owner", HAND) as connection:
            connection.execute("ALTER TABLE asset DISABLE TRIGGER log_map_insert")
            connection.execute(
                "INSERT INTO import_run (source, file_name, kind, rows_read, created, already_there, rejected)"
                " VALUES ('hand', 'hand', 'place', 0, 0, 0, 0)"
            )
        say(f"wards are loaded in {folder}")
        yield cluster


def _cut(folder: Path, parts: int, most: int | None) -> list[Path]:
    """The postcodes in so many files, with their header."""
    with gzip.open(POSTCODES, "rt", encoding="utf-8", newline="") as stream:
        reader = csv.reader(stream)
        header, rows = next(reader), list(itertools.islice(reader, most))
    files, size = [], -(-len(rows) // parts)
    for number, first in enumerate(range(0, len(rows), size), 1):
        files.append(folder / f"postcodes_{number}.csv.gz")
        with gzip.open(files[-1], "wt", compresslevel=1, encoding="utf-8", newline="") as out:
            csv.writer(out).writerows([header, *rows[first : first + size]])
    return files


def measure(
    folder: Path, *, parts: int = 4, most: int | None = None, beside: bool = True, say: Say = print
) -> list[table.Row]:
    """Everything that is said above; `folder` must hold no map. Leaves its databases there."""
    with _ground(folder, say) as cluster, tempfile.TemporaryDirectory() as name:
        idle = ours(cluster, _cut(Path(name), 1, 1)[0], "one row")
        files = _cut(Path(name), parts, most)
        pairs = []
        for number, file in enumerate(files):
            both: list[Callable[[], Cost]] = [
                lambda file=file: ours(cluster, file, file.name),  # type: ignore[misc]
                lambda file=file: by_hand(cluster, file, file.name),  # type: ignore[misc]
            ]
            done = {first: both[first]() for first in ((0, 1) if number % 2 == 0 else (1, 0))}
            pairs.append((done[0], done[1]))
            say(f"{file.name}: ours {done[0]}, by hand {done[1]}")
        again = ours(cluster, files[0], files[0].name)
        say(f"the first part again: {again}")
        rows = [*_compared(pairs, idle), _again(again)]
        if beside:
            whole = _cut(Path(name), 1, most)[0]
            cost, seen = meanwhile(cluster, whole, say)
            say(f"beside the rows that are there: {cost}")
            rows += [_beside(cost), *seen, _new_wards(cluster)]
        return rows


def _compared(pairs: list[tuple[Cost, Cost]], idle: Cost) -> list[table.Row]:
    made = [sum(pair[side].said["created"] for pair in pairs) for side in (0, 1)]
    inside = [sum(pair[side].said["in_areas"] for pair in pairs) for side in (0, 1)]
    if (made[0], inside[0]) != (made[1], inside[1]):
        raise SystemExit(f"the two ways differ: made {made}, in wards {inside}")
    seconds = [sum(pair[side].seconds for pair in pairs) for side in (0, 1)]
    used = [sum(pair[side].processor_s for pair in pairs) for side in (0, 1)]
    peak = max(pair[0].peak_mb for pair in pairs)
    seen = {"rows": made[0], "in_wards": inside[0], "parts": [[vars(one) for one in pair] for pair in pairs]}
    what = f"import of {made[0]:,} rows"
    return [
        table.Row(
            f"{what}, by the clock", f"{seconds[0]:.0f} s", f"{seconds[1]:.0f} s by hand",
            seconds[0] / seconds[1], 1.5, at_most=True, seen=seen,
        ),
        table.Row(
            f"{what}, processor", f"{used[0]:.0f} s", f"{used[1]:.0f} s by hand", used[0] / used[1], at_most=True,
        ),
        table.Row(
            f"{what}, memory above idle", f"{peak:.0f} MB at most", f"{idle.peak_mb:.0f} MB for one row",
            peak - idle.peak_mb, 200, "MB", at_most=True,
        ),
    ]  # fmt: skip


def _again(cost: Cost) -> table.Row:
    there = f"{cost.said['already_there']:,} already there, {cost.said['created']} created"
    return table.Row("the same part again", f"{cost.seconds:.0f} s", there, cost.seconds, None, "s", at_most=True)


def _beside(cost: Cost) -> table.Row:
    made = f"{cost.said['created']:,} created beside as many, with a server running"
    return table.Row(
        "the whole file under another name", f"{cost.seconds:.0f} s", made, cost.seconds, None, "s", at_most=True
    )


def _new_wards(cluster: localdb.Cluster) -> table.Row:
    """The wards as a second set, which takes the place of the first under every asset."""
    words = ("areas", "import", WARDS, "--level", "ward", "--set", "The wards again")
    done, peak_mb, _, used_s = _watched(cluster, _civic(cluster.data, *words))
    with psycopg.connect(cluster.url("civic_owner").replace("+psycopg", "")) as connection:
        found = connection.execute("SELECT count(*) FROM asset").fetchone()
    assets = f"{found[0]:,} assets" if found else ""
    seen: dict[str, Any] = {"said": done[1], "peak_mb": peak_mb, "database_s": used_s}
    return table.Row(
        f"8,886 wards again under {assets}", f"{done[0]:.0f} s", "", done[0], None, "s", at_most=True, seen=seen
    )


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--rows", type=int, help="only so many")
    parser.add_argument("--alone", action="store_true", help="only the comparison")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(asked.folder.absolute(), parts=asked.parts, most=asked.rows, beside=not asked.alone)
    print(table.markdown(found))
    if asked.json:
        table.write(asked.json, {"bench": "imports"}, found)


if __name__ == "__main__":
    main()
