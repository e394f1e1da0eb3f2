"""Imports as officers see them: a file that was sent, its preview, its rows, bringing it in, and undoing it.

An officer sees their own imports and those of sources of their areas; to everybody else they are not there.
"""

import dataclasses
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, String, cast, delete, func, null, or_, select, true
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from app import errors, files, rules
from app.actions import import_plan, import_undo, orders, sources
from app.actions.import_plan import Said
from app.actions.record import record
from app.auth import Actor
from app.models import Asset, ImportRow, ImportRun, Job, Person, Source
from app.models.columns import now
from app.wire import Cursor

#: A file that was sent and not brought in is kept for so long.
KEPT = timedelta(days=7)
#: While a job is at it.
BUSY = ("waiting", "previewing", "bringing-in", "undoing")
PREVIEWS = ("waiting", "previewing", "previewed", "failed")
MOST_POINTS = 5_000
CUT_OFF = "This was cut off. Try again."


@dataclasses.dataclass(frozen=True)
class Seen:
    """An import, what its job says of it, and how it stands."""

    run: ImportRun
    state: str
    fault: str | None
    progress: dict[str, Any] | None
    by: str | None
    """Name of who sent it."""


# ── what was said ───────────────────────────────────────────────────────────────────────────


def said_of(run: ImportRun) -> Said:
    """What a person said of its file."""
    told = {name: value for name, value in run.said.items() if name not in ("map", "retire")}
    return Said(**told, mapping=run.said.get("map") or {})


# ── seeing ──────────────────────────────────────────────────────────────────────────────────


def _mine(actor: Actor) -> ColumnElement[bool]:
    areas = sources.own_areas(actor)
    if areas is None:
        return true()
    ours = select(Source.id).where(Source.area_id.in_(areas))
    return or_(ImportRun.created_by == actor.person_id, ImportRun.source_id.in_(ours))


async def get(session: AsyncSession, actor: Actor, uid: UUID, *, lock: bool = False) -> ImportRun:
    """An import. Raises NotFound unless the actor may see it."""
    rules.admit(actor, "imports.bring_in")
    found = select(ImportRun).where(ImportRun.uid == uid, _mine(actor))
    if lock:
        found = found.with_for_update(of=ImportRun).execution_options(populate_existing=True)
    run = await session.scalar(found)
    if run is None:
        raise errors.NotFound()
    return run


async def see(session: AsyncSession, actor: Actor, uid: UUID) -> Seen:
    """An import and how it stands. Raises NotFound as `get` does."""
    return await _seen(session, await get(session, actor, uid))


async def _seen(session: AsyncSession, run: ImportRun) -> Seen:
    job = await session.scalar(select(Job).where(Job.uid == run.job_uid)) if run.state in BUSY else None
    by = await session.scalar(select(Person.name).where(Person.id == run.created_by))
    state, fault = run.state, run.fault
    if state in BUSY and (job is None or job.state in ("failed", "cancelled")):
        # Its job ended and could not say so: the worker died again and again, or the job has expired.
        state, fault = ("done" if state == "undoing" else "failed"), (job.fault if job else None) or CUT_OFF
    return Seen(run, state, fault, job.progress if job and job.progress else None, by)


async def listed(
    session: AsyncSession, actor: Actor, *, limit: int, cursor: str | None
) -> tuple[list[Seen], str | None]:
    """The imports that the actor may see, the newest first, and the cursor of what follows."""
    rules.admit(actor, "imports.bring_in")
    found = select(ImportRun).where(_mine(actor))
    if cursor:
        found = found.where(ImportRun.id < Cursor.decode(cursor, "imports", int)[0])
    runs = list(await session.scalars(found.order_by(ImportRun.id.desc()).limit(limit + 1)))
    seen = [await _seen(session, run) for run in runs[:limit]]
    return seen, Cursor.encode("imports", runs[limit - 1].id) if len(runs) > limit else None


