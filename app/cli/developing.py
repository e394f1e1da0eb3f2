"""For developers: openapi, test, drill, bench, check."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Annotated

import typer

from app.cli.opening import cli
from app.settings import Settings

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "frontend"


@cli.command()
def openapi(file: Annotated[Path, typer.Argument(help="Where to write it.")]) -> None:
    """Write the API's OpenAPI document, for example to make types from it."""
    from app import main as application

    document = application.create_app(Settings(), worker=False).openapi()
    file.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def test(context: typer.Context) -> None:
    """Every test, two at a time; what follows is passed on to pytest."""
    words = list(context.args)
    if not any(word.startswith(("-n", "--numprocesses", "--dist")) for word in words):
        words = ["-n", "2", "--dist", "loadscope", *words]
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "pytest", *words])


@cli.command()
def drill(
    seconds: Annotated[int, typer.Option(min=1, help="How long each drill writes.")] = 30,
) -> None:
    """The long trials: eight writers at once, and kill -9 while they write. They print what they found."""
    os.chdir(ROOT)
    command = [sys.executable, "-m", "pytest", "tests/drills", "-s", "-v"]
    os.execve(sys.executable, command, os.environ | {"DRILL_SECONDS": str(seconds)})


@cli.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True, "help_option_names": []},
    add_help_option=False,
)
def bench(context: typer.Context) -> None:
    """Measure the map at ten thousand to ten million assets, beside others; --help lists what can be said."""
    os.chdir(ROOT)
    os.execv(sys.executable, [sys.executable, "-m", "bench", *context.args])


@cli.command()
def check() -> None:
    """Format, lint, types and layers of the Python code; lint and types of the page. All run, even if one fails."""
    node = FRONTEND / "node_modules" / ".bin"
    tools: list[tuple[str, Path, list[str | Path]]] = [
        ("ruff format", ROOT, [sys.executable, "-m", "ruff", "format", "--check", "."]),
        ("ruff check", ROOT, [sys.executable, "-m", "ruff", "check", "."]),
        ("mypy", ROOT, [sys.executable, "-m", "mypy"]),
        ("layers", ROOT, [Path(sys.executable).with_name("lint-imports")]),
        ("eslint", FRONTEND, [node / "eslint", "."]),
        ("tsc", FRONTEND, [node / "tsc", "--noEmit"]),
    ]
    with ThreadPoolExecutor(2) as pool:
        passed = list(pool.map(lambda tool: _checked(*tool), tools))
    sys.exit(0 if all(passed) else 1)


def _checked(name: str, folder: Path, command: list[str | Path]) -> bool:
    began = time.monotonic()
    environment = os.environ | {"PYTHONPATH": str(ROOT)}  # import-linter looks for the package there
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    failed = "" if done.returncode == 0 else f"failed\n{done.stdout}{done.stderr}"
    print(f"{name}: {time.monotonic() - began:.1f} s {failed}".rstrip(), flush=True)
    return done.returncode == 0
