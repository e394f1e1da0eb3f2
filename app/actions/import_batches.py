"""The rows of a file in batches, the next of which is read while the database works on the one before."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import anyio.to_thread

from app.actions.import_plan import Plan
from app.actions.import_rows import Prepared, Reject

#: A batch has so many rows, or fewer of so many characters; two of them are in memory at a time.
BATCH, BATCH_CHARACTERS = 20_000, 8_000_000


@dataclass
class Batch:
    """Some rows of a file in its order: those that can become assets, and those that cannot."""

    rows: list[Prepared] = field(default_factory=list)
    refused: list[Reject] = field(default_factory=list)
    share: float = 0.0
    """How much of the file had been read at its end."""


def batches(plan: Plan) -> Iterator[Batch]:
    """Every row of the file; the last batch may be empty."""
    batch, characters = Batch(), 0
    for row in plan.rows():
        if isinstance(row, Reject):
            batch.refused.append(row)
        else:
            batch.rows.append(row)
            characters += len(row.body) + len(row.raw or "")
        if len(batch.rows) + len(batch.refused) >= BATCH or characters >= BATCH_CHARACTERS:
            batch.share = plan.table.share
            yield batch
            batch, characters = Batch(), 0
    batch.share = plan.table.share
    yield batch


async def ahead(source: Iterator[Batch]) -> AsyncGenerator[Batch, None]:
    """The same batches; the next one is read in a thread while the database works on the one before."""

    def fetch() -> "asyncio.Future[Batch | None]":
        return asyncio.ensure_future(anyio.to_thread.run_sync(next, source, None))

    coming = fetch()
    try:
        while (batch := await coming) is not None:
            coming = fetch()
            yield batch
    finally:
        await asyncio.gather(coming, return_exceptions=True)  # the thread must be done with the file
