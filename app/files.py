"""Files that are kept for one person until they expire: in the database, in pieces, so that any worker can serve them.

Nothing here asks who may: rules and actions do. Nobody holds a file in memory: it goes in and out piece by piece.
"""

import fcntl
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

import anyio
from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from app import errors
from app.db import Engines
from app.models import File, FilePart, Person

#: Bytes of a piece.
PIECE = 1_000_000
#: Most bytes of one file, and of all files that are kept for one person.
MOST_OF_ONE, MOST_OF_ALL = 1_000_000_000, 2_000_000_000
#: A download that began before its file expired has so long to end.
GRACE = timedelta(hours=1)
#: Folder of a job under way. One that nobody holds any more and that is older than this was left by who was killed.
ROOM, LEFT_S = "civic-work-", 60
#: Folders that geo/ unpacks archives into; nobody reads one file for so long.
UNPACKED, UNPACKED_S = "civic-unpacked-", 86_400


async def keep(
    session: AsyncSession,
    owner: int,
    name: str,
    media_type: str,
    source: AsyncIterator[bytes] | Path,
    expires: datetime,
) -> UUID:
    """Keep a file for the person `owner` (their id) until `expires`, with the caller's transaction.

    Raises TooLarge beyond MOST_OF_ONE bytes, or beyond MOST_OF_ALL together with what is kept for them already.
    """
    made = insert(File).values(person_id=owner, name=name[:255], media_type=media_type, expires_at=expires)
    file_id, uid = (await session.execute(made.returning(File.id, File.uid))).one()
    size = n = 0
    async for piece in _pieces(_read(source) if isinstance(source, Path) else source):
        size += len(piece)
        if size > MOST_OF_ONE:
            raise errors.TooLarge(f"A file may have at most {MOST_OF_ONE:,} bytes. Ask for less, or for smaller areas.")
        await session.execute(insert(FilePart).values(file_id=file_id, n=n, data=piece))
        n += 1
    await session.execute(select(Person.id).where(Person.id == owner).with_for_update(key_share=True))
    others = await kept_for(session, owner)
    if others + size > MOST_OF_ALL:
        raise errors.TooLarge(
            f"Your files may have at most {MOST_OF_ALL:,} bytes together, and {others:,} are there. Remove some first."
        )
    await session.execute(update(File).where(File.id == file_id).values(size=size))
    found: UUID = uid
    return found


async def kept_for(session: AsyncSession, owner: int) -> int:
    """Bytes of all files that have not expired and are complete."""
    total = select(func.coalesce(func.sum(File.size), 0)).where(File.person_id == owner, File.expires_at > func.now())
    return int(await session.scalar(total) or 0)


async def about(session: AsyncSession, uid: UUID) -> File:
    """Name, size and owner of a file. Raises NotFound when there is none, or when it has expired."""
    file = await session.scalar(select(File).where(File.uid == uid, File.expires_at > func.now()))
    if file is None:
        raise errors.NotFound()
    return file


async def to_path(session: AsyncSession, uid: UUID, path: Path) -> None:
    """Write a file to `path`. Raises NotFound when there is none, or when it has expired."""
    file = await about(session, uid)
    async with await anyio.open_file(path, "wb") as into:
        for n in range(-(-file.size // PIECE)):
            await into.write(await _piece(session, file.id, n))


async def stream(engines: Engines, file: File) -> AsyncIterator[bytes]:
    """The bytes of a file, a piece at a time; between two of them no connection is held for a slow reader.

    Raises NotFound when the file was removed meanwhile.
    """
    for n in range(-(-file.size // PIECE)):
        async with engines.transaction() as session:
            piece = await _piece(session, file.id, n)
        yield piece


async def drop(session: AsyncSession, uid: UUID) -> None:
    """Remove a file; none is no error."""
    await session.execute(delete(File).where(File.uid == uid))


async def forget(session: AsyncSession) -> None:
    """Remove what has expired, but for what somebody may still be fetching."""
    await session.execute(delete(File).where(File.expires_at < func.now() - GRACE))


async def _piece(session: AsyncSession, file_id: int, n: int) -> bytes:
    piece = await session.scalar(select(FilePart.data).where(FilePart.file_id == file_id, FilePart.n == n))
    if piece is None:
        raise errors.NotFound()
    return bytes(piece)


async def _read(path: Path) -> AsyncIterator[bytes]:
    async with await anyio.open_file(path, "rb") as file:
        while piece := await file.read(PIECE):
            yield piece


async def _pieces(source: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The same bytes in pieces of one size, but for the last."""
    gathered = bytearray()
    async for some in source:
        gathered += some
        while len(gathered) >= PIECE:
            yield bytes(gathered[:PIECE])
            del gathered[:PIECE]
    if gathered:
        yield bytes(gathered)


# Room to work in -----------------------------------------------------------------------------------------------------


@contextmanager
def room() -> Iterator[Path]:
    """A folder of one's own while the block lasts. What somebody left who was killed is cleared away first."""
    above = Path(tempfile.gettempdir())
    for left in above.glob(f"{ROOM}*"):
        _clear_if_left(left)
    for unpacked in above.glob(f"{UNPACKED}*"):
        with suppress(OSError):
            if time.time() - unpacked.stat().st_mtime > UNPACKED_S:
                shutil.rmtree(unpacked)
    folder = Path(tempfile.mkdtemp(prefix=ROOM))
    held = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(held)


def _clear_if_left(folder: Path) -> None:
    with suppress(OSError):
        if time.time() - folder.stat().st_mtime < LEFT_S:
            return  # perhaps made a moment ago, and not held yet
        held = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder)
        finally:
            os.close(held)
