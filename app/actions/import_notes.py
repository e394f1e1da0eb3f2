"""The rows of an import that somebody may want to see: gathered while it runs, and kept also when it is taken back."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO

from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.models import ImportRow

_MEMORY, _PIECE = 4_000_000, 2**18


async def make_room(session: AsyncSession) -> None:
    """Make the temporary table that rows are gathered in; it is gone at the commit."""
    await session.execute(text("DROP TABLE IF EXISTS import_noted"))
    await session.execute(db.sql("import_noted_table"))
    await session.execute(text("CREATE INDEX ON import_noted (fingerprint) WHERE fate = 'unplaced'"))


async def keep(session: AsyncSession, run_id: int, source_id: int | None) -> None:
    """Keep what was gathered; with a source, its rows without a place wait for a person from now on."""
    await session.execute(db.sql("import_keep"), {"import_id": run_id, "source_id": source_id})


async def drop(session: AsyncSession, run_id: int) -> None:
    """Forget what was kept of a run."""
    await session.execute(delete(ImportRow).where(ImportRow.run_id == run_id))


class Spool:
    """Carries what was gathered past the point where everything else is taken back."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    async def fill(self, session: AsyncSession) -> None:
        """Take up what was gathered."""
        connection = await db.driver(session)
        async with connection.cursor() as cursor, cursor.copy("COPY import_noted TO STDOUT (FORMAT binary)") as copy:
            async for piece in copy:
                self._file.write(piece)

    async def empty(self, session: AsyncSession, run_id: int) -> None:
        """Keep it with this run, in the place of what was kept of it before; nothing of it waits for anybody."""
        await make_room(session)
        self._file.seek(0)
        connection = await db.driver(session)
        async with connection.cursor() as cursor, cursor.copy("COPY import_noted FROM STDIN (FORMAT binary)") as copy:
            while piece := self._file.read(_PIECE):
                await copy.write(piece)
        await drop(session, run_id)
        await keep(session, run_id, None)


@asynccontextmanager
async def spool() -> AsyncIterator[Spool]:
    """A Spool that is gone when the block ends; what is large lies on disk."""
    with tempfile.SpooledTemporaryFile(_MEMORY) as file:
        yield Spool(file)
