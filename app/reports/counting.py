"""Counts the figures of places: all figures of all reports come from here, by the statement app/sql/ward_figures.sql.

What is counted is what a visitor sees on the map and in the list, by the one read path; for a past day by what was
recorded of it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import CTE, BigInteger, Boolean, TextualSelect, column, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import auth, db, kinds, lifecycles, search
from app.models import Asset
from app.reports import figures
from app.reports.asking import Ground, Question

AREA_WIDE, NOWHERE = -1, 0
_PERSONS = frozenset(figure.name for figure in figures.of_wards() if figure.counts_persons)
_MONTH = "touched:"
#: Figure → the word of the statement that counts it; of all others the word is the name.
_COUNTED = {
    **{kind.plural: f"kind:{kind.name}" for kind in kinds.ALL},
    **{figures.column("theme", theme): f"theme:{theme}" for theme in lifecycles.THEMES},
    **{figures.column("offers_theme", theme): f"offer:theme:{theme}" for theme in lifecycles.THEMES},
    **{f"stage_{stage}": f"stage:{stage}" for stage in lifecycles.STAGES},
    **{f"offers_{nature}": f"offer:way:{nature}" for nature in figures.NATURES},
}
_WORDS = [(one.name, _COUNTED.get(one.name, one.name)) for one in figures.public(figures.of_wards(period=True))]
_IDEAS = [(theme, f"idea:theme:{theme}", f"project:theme:{theme}") for theme in lifecycles.THEMES]


@dataclass(slots=True)
class Raw:
    """What was counted in one place: by the words of the statement ('kind:idea', 'open_needs' …), assets by the month
    in which somebody touched them last, over how many different persons a figure was counted, and the ids of what is
    told by name (findings.MOST at most)."""

    values: dict[str, float] = field(default_factory=dict)
    months: dict[str, float] = field(default_factory=dict)
    persons: dict[str, int] = field(default_factory=dict)
    ids: dict[str, list[int]] = field(default_factory=dict)

    def of(self, name: str) -> float:
        """What was counted under this word."""
        return self.values.get(name, 0)

    def put(self, figure: str, value: float, persons: int, ids: list[int] | None) -> None:
        """Take in one row of the statement."""
        value = int(value) if value == int(value) else value
        if figure.startswith(_MONTH):
            self.months[figure.removeprefix(_MONTH)] = value
        else:
            self.values[figure] = value
        if figure in _PERSONS:
            self.persons[figure] = persons
        if ids:
            self.ids[figure] = ids

    def with_(self, other: "Raw") -> "Raw":
        """Both together. How many persons that are, nobody can tell from two numbers: at least the greater."""
        values, months = ({**one} for one in (self.values, self.months))
        for mine, theirs in ((values, other.values), (months, other.months)):
            for name, value in theirs.items():
                mine[name] = mine.get(name, 0) + value
        names = self.persons.keys() | other.persons.keys()
        persons = {name: max(self.persons.get(name, 0), other.persons.get(name, 0)) for name in names}
        ids = {name: [*self.ids.get(name, ()), *other.ids.get(name, ())] for name in self.ids.keys() | other.ids.keys()}
        return Raw(values, months, persons, ids)


#: Place (id of an area with a row, AREA_WIDE, NOWHERE; None: all together) → what was counted there.
Places = Mapping[Any, Raw]


async def live(session: AsyncSession, asked: Question, ground: Ground) -> Places:
    """Count everything now, asset by asset."""
    return await counted(session, parts(asked, ground), values(asked, ground))


async def counted(session: AsyncSession, these: Iterable[CTE], given: Mapping[str, Any]) -> dict[Any, Raw]:
    """What was counted by the parts `visible`, `placed` and `asked`, by what `placed` calls its places."""
    found: dict[Any, Raw] = defaultdict(Raw)
    rows = await session.execute(_figures().add_cte(*these), given)
    for place, *row in rows:
        found[place].put(*row)
    return found


def _figures() -> TextualSelect:
    return db.sql("ward_figures").columns()


# ── the parts that statements are made of ───────────────────────────────────────────────────


def values(asked: Question, ground: Ground) -> dict[str, Any]:
    """What the parts below take."""
    pairs = [(need, nature) for need, natures in figures.ANSWERED_BY.items() for nature in natures]
    return {
        "areas": ground.ids, "levels": list(lifecycles.LEVELS), "scope": ground.scope,
        "until": asked.until, "since": asked.begins,
        "wanted": [need for need, _ in pairs], "natures": [nature for _, nature in pairs],
    }  # fmt: skip


def parts(asked: Question, ground: Ground) -> tuple[CTE, ...]:
    """`wide`; `scoped`: what lies in the areas that the report is limited to, and these; `visible`: the assets that may
    count, with their stage then, and with a period also those that ended in it; `placed`: the row where each of them
    counts; `asked`: their needs."""
    scoped = db.sql("report_scoped").columns(column("id", BigInteger)).cte("scoped")
    return _wide(), scoped, _visible(asked, scoped if ground.scope else None), _placed(), needs()


def _visible(asked: Question, scoped: CTE | None) -> CTE:
    if asked.until is not None:
        return db.sql("report_visible_at").columns(column("id", BigInteger)).cte("visible")
    shown = search.select_assets(auth.VISITOR, search.AssetFilter(), Asset.id, Asset.stage)
    ended = search.select_assets(auth.VISITOR, search.AssetFilter(stages=("ended",)), Asset.id, Asset.stage)
    if scoped is not None:
        shown, ended = (one.where(Asset.id.in_(select(scoped.c.id))) for one in (shown, ended))
    if asked.begins is None:
        return shown.cte("visible")
    return shown.union_all(ended.where(Asset.ended_at >= asked.begins)).cte("visible")


def around(asked: Question, ground: Ground) -> tuple[CTE, ...]:
    """`wide`, and `visible` of no more than these."""
    if asked.until is not None:
        return parts(asked, ground)[:3]
    wide = _wide()
    return wide, _visible(asked, wide)


def _wide() -> CTE:
    return db.sql("report_wide").columns(column("id", BigInteger), column("inside", Boolean)).cte("wide")


def _placed() -> CTE:
    return db.sql("report_placed").columns(column("id", BigInteger)).cte("placed")


def needs() -> CTE:
    """`asked`."""
    return db.sql("report_asked").columns(column("id", BigInteger)).cte("asked")


# ── figures from what was counted ───────────────────────────────────────────────────────────


def public(raw: Raw, day: date, *, area: bool = True) -> dict[str, float]:
    """Name of a figure → its value, of all that are no persons; those of the density are not among them.

    `day`: the day of the report, by which an entry is stale. `area`: False for what is no area of its own.
    """
    values = raw.values
    found = {name: values.get(word, 0) for name, word in _WORDS}
    found[figures.TOTAL.name] = sum(found[kind.plural] for kind in kinds.ALL)
    found[figures.UNSTARTED.name] = len(unstarted(raw)) if area else 0
    before = _stale_before(day)
    found[figures.STALE.name] = sum(n for month, n in raw.months.items() if month < before)
    return found


def unstarted(raw: Raw) -> dict[str, int]:
    """Themes with ideas and without projects → how many ideas."""
    ideas = ((theme, int(raw.of(idea)), project) for theme, idea, project in _IDEAS)
    return {theme: n for theme, n, project in ideas if n and not raw.of(project)}


def _stale_before(day: date) -> str:
    """The first month, as 2024-11, in which an entry may have been touched last and is not stale on this day."""
    month = day.year * 12 + day.month - 1 - figures.STALE_MONTHS
    return f"{month // 12:04}-{month % 12 + 1:02}"
