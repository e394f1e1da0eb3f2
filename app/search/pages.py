"""Pages of assets as GeoJSON text: in which order, and from where on."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from sqlalchemy import CompoundSelect, Select, func, literal, select
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.sql.elements import ColumnElement

from app import errors, rules
from app.auth import Actor
from app.models import Asset
from app.search import counts, features
from app.search.filters import AssetFilter, Box, box_of, conditions, distance, unindexed
from app.search.ways import BEST, NEW, SQUARE_LEVEL, Order, Search, of_each, of_squares, opaque, titles_first
from app.search.words import in_title, match, query
from app.wire import Cursor

Sort = Literal["best", "new", "near", "appreciated", "title"]
Page = Select[Any] | CompoundSelect[Any]
#: Assets that a walk looks at for each one asked for; at least; at most.
STEPS_EACH, STEPS_LEAST, STEPS_MOST = 20, 1000, 20_000
#: Between Features in one text; no JSON text has it inside.
BETWEEN = "\n"
#: So many in a box or circle are gathered at once.
FEW = 20_000
#: A page is taken from so many assets of all squares together at most.
MOST_OF_SQUARES = 100_000
_ORDERS: dict[str, Order] = {
    "new": NEW,
    "appreciated": Order((Asset.appreciation_count, Asset.id), (int, int), descending=True),
    "title": Order((func.lower(Asset.title), Asset.id), (str, int)),
    "best": BEST,
}


@dataclass(frozen=True)
class Found:
    """One page: each asset as the text of a GeoJSON Feature, the cursor of the next page, and how many match in all."""

    features: list[str]
    cursor: str | None
    matched: int | None


def _order(sort: Sort, wanted: AssetFilter) -> Order:
    if sort != "near":
        return _ORDERS[sort]
    if not wanted.near:
        raise errors.Invalid("sort=near needs near=lon,lat.")
    return Order((distance(wanted.near), Asset.id), (float, int))


async def page(
    session: AsyncSession,
    actor: Actor,
    wanted: AssetFilter,
    *,
    sort: Sort,
    limit: int,
    cursor: str | None,
    count: bool,
    also: Sequence[ColumnElement[bool]] = (),
    geometry: Any = Asset.geom,
    digits: int = features.DIGITS,
) -> Found:
    """One page of a list in a stable order: a row whose sort key does not change during a walk appears exactly once.

    `best`, which needs words, has those first that say them in their title, and in each half the newest first.
    `also` are further conditions on Asset. `geometry` and `digits` are what each Feature shows as its geometry.
    `matched` is exact; it is left out (None) when counting would cost more than the page and `count` is not asked for.
    """
    if sort == "best" and not wanted.words.strip():
        raise errors.Invalid("sort=best needs q: words to be best at.")
    order = _order(sort, wanted)
    last = Cursor.decode(cursor, sort, *order.types) if cursor else None
    asked = Search([rules.visible(actor), *conditions(actor, wanted), *also], order, last, limit + 1)
    shown, many = None, False
    async for ids, too_many in _ways(session, actor, wanted, sort, asked, also):
        shown = (await session.execute(_shown(ids, order, wanted, geometry, digits, limit))).one()
        many = too_many
        if shown.met > limit:
            break
    texts = shown.features.split(BETWEEN)[:limit] if shown and shown.features else []
    following = Cursor.encode(sort, *shown[3:]) if shown and shown.met > limit else None
    if not following and not cursor:
        return Found(texts, None, len(texts))
    matched: int | None = shown.gathered if shown else None
    if matched is None and (count or not many):
        matched = await counts.matched(session, actor, wanted, also, exact=count)
    return Found(texts, following, matched)


def _shown(ids: Page, order: Order, wanted: AssetFilter, geometry: Any, digits: int, limit: int) -> Select[Any]:
    """The page in one row, which is read at a stroke: the Features, how many there are, how many were gathered in all
    (null where they were not), and the keys of the last one."""
    found = ids.subquery("page")
    each = select(features.text(wanted, geometry, digits).label("feature"), found.c.gathered, *order.of(found))
    each_ = features.beside(each.join_from(found, Asset, Asset.id == found.c.id)).subquery("shown")
    in_order = order.sorting(order.of(each_))
    last = (func.array_agg(aggregate_order_by(key, *in_order), type_=ARRAY(key.type))[limit] for key in order.of(each_))
    return select(
        func.string_agg(each_.c.feature, aggregate_order_by(literal(BETWEEN), *in_order)).label("features"),
        func.count().label("met"),
        func.max(each_.c.gathered).label("gathered"),
        *last,
    )


async def _ways(
    session: AsyncSession, actor: Actor, wanted: AssetFilter, sort: Sort, asked: Search, also: Sequence[Any]
) -> AsyncIterator[tuple[Page, bool]]:
    """Statements that find the page, to be tried until one fills it, the last of which finds all that there is; and
    whether so many match that they are not worth counting."""
    box = wanted.bbox or (box_of(wanted.near, wanted.within_m) if wanted.near else None)
    alone = not also and counts.of_the_map(replace(wanted, bbox=None, near=None, within_m=AssetFilter.within_m))
    if sort == "near" and wanted.near:
        async for radius in _radii(session, wanted, wanted.near, asked):
            narrower = conditions(actor, replace(wanted, within_m=radius))
            circle = replace(asked, conditions=[rules.visible(actor), *narrower, *also])
            yield circle.gather(counted=radius == wanted.within_m), False
    elif sort == "best":
        wordless = [rules.visible(actor), *conditions(actor, replace(wanted, words="")), *also]
        asked = replace(asked, conditions=wordless)
        said = query(wanted.words)
        yield titles_first(asked, in_title(said), match(said), _steps(asked.most)), False
    elif wanted == AssetFilter() and not also:
        yield asked.straight(), False
    elif alone and box:
        yield await _in_box(session, actor, wanted, sort, asked, box)
    else:
        each = of_each(asked, wanted.kinds, wanted.themes) if alone and sort == "new" else asked.gather
        yield asked.walk_or(each, _steps(asked.most)), False


async def _in_box(
    session: AsyncSession, actor: Actor, wanted: AssetFilter, sort: Sort, asked: Search, box: Box
) -> tuple[Page, bool]:
    """Few in a box are gathered; of many the newest are taken by the squares that it touches, other orders walked."""
    there = await counts.around(session, box, wanted)
    if there.matching <= max(FEW, asked.most):
        return asked.gather(), False
    squares = counts.touched(box, SQUARE_LEVEL, MOST_OF_SQUARES // asked.most)
    if sort != "new" or not squares:
        return asked.walk_or(asked.gather, _steps(asked.most)), True
    alike = replace(asked, conditions=[opaque([rules.visible(actor), *unindexed(actor, wanted, box)])])
    return asked.walk_or(of_squares(alike, squares), _steps(asked.most)), True


def _steps(most: int) -> int:
    """How far to walk for a page of so many."""
    return max(STEPS_LEAST, min(STEPS_MOST, most * STEPS_EACH))


async def _radii(
    session: AsyncSession, wanted: AssetFilter, near: tuple[float, float], asked: Search
) -> AsyncIterator[float]:
    """Growing circles around the point, beginning with one of few assets that reaches beyond the page's beginning."""
    radius, least = wanted.within_m, asked.last[0] if asked.last else 0.0
    while radius / 2 > max(least, 10.0):
        there = await counts.around(session, box_of(near, radius), wanted)
        if there.here <= FEW:
            break
        radius /= 2
    while radius < wanted.within_m:
        yield radius
        radius *= 4
    yield wanted.within_m
