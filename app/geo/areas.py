"""Which area a place lies in: the one definition, used for one asset and for all of them.

An asset lies in the area that covers its anchor; where two areas of one boundary set meet, in the one with the lowest
code. `asset_area` holds this for every set, ended ones too; `asset.ward` copies the current ward.
"""

from collections.abc import Callable, Sequence

from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import Function, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors
from app.models import Asset

#: Advisory lock: writers of assets share it, a change of boundaries holds it alone.
LOCK = 0x61726561
#: The same for who takes minutes: it is only tried, never waited for. Whoever waits for LOCK makes all writers wait.
LONG_LOCK = 0x61726562
#: So many assets are set again in one statement.
BATCH = 20_000
#: Something farther than this from every loaded area is not taken for a place of this map.
REACH_M = 5000


async def assign(session: AsyncSession, asset_ids: Sequence[int] | None = None) -> None:
    """Set the areas and the ward of these assets again, or of all; rows that are right already are not written.

    Versions, update times and the map's change log stay as they are. Holds changes of boundaries off until the
    transaction ends, so that no asset keeps a ward of a set that was replaced meanwhile. Other assets whose ids lie
    between the given ones may be set again with them.
    """
    await share(session)
    if asset_ids is None:
        await assign_all(session)
    elif asset_ids:
        await _assign(session, min(asset_ids), max(asset_ids))


async def assign_all(session: AsyncSession, tell: Callable[[int, float], None] = lambda count, share: None) -> None:
    """The same for every asset; `tell` hears how many are done, and what share of all that is (0 to 1)."""
    await share(session)
    done, last = 0, -1
    total = await session.scalar(select(func.count()).select_from(Asset)) or 0
    while batch := (await session.execute(db.sql("assign_next"), {"after": last, "most": BATCH})).one_or_none():
        first, last = batch.first, batch.last
        await _assign(session, first, last)
        done += batch.size
        tell(done, done / max(done, total))


async def _assign(session: AsyncSession, first: int, last: int) -> None:
    await session.execute(db.sql("assign_areas"), {"first": first, "last": last})
    await session.execute(db.sql("assign_wards"), {"first": first, "last": last})


async def share(session: AsyncSession) -> None:
    """Keep the boundaries as they are until this transaction ends; waits while they change."""
    await share_by(db.within(session))


async def share_by(ask: db.Ask) -> None:
    """The same for a transaction without a session."""
    # A statement of its own: the next one must see what the holder committed.
    await _lock(ask, "share_areas")


async def keep(session: AsyncSession) -> None:
    """Keep the boundaries as they are for minutes; Busy, at once, while they change. Other writers do not notice."""
    await _try(session, func.pg_try_advisory_xact_lock_shared(LONG_LOCK))
    await share(session)


async def reserve(session: AsyncSession) -> None:
    """Be the only one to change boundaries until this transaction ends; Busy, at once, during an import or a change.

    Writers do not notice before `hold`.
    """
    await _try(session, func.pg_try_advisory_xact_lock(LONG_LOCK))


async def hold(session: AsyncSession) -> None:
    """Be the only one to change boundaries until this transaction ends; writers of assets wait."""
    await _lock(db.within(session), "hold_areas")


def _busy() -> errors.Busy:
    return errors.Busy(
        "Boundaries or assets are being brought in just now. Nothing was changed. Try again when that is done."
    )


async def _try(session: AsyncSession, lock: Function[bool]) -> None:
    if not await session.scalar(select(lock)):
        raise _busy()


async def _lock(ask: db.Ask, how: str) -> None:
    try:
        await ask(how, lock=LOCK)
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable | QueryCanceled):
            raise _busy() from error
        raise


async def distance_m(session: AsyncSession, lon: float, lat: float) -> float | None:
    """Metres to the nearest current area: 0 inside one, None when no area is loaded."""
    metres: float | None = await session.scalar(db.sql("nearest_area"), {"lon": lon, "lat": lat})
    return metres
