"""What a report points at by name: gaps, strengths, what blocks, and what stands for an area as a whole."""

import asyncio
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, cast, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, lifecycles
from app.geo import pyramid
from app.reports import counting, figures
from app.reports.asking import Ground, Question
from app.reports.counting import AREA_WIDE, NOWHERE, Places, Raw

#: The longest a list of findings gets; the rest is counted.
MOST = 200
_THEMES = [(theme, f"theme:{theme}") for theme in lifecycles.THEMES]


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
    """Each list holds MOST at most, in the order of the report's rows, and nothing that was taken out of sight after
    the day asked for; `more` counts what each leaves out."""

    needs_without_offers: list[FoundNeed] = field(default_factory=list)
    themes_without_projects: list[FoundTheme] = field(default_factory=list)
    unused_spaces: list[FoundSpace] = field(default_factory=list)
    blocking_needs: list[FoundNeed] = field(default_factory=list)
    strengths: list[Strength] = field(default_factory=list)
    area_wide: list[AreaWide] = field(default_factory=list)
    more: dict[str, int] = field(default_factory=dict)


async def read(session: AsyncSession, asked: Question, ground: Ground, found: Places) -> Findings:
    """The findings of what was counted (`found`)."""
    unanswered, blocking = (_listed(ground, found, figure.name) for figure in (figures.UNANSWERED, figures.BLOCKING))
    unused, around = _listed(ground, found, figures.UNUSED.name), await _around(session, asked, ground)
    wide = [*found.get(AREA_WIDE, Raw()).ids.get("wide", ()), *around]
    needs = await _named(session, "found_needs", [*unanswered, *blocking])
    assets = await _named(session, "found_assets", [*unused, *wide])
    codes = {row.id: row.code for row in ground.rows}
    whole = await _on_the_map(session, asked, ground)
    themes = await asyncio.to_thread(_themes_without_projects, ground, found)
    strengths = await asyncio.to_thread(_strengths, ground, found, whole)
    totals = {
        "needs_without_offers": _sum(found, figures.UNANSWERED.name), "themes_without_projects": len(themes),
        "unused_spaces": _sum(found, figures.UNUSED.name), "blocking_needs": _sum(found, figures.BLOCKING.name),
        "strengths": len(strengths), "area_wide": int(found.get(AREA_WIDE, Raw()).of("wide")) + len(around),
    }  # fmt: skip
    lists: dict[str, list[Any]] = {
        "needs_without_offers": [_need(row, codes.get(place, "")) for row, place in _each(needs, unanswered)],
        "themes_without_projects": themes[:MOST],
        "unused_spaces": [
            FoundSpace(row.asset, row.title, codes.get(place, ""), "unused") for row, place in _each(assets, unused)
        ],
        "blocking_needs": [_need(row, codes.get(place, "")) for row, place in _each(needs, blocking)],
        "strengths": strengths[:MOST],
        "area_wide": _area_wide([assets[one] for one in wide if one in assets])[:MOST],
    }
    return Findings(**lists, more={name: max(0, total - len(lists[name])) for name, total in totals.items()})


def _listed(ground: Ground, found: Places, figure: str) -> dict[int, int]:
    """The ids of what the figure counts → the place where it does: the first MOST in the order of the rows."""
    places = (*ground.ids, AREA_WIDE, NOWHERE)
    each = ((one, place) for place in places for one in found.get(place, Raw()).ids.get(figure, ()))
    return dict(itertools.islice(each, MOST))


async def _named(session: AsyncSession, statement: str, ids: list[int]) -> dict[int, Any]:
    return {row.id: row for row in await session.execute(db.sql(statement), {"ids": ids})} if ids else {}


def _each(named: Mapping[int, Any], listed: Mapping[int, int]) -> Iterator[tuple[Any, int]]:
    """Those that may still be named, with the place where each counts."""
    return ((named[one], place) for one, place in listed.items() if one in named)


async def _around(session: AsyncSession, asked: Question, ground: Ground) -> list[int]:
    """Ids of what stands for an area around those that the report is limited to: it is told, and not counted."""
    if ground.scope is None:
        return []
    statement = db.sql("found_around").columns().add_cte(*counting.around(asked, ground))
    return [row.id for row in await session.execute(statement, counting.values(asked, ground))]


def _need(row: Any, code: str) -> FoundNeed:
    return FoundNeed(row.need, row.title, row.kind, row.asset, row.asset_title, code, row.report_back_on)


def _area_wide(rows: list[Any]) -> list[AreaWide]:
    rows = sorted(rows, key=lambda row: (lifecycles.LEVELS.index(row.level), row.area_code, row.title, row.id))
    return [AreaWide(row.asset, row.title, row.kind, row.area_code, row.area_name, row.level) for row in rows]


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
        here = {theme: int(raw.of(word)) for theme, word in _THEMES}
        total = sum(here.values())
        times = {
            theme: n * everything / (total * whole[theme])
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
