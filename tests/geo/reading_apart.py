"""Reads each of the named files in a process of its own, to the end, and prints what became of it.

A line of JSON for each: its name, how many rows it had, why it was refused, and by how many MB reading it grew memory.
Run as a program: python -m tests.geo.reading_apart FILE…
"""

import json
import os
import resource
import sys
from pathlib import Path
from typing import Any

from app.errors import Invalid
from app.geo import coordinates, formats, tables


def read(path: Path) -> dict[str, Any]:
    """What an import does with a file before it comes to the database."""
    count = wrong = 0
    try:
        table = formats.read(path)
        reading = coordinates.understand(table, tables.sample(table, 1000), postcodes=True)
        for row in table.rows():
            count += 1
            try:
                reading.spot(row, ("Point",))
            except Invalid:
                wrong += 1
    except Invalid as problem:
        return {"rows": count, "wrong": wrong, "refused": problem.detail}
    return {"rows": count, "wrong": wrong, "refused": None}


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    """Each file in a fork of this process, which has loaded everything that reading needs."""
    for name in sys.argv[1:]:
        sys.stdout.flush()
        if os.fork() == 0:
            idle = _resident()
            told = read(Path(name))
            peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
            sys.stdout.write(json.dumps({"name": Path(name).name, **told, "grown_mb": (peak - idle) / 2**20}) + "\n")
            sys.stdout.flush()
            os._exit(0)
        os.wait()


if __name__ == "__main__":
    main()
