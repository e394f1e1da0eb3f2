"""What a report points at by name: gaps, strengths, what blocks, and what stands for an area as a whole."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, lifecycles
from app.geo import pyramid
from app.reports import counting, figures, tallies
from app.reports.asking import Ground, Question
from app.reports.counting import Places, Raw
from app.reports.tallies import Tallies

#: The longest a list of findings gets; the rest is counted.
MOST = 200


@dataclass(frozen=True)
class FoundNeed:
    """An open need; `ward_code` is the code of the report's row, empty where it lies in none."""

    need: UUID
    title: str
    kind: str
    asset: UUID
    asset_title: str
    ward_code: str
    report_back_on: date | None


@dataclass(frozen=True)
class FoundTheme:
    """A theme on which an area has ideas and no project."""

    ward_code: str
    theme: str
    ideas: int


@dataclass(frozen=True)
class FoundSpace:
    """A place that is not used."""

    asset: UUID
    title: str
    ward_code: str
    use: str


@dataclass(frozen=True)
class Strength:
    """A theme that stands out in an area: how many assets, and how many times its share on the whole map."""

    ward_code: str
    theme: str
    assets: int
    times_average: float


@dataclass(frozen=True)
class AreaWide:
    """An asset that stands for an area larger than the rows of the report."""

    asset: UUID
    title: str
    kind: str
    area_code: str
    area_name: str
    level: str


@dataclass(frozen=True)
class Findings:
    """Each list holds MOST at most, in the order of the report's rows; `more` counts what each leaves out."""

    needs_without_offers: list[FoundNeed] = field(default_factory=list)
    themes_without_projects: list[FoundTheme] = field(default_factory=list)
    unused_spaces: list[FoundSpace] = field(default_factory=list)
    blocking_needs: list[FoundNeed] = field(default_factory=list)
    strengths: list[Strength] = field(default_factory=list)
    area_wide: list[AreaWide] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)


#: List → the figure that counts it in full.
_COUNTED = {
    "needs_without_offers": figures.UNANSWERED.name, "blocking_needs": figures.BLOCKING.name,
    "unused_spaces": "place:way:unused",
}  # fmt: skip


async def read(
    session: AsyncSession, asked: Question, ground: Ground, found: Places, kept: Tallies | None = None
) -> Findings:
    """The findings of what was counted: by place, and where tallies were taken for it by them too."""
    parts, given = counting.parts(asked, ground), counting.values(asked, ground) | {"most": MOST}
    if kept is not None:
        names = tallies.holding(kept, ground, [*_COUNTED.values()], MOST)
        parts, given = tallies.parts(names), given | tallies.spots(names, kept)
    statement = db.sql("report_findings").columns().add_cte(*parts)
    lists: dict[str, list[Any]] = {name: [] for name in Findings.__dataclass_fields__}
    for row in await session.execute(statement, given):
        lists[row.list].append(row)
    themes = _themes_without_projects(ground, found)
    strengths = _strengths(ground, found, await _on_the_map(session, asked, ground))
    totals = {name: _sum(found, figure) for name, figure in _COUNTED.items()}
    totals |= {"themes_without_projects": len(themes), "strengths": len(strengths)}
    return Findings(
        needs_without_offers=[_need(row) for row in lists["needs_without_offers"]],
        themes_without_projects=themes[:MOST],
        unused_spaces=[FoundSpace(row.asset, row.title, row.code, "unused") for row in lists["unused_spaces"]],
        blocking_needs=[_need(row) for row in lists["blocking_needs"]],
        strengths=strengths[:MOST],
        area_wide=[
            AreaWide(row.asset, row.title, row.kind, row.code, row.area_name, row.level) for row in lists["area_wide"]
        ],
        more={name: max(0, total - MOST) for name, total in totals.items()},
    )


def _need(row: Any) -> FoundNeed:
    return FoundNeed(row.need, row.title, row.kind, row.asset, row.asset_title, row.code, row.report_back_on)


def _sum(found: Places, figure: str) -> int:
    return int(sum(raw.of(figure) for place, raw in found.items() if place is not None))


def _themes_without_projects(ground: Ground, found: Places) -> list[FoundTheme]:
    return [
        FoundTheme(row.code, theme, ideas)
        for row in ground.rows
        for theme, ideas in counting.unstarted(found.get(row.id, Raw())).items()
    ]


def _strengths(ground: Ground, found: Places, whole: Mapping[str, int]) -> list[Strength]:
    """Themes whose share of an area's assets is well above their share of all on the map."""
    everything = sum(whole.values())
    strengths = []
    for row in ground.rows:
        raw = found.get(row.id, Raw())
        here = {theme: int(raw.of(f"theme:{theme}")) for theme in lifecycles.THEMES}
        times = {
            theme: n * everything / (sum(here.values()) * whole[theme])
            for theme, n in here.items()
            if n >= figures.STRONG_ASSETS and whole.get(theme)
        }
        strong = sorted((theme for theme in times if times[theme] >= figures.STRONG_TIMES), key=lambda one: -times[one])
        strengths += [Strength(row.code, theme, here[theme], round(times[theme], 1)) for theme in strong]
    return strengths


async def _on_the_map(session: AsyncSession, asked: Question, ground: Ground) -> dict[str, int]:
    """Theme → how many assets of it there are in all, wherever the report looks."""
    if asked.until is None:
        each = pyramid.of_kinds()
        counted = select(each.c.theme, cast(func.sum(each.c.n), BigInteger).label("n")).group_by(each.c.theme)
        return {row.theme: row.n for row in await session.execute(counted)}
    everywhere = Ground(ground.rows, None)
    statement = db.sql("report_themes").columns().add_cte(*counting.parts(asked, everywhere))
    return {row.theme: row.n for row in await session.execute(statement, counting.values(asked, everywhere))}
