"""How quickly assets are pinned over HTTP, beside a bare FastAPI route and pgbench doing the same INSERTs.

    python -m bench.writes [--seconds 8] [--rounds 3] [--keys] [--json FILE]

One durable cluster (fsync on), one city of 25 wards, eight clients, each with a connection and an API key of its own.
In each round every server is asked in turn, so that what else the machine does falls on all of them; the median round
counts. Beside the rate stand the milliseconds of processor time that one POST cost the server and the database.

ours     POST /api/v1/assets of `civic serve` with its worker: credentials, the rate limit, the document of its kind,
         location privacy, areas, history, outbox, the state's record, and the whole asset as the answer
bare     a route of bench/bare_writes.py: one small model, the same rows in one transaction over a psycopg pool, a small
         answer; no credentials, no limit, nothing that makes a retry safe
core     the same through an SQLAlchemy session, as many FastAPI services are written
pgbench  the statements of `bare`, prepared, without any Python

With --keys every POST carries an Idempotency-Key; `bare`, `core` and `pgbench` store a row for it, but look for none.
"""

import argparse
import contextlib
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

import psycopg

from app import localdb
from bench import bare_writes, load, servers
from bench.city import CLIENTS, SECRET, SIDE, SOUTH, WEST, City, found_city

# ── load ────────────────────────────────────────────────────────────────────────────────────────

#: Each connection of wrk is a client; every request is another place, and a title of its own.
LUA = """
local keys = { %(keys)s }
local n = 0
math.randomseed(%(seed)d)
function request()
  n = n + 1
  local headers = { ["Content-Type"] = "application/json", ["Authorization"] = "Bearer " .. keys[n %% #keys + 1] }
  if %(once)s then headers["Idempotency-Key"] = "%(seed)d-" .. n end
  local body = string.format('{"type":"Feature","geometry":{"type":"Point","coordinates":[%%.6f,%%.6f]},' ..
    '"properties":{"kind":"project","title":"Bench %%d","summary":"A garden to dig in","theme":"green"}}',
    (%(west)d + math.random(0, %(side)d)) / 1e6, (%(south)d + math.random(0, %(side)d)) / 1e6, n)
  return wrk.format("POST", "%(path)s", headers, body)
end
"""


def by_wrk(url: str, city: City, seconds: float, *, keys: bool) -> load.Run:
    """Eight clients post for so long; every answer must be a 201."""
    values = {
        "keys": ", ".join(f'"{key}"' for key in city.keys), "seed": time.time_ns() % 10**9, "path": urlsplit(url).path,
        "once": str(keys).lower(), "west": WEST, "south": SOUTH, "side": SIDE,
    }  # fmt: skip
    return load.scripted(url, LUA % values, seconds, clients=CLIENTS)


def by_pgbench(city: City, seconds: float, *, keys: bool) -> load.Run:
    """The statements alone."""
    shown = json.dumps({"type": "Feature", "properties": {"kind": "project", "title": "Bench", "theme": "green"}})
    words = {
        "owner": city.owner, "kind": "project", "title": "Bench 1000", "theme": "green", "after": shown,
        "summary": "A garden to dig in",
    }  # fmt: skip
    given = [f"-D{name}={value}" for name, value in words.items()]
    scripts = {bare_writes.pgbench_script(keys=keys): 1}
    return load.pgbench(city.cluster, scripts, f"-T{int(seconds)}", *given, role="civic_write", clients=CLIENTS)


def processor_s(pid: int) -> float:
    """Seconds of processor time that a process and everything it started have used."""
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    family, used = {pid}, 0
    for line in listed.splitlines():  # a parent stands before its children
        child, parent = map(int, line.split())
        if parent in family:
            family.add(child)
    for one in family:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{one}/stat").read_text().rpartition(")")[2].split()
            used += sum(map(int, fields[11:13] if one != pid else fields[11:15]))
    return used / os.sysconf("SC_CLK_TCK")


