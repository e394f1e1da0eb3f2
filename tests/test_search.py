"""The one read path: what each filter finds, in which order, and that a walk meets every row once."""

import json
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text
from sqlalchemy.dialects import postgresql
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, search
from app.auth import VISITOR, Actor
from app.geo import areas
from app.models import Asset
from app.search import AssetFilter, Sort, counts
from app.wire import Cursor
from tests import factories
from tests.geo.world import Thing, pin

EVERYTHING = ("planned", "active", "ended")


async def titles(session: AsyncSession, actor: Actor = VISITOR, *, sort: Sort = "title", **asked: Any) -> list[str]:
    """The titles that a filter finds, by title."""
    found = await search.page(
        session, actor, AssetFilter(**asked), sort=sort, limit=1000, cursor=None, count=False
    )  # fmt: skip
    return [json.loads(text)["properties"]["title"] for text in found.features]


# Facets --------------------------------------------------------------------------------------------------------------


async def test_kinds_themes_and_stages_are_any_of_these(session: AsyncSession) -> None:
    await pin(session, [
        Thing(title="a", kind="idea", theme="food", stage="planned"), Thing(title="b", kind="idea", theme="arts"),
        Thing(title="c", kind="project", theme="food", stage="ended"), Thing(title="d", kind="offer", theme="food"),
    ])  # fmt: skip
    assert await titles(session, kinds=("idea", "offer")) == ["a", "b", "d"]
    assert await titles(session, themes=("food",)) == ["a", "d"]
    assert await titles(session, themes=("food",), kinds=("idea",)) == ["a"]
    assert await titles(session, stages=("ended",)) == ["c"]
    assert await titles(session, stages=EVERYTHING) == ["a", "b", "c", "d"]
    assert await titles(session, kinds=("event",)) == []


async def test_wards_and_areas_of_any_level_are_those_of_the_anchor(session: AsyncSession) -> None:
    await factories.draw_areas(session)
    await pin(session, [
        Thing(title="north", shape=factories.HERE), Thing(title="south", shape=(-0.1, 51.42)),
        Thing(title="far", shape=factories.THERE), Thing(title="nowhere", shape=None),
        Thing(title="mostly south", shape="LINESTRING(-0.1 51.41, -0.1 51.42, -0.1 51.46)"),
    ])  # fmt: skip
    whole = "INSERT INTO asset (kind, title, area_id) SELECT 'idea', 'all of it', id FROM area WHERE code = :code"
    await session.execute(text(whole), {"code": factories.BOROUGH})
    await areas.assign(session)
    assert await titles(session, wards=(factories.SOUTH,)) == ["mostly south", "south"]
    assert await titles(session, wards=(factories.SOUTH, factories.FAR_WARD)) == ["far", "mostly south", "south"]
    assert await titles(session, areas=(factories.BOROUGH,)) == ["all of it", "mostly south", "north", "south"]
    assert await titles(session, areas=(factories.NORTH,)) == ["north"]
    assert await titles(session, areas=("E99999999",)) == []
    assert await titles(session, has=("location",)) == ["far", "mostly south", "north", "south"]


async def test_a_box_holds_what_lies_in_it_or_on_its_edge_and_may_cross_the_antimeridian(session: AsyncSession) -> None:
    await pin(session, [
        Thing(title="fiji", shape=(178.5, -18.0)), Thing(title="taveuni", shape=(-179.9, -16.8)),
        Thing(title="greenwich", shape=(0.0, 51.5)), Thing(title="edge", shape=(180.0, -17.0)),
    ])  # fmt: skip
    assert await titles(session, bbox=(177, -20, -178, -15)) == ["edge", "fiji", "taveuni"]
    assert await titles(session, bbox=(-178, -20, 177, -15)) == []
    assert await titles(session, bbox=(-180, -90, 180, 90)) == ["edge", "fiji", "greenwich", "taveuni"]
    assert await titles(session, bbox=(0.0, 51.5, 0.0, 51.5)) == ["greenwich"]
    assert await titles(session, bbox=(0.0001, 51.5, 1, 52)) == []
    assert await titles(session, bbox=(178.5, -18, 179, -17)) == ["fiji"], "an edge is inside"


