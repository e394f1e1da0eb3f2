"""Orders are their orderer's alone, limited in number and room, and gone after a day; files go in and out unchanged."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import text

from app import errors, files
from app.actions import accounts, orders, upkeep
from app.auth import VISITOR
from app.db import Engines
from app.geo import archives
from app.models import Job
from tests import factories
from tests.actions.conftest import Cast


async def order(cast: Cast, who: str = "owner", what: str = "report") -> Job:
    """Order something."""
    return await orders.order(cast.session, cast[who], what, {"format": "csv"})


async def finish(cast: Cast, job: Job, *, file: UUID | None = None, age: timedelta = timedelta(0)) -> None:
    """As if it had come to its end so long ago."""
    uid = job.uid
    begun = "UPDATE job SET state = 'working' WHERE uid = :uid RETURNING 1"
    ended = """UPDATE job SET state = 'done', ended_at = now() - CAST(:age AS interval),
               expires_at = now() - CAST(:age AS interval) + CAST(:kept AS interval),
               file_id = (SELECT id FROM file WHERE uid = :file) WHERE uid = :uid RETURNING 1"""
    await cast.value(begun, uid=uid)
    await cast.value(ended, uid=uid, age=age, kept=orders.KEPT, file=file)
    await cast.session.refresh(job)


def soon(hours: float = 1) -> datetime:
    """An instant to come."""
    return datetime.now(UTC) + timedelta(hours=hours)


async def kept(cast: Cast, content: bytes, who: str = "owner", expires: datetime | None = None) -> UUID:
    """A file of this person."""

    async def source() -> AsyncIterator[bytes]:
        yield content

    owner = cast[who].person_id
    assert owner is not None
    return await files.keep(cast.session, owner, "a.txt", "text/plain", source(), expires or soon())


# Whose ---------------------------------------------------------------------------------------------------------------


async def test_an_order_leaves_its_trail_and_waits(cast: Cast) -> None:
    job = await order(cast)
    assert (job.state, job.tries, job.progress, job.file) == ("waiting", 0, {}, None)
    assert await cast.history(job.uid) == ["jobs.ordered"]
    assert await cast.value("SELECT event FROM outbox WHERE thing_uid = :uid", uid=job.uid) == orders.EVENT


async def test_a_job_is_there_for_whoever_ordered_it_and_for_nobody_else(cast: Cast) -> None:
    job = await order(cast)
    assert (await orders.get(cast.session, cast["owner"], job.uid)).uid == job.uid
    for who in ("author", "steward", "officer", "operator", "system", "visitor"):
        for verb in (orders.get, orders.cancel):
            with pytest.raises(errors.NotFound):
                await verb(cast.session, cast[who], job.uid)
    with pytest.raises(errors.NotFound):
        await orders.get(cast.session, cast["owner"], uuid4())
    with pytest.raises(errors.NotFound):
        await orders.get(cast.session, cast["owner"], job.uid, what="import.run")
    with pytest.raises(errors.NotSignedIn):
        await orders.order(cast.session, VISITOR, "report", {})


async def test_nobody_orders_what_they_may_not_do(cast: Cast) -> None:
    with pytest.raises(errors.Forbidden):
        await order(cast, "owner", "import.run")
    await order(cast, "operator", "import.run")


async def test_a_list_has_ones_own_of_one_sort_the_newest_first_page_by_page(cast: Cast) -> None:
    mine = [await order(cast, "operator") for _ in range(3)]
    await order(cast, "operator", "import.preview")
    await order(cast, "author")
    seen: list[UUID] = []
    cursor: str | None = None
    for _ in range(3):
        rows, cursor = await orders.listed(cast.session, cast["operator"], what="report", limit=1, cursor=cursor)
        seen += [row.uid for row in rows]
    assert cursor is None
    assert seen == [job.uid for job in reversed(mine)]


async def test_what_is_done_can_be_removed_with_its_file(cast: Cast) -> None:
    job, file = await order(cast), await kept(cast, b"x")
    await finish(cast, job, file=file)
    await orders.cancel(cast.session, cast["owner"], job.uid)
    with pytest.raises(errors.NotFound):
        await orders.get(cast.session, cast["owner"], job.uid)
    with pytest.raises(errors.NotFound):
        await files.about(cast.session, file)
    assert await cast.value("SELECT count(*) FROM file_part") == 0
    assert await cast.history(job.uid) == ["jobs.ordered", "jobs.remove"]


async def test_who_leaves_takes_orders_and_files_along(cast: Cast) -> None:
    job, file = await order(cast), await kept(cast, b"x")
    await finish(cast, job, file=file)
    await order(cast)
    await kept(cast, b"y", "author")
    await accounts.erase(cast.session, cast["owner"])
    assert [await cast.value(f"SELECT count(*) FROM {table}") for table in ("job", "file", "file_part")] == [0, 1, 1]


# How many and how much -----------------------------------------------------------------------------------------------


async def test_so_many_wait_and_no_more(cast: Cast) -> None:
    first = await order(cast)
    for _ in range(orders.MOST_WAITING - 1):
        await order(cast)
    with pytest.raises(errors.Conflict, match=f"{orders.MOST_WAITING} of your jobs"):
        await order(cast)
    await order(cast, "author")
    await orders.cancel(cast.session, cast["owner"], first.uid)
    await order(cast)


async def test_orders_at_once_count_each_other(engines: Engines) -> None:
    async with engines.transaction() as session:
        ana = await factories.actor(session, await factories.person(session, "Ana"))

    async def one() -> str:
        try:
            async with engines.transaction() as session:
                await orders.order(session, ana, "report", {})
        except errors.Conflict:
            return "refused"
        return "taken"

    said = await asyncio.gather(*(one() for _ in range(8)))
    assert (said.count("taken"), said.count("refused")) == (orders.MOST_WAITING, 8 - orders.MOST_WAITING)


@pytest.mark.parametrize(("most", "fits"), [(2500, True), (2499, False)])
async def test_a_file_has_so_many_bytes_at_most(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    monkeypatch.setattr(files, "MOST_OF_ONE", most)
    if fits:
        await kept(cast, b"x" * 2500)
    else:
        with pytest.raises(errors.TooLarge, match="2,499 bytes"):
            await kept(cast, b"x" * 2500)


@pytest.mark.parametrize(("most", "fits"), [(5000, True), (4999, False)])
async def test_the_files_of_a_person_have_so_many_bytes_at_most(
    cast: Cast, monkeypatch: pytest.MonkeyPatch, most: int, fits: bool
) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    monkeypatch.setattr(files, "MOST_OF_ALL", most)
    await kept(cast, b"x" * 2500, expires=soon(-0.5))  # has expired, and counts no more
    await kept(cast, b"x" * 2500)
    await kept(cast, b"x" * 2500, "author")
    if not fits:
        with pytest.raises(errors.TooLarge, match="2,500 are there"):
            await kept(cast, b"x" * 2500)
        await order(cast)
    else:
        await kept(cast, b"x" * 2500)
        with pytest.raises(errors.Conflict, match="5,000 bytes"):
            await order(cast)


async def test_two_files_at_once_count_each_other(engines: Engines, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "MOST_OF_ALL", 5)
    async with engines.transaction() as session:
        ana = (await factories.person(session, "Ana")).id

    async def source() -> AsyncIterator[bytes]:
        yield b"xyz"
        await asyncio.sleep(0.1)

    async def one() -> bool:
        try:
            async with engines.transaction() as session:
                await files.keep(session, ana, "a", "text/plain", source(), soon())
        except errors.TooLarge:
            return False
        return True

    assert sorted(await asyncio.gather(one(), one(), one())) == [False, False, True]


# How long ------------------------------------------------------------------------------------------------------------

DAY = orders.KEPT


@pytest.mark.parametrize(("age", "there"), [(DAY - timedelta(seconds=1), True), (DAY + timedelta(seconds=1), False)])
async def test_a_job_and_its_file_are_there_for_a_day_and_not_longer(cast: Cast, age: timedelta, there: bool) -> None:
    job = await order(cast)
    file = await kept(cast, b"x", expires=datetime.now(UTC) - age + DAY)
    await finish(cast, job, file=file, age=age)
    listed, _ = await orders.listed(cast.session, cast["owner"], what="report", limit=9, cursor=None)
    assert [row.uid for row in listed] == ([job.uid] if there else [])
    if there:
        assert (await orders.get(cast.session, cast["owner"], job.uid)).file is not None
        assert (await files.about(cast.session, file)).size == 1
        return
    for lookup in (orders.get(cast.session, cast["owner"], job.uid), files.about(cast.session, file)):
        with pytest.raises(errors.NotFound):
            await lookup


@pytest.mark.parametrize(("age", "left"), [(-0.01, (1, 1)), (0.99, (0, 1)), (1.01, (0, 0))])
async def test_what_has_expired_is_removed_and_a_download_under_way_may_end(
    cast: Cast, age: float, left: tuple[int, int]
) -> None:
    job = await order(cast)
    file = await kept(cast, b"x", expires=soon(-age))
    await finish(cast, job, file=file, age=DAY + timedelta(hours=age))
    await order(cast, "author")
    await upkeep.forget(cast.session)
    found = [await cast.value(f"SELECT count(*) FROM {table}") for table in ("job", "file", "file_part")]
    assert found == [left[0] + 1, left[1], left[1]], "what is not done never expires"


# In and out ----------------------------------------------------------------------------------------------------------


def content(size: int) -> bytes:
    """Bytes that are nowhere the same for long."""
    return b"".join(number.to_bytes(4, "big") for number in range(size // 4 + 1))[:size]


async def _odd(whole: bytes) -> AsyncIterator[bytes]:
    """In pieces of sizes that fit nothing."""
    at, size = 0, 1
    while at < len(whole):
        yield whole[at : at + size]
        at, size = at + size, size * 3 + 1


@pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2000, 12_345])
async def test_a_file_comes_out_as_it_went_in(
    engines: Engines, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int
) -> None:
    monkeypatch.setattr(files, "PIECE", 1000)
    whole = content(size)
    (tmp_path / "in").write_bytes(whole)
    sources: list[Any] = [_odd(whole), tmp_path / "in"]
    for source in sources:
        async with engines.transaction() as session:
            ana = (await factories.person(session, "Ana")).id
            uid = await files.keep(session, ana, "Bericht für Ännchen.csv", "text/csv", source, soon())
        async with engines.transaction() as session:
            await files.to_path(session, uid, tmp_path / "out")
            file = await files.about(session, uid)
            pieces = await session.scalar(text("SELECT count(*) FROM file_part WHERE file_id = :id"), {"id": file.id})
        assert (file.name, file.media_type, file.size) == ("Bericht für Ännchen.csv", "text/csv", size)
        assert pieces == -(-size // 1000)
        assert (tmp_path / "out").read_bytes() == whole
        assert b"".join([piece async for piece in files.stream(engines, file)]) == whole


async def test_a_reader_that_takes_its_time_holds_no_connection(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 10)
    async with engines.transaction() as session:
        ana = (await factories.person(session, "Ana")).id
        file = await files.about(session, await files.keep(session, ana, "a", "text/plain", _odd(content(95)), soon()))
    readers = [files.stream(engines, file) for _ in range(30)]  # more than there are connections
    firsts = [await anext(reader) for reader in readers]
    assert firsts == [content(95)[:10]] * 30
    for reader in readers:
        assert b"".join([piece async for piece in reader]) == content(95)[10:]


async def test_a_file_that_is_removed_while_it_is_read_is_not_read_to_a_false_end(
    engines: Engines, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 10)
    async with engines.transaction() as session:
        ana = (await factories.person(session, "Ana")).id
        uid = await files.keep(session, ana, "a", "text/plain", _odd(content(95)), soon())
        file = await files.about(session, uid)
    reader = files.stream(engines, file)
    await anext(reader)
    async with engines.transaction() as session:
        await files.drop(session, uid)
    with pytest.raises(errors.NotFound):
        await anext(reader)


async def test_the_reading_role_sees_neither_jobs_nor_files(cast: Cast, engines: Engines) -> None:
    granted = "SELECT has_table_privilege('civic_read', CAST(:name AS text), 'SELECT')"
    assert [await cast.value(granted, name=name) for name in ("job", "file", "file_part")] == [False] * 3
    assert await cast.value(granted, name="asset") is True


def test_a_room_is_ones_own_while_it_is_used_and_gone_afterwards(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(files, "LEFT_S", -1)  # whatever is not held is taken for left
    with files.room() as one:
        assert one.stat().st_mode & 0o777 == 0o700
        with files.room() as other:
            assert one.exists()
            assert other != one
    assert list(tmp_path.iterdir()) == []


def test_the_room_of_who_was_killed_is_cleared_away_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    young, other = tmp_path / f"{files.ROOM}young", tmp_path / "not-ours"
    young.mkdir()
    other.mkdir()
    with files.room():
        assert young.exists(), "perhaps it was made a moment ago"
    monkeypatch.setattr(files, "LEFT_S", -1)
    with files.room():
        assert not young.exists()
    assert other.exists()


def test_what_a_reader_who_was_killed_had_unpacked_is_cleared_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    old, young = (Path(tempfile.mkdtemp(prefix=archives.UNPACKED)) for _ in range(2))
    (old / "shapes.shp").write_bytes(b"x")
    os.utime(old, (0, 0))
    with files.room():
        assert (old.exists(), young.exists()) == (False, True)
