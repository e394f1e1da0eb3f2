"""How the assets of a page are found at a bounded cost, however many there are.

A page is found in one statement, and so in one snapshot, by two ways of which the second runs only where the first fell
short. **Walk** looks at the next few assets of the order and keeps those that match: a word or a kind that many have is
met at once. **Gather** takes all that match by their own index and sorts them: what a walk does not meet is rare.
Neither is left to the planner, which knows nothing of how a filter and an order go together: of a borough imported
last year it would expect some rows among the newest, and read a million to find that there are none.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Integer,
    Select,
    Text,
    and_,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    not_,
    null,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY

from app import kinds, lifecycles
from app.models import Asset


@dataclass(frozen=True)
class Order:
    """An order of assets: its keys, of which the last is unique, and what they are in a cursor."""

    keys: tuple[Any, ...]
    types: tuple[type, ...]
    descending: bool = False

    def labelled(self) -> list[ColumnElement[Any]]:
        """The keys as columns key_0, key_1, …"""
        return [key.label(f"key_{number}") for number, key in enumerate(self.keys)]

    def of(self, found: Any) -> list[ColumnElement[Any]]:
        """The same columns of a subquery."""
        return [found.c[f"key_{number}"] for number in range(len(self.keys))]

    def sorting(self, keys: Sequence[Any]) -> list[Any]:
        """What to order by."""
        return [key.desc() if self.descending else key.asc() for key in keys]

    def after(self, keys: Sequence[Any], last: Sequence[Any] | None) -> list[ColumnElement[bool]]:
        """What comes after a place in the order."""
        if last is None:
            return []
        place = tuple_(*(literal(value) for value in last))
        return [tuple_(*keys) < place if self.descending else tuple_(*keys) > place]


#: Squares of the map that an index keeps in the order of the newest, about 12 km wide in Britain.
SQUARE_LEVEL = 11
SQUARE = Asset.cell.op(">>")(literal_column("22"))  # as the index says it: 2 * (CELL_ZOOM - SQUARE_LEVEL)
NEW = Order((Asset.id,), (int,), descending=True)
#: Two halves, each from the newest on; the first key says which, and belongs to no column.
BEST = Order((literal_column("0", Integer), Asset.id), (int, int), descending=True)


@dataclass(frozen=True)
class Search:
    """Up to `most` assets on which all conditions hold, after `last` in the order."""

    conditions: Sequence[ColumnElement[bool]]
    order: Order
    last: Sequence[Any] | None
    most: int

    def straight(self) -> Select[Any]:
        """By the index of the order alone: for conditions that nearly every asset meets."""
        order = self.order
        found = select(Asset.id, *order.labelled(), cast(null(), BigInteger).label("gathered"))
        found = found.where(*self.conditions, *order.after(order.keys, self.last))
        return found.order_by(*order.sorting(order.keys)).limit(self.most)

    def gather(self, *gate: ColumnElement[bool], counted: bool = True) -> Select[Any]:
        """Everything that matches, sorted; `gathered` is how many that were, wherever the page begins. Not `counted`:
        null, for who looks at a part of the whole."""
        order = self.order
        every = select(Asset.id, *order.labelled()).where(*self.conditions, *gate).cte().prefix_with("MATERIALIZED")
        many = select(func.count()).select_from(every).scalar_subquery() if counted else cast(null(), BigInteger)
        found = select(every.c.id, *order.of(every), many.label("gathered"))
        found = found.where(*order.after(order.of(every), self.last))
        return found.order_by(*order.sorting(order.of(every))).limit(self.most)

    def walk(self, steps: int) -> Select[Any]:
        """Those that match among the next `steps` assets of the order."""
        order = self.order
        next_ = select(Asset.id, *order.labelled()).where(*order.after(order.keys, self.last))
        some = next_.order_by(*order.sorting(order.keys)).limit(steps).subquery()
        found = select(some.c.id, *order.of(some)).join_from(some, Asset, Asset.id == some.c.id)
        return found.where(opaque(self.conditions)).order_by(*order.sorting(order.of(some))).limit(self.most)

    def walk_or(self, rest: "Rest", steps: int, *gate: ColumnElement[bool]) -> CompoundSelect[Any]:
        """A walk, and where it meets too few the rest: `gather`, or another way that takes the gates."""
        walked = self.walk(steps).where(*gate).cte().prefix_with("MATERIALIZED")
        met = select(func.count()).select_from(walked).scalar_subquery()
        page = select(walked.c.id, *self.order.of(walked), cast(null(), BigInteger).label("gathered"))
        return union_all(page.where(met >= self.most), select(rest(met < self.most, *gate).subquery()))


def opaque(conditions: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    """The conditions as one that no index knows, for who walks by another one. The planner takes a CASE for true of
    every second row: enough for it to walk in order and stop, instead of finding all and sorting them."""
    return case((and_(*conditions), true()), else_=false())


#: A way to find a page, open only where its gates are true.
Rest = Callable[..., Select[Any]]


def of_each(search: Search, kind_names: Sequence[str], themes: Sequence[str]) -> Rest:
    """The newest of each kind and theme by their index, then the newest of those: for kinds and themes and little else.

    It costs the same whether the last of a kind was pinned today or before a million others.
    """
    kind = (
        func.unnest(cast(list(kind_names or kinds.BY_NAME), ARRAY(Text)))
        .table_valued("name", name="any_kind")
        .render_derived()
    )
    theme = (
        func.unnest(cast(list(themes or lifecycles.THEMES), ARRAY(Text)))
        .table_valued("name", name="any_theme")
        .render_derived()
    )
    of_both = (Asset.kind == kind.c.name, Asset.theme == theme.c.name)
    return lambda *gate: _newest_of(search, kind.join(theme, true()), (kind, theme), [*of_both, *gate])


def of_squares(search: Search, squares: Sequence[int]) -> Rest:
    """The same for the squares of the map (cells of SQUARE_LEVEL) that a box touches: for a box that holds many."""
    square = (
        func.unnest(cast(list(squares), ARRAY(BigInteger))).table_valued("code", name="any_square").render_derived()
    )
    return lambda *gate: _newest_of(search, square, (square,), [square.c.code == SQUARE, *gate])


def _newest_of(search: Search, source: Any, parts: Sequence[Any], conditions: Sequence[Any]) -> Select[Any]:
    newest = select(Asset.id).where(*conditions, *search.conditions, *NEW.after(NEW.keys, search.last))
    each = newest.order_by(Asset.id.desc()).limit(search.most).correlate(*parts).lateral("newest")
    found = select(each.c.id, each.c.id.label("key_0"), cast(null(), BigInteger).label("gathered"))
    return found.select_from(source.join(each, true())).order_by(each.c.id.desc()).limit(search.most)


def titles_first(
    search: Search, in_title: ColumnElement[bool], anywhere: ColumnElement[bool], steps: int
) -> Select[Any]:
    """Those with the words in their title from the newest on, then those that have them elsewhere: two pages, of which
    the second is looked for only where the first leaves room. `in_title` must imply `anywhere`."""
    half, after = search.last or (1, None)
    last = None if after is None else (after,)
    title = replace(search, conditions=[*search.conditions, in_title], order=NEW, last=last)
    rest = replace(title, conditions=[*search.conditions, anywhere, not_(in_title)], last=last if half == 0 else None)
    first = title.walk_or(title.gather, steps).cte().prefix_with("MATERIALIZED")
    met = select(func.count()).select_from(first).scalar_subquery()
    gates = () if half == 0 else (met < search.most,)
    second = rest.walk_or(rest.gather, steps, *gates).subquery()

    def columns(of: int, found: Any) -> Select[Any]:
        return select(found.c.id, literal(of).label("key_0"), found.c.key_0.label("key_1"))

    both = columns(0, second) if half == 0 else union_all(columns(1, first), columns(0, second))
    page = both.subquery()
    every = select(page.c.id, page.c.key_0, page.c.key_1, cast(null(), BigInteger).label("gathered"))
    return every.order_by(page.c.key_0.desc(), page.c.key_1.desc()).limit(search.most)
