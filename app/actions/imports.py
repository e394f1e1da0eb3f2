"""Bringing in what others know: a file's rows become assets, all of them or none, and every row is accounted for.

The next release of a list updates, adds and retires; what people have changed since stays as they left it. A preview is
the same run, taken back: what it would do is what it did.
"""

from collections import Counter
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select, text, update
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors, rules
from app.actions import import_account, import_batches, import_notes, sources
from app.actions.import_account import SHOWN_REJECTS, Account
from app.actions.import_batches import Batch
from app.actions.import_plan import Plan
from app.actions.import_rows import Prepared, Reject
from app.actions.progress import Progress, Tell, untold
from app.actions.record import record
from app.auth import Actor
from app.errors import Invalid
from app.geo import areas, pyramid
from app.models import Area, ImportRow, ImportRun

#: Likely duplicates are looked for among so many new assets at the most: a country's table would take hours.
MOST_COMPARED = 50_000
#: So many of the new assets are noted with their import; the rest can be told by their import_id.
SAMPLED = 5_000


@dataclass(frozen=True)
class Task:
    """One import: who brings what in, as which run, and how far it may go."""

    actor: Actor
    plan: Plan
    run_id: int
    retire: bool | None
    """True: however many; None: unless they are too many to be meant; False: none."""
    only_look: bool
    on_reject: Callable[[Reject], None]
    tell: Tell


async def bring_in(
    session: AsyncSession,
    actor: Actor,
    plan: Plan,
    *,
    retire: bool | None = None,
    dry_run: bool = False,
    run_id: int | None = None,
    on_reject: Callable[[Reject], None] = lambda reject: None,
    tell: Tell = untold,
) -> Account:
    """Bring a file's rows in, in the caller's transaction, as the next release of its source.

    *The same row* has the same key, or else says the same; never a guess. What people have changed since it was brought
    in stays, and is a conflict. Assets that the release does not have are ended: `retire` False keeps them, None raises
    Conflict when they are more than half, True ends however many. A row farther than areas.REACH_M from every loaded
    area is refused, and of an officer's each row outside their areas. A dry run runs the same statements and takes them
    back, and so does a run that changes nothing: it leaves no trace but its account, in the run that `run_id` names.
    Memory does not grow with the file. Readers and writers go on meanwhile; raises Busy while this source is being
    brought in elsewhere, or boundaries change.
    """
    rules.admit(actor, "imports.bring_in")
    await take_time(session)
    await areas.keep(session)
    await sources.hold(session, plan.source)
    await _require_turn(session, plan.source)
    await _require_system(session, plan.place.epsg)
    async with import_notes.spool() as spool:
        async with session.begin_nested() as trial:
            own_id = run_id or await _begin(session, actor, plan)
            task = Task(actor, plan, own_id, retire, dry_run, on_reject, tell)
            account, source_id = await _release(session, task)
            taken_back = dry_run or not account.changes
            if run_id and taken_back:
                await spool.fill(session)
            if taken_back:
                await trial.rollback()
            else:
                await _finish(session, task, account, source_id)
        if run_id and taken_back:
            await _set_down(session, run_id, account)
            await spool.empty(session, run_id)
    return account


async def take_time(session: AsyncSession) -> None:
    """Let the statements of this transaction take as long as they need, each planned for its own batch."""
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    await session.execute(text("SET LOCAL work_mem = '32MB'"))  # a batch is sorted in memory
    # A plan made while the table was small must not stay while it grows.
    await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))


