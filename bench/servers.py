"""The servers that are measured, each in one process of its own on a free port, with eight connections to the database.

All read the same rows over the same socket as civic's own roles; tipg, Martin and pg_tileserv see the views of
bench/sql/views.sql, which hold what our tiles and our list show.
"""

import contextlib
import importlib.metadata
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import httpx

from app import localdb

HERE = Path(__file__).parent
ROOT = HERE.parent
POOL = 8
START_S = 120
#: Where environments are made for programs that are not ours.
MADE = ROOT / ".civic" / "bench"


class Absent(Exception):
    """This server cannot be run here; the text says why."""


@dataclass(frozen=True)
class Server:
    """A server that answers."""

    name: str
    version: str
    url: str
    pid: int
    tile: Callable[[int, int, int], str]
    """The path of a tile's address."""


@contextlib.contextmanager
def started(
    command: Callable[[int], Sequence[str | Path]], live: str, env: Mapping[str, str]
) -> Iterator[tuple[str, int]]:
    """Run a server on a free port until the block ends; yields its address and its process once it answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile() as words:
        process = subprocess.Popen(
            command(port),
            cwd=ROOT,
            env=os.environ | env,
            stdout=words,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + START_S
            while not _answers(address + live):
                if process.poll() is not None or time.monotonic() > deadline:
                    words.seek(0)
                    said = words.read().decode(errors="replace")[-2000:]
                    raise Absent(f"{command(port)[0]} did not start: {said}")
                time.sleep(0.1)
            yield address, process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(url, timeout=5).status_code == 200
    return False


# ── ours and the bare frameworks ────────────────────────────────────────────────────────────


@contextlib.contextmanager
def ours(data: Path) -> Iterator[Server]:
    """`./civic serve` on this folder, with its jobs, and without the limit of reads of one address."""
    env = {"CIVIC_READS_PER_MINUTE": "0", "CIVIC_POOL_SIZE": str(POOL), "CIVIC_POOL_WAIT_S": "30"}
    words = [sys.executable, "-m", "app.cli", "serve", "--data", str(data)]
    with started(lambda port: [*words, "--port", str(port)], "/health/ready", env) as (url, pid):
        yield Server("ours", importlib.metadata.version("uvicorn"), url, pid, lambda z, x, y: f"/tiles/{z}/{x}/{y}.mvt")


@contextlib.contextmanager
def bare(name: str, path: str, body: bytes, headers: Mapping[str, str]) -> Iterator[Server]:
    """A framework (starlette or fastapi) that always gives this answer at this path."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(json.dumps(dict(headers)).encode() + b"\n" + body)
        file.flush()
        words = [sys.executable, "-m", "uvicorn", f"bench.bare:{name}", "--factory", "--no-access-log", "--log-level"]
        command = [*words, "warning", "--no-server-header"]
        env = {"BENCH_ANSWER": file.name}
        with started(lambda port: [*command, "--port", str(port)], path, env) as (url, pid):
            yield Server(name, importlib.metadata.version(name), url, pid, lambda z, x, y: f"/tiles/{z}/{x}/{y}.mvt")


# ── other people's ──────────────────────────────────────────────────────────────────────────


def environment(name: str) -> Path:
    """The Python of an environment of its own for what is locked in bench/<name>.lock, made when missing or made from
    another lock. Raises Absent."""
    folder, lock = MADE / name, HERE / f"{name}.lock"
    python, made = folder / "bin" / "python", folder / "made-from"
    if python.exists() and made.exists() and made.read_bytes() == lock.read_bytes():
        return python
    shutil.rmtree(folder, ignore_errors=True)
    folder.parent.mkdir(parents=True, exist_ok=True)
    options = ["-q", "--disable-pip-version-check", "--no-deps", "--only-binary", ":all:"]
    pip = [str(python), "-m", "pip", "install", *options]
    for command in ([sys.executable, "-m", "venv", str(folder)], [*pip, "-r", str(lock)]):
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise Absent(f"{name} could not be installed: {done.stderr.strip().splitlines()[-1]}")
    made.write_bytes(lock.read_bytes())
    return python


