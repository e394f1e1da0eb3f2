"""Bringing in files: send one, look at what it would do, correct how it is read, bring it in, undo it.

What takes long is done by a job; the import itself says how far it is. No key may: an officer or an operator signs in.
"""

import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Annotated, Any, Literal
from uuid import UUID

import anyio
from fastapi import APIRouter, Path, Query, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from app import errors, files, wire
from app.actions import import_desk, import_placing, sources
from app.actions.import_desk import Row, Seen
from app.geo import tables
from app.models import Source
from app.routers import deps
from app.routers.deps import Paging, Serving, Tx, Who, act
from app.wire import Line, Out, Page, Text, Wire

router = APIRouter(prefix="/api/v1", tags=["imports"])

#: The one route whose body may be larger than others'.
SEND = ("POST", "/api/v1/imports")
ACT = act("imports.bring_in")
Fate = Literal["created", "updated", "conflict", "unplaced", "rejected", "retired", "duplicate", "kept"]
#: What an import may change of an asset, as it is shown before and after.
SHOWN = ("title", "summary", "body", "organiser", "website", "details", "stage")
Name = Annotated[Line, Field(max_length=120)]
Column = Annotated[Text, Field(max_length=200)]
FileName = Annotated[
    Text,
    Query(min_length=1, max_length=200, pattern=r"^[^/\\\x00-\x1f\x7f]*[^/\\\x00-\x1f\x7f.][^/\\\x00-\x1f\x7f]*$"),
]


class ColumnOut(Out):
    name: str
    samples: list[str]
    field: str | None


class CountsOut(Out):
    """read = created + updated + already_there + conflicts + unplaced + rejected; retired assets are no rows."""

    read: int
    created: int
    updated: int
    already_there: int
    conflicts: int
    unplaced: int
    rejected: int
    retired: int
    retired_in_conflict: int
    outside: int
    swapped: int
    duplicates: int
    in_areas: int


class ProgressOut(Out):
    what: str
    done: int
    unit: str
    share: float | None


class ImportOut(Out):
    uid: UUID
    state: str
    progress: ProgressOut | None
    fault: str | None
    file_name: str
    kind: str | None
    theme: str
    source: str
    key: str | None
    map: dict[str, str]
    crs: str | None
    understood: list[str]
    columns: list[ColumnOut]
    fields: list[str]
    counts: CountsOut
    remarks: list[str]
    created_at: datetime
    ran_at: datetime | None
    by: str | None


class RowOut(Out):
    id: int
    line: int | None
    fate: str = Field(alias="is")
    title: str
    reason: str
    asset: UUID | None
    lon: float | None
    lat: float | None
    before: dict[str, Any] | None
    after: dict[str, Any] | None
    waits: bool


class SourceOut(Out):
    uid: UUID
    name: str
    kind: str
    theme: str
    key: str | None
    map: dict[str, str] = Field(validation_alias="mapping")
    crs: str | None
    licence: str | None
    attribution: str | None
    created_at: datetime
    updated_at: datetime


class Correction(Wire):
    """What to understand differently; what is left out stays as it was said before."""

    kind: Annotated[Line, Field(max_length=20)] | None = None
    theme: Annotated[Line, Field(max_length=20)] | None = None
    source: Name | None = None
    key: Column | None = None
    map: dict[Annotated[Text, Field(max_length=60)], Column] | None = None
    crs: Annotated[Line, Field(max_length=20)] | None = None
    layer: Column | None = None
    licence: Annotated[Line, Field(max_length=80)] | None = None
    attribution: Annotated[Line, Field(max_length=400)] | None = None
    retire: Annotated[
        bool | None,
        Field(strict=True, description="true: however many; false: none; null: unless it is more than half."),
    ] = None


class Placed(Wire):
    geometry: wire.Geometry


class PlacedOut(Out):
    asset: UUID


# ── sending and correcting ──────────────────────────────────────────────────────────────────

_UPLOAD: dict[str, Any] = {
    **ACT,
    "openapi_extra": {
        **ACT["openapi_extra"],
        "requestBody": {
            "required": True,
            "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}},
        },
    },
}