async def _begin(session: AsyncSession, actor: Actor, plan: Plan) -> int:
    run = ImportRun(
        source=plan.source, file_name=plan.file_name[:255], kind=plan.kind.name, created_by=actor.person_id,
        rows_read=0, created=0, already_there=0, rejected=0,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    return run.id


async def _release(session: AsyncSession, task: Task) -> tuple[Account, int]:
    """Everything that a release does, but for what is written down of it."""
    source = await sources.named(session, task.actor, task.plan.source)
    former = await sources.stands(session, source)
    if source and former:
        sources.require_same(task.plan, source)
    source_id = await sources.remember(session, task.actor, task.plan)
    values = await _values(session, task, source_id)
    await make_rooms(session)
    account = await _take_in(session, task, values, former=former)
    if former:
        await _part(session, task, values, account)
    if account.created <= MOST_COMPARED:
        account.duplicates = (await session.execute(db.sql("import_duplicates"), values)).rowcount  # type: ignore[attr-defined]
    else:
        task.plan.remarks[f"more than {MOST_COMPARED:,} new: duplicates were not looked for"] += 1
    account.remarks = Counter(task.plan.remarks)
    return account, source_id


async def _values(session: AsyncSession, task: Task, source_id: int) -> dict[str, Any]:
    plan, kind = task.plan, task.plan.kind
    loaded = await session.scalar(select(Area.id).where(Area.ended_at.is_(None)).limit(1))
    waiting = select(ImportRow.id).where(ImportRow.waits, ImportRow.source_id == source_id).limit(1)
    return {
        "kind": kind.name, "theme": plan.theme, "stage": kind.default_stage, "location_class": kind.location_class,
        "licence": plan.said.licence, "attribution": plan.said.attribution, "source": plan.source,
        "source_id": source_id, "import_id": task.run_id, "person_id": task.actor.person_id, "srid": plan.place.epsg,
        "reach_m": areas.REACH_M if loaded else None, "areas": sources.own_areas(task.actor), "sample": SAMPLED,
        "waiting": await session.scalar(waiting) is not None,
    }  # fmt: skip


async def _take_in(session: AsyncSession, task: Task, values: dict[str, Any], *, former: bool) -> Account:
    account = Account()
    async with aclosing(import_batches.ahead(import_batches.batches(task.plan))) as batches:
        async for batch in batches:
            refused = sorted(batch.refused + await settle(session, batch, values, account, former=former))
            for reject in refused:
                task.on_reject(reject)
            account.first_rejects += refused[: SHOWN_REJECTS - len(account.first_rejects)]
            account.read += len(batch.rows) + len(batch.refused)
            account.rejected += len(batch.refused)
            values["sample"] = max(0, SAMPLED - account.created)
            task.tell(Progress("bringing in", account.read, f"{task.plan.table.unit}s", batch.share))
    return account


async def make_rooms(session: AsyncSession) -> None:
    """Make the temporary tables that a batch passes through; they are gone at the commit."""
    await session.execute(text("DROP TABLE IF EXISTS incoming, incoming_place, import_seen"))
    for name in ("import_table", "import_places_table", "import_seen_table"):
        await session.execute(db.sql(name))
    await import_notes.make_room(session)


async def settle(
    session: AsyncSession, batch: Batch, values: dict[str, Any], account: Account, *, former: bool = False
) -> list[Reject]:
    """Do with the rows of a batch what their fate is; return those that the database refuses."""
    await _copy(session, "incoming", Prepared._fields, batch.rows)
    noted = [(row.line, "rejected", row.title, row.reason, row.fingerprint) for row in batch.refused]
    await _copy(session, "import_noted", ("line", "fate", "title", "reason", "fingerprint"), noted)
    await _place(session, values)
    if values["reach_m"] is not None:
        await session.execute(db.sql("import_refuse"), values)
    await session.execute(db.sql("import_judge"), values)
    if former:
        await session.execute(db.sql("import_hold"))
    refused = [Reject(*row) for row in await session.execute(db.sql("import_note"))]
    if former:
        await session.execute(db.sql("import_see"))
        await session.execute(db.sql("import_update"), values)
    await session.execute(db.sql("import_create"), values)
    account.add(dict((await session.execute(db.sql("import_count"))).one()._mapping))
    await session.execute(text("TRUNCATE incoming, incoming_place"))
    return refused


async def _copy(session: AsyncSession, table: str, columns: tuple[str, ...], rows: list[Any]) -> None:
    if not rows:
        return
    connection = await db.driver(session)
    async with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
        for row in rows:
            await copy.write_row(row)


async def _place(session: AsyncSession, values: dict[str, Any]) -> None:
    try:
        await session.execute(db.sql("import_place"), values)
    except InternalError as error:
        why = str(error.orig).partition("\n")[0]
        raise Invalid(f"The coordinates cannot be brought from EPSG:{values['srid']} to degrees: {why}.") from error


async def _part(session: AsyncSession, task: Task, values: dict[str, Any], account: Account) -> None:
    """Retire what the release does not have any more."""
    await session.execute(db.sql("import_see_refused"), values)
    if task.retire is not False:
        live, gone = (await session.execute(db.sql("import_gone"), values)).one()
        account.live = live
        if 2 * gone > live and not task.retire and not task.only_look:
            raise errors.Conflict(
                f"This release does not have {gone} of the {live} assets of '{task.plan.source}': more than half would "
                "be retired. If that is meant, take them off the map however many they are (--retire-many, or retire: "
                "true); or leave them there (--no-retire)."
            )
        task.tell(Progress("retiring"))
        account.retired, account.retired_in_conflict = (await session.execute(db.sql("import_retire"), values)).one()
    ended = await session.scalars(db.sql("import_waiting_end"), values | {"retire": task.retire is not False})
    account.ended_waits = len(ended.all())


async def _finish(session: AsyncSession, task: Task, account: Account, source_id: int) -> None:
    await import_notes.drop(session, task.run_id)  # those of its preview
    await import_notes.keep(session, task.run_id, source_id)
    about = {"source": task.plan.source, "kind": task.plan.kind.name, **account.figures()}
    uid = (await session.execute(select(ImportRun.uid).where(ImportRun.id == task.run_id))).scalar_one()
    await _set_down(session, task.run_id, account)
    done = {"state": "done", "source_id": source_id, "source": task.plan.source, "kind": task.plan.kind.name}
    await session.execute(update(ImportRun).where(ImportRun.id == task.run_id).values(**done, ran_at=func.now()))
    record(session, task.actor, "imports.bring_in", "import_run", uid, after=about, payload=about)
    await session.flush()
    if account.created or account.updated or account.retired:
        task.tell(Progress("counting for the map"))
        await pyramid.fold(session)


async def _set_down(session: AsyncSession, run_id: int, account: Account) -> None:
    """Write the account into its run."""
    counts = {"rows_read": account.read, "retired": account.retired}
    counts |= {name: getattr(account, name) for name in import_account.FATES}
    await session.execute(update(ImportRun).where(ImportRun.id == run_id).values(**counts))


async def _require_turn(session: AsyncSession, source: str) -> None:
    """Raise Busy when a release came in after this one began: imports are undone in the order in which they began."""
    since = select(ImportRun.id).where(ImportRun.source == source, ImportRun.ran_at > func.now())
    if await session.scalar(since.limit(1)):
        raise errors.Busy(f"The source '{source}' was brought in a moment ago. Look at what this would do now.")


async def _require_system(session: AsyncSession, epsg: int) -> None:
    known = select(func.count()).select_from(text("spatial_ref_sys")).where(text("srid = :epsg"))
    if not await session.scalar(known, {"epsg": epsg}):
        raise Invalid(f"EPSG:{epsg} is not a coordinate system that the database knows.")
