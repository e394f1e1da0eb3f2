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
function done(summary, latency)
  local failed = summary.errors
  io.write(string.format("\\nRESULT [%%d, %%d, %%d, %%d, %%d, %%.2f, %%.2f]\\n", summary.requests, summary.duration,
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


class Failed(Exception):
    """A server did not do its work, so that there is nothing to compare."""


def wrk(
    base: str, paths: Sequence[str], seconds: int, *, clients: int = 8, headers: Mapping[str, str] | None = None
) -> Run:
    """Ask for these paths in turn from so many connections. Raises Failed when one answer is an error."""
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        folder = Path(name)
        (folder / "list").write_text("\n".join(paths) + "\n")
        (folder / "ask.lua").write_text(LUA % {"list": folder / "list"})
        extra = [word for key, value in (headers or {}).items() for word in ("-H", f"{key}: {value}")]
        command = ["wrk", "-t1", f"-c{clients}", f"-d{seconds}s", "--timeout", "30s", *extra]
        said = subprocess.run([*command, "-s", folder / "ask.lua", base], capture_output=True, text=True, check=False)
    found = re.search(r"RESULT (\[.*\])", said.stdout)
    if not found:
        raise Failed(f"wrk on {base}: {said.stdout}{said.stderr}")
    made, us, refused, broken, size, p50, p99 = json.loads(found[1])
    if refused or broken or not made:
        raise Failed(f"{base}{paths[0]}: of {made} answers {refused} were refusals and {broken} were broken")
    return Run(made / us * 1e6, made, p50, p99, size / made)


def pgbench(cluster: localdb.Cluster, script: str, seconds: int, *, clients: int = 8) -> Run:
    """Run this script of prepared statements again and again, as the reading role. Raises Failed when one fails."""
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        file = Path(name) / "script.sql"
        file.write_text(script)
        program = str(cluster.programs.bin / "pgbench")
        flags = ["-n", "-Mprepared", f"-c{clients}", "-j1", f"-T{seconds}", f"-f{file}"]
        address = cluster.url("civic_read").replace("+psycopg", "")
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