@router.post("/imports", status_code=202, response_model=ImportOut, **_UPLOAD)
async def send_file(
    request: Request,
    response: Response,
    serving: Serving,
    actor: Who,
    file_name: FileName,
    kind: Annotated[Line | None, Query(max_length=20)] = None,
    theme: Annotated[Line | None, Query(max_length=20)] = None,
    source: Annotated[Line | None, Query(max_length=120)] = None,
) -> ImportOut:
    """Send a file (its bytes are the body); a job looks at what bringing it in would do. Nothing is written yet."""
    said = {name: value for name, value in (("kind", kind), ("theme", theme), ("source", source)) if value}
    with files.room() as folder:
        path = anyio.Path(folder) / "sent"
        async with await path.open("wb") as into:
            async for some in request.stream():
                await into.write(some)
        if not (await path.stat()).st_size:
            raise errors.Invalid(f"{file_name} is empty.")
        async with serving.engines.transaction() as session:
            owner = actor.person_id or 0
            media = "application/octet-stream"
            kept = await files.keep(session, owner, file_name, media, folder / "sent", import_desk.expires())
            run = await import_desk.take(session, actor, file_name=file_name, file_uid=kept, said=said)
            response.headers["Location"] = f"/api/v1/imports/{run.uid}"
            return _import(await import_desk.see(session, actor, run.uid))


@router.patch("/imports/{uid}", status_code=202, **ACT)
async def correct_import(uid: UUID, body: Correction, session: Tx, actor: Who) -> ImportOut:
    """Say how a file is to be understood, and preview it again."""
    await import_desk.amend(session, actor, uid, body.model_dump(exclude_unset=True))
    return _import(await import_desk.see(session, actor, uid))


@router.post("/imports/{uid}/confirm", status_code=202, **ACT)
async def confirm_import(uid: UUID, session: Tx, actor: Who) -> ImportOut:
    """Bring in what was previewed."""
    await import_desk.confirm(session, actor, uid)
    return _import(await import_desk.see(session, actor, uid))


@router.post("/imports/{uid}/undo", status_code=202, **ACT)
async def undo_import(uid: UUID, session: Tx, actor: Who) -> ImportOut:
    """Undo a whole import. What people have touched since stays, and is listed (`is=kept`)."""
    await import_desk.undo(session, actor, uid)
    return _import(await import_desk.see(session, actor, uid))


@router.delete("/imports/{uid}", status_code=204, **ACT)
async def remove_import(uid: UUID, session: Tx, actor: Who) -> Response:
    """Remove a file that was not brought in, with its preview."""
    await import_desk.remove(session, actor, uid)
    return Response(status_code=204)


@router.post("/imports/rows/{row}/place", status_code=201, **ACT)
async def place_row(row: Annotated[int, Path(ge=1, lt=2**63)], body: Placed, session: Tx, actor: Who) -> PlacedOut:
    """Say where a row belongs that came without a place: it becomes an asset."""
    return PlacedOut(asset=await import_placing.place(session, actor, row, body.geometry))


# ── looking ─────────────────────────────────────────────────────────────────────────────────


@router.get("/imports", **ACT)
async def list_imports(request: Request, session: Tx, actor: Who, paging: Paging) -> Page[ImportOut]:
    """One's own imports and those of sources of one's areas, the newest first."""
    seen, following = await import_desk.listed(session, actor, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [_import(one) for one in seen], following)


@router.get("/imports/{uid}", **ACT)
async def read_import(uid: UUID, session: Tx, actor: Who) -> ImportOut:
    """How an import stands, how the file was understood, and what became (or would become) of its rows."""
    return _import(await import_desk.see(session, actor, uid))


@router.get("/imports/{uid}/rows", **ACT)
async def list_rows(
    uid: UUID, request: Request, session: Tx, actor: Who, paging: Paging, fate: Annotated[Fate, Query(alias="is")]
) -> Page[RowOut]:
    """The rows of which this became, in the file's order. Of new assets the first 5,000."""
    run = await import_desk.get(session, actor, uid)
    found, following = await import_desk.rows(session, run, fate, limit=paging.limit, cursor=paging.cursor)
    return paging.page(request, [_row(one) for one in found], following)


_GEOJSON: dict[int | str, dict[str, Any]] = {200: {"content": {"application/geo+json": {"schema": {"type": "object"}}}}}


