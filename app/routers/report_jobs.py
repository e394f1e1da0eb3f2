"""Reports that take longer than a request may: ordered, watched, fetched, removed. They are their orderer's alone."""

import re
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import quote
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import AfterValidator, Field

from app import errors, files
from app.actions import orders
from app.models import Job
from app.reports import asking, registry
from app.reports.asking import Question
from app.routers.catalogue import Level
from app.routers.deps import JustOnce, Paging, Read, Serving, Tx, Who, act
from app.wire import Day, Out, Page, Text, Wire

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

WHAT = "report"
PRIVATE = {"Cache-Control": "private, no-store"}


def _known(name: str) -> str:
    if name not in registry.FORMATS:
        raise ValueError(f"There is no such format. Known: {', '.join(registry.FORMATS)}.")
    return name


Format = Annotated[Text, AfterValidator(_known), Field(json_schema_extra={"enum": list(registry.FORMATS)})]
Code = Annotated[Text, Field(min_length=1, max_length=20)]


class ReportOrder(Wire):
    report: Literal["wards"]
    format: Format
    level: Level = "ward"
    set: Annotated[Text | None, Field(max_length=120, description="Name of another boundary set.")] = None
    at: Annotated[Day | None, Field(description="The state at the end of this day (UTC); now, if left out.")] = None
    since: Annotated[Day | None, Field(description="Also what is new since this day, and the period before.")] = None
    areas: Annotated[
        tuple[Code, ...], Field(max_length=asking.MOST_AREAS, description="Only inside these; none: everywhere.")
    ] = ()


class Progress(Out):
    """What is being done, how much of it is done, what that counts, and its share from 0 to 1 where it can be told."""

    what: str
    done: int
    unit: str
    share: float | None


class ReportJob(Out):
    """A report that you ordered. `fault` says why it failed; `file` is where to fetch it until `expires_at`."""

    uid: UUID
    state: Annotated[str, Field(description="waiting, working, done, failed or cancelled.")]
    progress: Progress | None
    fault: str | None
    format: str
    name: str | None
    size: int | None
    expires_at: datetime | None
    file: str | None
    created_at: datetime


def _shown(job: Job) -> ReportJob:
    return ReportJob(
        uid=job.uid, state=job.state, progress=Progress(**job.progress) if job.progress else None, fault=job.fault,
        format=job.asked["format"], name=job.file.name if job.file else None, size=job.file.size if job.file else None,
        expires_at=job.expires_at, file=f"{_address(job.uid)}/file" if job.file else None, created_at=job.created_at,
    )  # fmt: skip


def _address(uid: UUID) -> str:
    return f"{router.prefix}/jobs/{uid}"


@router.post("/jobs", status_code=202, response_model=ReportJob, **act("reports.order"))
async def order_report(said: ReportOrder, read: Read, session: Tx, actor: Who, once: JustOnce) -> Response:
    """Order a report that is too large to wait for. Ask again at `Location` how far it is."""
    # What nobody could answer is refused at once.
    asked = Question(said.level, said.set, said.at, said.since, said.areas)
    asking.check(asked)
    await asking.ground(read, asked)
    job = await orders.order(session, actor, WHAT, said.model_dump(mode="json"))
    return await once.created(_shown(job), status=202, location=_address(job.uid))


@router.get("/jobs", **act("reports.order"))
async def list_jobs(request: Request, response: Response, session: Tx, actor: Who, paging: Paging) -> Page[ReportJob]:
    """Your reports of the last day, the newest first."""
    response.headers.update(PRIVATE)
    rows, following = await orders.listed(session, actor, what=WHAT, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [_shown(row) for row in rows], following)


@router.get("/jobs/{job}", **act("reports.order"))
async def read_job(job: UUID, response: Response, session: Tx, actor: Who) -> ReportJob:
    """How far your report is. Kept for a day after its end."""
    response.headers.update(PRIVATE)
    return _shown(await orders.get(session, actor, job, what=WHAT))


@router.delete("/jobs/{job}", status_code=204, **act("reports.order"))
async def remove_job(job: UUID, session: Tx, actor: Who) -> None:
    """Call off a report that is not done; remove one that is, with its file."""
    await orders.cancel(session, actor, job, what=WHAT)


FILE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}


@router.get("/jobs/{job}/file", response_class=Response, responses=FILE, **act("reports.order"))
async def fetch_file(job: UUID, session: Tx, serving: Serving, actor: Who) -> Response:
    """The report itself, while it is kept."""
    found = await orders.get(session, actor, job, what=WHAT)
    if found.state in ("waiting", "working"):
        raise errors.Conflict("This report is not done yet.")
    if found.file is None:
        raise errors.NotFound("This report has no file.")
    file = found.file
    headers = {"Content-Length": str(file.size), "Content-Disposition": attachment(file.name), **PRIVATE}
    return StreamingResponse(files.stream(serving.engines, file), headers=headers, media_type=file.media_type)


def attachment(name: str) -> str:
    """A Content-Disposition that saves under this name (RFC 6266, 4): the name itself as RFC 8187 writes it, and before
    it, for who cannot read that, one of plain letters."""
    plain = re.sub(r"[^ !#-\[\]-~]|%", "_", name)
    extended = "" if plain == name else f"; filename*=UTF-8''{quote(name, safe='')}"
    return f'attachment; filename="{plain}"{extended}'
