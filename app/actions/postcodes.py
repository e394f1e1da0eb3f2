"""Bringing in postcodes, so that people can find their place by typing one."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import anyio.to_thread
from sqlalchemy import func, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, rules
from app.actions.progress import Progress, Tell, untold
from app.actions.record import record
from app.auth import Actor
from app.errors import Invalid
from app.geo import coordinates, formats
from app.geo.coordinates import Reading, squeezed, text_of
from app.geo.tables import Row, Table

BATCH = 20_000
_COLUMNS = ("postcode", "pcds", "pcd", "pcd7", "pcd8", "postcodes")


@dataclass
class Account:
    """What became of the rows: read = created + moved + already_there + rejected."""

    read: int = 0
    created: int = 0
    moved: int = 0
    already_there: int = 0
    rejected: int = 0
    reasons: Counter[str] = field(default_factory=Counter)

    def says(self) -> list[str]:
        """The same in lines for a person."""
        taken = f"{self.created} new, {self.moved} moved, {self.already_there} already there"
        return [
            f"read {self.read}: {taken}, {self.rejected} rejected",
            *(f"rejected {count}: {reason}" for reason, count in self.reasons.most_common(10)),
        ]


async def bring_in(
    session: AsyncSession,
    actor: Actor,
    path: Path,
    *,
    column: str | None = None,
    crs: str | None = None,
    tell: Tell = untold,
) -> Account:
    """Bring a list of postcodes with coordinates in, in the caller's transaction; the same list again changes nothing.

    Raises Invalid when the file cannot be read, or has no postcodes or coordinates that can be found.
    """
    rules.admit(actor, "postcodes.bring_in")
    await session.execute(text("SET LOCAL statement_timeout = 0"))
    table = formats.read(path)
    some = list(islice(table.rows(), 1000))
    place = coordinates.understand(table, some, epsg=coordinates.said_epsg(crs))
    column = _column(table, column)
    account = Account()
    rows = table.rows()
    async with session.begin_nested():  # so that a refusal leaves nothing in the caller's transaction either
        await session.execute(db.sql("postcodes_table"))
        while batch := await anyio.to_thread.run_sync(lambda: list(islice(rows, BATCH))):
            account.read += len(batch)
            await _copy(session, _pairs(batch, column, place, account))
            tell(Progress("reading", account.read, f"{table.unit}s", table.share))
        tell(Progress("keeping what is new"))
        taken = await session.scalar(select(func.count()).select_from(text("incoming_postcode"))) or 0
        await _keep(session, place.epsg, account)
    account.rejected = account.read - taken
    account.already_there = taken - account.created - account.moved
    if account.created or account.moved:
        about = {"file": path.name, "created": account.created, "moved": account.moved}
        record(session, actor, "postcodes.bring_in", "postcode", None, after=about, payload=about)
        await session.flush()
    return account


async def _copy(session: AsyncSession, pairs: Iterator[tuple[str, str]]) -> None:
    connection = await db.driver(session)
    async with connection.cursor() as cursor, cursor.copy("COPY incoming_postcode (code, raw) FROM STDIN") as copy:
        for pair in pairs:
            await copy.write_row(pair)


async def _keep(session: AsyncSession, epsg: int, account: Account) -> None:
    account.created, account.moved = (await session.execute(db.sql("postcodes_keep"), {"srid": epsg})).one()
    await session.execute(text("DROP TABLE incoming_postcode"))


def _column(table: Table, said: str | None) -> str:
    if said:
        return coordinates.named(table, {"postcode": said})["postcode"]
    by_name = {squeezed(name): name for name in reversed(table.columns)}
    found = next((by_name[name] for name in _COLUMNS if name in by_name), None)
    if found is None:
        raise Invalid(f"No column holds postcodes: say --column. The columns are: {', '.join(table.columns)}.")
    return found


def _pairs(batch: list[Row], column: str, place: Reading, account: Account) -> Iterator[tuple[str, str]]:
    for row in batch:
        code = coordinates.postcode(text_of(row.values.get(column)))
        try:
            if not code:
                raise Invalid("it is not a postcode of the United Kingdom")
            yield code, place.place(row, ("Point",))
        except Invalid as problem:
            account.reasons[problem.detail] += 1
