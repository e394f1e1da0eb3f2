"""Which area a place lies in: the one definition, used for one asset and for all of them.

An asset lies in the area that covers its anchor; where two areas of one boundary set meet, in the one with the lowest
code. `asset_area` holds this for every set, ended ones too; `asset.ward` copies the current ward.
"""

from collections.abc import Sequence

from psycopg.errors import LockNotAvailable, QueryCanceled
from sqlalchemy import Function, func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession

from app import db, errors

#: Advisory lock: writers of assets share it, a change of boundaries holds it alone.
LOCK = 0x61726561
EVERY = (0, 2**63 - 1)
#: Something farther than this from every loaded area is not taken for a place of this map.
REACH_M = 5000


async def assign(session: AsyncSession, asset_ids: Sequence[int] | None = None) -> None:
    """Set the areas and the ward of these assets again, or of all; rows that are right already are not written.

    Versions, update times and the map's change log stay as they are. Holds changes of boundaries off until the
    transaction ends, so that no asset keeps a ward of a set that was replaced meanwhile. Other assets whose ids lie
    between the given ones may be set again with them.
    """
    await share(session)
    first, last = EVERY if asset_ids is None else (min(asset_ids, default=0), max(asset_ids, default=-1))
    await session.execute(db.sql("assign_areas"), {"first": first, "last": last})
    await session.execute(db.sql("assign_wards"), {"first": first, "last": last})


async def share(session: AsyncSession) -> None:
    """Keep the boundaries as they are until this transaction ends; waits while they change."""
    # A statement of its own: the next one must see what the holder committed.
    await _lock(session, func.pg_advisory_xact_lock_shared(LOCK))


async def hold(session: AsyncSession) -> None:
    """Be the only one to change boundaries until this transaction ends; writers of assets wait."""
    await _lock(session, func.pg_advisory_xact_lock(LOCK))


async def _lock(session: AsyncSession, lock: Function[None]) -> None:
    try:
        await session.execute(select(lock))
    except OperationalError as error:
        if isinstance(error.orig, LockNotAvailable | QueryCanceled):
            raise errors.Busy(
                "Boundaries or assets are being brought in just now. Nothing was changed. Try again when that is done."
            ) from error
        raise


async def distance_m(session: AsyncSession, lon: float, lat: float) -> float | None:
    """Metres to the nearest current area: 0 inside one, None when no area is loaded."""
    metres: float | None = await session.scalar(db.sql("nearest_area"), {"lon": lon, "lat": lat})
    return metres
