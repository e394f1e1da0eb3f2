"""Every way to a page leads to the same page: walks, gatherings, squares and circles against sorting all by hand."""

import json
import random

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import search
from app.auth import VISITOR, Actor
from app.geo import pyramid
from app.models import Asset
from app.search import EVERYTHING, AssetFilter, Sort, pages
from tests import factories
from tests.geo.world import Thing, pin

LONDON, FIJI = (-0.1143, 51.4613), (179.999, -17.0)
COUNT = 48


async def _scatter(session: AsyncSession) -> None:
    """Two crowds, one of them about the antimeridian, and some nowhere; half of it folded into the pyramid."""
    chance = random.Random(5)
    things = []
    for number in range(COUNT):
        lon, lat = LONDON if number % 3 else FIJI
        lon, lat = lon + chance.uniform(-0.2, 0.2), lat + chance.uniform(-0.2, 0.2)
        shape = (lon - 360 if lon > 180 else lon, lat) if number % 10 else None
        kind, theme = chance.choice(("idea", "project", "place")), chance.choice(("food", "arts"))
        stage, state = chance.choice(("active", "active", "ended")), chance.choice(("published", "published", "hidden"))
        title = f"{chance.choice('abc')} garden"
        things.append(Thing(shape=shape, kind=kind, theme=theme, stage=stage, state=state, title=title))
    await pin(session, things[: COUNT // 2])
    await pyramid.fold(session)
    await pin(session, things[COUNT // 2 :])
    await session.execute(text("UPDATE asset SET appreciation_count = id % 3"))


async def _walked(session: AsyncSession, actor: Actor, wanted: AssetFilter, sort: Sort, limit: int) -> list[str]:
    """The uids of all pages in their order, each of which says how many there are in all, or nothing."""
    met: list[str] = []
    said: set[int | None] = set()
    cursor = None
    while True:
        found = await search.page(session, actor, wanted, sort=sort, limit=limit, cursor=cursor, count=False)
        met += [json.loads(feature)["id"] for feature in found.features]
        cursor = found.cursor
        said.add(found.matched)
        if cursor is None:
            assert said <= {None, len(met)}
            return met


ORDER: dict[Sort, str] = {
    "new": "id DESC",
    "appreciated": "appreciation_count DESC, id DESC",
    "title": "lower(title), id",
    "near": "ST_Distance(anchor::geography, ST_SetSRID(ST_MakePoint(-0.1143, 51.4613), 4326)::geography), id",
}
ASKED: list[AssetFilter] = [
    AssetFilter(), EVERYTHING, AssetFilter(kinds=("idea",)), AssetFilter(kinds=("idea", "place"), themes=("food",)),
    AssetFilter(themes=("arts",), has=("location",)), AssetFilter(bbox=(-0.4, 51.2, 0.2, 51.7)),
    AssetFilter(bbox=(179.9, -18, -179.9, -16)), AssetFilter(bbox=(-0.4, 51.2, 0.2, 51.7), kinds=("idea",)),
    AssetFilter(bbox=(10.0, -89, 9.0, 89)), AssetFilter(bbox=(-180, -90, 180, 90), stages=("ended",)),
    AssetFilter(near=LONDON, within_m=28_000), AssetFilter(near=LONDON, within_m=9000),
    AssetFilter(near=(179.9999, -17.0), within_m=20_000),
    AssetFilter(words="garden"), AssetFilter(words="garden", bbox=(-0.4, 51.2, 0.2, 51.7)),
]  # fmt: skip


@pytest.mark.parametrize("few", [0, 20_000], ids=["squares", "gathered"])
@pytest.mark.parametrize("asked", ASKED, ids=lambda asked: str({k: v for k, v in vars(asked).items() if v}))
async def test_a_walk_is_the_whole_in_order_whatever_way_its_pages_are_found(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, asked: AssetFilter, few: int
) -> None:
    await _scatter(session)
    monkeypatch.setattr(pages, "FEW", few)
    operator = await factories.actor(session, await factories.person(session, "Op", role="operator"))
    sorts = [sort for sort in ORDER if sort != "near" or asked.near == LONDON]
    for actor, sort in ((operator, "new"), *((VISITOR, sort) for sort in sorts)):
        there = set(await session.scalars(search.select_assets(actor, asked, Asset.uid)))
        by_hand = await session.scalars(text(f"SELECT uid FROM asset ORDER BY {ORDER[sort]}"))
        expected = [str(uid) for uid in by_hand if uid in there]
        assert expected
        for limit, steps in ((6, 0), (7, 9)):
            monkeypatch.setattr(pages, "STEPS_LEAST", steps)
            monkeypatch.setattr(pages, "STEPS_MOST", steps)
            assert await _walked(session, actor, asked, sort, limit) == expected, (sort, limit, steps)


@pytest.mark.parametrize("few", [0, 8])
async def test_smaller_circles_do_not_change_how_many_there_are(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    await pin(session, [Thing(shape=(LONDON[0] + number * 0.0005, LONDON[1])) for number in range(40)])
    monkeypatch.setattr(pages, "FEW", few)
    wanted, cursor = AssetFilter(near=LONDON, within_m=3000), None
    said: list[int | None] = []
    while cursor or not said:
        found = await search.page(session, VISITOR, wanted, sort="near", limit=3, cursor=cursor, count=True)
        cursor = found.cursor
        said.append(found.matched)
    assert said == [40] * 14
