"""Files that mean harm get one clear sentence, end soon, and take no memory; nothing is written, nothing is fetched."""

import json
import random
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.geo import hostile

ROOT = Path(__file__).parents[2]
#: How much more memory than an idle process any file may take.
MOST_MB = 200


def _read(paths: list[Path]) -> dict[str, Any]:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-m", "tests.geo.reading_apart", *map(str, paths)],
        cwd=ROOT, capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    assert done.stderr == ""
    return {told["name"]: told for told in map(json.loads, done.stdout.splitlines())}


@pytest.mark.parametrize("kind", ["texts", "markup", "archives", "databases"])
def test_hostile_and_broken_files_are_refused_in_one_sentence(tmp_path: Path, kind: str) -> None:
    files = hostile.databases(tmp_path) if kind == "databases" else getattr(hostile, kind)()
    there = tmp_path / "files"
    there.mkdir()
    for name, (content, _) in files.items():
        (there / name).write_bytes(content.encode() if isinstance(content, str) else content)
    found = _read(sorted(there.iterdir()))
    assert set(found) == set(files)
    for name, (_, says) in files.items():
        refused = found[name]["refused"]
        assert refused and re.search(says, refused), f"{name}: {found[name]}"
        assert refused.startswith(name), f"it does not say which file: {refused}"
        assert refused.endswith(".") and len(refused) < 300 and "Traceback" not in refused, refused
    grown = {name: round(told["grown_mb"]) for name, told in found.items()}
    sys.stdout.write(f"{kind}: {grown}\n")
    assert max(grown.values()) <= MOST_MB, grown
    assert {path.name for path in there.iterdir()} == set(files), "something was written beside the files"


def test_a_geometry_nested_without_end_is_a_fault_of_its_own_row(tmp_path: Path) -> None:
    path = tmp_path / "nested.gpkg"
    path.write_bytes(hostile.nested(tmp_path))
    assert _read([path])["nested.gpkg"] | {"grown_mb": 0} == {
        "name": "nested.gpkg", "rows": 2, "wrong": 1, "refused": None, "grown_mb": 0,
    }  # fmt: skip


def test_a_file_of_any_format_that_is_damaged_anywhere_is_read_or_refused(tmp_path: Path) -> None:
    chance = random.Random(20261123)
    there = tmp_path / "files"
    there.mkdir()
    for name, content in hostile.whole(tmp_path).items():
        (there / name).write_bytes(content)
        for number in range(20):
            (there / f"{number}{Path(name).suffix}").write_bytes(hostile.damaged(content, chance))
    found = _read(sorted(there.iterdir()))
    assert set(found) == {path.name for path in there.iterdir()}, "reading one of them ended the process"
    assert {name: told["refused"] for name, told in found.items() if name.startswith("whole")} == dict.fromkeys(
        hostile.whole(tmp_path)
    )
    refusals = [told["refused"] for told in found.values() if told["refused"]]
    assert len(refusals) > 40
    assert [said for said in refusals if not said.endswith(".") or len(said) > 300] == []
    assert max(told["grown_mb"] for told in found.values()) <= MOST_MB
