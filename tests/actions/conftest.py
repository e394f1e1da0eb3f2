"""`cast`: people, areas and a community, a session that is rolled back, and quick ways to let them act."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from geoalchemy2 import functions
from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine
from sqlalchemy.pool import NullPool

from app import db, localdb, search
from app.actions import assets, tries
from app.auth import VISITOR, Actor
from app.db import Engines
from app.kinds import document
from app.models import Asset
from tests import factories
from tests.conftest import Database, _fresh, rolled_back


@dataclass
class Cast:
    """Whoever plays in a test of an action; `cast["owner"]` is an actor."""

    session: AsyncSession
    actors: dict[str, Actor]
    people: dict[str, factories.Resident]
    community_id: int
    community: UUID

    def __getitem__(self, who: str) -> Actor:
        return self.actors[who]

    async def pin(self, who: str = "owner", kind: str = "project", *, hold: bool = False, **given: Any) -> Asset:
        """Publish as this person."""
        pinned = await assets.publish(db.within(self.session), self[who], doc(kind, **given), hold=hold)
        return await search.get_asset(self.session, Actor.system("a test"), pinned.uid)

    async def scene(self, **given: Any) -> factories.Scene:
        """An asset with everything around it, in the states that the test asks for."""
        return await factories.Scene.set(self.session, self.people, self.community_id, **given)

    async def value(self, statement: str, **given: Any) -> Any:
        """The first value that a statement finds."""
        await self.session.flush()
        return await self.session.scalar(text(statement), given)

    async def values(self, statement: str, **given: Any) -> list[Any]:
        """The first column of what a statement finds."""
        await self.session.flush()
        return list(await self.session.scalars(text(statement), given))

    async def history(self, uid: UUID) -> list[str]:
        """The verbs that were written down of a thing, in order."""
        return await self.values("SELECT verb FROM history WHERE thing_uid = :uid ORDER BY id", uid=uid)

    async def steps(self, thing: str, thing_id: int) -> list[str]:
        """The states (and stages) that a thing went through."""
        found = "SELECT to_state FROM state_change WHERE thing = :thing AND thing_id = :id ORDER BY id"
        return await self.values(found, thing=thing, id=thing_id)


def doc(kind: str = "project", **given: Any) -> document.AssetDocument:
    """A document as the router hands it on."""
    return document.ADAPTER.validate_python(factories.document(kind, **given))


async def amend(cast: Cast, asset: Asset, who: str = "owner", *, hold: bool = False, **patch: Any) -> Asset:
    """Apply a merge patch to the latest version."""
    return await assets.amend(cast.session, cast[who], asset.uid, patch, None, hold=hold)


async def point(cast: Cast, asset: Asset) -> tuple[float, float] | None:
    """Longitude and latitude of the public anchor."""
    found = select(functions.ST_X(Asset.anchor), functions.ST_Y(Asset.anchor)).where(Asset.id == asset.id)
    lon, lat = (await cast.session.execute(found)).one()
    return None if lon is None else (lon, lat)


@dataclass(frozen=True)
class Peopled:
    """A database in which the town's people live, made once for a run."""

    database: Database
    actors: dict[str, Actor]
    people: dict[str, factories.Resident]
    community: tuple[int, UUID]


@pytest.fixture(scope="session")
async def _peopled(cluster: localdb.Cluster, admin: localdb.Connection) -> AsyncIterator[Peopled]:
    fresh = _fresh(cluster, admin)
    database = next(fresh)
    engine = create_async_engine(database.write, poolclass=NullPool)
    async with AsyncSession(engine) as session, session.begin():
        await factories.draw_areas(session)
        people = {who: await factories.person(session, who, **factories.PEOPLE[who]) for who in factories.PEOPLE}
        roles = {people["steward"].id: "steward", people["member"].id: "member"}
        community = await factories.community(session, "Gardeners", roles)
        actors = {who: await factories.actor(session, person) for who, person in people.items()}
    await engine.dispose()
    actors |= {"visitor": VISITOR, "system": Actor.system("a test")}
    yield Peopled(database, actors, people, community)
    next(fresh, None)


@pytest.fixture
async def cast(_peopled: Peopled) -> AsyncIterator[Cast]:
    """The town's people, met without HTTP."""
    async with rolled_back(_peopled.database.write) as session:
        yield Cast(session, _peopled.actors, _peopled.people, *_peopled.community)


# Jobs ----------------------------------------------------------------------------------------------------------------


@pytest.fixture
async def ana(engines: Engines) -> Actor:
    """Somebody who orders."""
    async with engines.transaction() as session:
        return await factories.actor(session, await factories.person(session, "Ana"))


@pytest.fixture
def room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where jobs work; and their workers are heard of often."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(tries, "BEAT_S", 0.05)
    return tmp_path
