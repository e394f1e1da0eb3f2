"""The list of a thousand assets in a box, beside tipg on the same columns and SQL making the same JSON; OGC's pages."""

import functools
import math
from collections.abc import Callable
from typing import Any

import httpx

from bench import load, servers, tiles
from bench.rows import Row
from bench.site import Site

LIMIT = 1000
BOXES = 100
CHECKED = 3
GOALS = {"tipg": 12.0, "raw SQL": 0.8}
#: The same Feature for each asset as our list gives, put together by hand; && alone compares boxes of single precision.
RAW = """\\set n random(1, {count})
SELECT west, south, east, north FROM bench.box WHERE n = :n \\gset
{statement};
"""
STATEMENT = """SELECT json_build_object('type', 'FeatureCollection', 'features', json_agg(feature)) FROM (
  SELECT json_build_object('type', 'Feature', 'id', uid, 'geometry', ST_AsGeoJSON(geom, 7)::json, 'properties',
    json_build_object(
      'kind', kind, 'title', title, 'summary', summary, 'body', body, 'theme', theme, 'state', state, 'stage', stage,
      'audience', audience, 'organiser', organiser, 'website', website, 'licence', licence, 'attribution', attribution,
      'details', details, 'location_class', location_class, 'starts_at', starts_at, 'ends_at', ends_at,
      'published_at', published_at, 'ended_at', ended_at, 'created_at', created_at, 'updated_at', updated_at,
      'version', version, 'via', via, 'appreciations', appreciation_count,
      'anchor', json_build_array(round(lon::numeric, 7), round(lat::numeric, 7)),
      'owner', CASE WHEN owner_uid IS NOT NULL THEN json_build_object('uid', owner_uid, 'name', owner_name) END,
      'community', CASE WHEN community_uid IS NOT NULL THEN
        json_build_object('uid', community_uid, 'name', community_name) END,
      'ward', CASE WHEN ward_code IS NOT NULL THEN json_build_object('code', ward_code, 'name', ward_name) END,
      'area', NULL)) AS feature
  FROM bench.assets
  WHERE id IN (
    SELECT id FROM asset
    WHERE anchor && ST_MakeEnvelope(:west, :south, :east, :north, 4326)
      AND ST_X(anchor) BETWEEN :west AND :east AND ST_Y(anchor) BETWEEN :south AND :north
      AND state = 'published' AND audience = 'public' AND stage <> 'ended'
    ORDER BY id DESC LIMIT {limit}
  )
  ORDER BY id DESC
) AS one"""
Box = tuple[float, float, float, float]


def in_a_box(site: Site) -> list[Row]:
    """Beside tipg, if it is here, and pgbench."""
    limit = site.scaled(LIMIT)
    boxes = choose(site, limit)
    asked: dict[str, Callable[[], load.Run]] = {
        name: functools.partial(load.wrk, site.up[name].url, [path(name, box, limit) for box in boxes], site.seconds)
        for name in ("ours", "tipg")
        if name in site.up
    }
    statement = STATEMENT.replace("{limit}", str(limit))
    script = RAW.replace("{count}", str(len(boxes))).replace("{statement}", statement)
    asked["raw SQL"] = functools.partial(load.pgbench, site.cluster, {script: 1}, f"-T{site.seconds}")
    sizes = check(site, boxes, limit, statement)
    runs = load.rounds(asked, site.rounds)
    seen = {"features": limit, "boxes": len(boxes), "bytes": sizes, "runs": runs}
    rows = []
    for name, goal in GOALS.items():
        work = f"list of {limit:,} features in a box"
        if name not in runs:
            seen_here = {"why": site.absent.get(name)}
            rows.append(Row(work, tiles.said(runs["ours"], sizes["ours"]), name, None, goal, seen=seen_here))
            continue
        beside = f"{name} {tiles.said(runs[name], sizes[name])}"
        rows.append(
            Row(work, tiles.said(runs["ours"], sizes["ours"]), beside, load.ratio(runs, "ours", name), goal, seen=seen)
        )
    return rows


def ogc(site: Site) -> list[Row]:
    """A page of places as OGC API Features gives it beside our own list of the same box; the list of collections.

    OGC's page also holds what lies nowhere (Part 1, /req/core/fc-bbox-response), so the two are as many, not the same.
    """
    limit = site.scaled(LIMIT)
    boxes = choose(site, limit)
    own = [path("ours", box, limit) for box in boxes]
    open_ = [f"/ogc/collections/places/items?f=json&limit={limit}&bbox={_corners(box)}" for box in boxes]
    for one in open_[:CHECKED]:
        found = _asked(site.ours, one).json()["features"]
        if len(found) != limit:
            raise load.Failed(f"{one} lists {len(found)} of {limit} features")
    collections = {"ours": "/ogc/collections?f=json", "tipg": "/collections?f=json"}
    asked: dict[str, Callable[[], load.Run]] = {
        "items": functools.partial(load.wrk, site.ours.url, open_, site.seconds),
        "list": functools.partial(load.wrk, site.ours.url, own, site.seconds),
    }
    for name, one in collections.items():
        if name in site.up:
            asked[name] = functools.partial(load.wrk, site.up[name].url, [one], site.seconds)
    runs = load.rounds(asked, site.rounds)
    page, listed = (tiles.said(runs[name]) for name in ("items", "list"))
    work = f"OGC items, {limit:,} places for a box"
    rows = [Row(work, page, f"our own list {listed}", load.ratio(runs, "items", "list"), seen={"runs": runs})]
    every, other = tiles.said(runs["ours"]), "tipg"
    if other not in runs:
        return [*rows, Row("OGC collections", every, other, seen={"why": site.absent.get(other)})]
    result = load.ratio(runs, "ours", other)
    return [*rows, Row("OGC collections", every, f"{other}, its two views {tiles.said(runs[other])}", result)]


