"""`./civic map verify`, as an operator types it."""

import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from app.db import Engines
from app.settings import Settings
from tests.geo.world import Thing, pin

ROOT = Path(__file__).parents[1]


def verify(settings: Settings, *words: str) -> "subprocess.CompletedProcess[str]":
    """Run the command on the test's database."""
    own = {"CIVIC_DATABASE_URL": settings.database_url, "CIVIC_DATABASE_READ_URL": settings.database_read_url}
    return subprocess.run(
        [sys.executable, "-m", "app.cli", "map", "verify", *words],
        cwd=ROOT,
        env={name: value or "" for name, value in own.items()} | {"PATH": "/usr/bin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


async def test_drift_is_reported_and_mended(settings: Settings, engines: Engines) -> None:
    async with engines.transaction() as session:
        await pin(session, [Thing(), Thing(kind="idea")])
    sound = verify(settings)
    assert sound.returncode == 0, sound.stderr
    assert sound.stdout.count("drift 0") == 14
    assert sound.stdout.startswith("level  3  assets          2  drift 0\n")

    async with engines.transaction() as session:
        await session.execute(text("DELETE FROM map_change WHERE kind = 'idea'"))
    drifted = verify(settings)
    assert drifted.returncode == 1
    assert drifted.stdout.count("drift 2") == 14  # of its theme, and of all themes together
    assert "--rebuild" in drifted.stderr

    mended = verify(settings, "--rebuild")
    assert mended.returncode == 0, mended.stderr
    assert mended.stdout.count("drift 0") == 14
