"""An import beside everything else: what goes on while it runs, who is told to come later, and what its end leaves."""

import json
import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import UUID

import anyio
import psycopg
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, localdb
from app.actions import areas, import_batches, import_plan, import_undo, imports
from app.actions.import_plan import Plan
from app.actions.progress import Progress
from app.auth import Actor
from app.db import Engines
from app.errors import Busy, Invalid
from app.geo import areas as ground
from tests.conftest import Database
from tests.factories import HERE, Town, document

ROOT = Path(__file__).parents[2]
OPERATOR = Actor.system("test")


def _plan(tmp_path: Path, rows: int, *, body: str = "", name: str = "file") -> Plan:
    """Places in a row from west to east, in the town's north ward."""
    path = tmp_path / f"{name}.csv"
    lines = (f"Place {n},{HERE[1]},{-0.19 + n * 0.0000001:.7f},{body}\n" for n in range(rows))
    path.write_text("title,lat,lon,notes\n" + "".join(lines), encoding="utf-8")
    return import_plan.understand(path, kinds.BY_NAME["place"])


def _ward(tmp_path: Path) -> areas.Boundaries:
    path = tmp_path / "wards.geojson"
    ring = "[[-0.2,51.4],[0,51.4],[0,51.5],[-0.2,51.5],[-0.2,51.4]]"
    path.write_text(
        '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"code":"W","name":"W"},'
        f'"geometry":{{"type":"Polygon","coordinates":[{ring}]}}}}]}}',
        encoding="utf-8",
    )
    return areas.understand(path, level="ward")


async def test_people_read_and_write_while_an_import_runs(app: FastAPI, tmp_path: Path) -> None:
    """An import that has done everything but commit holds all that an import ever holds."""
    service = app.state.service
    town = await Town.found(app, service.engines, service.secret)
    theirs = await town.pin("owner", kind="idea")
    async with service.engines.transaction() as importing:
        account = await imports.bring_in(importing, OPERATOR, _plan(tmp_path, 300))
        assert (account.created, account.in_areas) == (300, 300)
        with anyio.fail_after(9):  # whoever waits for a lock is refused after ten seconds
            pinned = await town["author"].post("/api/v1/assets", json=document("idea"))
            assert pinned.status_code == 201, pinned.text
            at = f"/api/v1/assets/{theirs['id']}"
            moved = {"geometry": {"type": "Point", "coordinates": [-0.1, 51.42]}}
            etag = (await town["owner"].get(at)).headers["etag"]
            amended = await town["owner"].patch(at, json=moved, headers={"If-Match": etag})
            assert amended.status_code == 200, amended.text
            assert (await town["other"].put(f"{at}/appreciation")).status_code < 300
            assert (await town["visitor"].get("/tiles/0/0/0.mvt")).status_code == 200
            listed = (await town["visitor"].get("/api/v1/assets", params={"count": "exact"})).json()
            assert listed["numberMatched"] == 2, "what is not committed is not shown"
    listed = (await town["visitor"].get("/api/v1/assets", params={"count": "exact"})).json()
    assert listed["numberMatched"] == 302
    await town.leave()


async def test_undoing_and_whoever_touches_an_asset_meanwhile_see_each_other(app: FastAPI, tmp_path: Path) -> None:
    """Who was first counts: what is said before the undoing keeps an asset, what comes after it finds none."""
    service = app.state.service
    town = await Town.found(app, service.engines, service.secret)
    async with service.engines.transaction() as importing:
        await imports.bring_in(importing, OPERATOR, _plan(tmp_path, 3))
    run: UUID = await town.sql("SELECT uid FROM import_run")
    uids: list[UUID] = await town.sql("SELECT array_agg(uid ORDER BY id) FROM asset")
    said = {"text": "Well!"}
    assert (await town["other"].post(f"/api/v1/assets/{uids[0]}/comments", json=said)).status_code == 201
    late: list[int] = []

    async def speak() -> None:
        late.append((await town["other"].post(f"/api/v1/assets/{uids[1]}/comments", json=said)).status_code)

    async with anyio.create_task_group() as people, service.engines.transaction() as undoing:
        done = await import_undo.undo(undoing, OPERATOR, run)
        people.start_soon(speak)
        await anyio.sleep(0.3)
        assert late == [], "it waits for the undoing"
    assert (done.removed, done.kept, late) == (2, 1, [404])
    assert await town.sql("SELECT count(*) FROM comment") == 1
    await town.leave()


