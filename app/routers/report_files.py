"""The ward report as a file: workbook, GeoJSON, GeoPackage, PDF, and the brief of one page for each area.

What is small is written while its reader waits, beside the event loop; what is large is ordered as a job.
"""

import asyncio
import tempfile
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anyio
from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse

from app import errors, files
from app.reports import registry
from app.reports.asking import Question
from app.reports.registry import FORMATS
from app.routers.deps import Service, Serving, act
from app.routers.reports import Asked

router = APIRouter(prefix="/api/v1/reports", tags=["reports"])

#: Assets of a report that is written while its reader waits.
MOST_AT_ONCE = 5000
#: Reports that a process writes at the same time, and for how long others wait for their turn.
WRITERS = threading.BoundedSemaphore(2)
PATIENCE_S = 10.0


def _answers(name: str) -> dict[int | str, dict[str, Any]]:
    schema = {"type": "object"} if name == "geojson" else {"type": "string", "format": "binary"}
    return {200: {"content": {FORMATS[name].media_type: {"schema": schema}}}}


@router.get("/wards.xlsx", response_class=Response, responses=_answers("xlsx"), **act("reports.read"))
async def download_workbook(serving: Serving, asked: Asked) -> Response:
    """A workbook: summary, wards, assets, needs and gaps, definitions."""
    return await _written(serving, asked, "xlsx")


@router.get("/wards.geojson", response_class=Response, responses=_answers("geojson"), **act("reports.read"))
async def download_geojson(serving: Serving, asked: Asked) -> Response:
    """The areas with their figures and the assets as points (RFC 7946); the member `report` has the definitions."""
    return await _written(serving, asked, "geojson")


@router.get("/wards.gpkg", response_class=Response, responses=_answers("gpkg"), **act("reports.read"))
async def download_geopackage(serving: Serving, asked: Asked) -> Response:
    """A GeoPackage: areas with their figures, assets as points, definitions as a table."""
    return await _written(serving, asked, "gpkg")


@router.get("/wards.pdf", response_class=Response, responses=_answers("pdf"), **act("reports.read"))
async def download_pdf(serving: Serving, asked: Asked) -> Response:
    """The report for print (PDF/UA-1): a ward on four pages at most; of several wards a summary first."""
    return await _written(serving, asked, "pdf")


@router.get("/wards/brief.pdf", response_class=Response, responses=_answers("brief"), **act("reports.read"))
async def download_brief(serving: Serving, asked: Asked) -> Response:
    """Each area on one page (PDF/UA-1)."""
    return await _written(serving, asked, "brief")


async def _written(serving: Service, asked: Question, name: str) -> Response:
    async with _turn():
        with tempfile.TemporaryDirectory(prefix="civic-report-") as folder:
            path = Path(folder) / "report"
            called = await registry.produce(serving.engines, asked, name, path, most=MOST_AT_ONCE)
            file = await anyio.open_file(path, "rb")  # open, it outlives its folder
            size = path.stat().st_size
    headers = {"Content-Disposition": f'attachment; filename="{called}"', "Content-Length": str(size)}
    return StreamingResponse(_pieces(file), headers=headers, media_type=FORMATS[name].media_type)


async def _pieces(file: anyio.AsyncFile[bytes]) -> AsyncIterator[bytes]:
    """A file bit by bit: the outlines of a country are many megabytes, and who reads them may be slow."""
    async with file:
        while piece := await file.read(files.PIECE):
            yield piece


@asynccontextmanager
async def _turn() -> AsyncIterator[None]:
    """A writer's place. Raises Busy when none becomes free in time."""
    for _ in range(round(PATIENCE_S / 0.05)):
        if WRITERS.acquire(blocking=False):
            break
        await asyncio.sleep(0.05)
    else:
        raise errors.Busy("Other reports are being written. Try again in a few seconds, or order it as a job.")
    try:
        yield
    finally:
        WRITERS.release()
