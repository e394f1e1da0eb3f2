"""Undoing an import: what it made is removed, what it changed or ended is set back, what people have touched stays."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import exists, func, select, text, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors, rules
from app.actions import imports, sources
from app.actions.progress import Progress, Tell, untold
from app.actions.record import record
from app.auth import Actor
from app.geo import areas, pyramid
from app.models import ImportRow, ImportRun

BATCH = 20_000


@dataclass
class Undone:
    """What became of the assets of an import."""

    removed: int = 0
    set_back: int = 0
    kept: int = 0
    """People have touched them since: they stay as they are, and are listed with the import."""

    def says(self) -> list[str]:
        """The same in lines for a person."""
        stay = f"; {self.kept} stay, because people have touched them since" if self.kept else ""
        return [f"removed {self.removed}, set back {self.set_back}{stay}"]


async def undo(session: AsyncSession, actor: Actor, uid: UUID, *, tell: Tell = untold) -> Undone:
    """Undo an import, in the caller's transaction, as if it had never been; logs and counters tell that it was.

    Assets that people have touched since (changed, discussed, appreciated, pledged to, proposed for, flagged, linked)
    stay as they are. Raises Conflict unless it is the latest import of its source that still stands, NotFound for an
    import that the actor may not see, Forbidden where it would touch what lies outside an officer's areas, Busy as
    imports.bring_in does.
    """
    rules.admit(actor, "imports.bring_in")
    await imports.take_time(session)
    await areas.keep(session)
    run = await session.scalar(select(ImportRun).where(ImportRun.uid == uid))
    if run is None:
        raise errors.NotFound("There is no such import.")
    await sources.hold(session, run.source)
    await sources.named(session, actor, run.source)
    await session.refresh(run, with_for_update=True)
    await require_latest(session, run)
    values = {"import_id": run.id, "ran_at": run.ran_at, "person_id": actor.person_id}
    done = await _set_back(session, values, sources.own_areas(actor), tell)
    stands = update(ImportRun).where(ImportRun.id == run.id)
    await session.execute(stands.values(state="undone", undone_at=func.now()))
    about = {"source": run.source, "removed": done.removed, "set_back": done.set_back, "kept": done.kept}
    record(session, actor, "imports.undo", "import_run", run.uid, after=about, payload=about)
    await session.flush()
    tell(Progress("counting for the map"))
    await pyramid.fold(session)
    return done


async def require_latest(session: AsyncSession, run: ImportRun) -> None:
    """Raise Conflict unless this import has come in, and no later one of its source stands on it."""
    if run.state not in ("done", "undoing"):
        raise errors.Conflict("Nothing of this import is there to be undone.")
    later = tuple_(ImportRun.ran_at, ImportRun.id) > tuple_(run.ran_at, run.id)
    there = ImportRun.state.in_(("done", "undoing"))  # what is about to be undone is there until it has been
    stands = exists().where(ImportRun.source_id == run.source_id, there, later)
    if await session.scalar(select(stands)):
        raise errors.Conflict(f"A later import of '{run.source}' stands on this one: undo that first.")


async def _set_back(session: AsyncSession, values: dict[str, Any], own: list[int] | None, tell: Tell) -> Undone:
    await session.execute(text("DROP TABLE IF EXISTS undoing"))
    await session.execute(db.sql("undo_table"))
    await session.execute(db.sql("undo_gather"), values)
    total = await session.scalar(text("SELECT count(*) FROM undoing")) or 0
    done, last, looked = Undone(), -1, 0
    while (batch := (await session.execute(db.sql("undo_next"), {"after": last, "most": BATCH})).one()).size:
        span = {"after": last, "last": batch.last, "person_id": values["person_id"]}
        await session.execute(db.sql("undo_judge"), span)
        await _require_within(session, span, own)
        done.removed += await session.scalar(db.sql("undo_created"), span) or 0
        back = (await session.execute(db.sql("undo_changed"), span)).all()
        done.set_back += len(back)
        if moved := [asset_id for asset_id, has_moved in back if has_moved]:
            await session.execute(db.sql("undo_moved"), {"ids": moved})
            await _require_within(session, span, own)
        last, looked = batch.last, looked + batch.size
        tell(Progress("undoing", looked, "assets", looked / max(looked, total)))
    done.kept = await session.scalar(db.sql("undo_kept"), values) or 0
    # One after the other: of a row that was worded anew, one may wait at a time.
    await session.execute(update(ImportRow).where(ImportRow.run_id == values["import_id"]).values(waits=False))
    ended = update(ImportRow).where(ImportRow.ended_by == values["import_id"])
    await session.execute(ended.values(waits=True, ended_by=None))
    return done


async def _require_within(session: AsyncSession, span: dict[str, Any], own: list[int] | None) -> None:
    """Raise Forbidden when an asset that does not stay as it is lies outside an officer's own areas."""
    if own is not None and await session.scalar(db.sql("undo_elsewhere"), span | {"areas": own}):
        raise errors.Forbidden(
            "This import also changed what lies outside the areas that you look after. An operator can undo it."
        )