def locked(name: str) -> str:
    """The version of a program in bench/<name>.lock."""
    return (HERE / f"{name}.lock").read_text().partition(f"{name}==")[2].split()[0]


@contextlib.contextmanager
def tipg(cluster: localdb.Cluster) -> Iterator[Server]:
    """tipg: uvicorn with uvloop and httptools, no buffer around its tiles, no look at the catalogue meanwhile."""
    python = environment("tipg")
    address = cluster.url("civic_write").partition("host=")[2].partition("&")[0]
    env = {
        "DATABASE_URL": f"postgresql://civic_write@{address}:5432/{localdb.DATABASE}",
        "TIPG_DB_SCHEMAS": '["bench"]', "TIPG_DB_SPATIAL_EXTENT": "false", "TIPG_DB_DATETIME_EXTENT": "false",
        "TIPG_TILE_BUFFER": "0", "TIPG_CATALOG_TTL": "0",
        "TIPG_TABLE_CONFIG__bench_assets__geomcol": "anchor",
        "DB_MIN_CONN_SIZE": str(POOL), "DB_MAX_CONN_SIZE": str(POOL),
    }  # fmt: skip
    command = [str(python), "-m", "uvicorn", "tipg.main:app", "--no-access-log", "--log-level", "warning"]
    version = locked("tipg")
    with started(lambda port: [*command, "--port", str(port)], "/healthz", env) as (url, pid):
        tile = "/collections/bench.pins/tiles/WebMercatorQuad"
        yield Server("tipg", version, url, pid, lambda z, x, y: f"{tile}/{z}/{x}/{y}")


def _program(name: str, variable: str) -> str:
    found = os.environ.get(variable) or shutil.which(name)
    if not found:
        raise Absent(f"{name} is not on the path (and {variable} names none)")
    return found


def _said_version(program: str, flag: str = "--version") -> str:
    said = subprocess.run([program, flag], capture_output=True, text=True, check=False)
    return (said.stdout + said.stderr).strip().splitlines()[0].split()[-1]


@contextlib.contextmanager
def martin(cluster: localdb.Cluster) -> Iterator[Server]:
    """Martin with a table source, its cache off, one worker."""
    program = _program("martin", "MARTIN")
    address = quote(cluster.url("civic_read").replace("+psycopg", ""), safe=":/@?=&%")
    fields = dict.fromkeys(("uid", "title", "kind", "theme", "stage"), "text") | {"uid": "uuid"}
    source = {
        "schema": "bench", "table": "pins", "srid": 4326, "geometry_column": "geom", "geometry_type": "POINT",
        "extent": 4096, "buffer": 0, "clip_geom": False, "properties": fields,
    }  # fmt: skip
    config = {
        "worker_processes": 1, "cache": "disable",
        "postgres": {
            "connection_string": address, "pool_size": POOL, "auto_publish": False, "auto_bounds": "skip",
            "reload_interval": "0s", "tables": {"pins": source},
        },
    }  # fmt: skip
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        json.dump(config, file)  # every JSON document is YAML
        file.flush()
        words = [program, "--config", file.name, "--listen-addresses"]
        with started(lambda port: [*words, f"127.0.0.1:{port}"], "/health", {"RUST_LOG": "error"}) as (url, pid):
            yield Server("Martin", _said_version(program), url, pid, lambda z, x, y: f"/pins/{z}/{x}/{y}")


@contextlib.contextmanager
def pg_tileserv(cluster: localdb.Cluster) -> Iterator[Server]:
    """pg_tileserv on the same view, its cache off."""
    program = _program("pg_tileserv", "PG_TILESERV")
    env = {
        "DATABASE_URL": cluster.url("civic_read").replace("+psycopg", ""), "TS_HTTPHOST": "127.0.0.1",
        "TS_DBPOOLMAXCONNS": str(POOL), "TS_DEFAULTBUFFER": "0", "TS_CACHETTL": "0", "TS_MAXFEATURESPERTILE": "100000",
    }  # fmt: skip
    with started(lambda port: ["env", f"TS_HTTPPORT={port}", program], "/index.json", env) as (url, pid):
        yield Server("pg_tileserv", _said_version(program), url, pid, lambda z, x, y: f"/bench.pins/{z}/{x}/{y}.pbf")
