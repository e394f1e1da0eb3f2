"""A job is done to its end, and one that fails says why."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError, ProgrammingError

from app import errors, tasks
from app.actions import orders, tries
from app.actions.progress import Progress, Tell
from app.actions.tries import Outcome, Try
from app.auth import Actor
from app.db import Engines
from app.settings import Settings
from tests.actions.trying import SECRET, fetched, left_in, ordered, row, value, writing

pytestmark = pytest.mark.usefixtures("room")


# To the end ----------------------------------------------------------------------------------------------------------


async def test_an_order_is_done_by_the_next_worker_and_its_file_is_there(
    settings: Settings, engines: Engines, ana: Actor, room: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(tasks.WORKS, "report", writing(b"all is well", rows=3))
    uid = await ordered(engines, ana, format="csv")
    assert (await row(engines, uid)).state == "waiting"
    await tasks.work_off(settings, engines, SECRET)
    done = await row(engines, uid)
    assert (done.state, done.tries, done.result, done.fault, done.progress) == ("done", 1, {"rows": 3}, None, {})
    assert done.expires_at - done.ended_at == orders.KEPT
    assert await fetched(engines, ana, uid) == b"all is well"
    assert left_in(room) == [], "nothing is left where it worked"


async def test_what_is_done_with_the_rights_of_today(engines: Engines, ana: Actor) -> None:
    seen: list[Actor] = []

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        seen.append(this.actor)
        return Outcome({"asked": this.asked})

    uid = await ordered(engines, ana, level="ward", areas=["E05000001"])
    await value(engines, "UPDATE person SET role = 'operator' WHERE id = :id", id=ana.person_id)
    await tries.run(engines, uid, {"report": work})
    assert [(actor.person_id, actor.role) for actor in seen] == [(ana.person_id, "operator")]
    done = await row(engines, uid)
    assert (done.state, done.result) == ("done", {"asked": {"level": "ward", "areas": ["E05000001"]}})
    assert done.file_id is None


async def test_an_order_of_somebody_who_was_suspended_is_not_done(engines: Engines, ana: Actor) -> None:
    uid = await ordered(engines, ana)
    await value(engines, "UPDATE person SET state = 'suspended' WHERE id = :id", id=ana.person_id)
    await tries.run(engines, uid, {})
    assert (await row(engines, uid)).fault == "This account is not active."


async def test_how_far_it_is_can_be_seen_while_it_works(engines: Engines, ana: Actor) -> None:
    uid = await ordered(engines, ana)

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        tell(Progress("writing assets", 500, "assets", 0.25))
        while not (seen := (await row(engines, uid)).progress):
            pass
        return Outcome({"seen": seen})

    await asyncio.wait_for(tries.run(engines, uid, {"report": work}), 5)
    told = {"what": "writing assets", "done": 500, "unit": "assets", "share": 0.25}
    assert (await row(engines, uid)).result == {"seen": told}


# Faults --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "fault"),
    [
        (errors.Invalid("There is no area with the code 'X'."), "There is no area with the code 'X'."),
        (errors.TooLarge("A file may have at most 9 bytes."), "A file may have at most 9 bytes."),
        (ValueError("/srv/secret: no such column person.email"), tries.OURS),
        (KeyError("format"), tries.OURS),
    ],
)
async def test_a_job_that_fails_says_why_in_plain_words_and_nothing_of_our_insides(
    engines: Engines, ana: Actor, caplog: pytest.LogCaptureFixture, error: Exception, fault: str
) -> None:
    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        (this.folder / "half").write_bytes(b"half")
        raise error

    uid = await ordered(engines, ana)
    await tries.run(engines, uid, {"report": work})
    failed = await row(engines, uid)
    assert (failed.state, failed.fault, failed.file_id) == ("failed", fault, None)
    assert failed.expires_at - failed.ended_at == orders.KEPT
    assert (str(uid) in caplog.text) == (fault == tries.OURS), "what is ours is written down"
    await tries.run(engines, uid, {"report": writing(b"late")})
    assert (await row(engines, uid)).state == "failed", "an end is an end"


async def test_a_question_that_takes_too_long_for_the_database_says_so(engines: Engines, ana: Actor) -> None:
    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        async with engines.transaction() as session:
            await session.execute(text("SET LOCAL statement_timeout = '20ms'"))
            await session.execute(text("SELECT pg_sleep(5)"))
        return Outcome()

    uid = await ordered(engines, ana)
    await tries.run(engines, uid, {"report": work})
    assert "longer than the database may take" in (await row(engines, uid)).fault


async def test_a_database_that_goes_away_costs_a_try_and_not_the_job(engines: Engines, ana: Actor) -> None:
    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        if this.number == 1:
            async with engines.transaction() as session:
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
        return Outcome({"try": this.number})

    uid = await ordered(engines, ana)
    with pytest.raises(OperationalError):
        await tries.run(engines, uid, {"report": work})
    assert (await row(engines, uid)).state == "waiting"
    await tries.run(engines, uid, {"report": work})
    assert (await row(engines, uid)).result == {"try": 2}


async def test_a_statement_that_is_wrong_is_not_tried_again(engines: Engines, ana: Actor) -> None:
    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        async with engines.transaction() as session:
            await session.execute(text("SELECT no_such_column FROM person"))
        return Outcome()

    uid = await ordered(engines, ana)
    await tries.run(engines, uid, {"report": work})
    assert (await row(engines, uid)).fault == tries.OURS


async def test_a_job_that_was_cut_off_again_and_again_is_given_up(engines: Engines, ana: Actor) -> None:
    begun = []

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        begun.append(this.number)
        return Outcome()

    uids = [await ordered(engines, ana), await ordered(engines, ana)]
    for uid, before in zip(uids, (tries.MOST_TRIES - 1, tries.MOST_TRIES), strict=True):
        await value(engines, "UPDATE job SET tries = :n WHERE uid = :uid", n=before, uid=uid)
        await tries.run(engines, uid, {"report": work})
    assert begun == [tries.MOST_TRIES]
    assert [(await row(engines, uid)).fault for uid in uids] == [None, tries.CUT_OFF]


async def test_a_fault_of_the_driver_is_ours(engines: Engines, ana: Actor) -> None:
    assert not tries._passing(ProgrammingError("x", {}, Exception("no state")))
    assert tries._passing(OperationalError("x", {}, Exception("the connection is closed")))
