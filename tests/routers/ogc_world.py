"""A small known world behind a real server, for the tests of /ogc and the clients that need an address.

Rows are written with plain values, so that nothing here is computed by the code under test. What nobody may see is in
it too, in every state that hides it.
"""

import asyncio
import contextlib
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psycopg
import uvicorn
from geoalchemy2 import WKTElement
from pydantic import SecretStr
from sqlalchemy import select

from app import db, main
from app.geo import areas
from app.models import Area, Asset, Community
from app.settings import Settings
from tests.conftest import Database
from tests.factories import BOROUGH, draw_areas

PLACES = 30
CRS = "http://www.opengis.net/def/crs/"
CRS84, EPSG4326 = f"{CRS}OGC/1.3/CRS84", f"{CRS}EPSG/0/4326"
EPSG3857, EPSG27700 = f"{CRS}EPSG/0/3857", f"{CRS}EPSG/0/27700"
_HYPHENS = {name.replace("-", "_"): name for name in ("bbox-crs", "filter-lang", "filter-crs")}
#: Longitude and latitude; eastings and northings to a few metres.
BIG_BEN = ((-0.124625, 51.500729), (530268, 179643))


def at(text: str) -> datetime:
    """An instant in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@dataclass(frozen=True)
class Row:
    """An asset to be. `shape` is WKT, empty for none; `area` makes it belong to a whole area."""

    kind: str
    title: str
    shape: str = ""
    state: str = "published"
    members: bool = False
    area: str | None = None
    more: dict[str, Any] = field(default_factory=dict)

    @property
    def uid(self) -> uuid.UUID:
        """Made of the title, so that tests can name it."""
        return uuid.uuid5(uuid.NAMESPACE_URL, self.title)


def _rows() -> list[Row]:
    spring, summer = at("2026-03-01T09:00:00"), at("2026-06-01T09:00:00")
    return [
        Row("project", "Bus stop", "POINT(-0.1143 51.4613)", more={
            "theme": "food", "published_at": spring, "organiser": "The 322", "website": "https://example.org/a?b=1&c=2",
            "details": {"how_to_join": "Saturdays from ten. Bring gloves."}, "appreciation_count": 7,
        }),
        Row("project", "Green lane", "LINESTRING(-0.15 51.46, -0.05 51.46)", more={
            "theme": "green", "published_at": summer, "appreciation_count": 2,
        }),
        Row("project", "Meadow", "POLYGON((-0.09 51.41, -0.07 51.41, -0.07 51.43, -0.09 51.43, -0.09 51.41))", more={
            "theme": "green", "starts_at": at("2026-04-01T00:00:00"), "ends_at": at("2026-04-30T00:00:00"),
            "published_at": spring,
        }),
        Row("project", "Food plan", area=BOROUGH, more={"theme": "food", "published_at": spring}),
        Row("project", "It is over", "POINT(-0.11 51.47)", more={"stage": "ended", "published_at": spring}),
        Row("project", "Nobody knows when", "POINT(-0.12 51.47)", more={"theme": "arts"}),
        Row("project", "Big Ben", f"POINT({BIG_BEN[0][0]} {BIG_BEN[0][1]})", more={"published_at": summer}),
        Row("project", "East of Fiji", "POINT(-179.5 -17)", more={"published_at": summer}),
        Row("project", "West of Fiji", "POINT(179.5 -17)", more={"published_at": summer}),
        Row("project", "Quote ' and <b>bold</b> & \"so\"", "POINT(-0.13 51.47)", more={"published_at": summer}),
        Row("project", "Secret hidden", "POINT(-0.1143 51.4613)", state="hidden"),
        Row("project", "Secret draft", "POINT(-0.1143 51.4613)", state="draft"),
        Row("project", "Secret pending", "POINT(-0.1143 51.4613)", state="pending"),
        Row("project", "Secret withdrawn", "POINT(-0.1143 51.4613)", state="withdrawn"),
        Row("project", "Secret removed", "POINT(-0.1143 51.4613)", state="removed"),
        Row("project", "Secret members", "POINT(-0.1143 51.4613)", members=True),
        Row("event", "Seed swap", "POINT(-0.1092 51.4521)", more={
            "starts_at": at("2026-05-02T10:00:00"), "ends_at": at("2026-05-02T13:00:00"), "published_at": spring,
            "stage": "planned", "details": {"venue": "Lodge"},
        }),
        Row("event", "Only a beginning", "POINT(-0.1 51.45)", more={
            "starts_at": at("2026-07-01T18:00:00"), "published_at": spring, "stage": "planned",
        }),
        Row("idea", "Benches", "POINT(-0.1165 51.4572)", more={"stage": "planned", "published_at": spring}),
        Row("offer", "I mend bicycles", "POINT(-0.12634 51.46015)", more={
            "details": {"nature": "skill", "reach_m": 3000}, "location_class": "person", "published_at": spring,
        }),
        Row("service", "Advice", "POINT(-0.11 51.46)", more={"details": {"cost": "free"}, "published_at": spring}),
        Row("group", "Singers", "POINT(-0.1201 51.4405)", more={
            "details": {"open_to_new_members": True}, "published_at": spring,
        }),
        *(
            Row("place", f"Place {number:02}", f"POINT({-0.19 + number * 0.006:.3f} 51.44)", more={
                "theme": "green" if number % 3 == 0 else "other", "published_at": spring, "appreciation_count": number,
                "details": {"use": ("in-use", "partly-used", "unused")[number % 3]},
            })
            for number in range(PLACES)
        ),
    ]  # fmt: skip


ROWS = _rows()
SECRETS = [row for row in ROWS if row.title.startswith("Secret")]
UID = {row.title: str(row.uid) for row in ROWS}
#: Kind → titles of what a visitor sees.
SEEN = {
    kind: [row.title for row in ROWS if row.kind == kind and row not in SECRETS]
    for kind in ("project", "idea", "offer", "place", "service", "group", "event")
}


async def _settle(settings: Settings) -> None:
    engines = db.Engines.of(settings)
    async with engines.transaction() as session:
        await draw_areas(session)
        club = Community(name="Club")
        session.add(club)
        await session.flush()
        borough = await session.scalar(select(Area.id).where(Area.code == BOROUGH))
        made = []
        for row in ROWS:
            asset = Asset(uid=row.uid, kind=row.kind, title=row.title, state=row.state, **{"details": {}, **row.more})
            asset.geom = WKTElement(row.shape, srid=4326) if row.shape else None
            asset.area_id = borough if row.area else None
            if row.members:
                asset.audience, asset.community_id = "members", club.id
            session.add(asset)
            await session.flush()  # one by one: their order is that of the list
            made.append(asset.id)
        await areas.assign(session, made)
    await engines.dispose()


@dataclass(frozen=True)
class Ogc:
    """A running service on the world above."""

    url: str
    client: httpx.Client
    writer: str
    """The URL of its database, as the writing role."""

    def get(self, path: str = "", accept: str | None = None, **query: Any) -> httpx.Response:
        """GET below /ogc; parameters with a hyphen are written with an underscore."""
        asked = {_HYPHENS.get(name, name): value for name, value in query.items()}
        headers = {"Accept": accept} if accept else {}
        return self.client.get(f"{self.url}{path}", params=asked or None, headers=headers)

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Whoever reads an area and its boundary set waits until the block ends: what a very slow statement is like."""
        with psycopg.connect(self.writer.replace("+psycopg", "")) as connection:
            connection.execute("LOCK TABLE boundary_set IN ACCESS EXCLUSIVE MODE")
            yield

    def json(self, path: str = "", **query: Any) -> Any:
        """The same as JSON, which must be there."""
        answer = self.get(path, **query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def titles(self, collection: str = "projects", **query: Any) -> set[str]:
        """The titles of the items that are found, on one page."""
        found = self.json(f"/collections/{collection}/items", **{"limit": 1000, **query})
        assert found["numberMatched"] == found["numberReturned"] == len(found["features"])
        return {feature["properties"]["title"] for feature in found["features"]}


def refused(answer: httpx.Response, status: int = 400) -> str:
    """The words of a problem with this status."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    return str(answer.json()["detail"])


@contextmanager
def serving(database: Database, folder: Path) -> Iterator[Ogc]:
    """A real server on a free port, until the block ends."""
    settings = Settings(
        data=folder, database_url=database.write, database_read_url=database.read, pool_wait_s=10, pool_size=4,
        secret=SecretStr("only for tests, and long enough to sign with"), reads_per_minute=0,
        attribution="Town council", title="Our town",
    )  # fmt: skip
    asyncio.run(_settle(settings))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        server = uvicorn.Server(uvicorn.Config(main.create_app(settings), log_level="warning", ws="none"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name="ogc")
        thread.start()
        with httpx.Client(timeout=30) as client:
            _wait(client, url)
            yield Ogc(f"{url}/ogc", client, database.write)
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


def _wait(client: httpx.Client, url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.HTTPError):
            if client.get(f"{url}/health/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the service did not start")
