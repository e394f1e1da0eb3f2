"""What a drill stands on."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """A data folder that the account running the database may pass through to, which pytest's own are not."""
    with tempfile.TemporaryDirectory(prefix="civic-drill-") as name:
        Path(name).chmod(0o711)
        yield Path(name) / "map"
