"""Tiles: not cached at zooms 14 and 16 beside others and SQL; cached beside a bare framework; zooms 0 to 13.

Not cached means that each request is another tile. The list of tiles is the same for all, and so long that one comes
again only after our second of keeping; that the requests reached the database is counted there.
"""

import functools
import http.client
import time
from collections.abc import Sequence
from urllib.parse import urlsplit

import httpx
import mapbox_vector_tile

from app import localdb
from app.geo import cells, tiles
from bench import load, servers
from bench.rows import Row
from bench.site import Site

OTHERS = ("tipg", "Martin", "pg_tileserv")
#: Work, zoom, pins in a tile of a million assets, and what is to be reached beside whom.
PINNED = (
    ("z14 tile, about 1,000 pins, not cached", 14, 1000, {"tipg": 5.0, "raw SQL": 0.6, "Martin": 1.0}),
    ("z16 tile, about 100 pins, not cached", 16, 100, {"tipg": 4.0}),
)
#: So many tiles are asked for in turn at least (the nearest to what is wanted), full ones and others; and at most.
FULL = 500
LEAST_FULL, LEAST, MOST = 600, 1500, 4000
CHECKED = 24
LOW_ZOOMS = range(14)
LOW_TILES = 12
#: One tile by hand: its pins as one layer, found by the same column and index as ours. Made for pgbench.
RAW = """\\set n random(1, {count})
SELECT x, y, low, high FROM bench.tile WHERE n = :n \\gset
SELECT ST_AsMVT(pin, 'pins', 4096, 'geom') FROM (
  SELECT ST_AsMVTGeom(ST_Transform(anchor, 3857), ST_TileEnvelope({zoom}, :x, :y), 4096, 0, true) AS geom,
         uid, title, kind, theme, stage
  FROM asset WHERE on_map AND cell >= :low AND cell < :high
) AS pin;
"""
Chosen = dict[cells.Tile, int]
#: Each tile's median milliseconds.
Times = dict[cells.Tile, float]


def not_cached(site: Site) -> list[Row]:
    """Zooms 14 and 16, beside everybody who is here."""
    return [row for work, zoom, pins, goals in PINNED for row in _pinned(site, work, zoom, pins, goals)]


def _pinned(site: Site, work: str, zoom: int, pins: int, goals: dict[str, float]) -> list[Row]:
    chosen = choose(site, zoom, site.scaled(pins))
    _note(site, chosen)
    here = {name: server for name, server in site.up.items() if name in ("ours", *OTHERS)}
    sizes = {name: check(site, server, chosen) for name, server in here.items()}
    asked = {name: functools.partial(_asked, site, server, chosen) for name, server in here.items()}
    script = RAW.format(count=len(chosen), zoom=zoom)
    asked["raw SQL"] = functools.partial(load.pgbench, site.cluster, {script: 1}, f"-T{site.seconds}")
    runs = load.rounds(asked, site.rounds)
    seen = {"tiles": len(chosen), "pins": sum(chosen.values()) / len(chosen), "bytes": sizes, "runs": runs}
    rows = []
    for name in ("tipg", "raw SQL", "Martin", "pg_tileserv"):
        if name in runs:
            beside, result = f"{name} {said(runs[name], sizes.get(name))}", load.ratio(runs, "ours", name)
            rows.append(Row(work, said(runs["ours"], sizes["ours"]), beside, result, goals.get(name), seen=seen))
        elif name in goals or name in site.absent:
            seen = {"why": site.absent.get(name)}
            rows.append(Row(work, said(runs["ours"], sizes["ours"]), name, None, goals.get(name), seen=seen))
    return rows


def said(runs: Sequence[load.Run], size: int | None = None) -> str:
    """A round as the table says it: rate, latency, weight of an answer."""
    run = load.middle(runs)
    weight = f", {size / 1000:.0f} kB" if size else ""
    return f"{run.per_s:,.0f}/s, {run.p50_ms:.1f} ms{weight}"


