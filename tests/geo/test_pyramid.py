"""The map never lies: whatever happens, every count of every zoom is the number of assets that a visitor sees."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, search
from app.db import Engines
from app.geo import pyramid
from app.models import Asset
from tests.geo.world import BRIXTON, Thing, pin, tally_zoom

PLACES = [
    BRIXTON, BRIXTON, (BRIXTON[0] + 1e-7, BRIXTON[1]), (BRIXTON[0] + 0.002, BRIXTON[1]), (-0.1, 51.5), (0.0, 0.0),
    (-180.0, 85.05), (180.0, -85.05), (179.99999, 10.0), (-3.2, 55.9),
]  # fmt: skip
SHAPES: list[tuple[float, float] | str | None] = [
    *PLACES, None, "LINESTRING(-0.12 51.46,-0.1 51.5)", "POLYGON((-0.2 51.4,0.1 51.4,0.1 51.6,-0.2 51.4))",
]  # fmt: skip
KINDS, THEMES = ("project", "idea", "offer"), ("food", "green", "other")
ZOOMS = (0, 2, 7, 13, 14, 17, 22)

things = st.builds(
    Thing,
    shape=st.sampled_from(SHAPES),
    kind=st.sampled_from(KINDS),
    theme=st.sampled_from(THEMES),
    state=st.sampled_from(["published", "published", "draft", "pending"]),
    stage=st.sampled_from(["active", "planned", "ended"]),
)
#: What may happen to a share of all assets, as the SET of one UPDATE.
CHANGES = (
    "geom = ST_SetSRID(ST_MakePoint(-0.1 + (id % 7) * 0.0004, 51.5), 4326)",
    "geom = ST_Translate(geom, 1e-6, 0)",
    "geom = NULL",
    "theme = 'food'",
    "title = title || '!'",
    "stage = 'ended'",
    "stage = 'active'",
    "state = 'published'",
    "state = 'withdrawn'",
    "state = CASE state WHEN 'published' THEN 'hidden' ELSE state END",
    "state = CASE state WHEN 'hidden' THEN 'published' ELSE state END",
    "state = 'removed'",
)
#: state → states it may be set to, as the life cycle of an asset has it
ALLOWED = {
    "published": ("draft", "pending", "hidden", "withdrawn", "published"),
    "withdrawn": ("draft", "pending", "published", "hidden", "withdrawn"),
    "removed": ("draft", "pending", "published", "hidden", "withdrawn", "removed"),
}
shares = st.tuples(st.integers(1, 4), st.integers(0, 3))
steps = st.one_of(
    st.tuples(st.just("pin"), st.lists(things, min_size=1, max_size=12)),
    st.tuples(st.just("change"), st.sampled_from(CHANGES), shares),
    st.tuples(st.just("delete"), shares),
    st.tuples(st.just("undone"), st.sampled_from(CHANGES), shares),
    st.tuples(st.just("fold")),
)


async def take(session: AsyncSession, step: tuple[Any, ...]) -> None:
    """One thing that happens to the map."""
    match step:
        case ("pin", made):
            await pin(session, made)
        case ("change", change, share):
            await _change(session, change, share)
        case ("delete", (modulus, rest)):
            await session.execute(text(f"DELETE FROM asset WHERE id % {modulus} = {rest}"))
        case ("undone", change, share):
            async with session.begin_nested() as savepoint:
                await pin(session, [Thing(shape=place) for place in PLACES[:3]])
                await _change(session, change, share)
                await savepoint.rollback()
        case ("fold",):
            await pyramid.fold(session)


async def _change(session: AsyncSession, change: str, share: tuple[int, int]) -> None:
    target = change.removeprefix("state = '").rstrip("'")
    legal = f" AND state IN {ALLOWED[target]}" if target in ALLOWED else ""
    await session.execute(text(f"UPDATE asset SET {change} WHERE id % {share[0]} = {share[1]}{legal}"))


FILTERS: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...] = (
    ((), ()), (("project",), ()), ((), ("food", "green")), (("idea", "offer"), ("food",)),
)  # fmt: skip


async def assert_true_to(session: AsyncSession, zooms: Sequence[int] = ZOOMS) -> None:
    """Tiles, helper and list of a visitor say the same number, at every zoom and for each filter."""
    anchors = await session.execute(text("SELECT ST_X(anchor), ST_Y(anchor) FROM asset WHERE anchor IS NOT NULL"))
    places = {(x, y) for x, y in anchors} | set(PLACES)
    for of_kinds, themes in FILTERS:
        wanted = search.AssetFilter(kinds=of_kinds, themes=themes)
        listed = (await session.execute(search.select_assets(auth.VISITOR, wanted, Asset.anchor))).all()
        mapped = sum(anchor is not None for (anchor,) in listed)
        assert await pyramid.count_on_map(session, of_kinds, themes) == mapped
        for zoom in zooms:
            seen = await tally_zoom(session, zoom, places, of_kinds=of_kinds, themes=themes)
            assert seen == mapped, f"zoom {zoom} shows {seen}, the list has {mapped} on the map ({of_kinds}, {themes})"
    assert {check.drift for check in await pyramid.verify(session)} == {0}


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(story=st.lists(steps, min_size=1, max_size=7), zooms=st.permutations(ZOOMS))
async def test_counts_are_exact_whatever_happens_folded_or_not(
    session: AsyncSession, story: list[tuple[Any, ...]], zooms: list[int]
) -> None:
    async with session.begin_nested() as savepoint:
        for step in story:
            await take(session, step)
        await assert_true_to(session, zooms[:3])
        await pyramid.fold(session)
        await assert_true_to(session, zooms[3:])
        assert await session.scalar(text("SELECT count(*) FROM map_change")) == 0
        await savepoint.rollback()


async def test_folding_leaves_no_empty_cells_and_takes_the_log_in_batches(
    session: AsyncSession, monkeypatch: Any
) -> None:
    monkeypatch.setattr(pyramid, "BATCH", 3)
    await pin(session, [Thing(shape=place) for place in PLACES])
    logged = await session.scalar(text("SELECT count(*) FROM map_change"))
    assert await pyramid.fold(session) == logged
    assert await session.scalar(text("SELECT count(DISTINCT abs(level)) FROM map_cell")) == 14
    await session.execute(text("DELETE FROM asset"))
    await pyramid.fold(session)
    assert await session.scalar(text("SELECT count(*) FROM map_cell")) == 0


async def test_a_lost_log_row_is_reported_as_drift_and_a_rebuild_mends_it(session: AsyncSession) -> None:
    await pin(session, [Thing(shape=place) for place in PLACES])
    await pyramid.fold(session)
    await pin(session, [Thing(shape=PLACES[3], theme="arts")])
    assert {check.drift for check in await pyramid.verify(session)} == {0}
    # The mutant: one row of the log is gone.
    await session.execute(text("DELETE FROM map_change WHERE id = (SELECT max(id) FROM map_change)"))
    drifted = await pyramid.verify(session)
    assert [check.level for check in drifted] == list(range(3, 17))
    assert {check.drift for check in drifted} == {2}  # the theme's count, and that of all themes together
    assert {check.counted for check in drifted} == {11}
    await pyramid.fold(session)
    assert {check.drift for check in await pyramid.verify(session)} == {2}
    await pyramid.rebuild(session)
    assert {check.drift for check in await pyramid.verify(session)} == {0}
    await assert_true_to(session)


async def test_a_moved_sum_is_drift_even_where_the_count_is_right(session: AsyncSession) -> None:
    await pin(session, [Thing()])
    await pyramid.fold(session)
    await session.execute(text("UPDATE map_cell SET sx = sx + 1 WHERE level = 9"))
    assert {check.level for check in await pyramid.verify(session) if check.drift} == {9}


async def test_a_rebuild_removes_what_nothing_stands_for(session: AsyncSession) -> None:
    await session.execute(text("INSERT INTO map_cell VALUES (9, 5, 'project', 'food', 3, 1, 1)"))
    await pyramid.rebuild(session)
    assert await session.scalar(text("SELECT count(*) FROM map_cell")) == 0


# Many at once ------------------------------------------------------------------------------------------------------


async def _write(engines: Engines, number: int, over: asyncio.Event) -> int:
    dice, done = random.Random(number), 0
    while not over.is_set():
        async with engines.transaction() as session:
            await pin(
                session,
                [Thing(shape=dice.choice(SHAPES), theme=dice.choice(THEMES)) for _ in range(dice.randint(1, 5))],
            )
            share = f"WHERE id % 16 = {number} AND"
            await session.execute(
                text(f"UPDATE asset SET geom = ST_Translate(geom, 0.00001, 0) {share} geom IS NOT NULL")
            )
            await session.execute(text(f"UPDATE asset SET state = 'hidden' {share} state = 'published' AND id % 3 = 0"))
            await session.execute(text(f"DELETE FROM asset {share} state = 'hidden' AND id % 5 = 0"))
            if dice.random() < 0.2:
                await session.rollback()
        done += 1
    return done


async def _fold(engines: Engines, over: asyncio.Event) -> int:
    folded = 0
    while not over.is_set():
        async with engines.transaction() as session:
            folded += await pyramid.fold(session)
        await asyncio.sleep(0.01)
    return folded


async def _read(engines: Engines, over: asyncio.Event) -> int:
    """Compare in one statement what the log and the pyramid say with what is there."""
    reads = 0
    while not over.is_set():
        async with engines.reading() as session:
            row = (
                await session.execute(
                    text(
                        """
                        SELECT (SELECT count(*) FROM asset WHERE on_map),
                          (SELECT coalesce(sum(n), 0) FROM map_change)
                          + (SELECT coalesce(sum(n), 0) FROM map_cell WHERE level = 3)
                        """
                    )
                )
            ).one()
            assert row[0] == row[1]
        reads += 1
        await asyncio.sleep(0)
    return reads


async def test_four_writers_two_folders_and_a_rebuild_at_once_keep_every_count_exact(engines: Engines) -> None:
    over = asyncio.Event()
    work = [_write(engines, 0, over), _write(engines, 1, over), _write(engines, 2, over), _write(engines, 3, over)]
    tasks = [
        asyncio.ensure_future(one) for one in (*work, _fold(engines, over), _fold(engines, over), _read(engines, over))
    ]
    for _ in range(4):
        await asyncio.sleep(0.4)
        async with engines.transaction() as session:
            await pyramid.rebuild(session)
    over.set()
    done = await asyncio.gather(*tasks)
    assert min(done) > 0
    async with engines.transaction() as session:
        await assert_true_to(session, (0, 7, 13, 14))
        await pyramid.fold(session)
        await assert_true_to(session, (0, 7, 13, 14))


async def test_a_fold_does_not_wait_for_another(engines: Engines) -> None:
    async with engines.transaction() as first:
        await pin(first, [Thing()])
        assert await pyramid.fold(first) == 1
        async with engines.transaction() as second:
            assert await pyramid.fold(second) == 0