async def test_two_imports_of_one_source_come_in_one_after_the_other(engines: Engines, tmp_path: Path) -> None:
    done: list[object] = []

    async def one() -> None:
        try:
            async with engines.transaction() as session:
                done.append((await imports.bring_in(session, OPERATOR, _plan(tmp_path, 200))).created)
        except Busy as problem:
            done.append(type(problem))

    async with anyio.create_task_group() as both:
        for _ in range(4):
            both.start_soon(one)
    assert done.count(200) == 1
    assert set(done) <= {200, 0, Busy}
    async with engines.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM asset")) == 200
        assert await session.scalar(text("SELECT count(*) FROM source")) == 1


async def test_a_change_of_boundaries_and_the_same_source_are_told_at_once_to_come_later(
    engines: Engines, tmp_path: Path
) -> None:
    """Whoever waited for the import would make every writer wait behind it."""
    plan = _plan(tmp_path, 3)
    async with engines.transaction() as importing:
        await imports.bring_in(importing, OPERATOR, plan)
        with anyio.fail_after(5):
            with pytest.raises(Busy, match="brought in just now"):
                async with engines.transaction() as other:
                    await areas.bring_in(other, OPERATOR, _ward(tmp_path))
            with pytest.raises(Busy, match="The source 'file' is being brought in"):
                async with engines.transaction() as other:
                    await imports.bring_in(other, OPERATOR, plan)
    async with engines.transaction() as changing:
        await areas.bring_in(changing, OPERATOR, _ward(tmp_path))
        with anyio.fail_after(5), pytest.raises(Busy, match="brought in just now"):
            async with engines.transaction() as other:
                await imports.bring_in(other, OPERATOR, plan)


async def test_two_sources_come_in_beside_each_other(engines: Engines, tmp_path: Path) -> None:
    with anyio.fail_after(9):
        async with engines.transaction() as one, engines.transaction() as other:
            assert (await imports.bring_in(one, OPERATOR, _plan(tmp_path, 3, name="one"))).created == 3
            assert (await imports.bring_in(other, OPERATOR, _plan(tmp_path, 3, name="other"))).created == 3


def test_an_import_that_is_killed_leaves_nothing(database: Database, admin: localdb.Connection, tmp_path: Path) -> None:
    _plan(tmp_path, 20_000)
    counted = (
        "SELECT (SELECT count(*) FROM asset), (SELECT count(*) FROM map_change), (SELECT count(*) FROM import_run)"
    )
    command = [sys.executable, "-m", "app.cli", "import", str(tmp_path / "file.csv"), "--kind", "place"]
    own = {"CIVIC_DATABASE_URL": database.write, "CIVIC_DATABASE_READ_URL": database.read}
    at_work = "SELECT pid FROM pg_stat_activity WHERE datname = %s AND query LIKE '-- import_create%%'"
    importing = subprocess.Popen(command, cwd=ROOT, env=os.environ | own, stderr=subprocess.DEVNULL)
    try:
        (backend,) = _soon(lambda: admin.execute(at_work, [database.name]).fetchone())
    finally:
        importing.send_signal(signal.SIGKILL)
        importing.wait()
    there = "SELECT pid FROM pg_stat_activity WHERE pid = %s"
    assert _soon(lambda: (True,) if admin.execute(there, [backend]).fetchone() is None else None)
    with psycopg.connect(database.write.replace("+psycopg", "")) as connection:
        assert connection.execute(counted).fetchone() == (0, 0, 0)


def _soon(look: Callable[[], tuple[object, ...] | None]) -> tuple[object, ...]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError("it did not happen within 30 seconds")


# ── how it reads ────────────────────────────────────────────────────────────────────────────


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    """40 MB of text pass through a few batches of 8 million characters; the limit for the process is 200 MB."""
    plan = _plan(tmp_path, 2_500, body="x" * 16_000)
    tracemalloc.start()
    try:
        rows = sum(len(batch.rows) for batch in import_batches.batches(plan))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert rows == 2_500
    assert peak < 25_000_000


def test_memory_does_not_grow_with_the_names_in_a_file(tmp_path: Path) -> None:
    """Each feature of a GeoJSON file may name its properties as it likes: half a million names here."""
    here = {"type": "Point", "coordinates": list(HERE)}
    with (tmp_path / "names.geojson").open("w", encoding="utf-8") as file:
        for row in range(500):
            said = {"title": f"Place {row}"} | {f"a name of its own {row * 1000 + n}": 1 for n in range(1000)}
            file.write(json.dumps({"type": "Feature", "properties": said, "geometry": here}) + "\n")
    plan = import_plan.understand(tmp_path / "names.geojson", kinds.BY_NAME["place"])
    tracemalloc.start()
    try:
        rows = [len(batch.rows) + len(batch.refused) for batch in import_batches.batches(plan)]
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert sum(rows) == 500
    assert peak < 40_000_000


