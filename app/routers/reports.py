"""Reports for officers and for everybody who wants to check them: public figures, the same for whoever asks."""

import re
from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BeforeValidator, Field, create_model

from app.reports import figures, wards, writers
from app.reports.wards import Question, WardReport
from app.routers.catalogue import Level, SetOut
from app.routers.deps import Read, Who, act
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
        kind = float if figure.unit == "hours" else int
        optional = figure.counts_persons or figure is figures.NEW
        about = Field(None if optional else ..., description=figure.definition)
        members[figure.name] = (kind | None if optional else kind, about)
    members["suppressed"] = (list[str], Field(description="Columns whose figure is left out here (null)."))
    return create_model(f"Ward{base.__name__}", __base__=base, __doc__=base.__doc__, **members)


if TYPE_CHECKING:
    WardRowOut = RowOut
    WardTotalsOut = TotalsOut
else:
    WardRowOut = _with_figures(RowOut)
    WardTotalsOut = _with_figures(TotalsOut)


class ReportOut(Out):
    """The ward report. `at`: the instant whose state it tells."""

    title: str
    level: str
    at: datetime
    set: SetOut
    columns: list[FigureOut]
    rows: list[WardRowOut]
    totals: WardTotalsOut


def _question(
    level: Annotated[Level, Query(description="One row per area of this level.")] = "ward",
    set: Annotated[Text | None, Query(max_length=120, description="Name of another boundary set.")] = None,  # noqa: A002
    at: Annotated[Day | None, Query(description="The state at the end of this day (UTC); now, if left out.")] = None,
    since: Annotated[Day | None, Query(description="Also count what is new since this day.")] = None,
    area: Annotated[Text | None, Query(max_length=20, description="Only inside the area with this code.")] = None,
) -> Question:
    return Question(level=level, set_name=set, at=at, since=since, area=area)


Asked = Annotated[Question, Depends(_question)]


@router.get("/wards", response_model=ReportOut, response_model_exclude_unset=True, **act("reports.read"))
async def read_wards(session: Read, actor: Who, asked: Asked) -> dict[str, Any]:
    """What the community has, ward by ward."""
    return writers.plain(await wards.read(session, actor, asked))


CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/wards.csv", response_class=Response, responses=CSV, **act("reports.read"))
async def download_wards(session: Read, actor: Who, asked: Asked) -> Response:
    """The same rows as a table (UTF-8, commas). Figures that are left out are empty and named in the last column."""
    report = await wards.read(session, actor, asked)
    headers = {"Content-Disposition": f'attachment; filename="{_file_name(report)}.csv"'}
    return Response("".join(writers.csv_lines(report)), headers=headers, media_type="text/csv; charset=utf-8")


def _file_name(report: WardReport) -> str:
    return f"assets-by-{report.level}-{report.at.date().isoformat()}"
