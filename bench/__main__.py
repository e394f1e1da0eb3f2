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
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.settings import default_data_dir
from bench import country, lists, load, rows, site, tiles, upkeep

#: What is measured on each country with servers, by the names that --only knows.
PARTS: dict[str, Callable[[site.Site], list[rows.Row]]] = {
    "tiles": tiles.not_cached,
    "cached": tiles.cached,
    "lists": lists.in_a_box,
    "upkeep": upkeep.of_the_map,
}
#: Also measured where it is: how tiles of zooms 0 to 13 fare as the country grows.
LOW = "low"
OTHERS = ("tipg", "Martin", "pg_tileserv")


def main() -> None:
    """Measure what is asked for, print the table in Markdown, and write everything as JSON."""
    asked = _words()
    began = time.monotonic()

    def say(text: str) -> None:
        print(f"[{time.monotonic() - began:5.0f} s] {text}", file=sys.stderr, flush=True)

    made: list[rows.Row] = []
    grown: dict[int, Any] = {}
    for size in sorted(asked.size):
        made += _one_size(asked, size, grown, say)
    if len(grown) > 1:
        least, most = min(grown), max(grown)
        made.append(tiles.growth((least, grown[least]), (most, grown[most])))
    about = machine() | {"at": datetime.now(UTC).isoformat(timespec="seconds"), "seconds": asked.seconds}
    print(f"{about['machine']}\n\n{rows.markdown(made)}")
    if asked.json:
        rows.write(asked.json, about | {"rounds": asked.rounds, "sizes": asked.size}, made)
    sys.exit(1 if any(row.met is False for row in made) else 0)


def _one_size(
    asked: argparse.Namespace, size: int, grown: dict[int, Any], say: Callable[[str], None]
) -> list[rows.Row]:
    folder, made = asked.data / country.word(size), []
    say(f"{country.word(size)} assets in {folder}")
    with site.opened(folder, size, seconds=asked.seconds, rounds=asked.rounds, say=say) as here:
        others = OTHERS if {"tiles", "lists"} & asked.only else ()
        with site.serving(here, *others):
            for name, measure in PARTS.items():
                if name in asked.only:
                    say(name)
                    made += _tried(name, measure, here)
            if LOW in asked.only:
                say(LOW)
                found, grown[size] = tiles.low_zooms(here)
                made += found
    return made


def _tried(name: str, measure: Callable[[site.Site], list[rows.Row]], here: site.Site) -> list[rows.Row]:
    """What it measured, or a row that says why it could not: one part that fails does not cost the others."""
    try:
        return measure(here)
    except load.Failed as failure:
        here.say(f"{name}: {failure}")
        return [rows.Row(name, "", f"failed: {failure}")]


def _words() -> argparse.Namespace:
    what = [*PARTS, LOW]
    parser = argparse.ArgumentParser(
        prog="./civic bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--size", type=country.number, nargs="+", default=[1_000_000], help="how many assets (1M)")
    parser.add_argument("--only", default=",".join(what), help="a comma list of " + ", ".join(what))
    parser.add_argument("--data", type=Path, default=default_data_dir() / "bench", help="where the databases are kept")
    parser.add_argument("--json", type=Path, help="write every figure here")
    parser.add_argument("--seconds", type=float, default=4, help="how long each server is asked in a round (4)")
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
    return {"machine": f"{os.cpu_count()} cores, {memory:.0f} GB, {system}", "commit": commit}


if __name__ == "__main__":
    main()