def choose(site: Site, zoom: int, pins: int) -> Chosen:
    """Tiles of this zoom with about so many pins (within 30 %, or the nearest there are), shuffled."""
    shift = cells.shift(zoom)
    with site.connect() as connection:
        found = connection.execute(
            "SELECT cell >> %(shift)s AS code, count(*) AS n FROM asset WHERE on_map GROUP BY 1 "
            "ORDER BY abs(ln(count(*) / %(pins)s::float8)), hashint8(cell >> %(shift)s) LIMIT %(most)s",
            {"shift": shift, "pins": pins, "most": MOST},
        ).fetchall()
    near = [(code, n) for code, n in found if pins * 0.7 <= n <= pins * 1.3]
    least = LEAST_FULL if pins >= FULL else LEAST
    if len(near) < least:
        near = found[:least]
    near.sort(key=lambda one: hash((one[0], zoom)))
    return {cells.Tile(zoom, *_place(code, zoom)): n for code, n in near}


def _place(code: int, zoom: int) -> tuple[int, int]:
    """Column and row of a Morton code."""
    x = sum((code >> (2 * bit) & 1) << bit for bit in range(zoom))
    return x, sum((code >> (2 * bit + 1) & 1) << bit for bit in range(zoom))


def _note(site: Site, chosen: Chosen) -> None:
    """The chosen tiles as a table, for pgbench."""
    with site.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS bench.tile")
        connection.execute("CREATE TABLE bench.tile (n int PRIMARY KEY, x int, y int, low bigint, high bigint)")
        with connection.cursor() as cursor, cursor.copy("COPY bench.tile FROM STDIN") as copy:
            for number, tile in enumerate(chosen, 1):
                copy.write_row((number, tile.x, tile.y, *tile.cells))
        connection.execute("GRANT SELECT ON bench.tile TO civic_read")
        connection.execute("ANALYZE bench.tile")


def _asked(site: Site, server: servers.Server, chosen: Chosen) -> load.Run:
    time.sleep(tiles.KEPT_S + 0.1)
    before = commits(site)
    run = load.wrk(server.url, [server.tile(tile.z, tile.x, tile.y) for tile in chosen], site.seconds)
    if server is site.ours:
        if run.per_s * tiles.KEPT_S > len(chosen):
            raise load.Failed(f"{len(chosen)} tiles are too few: at {run.per_s:,.0f}/s they come out of our cache")
        found = _told(site, server, chosen) - before
        if found < run.made * 0.99:
            raise load.Failed(f"{run.made} tiles were answered with {found} transactions: not uncached")
    return run


def _told(site: Site, server: servers.Server, chosen: Chosen) -> int:
    """Transactions so far, all told. A back end tells its counts with a transaction that comes a second after the last
    time, so each is given one more; of a second of asking no more than that one is told.
    """
    time.sleep(1.1)
    load.wrk(server.url, [server.tile(tile.z, tile.x, tile.y) for tile in reversed(chosen)], 1)
    return commits(site)


def commits(site: Site) -> int:
    """Transactions of the database so far."""
    with site.connect() as connection:
        row = connection.execute("SELECT xact_commit FROM pg_stat_database WHERE datname = %s", [localdb.DATABASE])
        return int((row.fetchone() or (0,))[0])