async def every(session: AsyncSession, actor: Actor) -> list[ImportRun]:
    """All imports that the actor may see, the newest first."""
    rules.admit(actor, "imports.bring_in")
    return list(await session.scalars(select(ImportRun).where(_mine(actor)).order_by(ImportRun.id.desc())))


async def beginning_with(session: AsyncSession, actor: Actor, number: str) -> ImportRun:
    """The one import whose uid begins so. Raises NotFound when there is none, or more than one."""
    rules.admit(actor, "imports.bring_in")
    begins = cast(ImportRun.uid, String).startswith(number.lower(), autoescape=True)
    found = list(await session.scalars(select(ImportRun).where(begins, _mine(actor)).limit(2)))
    if len(found) != 1 or not number:
        what = f"More than one import begins with '{number}'" if found else f"There is no import '{number}'"
        raise errors.NotFound(f"{what}. './civic imports list' shows them.")
    return found[0]


async def waiting(session: AsyncSession, actor: Actor) -> dict[str, int]:
    """How many rows wait for a place (`unplaced`), and how many previews to be confirmed (`imports_waiting`)."""
    if rules.areas_of(actor, "imports.bring_in") == frozenset() or not rules.holds(actor, "imports.bring_in"):
        return {"unplaced": 0, "imports_waiting": 0}
    rows = select(func.count()).select_from(ImportRow).join(ImportRun, ImportRun.id == ImportRow.run_id)
    previews = select(func.count()).select_from(ImportRun).where(ImportRun.state == "previewed", _mine(actor))
    return {
        "unplaced": await session.scalar(rows.where(ImportRow.waits, _mine(actor))) or 0,
        "imports_waiting": await session.scalar(previews) or 0,
    }


# ── rows ────────────────────────────────────────────────────────────────────────────────────


@dataclasses.dataclass(frozen=True)
class Row:
    """A row of an import with the place of its anchor; `asset` only while that is there."""

    row: ImportRow
    asset: UUID | None
    lon: float | None
    lat: float | None


async def rows(
    session: AsyncSession, run: ImportRun, fate: str, *, limit: int, cursor: str | None = None
) -> tuple[list[Row], str | None]:
    """The rows of an import of which this became, in the file's order, and the cursor of what follows."""
    found = select(ImportRow, Asset.uid, func.ST_X(ImportRow.geom), func.ST_Y(ImportRow.geom))
    found = found.outerjoin(Asset, Asset.uid == ImportRow.asset_uid)
    found = found.where(ImportRow.run_id == run.id, ImportRow.fate == fate).order_by(ImportRow.id)
    if cursor:
        found = found.where(ImportRow.id > Cursor.decode(cursor, "rows", int)[0])
    page = [Row(*one) for one in await session.execute(found.limit(limit + 1))]
    return page[:limit], Cursor.encode("rows", page[limit - 1].row.id) if len(page) > limit else None


async def every_row(session: AsyncSession, run: ImportRun, fate: str) -> AsyncIterator[ImportRow]:
    """All of them, however many."""
    cursor: str | None = None
    while True:
        page, cursor = await rows(session, run, fate, limit=500, cursor=cursor)
        for one in page:
            yield one.row
        session.expunge_all()
        if cursor is None:
            return


async def points(session: AsyncSession, run: ImportRun) -> list[Any]:
    """Where its rows land: fate, title, reason, line, lon, lat; at most MOST_POINTS, what needs a person first."""
    order = func.array_position(["rejected", "conflict", "duplicate", "retired", "updated", "created"], ImportRow.fate)
    found = select(
        ImportRow.fate, ImportRow.title, ImportRow.reason, ImportRow.line,
        func.ST_X(ImportRow.geom).label("lon"), func.ST_Y(ImportRow.geom).label("lat"),
    ).where(ImportRow.run_id == run.id, ImportRow.geom.is_not(None))  # fmt: skip
    return list(await session.execute(found.order_by(order, ImportRow.id).limit(MOST_POINTS)))