def measure(data: Path, seconds: float, rounds: int, *, keys: bool) -> load.Runs:
    """Every server in turn, round after round. The folder of the data must be one that every account may pass."""
    results: load.Runs = {}
    with localdb.running(data) as cluster, contextlib.ExitStack() as stack:
        city = found_city(cluster)
        database = int((cluster.folder / "postmaster.pid").read_text().split()[0])
        running = {}
        for name, (command, live, path, more) in _servers(data, city).items():
            on_port = functools.partial(_on_port, command)
            address, pid = stack.enter_context(servers.started(on_port, live, more))
            running[name] = (address + path, pid)
            by_wrk(address + path, city, 3, keys=keys)  # warm
        for _ in range(rounds):
            for name, (url, pid) in running.items():
                rows, used = _rows(city), (processor_s(pid), processor_s(database))
                run = by_wrk(url, city, seconds, keys=keys)
                cost = [
                    (processor_s(one) - was) / run.made * 1000 for one, was in zip((pid, database), used, strict=True)
                ]
                if _rows(city) - rows < run.made:
                    raise load.Failed(f"{name} said {run.made} assets; {_rows(city) - rows} are whole in the database")
                results.setdefault(name, []).append(replace(run, server_ms=cost[0], database_ms=cost[1]))
            used_s = processor_s(database)
            run = by_pgbench(city, seconds, keys=keys)
            cost_ms = (processor_s(database) - used_s) / run.made * 1000
            results.setdefault("pgbench", []).append(replace(run, database_ms=cost_ms))
    return results


def _on_port(command: list[str], port: int) -> list[str]:
    return [*command, "--port", str(port)]


def _servers(data: Path, city: City) -> dict[str, tuple[list[str], str, str, dict[str, str]]]:
    """name → command, a path that answers once it runs, the path to post to, its environment"""
    own = {"CIVIC_SECRET": SECRET, "CIVIC_KEY_WRITES_PER_HOUR": "1000000000"}
    serve = [sys.executable, "-m", "app.cli", "serve", "--data", str(data)]
    found = {"ours": (serve, "/health/live", "/api/v1/assets", own)}
    for name in ("bare", "core"):
        command = [sys.executable, "-m", "uvicorn", f"bench.bare_writes:{name}", "--factory", "--no-access-log"]
        more = {"BENCH_URL": city.url, "BENCH_OWNER": str(city.owner)}
        found[name] = ([*command, "--log-level", "warning"], "/openapi.json", "/assets", more)
    return found


def _rows(city: City) -> int:
    """How many assets there are with every row that belongs to them."""
    with psycopg.connect(city.url) as connection:
        found = connection.execute(
            """SELECT least((SELECT count(*) FROM asset WHERE ward IS NOT NULL), (SELECT count(*) FROM asset_area),
            (SELECT count(*) FROM history), (SELECT count(*) FROM outbox), (SELECT count(*) FROM state_change))"""
        ).fetchone()
    assert found
    return int(found[0])


def main() -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=8)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--keys", action="store_true", help="send an Idempotency-Key with every POST")
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        Path(name).chmod(0o711)
        results = measure(Path(name) / "map", asked.seconds, asked.rounds, keys=asked.keys)
    middle = {name: load.middle(runs) for name, runs in results.items()}
    ratio = {name: load.ratio(results, "ours", name) for name in results}
    print(f"{'':9}{'per s':>8}{'p50 ms':>8}{'p99 ms':>8}{'bytes':>8}{'server':>8}{'database':>9}{'ours is':>9}")
    for name, run in middle.items():
        cells = (run.per_s, run.p50_ms, run.p99_ms, run.bytes_each, run.server_ms, run.database_ms)
        widths = (8, 8, 8, 8, 8, 9)
        shown = "".join(f"{cell or 0:{width}.1f}" for cell, width in zip(cells, widths, strict=True))
        print(f"{name:9}{shown}{ratio[name]:8.2f}×")
    if asked.json:
        found = {name: [vars(run) for run in runs] for name, runs in results.items()}
        asked.json.write_text(json.dumps({"keys": asked.keys, "runs": found, "ratio": ratio}, indent=1) + "\n")


if __name__ == "__main__":
    main()
