"""Who lives in the tests' town, and quick ways to make what they need.

The town has two boroughs far apart: `BOROUGH` with the wards `NORTH` and `SOUTH`, and `FAR` with `FAR_WARD`. Its people
are named for how they stand to the assets that `Scene` makes: somebody owns them, somebody wrote on them, somebody is a
steward of their community. Documents and rows are plain values: nothing is computed by the code under test.
"""

import dataclasses
import itertools
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any
from uuid import UUID, uuid4

import httpx
from geoalchemy2 import WKTElement
from sqlalchemy import insert, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db
from app.auth import Actor
from app.geo import areas
from app.models import (
    ApiKey,
    Area,
    Asset,
    BoundarySet,
    Comment,
    Community,
    Flag,
    Link,
    Membership,
    Need,
    OfficerArea,
    Person,
    Pledge,
    Proposal,
    Update,
    VaultContact,
)  # fmt: skip

if TYPE_CHECKING:
    from fastapi import FastAPI

#: In the ward NORTH of BOROUGH.
HERE = (-0.1143, 51.4613)
#: In the ward FAR_WARD of FAR.
THERE = (1.1, 51.5)
#: On the North Sea, in no area.
NOWHERE = (3.0, 54.0)

BOROUGH, NORTH, SOUTH, FAR, FAR_WARD = "E09000001", "E05000001", "E05000002", "E09000002", "E05000003"
#: code → level, name, parent, west, south, east, north
AREAS: dict[str, tuple[str, str, str | None, tuple[float, float, float, float]]] = {
    BOROUGH: ("borough", "Ourborough", None, (-0.2, 51.40, 0.0, 51.50)),
    NORTH: ("ward", "North ward", BOROUGH, (-0.2, 51.45, 0.0, 51.50)),
    SOUTH: ("ward", "South ward", BOROUGH, (-0.2, 51.40, 0.0, 51.45)),
    FAR: ("borough", "Farborough", None, (1.0, 51.4, 1.2, 51.6)),
    FAR_WARD: ("ward", "Far ward", FAR, (1.0, 51.4, 1.2, 51.6)),
}

_numbers = itertools.count(1)


def document(
    kind: str = "project", *, at: tuple[float, float] | None = HERE, uid: UUID | str | None = None, **properties: Any
) -> dict[str, Any]:
    """What a caller posts; without `at` it lies nowhere."""
    given = {"kind": kind, "title": f"A {kind} {next(_numbers)}", **properties}
    geometry = {"type": "Point", "coordinates": list(at)} if at else None
    return {"type": "Feature", "geometry": geometry, "properties": given} | ({"id": str(uid)} if uid else {})


