"""Sources: lists that others keep and publish again and again. What was said of one once need not be said again."""

import dataclasses
from pathlib import Path

import anyio.to_thread
from sqlalchemy import func, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors, kinds, lifecycles, rules
from app.actions import import_plan
from app.actions.import_plan import Plan, Said
from app.auth import Actor
from app.errors import Invalid
from app.geo.coordinates import Misnamed
from app.models import Asset, ImportRow, OfficerArea, Source

#: Advisory lock with the source's hash: one import, undoing or placing of a source at a time.
LOCK = 0x696D70


def own_areas(actor: Actor) -> list[int] | None:
    """The areas that this actor may bring something into; None: everywhere."""
    return None if actor.kind == "system" or actor.role == "operator" else sorted(actor.areas)


async def hold(session: AsyncSession, name: str) -> None:
    """Be the only one to write this source's assets until the transaction ends. Raises Busy, at once, if another is."""
    if not await session.scalar(select(func.pg_try_advisory_xact_lock(LOCK, func.hashtext(name)))):
        raise errors.Busy(f"The source '{name}' is being brought in just now. Try again when that is done.")


async def named(session: AsyncSession, actor: Actor, name: str) -> Source | None:
    """The source of this name, if there is one. Raises Forbidden when it is another area's: its rows are not ours."""
    source = await session.scalar(select(Source).where(Source.name == name))
    if source is None or own_areas(actor) is None:
        return source
    if source.area_id not in actor.areas and (source.created_by is None or source.created_by != actor.person_id):
        raise errors.Forbidden(f"The source '{name}' is brought in by others. Give this one another name.")
    return source


async def listed(session: AsyncSession, actor: Actor) -> list[Source]:
    """The sources that this actor may bring in, by name."""
    rules.admit(actor, "imports.bring_in")
    found = select(Source).order_by(Source.name)
    areas = own_areas(actor)
    if areas is not None:
        found = found.where(or_(Source.area_id.in_(areas), Source.created_by == actor.person_id))
    return list(await session.scalars(found))


async def understood(session: AsyncSession, actor: Actor, path: Path, said: Said, *, name: str | None = None) -> Plan:
    """A file understood by what is said now, else by what was said of its source before, else by what it looks like.

    Raises Invalid as import_plan.understand does, and when nobody ever said what its rows are; Misnamed for a kind or a
    theme that there is not; Forbidden when the source is another area's.
    """
    label = said.source or import_plan.label_of(path.name if name is None else name)
    whole = _completed(said, await named(session, actor, label))
    for word, known, what in ((whole.kind, kinds.BY_NAME, "kind"), (whole.theme, lifecycles.THEMES, "theme")):
        if word is not None and word not in known:
            raise Misnamed(f"There is no {what} '{word}'. Choose one of: {', '.join(known)}.")
    if whole.kind is None:
        raise Misnamed(f"Nothing was brought in from '{label}' before: say what its rows are (their kind).")
    kind = kinds.BY_NAME[whole.kind]
    given = {field.name: getattr(whole, field.name) for field in dataclasses.fields(whole) if field.name != "kind"}
    return await anyio.to_thread.run_sync(
        lambda: import_plan.understand(path, kind, name=name, **given | {"source": label})
    )


def _completed(said: Said, source: Source | None) -> Said:
    if source is None:
        return said
    kept = {name: getattr(source, name) for name in ("kind", "theme", "key", "crs", "layer", "licence", "attribution")}
    kept = {name: getattr(said, name) or value for name, value in kept.items()}
    return dataclasses.replace(said, **kept, mapping={**source.mapping, **said.mapping})


async def stands(session: AsyncSession, source: Source | None) -> bool:
    """True when something of a former release is there: assets, or rows that wait for a place."""
    if source is None:
        return False
    assets = select(Asset.id).where(Asset.source == source.name, Asset.fingerprint.is_not(None))
    waiting = select(ImportRow.id).where(ImportRow.waits, ImportRow.source_id == source.id)
    return bool(await session.scalar(select(or_(assets.exists(), waiting.exists()))))


def require_same(plan: Plan, source: Source) -> None:
    """Raise Invalid when this release cannot follow the former ones: another kind, or another key."""
    other = "Give this one another source's name, or undo the imports of that one first."
    if source.kind != plan.kind.name:
        raise Invalid(f"The source '{source.name}' holds {kinds.BY_NAME[source.kind].plural}. {other}")
    if source.key != plan.key:
        was = f"by '{source.key}'" if source.key else "by all that they say"
        raise Invalid(f"The rows of '{source.name}' are told apart {was}. {other}")


async def remember(session: AsyncSession, actor: Actor, plan: Plan) -> int:
    """Write down what was said of this source, for its next release. Returns its id."""
    said = plan.said
    values = {
        "kind": plan.kind.name, "theme": plan.theme, "key": plan.key, "mapping": dict(said.mapping), "crs": said.crs,
        "layer": said.layer, "licence": said.licence, "attribution": said.attribution,
    }  # fmt: skip
    made = insert(Source).values(
        name=plan.source, area_id=await _home(session, actor), created_by=actor.person_id, **values
    )
    kept = made.on_conflict_do_update(index_elements=[Source.name], set_={**values, "updated_at": func.now()})
    found: int = (await session.execute(kept.returning(Source.id))).scalar_one()
    return found


async def _home(session: AsyncSession, actor: Actor) -> int | None:
    """The area that an officer speaks for."""
    if own_areas(actor) is None:
        return None
    mine = select(func.min(OfficerArea.area_id)).where(
        OfficerArea.person_id == actor.person_id, OfficerArea.area_id.in_(actor.areas)
    )
    found: int | None = await session.scalar(mine)
    return found
