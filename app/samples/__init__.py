"""The sample data of `civic demo`: a borough's worth of invented neighbours on illustrative wards.

The words live in data files beside this module, one for each kind, so that they read and change like a text: everything
about an asset stands under it. `by` and the like name people of people.toml. Days are counted from the day of seeding:
`ago`, `joined` and `began` back; `starts`, `ends`, `report_back_in` and `happens_in` forward. `steps` are the states
that followed the first one, each with its days ago; `stages` the same for the asset's own life. Everything else is a
property of the asset's document as POST /api/v1/assets takes it.

Rows are written directly and not through the verbs of app.actions. A verb stamps the present, the writing role may
never rewrite state changes, and its event would tell people of things that never happened: no past can be made with it.
What the verbs guarantee holds here by the same means: documents checked by their kind, public places by geo.privacy,
wards by geo.areas, counts and legal states by the database, a state change beside every state. Like an import, the
whole leaves one row of history.
"""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, kinds
from app.actions import record
from app.auth import Actor
from app.geo import areas
from app.models import Asset, BoundarySet
from app.samples import ground, people, stories
from app.samples.days import Days

FOLDER = Path(__file__).parent
#: The ground is older than everything on it, in days.
GROUND = 280


async def seed(engines: db.Engines) -> str | None:
    """Fill an empty database with the samples, all or nothing; returns what was done in one line.

    A database that has an asset or a boundary set stays as it is: None. Safe to call at once from several processes.
    """
    async with engines.transaction() as session:
        await areas.hold(session)
        return None if await _in_use(session) else await _fill(session)


def read(name: str) -> dict[str, Any]:
    """One of the data files."""
    return tomllib.loads((FOLDER / f"{name}.toml").read_text(encoding="utf-8"))


def read_stories() -> list[tuple[str, dict[str, Any]]]:
    """Every asset of the data files, with the name of its kind."""
    return [(kind.name, told) for kind in kinds.ALL for told in read(kind.plural)["assets"]]


async def _in_use(session: AsyncSession) -> bool:
    return bool(await session.scalar(select(exists(select(Asset.id)) | exists(select(BoundarySet.id)))))


async def _fill(session: AsyncSession) -> str:
    now = datetime.now(UTC)
    days, told, everybody = Days(now.date()), read_stories(), read("people")
    map_of = read("borough")
    borough = await ground.draw(session, map_of, days.written(GROUND))
    cast = await people.settle(session, everybody, days, borough)
    teller = stories.Teller(session, days, cast, borough, cast.people["priya"], now)
    await teller.tell(told)
    await areas.assign(session)
    counts = {"assets": len(told), "people": len(cast.people), "wards": len(map_of["wards"])}
    record.record(session, Actor.system("sample data"), "samples.seed", "samples", None, after=counts)
    return f"Sample data: {len(told)} assets by {len(cast.people)} people in {len(map_of['wards'])} illustrative wards."
