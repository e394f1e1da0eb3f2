"""The measures on a ground of their own, as rows of the one table: pins written, writers at once, imports, the page."""

import contextlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench import city, imports, load, page, tiles, writers, writes
from bench.rows import Row
from bench.site import Site

#: The import is measured on this part of the postcodes of Great Britain; `python -m bench.imports DIR` takes them all.
IMPORTED = 800_000
#: Transactions in which no deadlock may happen.
WRITTEN = 100_000
PAGE_RUNS = 5


def post(site: Site) -> list[Row]:
    """POST /api/v1/assets beside a bare FastAPI route and pgbench doing the same INSERTs."""
    with _folder() as folder:
        runs = writes.measure(folder / "map", site.seconds, site.rounds, keys=False)
    beside: list[tuple[str, str, float | None]] = [
        ("bare", "bare FastAPI and psycopg", 0.7),
        ("core", "FastAPI and SQLAlchemy", None),
        ("pgbench", "pgbench", None),
    ]
    work, ours = f"durable POST, {city.CLIENTS} clients", tiles.said(runs["ours"])
    return [
        Row(work, ours, f"{words} {tiles.said(runs[name])}", load.ratio(runs, "ours", name), goal, seen=runs)
        for name, words, goal in beside
    ]


def together(site: Site) -> list[Row]:
    """Eight writers in one city with and without the map's log and pyramid; and whether they ever deadlock."""
    with _folder() as folder:
        found = writers.measure(folder / "map", 2 * site.seconds, site.rounds, WRITTEN)
    without = f"without log and pyramid {found.without:,.0f}/s"
    mixed = f"{found.transactions:,} transactions, {found.mix_per_s:,.0f}/s"
    return [
        Row("8 writers in one city", f"{found.with_log:,.0f}/s", without, found.ratio, 0.7, seen=vars(found)),
        Row("deadlocks of 8 writers", mixed, "inserted, moved, hidden", found.deadlocks, 0, "", True),
        Row("drift of the pyramid after them", mixed, "", found.drift, 0, "", True),
    ]


def imported(site: Site) -> list[Row]:
    """A table of places with the wards of a country, beside the same by hand in SQL. Not here without the test data."""
    if not (imports.POSTCODES.exists() and imports.WARDS.exists()):
        return [Row("import", "", "the test data is not beside this checkout", goal=1.5, at_most=True)]
    with _folder() as folder:
        return imports.measure(folder, parts=2, most=min(IMPORTED, site.size), beside=False, say=site.say)


def shown(site: Site) -> list[Row]:
    """Frames of the page over London while it is moved and zoomed, and the control that must fail."""
    try:
        found = page.run(site.ours.url, runs=PAGE_RUNS, out=site.say)
    except SystemExit as reason:
        return [Row("page, p95 of frames", "", str(reason), goal=page.BOUND_MS, unit="ms", at_most=True)]
    ours, other, control = (found[name] for name in (page.OURS, page.PROTOMAPS, page.CONTROL))
    said, bound = f"highest of {PAGE_RUNS} runs", page.BOUND_MS
    rows = [
        Row(f"page, {words}", said, f"protomaps-leaflet {other[key]:g} ms", ours[key], bound, "ms", True)
        for key, words in (("p95", "p95 of frames"), ("felt", "p95 of the time (felt)"))
    ]
    both = f"p95 {control['p95']:g} ms, felt {control['felt']:g} ms"
    worst = max(control["p95"], control["felt"])
    return [*rows, Row("page, 100,000 markers: must be beyond it", "control", both, worst, bound, "ms", seen=found)]


@contextlib.contextmanager
def _folder() -> Iterator[Path]:
    """A passing folder that the database's account may pass through."""
    with tempfile.TemporaryDirectory(prefix="civic-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)
