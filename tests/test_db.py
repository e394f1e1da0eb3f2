"""The ways to the database: light statements, connections that the server ended, and the transaction rule."""

import asyncio

import psycopg
import pytest
from sqlalchemy import bindparam, exc, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.db import Engines, Ready
from app.models import Outbox, Person
from app.settings import Settings
from tests.conftest import Database

LATER = Ready(b"SELECT pg_sleep($1)", ("seconds",), {})
WHICH = Ready(b"SELECT pg_backend_pid() AS pid", (), {})


def end_all(database: Database) -> int:
    """The server ends every connection of the service, as a restart does."""
    with database.cluster.connect() as admin:
        ended = admin.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = %s", [database.name]
        ).fetchone()
    assert ended
    return int(ended[0])


# Connections ---------------------------------------------------------------------------------------------------------


async def test_connections_that_the_server_ended_are_replaced_and_nobody_notices(
    engines: Engines, database: Database
) -> None:
    async def everyway() -> None:
        async with engines.transaction() as session:
            await session.execute(text("SELECT 1"))
            await db.within(session)(WHICH)
        async with engines.reading() as session:
            await session.execute(text("SELECT 1"))
        await engines.light(WHICH)
        async with engines.light.transaction() as ask:
            await ask(WHICH)
        await engines.glance(WHICH)

    for _ in range(3):
        await asyncio.gather(*(everyway() for _ in range(6)))
        assert end_all(database) >= 3
    await everyway()


async def test_a_connection_is_kept_for_the_next_statement(engines: Engines) -> None:
    assert (await engines.light(WHICH))[0].pid == (await engines.light(WHICH))[0].pid


async def test_a_statement_that_fails_costs_no_connection(engines: Engines) -> None:
    (before,) = await engines.light(WHICH)
    with pytest.raises(exc.DataError):
        await engines.light(Ready(b"SELECT 1 / 0", (), {}))
    assert await engines.light(WHICH) == [before]


async def test_who_gives_up_half_way_leaves_room_and_no_half_read_connection(engines: Engines) -> None:
    for _ in range(12):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await engines.light(LATER, seconds=20)
    assert len(await engines.light(WHICH)) == 1


async def test_who_gives_up_in_a_light_transaction_leaves_nothing_behind(engines: Engines) -> None:
    for _ in range(12):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05), engines.light.transaction() as ask:
                await ask(Ready(b"INSERT INTO outbox (event) VALUES ('given up')", (), {}))
                await ask(LATER, seconds=20)
    async with engines.light.transaction() as ask:
        assert await ask(Ready(b"SELECT FROM outbox", (), {})) == []


async def test_a_table_that_a_migration_changed_does_not_break_who_asked_before(
    engines: Engines, database: Database
) -> None:
    """PostgreSQL refuses for ever what a connection prepared over columns that have changed since."""
    people = Ready(b"SELECT * FROM outbox", (), {})

    async def light() -> None:
        await engines.light(people)

    async def glance() -> None:
        await engines.glance(Ready(b"SELECT * FROM area", (), {}))

    async def session() -> None:
        async with engines.reading() as session:
            await session.execute(text("SELECT * FROM area"))

    async def within() -> None:
        async with engines.reading() as session:
            await db.within(session)(Ready(b"SELECT * FROM area", (), {}))

    for way, refusals in ((light, 0), (glance, 0), (session, 1), (within, 1)):
        for _ in range(8):
            await way()
        with database.cluster.connect(database=database.name) as owner:
            owner.execute("ALTER TABLE outbox ADD COLUMN more int")
            owner.execute("ALTER TABLE area ADD COLUMN more int")
        for _ in range(refusals):
            with pytest.raises(exc.NotSupportedError) as refused:
                await way()
            assert db.is_stale(refused.value)
        await way()
        with database.cluster.connect(database=database.name) as owner:
            owner.execute("ALTER TABLE outbox DROP COLUMN more")
            owner.execute("ALTER TABLE area DROP COLUMN more")


async def test_when_all_connections_are_busy_the_wait_ends(settings: Settings) -> None:
    engines = Engines.of(settings.model_copy(update={"pool_wait_s": 0.2, "pool_size": 2}))
    async with asyncio.TaskGroup() as group:
        for _ in range(2):
            group.create_task(engines.light(LATER, seconds=1))
        await asyncio.sleep(0.1)
        with pytest.raises(exc.TimeoutError):
            await engines.light(WHICH)
    await engines.dispose()


async def test_an_absent_server_is_told_as_everywhere(settings: Settings) -> None:
    gone = "postgresql+psycopg://civic_write@127.0.0.1:1/civic"
    engines = Engines.of(settings.model_copy(update={"database_url": gone}))
    with pytest.raises(exc.OperationalError):
        await engines.light(WHICH)


# Within a transaction ------------------------------------------------------------------------------------------------


async def test_a_light_statement_is_part_of_its_transaction(engines: Engines) -> None:
    added = Ready.built(select(Outbox.event).where(Outbox.event == bindparam("event")))
    with pytest.raises(ZeroDivisionError):
        async with engines.transaction() as session:
            session.add(Outbox(event="flushed first"))
            assert [row.event for row in await db.within(session)(added, event="flushed first")] == ["flushed first"]
            await db.within(session)(Ready(b"INSERT INTO outbox (event) VALUES ('light')", (), {}))
            raise ZeroDivisionError
    async with engines.transaction() as session:
        assert await session.scalar(select(Outbox.id)) is None
        await db.within(session)(Ready(b"INSERT INTO outbox (event) VALUES ('light')", (), {}))
    assert [row.event for row in await engines.light(added, event="light")] == ["light"]


async def test_what_a_constraint_refuses_is_told_as_everywhere_and_undoes_the_transaction(engines: Engines) -> None:
    bad = Ready(b"INSERT INTO person (name, role) VALUES ('Ana', $1)", ("role",), {})
    with pytest.raises(exc.IntegrityError) as refusal:
        async with engines.transaction() as session:
            session.add(Person(name="Ben"))
            await db.within(session)(bad, role="king")
    assert isinstance(refusal.value.orig, psycopg.errors.CheckViolation)
    assert refusal.value.orig.diag.constraint_name == "ck_person_role"
    async with engines.transaction() as session:
        assert await session.scalar(select(Person.id)) is None


async def test_a_session_that_begins_again_takes_its_light_statements_along(engines: Engines) -> None:
    async with AsyncSession(engines.write) as session:
        (first,) = await db.within(session)(WHICH)
        await session.commit()
        async with engines.transaction() as another:
            assert (await db.within(another)(WHICH))[0].pid == first.pid, "it went back to the pool"
            assert (await db.within(session)(WHICH))[0].pid != first.pid


# Statements ----------------------------------------------------------------------------------------------------------


def test_every_written_statement_numbers_its_values_and_leaves_casts_alone() -> None:
    for path in db.SQL_DIR.glob("*.sql"):
        if path.stem in ("roles", "grants"):
            continue
        ready = Ready.written(path.stem)
        assert b"--" not in ready.text
        assert set(ready.names) == set(db.sql(path.stem)._bindparams), path.stem
        for number in range(1, len(ready.names) + 1):
            assert f"${number}".encode() in ready.text, path.stem
    assert Ready.written("publish_asset").names[0] == "geom"
