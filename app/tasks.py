"""The jobs: which event or hour calls for which work. Bodies are thin: the work itself is an action's or a report's.

To add one: write its body, add it to JOBS. A body may run twice for the same event, and must bear that.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import date
from uuid import UUID

from sqlalchemy import func, select

from app import auth, mail
from app.actions import assets, import_jobs, orders, tries, upkeep
from app.actions.progress import Progress, Tell
from app.actions.tries import Outcome, Try
from app.auth import Actor
from app.db import Engines
from app.geo import pyramid
from app.jobs import Always, Job, OnClock, OnEvent, Worker
from app.reports import registry, tallies
from app.reports.asking import Question
from app.settings import Settings

FOLD_S = 1.0
#: Counting a ward again costs more than folding the map, and a report counts what waits by itself.
TALLY_S = 5.0


async def send_sign_in_mail(worker: Worker, uid: UUID) -> None:
    """Send link and code to whoever asked to sign in; nothing once that sign-in was used."""
    async with worker.engines.transaction() as session:
        email = await session.scalar(select(func.vault.sign_in_email(uid)))
    if email is None:
        return
    code, token = auth.sign_in_code(worker.secret, uid), auth.sign_in_token(worker.secret, uid)
    await mail.send(worker.settings, mail.sign_in(worker.settings, email, uid, code=code, token=token))


async def end_past_assets(worker: Worker) -> None:
    """Set assets whose end date has passed to `ended`: the map itself never looks at the clock."""
    async with worker.engines.transaction() as session:
        await assets.end_past(session, Actor.system("end dates"))


async def forget(worker: Worker) -> None:
    """Remove what is past its time."""
    async with worker.engines.transaction() as session:
        await upkeep.forget(session)
    await worker.forget_ended(days=upkeep.KEPT_EVENTS.days)


async def learn_words(worker: Worker) -> None:
    """Learn the words of the newest assets, so that a misspelt one finds them."""
    async with worker.engines.transaction() as session:
        await upkeep.learn_words(session)


async def learn_all_words(worker: Worker) -> None:
    """Learn the words in use from all assets."""
    async with worker.engines.transaction() as session:
        await upkeep.learn_words(session, newest=None)


async def learn_imported_words(worker: Worker, uid: UUID) -> None:
    """Learn the words that a large import brought in."""
    async with worker.engines.transaction() as session:
        await upkeep.learn_imported_words(session, uid)


async def fold_map(worker: Worker) -> None:
    """Move the map's change log into its pyramid."""
    async with worker.engines.transaction() as session:
        await pyramid.fold(session)


async def fold_tallies(worker: Worker) -> None:
    """Count the wards again in which something changed, for the ward report."""
    counted = tallies.AT_ONCE
    while counted == tallies.AT_ONCE:
        async with worker.engines.transaction() as session:
            counted = await tallies.fold(session, tallies.AT_ONCE)


async def make_report(engines: Engines, this: Try, tell: Tell) -> Outcome:
    """Write the report that somebody ordered."""
    asked, form = this.asked, registry.FORMATS[this.asked["format"]]
    at, since = (date.fromisoformat(asked[name]) if asked[name] else None for name in ("at", "since"))
    question = Question(asked["level"], asked["set"], at, since, tuple(asked["areas"]))
    path = this.folder / f"report.{form.suffix}"
    name = await registry.produce(engines, question, form.name, path, lambda *far: tell(Progress(*far)))
    return Outcome(None, path, name, form.media_type)


#: What does which job.
WORKS: dict[str, tries.Work] = {
    "report": make_report,
    "import.preview": import_jobs.preview,
    "import.run": import_jobs.bring_in,
    "import.undo": import_jobs.undo,
}


async def do_job(worker: Worker, uid: UUID) -> None:
    """Work on what somebody ordered."""
    await tries.run(worker.engines, uid, WORKS)


async def take_up_left_jobs(worker: Worker) -> None:
    """Let jobs begin anew whose workers have died."""
    async with worker.engines.transaction() as session:
        await tries.take_up_left(session)


JOBS: tuple[Job, ...] = (
    OnEvent("sign_in.asked", send_sign_in_mail),
    OnEvent("imports.bring_in", learn_imported_words),
    OnEvent(orders.EVENT, do_job, slow=True),
    OnClock("* * * * *", end_past_assets),
    OnClock("* * * * *", take_up_left_jobs),
    OnClock("17 * * * *", forget),
    OnClock("* * * * *", learn_words),
    OnClock("41 3 * * *", learn_all_words),
    Always(FOLD_S, fold_map),
    Always(TALLY_S, fold_tallies),
)


@contextlib.asynccontextmanager
async def running(settings: Settings, engines: Engines, secret: bytes) -> AsyncIterator[None]:
    """Do the jobs in this process while the block lasts."""
    work = asyncio.create_task(Worker(settings, engines, secret, JOBS).run(), name="worker")
    try:
        yield
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work


async def work(settings: Settings) -> None:
    """Do the jobs, and nothing else, until cancelled."""
    engines = Engines.of(settings)
    try:
        await Worker(settings, engines, auth.load_secret(settings), JOBS).run()
    finally:
        await engines.dispose()


async def work_off(settings: Settings, engines: Engines, secret: bytes) -> None:
    """Do all that is waiting, and return."""
    await Worker(settings, engines, secret, JOBS).work_off()