@router.get("/imports/{uid}/map.geojson", response_class=Response, responses=_GEOJSON, **ACT)
async def read_map(uid: UUID, session: Tx, actor: Who) -> Response:
    """Where its rows land: at most 5,000 points, what needs a person first."""
    run = await import_desk.get(session, actor, uid)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [round(one.lon, 7), round(one.lat, 7)]},
            "properties": {"is": one.fate, "title": one.title, "reason": one.reason, "line": one.line},
        }
        for one in await import_desk.points(session, run)
    ]
    return Response(deps.render({"type": "FeatureCollection", "features": features}), media_type="application/geo+json")


_CSV: dict[int | str, dict[str, Any]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}


@router.get("/imports/{uid}/rejects.csv", response_class=StreamingResponse, responses=_CSV, **ACT)
async def download_rejects(uid: UUID, session: Tx, serving: Serving, actor: Who) -> StreamingResponse:
    """The rejected rows and why, as a table."""
    run = await import_desk.get(session, actor, uid)
    unit = run.plan.get("unit", "line")

    async def lines() -> AsyncIterator[str]:
        yield tables.csv_row([unit, "reason", "title"])
        cursor: str | None = None
        while True:  # between two pages no connection is held for a slow reader
            async with serving.engines.transaction() as own:
                page, cursor = await import_desk.rows(own, run, "rejected", limit=500, cursor=cursor)
            yield "".join(tables.csv_row([one.row.line, one.row.reason, one.row.title]) for one in page)
            if cursor is None:
                return

    name = re.sub(r"[^A-Za-z0-9_-]+", "-", run.source).strip("-")[:60] or "import"
    headers = {"Content-Disposition": f'attachment; filename="rejects-{name}.csv"'}
    return StreamingResponse(lines(), headers=headers, media_type="text/csv; charset=utf-8")


@router.get("/sources", **ACT)
async def list_sources(session: Tx, actor: Who) -> Page[SourceOut]:
    """The lists that the actor may bring in again, and what is remembered of each."""
    return Page(items=[_source(one) for one in await sources.listed(session, actor)], next=None)


# ── presenting ──────────────────────────────────────────────────────────────────────────────


def _source(source: Source) -> SourceOut:
    return SourceOut.model_validate(source)


def _import(seen: Seen) -> ImportOut:
    run, plan = seen.run, seen.run.plan
    counts = plan.get("counts", {})
    return ImportOut(
        uid=run.uid, state=seen.state, progress=ProgressOut(**seen.progress) if seen.progress else None,
        fault=seen.fault, file_name=run.file_name, kind=run.kind or None,
        theme=plan.get("theme") or run.said.get("theme") or "other", source=run.source,
        key=plan.get("key") or run.said.get("key"), map=plan.get("map") or run.said.get("map") or {},
        crs=plan.get("crs") or run.said.get("crs"), understood=plan.get("understood", []),
        columns=[ColumnOut(**column) for column in plan.get("columns", [])], fields=plan.get("fields", []),
        counts=CountsOut(
            read=run.rows_read, created=run.created, updated=run.updated, already_there=run.already_there,
            conflicts=run.conflicts, unplaced=run.unplaced, rejected=run.rejected, retired=run.retired,
            retired_in_conflict=counts.get("retired_in_conflict", 0), outside=counts.get("outside_areas", 0),
            swapped=counts.get("swapped", 0), duplicates=counts.get("duplicates", 0),
            in_areas=counts.get("in_areas", 0),
        ),
        remarks=plan.get("remarks", []), created_at=run.created_at, ran_at=run.ran_at, by=seen.by,
    )  # fmt: skip


def _row(one: Row) -> RowOut:
    row = one.row
    before, after = row.before, row.after
    if row.fate == "retired":
        after = {"stage": "ended"}
    names = [name for name in SHOWN if not before or not after or name not in after or before.get(name) != after[name]]
    moved = {"moved": True} if before and after and "geom" in after and before.get("geom") != after["geom"] else {}
    return RowOut(
        id=row.id, line=row.line, **{"is": row.fate}, title=row.title, reason=row.reason, asset=one.asset, lon=one.lon,
        lat=one.lat, waits=row.waits,
        before={name: before[name] for name in names if name in before} if before else None,
        after={name: after[name] for name in names if name in after} | moved if after else None,
    )  # fmt: skip
