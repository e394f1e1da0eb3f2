"""A real service in a process of its own, to write to and to kill; and what its writers were promised."""

import asyncio
import contextlib
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from app import auth, db, localdb
from app.actions import accounts
from app.models import Area, BoundarySet
from app.settings import Settings

ROOT = Path(__file__).parents[2]
WRITERS = 8
#: The one ward of a drill: west, south, east, north.
WARD = (-0.13, 51.44, -0.10, 51.47)
CODE = "X00000001"


def seconds(default: float) -> float:
    """How long a drill writes: a few seconds among the tests, as long as DRILL_SECONDS says in ./civic drill."""
    return float(os.environ.get("DRILL_SECONDS", default))


@dataclass
class Served:
    """The service of one data folder: started, found, killed."""

    data: Path
    port: int
    process: subprocess.Popen[bytes] | None = None
    keys: list[str] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and wait until it is ready."""
        command = [sys.executable, "-m", "app.cli", "serve", "--data", str(self.data), "--port", str(self.port)]
        self.process = subprocess.Popen(command, cwd=ROOT, start_new_session=True, stdout=subprocess.DEVNULL)
        self.wait_until_ready()

    def wait_until_ready(self, within_s: float = 60) -> float:
        """Seconds until it could work again."""
        began = time.monotonic()
        while time.monotonic() < began + within_s:
            with contextlib.suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/health/ready", timeout=2).status_code == 200:
                    return time.monotonic() - began
            time.sleep(0.05)
        raise AssertionError(f"not ready within {within_s} s")

    def postmaster(self) -> int:
        """Process id of the database server."""
        return int((self.data / "postgres" / "postmaster.pid").read_text().split()[0])

    def kill_postmaster(self) -> None:
        """kill -9 of the database's first process alone."""
        os.kill(self.postmaster(), signal.SIGKILL)

    def kill_everything(self) -> int:
        """kill -9 of the service and of every process of its database; returns how many were killed."""
        assert self.process is not None
        doomed = [self.process.pid, *_descendants(self.postmaster())]
        for pid in doomed:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(10)
        return len(doomed)

    def stop(self) -> None:
        """End it as an operator would."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            self.process.wait(30)


def _descendants(pid: int) -> list[int]:
    listed = subprocess.run(["ps", "-e", "-o", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    children: dict[int, list[int]] = {}
    for line in listed.splitlines():
        child, parent = map(int, line.split())
        children.setdefault(parent, []).append(child)
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


@contextlib.contextmanager
def serving(data: Path) -> Iterator[Served]:
    """A service on a fresh, durable data folder with one ward and a key for each writer."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        served = Served(data, probe.getsockname()[1])
    served.start()
    try:
        with localdb.running(data) as cluster:
            settings = Settings(
                data=data, database_url=cluster.url("civic_write"), database_read_url=cluster.url("civic_read")
            )
            served.keys = asyncio.run(_furnish(settings))
        yield served
    finally:
        served.stop()


async def _furnish(settings: Settings) -> list[str]:
    engines, secret = db.Engines.of(settings), auth.load_secret(settings)
    keys = []
    async with engines.transaction() as session:
        boundary_set = BoundarySet(level="ward", name="Drill")
        session.add(boundary_set)
        await session.flush()
        west, south, east, north = WARD
        ring = f"MULTIPOLYGON((({west} {south},{east} {south},{east} {north},{west} {north},{west} {south})))"
        session.add(Area(set_id=boundary_set.id, level="ward", code=CODE, name="Drill", geom=f"SRID=4326;{ring}"))
        for number in range(WRITERS):
            system = auth.Actor.system("drill")
            person = await accounts.create_person(
                session, system, email=f"w{number}@example.org", name=f"Writer {number}"
            )
            actor = await auth.actor_of_person(session, person.id)
            assert actor is not None
            _, key = await accounts.create_key(
                session, actor, secret, name="drill", scopes=["assets:read", "assets:write"]
            )
            keys.append(key)
    await engines.dispose()
    return keys


@dataclass
class Promises:
    """What the writers sent and what they were told."""

    acknowledged: dict[str, tuple[float, float]] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    attempts: int = 0
    failures: int = 0
    in_flight: int = 0
    most_in_flight: int = 0


async def write(served: Served, until: float, *, patient: bool) -> Promises:
    """Eight writers pin assets until that moment of time.monotonic(); patient ones retry with the same key."""
    promises = Promises()
    async with httpx.AsyncClient(base_url=served.url, timeout=10) as client:
        await asyncio.gather(*(_writer(client, key, until, promises, patient) for key in served.keys))
    return promises


async def _writer(client: httpx.AsyncClient, key: str, until: float, promises: Promises, patient: bool) -> None:
    dice = random.Random(key)
    while time.monotonic() < until:
        west, south, east, north = WARD
        lon, lat = (
            round(dice.uniform(west + 0.001, east - 0.001), 6),
            round(dice.uniform(south + 0.001, north - 0.001), 6),
        )
        once = uuid4().hex
        body = {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {"kind": dice.choice(["project", "idea", "place"]), "title": f"Drill {once}"},
        }
        headers = {"Authorization": f"Bearer {key}", "Idempotency-Key": once}
        answer = await _told(client, body, headers, promises, patient, until + 30)
        if answer is not None:
            promises.acknowledged[answer["id"]] = (lon, lat)
            promises.titles[answer["properties"]["title"]] = answer["id"]


async def _told(
    client: httpx.AsyncClient,
    body: dict[str, Any],
    headers: dict[str, str],
    promises: Promises,
    patient: bool,
    limit: float,
) -> dict[str, Any] | None:
    """The answer to a write, or None when it was never acknowledged."""
    while True:
        promises.attempts += 1
        promises.in_flight += 1
        promises.most_in_flight = max(promises.most_in_flight, promises.in_flight)
        try:
            answer = await client.post("/api/v1/assets", json=body, headers=headers)
            if answer.status_code == 201:
                found: dict[str, Any] = answer.json()
                return found
            assert answer.status_code in (409, 503), answer.text
        except httpx.HTTPError:
            pass
        finally:
            promises.in_flight -= 1
        promises.failures += 1
        if not patient or time.monotonic() > limit:
            return None
        await asyncio.sleep(0.1)