# ── doing ───────────────────────────────────────────────────────────────────────────────────


async def take(
    session: AsyncSession, actor: Actor, *, file_name: str, file_uid: UUID, said: dict[str, Any]
) -> ImportRun:
    """Take a file that was sent, and order its preview."""
    rules.admit(actor, "imports.bring_in")
    source = said.get("source") or import_plan.label_of(file_name)
    run = ImportRun(
        source=source[:120], file_name=file_name, kind=said.get("kind") or "", state="waiting", said=said,
        file_uid=file_uid, created_by=actor.person_id, rows_read=0, created=0, already_there=0, rejected=0,
        ran_at=null(),
    )  # fmt: skip
    session.add(run)
    await session.flush()
    await session.refresh(run)
    await _order(session, actor, run, "import.preview", "waiting")
    return run


async def amend(session: AsyncSession, actor: Actor, uid: UUID, said: dict[str, Any]) -> ImportRun:
    """Say something else of a file that is not brought in yet, and order its preview again."""
    run = await get(session, actor, uid, lock=True)
    if (await _seen(session, run)).state not in ("previewed", "failed") or run.ran_at is not None:
        raise errors.Conflict(
            "Only a file that is not being worked on, and not brought in yet, can be previewed again."
        )
    run.said = {**run.said, **said}
    run.source = (run.said.get("source") or run.source)[:120]
    await _order(session, actor, run, "import.preview", "waiting")
    return run


async def confirm(session: AsyncSession, actor: Actor, uid: UUID) -> ImportRun:
    """Order what was previewed to be brought in."""
    run = await get(session, actor, uid, lock=True)
    if run.state != "previewed":
        raise errors.Conflict("Only what was previewed can be brought in.")
    if run.plan.get("retires_many") and run.said.get("retire") is None:
        raise errors.Conflict(
            "More than half of what is there would be retired. Say that it is meant (retire: true), or keep it (false)."
        )
    await _order(session, actor, run, "import.run", "bringing-in")
    return run


async def undo(session: AsyncSession, actor: Actor, uid: UUID) -> ImportRun:
    """Order an import to be undone. Raises Conflict as import_undo.undo does."""
    run = await get(session, actor, uid, lock=True)
    if (await _seen(session, run)).state != "done":
        raise errors.Conflict("Nothing of this import is there to be undone.")
    await import_undo.require_latest(session, run)
    await _order(session, actor, run, "import.undo", "undoing")
    return run


async def remove(session: AsyncSession, actor: Actor, uid: UUID) -> None:
    """Remove a file that was not brought in, with its preview."""
    run = await get(session, actor, uid, lock=True)
    if (await _seen(session, run)).state not in PREVIEWS or run.ran_at is not None:
        raise errors.Conflict("This has come in, or is coming in now. It can only be undone.")
    job = await session.scalar(select(Job).where(Job.uid == run.job_uid).options(joinedload(Job.file)))
    if job is not None and job.state in ("waiting", "working"):
        ended = now()
        job.state, job.ended_at, job.expires_at = "cancelled", ended, ended + orders.KEPT
    if run.file_uid:
        await files.drop(session, run.file_uid)
    record(session, actor, "imports.remove", "import_run", run.uid, before={"file": run.file_name})
    await session.delete(run)
    await session.flush()


async def _order(session: AsyncSession, actor: Actor, run: ImportRun, what: str, state: str) -> None:
    job = await orders.order(session, actor, what, {"import": str(run.uid)})
    run.state, run.fault, run.job_uid = state, None, job.uid
    await session.flush()


async def forget(session: AsyncSession) -> None:
    """Remove files that were sent and not brought in, with their previews, when their time is over."""
    sent = ImportRun.state.in_(PREVIEWS), ImportRun.ran_at.is_(None), ImportRun.created_at < func.now() - KEPT
    await session.execute(delete(ImportRun).where(*sent))


def expires() -> datetime:
    """When a file that is sent now is forgotten."""
    return now() + KEPT
