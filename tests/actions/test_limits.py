"""Counters that all workers share: the n-th passes, the next one waits."""

from datetime import UTC, datetime

import anyio
import pytest
import time_machine

from app import errors
from app.actions import limits
from app.db import Engines

NOON = datetime(2030, 5, 1, 12, 0, 0, tzinfo=UTC)


async def test_what_is_allowed_passes_and_one_more_is_told_when_to_come_back(engines: Engines) -> None:
    with time_machine.travel(NOON.replace(minute=59, second=30), tick=False):
        for _ in range(3):
            await limits.spend(engines, "a bucket", 3)
        with pytest.raises(errors.TooMany, match="more than 3 in 60 minutes") as refusal:
            await limits.spend(engines, "a bucket", 3)
        assert refusal.value.headers["Retry-After"] == "31"
        await limits.spend(engines, "another bucket", 3)


async def test_the_window_ends_on_time(engines: Engines) -> None:
    with time_machine.travel(NOON, tick=False) as clock:
        await limits.spend(engines, "a bucket", 1)
        clock.move_to(NOON.replace(minute=59, second=59))
        with pytest.raises(errors.TooMany):
            await limits.spend(engines, "a bucket", 1)
        clock.move_to(NOON.replace(hour=13))
        await limits.spend(engines, "a bucket", 1)


async def test_many_at_once_are_counted_exactly(engines: Engines) -> None:
    passed, refused = [], []

    async def one() -> None:
        try:
            await limits.spend(engines, "a bucket", 7)
            passed.append(1)
        except errors.TooMany:
            refused.append(1)

    async with anyio.create_task_group() as group:
        for _ in range(20):
            group.start_soon(one)
    assert (len(passed), len(refused)) == (7, 13)


async def test_a_use_stays_counted_though_the_request_fails_later(engines: Engines) -> None:
    with pytest.raises(ZeroDivisionError):
        async with engines.transaction():
            await limits.spend(engines, "a bucket", 1)
            raise ZeroDivisionError
    with pytest.raises(errors.TooMany):
        await limits.spend(engines, "a bucket", 1)