def ring(count: int, *, at: tuple[float, float] = HERE, radius: float = 0.01) -> list[list[float]]:
    """A closed ring of this many positions, the last one the first."""
    side = max(1, (count - 1) // 2)
    top = [[at[0] + radius * i / side, at[1]] for i in range(count - 1 - side)]
    bottom = [[at[0] + radius * (side - 1 - i) / side, at[1] - radius] for i in range(side)]
    return [*top, *bottom, top[0]]


# People and areas ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Resident:
    """Somebody with an account."""

    id: int
    uid: UUID
    name: str
    email: str


async def person(
    session: AsyncSession,
    name: str,
    *,
    role: str = "resident",
    officer_of: Iterable[str] = (),
    councillor_of: Iterable[str] = (),
    email: str | None = None,
    state: str = "active",
) -> Resident:
    """An account with an address, perhaps an officer's or a councillor's of areas that are there."""
    made = Person(name=name, role=role, state=state)
    session.add(made)
    await session.flush()
    address = email or f"{name.lower().replace(' ', '.')}.{made.id}@example.org"
    contact = {"uid": uuid4(), "person_uid": made.uid, "kind": "email", "value": address}
    await session.execute(insert(VaultContact).values(contact))
    held = {**dict.fromkeys(councillor_of, "councillor"), **dict.fromkeys(officer_of, "officer")}
    for code, office in held.items():
        area_id = await session.scalar(select(Area.id).where(Area.code == code))
        session.add(OfficerArea(person_id=made.id, area_id=area_id, role=office))
    await session.flush()
    return Resident(made.id, made.uid, name, address)


async def actor(session: AsyncSession, who: Resident, scopes: Iterable[str] | None = None) -> Actor:
    """The person as an actor, or, with scopes, an application with a key of theirs."""
    found = await auth.actor_of_person(session, who.id, None if scopes is None else frozenset(scopes))
    assert found is not None
    return found


async def draw_areas(session: AsyncSession) -> None:
    """The town's boundaries."""
    sets: dict[str, BoundarySet] = {}
    ids: dict[str, int] = {}
    for code, (level, name, parent, box) in AREAS.items():
        if level not in sets:
            sets[level] = BoundarySet(level=level, name=f"Town {level}s", valid_from=date(2022, 5, 5))
            session.add(sets[level])
            await session.flush()
        west, south, east, north = box
        corners = f"{west} {south}, {east} {south}, {east} {north}, {west} {north}, {west} {south}"
        shape = WKTElement(f"MULTIPOLYGON((({corners})))", srid=4326)
        row = Area(
            set_id=sets[level].id, level=level, code=code, name=name, geom=shape, parent_id=ids.get(parent or "")
        )
        session.add(row)
        await session.flush()
        ids[code] = row.id


async def community(session: AsyncSession, name: str, roles: Mapping[int, str]) -> tuple[int, UUID]:
    """A community with these people (id → member or steward); its id and uid."""
    made = Community(name=name)
    session.add(made)
    await session.flush()
    session.add_all(Membership(community_id=made.id, person_id=who, role=role) for who, role in roles.items())
    await session.flush()
    return made.id, made.uid


# The town ------------------------------------------------------------------------------------------------------------

#: name → what makes them special; everybody is a resident with an account
PEOPLE: dict[str, dict[str, Any]] = {
    "owner": {},
    "author": {},
    "other": {},
    "stranger": {},
    "steward": {},
    "member": {},
    "officer": {"officer_of": [BOROUGH]},
    "far_officer": {"officer_of": [FAR]},
    "councillor": {"councillor_of": [BOROUGH]},
    "operator": {"role": "operator"},
}


@dataclass
class Town:
    """A running service with people in it. Tests share one, so each makes what it looks at."""

    app: "FastAPI"
    engines: db.Engines
    secret: bytes
    people: dict[str, Resident] = field(default_factory=dict)
    community: tuple[int, UUID] = (0, UUID(int=0))
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    @classmethod
    async def found(cls, app: "FastAPI", engines: db.Engines, secret: bytes) -> "Town":
        """Draw its areas, settle its people, sign them in."""
        town = cls(app, engines, secret)
        async with engines.transaction() as session:
            await draw_areas(session)
            for name, special in PEOPLE.items():
                town.people[name] = await person(session, name.replace("_", " ").title(), **special)
            roles = {town.people["steward"].id: "steward", town.people["member"].id: "member"}
            town.community = await community(session, "Gardeners", roles)
            for name in PEOPLE:
                town.clients[name] = town._browser(await auth.open_session(session, secret, town.people[name].id))
        town.clients["visitor"] = town._client()
        return town

    def __getitem__(self, who: str) -> httpx.AsyncClient:
        """The HTTP client of a person, or of the `visitor`."""
        return self.clients[who]

    def _client(self, **given: Any) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(app=self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000", **given)

    def _browser(self, token: str) -> httpx.AsyncClient:
        return self._client(cookies={"civic": token})

    async def settle(self, name: str, **special: Any) -> tuple[Resident, httpx.AsyncClient]:
        """Somebody new who is signed in."""
        async with self.engines.transaction() as session:
            who = await person(session, name, **special)
            token = await auth.open_session(session, self.secret, who.id)
        client = self.clients[f"{name} {who.id}"] = self._browser(token)
        return who, client

    async def app_of(self, who: str, *scopes: str) -> httpx.AsyncClient:
        """The client of an application with a key of this person."""
        name = f"{who}'s {' '.join(scopes)}"
        if name not in self.clients:
            key, prefix, token_hash = auth.new_key(self.secret)
            row = ApiKey(person_id=self.people[who].id, name="app", prefix=prefix, token_hash=token_hash)
            row.scopes = list(scopes)
            async with self.engines.transaction() as session:
                session.add(row)
            self.clients[name] = self._client(headers={"Authorization": f"Bearer {key}"})
        return self.clients[name]

    async def pin(self, who: str = "owner", kind: str = "project", **given: Any) -> dict[str, Any]:
        """Post an asset as this person and return its Feature."""
        answer = await self[who].post("/api/v1/assets", json=document(kind, **given))
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made

    async def scene(self, **given: Any) -> "Scene":
        """An asset with everything around it, in rows, quicker than by requests."""
        async with self.engines.transaction() as session:
            return await Scene.set(session, self.people, self.community[0], **given)

    async def sql(self, statement: str, **given: Any) -> Any:
        """The first value of a statement, as the writing role; commits."""
        async with self.engines.transaction() as session:
            result = await session.execute(text(statement), given)
            row = result.first() if result.returns_rows else None  # type: ignore[attr-defined,unused-ignore]
            return row[0] if row else None

    async def leave(self) -> None:
        """Everybody closes the door."""
        for client in self.clients.values():
            await client.aclose()


@dataclass(frozen=True)
class Scene:
    """One asset of the owner's with one of each thing on it, all written by `author`; uids of each.

    `link` was asked by this asset of one that belongs to `other`, who also made the proposal `offered` to which
    `author` pledged. Only a `flagged` scene has a flag, raised by `author` about the asset.
    """

    asset: UUID
    other_asset: UUID
    comment: UUID
    need: UUID
    proposal: UUID
    offered: UUID
    pledge: UUID
    update: UUID
    link: UUID
    flag: UUID = field(default_factory=lambda: UUID(int=0))

    @classmethod
    async def set(
        cls,
        session: AsyncSession,
        people: Mapping[str, Resident],
        community_id: int,
        *,
        state: str = "published",
        audience: str = "public",
        kind: str = "project",
        comment: str = "published",
        need: str = "open",
        proposal: str = "proposed",
        pledge: str = "pledged",
        offered_is: str = "accepted",
        flagged: str = "",
        at: tuple[float, float] = HERE,
    ) -> "Scene":
        """Write the rows. The states of need, proposal and pledge are those that the test's step starts from."""
        owner, author, other = (people[name].id for name in ("owner", "author", "other"))
        where = WKTElement(f"POINT({at[0]} {at[1]})", srid=4326)
        now = datetime.now(UTC)
        asset = Asset(
            kind=kind, title=f"Scene {next(_numbers)}", state=state, audience=audience, owner_id=owner, geom=where,
            community_id=community_id, published_at=now if state not in ("draft", "pending") else None, details={},
        )  # fmt: skip
        theirs = Asset(kind="place", title=f"Theirs {next(_numbers)}", owner_id=other, geom=where, details={})
        session.add_all([asset, theirs])
        await session.flush()
        await areas.assign(session, [asset.id, theirs.id])
        comment_row = Comment(asset_id=asset.id, author_id=author, text="Well said", state=comment)
        wanted = Need(asset_id=asset.id, kind="people", title="Hands", quantity=3, state=need)
        wanted.met = 3 if need == "met" else 0
        action = Proposal(asset_id=asset.id, proposer_id=author, title="I could dig", state=proposal)
        offered = Proposal(asset_id=asset.id, proposer_id=other, title="I could water", places=5, state=offered_is)
        posted = Update(asset_id=asset.id, author_id=author, text="It grows")
        tie = Link(kind="at_place", from_id=asset.id, to_id=theirs.id, created_by=owner)
        session.add_all([comment_row, wanted, action, offered, posted, tie])
        await session.flush()
        promise = Pledge(proposal_id=offered.id, person_id=author, hours_promised=Decimal(2), state=pledge)
        session.add(promise)
        complaint = Flag(asset_id=asset.id, person_id=author, reason="spam", state=flagged)
        if flagged:
            session.add(complaint)
        await session.flush()
        return cls(
            asset.uid,
            theirs.uid,
            comment_row.uid,
            wanted.uid,
            action.uid,
            offered.uid,
            promise.uid,
            posted.uid,
            tie.uid,
            *([complaint.uid] if flagged else []),
        )

    @property
    def names(self) -> dict[str, str]:
        """Name → uid as text, to fill a path with."""
        return {part.name: str(getattr(self, part.name)) for part in dataclasses.fields(self)}
