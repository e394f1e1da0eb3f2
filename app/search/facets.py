"""How many assets each kind, theme and ward would give: what the choices of a filter show."""

from collections import Counter
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    cast,
    func,
    literal,
    literal_column,
    null,
    select,
    true,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds, lifecycles
from app.auth import VISITOR, Actor
from app.geo import pyramid
from app.models import Asset
from app.search import counts
from app.search.filters import AssetFilter, select_assets

#: Assets that are counted one by one; where more match, each number is the least that it can be.
BOUND = 20_000
#: The fullest wards that are named.
MOST_WARDS = 200


@dataclass(frozen=True)
class Facets:
    """How many match: of each kind, theme and ward, each counted without the filter's own kinds, themes or wards; and
    for the whole filter. With `approximate` more match than were counted, and each number is the least it can be."""

    kind: dict[str, int]
    theme: dict[str, int]
    ward: dict[str, int]
    matched: int
    approximate: bool = False


async def facet_counts(session: AsyncSession, actor: Actor, wanted: AssetFilter) -> Facets:
    """What the other choices of this filter would give, at a bounded cost; exact unless it says otherwise."""
    if counts.of_the_map(replace(wanted, wards=())):
        return await _by_the_map(session, actor, wanted)
    return await _by_rows(session, actor, wanted)


def _facets(
    by_kind: Counter[str], by_theme: Counter[str], by_ward: Counter[str], matched: int, approximate: bool = False
) -> Facets:
    """Every kind and theme, in the order of the house; the fullest wards, fullest first."""
    wards = sorted(((ward, n) for ward, n in by_ward.items() if n), key=lambda one: (-one[1], one[0]))
    return Facets(
        {name: by_kind[name] for name in kinds.BY_NAME},
        {name: by_theme[name] for name in lifecycles.THEMES},
        dict(wards[:MOST_WARDS]),
        matched,
        approximate,
    )


# ── by the pyramid ──────────────────────────────────────────────────────────────────────────


async def _by_the_map(session: AsyncSession, actor: Actor, wanted: AssetFilter) -> Facets:
    """Kinds, themes and wards alone: the pyramid knows kinds and themes, an index the wards of what is on the map."""
    by_kind, by_theme, by_ward, matched = Counter[str](), Counter[str](), Counter[str](), 0
    inside = replace(wanted, kinds=(), themes=())
    of_kinds, of_wards = _of_kinds(actor, inside).subquery(), _of_wards(actor, replace(wanted, wards=())).subquery()
    # In one statement, and so of one moment.
    both = union_all(select(*of_kinds.c, null()), select(null(), null(), *reversed(of_wards.c)))
    for kind, theme, n, ward in await session.execute(both):
        if kind is None:
            by_ward[ward] += n
            continue
        a_kind, a_theme = not wanted.kinds or kind in wanted.kinds, not wanted.themes or theme in wanted.themes
        by_kind[kind] += n * a_theme
        by_theme[theme] += n * a_kind
        matched += n * (a_kind and a_theme)
    return _facets(by_kind, by_theme, by_ward, matched)


def _of_kinds(actor: Actor, wanted: AssetFilter) -> Select[Any]:
    columns = (Asset.kind, Asset.theme)
    if wanted.wards:
        on_map = select(*columns, func.count().label("n")).where(Asset.on_map, Asset.ward.in_(wanted.wards))
        counted = on_map.group_by(*columns)
    else:
        counted = select(pyramid.of_kinds())
    each = union_all(counted, *_besides(actor, wanted, columns)).subquery()
    return select(each.c.kind, each.c.theme, cast(func.sum(each.c.n), BigInteger)).group_by(each.c.kind, each.c.theme)


def _of_wards(actor: Actor, wanted: AssetFilter) -> Select[Any]:
    of_these = [Asset.kind.in_(wanted.kinds)] * bool(wanted.kinds) + [Asset.theme.in_(wanted.themes)] * bool(
        wanted.themes
    )
    counted = select(Asset.ward, func.count().label("n")).where(Asset.on_map, Asset.ward.is_not(None), *of_these)
    besides = [one.where(Asset.ward.is_not(None)) for one in _besides(actor, wanted, (Asset.ward,))]
    each = union_all(counted.group_by(Asset.ward), *besides).subquery()
    total = cast(func.sum(each.c.n), BigInteger)
    return select(each.c.ward, total).group_by(each.c.ward).order_by(total.desc(), each.c.ward).limit(MOST_WARDS)


def _besides(actor: Actor, wanted: AssetFilter, columns: tuple[Any, ...]) -> list[Select[Any]]:
    """A row for each that matches and is not on the map: public ones without a place, and what only this actor sees."""
    one = literal(1, BigInteger).label("n")
    unmapped = select_assets(VISITOR, wanted, *columns, one).where(Asset.geom.is_(None))
    hidden = select_assets(actor, wanted, *columns, one).where(counts.not_public())
    return [unmapped] * (not wanted.has) + [hidden] * (actor.signed_in or actor.kind == "system")


# ── by the rows ─────────────────────────────────────────────────────────────────────────────


async def _by_rows(session: AsyncSession, actor: Actor, wanted: AssetFilter) -> Facets:
    """Any filter: the first rows that match without its kinds, themes and wards, each counted for what it matches."""
    by_kind, by_theme, by_ward = Counter[str](), Counter[str](), Counter[str]()
    matched = looked_at = 0
    for row in await session.execute(_of_rows(actor, wanted)):
        if row.grouped == 7:
            matched, looked_at = row.all, row.rows
        elif row.kind is not None:
            by_kind[row.kind] = row.of_kind
        elif row.theme is not None:
            by_theme[row.theme] = row.of_theme
        elif row.ward is not None:
            by_ward[row.ward] = row.of_ward
    return _facets(by_kind, by_theme, by_ward, matched, looked_at > BOUND)


def _of_rows(actor: Actor, wanted: AssetFilter) -> Select[Any]:
    around = replace(wanted, kinds=(), themes=(), wards=())
    some = select_assets(actor, around, Asset.kind, Asset.theme, Asset.ward).limit(BOUND + 1)
    each = some.cte().prefix_with("MATERIALIZED")

    def of(name: str, values: tuple[str, ...]) -> ColumnElement[bool]:
        return each.c[name].in_(values) if values else true()

    kind, theme, ward = of("kind", wanted.kinds), of("theme", wanted.themes), of("ward", wanted.wards)
    return select(
        each.c.kind, each.c.theme, each.c.ward,
        func.grouping(each.c.kind, each.c.theme, each.c.ward).label("grouped"),
        func.count().filter(theme, ward).label("of_kind"), func.count().filter(kind, ward).label("of_theme"),
        func.count().filter(kind, theme).label("of_ward"), func.count().filter(kind, theme, ward).label("all"),
        func.count().label("rows"),
    ).group_by(func.grouping_sets(each.c.kind, each.c.theme, each.c.ward, literal_column("()")))  # fmt: skip
