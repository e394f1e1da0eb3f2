"""Facets: what each choice of a filter would give, held against counting by hand."""

import json
import random
from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, lifecycles, search
from app.auth import VISITOR, Actor
from app.geo import areas, pyramid
from app.search import AssetFilter, facets
from tests import factories
from tests.factories import HERE, NORTH, SOUTH
from tests.geo.world import Thing, pin

SPOTS = (HERE, (-0.1, 51.42), factories.THERE, factories.NOWHERE, None)


async def _scatter(session: AsyncSession, count: int = 150) -> None:
    """Assets of all sorts in the town's wards, on the sea and nowhere."""
    await factories.draw_areas(session)
    chance = random.Random(7)
    things = [
        Thing(
            shape=chance.choice(SPOTS), kind=chance.choice(list(kinds.BY_NAME)), title=f"Thing {chance.randint(1, 9)}",
            theme=chance.choice(("food", "arts", "green")), state=chance.choice(("published",) * 5 + ("hidden",)),
            stage=chance.choice(("active", "planned", "ended")),
        )
        for _ in range(count)
    ]  # fmt: skip
    await pin(session, things)
    await areas.assign(session)


async def _by_hand(session: AsyncSession, actor: Actor, wanted: AssetFilter) -> dict[str, Any]:
    """The same, told from the whole list without kinds, themes and wards."""
    wide = replace(wanted, kinds=(), themes=(), wards=())
    found = await search.page(session, actor, wide, sort="title", limit=1000, cursor=None, count=True)
    rows = [json.loads(feature)["properties"] for feature in found.features]

    def fits(row: dict[str, Any], *dimensions: str) -> bool:
        asked = {"kind": wanted.kinds, "theme": wanted.themes, "ward": wanted.wards}
        said = {"kind": row["kind"], "theme": row["theme"], "ward": (row["ward"] or {}).get("code")}
        return all(not asked[name] or said[name] in asked[name] for name in dimensions)

    return {
        "kind": {
            name: sum(row["kind"] == name and fits(row, "theme", "ward") for row in rows) for name in kinds.BY_NAME
        },
        "theme": {
            name: sum(row["theme"] == name and fits(row, "kind", "ward") for row in rows) for name in lifecycles.THEMES
        },
        "ward": dict(Counter(row["ward"]["code"] for row in rows if row["ward"] and fits(row, "kind", "theme"))),
        "matched": sum(fits(row, "kind", "theme", "ward") for row in rows),
        "approximate": False,
    }


ASKED: list[dict[str, Any]] = [
    {}, {"kinds": ("idea", "offer")}, {"themes": ("food",)}, {"kinds": ("project",), "themes": ("food", "arts")},
    {"wards": (NORTH,)}, {"wards": (NORTH, SOUTH), "kinds": ("place",)}, {"has": ("location",)},
    {"stages": ("ended",)}, {"words": "thing 3"}, {"words": "thing 3", "kinds": ("idea",), "wards": (NORTH,)},
    {"bbox": (-0.2, 51.4, 0.0, 51.5), "themes": ("green",)}, {"near": HERE, "kinds": ("group",)},
    {"areas": (factories.BOROUGH,)}, {"wards": ("E99999999",)},
]  # fmt: skip


@pytest.mark.parametrize("asked", ASKED, ids=str)
async def test_each_facet_is_what_choosing_it_would_give(session: AsyncSession, asked: dict[str, Any]) -> None:
    await _scatter(session)
    wanted = AssetFilter(**asked)
    found = await search.facet_counts(session, VISITOR, wanted)
    assert vars(found) == await _by_hand(session, VISITOR, wanted)
    assert list(found.ward.values()) == sorted(found.ward.values(), reverse=True)


@pytest.mark.parametrize("asked", [{}, {"kinds": ("idea",)}, {"words": "thing"}, {"wards": (NORTH,)}], ids=str)
async def test_who_sees_more_has_more_counted(session: AsyncSession, asked: dict[str, Any]) -> None:
    await _scatter(session, 100)
    operator = await factories.actor(session, await factories.person(session, "Op", role="operator"))
    owner = await factories.actor(session, await factories.person(session, "Owner"))
    await session.execute(
        text("UPDATE asset SET owner_id = :id WHERE (id - (SELECT min(id) FROM asset)) % 3 = 0"),
        {"id": owner.person_id},
    )
    wanted = AssetFilter(**asked)
    totals = {}
    for who, actor in (("visitor", VISITOR), ("owner", owner), ("operator", operator)):
        found = await search.facet_counts(session, actor, wanted)
        assert vars(found) == await _by_hand(session, actor, wanted), who
        totals[who] = found.matched
    assert totals["visitor"] < totals["owner"] < totals["operator"]


async def test_what_is_not_yet_folded_into_the_pyramid_is_counted(session: AsyncSession) -> None:
    await _scatter(session)
    before = await search.facet_counts(session, VISITOR, AssetFilter())
    await pyramid.fold(session)
    assert await search.facet_counts(session, VISITOR, AssetFilter()) == before
    await pin(session, [Thing(kind="event", theme="faith")])
    after = await search.facet_counts(session, VISITOR, AssetFilter())
    assert (after.matched, after.theme["faith"]) == (before.matched + 1, before.theme["faith"] + 1)
    assert after.kind["event"] == before.kind["event"] + 1


async def test_beyond_the_bound_each_number_is_the_least_it_can_be(
    session: AsyncSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _scatter(session)
    wanted = AssetFilter(words="thing", kinds=("idea", "place"))
    exact = await search.facet_counts(session, VISITOR, wanted)
    monkeypatch.setattr(facets, "BOUND", 20)
    some = await search.facet_counts(session, VISITOR, wanted)
    assert (exact.approximate, some.approximate) == (False, True)
    assert some.matched <= exact.matched
    for name in ("kind", "theme", "ward"):
        assert Counter(getattr(some, name)) <= Counter(getattr(exact, name))
    assert 20 <= sum(some.kind.values()) <= 21
    plain = await search.facet_counts(session, VISITOR, AssetFilter())
    assert not plain.approximate, "the map knows without counting"