def check(site: Site, server: servers.Server, chosen: Chosen) -> int:
    """The mean size of some tiles in bytes, after a look that nobody sends less than SQL counts.

    Ours must show every spot with one asset as a pin of its own, and nothing but stacks (what shares a spot) as
    clusters. The others must show a pin for each asset; one within a rounding of the edge may come in both tiles.
    """
    sizes = []
    with httpx.Client(base_url=server.url, headers={"Accept-Encoding": "identity"}, timeout=30) as client:
        for tile, assets in list(chosen.items())[:CHECKED]:
            answer = client.get(server.tile(tile.z, tile.x, tile.y))
            if answer.status_code != 200:
                raise load.Failed(f"{server.name} answers {tile} with {answer.status_code}")
            pins, stacks, others = shown(answer.content)
            if server is site.ours:
                whole = (pins, stacks, others) == (*spots(site, tile), 0) and pins + sum(stacks) == assets
            else:
                whole = not stacks and not others and assets <= pins <= assets * 1.01 + 1
            if not whole:
                said = f"{pins} pins, {len(stacks)} stacks and {others} other clusters"
                raise load.Failed(f"{server.name} shows {said} of the {assets} assets in {tile}")
            sizes.append(len(answer.content))
    return sum(sizes) // len(sizes)


def shown(tile: bytes) -> tuple[int, list[int], int]:
    """Single pins, the counts of the stacks in order, and how many other clusters. Shapes are drawn, not counted."""
    layers = mapbox_vector_tile.decode(tile)
    pins = sum(len(layer["features"]) for name, layer in layers.items() if name not in ("clusters", "shapes"))
    clusters = [one["properties"] for one in layers.get("clusters", {"features": []})["features"]]
    stacks = sorted(int(one["count"]) for one in clusters if one.get("stack"))
    return pins, stacks, len(clusters) - len(stacks)


def spots(site: Site, tile: cells.Tile) -> tuple[int, list[int]]:
    """As SQL counts: the spots of a tile where one asset stands, and how many assets share each other spot."""
    with site.connect() as connection:
        found = connection.execute(
            "SELECT count(*) FROM asset WHERE on_map AND cell >= %s AND cell < %s GROUP BY cell", tile.cells
        ).fetchall()
    return sum(n == 1 for (n,) in found), sorted(n for (n,) in found if n > 1)


# ── cached ──────────────────────────────────────────────────────────────────────────────────


def cached(site: Site) -> list[Row]:
    """One tile again and again, whole and as 304, beside a framework that says the same bytes."""
    tile = next(iter(choose(site, 14, site.scaled(1000))))
    path = site.ours.tile(tile.z, tile.x, tile.y)
    answer = httpx.get(site.ours.url + path, headers={"Accept-Encoding": "identity"})
    answer.raise_for_status()
    kept = ("content-type", "cache-control", "etag", "vary")
    headers = {name: answer.headers[name] for name in kept}
    rows = []
    for name, goal in (("starlette", 0.6), ("fastapi", None)):
        with servers.bare(name, path, answer.content, headers) as other:
            for work, more in (("cached tile", {}), ("304 tile", {"If-None-Match": headers["etag"]})):
                if more and name == "fastapi":
                    continue
                same(site.ours, other, path, more)
                asked = {
                    one.name: functools.partial(load.wrk, one.url, [path], site.seconds, headers=more)
                    for one in (site.ours, other)
                }
                runs = load.rounds(asked, site.rounds)
                beside = f"{name} {other.version}, same bytes: {said(runs[name])}"
                size = len(answer.content) if not more else None
                rows.append(
                    Row(work, said(runs["ours"], size), beside, load.ratio(runs, "ours", name), goal, seen=runs)
                )
    return rows


def same(ours: servers.Server, other: servers.Server, path: str, headers: dict[str, str]) -> None:
    """Raise Failed unless both say the same."""
    ask = {"Accept-Encoding": "identity", **headers}
    one, two = (httpx.get(server.url + path, headers=ask) for server in (ours, other))
    if (one.status_code, one.content) != (two.status_code, two.content):
        raise load.Failed(f"{other.name} does not answer {path} with our bytes")


# ── zooms 0 to 13 ───────────────────────────────────────────────────────────────────────────


