"""Rows that came without a place: a person says where they belong, and they become assets of their import."""

import json
from uuid import UUID

import shapely
from sqlalchemy import select, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, kinds, rules, wire
from app.actions import import_desk, imports, sources
from app.actions.import_account import Account
from app.actions.import_batches import Batch
from app.actions.import_rows import Prepared
from app.actions.record import record
from app.auth import Actor
from app.geo import areas, coordinates, shapes
from app.models import Area, ImportRow, ImportRun, Source


async def place(session: AsyncSession, actor: Actor, row_id: int, geometry: wire.Geometry) -> UUID:
    """Make the asset of a row that waits, at this place. Returns its uid; the import counts it as created.

    Raises NotFound unless it waits and the actor may see its import, Invalid for a place that its kind or this map does
    not take or that lies outside an officer's areas, Busy while its source is being brought in.
    """
    rules.admit(actor, "imports.bring_in")
    await areas.share(session)
    waiting = select(ImportRow).where(ImportRow.id == row_id, ImportRow.waits)
    row = await session.scalar(waiting)
    run = await session.get(ImportRun, row.run_id) if row else None
    source = await session.get(Source, row.source_id) if row else None
    if run is None or source is None:
        raise errors.NotFound()
    await import_desk.get(session, actor, run.uid)
    await sources.hold(session, run.source)
    row = await session.scalar(waiting.with_for_update().execution_options(populate_existing=True))
    if row is None:
        raise errors.NotFound()
    uid = await _make(session, actor, run, source, row, _shape(run, geometry))
    moved = {"created": ImportRun.created + 1, "unplaced": ImportRun.unplaced - 1}
    await session.execute(update(ImportRun).where(ImportRun.id == run.id).values(moved))
    record(session, actor, "imports.place", "asset", uid, after={"import": str(run.uid), "title": row.title})
    await session.flush()
    return uid


def _shape(run: ImportRun, geometry: wire.Geometry) -> str:
    """The place as hexadecimal WKB, of a type that its kind takes."""
    kind = kinds.BY_NAME[run.kind]
    if geometry.type not in kind.geometries:
        raise errors.Invalid(f"A {kind.name} is no {geometry.type}. It is one of: {', '.join(kind.geometries)}.")
    return str(shapely.to_wkb(shapes.of_wire(geometry), hex=True))


async def _make(session: AsyncSession, actor: Actor, run: ImportRun, source: Source, row: ImportRow, raw: str) -> UUID:
    """Through the same statements as a file's rows, so that nothing is known of an asset twice."""
    said = row.after or {}
    prepared = Prepared(
        row.line or 0, row.fingerprint or b"", row.digest, said["title"], said["summary"], said["body"],
        said["organiser"], said["website"], json.dumps(said["details"]), raw, None, None,
    )  # fmt: skip
    kind = kinds.BY_NAME[run.kind]
    loaded = await session.scalar(select(Area.id).where(Area.ended_at.is_(None)).limit(1))
    values = {
        "kind": kind.name, "theme": run.plan.get("theme") or source.theme, "stage": kind.default_stage,
        "location_class": kind.location_class, "licence": source.licence, "attribution": source.attribution,
        "source": source.name, "source_id": source.id, "import_id": run.id, "person_id": actor.person_id,
        "srid": coordinates.WGS84, "reach_m": areas.REACH_M if loaded else None, "areas": sources.own_areas(actor),
        "sample": 1, "waiting": False,
    }  # fmt: skip
    await imports.make_rooms(session)
    account = Account()
    refused = await imports.settle(session, Batch([prepared]), values, account)
    if refused:
        raise errors.Invalid(f"{row.title or 'This'} cannot be placed there: {refused[0].reason}.")
    if not account.created:
        raise errors.Conflict("This row became an asset meanwhile.")
    uid: UUID = (await session.execute(text("SELECT asset_uid FROM import_noted"))).scalar_one()
    there = select(text("geom")).select_from(text("import_noted")).scalar_subquery()
    # Why it had no place, perhaps with somebody's postcode, and what it said need not be known any more.
    done = {"waits": False, "fate": "created", "asset_uid": uid, "geom": there, "reason": "", "after": None}
    await session.execute(update(ImportRow).where(ImportRow.id == row.id).values(done))
    return uid
