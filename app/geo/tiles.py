"""Vector tiles (Mapbox Vector Tile 2.1): what is in one, and how a process keeps it for a moment.

Layers: one per kind under its plural name with single pins, `clusters`, and `shapes` (lines and polygons, not
counted). For any kinds and themes the single pins and the clusters' counts of all tiles of a zoom add up to the assets
on the map.
"""

import asyncio
import gzip
import hashlib
import time
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from psycopg.types.numeric import Int4, Int8
from sqlalchemy.ext.asyncio import AsyncConnection

from app import db, kinds
from app.geo import cells

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
#: A tile of zoom 14 or more with more pins than this shows clusters, one for each square of its grid.
CROWD = 2000
#: Rows that a search may bring to one tile; beyond it the tile says that its counts are approximate.
FOUND_BOUND = 10_000
#: Pixels of a tile around it that belong to it when lines and polygons are cut.
BUFFER = 64 / cells.EXTENT
KEPT_S = 1.0
KEPT_TILES = 1000


async def draw(
    connection: AsyncConnection,
    tile: cells.Tile,
    *,
    of_kinds: Sequence[str] = (),
    themes: Sequence[str] = (),
    found: Sequence[int] | None = None,
    approximate: bool = False,
) -> bytes:
    """The tile as a visitor sees it; no bytes when it is empty. One statement, exact at the moment it runs.

    `found` are ids of the only assets to draw, where more than kinds and themes was asked for; `approximate` says that
    there are more of them than were looked at, and is written on every cluster.
    """
    by_rows = found is not None or tile.z > cells.PYRAMID_ZOOM
    level = min(tile.z + cells.GRID_BITS, cells.CELL_ZOOM)
    (low, high), (left, top) = tile.cells, tile.corner
    west, south, east, north = tile.bounds(BUFFER)
    # Int4 and Int8 keep the types of the parameters, and so the prepared statement, the same from tile to tile.
    asked: dict[str, Any] = {
        "z": Int4(tile.z), "x": Int4(tile.x), "y": Int4(tile.y),
        "level": None if by_rows else Int4(level), "shift": Int4(cells.shift(level)),
        "low": Int8(low), "high": Int8(high), "left": Int8(left), "top": Int8(top),
        "size": Int8(tile.size), "crowd": Int8(CROWD if tile.z > cells.PYRAMID_ZOOM else 0),
        "west": west, "south": south, "east": east, "north": north, "pixel": 360 / 512 / 2**tile.z,
        "kinds": list(of_kinds) or None, "themes": list(themes) or None,
        "found": None if found is None else [Int8(one) for one in found], "approximate": approximate,
        "kind_names": [kind.name for kind in kinds.ALL], "layer_names": [kind.plural for kind in kinds.ALL],
    }  # fmt: skip
    return bytes((await connection.execute(db.sql("tile"), asked)).scalar() or b"")


@dataclass(frozen=True)
class Made:
    """A tile that was made: its bytes and what HTTP says of them."""

    plain: bytes

    @cached_property
    def etag(self) -> str:
        """A weak tag made of the bytes: the zipped answer is the same tile."""
        return f'W/"{hashlib.sha256(self.plain).hexdigest()[:24]}"'

    @cached_property
    def zipped(self) -> bytes:
        """The bytes, gzipped; the same for the same bytes."""
        return gzip.compress(self.plain, 5, mtime=0)


class Shelf:
    """Tiles made a moment ago. Whoever asks while one is being made waits for that one, so it is made once.

    An answer is never older than a second plus the time of its making: old enough for a crowd that looks at the same
    place, young enough that what was hidden goes.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, tuple[float, asyncio.Task[Made]]] = {}

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]], *, keep_s: float | None = None) -> Made:
        """The tile kept under this key, or a new one, which is kept for so many seconds (a second unless told).

        A failure reaches all who wait for it and is not kept.
        """
        now = time.monotonic()
        until, task = self._kept.get(key, (0.0, None))
        if task is None or (task.done() and now > until):
            self._forget(now)
            task = asyncio.ensure_future(self._make(key, make))
            self._kept[key] = (now + (KEPT_S if keep_s is None else keep_s), task)
        # Shielded: a reader who hangs up does not take the tile from the others.
        return await asyncio.shield(task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> Made:
        try:
            return Made(await make())
        except BaseException:
            del self._kept[key]
            raise

    def _forget(self, now: float) -> None:
        if len(self._kept) >= KEPT_TILES:
            self._kept = {key: one for key, one in self._kept.items() if not one[1].done() or now <= one[0]}
