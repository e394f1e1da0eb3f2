"""The work of imports that somebody ordered: preview, bring in, undo. Each may begin again after it was cut off."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import anyio.to_thread
from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, files, kinds
from app.actions import import_desk, import_plan, import_undo, imports, sources, tries
from app.actions.import_account import Account
from app.actions.import_plan import Plan
from app.actions.progress import Tell
from app.actions.tries import Outcome, Try
from app.db import Engines
from app.geo import formats, tables
from app.geo.coordinates import text_of
from app.geo.tables import Table
from app.models import ImportRun

#: Cells of a column that are shown, and characters of each.
SAMPLES, SAMPLE_CHARACTERS = 3, 80


async def preview(engines: Engines, this: Try, tell: Tell) -> Outcome:
    """Do what bringing it in would do, take it back, and keep what it would have done with the import."""
    return await _told(engines, this, tell, only_look=True)


async def bring_in(engines: Engines, this: Try, tell: Tell) -> Outcome:
    """Bring in what was previewed."""
    return await _told(engines, this, tell, only_look=False)


async def undo(engines: Engines, this: Try, tell: Tell) -> Outcome:
    """Undo what was brought in."""
    uid = UUID(this.asked["import"])
    try:
        async with engines.transaction() as session:
            if not await _mine(session, this, "undoing"):
                return Outcome()
            done = await import_undo.undo(session, this.actor, uid, tell=tell)
            await tries.hold(session, this)
    except errors.Problem as problem:
        await _say(engines, uid, state="done", fault=problem.detail)
        raise
    return Outcome({"removed": done.removed, "set_back": done.set_back, "kept": done.kept})


async def _told(engines: Engines, this: Try, tell: Tell, *, only_look: bool) -> Outcome:
    uid = UUID(this.asked["import"])
    async with engines.transaction() as session:
        run = await _mine(session, this, *(("waiting", "previewing") if only_look else ("bringing-in",)))
        if run is None:
            return Outcome()  # it was done before, or something else is asked of it by now
        run.state = "previewing" if only_look else "bringing-in"
        path = this.folder / "sent"
        try:
            await files.to_path(session, run.file_uid or uid, path)
        except errors.NotFound:
            raise errors.Conflict("The file that was sent is not kept any more. Send it again.") from None
    try:
        account = await _run(engines, this, run, path, tell, only_look=only_look)
    except errors.Problem as problem:
        seen = await anyio.to_thread.run_sync(_glance, path, run)
        await _say(engines, uid, state="failed", fault=problem.detail, plan=seen)
        raise
    return Outcome(account.figures())


async def _run(engines: Engines, this: Try, run: ImportRun, path: Path, tell: Tell, *, only_look: bool) -> Account:
    said = import_desk.said_of(run)
    async with engines.transaction() as session:
        plan = await sources.understood(session, this.actor, path, said, name=run.file_name)
        seen = await anyio.to_thread.run_sync(_columns, plan)
        account = await imports.bring_in(
            session, this.actor, plan, retire=run.said.get("retire"), dry_run=only_look, run_id=run.id, tell=tell
        )
        values: dict[str, Any] = {
            "plan": _storable(seen | _more(plan, account)),
            "source": plan.source,
            "kind": plan.kind.name,
        }
        values |= {"state": "previewed" if only_look else "done"}
        if not only_look:
            # Cells of a file may be anybody's address: they are shown while somebody corrects how they are read.
            values["plan"]["columns"] = [{**column, "samples": []} for column in values["plan"]["columns"]]
            values["file_uid"] = None
            if run.file_uid:
                await files.drop(session, run.file_uid)
            if not account.changes:
                values["ran_at"] = func.now()
        await session.execute(update(ImportRun).where(ImportRun.id == run.id).values(**values))
        await tries.hold(session, this)
    return account


async def _mine(session: AsyncSession, this: Try, *states: str) -> ImportRun | None:
    """The import that this job is about, locked; None when it waits for something else by now."""
    found = select(ImportRun).where(
        ImportRun.uid == UUID(this.asked["import"]), ImportRun.job_uid == this.uid, ImportRun.state.in_(states)
    )
    run: ImportRun | None = await session.scalar(found.with_for_update())
    return run


async def _say(engines: Engines, uid: UUID, **values: Any) -> None:
    values = _storable(values)
    async with engines.transaction() as session:
        await session.execute(update(ImportRun).where(ImportRun.uid == uid).values(**values))


def _columns(plan: Plan) -> dict[str, Any]:
    """How the file was understood, for somebody who may correct it."""
    mapped = {**plan.fields, **{name: column for name in import_plan.PLACES if (column := getattr(plan.place, name))}}
    return {
        "understood": plan.says(),
        "columns": _sampled(plan.table, mapped),
        "fields": import_plan.fields_of(plan.kind),
        "key": plan.key,
        "map": mapped | {name: "" for name, column in plan.said.mapping.items() if not column},
        "crs": f"EPSG:{plan.place.epsg}",
        "unit": plan.table.unit,
        "theme": plan.theme,
    }


def _glance(path: Path, run: ImportRun) -> dict[str, Any]:
    """The columns of a file that could not be understood, if it can be read at all: then a person can say more."""
    said = import_desk.said_of(run)
    try:
        table = formats.read(path, layer=said.layer, name=run.file_name)
        kind = kinds.BY_NAME.get(said.kind or run.kind)
        known = import_plan.fields_of(kind) if kind else [*import_plan.FIELDS, *import_plan.PLACES]
        return {"columns": _sampled(table, said.mapping), "fields": known}
    except errors.Problem:
        return {}


def _sampled(table: Table, mapped: Mapping[str, str]) -> list[dict[str, Any]]:
    field_of = {column: name for name, column in mapped.items()}
    some = tables.sample(table, 20)
    columns = []
    for name in table.columns:
        cells = dict.fromkeys(text_of(row.values.get(name))[:SAMPLE_CHARACTERS] for row in some)
        samples = [cell for cell in cells if cell][:SAMPLES]
        columns.append({"name": name, "samples": samples, "field": field_of.get(name)})
    return columns


def _more(plan: Plan, account: Account) -> dict[str, Any]:
    names = ("retired_in_conflict", "in_areas", "outside_areas", "swapped", "duplicates", "live")
    remarks = [f"{remark}: {count:,}" for remark, count in account.remarks.items()]
    many = account.retires_many
    if many:
        gone = account.retired + account.retired_in_conflict
        remarks.append(f"this release does not have {gone} of {account.live} assets of its source: more than half")
    counts = {name: getattr(account, name) for name in names}
    return {"remarks": remarks, "counts": counts, "retires_many": many}


def _storable(value: Any) -> Any:
    """The same with a mark in the place of what the database cannot hold: names and cells are the file's own."""
    if isinstance(value, dict):
        return {_storable(name): _storable(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_storable(one) for one in value]
    return tables.storable(value) if isinstance(value, str) else value
