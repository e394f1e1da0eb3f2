"""What tests of imports share: a list in a file, its releases, and whether anything in the database differs."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import kinds
from app.actions import import_plan, imports
from app.actions.import_account import Account
from app.actions.import_rows import Reject
from app.auth import Actor
from app.models import Asset, ImportRow, ImportRun

OPERATOR = Actor.system("test")
#: What an import may leave behind when it is undone: logs and counters.
LOGS = {
    "history", "state_change", "import_run", "import_row", "source", "outbox", "map_change", "map_cell", "idempotency",
    "rate_counter", "tally", "tally_change", "job", "file", "file_part", "alembic_version", "spatial_ref_sys",
}  # fmt: skip
HEADER = "ref,title,summary,lat,lon\n"


def written(folder: Path, rows: Mapping[str, tuple[str, ...]] | str, name: str = "list.csv") -> Path:
    """A file: key → title, summary, latitude, longitude; or as it is."""
    path = folder / name
    lines = rows if isinstance(rows, str) else HEADER + "".join(f"{key},{','.join(row)}\n" for key, row in rows.items())
    path.write_text(lines, encoding="utf-8")
    return path


async def release(
    session: AsyncSession, path: Path, kind: str = "place", *, actor: Actor = OPERATOR, **said: Any
) -> Account:
    """Bring it in; the account is held against itself."""
    how = {name: said.pop(name) for name in ("retire", "dry_run", "run_id", "on_reject") if name in said}
    rejects: list[Reject] = []
    plan = import_plan.understand(path, kinds.BY_NAME[kind], **said)
    account = await imports.bring_in(session, actor, plan, on_reject=rejects.append, **how)
    of = account.figures()
    fates = ("created", "updated", "already_there", "conflicts", "unplaced", "rejected")
    assert of["read"] == sum(of[fate] for fate in fates)
    assert len(rejects) == account.rejected
    return account


async def assets(session: AsyncSession) -> dict[str, Asset]:
    """All assets by title, in the order in which they were made, as they are now."""
    found = select(Asset).order_by(Asset.id)
    return {asset.title: asset for asset in await session.scalars(found.execution_options(populate_existing=True))}


async def latest(session: AsyncSession) -> ImportRun:
    """The import that was begun last."""
    run = await session.scalar(
        select(ImportRun).order_by(ImportRun.id.desc()).limit(1).execution_options(populate_existing=True)
    )
    assert run is not None
    return run


async def rows(session: AsyncSession, run: ImportRun, fate: str) -> list[ImportRow]:
    """The rows of an import of which this became."""
    found = select(ImportRow).where(ImportRow.run_id == run.id, ImportRow.fate == fate).order_by(ImportRow.id)
    return list(await session.scalars(found))


async def digests(session: AsyncSession) -> dict[str, str]:
    """table → a hash of all its rows, for every table that is neither a log nor a counter."""
    await session.flush()
    names = await session.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"))
    found = {}
    for name in set(names) - LOGS:
        whole = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{name}\" AS t"
        found[name] = await session.scalar(text(whole)) or ""
    assert {"asset", "asset_area", "comment", "person"} <= found.keys()
    return found