def path(name: str, box: Box, limit: int) -> str:
    """Where this server lists this box."""
    bbox = _corners(box)
    return (
        f"/api/v1/assets?bbox={bbox}&limit={limit}"
        if name == "ours"
        else (f"/collections/bench.assets/items?bbox={bbox}&limit={limit}")
    )


def _corners(box: Box) -> str:
    return ",".join(f"{value:.6f}" for value in box)


def choose(site: Site, limit: int) -> list[Box]:
    """Boxes around zoom-14 tiles, each with the limit's number of assets and hardly more."""
    found = []
    for tile, pins in list(tiles.choose(site, 14, limit).items())[: 2 * BOXES]:
        margin = (math.sqrt(1.1 * limit / pins) - 1) / 2
        west, south, east, north = (round(value, 6) for value in tile.bounds(margin))
        found.append((west, south, east, north))
    with site.connect() as connection:
        connection.execute("DROP TABLE IF EXISTS bench.box")
        connection.execute("CREATE TABLE bench.box (n int, west float8, south float8, east float8, north float8)")
        with connection.cursor() as cursor, cursor.copy("COPY bench.box FROM STDIN") as copy:
            for box in found:
                copy.write_row((0, *box))
        # Whatever the density around the tile: only boxes that hold the limit, and at most half as many again.
        kept = connection.execute(
            "WITH counted AS (SELECT box.ctid AS place, (SELECT count(*) FROM asset "
            "WHERE anchor && ST_MakeEnvelope(west, south, east, north, 4326) AND state = 'published' "
            "AND audience = 'public' AND stage <> 'ended') AS n FROM bench.box), "
            "kept AS (SELECT place, row_number() OVER () AS number FROM counted WHERE n BETWEEN %s AND %s LIMIT %s) "
            "UPDATE bench.box SET n = number FROM kept WHERE box.ctid = place RETURNING west, south, east, north",
            [limit, limit * 1.5, BOXES],
        ).fetchall()
        connection.execute("DELETE FROM bench.box WHERE n = 0")
        connection.execute("ALTER TABLE bench.box ADD PRIMARY KEY (n)")
        connection.execute("GRANT SELECT ON bench.box TO civic_read")
        connection.execute("ANALYZE bench.box")
    if not kept:
        raise load.Failed(f"no box holds {limit} assets")
    return [(west, south, east, north) for west, south, east, north in kept]


def check(site: Site, boxes: list[Box], limit: int, statement: str) -> dict[str, int]:
    """The mean bytes of each one's answer, after a look that SQL makes the very features of our list."""
    sizes: dict[str, list[int]] = {}
    for box in boxes[:CHECKED]:
        shown = {name: _asked(site.up[name], path(name, box, limit)) for name in ("ours", "tipg") if name in site.up}
        values = dict(zip(("west", "south", "east", "north"), box, strict=True))
        by_hand = statement
        for name, value in values.items():
            by_hand = by_hand.replace(f":{name}", str(value))
        with site.connect() as connection:
            row = connection.execute(by_hand.encode()).fetchone()
        made: dict[str, Any] = row[0] if row else {}
        own = shown["ours"].json()["features"]
        if len(own) != limit or [_same(one) for one in own] != [_same(one) for one in made["features"]]:
            raise load.Failed(f"SQL and our list differ in {box}: {len(own)} and {len(made['features'])} features")
        if "tipg" in shown and len(shown["tipg"].json()["features"]) != limit:
            raise load.Failed(f"tipg lists {len(shown['tipg'].json()['features'])} of {limit} features in {box}")
        for name, answer in shown.items():
            sizes.setdefault(name, []).append(len(answer.content))
        with site.connect() as connection:
            text = connection.execute(f"SELECT octet_length(({by_hand})::text)".encode()).fetchone()
        sizes.setdefault("raw SQL", []).append(text[0] if text else 0)
    return {name: sum(found) // len(found) for name, found in sizes.items()}


def _asked(server: servers.Server, path: str) -> httpx.Response:
    answer = httpx.get(server.url + path, headers={"Accept-Encoding": "identity"}, timeout=60)
    answer.raise_for_status()
    return answer


def _same(feature: dict[str, Any]) -> dict[str, Any]:
    """A feature with its times in one spelling."""
    properties = {
        name: value[:19] if name.endswith("_at") and value else value for name, value in feature["properties"].items()
    }
    return {**feature, "properties": properties}
