"""The ward report as a file over HTTP: each format by its address, small ones only, two at a time."""

import io
import json
import tempfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import anyio
import httpx
import openpyxl
import pytest

from app import files
from app.db import Engines
from app.geo import areas as ground
from app.models import Asset
from app.reports.matter import Matter
from app.reports.registry import FORMATS
from app.routers import report_files
from tests import factories
from tests.factories import HERE, NORTH, SOUTH

BEGINS = {
    "xlsx": b"PK",
    "geojson": b'{"type":"FeatureCollection"',
    "gpkg": b"SQLite format 3",
    "pdf": b"%PDF-",
    "brief": b"%PDF-",
}
ADDRESS = {name: f"/api/v1/reports/wards{'/brief.pdf' if name == 'brief' else f'.{name}'}" for name in BEGINS}


async def _gardens(engines: Engines, count: int) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)
        at = f"SRID=4326;POINT({HERE[0]} {HERE[1]})"
        assets = [
            Asset(kind="project", title=f"Garden {n}", geom=at, published_at=datetime.now(UTC)) for n in range(count)
        ]
        session.add_all(assets)
        await session.flush()
        await ground.assign(session, [asset.id for asset in assets])


async def test_each_format_has_its_address_and_its_name(engines: Engines, client: httpx.AsyncClient) -> None:
    await _gardens(engines, 2)
    day = datetime.now(UTC).date().isoformat()
    for name, address in ADDRESS.items():
        answer = await client.get(address, params={"area": NORTH})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == FORMATS[name].media_type
        called = f"{'brief' if name == 'brief' else 'assets'}-by-ward-{day}.{FORMATS[name].suffix}"
        assert answer.headers["content-disposition"] == f'attachment; filename="{called}"'
        assert answer.content.startswith(BEGINS[name])


async def test_it_is_of_what_was_asked_for(engines: Engines, client: httpx.AsyncClient) -> None:
    await _gardens(engines, 2)
    asked = {"area": f"{NORTH}, {SOUTH},{NORTH}", "since": "2024-01-01"}
    book = openpyxl.load_workbook(io.BytesIO((await client.get(ADDRESS["xlsx"], params=asked)).content))
    rows = list(book["wards"].iter_rows(values_only=True))
    assert [row[0] for row in rows] == ["Ward code", NORTH, SOUTH, None, None]
    assert book.properties.title == f"Assets by ward in {NORTH}, {SOUTH}", "each area once"
    assert rows[1][list(rows[0]).index("New assets")] == 2
    told = json.loads((await client.get(ADDRESS["geojson"], params={"level": "borough"})).content)
    assert told["report"]["level"] == "borough"


@pytest.mark.parametrize(("count", "status"), [(3, 200), (4, 413)])
async def test_a_large_report_is_to_be_ordered(
    engines: Engines, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, count: int, status: int
) -> None:
    monkeypatch.setattr(report_files, "MOST_AT_ONCE", 3)
    await _gardens(engines, count)
    for address in ADDRESS.values():
        answer = await client.get(address)
        assert answer.status_code == status
        if status == 413:
            problem = answer.json()
            assert problem["type"] == "/problems/report-too-large"
            assert "POST /api/v1/reports/jobs" in problem["detail"]


async def test_when_all_writers_are_taken_one_waits_and_then_is_told(
    engines: Engines, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(report_files, "PATIENCE_S", 0.1)
    await _gardens(engines, 1)
    taken = [report_files.WRITERS.acquire(blocking=False) for _ in range(3)]
    assert taken == [True, True, False], "two at a time"
    try:
        answer = await client.get(ADDRESS["pdf"])
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")
        report_files.WRITERS.release()
        assert (await client.get(ADDRESS["pdf"])).status_code == 200
        assert report_files.WRITERS.acquire(blocking=False), "a place is given back"
    finally:
        report_files.WRITERS.release(2)


@pytest.mark.parametrize("query", ["level=parish", "area=X1", "at=yesterday", "format=pdf"])
async def test_what_is_not_understood_is_refused_and_leaves_no_file(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, query: str
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    for address in ADDRESS.values():
        assert (await client.get(f"{address}?{query}")).status_code == 422
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240  a folder of a test


async def test_a_file_goes_out_bit_by_bit_and_leaves_nothing(
    engines: Engines, client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The outlines of a country: 38 MB, which nobody holds in memory for a slow reader."""

    def write(matter: Matter, path: Path) -> None:
        path.write_bytes(b"0123456789" * (files.PIECE // 4))

    read: list[int] = []

    class Counted(anyio.AsyncFile[bytes]):
        async def read(self, size: int = -1) -> bytes:
            read.append(size)
            return await super().read(size)

    monkeypatch.setattr("anyio._core._fileio.AsyncFile", Counted)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setitem(FORMATS, "geojson", replace(FORMATS["geojson"], write=write))
    answer = await client.get(ADDRESS["geojson"])
    assert answer.content == b"0123456789" * (files.PIECE // 4)
    assert answer.headers["content-length"] == str(len(answer.content))
    assert read == [files.PIECE] * 4, "three pieces, and the end"
    assert not list(tmp_path.iterdir())  # noqa: ASYNC240  a folder of a test