def low_zooms(site: Site, grown: dict[int, Times]) -> list[Row]:
    """The fullest tiles of each zoom from 0 to 13, one at a time, not cached; notes their times in `grown`."""
    asked = [tile for zoom in LOW_ZOOMS for tile in fullest(site, zoom)]
    took: dict[cells.Tile, list[float]] = {tile: [] for tile in asked}
    address = urlsplit(site.ours.url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port)
    for number in range(1 + max(2, round(site.rounds * site.seconds / 2))):
        began = time.monotonic()
        for tile in asked:
            ms = _timed(connection, site.ours.tile(tile.z, tile.x, tile.y))
            if number:  # the first time round warms
                took[tile].append(ms)
        time.sleep(max(0.0, began + tiles.KEPT_S + 0.1 - time.monotonic()))
    connection.close()
    grown[site.size] = {tile: load.percentile(times, 0.5) for tile, times in took.items()}
    return [_slowest(site, took)]


def _slowest(site: Site, took: dict[cells.Tile, list[float]]) -> Row:
    """The zoom with the highest p95; every zoom must keep the goal."""
    by_zoom = {zoom: [ms for tile, times in took.items() if tile.z == zoom for ms in times] for zoom in LOW_ZOOMS}
    p95 = {zoom: load.percentile(times, 0.95) for zoom, times in by_zoom.items() if times}
    worst = max(p95, key=lambda zoom: p95[zoom])
    every = [ms for times in took.values() for ms in times]
    whole = f"of all {load.percentile(every, 0.95):.1f} ms, median {load.percentile(every, 0.5):.1f} ms"
    ours = f"z{worst} {p95[worst]:.1f} ms; {whole}"
    work = f"z0 to z13 tiles of {site.size:,} assets, p95 of the slowest zoom"
    seen = {"p95": p95, "p50": {zoom: load.percentile(times, 0.5) for zoom, times in by_zoom.items() if times}}
    return Row(work, ours, f"the {LOW_TILES} fullest tiles of each zoom", p95[worst], 25, "ms", True, seen)


def fullest(site: Site, zoom: int) -> list[cells.Tile]:
    """The tiles of this zoom with the most assets, as the pyramid counts them."""
    level = max(zoom, cells.LEVELS[0])
    with site.connect() as connection:
        found = connection.execute(
            "SELECT cell >> %s AS code FROM map_cell WHERE level = %s GROUP BY 1 ORDER BY sum(n) DESC, 1 LIMIT %s",
            [2 * (level - zoom), level, LOW_TILES],
        ).fetchall()
    return [cells.Tile(zoom, *_place(code, zoom)) for (code,) in found]


def _timed(connection: http.client.HTTPConnection, path: str) -> float:
    began = time.perf_counter()
    connection.request("GET", path)
    answer = connection.getresponse()
    body = answer.read()
    ms = (time.perf_counter() - began) * 1000
    if answer.status != 200 or not body:
        raise load.Failed(f"{path} was answered with {answer.status} and {len(body)} bytes")
    return ms


def growth(grown: dict[int, Times]) -> Row:
    """How much dearer the tiles of zooms 0 to 13 are where there are more assets: the zoom that grew most.

    Each zoom's median tile where there are most assets, as a ratio of that where there are fewest.
    """
    few, many = min(grown), max(grown)
    ms = {size: {zoom: _median(grown[size], zoom) for zoom in LOW_ZOOMS} for size in (few, many)}
    ratios = {zoom: ms[many][zoom] / ms[few][zoom] for zoom in LOW_ZOOMS}
    worst = max(ratios, key=lambda zoom: ratios[zoom])
    seen = {"ratios": ratios, "ms": {size: {str(tile): one for tile, one in grown[size].items()} for size in grown}}
    ours, was = (f"z{worst} median {ms[size][worst]:.1f} ms" for size in (many, few))
    work = f"z0 to z13 tiles, {few:,} to {many:,} assets, the zoom that grew most"
    return Row(work, ours, was, ratios[worst], 1.5, "×", True, seen)


def _median(times: Times, zoom: int) -> float:
    return load.percentile([ms for tile, ms in times.items() if tile.z == zoom], 0.5)
