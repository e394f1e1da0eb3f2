"""Bringing in what others know: a file's rows become assets, all of them or none, and every row is accounted for."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio.to_thread
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors, rules
from app.actions.import_plan import Plan
from app.actions.import_rows import Prepared, Reject
from app.actions.progress import Progress, Tell, untold
from app.actions.record import record
from app.auth import Actor
from app.errors import Invalid
from app.geo import areas, pyramid, tables
from app.models import Area, ImportRun

#: A batch has so many rows, or fewer of so many characters; two of them are in memory at a time.
BATCH, BATCH_CHARACTERS = 20_000, 8_000_000
#: Advisory lock with the source's hash: one import of a source at a time.
LOCK = 0x696D70
FIGURES = ("read", "created", "already_there", "rejected", "in_areas", "outside_areas")
SHOWN_REJECTS = 10


@dataclass
class Account:
    """What became of the rows: read = created + already_there + rejected; what was taken lies in areas or outside."""

    read: int = 0
    created: int = 0
    already_there: int = 0
    rejected: int = 0
    in_areas: int = 0
    """Rows whose asset lies in a current ward."""
    outside_areas: int = 0
    remarks: Counter[str] = field(default_factory=Counter)
    """What was shortened or moved, and how often."""
    first_rejects: list[Reject] = field(default_factory=list)

    def says(self, unit: str, *, dry_run: bool = False) -> list[str]:
        """The account in lines for a person; `unit` is what the file counts its rows by."""
        taken = f"created {self.created}, already there {self.already_there}, rejected {self.rejected}"
        return [
            *(f"rejected: {unit} {row.line}: {row.reason} ({row.title or 'no title'})" for row in self.first_rejects),
            *([f"… and {more} more"] if (more := self.rejected - len(self.first_rejects)) else []),
            *(f"note: {remark}: {count}" for remark, count in self.remarks.items()),
            f"read {self.read}: {taken}; {self.in_areas} in wards, {self.outside_areas} in none",
            *(["Nothing was written: this was a dry run."] if dry_run else []),
        ]

    def figures(self) -> dict[str, int]:
        """The six numbers."""
        return {name: getattr(self, name) for name in FIGURES}


@contextmanager
def rejects_file(path: Path | None, unit: str) -> Iterator[Callable[[Reject], None]]:
    """A CSV file of what is refused, which stands under its name only when the block has ended well. None: no file."""
    if path is None:
        yield lambda reject: None
        return
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(tables.csv_row([unit, "reason", "title"]))
            yield lambda reject: print(tables.csv_row(list(reject)), end="", file=file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)


async def bring_in(
    session: AsyncSession,
    actor: Actor,
    plan: Plan,
    *,
    dry_run: bool = False,
    on_reject: Callable[[Reject], None] = lambda reject: None,
    tell: Tell = untold,
) -> Account:
    """Bring a file's rows in, in the caller's transaction; rows of this source that are there already stay as they are.

    *Already there* means the same row of the same source, never a guess. A row farther than areas.REACH_M from every
    loaded area is refused; without loaded areas none is. A dry run runs the same statements and takes them back, and so
    does a run that creates nothing: it leaves no trace. Memory does not grow with the file. Readers and writers go on
    meanwhile; raises Busy while this source is being brought in elsewhere, or boundaries change.
    """
    rules.admit(actor, "imports.bring_in")
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    await session.execute(text("SET LOCAL work_mem = '32MB'"))  # a batch is sorted in memory
    # A plan made while the table was small must not stay while it grows.
    await session.execute(text("SET LOCAL plan_cache_mode = force_custom_plan"))
    await areas.keep(session)
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK, func.hashtext(plan.source)))):
        raise errors.Busy(f"The source '{plan.source}' is being brought in just now. Try again when that is done.")
    await _require_system(session, plan.place.epsg)
    async with session.begin_nested() as trial:
        account = await _run(session, actor, plan, on_reject, tell)
        if dry_run or not account.created:
            await trial.rollback()
    return account


async def _run(
    session: AsyncSession, actor: Actor, plan: Plan, on_reject: Callable[[Reject], None], tell: Tell
) -> Account:
    run = ImportRun(
        source=plan.source, file_name=plan.file_name[:255], kind=plan.kind.name, created_by=actor.person_id,
        rows_read=0, created=0, already_there=0, rejected=0,
    )  # fmt: skip
    session.add(run)
    await session.flush()
    account = await _take_in(session, actor, plan, run, on_reject, tell)
    account.remarks = Counter(plan.remarks)
    counts = {name: getattr(account, name) for name in ("created", "already_there", "rejected")}
    await session.execute(update(ImportRun).where(ImportRun.id == run.id).values(rows_read=account.read, **counts))
    about = {"source": plan.source, "kind": plan.kind.name, **account.figures()}
    record(session, actor, "imports.bring_in", "import_run", run.uid, after=about, payload=about)
    await session.flush()
    if account.created:
        tell(Progress("counting for the map"))
        await pyramid.fold(session)
    return account


async def _take_in(
    session: AsyncSession, actor: Actor, plan: Plan, run: ImportRun, on_reject: Callable[[Reject], None], tell: Tell
) -> Account:
    account = Account()
    reach_m = areas.REACH_M if await session.scalar(select(Area.id).where(Area.ended_at.is_(None)).limit(1)) else None
    values = {
        "kind": plan.kind.name, "theme": plan.theme, "stage": plan.kind.default_stage, "import_id": run.id,
        "location_class": plan.kind.location_class, "source": plan.source, "person_id": actor.person_id,
        "srid": plan.place.epsg, "reach_m": reach_m,
    }  # fmt: skip
    await session.execute(db.sql("import_table"))
    await session.execute(db.sql("import_places_table"))
    async with aclosing(_ahead(_batches(plan))) as batches:
        async for batch in batches:
            refused = batch.refused + await _settle(session, batch, values, account)
            for reject in sorted(refused):
                on_reject(reject)
            account.first_rejects += sorted(refused)[: SHOWN_REJECTS - len(account.first_rejects)]
            account.read += len(batch.rows) + len(batch.refused)
            account.rejected += len(refused)
            tell(Progress("bringing in", account.read, f"{plan.table.unit}s", batch.share))
    await session.execute(text("DROP TABLE incoming, incoming_place"))
    account.already_there = account.read - account.created - account.rejected
    account.outside_areas = account.created + account.already_there - account.in_areas
    return account


async def _settle(session: AsyncSession, batch: "_Batch", values: dict[str, Any], account: Account) -> list[Reject]:
    """Make the assets of a batch; return the rows that lie too far away."""
    await _copy(session, batch.rows)
    await _place(session, values)
    refused = []
    if values["reach_m"] is not None:
        refused = [Reject(*row) for row in await session.execute(db.sql("import_refuse"), values)]
    created, in_areas = (await session.execute(db.sql("import_create"), values)).one()
    await session.execute(text("TRUNCATE incoming, incoming_place"))
    account.created += created
    account.in_areas += in_areas
    return refused


async def _copy(session: AsyncSession, rows: list[Prepared]) -> None:
    columns = ", ".join(Prepared._fields)
    connection = await db.driver(session)
    async with connection.cursor() as cursor, cursor.copy(f"COPY incoming ({columns}) FROM STDIN") as copy:
        for row in rows:
            await copy.write_row(row)


async def _place(session: AsyncSession, values: dict[str, Any]) -> None:
    try:
        await session.execute(db.sql("import_place"), values)
    except InternalError as error:
        why = str(error.orig).partition("\n")[0]
        raise Invalid(f"The coordinates cannot be brought from EPSG:{values['srid']} to degrees: {why}.") from error


async def _require_system(session: AsyncSession, epsg: int) -> None:
    known = select(func.count()).select_from(text("spatial_ref_sys")).where(text("srid = :epsg"))
    if not await session.scalar(known, {"epsg": epsg}):
        raise Invalid(f"EPSG:{epsg} is not a coordinate system that the database knows.")


# ── reading ─────────────────────────────────────────────────────────────────────────────────


@dataclass
class _Batch:
    rows: list[Prepared] = field(default_factory=list)
    refused: list[Reject] = field(default_factory=list)
    share: float = 0.0
    """How much of the file had been read at its end."""


def _batches(plan: Plan) -> Iterator[_Batch]:
    batch, characters = _Batch(), 0
    for row in plan.rows():
        if isinstance(row, Reject):
            batch.refused.append(row)
        elif row.raw is None:
            batch.refused.append(Reject(row.line, row.unplaced or "", row.title))
        else:
            batch.rows.append(row)
            characters += len(row.body) + len(row.raw)
        if len(batch.rows) + len(batch.refused) >= BATCH or characters >= BATCH_CHARACTERS:
            batch.share = plan.table.share
            yield batch
            batch, characters = _Batch(), 0
    batch.share = plan.table.share
    yield batch


async def _ahead(batches: Iterator[_Batch]) -> AsyncGenerator[_Batch, None]:
    """The same batches; the next one is read in a thread while the database works on the one before."""

    def fetch() -> "asyncio.Future[_Batch | None]":
        return asyncio.ensure_future(anyio.to_thread.run_sync(next, batches, None))

    coming = fetch()
    try:
        while (batch := await coming) is not None:
            coming = fetch()
            yield batch
    finally:
        await asyncio.gather(coming, return_exceptions=True)  # the thread must be done with the file
