"""How often somebody may do something: one counter table that all workers share."""

from datetime import UTC, datetime, timedelta

from sqlalchemy.dialects.postgresql import insert

from app import errors
from app.db import Engines
from app.models import RateCounter


async def spend(engines: Engines, bucket: str, allowed: int, *, window_s: int = 3600) -> None:
    """Count one use of a bucket in the current window; raise TooMany beyond what is allowed.

    Counted on a connection of its own, so a request that fails later was still counted.
    """
    now = datetime.now(UTC)
    window_at = datetime.fromtimestamp(now.timestamp() // window_s * window_s, UTC)
    counted = (
        insert(RateCounter)
        .values(bucket=bucket, window_at=window_at, count=1)
        .on_conflict_do_update(index_elements=["bucket", "window_at"], set_={"count": RateCounter.count + 1})
        .returning(RateCounter.count)
    )
    async with engines.autocommit() as connection:
        count = (await connection.execute(counted)).scalar_one()
    if count > allowed:
        left = (window_at + timedelta(seconds=window_s) - now).total_seconds()
        raise errors.TooMany(
            f"That was more than {allowed} in {window_s // 60} minutes. Try again later.", retry_after_s=int(left) + 1
        )
