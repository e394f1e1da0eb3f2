"""Counts the figures of places: all figures of all reports come from here, by the statement app/sql/ward_figures.sql.

What is counted is what a visitor sees on the map and in the list, by the one read path; for a past day by what was
recorded of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from sqlalchemy import CTE, BigInteger, Float, String, column
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db, kinds, lifecycles, search
from app.models import Asset
from app.reports import figures
from app.reports.asking import Ground, Question
from app.reports.small_counts import Cell

AREA_WIDE, NOWHERE = -1, 0
#: What was counted of a place, by the words of the statement: 'kind:idea', 'touched:2024-05', 'open_needs' …
Raw = Mapping[str, Cell]
NONE = Cell(0, 0)


async def live(session: AsyncSession, asked: Question, ground: Ground) -> dict[int | None, Raw]:
    """Place (id of an area with a row, AREA_WIDE, NOWHERE; None: all together) → what was counted there, row by row."""
    statement = (
        db.sql("ward_figures")
        .columns(
            column("place", BigInteger), column("figure", String), column("value", Float), column("persons", BigInteger)
        )
        .add_cte(*parts(asked))
    )
    return gathered(await session.execute(statement, values(asked, ground)))


def gathered(rows: Iterable[Any]) -> dict[int | None, Raw]:
    """Place → figure → cell; what is not there is zero."""
    found: dict[int | None, dict[str, Cell]] = defaultdict(dict)
    for place, figure, value, persons in rows:
        found[place][figure] = Cell(value, persons)
    return dict(found)


# ── the parts that statements are made of ───────────────────────────────────────────────────


def values(asked: Question, ground: Ground) -> dict[str, Any]:
    """What the parts below take."""
    pairs = [(need, nature) for need, natures in figures.ANSWERED_BY.items() for nature in natures]
    return {
        "areas": ground.ids, "levels": list(lifecycles.LEVELS), "scope": ground.scope,
        "until": asked.until, "since": asked.begins,
        "wanted": [need for need, _ in pairs], "natures": [nature for _, nature in pairs],
    }  # fmt: skip


def visible(asked: Question) -> CTE:
    """`visible`: the assets that count, with their stage then; with a period also those that ended in it."""
    if asked.until is not None:
        past = db.sql("report_visible_at").columns(column("id", BigInteger), column("stage", String))
        return past.cte("visible")
    shown = search.select_assets(auth.VISITOR, search.AssetFilter(), Asset.id, Asset.stage)
    if asked.begins is None:
        return shown.cte("visible")
    ended = search.select_assets(auth.VISITOR, search.AssetFilter(stages=("ended",)), Asset.id, Asset.stage)
    return shown.union_all(ended.where(Asset.ended_at >= asked.begins)).cte("visible")


def parts(asked: Question) -> tuple[CTE, CTE, CTE]:
    """`visible`; `placed`: the row where each of them counts; `asked`: their needs."""
    placed, needs = (db.sql(name).columns(column("id", BigInteger)) for name in ("report_placed", "report_asked"))
    return visible(asked), placed.cte("placed"), needs.cte("asked")


# ── figures from what was counted ───────────────────────────────────────────────────────────


def public(raw: Raw, day: date, *, area: bool = True) -> dict[str, float]:
    """Name of a figure → its value, of all that are no persons; those of the density are not among them.

    `day`: the day of the report, by which an entry is stale. `area`: False for what is no area of its own.
    """
    found = {name: cell.value for name, cell in raw.items() if ":" not in name}
    by_kind = {kind.plural: raw.get(f"kind:{kind.name}", NONE).value for kind in kinds.ALL}
    found |= by_kind | {figures.TOTAL.name: sum(by_kind.values())}
    for theme in lifecycles.THEMES:
        found[figures.column("theme", theme)] = raw.get(f"theme:{theme}", NONE).value
        found[figures.column("offers_theme", theme)] = raw.get(f"offer:theme:{theme}", NONE).value
    found |= {f"stage_{stage}": raw.get(f"stage:{stage}", NONE).value for stage in lifecycles.STAGES}
    found |= {f"offers_{nature}": raw.get(f"offer:way:{nature}", NONE).value for nature in figures.NATURES}
    found[figures.UNUSED.name] = raw.get("place:way:unused", NONE).value
    found[figures.UNSTARTED.name] = len(unstarted(raw)) if area else 0
    found[figures.STALE.name] = sum(
        cell.value for name, cell in raw.items() if name.startswith("touched:") and name[8:] < _stale_before(day)
    )
    return found


def unstarted(raw: Raw) -> dict[str, int]:
    """Themes with ideas and without projects → how many ideas."""
    ideas = {theme: int(raw.get(f"idea:theme:{theme}", NONE).value) for theme in lifecycles.THEMES}
    return {theme: n for theme, n in ideas.items() if n and not raw.get(f"project:theme:{theme}", NONE).value}


def _stale_before(day: date) -> str:
    """The first month, as 2024-11, in which an entry may have been touched last and is not stale on this day."""
    month = day.year * 12 + day.month - 1 - figures.STALE_MONTHS
    return f"{month // 12:04}-{month % 12 + 1:02}"
