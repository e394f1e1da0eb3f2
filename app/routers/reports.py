"""Reports for officers and for everybody who wants to check them: public figures, the same for whoever asks."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BeforeValidator, Field, create_model
from sqlalchemy.ext.asyncio import AsyncSession

from app.reports import figures, wards, writers
from app.reports.wards import Question, WardReport
from app.routers.catalogue import Level, SetOut
from app.routers.deps import Who, act, serving_of
from app.wire import Out, Text

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])


def _as_written(value: Any) -> Any:
    # Without this, a number would be taken for seconds since 1970.
    if isinstance(value, str) and not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        raise ValueError("Write a day as in 2026-05-01.")
    return value


Day = Annotated[date, BeforeValidator(_as_written)]


class FigureOut(Out):
    """A column: what exactly it counts. Figures that count persons are left out where they are small."""

    name: str
    label: str
    unit: str
    definition: str
    group: figures.Group
    counts_persons: bool


class RowOut(Out):
    """One ward; the last two rows, without a code, are what is area-wide and what lies in no ward."""

    ward_code: str
    ward_name: str


class TotalsOut(Out):
    """The sums of all rows."""


def _with_figures(base: type[Out]) -> type[Out]:
    """The type of a row: one member per figure, so that a kind that is added is in it."""
    members: dict[str, Any] = {}
    for figure in figures.of_wards(period=True):
        kind = float if figure.unit == "hours" or figure is figures.DENSITY else int
        optional = figure.counts_persons or figure in (figures.NEW, figures.ENDED, figures.DENSITY)
        about = Field(None if optional else ..., description=figure.definition)
        members[figure.name] = (kind | None if optional else kind, about)
    members["population"] = (int | None, Field(description="Residents, as loaded with the boundary."))
    members["suppressed"] = (list[str], Field(description="Columns whose figure is left out here (null)."))
    return create_model(f"Ward{base.__name__}", __base__=base, __doc__=base.__doc__, **members)


if TYPE_CHECKING:
    WardRowOut = RowOut
    WardTotalsOut = TotalsOut
else:
    WardRowOut = _with_figures(RowOut)
    WardTotalsOut = _with_figures(TotalsOut)


class BeforeOut(Out):
    """The public figures of the period before, as long and just before: by code of the area, and in total."""

    begins: Annotated[date, Field(alias="from")]
    ends: Annotated[date, Field(alias="to")]
    rows: dict[str, dict[str, int | float | None]]
    totals: dict[str, int | float | None]


class FoundNeedOut(Out):
    need: UUID
    title: str
    kind: str
    asset: UUID
    asset_title: str
    ward_code: str
    report_back_on: date | None


class FoundThemeOut(Out):
    ward_code: str
    theme: str
    ideas: int


class FoundSpaceOut(Out):
    asset: UUID
    title: str
    ward_code: str
    use: str


class StrengthOut(Out):
    """A theme with at least five assets in this area, whose share there is at least 1.5 times its share on the whole
    map; `times_average` says how many times."""

    ward_code: str
    theme: str
    assets: int
    times_average: float


class AreaWideOut(Out):
    asset: UUID
    title: str
    kind: str
    area_code: str
    area_name: str
    level: str


class FindingsOut(Out):
    """What the report points at by name: at most 200 in each list, in the order of the rows; `more` counts the rest."""

    needs_without_offers: list[FoundNeedOut]
    themes_without_projects: list[FoundThemeOut]
    unused_spaces: list[FoundSpaceOut]
    blocking_needs: list[FoundNeedOut]
    strengths: list[StrengthOut]
    area_wide: list[AreaWideOut]
    more: dict[str, int]


class ReportOut(Out):
    """The ward report. `at`: the instant whose state it tells; `since`: the first day of the period."""

    title: str
    level: str
    at: datetime
    since: date | None
    set: SetOut
    columns: list[FigureOut]
    rows: list[WardRowOut]
    totals: WardTotalsOut
    before: BeforeOut | None
    findings: FindingsOut


def _question(
    level: Annotated[Level, Query(description="One row per area of this level.")] = "ward",
    set: Annotated[Text | None, Query(max_length=120, description="Name of another boundary set.")] = None,  # noqa: A002
    at: Annotated[Day | None, Query(description="The state at the end of this day (UTC); now, if left out.")] = None,
    since: Annotated[Day | None, Query(description="Also what is new since this day, and the period before.")] = None,
    area: Annotated[
        Text | None, Query(max_length=12_000, description="Only inside the areas with these codes (commas between).")
    ] = None,
) -> Question:
    codes = tuple(dict.fromkeys(code.strip() for code in (area or "").split(",") if code.strip()))
    return Question(level=level, set_name=set, at=at, since=since, areas=codes)


Asked = Annotated[Question, Depends(_question)]


async def _snapshot(request: Request) -> AsyncIterator[AsyncSession]:
    async with serving_of(request).engines.snapshot() as session:
        yield session


#: A report takes several statements; its parts agree because all see one instant.
Snapshot = Annotated[AsyncSession, Depends(_snapshot, scope="function")]


@router.get("/wards", response_model=ReportOut, **act("reports.read"))
async def read_wards(session: Snapshot, actor: Who, asked: Asked) -> Response:
    """What the community has, ward by ward: figures with their definitions, gaps and strengths."""
    report = await wards.read(session, actor, asked)
    # Written as it is: for all wards of a country, checking each figure once more would take longer than counting.
    return Response(await asyncio.to_thread(writers.as_json, report), media_type="application/json")


CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/wards.csv", response_class=Response, responses=CSV, **act("reports.read"))
async def download_wards(session: Snapshot, actor: Who, asked: Asked) -> Response:
    """The same rows as a table (UTF-8, commas). Figures that are left out are empty and named in the last column."""
    report = await wards.read(session, actor, asked)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(report)}.csv"'}
    lines = await asyncio.to_thread(lambda: "".join(writers.csv_lines(report)))
    return Response(lines, headers=headers, media_type="text/csv; charset=utf-8")


def _file_name(report: WardReport) -> str:
    return f"assets-by-{report.level}-{report.at.date().isoformat()}"
