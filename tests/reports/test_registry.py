"""Producing a report: of one instant, beside the event loop, told how far it is, and stopped when nobody waits."""

import asyncio
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.db import Engines
from app.errors import Invalid, ReportTooLarge
from app.geo import areas as ground
from app.models import Asset
from app.reports import matter, registry
from app.reports.asking import Question
from app.reports.matter import Matter, Stopped
from app.reports.registry import FORMATS
from tests import factories
from tests.factories import HERE


async def _gardens(engines: Engines, count: int) -> None:
    async with engines.transaction() as session:
        await factories.draw_areas(session)
        at = f"SRID=4326;POINT({HERE[0]} {HERE[1]})"
        now = datetime.now(UTC)
        assets = [Asset(kind="project", title=f"Garden {n:03}", geom=at, published_at=now) for n in range(count)]
        session.add_all(assets)
        await session.flush()
        await ground.assign(session, [asset.id for asset in assets])


async def test_every_format_is_written_and_named(engines: Engines, tmp_path: Path) -> None:
    await _gardens(engines, 3)
    day = datetime.now(UTC).date().isoformat()
    for name, form in FORMATS.items():
        path = tmp_path / name
        called = await registry.produce(engines, Question(), name, path)
        what = "brief" if name == "brief" else "assets"
        assert called == f"{what}-by-ward-{day}.{form.suffix}"
        assert path.stat().st_size > 500


async def test_it_tells_how_far_it_is(engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(matter, "BATCH", 2)
    await _gardens(engines, 5)
    told: list[tuple[str, int, str, float | None]] = []
    await registry.produce(engines, Question(), "geojson", tmp_path / "report", lambda *word: told.append(word))
    assert told == [
        ("drawing areas", 2, "areas", 2 / 3), ("drawing areas", 3, "areas", 1.0),
        ("writing assets", 2, "assets", 0.4), ("writing assets", 4, "assets", 0.8),
        ("writing assets", 5, "assets", 1.0),
    ]  # fmt: skip


async def test_what_is_too_large_for_now_is_refused_on_its_bound(engines: Engines, tmp_path: Path) -> None:
    await _gardens(engines, 5)
    await registry.produce(engines, Question(), "csv", tmp_path / "five", most=5)
    with pytest.raises(ReportTooLarge, match="5 assets; up to 4 are written at once"):
        await registry.produce(engines, Question(), "csv", tmp_path / "four", most=4)
    with pytest.raises(Invalid, match="no area with the code 'X'"):
        await registry.produce(engines, Question(areas=("X",)), "pdf", tmp_path / "none")


async def test_the_loop_goes_on_while_a_writer_works(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written = threading.Event()

    def write(matter: Matter, path: Path) -> None:
        assert len(list(matter.assets())) == 3
        assert written.wait(30), "the loop stood still"
        path.touch()

    monkeypatch.setitem(FORMATS, "csv", replace(FORMATS["csv"], write=write))
    await _gardens(engines, 3)
    producing = asyncio.ensure_future(registry.produce(engines, Question(), "csv", tmp_path / "report"))
    await asyncio.sleep(0.01)
    written.set()
    await producing


async def test_a_writer_stops_when_nobody_waits(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(matter, "BATCH", 1)
    begun, go_on, ended = threading.Event(), threading.Event(), threading.Event()
    read: list[str] = []

    def write(matter: Matter, path: Path) -> None:
        try:
            for asset in matter.assets():
                read.append(asset.title)
                begun.set()
                assert go_on.wait(30)
        except Stopped:
            ended.set()
            raise

    monkeypatch.setitem(FORMATS, "csv", replace(FORMATS["csv"], write=write))
    await _gardens(engines, 3)
    producing = asyncio.ensure_future(registry.produce(engines, Question(), "csv", tmp_path / "report"))
    assert await asyncio.to_thread(begun.wait, 30)
    producing.cancel()
    await asyncio.sleep(0)
    go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await producing
    assert ended.is_set() and read == ["Garden 000"], "it has ended before its session is closed"


async def test_a_fault_of_a_writer_is_told(engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(matter: Matter, path: Path) -> None:
        next(matter.assets())
        raise OSError("no space left on device")

    monkeypatch.setitem(FORMATS, "csv", replace(FORMATS["csv"], write=write))
    await _gardens(engines, 3)
    with pytest.raises(OSError, match="no space left"):
        await registry.produce(engines, Question(), "csv", tmp_path / "report")
