"""Programs of what people do to a map, run over several connections at once by the service's own actions."""

import asyncio
import contextlib
import random
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors, kinds, search
from app.actions import assets, import_plan, imports, moderation
from app.auth import VISITOR, Actor
from app.db import Engines
from app.geo import cells, pyramid
from app.kinds import document
from app.models import Asset
from tests.geo.world import drawn, tally

SYSTEM = Actor.system("programs of the tests")
KINDS, THEMES = ("project", "idea", "place"), ("food", "green", "other")
#: Corners of cells, one spot twice, the ends of the world, and nowhere.
PLACES: tuple[tuple[float, float] | None, ...] = (
    (-0.1145, 51.4613), (-0.1145, 51.4613), (-0.1143, 51.4613), (-0.1, 51.5), (0.0, 0.0), (180.0, -85.05),
    (-180.0, 85.05), (-3.2, 55.9), None,
)  # fmt: skip
STEPS = ("publish", "publish", "move", "theme", "hide", "restore", "withdraw", "again", "import", "fold", "kill")
#: Filters that the map's counts answer.
FILTERS = (
    search.AssetFilter(), search.AssetFilter(kinds=("idea",)), search.AssetFilter(themes=("food", "green")),
    search.AssetFilter(kinds=("project", "place"), themes=("food",)),
)  # fmt: skip


class Connection:
    """One of several people at work: takes the steps of a program one after another, each in a transaction."""

    def __init__(self, engines: Engines, folder: Path, number: int) -> None:
        self.engines, self.folder, self.number = engines, folder, number
        self.mine: list[UUID] = []
        self.done: dict[str, int] = {}

    async def run(self, steps: Iterable[tuple[str, int, bool]]) -> None:
        """Take the steps; a step that the rules or a killed connection refuse changes nothing, and the next follows."""
        for name, seed, kept in steps:
            with contextlib.suppress(errors.Problem, DBAPIError):
                async with self.engines.transaction() as session:
                    await self._step(session, name, random.Random(seed))
                    await asyncio.sleep(0.001 * (seed % 4))
                    if not kept:
                        await session.rollback()
                self.done[name] = self.done.get(name, 0) + 1

    async def _step(self, session: AsyncSession, name: str, dice: random.Random) -> None:
        place, theme = dice.choice(PLACES), dice.choice(THEMES)
        geometry = {"type": "Point", "coordinates": list(place)} if place else None
        match name:
            case "publish":
                given = {"kind": dice.choice(KINDS), "title": "A thing", "theme": theme}
                told = {"type": "Feature", "geometry": geometry, "properties": given}
                made = await assets.publish(db.within(session), SYSTEM, document.ADAPTER.validate_python(told))
                self.mine.append(made.uid)
            case "import":
                await self._import(session, dice)
            case "fold":
                await pyramid.fold(session)
            case "kill":
                await self._kill(session)
            case _ if self.mine:
                await self._change(session, name, dice.choice(self.mine), geometry, theme)

    async def _change(self, session: AsyncSession, name: str, uid: UUID, geometry: Any, theme: str) -> None:
        match name:
            case "move":
                await assets.amend(session, SYSTEM, uid, {"geometry": geometry}, None)
            case "theme":
                await assets.amend(session, SYSTEM, uid, {"properties": {"theme": theme}}, None)
            case "hide":
                await moderation.hide(session, SYSTEM, uid, why="a test")
            case "restore":
                await moderation.restore(session, SYSTEM, uid, why="a test")
            case "withdraw":
                await assets.withdraw(session, SYSTEM, uid, None)
            case "again":
                await assets.amend(session, SYSTEM, uid, {"properties": {"state": "published"}}, None)

    async def _import(self, session: AsyncSession, dice: random.Random) -> None:
        rows = [f"Row {dice.random()},{lat},{lon}" for lon, lat in filter(None, PLACES[: dice.randint(1, 8)])]
        path = self.folder / f"{self.number}.csv"
        path.write_text("\n".join(["title,lat,lon", *rows]))
        plan = import_plan.understand(path, kinds.BY_NAME["place"], theme=dice.choice(THEMES))
        await imports.bring_in(session, SYSTEM, plan)

    async def _kill(self, session: AsyncSession) -> None:
        """End somebody else's connection, most likely in the middle of what they do."""
        await session.execute(
            text(
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid()
                  AND state IN ('active', 'idle in transaction')
                ORDER BY xact_start LIMIT 1
                """
            )
        )


async def assert_exact(session: AsyncSession, zooms: Sequence[int]) -> None:
    """In one snapshot: over all tiles of each zoom, counts + unmapped = what the list of a visitor says, for every
    filter; and no level of the pyramid has drifted.
    """
    anchors = await session.execute(
        text("SELECT DISTINCT ST_X(anchor), ST_Y(anchor) FROM asset WHERE anchor IS NOT NULL")
    )
    places = [(lon, lat) for lon, lat in anchors]
    for wanted in FILTERS:
        asked = search.select_assets(VISITOR, wanted, Asset.id).where(Asset.anchor.is_(None))
        unmapped = len((await session.execute(asked)).all())
        page = await search.page(session, VISITOR, wanted, sort="new", limit=1, cursor=None, count=True)
        for zoom in zooms:
            narrowed = {"of_kinds": wanted.kinds, "themes": wanted.themes}
            tiles = {cells.tile_at(*place, zoom) for place in places}
            seen = sum([tally(await drawn(session, tile, **narrowed)) for tile in tiles])
            assert seen + unmapped == page.matched, f"zoom {zoom} of {wanted}: {seen} + {unmapped}, not {page.matched}"
    assert {check.drift for check in await pyramid.verify(session)} == {0}


async def watch(engines: Engines, over: asyncio.Event, zooms: Sequence[int]) -> None:
    """Look again and again, each time in one snapshot, until it is over and one look at least was not cut off."""
    looks = 0
    any_moment = engines.write.execution_options(isolation_level="REPEATABLE READ")
    while not (over.is_set() and looks):
        with contextlib.suppress(DBAPIError):  # killed like anybody else
            async with AsyncSession(any_moment) as session:
                await assert_exact(session, zooms)
                looks += 1
        await asyncio.sleep(0)


async def run(
    engines: Engines, folder: Path, program: Sequence[Sequence[Any]], zooms: Sequence[int]
) -> list[Connection]:
    """Run the parts of a program over a connection each, all at once, and watch meanwhile and at the end."""
    people = [Connection(engines, folder, number) for number in range(len(program))]
    over = asyncio.Event()
    watching = asyncio.ensure_future(watch(engines, over, zooms[:2]))
    await asyncio.gather(*(one.run(steps) for one, steps in zip(people, program, strict=True)))
    over.set()
    await watching
    for folded in (False, True):
        async with engines.transaction() as session:
            if folded:
                await pyramid.fold(session)
            await assert_exact(session, zooms)
    return people