async def test_the_next_batch_is_read_while_this_one_is_worked_on(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", 10)
    read: list[int] = []
    batches = import_batches.batches

    def noted(plan: Plan) -> Iterator[import_batches.Batch]:
        for number, batch in enumerate(batches(plan)):
            read.append(number)
            yield batch

    seen: list[tuple[int, int]] = []
    monkeypatch.setattr(import_batches, "batches", noted)
    await imports.bring_in(
        session, OPERATOR, _plan(tmp_path, 35), tell=lambda progress: seen.append((progress.done, len(read)))
    )
    assert [done for done, _ in seen] == [10, 20, 30, 35, 0]
    assert seen[0][1] >= 2, "the second was on its way before the first was told of"


async def test_a_fault_in_the_file_comes_out_of_the_thread_that_reads_it(
    session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_batches, "BATCH", 100)
    plan = _plan(tmp_path, 250)
    path = tmp_path / "file.csv"
    path.write_text(path.read_text(encoding="utf-8") + '"never closed,51.4,-0.1\n', encoding="utf-8")
    with pytest.raises(Invalid, match="a quotation mark opens here"):
        await imports.bring_in(session, OPERATOR, plan)


async def test_it_says_how_far_it_is(session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(import_batches, "BATCH", 500)
    told: list[Progress] = []
    await imports.bring_in(session, OPERATOR, _plan(tmp_path, 1200, body="word " * 100), tell=told.append)
    assert [(one.phase, one.done) for one in told] == [
        ("bringing in", 500), ("bringing in", 1000), ("bringing in", 1200), ("counting for the map", 0),
    ]  # fmt: skip
    shares = [one.share for one in told[:-1]]
    assert shares == sorted(shares, key=lambda share: share or 0)
    assert 0.3 < (shares[0] or 0) < 0.7
    assert shares[-1] == 1


# ── one rule of places ──────────────────────────────────────────────────────────────────────

#: The rule of app/geo/areas.py, as plainly as SQL can say it.
PLAINLY = """
SELECT asset.title, array_agg(lies.code ORDER BY lies.code) AS codes FROM asset
LEFT JOIN LATERAL (
  SELECT DISTINCT ON (area.set_id) area.code FROM area WHERE ST_Covers(area.geom, asset.anchor)
  ORDER BY area.set_id, area.code COLLATE "C"
) AS lies ON true GROUP BY asset.title
"""
FOUND = """
SELECT asset.title, array_agg(area.code ORDER BY area.code) AS codes FROM asset
LEFT JOIN asset_area ON asset_area.asset_id = asset.id LEFT JOIN area ON area.id = asset_area.area_id
GROUP BY asset.title
"""


async def _pairs(session: AsyncSession, statement: str) -> dict[str, list[str]]:
    return {row.title: row.codes for row in await session.execute(text(statement))}


@pytest.mark.parametrize("side", [1 / 16, 1 / 32, 0.041])
async def test_an_import_and_an_assignment_find_the_areas_that_the_plain_rule_finds(
    session: AsyncSession, tmp_path: Path, side: float
) -> None:
    """Wards in a grid, in two sets; points on edges, corners and middles, also where the squares of look-ups meet."""
    await session.execute(text("INSERT INTO boundary_set (level, name) VALUES ('ward', 'one'), ('ward', 'other')"))
    await session.execute(
        text(
            "INSERT INTO area (set_id, level, code, name, geom) SELECT boundary_set.id, 'ward', "
            "boundary_set.name || (x * 7 + y * 5) % 31 || '-' || x || '-' || y, 'A ward', ST_Multi(ST_MakeEnvelope("
            "-0.125 + x * :side, 51.0625 + y * :side, -0.125 + (x + 1) * :side, 51.0625 + (y + 1) * :side, 4326)) "
            "FROM boundary_set, generate_series(0, 5) AS x, generate_series(0, 5) AS y"
        ),
        {"side": side},
    )
    steps = [n * side / 2 for n in range(-1, 14)]
    lines = "".join(f"{x!r} {y!r},{51.0625 + y!r},{-0.125 + x!r}\n" for x in steps for y in steps)
    (tmp_path / "grid.csv").write_text("title,lat,lon\n" + lines, encoding="utf-8")
    plan = import_plan.understand(tmp_path / "grid.csv", kinds.BY_NAME["place"])
    account = await imports.bring_in(session, OPERATOR, plan)
    plainly = await _pairs(session, PLAINLY)
    assert account.created == len(plainly) == len(steps) ** 2
    assert max(len(codes) for codes in plainly.values()) == 2
    assert await _pairs(session, FOUND) == plainly
    await session.execute(text("DELETE FROM asset_area"))
    await ground.assign(session)
    assert await _pairs(session, FOUND) == plainly
