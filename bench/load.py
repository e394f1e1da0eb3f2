"""Load: wrk for what speaks HTTP, pgbench for bare SQL, and rounds in which everybody is asked in turn."""

import json
import re
import statistics
import subprocess
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from app import localdb

#: Asks for one address after the other, round and round, so that none is asked again before all others were.
LUA = """
local paths = {}
for line in io.lines("%(list)s") do paths[#paths + 1] = line end
local n = 0
function request()
  n = n + 1
  return wrk.format("GET", paths[(n - 1) %% #paths + 1])
end
"""
#: What wrk says at the end, in a line that can be read.
DONE = """
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format("\\nRESULT [%d, %d, %d, %d, %d, %.2f, %.2f]\\n", summary.requests, summary.duration,
    failed.status, failed.connect + failed.read + failed.write + failed.timeout, summary.bytes,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000))
end
"""


@dataclass(frozen=True)
class Run:
    """What one server did in one round."""

    per_s: float
    made: int
    p50_ms: float
    p99_ms: float = 0.0
    bytes_each: float = 0.0
    """With HTTP's headers."""
    server_ms: float | None = None
    """Milliseconds of processor time that the server's process took for each, where that was measured."""
    database_ms: float | None = None


class Failed(Exception):
    """A server did not do its work, so that there is nothing to compare."""


def wrk(
    base: str, paths: Sequence[str], seconds: float, *, clients: int = 8, headers: Mapping[str, str] | None = None
) -> Run:
    """Ask for these paths in turn from so many connections. Raises Failed when one answer is an error."""
    extra = [word for key, value in (headers or {}).items() for word in ("-H", f"{key}: {value}")]
    with tempfile.NamedTemporaryFile("w", prefix="civic-bench-") as file:
        file.write("\n".join(paths) + "\n")
        file.flush()
        return scripted(base, LUA % {"list": file.name}, seconds, *extra, clients=clients, about=paths[0])


def scripted(base: str, script: str, seconds: float, *words: str, clients: int = 8, about: str = "") -> Run:
    """Load this server as a script of wrk's says. Raises Failed when one answer is an error."""
    with tempfile.NamedTemporaryFile("w", prefix="civic-bench-", suffix=".lua") as file:
        file.write(script + DONE)
        file.flush()
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds:g}s", "--timeout", "30s", *words, "-s", file.name, base]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\[.*\])", said.stdout)
    if not found:
        raise Failed(f"wrk on {base}: {said.stdout}{said.stderr}")
    made, us, refused, broken, size, p50, p99 = json.loads(found[1])
    if refused or broken or not made:
        raise Failed(f"{base}{about}: of {made} answers {refused} were refusals and {broken} were broken")
    return Run(made / us * 1e6, made, p50, p99, size / made)


def pgbench(
    cluster: localdb.Cluster, scripts: Mapping[str, int], *words: str, role: str = "civic_read", clients: int = 8
) -> Run:
    """Run scripts of prepared statements, each as often as its weight says. Raises Failed when one fails."""
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        files = []
        for number, (script, weight) in enumerate(scripts.items()):
            file = Path(name) / f"{number}.sql"
            file.write_text(script)
            files.append(f"-f{file}@{weight}")
        flags = ["-n", "-Mprepared", f"-c{clients}", "-j1", *files, *words]
        address = cluster.url(role).replace("+psycopg", "")
        program = str(cluster.programs.bin / "pgbench")
        said = subprocess.run([program, *flags, address], capture_output=True, text=True, check=False)
    tps, made = re.search(r"tps = ([\d.]+)", said.stdout), re.search(r"processed: (\d+)", said.stdout)
    if said.returncode or not tps or not made or "failed transactions: 0 " not in said.stdout:
        raise Failed(f"pgbench: {said.stdout}{said.stderr}")
    latency = re.search(r"latency average = ([\d.]+)", said.stdout)
    return Run(float(tps[1]), int(made[1]), float(latency[1]) if latency else 0.0)


Runs = dict[str, list[Run]]


def rounds(asked: Mapping[str, Callable[[], Run]], count: int) -> Runs:
    """Ask everybody once in each round, in turn and back again: what else the machine does falls on all alike."""
    found: Runs = {name: [] for name in asked}
    for number in range(count):
        names = list(asked)[:: 1 if number % 2 == 0 else -1]
        for name in names:
            found[name].append(asked[name]())
    return found


def middle(runs: Sequence[Run]) -> Run:
    """The round in the middle."""
    return sorted(runs, key=lambda run: run.per_s)[len(runs) // 2]


def ratio(runs: Runs, name: str, to: str) -> float:
    """How many times as much `name` did as `to`: the median over the rounds."""
    return statistics.median(one.per_s / other.per_s for one, other in zip(runs[name], runs[to], strict=True))


def percentile(values: Sequence[float], share: float) -> float:
    """The value that so large a share does not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