async def test_near_is_a_circle_in_metres_at_any_latitude(session: AsyncSession) -> None:
    # A degree of latitude is about 111.2 km, of longitude at 60° N about 55.8 km.
    await pin(session, [
        Thing(title="here", shape=(10.0, 60.0)), Thing(title="900 m north", shape=(10.0, 60.0081)),
        Thing(title="900 m east", shape=(10.0161, 60.0)), Thing(title="1100 m east", shape=(10.0197, 60.0)),
        Thing(title="corner", shape=(10.015, 60.0075)), Thing(title="north", shape=(10.0, 84.99)),
    ])  # fmt: skip
    near = await titles(session, near=(10.0, 60.0), within_m=1000)
    assert near == ["900 m east", "900 m north", "here"]
    assert await titles(session, near=(10.0, 60.0), within_m=1200, sort="near") == [
        "here", "900 m east", "900 m north", "1100 m east", "corner",
    ]  # fmt: skip
    assert await titles(session, near=(10.05, 84.99), within_m=1000) == ["north"]
    assert await titles(session, near=(0, 90), within_m=50_000) == []
    with pytest.raises(errors.Invalid, match="near"):
        await titles(session, sort="near")


async def test_has_needs_means_open_ones_and_has_offers_one_that_reaches(session: AsyncSession) -> None:
    await pin(session, [Thing(title="asks"), Thing(title="is helped"), Thing(title="asks nothing", theme="arts")])
    need = (
        "INSERT INTO need (asset_id, kind, title, state, met) "
        "SELECT id, 'people', 'x', :state, :met FROM asset WHERE title = :of"
    )
    await session.execute(text(need), {"state": "open", "met": 0, "of": "asks"})
    await session.execute(text(need), {"state": "met", "met": 1, "of": "is helped"})
    await session.execute(text(need), {"state": "closed", "met": 0, "of": "asks nothing"})
    assert await titles(session, has=("needs",)) == ["asks"]
    assert await titles(session, has=("offers",)) == []
    # 690 m east of the others, on their theme.
    offer = text(
        "INSERT INTO asset (kind, title, theme, state, geom, details) VALUES ('offer', 'an offer', 'other', :state, "
        "ST_SetSRID(ST_MakePoint(-0.1045, 51.4613), 4326), jsonb_build_object('reach_m', CAST(:reach AS int)))"
    )
    for state, reach in (("published", 600), ("hidden", 5000)):
        await session.execute(offer, {"state": state, "reach": reach})
    assert await titles(session, has=("offers",)) == []
    await session.execute(offer, {"state": "published", "reach": 800})
    # The two offers reach each other, and nothing reaches itself.
    assert await titles(session, has=("offers",)) == ["an offer", "an offer", "asks", "is helped"]
    assert await titles(session, has=("offers", "needs")) == ["asks"]


async def test_an_offer_reaches_across_the_antimeridian_and_far_north(session: AsyncSession) -> None:
    await pin(session, [
        Thing(title="taveuni", shape=(-179.9, -16.8)), Thing(title="too far", shape=(-179.8, -16.8)),
        Thing(title="east", shape=(12.2, 84.9)), Thing(title="too far east", shape=(12.4, 84.9)),
        Thing(title="north", shape=(10.0, 85.03)),
    ])  # fmt: skip
    offer = text(
        "INSERT INTO asset (kind, title, theme, geom, details) VALUES ('offer', 'offer', 'other', "
        "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), jsonb_build_object('reach_m', CAST(:reach AS int)))"
    )
    for lon, lat, reach in ((179.9, -16.8, 22_000), (10.0, 84.9, 22_500)):
        await session.execute(offer, {"lon": lon, "lat": lat, "reach": reach})
    assert await titles(session, has=("offers",)) == ["east", "north", "taveuni"]


async def test_offers_that_reach_an_asset_are_found_by_an_index(session: AsyncSession) -> None:
    await _populate(session, 2000)
    await session.execute(text(
        "INSERT INTO asset (kind, title, theme, geom, details) SELECT 'offer', 'offer', 'other', "
        "ST_SetSRID(ST_MakePoint(i * 0.001, 51.46), 4326), '{\"reach_m\": 500}' FROM generate_series(1, 2000) i"
    ))  # fmt: skip
    await session.execute(text("ANALYZE asset"))
    asked = search.select_assets(VISITOR, AssetFilter(has=("offers",)), Asset.id)
    said = asked.compile(dialect=postgresql.dialect(), compile_kwargs={"literal_binds": True})  # type: ignore[no-untyped-call]
    plan = await session.scalars(text(f"EXPLAIN {said}"))
    assert "ix_asset_offer" in "\n".join(plan)


# Order and pages -----------------------------------------------------------------------------------------------------


