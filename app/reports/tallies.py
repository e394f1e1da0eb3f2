"""What the ward report counts, kept place by place: the report of a country costs what it shows, not what it counts.

Every asset belongs to one tally (civic_tally: its ward, else the area it stands for, else its square of the map).
Writers only append which tallies changed (triggers do it); one folder at a time counts those again. Whoever reads takes
what is kept and counts what waits, in the same snapshot: a figure is exact at every moment, and nothing drifts, because
every count is made anew from the rows.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from psycopg.types.json import Jsonb
from sqlalchemy import CTE, delete, false, func, insert, literal_column, select, text, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db, search
from app.models import Area, Asset, TallyChange
from app.reports import counting
from app.reports.asking import Ground, Question
from app.reports.counting import Places, Raw
from app.reports.small_counts import THRESHOLD

#: Advisory lock of the folder, held to the end of its transaction.
LOCK = 0x74616C6C
#: Tallies that one statement counts, and that one transaction of the worker keeps.
BATCH, AT_ONCE = 200, 1000
_CHANGE = (TallyChange.place, TallyChange.asset_id, TallyChange.box)

#: Name of a tally → the place in the report where it counts, and what was counted.
Tallies = Mapping[str, tuple[int, Raw]]


def know(asked: Question, ground: Ground) -> bool:
    """True where a report can be made of tallies: today's wards, all of them or some, and no period."""
    return asked.standing and asked.since is None and (ground.scope is None or set(ground.scope) <= set(ground.ids))


async def read(session: AsyncSession, ground: Ground) -> Tallies:
    """The tallies of a ground that `know` says yes to; as exact as counting now. The session must see one instant."""
    return await _read(session, counting.values(Question(), ground))


async def of_persons(session: AsyncSession) -> Places:
    """What counts persons, of all wards of today."""
    wards = select(func.array_agg(Area.id)).where(Area.level == "ward", Area.ended_at.is_(None))
    everywhere = counting.values(Question(), Ground((), None)) | {"areas": await session.scalar(wards) or []}
    return await by_place(session, await _read(session, everywhere, counting_persons=True))


async def _read(session: AsyncSession, given: dict[str, Any], *, counting_persons: bool = False) -> Tallies:
    changes = select(*_CHANGE).cte("changes")
    waiting = [place for (place,) in await session.execute(_waiting(changes))]
    given |= {"waiting": waiting, "counting_persons": counting_persons}
    there = (await session.execute(db.sql("tallies_there"), given)).all()
    fresh = await _counted(session, [name for name, _, kept in there if kept is None])
    return {name: (place, fresh.get(name, Raw()) if kept is None else Raw(*kept)) for name, place, kept in there}


async def by_place(session: AsyncSession, kept: Tallies) -> Places:
    """The same by the row where it counts; None: the sums of what counts persons, over how many persons they are. Of a
    row that several tallies make up, the persons are at least the greatest number of one of them."""
    found: dict[int | None, Raw] = defaultdict(Raw)
    for _, (place, raw) in sorted(kept.items(), key=lambda one: one[0]):
        if place in found or place <= 0:
            found[place] = found[place].with_(raw)
        else:
            found[place] = raw  # nearly every ward is one tally
        if raw.persons:
            sums = {name: raw.of(name) for name in raw.persons}
            found[None] = found[None].with_(Raw(sums, {}, raw.persons))
    few = {name for name, persons in found[None].persons.items() if persons < THRESHOLD}
    if few:  # few in each tally, and perhaps not the same ones: look who they are
        theirs = [name for name, (_, raw) in kept.items() if few & raw.persons.keys()]
        exact = (await _together(session, theirs))[None]
        found[None].persons |= {name: exact.persons.get(name, 0) for name in few}
    return found


async def fold(session: AsyncSession, most: int | None = None) -> int:
    """Count again what waits, and keep it; return how many tallies that were. Nothing while another one folds. Beyond
    `most` they wait on: what a large import left is then counted, and kept, in several transactions.
    """
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK))):
        return 0
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    # Taken first, counted afterwards: what is written between the two is counted and waits all the same.
    changes = delete(TallyChange).returning(*_CHANGE).cte("changes")
    waiting = [place for (place,) in await session.execute(_waiting(changes))]
    if most is not None and waiting[most:]:
        await session.execute(insert(TallyChange), [{"place": place} for place in waiting[most:]])
        del waiting[most:]
    for first in range(0, len(waiting), BATCH):
        some = waiting[first : first + BATCH]
        found = await _counted(session, some)
        kept = [Jsonb(_plain(found[place]) if place in found else []) for place in some]
        await session.execute(db.sql("tallies_keep"), {"places": some, "figures": kept})
    return len(waiting)


async def rebuild(session: AsyncSession) -> int:
    """Count every tally again, after rows were poured in past the triggers; return how many there are."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    await session.execute(db.sql("tallies_mark"))
    return await fold(session)


def _waiting(changes: CTE) -> Any:
    return db.sql("tallies_waiting").columns().add_cte(changes)


def _plain(raw: Raw) -> list[dict[str, Any]]:
    return [raw.values, raw.months, raw.persons, raw.ids]


# ── counting some of them ───────────────────────────────────────────────────────────────────


async def _counted(session: AsyncSession, names: Sequence[str]) -> dict[str, Raw]:
    found: dict[str, Raw] = {}
    for first in range(0, len(names), BATCH):
        found |= await _together(session, names[first : first + BATCH])
    return found


async def _together(session: AsyncSession, names: Sequence[str]) -> dict[Any, Raw]:
    """Tally → what is in it now; None: what counts persons, of all of these."""
    members = _members(names)
    mine = select(members).cte("placed")
    given = counting.values(Question(), Ground((), None))
    return await counting.counted(session, (members, mine, counting.needs()), given)


def _members(names: Sequence[str]) -> CTE:
    """`visible`: the assets in these tallies, with their stage and tally (`place`); each sort by its own index."""
    tally = func.civic_tally(Asset.ward, Asset.area_id, Asset.cell, Asset.theme).label("place")
    these = search.select_assets(auth.VISITOR, search.AssetFilter(), Asset.id, Asset.stage, tally)
    wards = [name for name in names if name[0] not in "@#?"]
    of: dict[str, list[str]] = {sort: [name[1:] for name in names if name[0] == sort] for sort in "@#?"}
    homeless = these.where(Asset.ward.is_(None), Asset.area_id.is_(None))
    square = Asset.cell.op(">>")(literal_column("22"))
    sorts = [
        (wards, these.where(Asset.ward.in_(wards))),
        (of["@"], these.where(Asset.ward.is_(None), Asset.area_id.in_(map(int, of["@"])))),
        (of["#"], homeless.where(square.in_(map(int, of["#"])))),
        (of["?"], homeless.where(Asset.geom.is_(None), Asset.theme.in_(of["?"]))),
    ]
    some = [statement for named, statement in sorts if named]
    return union_all(*(some or [these.where(false())])).cte("visible")
