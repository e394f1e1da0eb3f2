"""How often somebody may do something: one counter table that all workers share."""

from datetime import UTC, datetime, timedelta

from app import errors
from app.db import Engines


async def spend(engines: Engines, bucket: str, allowed: int, *, window_s: int = 3600) -> None:
    """Count one use of a bucket in the current window; raise TooMany beyond what is allowed.

    Counted on a connection of its own, so a request that fails later was still counted.
    """
    now = datetime.now(UTC)
    window_at = datetime.fromtimestamp(now.timestamp() // window_s * window_s, UTC)
    count = (await engines.light("spend", bucket=bucket, window_at=window_at))[0].count
    if count > allowed:
        left = (window_at + timedelta(seconds=window_s) - now).total_seconds()
        raise errors.TooMany(
            f"That was more than {allowed} in {window_s // 60} minutes. Try again later.", retry_after_s=int(left) + 1
        )
