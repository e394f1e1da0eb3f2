"""What a writer writes: one report, its areas' outlines, its assets and needs, each one at a time.

Writers are plain functions that run in a thread, for writing is work for the processor; rows come from the database on
the event loop. `pulled` joins the two: a writer takes rows as from any iterator, and no more than a few hundred of them
are in memory.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from app.reports.asset_rows import AssetRow, NeedRow
from app.reports.maps import Canvas
from app.reports.outlines import Outline
from app.reports.wards import WardReport

T = TypeVar("T")

#: Rows that are fetched together.
BATCH = 500
#: What is being done, how much of it is done, what that counts, and its share from 0 to 1 where somebody can tell.
Tell = Callable[[str, int, str, float | None], None]


def untold(what: str, done: int, unit: str, share: float | None) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Matter:
    """A report and what it is about. Each call reads anew, in the report's order of areas."""

    report: WardReport
    ids: Sequence[int]
    """The area of each line of the report but the last two, which have none."""
    outlines: Callable[[], Iterator[Outline]]
    canvas: Callable[[Sequence[int]], Canvas]
    """What a map of some of the areas is drawn on."""
    assets: Callable[[], Iterator[AssetRow]]
    needs: Callable[[], Iterator[NeedRow]]


class Stopped(Exception):
    """Nobody waits any longer for what is being written."""


class Pulling:
    """Hands rows from the event loop to a writer's thread, and stops the writer when nobody waits for it."""

    def __init__(self, tell: Tell = untold) -> None:
        self._loop = asyncio.get_running_loop()
        self._over = threading.Event()
        self._tell = tell
        self._begun: list[AsyncGenerator[Any, None]] = []

    def stop(self) -> None:
        """The writer ends where it next asks for a row."""
        self._over.set()

    async def close(self) -> None:
        """End what was begun to be read; on the loop, after the writer has ended."""
        for rows in self._begun:
            await rows.aclose()

    def pulled(
        self, source: Callable[[], AsyncIterator[T]], what: str, unit: str, expected: int | None = None
    ) -> Iterator[T]:
        """The rows of `source`, for a thread other than the loop's. Raises what reading raises, and Stopped."""
        rows = source()
        if isinstance(rows, AsyncGenerator):
            self._begun.append(rows)
        done = 0
        while some := self.asked(_some(rows)):
            yield from some
            done += len(some)
            self._tell(what, done, unit, min(1.0, done / expected) if expected else None)

    def asked(self, question: Coroutine[Any, Any, T]) -> T:
        """What a coroutine answers, for another thread than the loop's. Raises what it raises, and Stopped."""
        if self._over.is_set():
            question.close()
            raise Stopped
        return asyncio.run_coroutine_threadsafe(question, self._loop).result()


async def _some(rows: AsyncIterator[T]) -> list[T]:
    found: list[T] = []
    async for row in rows:
        found.append(row)
        if len(found) == BATCH:
            break
    return found