async def _populate(session: AsyncSession, count: int) -> None:
    statement = text(
        "INSERT INTO asset (kind, title, geom, appreciation_count) SELECT 'project', chr(97 + i % 5) || ' ' || i % 7, "
        "ST_SetSRID(ST_MakePoint(-0.11 + i % 11 * 0.0001, 51.46), 4326), i % 4 FROM generate_series(1, :count) i"
    )
    await session.execute(statement, {"count": count})


async def walk(session: AsyncSession, sort: Sort, limit: int, between: Sequence[str] = ()) -> list[UUID]:
    """The uids of every page in their order; after each page one of the statements happens."""
    wanted = AssetFilter(near=(-0.11, 51.46)) if sort == "near" else AssetFilter()
    seen: list[UUID] = []
    cursor, doings = None, list(between)
    while True:
        found = await search.page(session, VISITOR, wanted, sort=sort, limit=limit, cursor=cursor, count=False)
        seen += [UUID(json.loads(text)["id"]) for text in found.features]
        cursor = found.cursor
        if doings:
            await session.execute(text(doings.pop(0)))
        if cursor is None:
            return seen


#: What puts rows into the order, by hand.
ORDER: dict[Sort, str] = {
    "new": "id DESC",
    "appreciated": "appreciation_count DESC, id DESC",
    "title": "title, id",
    "near": "ST_Distance(anchor::geography, ST_SetSRID(ST_MakePoint(-0.11, 51.46), 4326)::geography), id",
}


@pytest.mark.parametrize("sort", list(ORDER))
@pytest.mark.parametrize("limit", [1, 7, 59, 60, 61, 1000])
async def test_a_walk_meets_every_row_once_in_order(session: AsyncSession, sort: Sort, limit: int) -> None:
    await _populate(session, 60)
    expected = list(await session.scalars(text(f"SELECT uid FROM asset ORDER BY {ORDER[sort]}")))
    assert await walk(session, sort, limit) == expected
    assert len(expected) == 60


@pytest.mark.parametrize("sort", list(ORDER))
async def test_what_is_there_throughout_a_walk_is_met_once_while_others_come_and_go(
    session: AsyncSession, sort: Sort
) -> None:
    await _populate(session, 40)
    stay = set(await session.scalars(text("SELECT uid FROM asset WHERE id % 8 <> 0")))
    insert = (
        "INSERT INTO asset (kind, title, geom) VALUES ('project', '{}', ST_SetSRID(ST_MakePoint(-0.1099, 51.46), 4326))"
    )
    go = "DELETE FROM asset WHERE id = (SELECT {}(id) FROM asset WHERE id % 8 = 0)"
    doings = [insert.format("a"), go.format("max"), insert.format("c 3"), go.format("min"), insert.format("z")]
    seen = await walk(session, sort, 6, between=doings)
    assert len(seen) == len(set(seen)), "none twice"
    assert stay <= set(seen), "none left out"
    assert len(stay) >= 30


async def test_how_many_match_is_exact_or_not_said(session: AsyncSession, monkeypatch: pytest.MonkeyPatch) -> None:
    await _populate(session, 30)
    monkeypatch.setattr(counts, "COUNT_BOUND", 20)
    active = AssetFilter(stages=("active",))

    async def matched(
        limit: int, cursor: str | None = None, count: bool = False, wanted: AssetFilter = active
    ) -> int | None:
        found = await search.page(session, VISITOR, wanted, sort="new", limit=limit, cursor=cursor, count=count)
        return found.matched

    assert await matched(1000) == 30, "all of it on one page counts itself"
    assert await matched(10) is None
    assert await matched(10, count=True) == 30
    assert await matched(1, wanted=AssetFilter()) == 30, "the map knows"
    assert await matched(1000, cursor=Cursor.encode("new", 10**9)) == 30, "what was gathered is counted"
    monkeypatch.setattr(counts, "COUNT_BOUND", 30)
    assert await matched(10) == 30
    expected = await session.scalar(text("SELECT count(*) FROM asset WHERE title = 'b 1'"))
    assert await matched(1, count=True, wanted=AssetFilter(words="b 1")) == expected


async def test_a_list_costs_as_many_statements_for_one_row_as_for_a_hundred(session: AsyncSession) -> None:
    await _populate(session, 100)
    asked = []
    connection = (await session.connection()).sync_connection
    assert connection is not None
    for limit in (1, 100):
        statements: list[str] = []
        event.listen(connection, "before_cursor_execute", lambda *args, into=statements: into.append(args[2]))
        await search.page(session, VISITOR, AssetFilter(), sort="new", limit=limit, cursor=None, count=False)
        asked.append(len(statements))
    assert asked == [2, 1], "a shortened page asks how many there are; the whole one counts itself"
