"""The page's own unit tests, so that one run covers both languages."""

import subprocess
from pathlib import Path

FRONTEND = Path(__file__).parents[1] / "frontend"


def test_the_page_passes_its_unit_tests() -> None:
    vitest = FRONTEND / "node_modules" / ".bin" / "vitest"
    assert vitest.exists(), "node_modules is missing: run the tests with ./civic test"
    ended = subprocess.run([vitest, "run"], cwd=FRONTEND, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
