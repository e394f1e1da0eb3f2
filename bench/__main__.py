"""./civic bench: measures our server beside others on the same rows, and says which goals it meets.

    ./civic bench [--size 10k|100k|1M|10M ...] [--only tiles,lists,...] [--data DIR] [--json FILE]

The databases are made when they are missing (10 s to half an hour) and kept in DIR; the table is printed in Markdown.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from app import postgres
from app.settings import default_data_dir
from bench import country, lists, load, parts, reports, rows, site, tiles, upkeep

#: What is measured on each country with servers, by the names that --only knows.
PARTS: dict[str, Callable[[site.Site], list[rows.Row]]] = {
    "tiles": tiles.not_cached,
    "cached": tiles.cached,
    "lists": lists.in_a_box,
    "ogc": lists.ogc,
    "upkeep": upkeep.of_the_map,
    "page": parts.shown,
}
#: What needs no country; measured once.
ALONE: dict[str, Callable[[site.Site], list[rows.Row]]] = {
    "post": parts.post, "writers": parts.together, "import": parts.imported,
}  # fmt: skip
#: Also measured where it is: how tiles of zooms 0 to 13, and the ward report, fare as the country grows.
LOW, REPORT = "low", "report"


def main() -> None:
    """Measure what is asked for, print the table in Markdown, and write everything as JSON."""
    asked = _words()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", file=sys.stderr, flush=True)

    made: list[rows.Row] = []
    grown: dict[int, tiles.Times] = {}
    told: dict[int, float] = {}
    for size in sorted(asked.size):
        with _opened(asked, size, say) as here:
            for name in ALONE if size == max(asked.size) else ():
                made += _tried(name, ALONE[name], here) if name in asked.only else []
            found = _served(asked, here, grown, told)
        more = f"{country.word(size)}: " if len(asked.size) > 1 else ""
        made += [replace(row, work=more + row.work) for row in found]
    if len(grown) > 1:
        made.append(tiles.growth(grown))
    if len(told) > 1:
        made.append(reports.growth(told))
    about = machine() | {"at": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": asked.seconds}
    print(f"{about['machine']}; {about['with']}; {about['at'][:10]}, commit {about['commit']}\n\n{rows.markdown(made)}")
    if asked.json:
        rows.write(asked.json, about | {"rounds": asked.rounds, "sizes": asked.size}, made)
    sys.exit(1 if any(row.failed or row.met is False for row in made) else 0)


def _opened(asked: argparse.Namespace, size: int, say: site.Say) -> AbstractContextManager[site.Site]:
    folder = asked.data / country.word(size)
    say(f"{country.word(size)} assets in {folder}")
    return site.opened(folder, size, seconds=asked.seconds, rounds=asked.rounds, say=say)


def _served(
    asked: argparse.Namespace, here: site.Site, grown: dict[int, tiles.Times], told: dict[int, float]
) -> list[rows.Row]:
    """What needs servers; each part begins with those that it asks, and with no other."""
    made = []
    with site.serving(here, *(tiles.OTHERS if {"tiles", "lists", "ogc"} & asked.only else ())):
        for name in ("tiles", "lists", "ogc"):
            made += _tried(name, PARTS[name], here) if name in asked.only else []
    with site.serving(here):
        for name in ("cached", "page", "upkeep"):
            made += _tried(name, PARTS[name], here) if name in asked.only else []
        if REPORT in asked.only:
            made += _tried(REPORT, lambda site: reports.of_wards(site, told), here)
        if LOW in asked.only:
            made += _tried(LOW, lambda site: tiles.low_zooms(site, grown), here)
    return made


def _tried(name: str, measure: Callable[[site.Site], list[rows.Row]], here: site.Site) -> list[rows.Row]:
    """What it measured, or a row that says why it could not: one part that fails does not cost the others."""
    here.say(name)
    try:
        found = measure(here)
    except (load.Failed, RuntimeError, subprocess.SubprocessError) as failure:
        found = [rows.Row(name, "", str(failure), failed=True)]
    for row in found:
        here.say("   ".join(filter(None, row.cells())))
    return found


def _words() -> argparse.Namespace:
    what = [*PARTS, REPORT, LOW, *ALONE]
    parser = argparse.ArgumentParser(
        prog="./civic bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=country.number, nargs="+", default=[1_000_000], help="how many assets (1M)")
    parser.add_argument("--only", default=",".join(what), help="a comma list of " + ", ".join(what))
    parser.add_argument("--data", type=Path, default=default_data_dir() / "bench", help="where the databases are kept")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--seconds", type=int, default=3, help="how long each server is asked in a round (3)")
    parser.add_argument("--rounds", type=int, default=3, help="rounds, of which the median counts (3)")
    words = parser.parse_args()
    words.only = {part.strip() for part in words.only.split(",")}
    if unknown := words.only - set(what):
        parser.error(f"--only knows {', '.join(what)}, not {', '.join(sorted(unknown))}")
    return words


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=Path(__file__).parent, capture_output=True, text=True, check=False
    ).stdout.strip()
    system = f"{platform.system()} {platform.release()}, Python {platform.python_version()}"
    server = postgres.chosen()
    programs = f"PostgreSQL {server.major}, PostGIS {'.'.join(map(str, server.postgis or ()))}"
    return {"machine": f"{os.cpu_count()} cores, {memory:.0f} GB, {system}", "with": programs, "commit": commit}


if __name__ == "__main__":
    main()
