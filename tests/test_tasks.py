"""Each job does its work on a real database, and running it twice does no harm."""

import json
from collections.abc import Iterator
from uuid import UUID

import pytest
from sqlalchemy import func, select, text

from app import auth, mail, tasks
from app.actions import accounts
from app.db import Engines
from app.jobs import Worker
from app.models import MapCell, MapChange
from app.settings import Settings
from tests.geo.world import Thing, pin

SECRET = b"a secret of the tests"
EMAIL = "ada@example.org"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The demo keeps its mail where a test can see it."""
    return settings.model_copy(update={"demo": True})


@pytest.fixture(autouse=True)
def _empty_mailbox() -> Iterator[None]:
    mail.sent.clear()
    yield
    mail.sent.clear()


async def ask(engines: Engines) -> UUID:
    """Somebody asks to sign in."""
    async with engines.transaction() as session:
        uid, _ = await accounts.ask_sign_in(session, EMAIL, b"browser")
    return uid


async def test_who_asks_to_sign_in_gets_one_mail_with_code_and_link(settings: Settings, engines: Engines) -> None:
    uid = await ask(engines)
    await tasks.work_off(settings, engines, SECRET)
    await tasks.work_off(settings, engines, SECRET)
    (message,) = mail.sent
    assert message.to == EMAIL
    assert auth.sign_in_code(SECRET, uid) in message.text
    assert f"sign_in={uid}&token={auth.sign_in_token(SECRET, uid)}" in message.text


async def test_no_mail_goes_out_for_a_sign_in_that_was_used(settings: Settings, engines: Engines) -> None:
    uid = await ask(engines)
    async with engines.transaction() as session:
        assert await accounts.try_sign_in(session, uid, b"browser", matches=True) == ("right", None)
    await tasks.work_off(settings, engines, SECRET)
    assert not mail.sent


async def test_nothing_personal_lies_in_outbox_or_queue(settings: Settings, engines: Engines) -> None:
    """Without a mail server the job waits; neither it nor anything about it names the address."""
    uid = await ask(engines)
    await tasks.work_off(settings.model_copy(update={"demo": False}), engines, SECRET)
    async with engines.transaction() as session:
        kept = [
            json.dumps(list(row), default=str)
            for table in ("outbox", "procrastinate.procrastinate_jobs", "history")
            for row in await session.execute(text(f"SELECT * FROM {table}"))
        ]
    assert any(str(uid) in row and "send_sign_in_mail" in row for row in kept), "the job waits for another try"
    assert not any(EMAIL in row or auth.sign_in_code(SECRET, uid) in row for row in kept)


async def test_the_map_is_folded(settings: Settings, engines: Engines) -> None:
    async with engines.transaction() as session:
        await pin(session, [Thing(), Thing(kind="idea")])
    await tasks.work_off(settings, engines, SECRET)
    async with engines.reading() as session:
        assert await session.scalar(select(func.count()).select_from(MapChange)) == 0
        assert await session.scalar(select(func.count()).select_from(MapCell)) == 2 * 28  # each theme, and all together


async def test_an_asset_whose_end_has_passed_leaves_the_map(settings: Settings, engines: Engines) -> None:
    async with engines.transaction() as session:
        await pin(session, [Thing(kind="event", title="over"), Thing(kind="event", title="to come"), Thing()])
        await session.execute(
            text(
                """UPDATE asset SET ends_at = now() + CASE title WHEN 'over' THEN interval '-1 s' ELSE '1 day' END
                   WHERE kind = 'event'"""
            )
        )
    worker = Worker(settings, engines, SECRET, tasks.JOBS)
    for _ in range(2):
        await tasks.end_past_assets(worker)
    async with engines.transaction() as session:
        found = await session.execute(text("SELECT title, stage, on_map, ended_at = ends_at FROM asset ORDER BY id"))
        assert [tuple(row) for row in found] == [
            ("over", "ended", False, True), ("to come", "active", True, None), ("A thing", "active", True, None),
        ]  # fmt: skip
        assert await session.scalar(text("SELECT count(*) FROM state_change WHERE to_state = 'ended'")) == 1


_AGES = {
    "idempotency": (
        """INSERT INTO idempotency (actor, key, fingerprint, status, headers, body, created_at)
           SELECT 'a', age, '', 201, '{}', '', now() - age::interval FROM CAST(:age AS text) AS age""",
        ("23 hours 59 minutes", "24 hours 1 minute"),
    ),
    "rate_counter": (
        "INSERT INTO rate_counter (bucket, window_at) VALUES ('a', now() - CAST(:age AS interval))",
        ("23 hours", "25 hours"),
    ),
    "outbox": (
        "INSERT INTO outbox (event, taken_at) VALUES ('a', now() - CAST(:age AS interval))",
        ("13 days 23 hours", "14 days 1 hour"),
    ),
    "session": (
        """WITH p AS (INSERT INTO person (name) VALUES ('Ada') RETURNING id)
           INSERT INTO session (token_hash, person_id, seen_at, expires_at)
           SELECT age::bytea, id, now() - age::interval, now() + interval '1 day' FROM p, CAST(:age AS text) AS age""",
        ("29 days 23 hours", "30 days 1 hour"),
    ),
}


@pytest.mark.parametrize("table", _AGES)
async def test_each_thing_is_forgotten_at_its_time_and_not_before(
    settings: Settings, engines: Engines, table: str
) -> None:
    insert, (young, old) = _AGES[table]
    worker = Worker(settings, engines, SECRET, tasks.JOBS)
    async with engines.transaction() as session:
        for age in (young, old):
            await session.execute(text(insert), {"age": age})
    async with worker._opened():
        await tasks.forget(worker)
        await tasks.forget(worker)
    async with engines.transaction() as session:
        assert await session.scalar(text(f"SELECT count(*) FROM {table}")) == 1


async def test_events_that_wait_are_never_forgotten(settings: Settings, engines: Engines) -> None:
    async with engines.transaction() as session:
        await session.execute(text("INSERT INTO outbox (event, at) VALUES ('a', now() - interval '90 days')"))
    worker = Worker(settings, engines, SECRET, tasks.JOBS)
    async with worker._opened():
        await tasks.forget(worker)
    async with engines.transaction() as session:
        assert await session.scalar(text("SELECT count(*) FROM outbox")) == 1


def test_jobs_have_names_of_their_own() -> None:
    names = [job.run.__name__ for job in tasks.JOBS]
    assert len(names) == len(set(names))
