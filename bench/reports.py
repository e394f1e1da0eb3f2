"""The ward report beside geopandas: all figures of London as JSON over HTTP, against its count by ward and kind."""

import gzip
import json
import statistics
import subprocess
import time
from typing import Any

import httpx

from app import kinds, localdb
from bench import country, servers
from bench.rows import Row
from bench.site import Site

GOAL = 20.0
#: Below so many assets there is little to count, and the report has as many rows.
LEAST = 1_000_000
#: How much slower the report may get from ten thousand assets to ten million.
GROWTH = 2.0
#: Of a hundred thousand assets so many may lie on a shared edge, which geopandas gives to nobody.
ON_EDGES = 1e-4
PATH = "/api/v1/reports/wards"
ROUNDS = 7
LONDON = country.WARDS.with_name("london_wards_2013.geojson.gz")


def of_wards(site: Site, told: dict[int, float]) -> list[Row]:
    """The report of London's wards, and geopandas on the same rows where it can be had; notes our seconds in `told`."""
    codes = wards(site)
    mine = ours(site, codes)
    told[site.size] = mine["median"]
    goal = GOAL if site.size >= LEAST else None
    work = f"report of {len(mine['rows']) - 2:,} wards, all figures"
    said = f"{1000 * mine['median']:,.0f} ms, {mine['bytes'] / 1000:,.0f} kB"
    try:
        theirs = geopandas(site, codes)
    except servers.Absent as reason:
        return [Row(work, said, f"geopandas: {reason}", goal=goal)]
    differ = difference(mine["rows"], theirs["counts"])
    if differ > ON_EDGES:
        return [Row(work, said, f"geopandas counts {differ:.2%} of the assets otherwise", failed=True)]
    other = statistics.median(theirs["seconds"])
    beside = f"geopandas {servers.locked('geopandas')}, by ward and kind: {other:.2f} s"
    seen = {"ours": mine["seconds"], "geopandas": theirs["seconds"], "differ": differ}
    return [Row(work, said, beside, other / mine["median"], goal, seen=seen)]


def wards(site: Site) -> list[str]:
    """The codes of London's wards that are loaded; of the first 649 where the test data is not beside this checkout."""
    with site.connect() as connection:
        query = "SELECT code FROM area WHERE level = 'ward' AND ended_at IS NULL ORDER BY code"
        loaded = [code for (code,) in connection.execute(query).fetchall()]
    if not LONDON.exists():
        return loaded[:649]
    places = json.loads(gzip.decompress(LONDON.read_bytes()))["features"]
    london = {place["properties"]["WD13CD"] for place in places}
    return [code for code in loaded if code in london]


def ours(site: Site, codes: list[str]) -> dict[str, Any]:
    """Ask for the report: its rows, its size, and how long it took each time. What waits to be counted is counted
    before: a busy map has some wards waiting, a bulk load all."""
    with httpx.Client(base_url=site.ours.url, timeout=300) as client:
        _settled(site)
        asked = {"area": ",".join(codes)}
        client.get(PATH, params=asked).raise_for_status()
        seconds = []
        for _ in range(ROUNDS):
            began = time.perf_counter()
            answer = client.get(PATH, params=asked)
            seconds.append(time.perf_counter() - began)
        rows = answer.raise_for_status().json()["rows"]
    return {"rows": rows, "bytes": len(answer.content), "seconds": seconds, "median": statistics.median(seconds)}


def _settled(site: Site) -> None:
    deadline = time.monotonic() + 900
    with site.connect() as connection:
        while connection.execute("SELECT 1 FROM tally_change LIMIT 1").fetchone():
            if time.monotonic() > deadline:
                raise RuntimeError("the tallies were not counted in a quarter of an hour")
            time.sleep(0.5)


def geopandas(site: Site, codes: list[str]) -> dict[str, Any]:
    """The same rows, read and counted by geopandas; raises Absent."""
    python = servers.environment("geopandas")
    address = site.cluster.url("civic_write").partition("host=")[2].partition("&")[0]
    url = f"postgresql+psycopg://civic_write@/{localdb.DATABASE}?host={address}"
    command = [str(python), str(servers.HERE / "in_geopandas.py"), url, str(site.rounds)]
    done = subprocess.run(command, input=" ".join(codes), capture_output=True, text=True, check=False)
    if done.returncode:
        raise servers.Absent(done.stderr.strip().splitlines()[-1])
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def difference(rows: list[dict[str, Any]], counts: list[tuple[str, str, int]]) -> float:
    """Which share of the assets on the map the two count in another ward or kind. What stands for a ward as a whole has
    no place for geopandas to find, and counts as different."""
    plural = {kind.name: kind.plural for kind in kinds.ALL}
    theirs = {(code, plural[kind]): n for code, kind, n in counts}
    mine = {(row["ward_code"], kind): row[kind] for row in rows if row["ward_code"] for kind in plural.values()}
    apart = sum(abs(int(n) - theirs.get(key, 0)) for key, n in mine.items())
    return apart / max(1, sum(theirs.values()))


def growth(found: dict[int, float]) -> Row:
    """How the time of the report grew from the smallest country to the largest; `found`: size → seconds."""
    small, large = min(found), max(found)
    said = ", ".join(f"{size:,} assets {1000 * found[size]:,.0f} ms" for size in sorted(found))
    work = f"report of London's wards, {small:,} to {large:,} assets"
    return Row(work, said, "", found[large] / found[small], GROWTH, at_most=True, seen={"seconds": found})
