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
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from psycopg.types.numeric import Int4, Int8

from app import db, kinds
from app.geo import cells

MEDIA_TYPE = "application/vnd.mapbox-vector-tile"
#: Squares of a tile's grid.
SQUARES = 4**cells.GRID_BITS
#: A tile of zoom 14 or more with more pins than this shows clusters in those squares that hold more than their share.
CROWD = 2000
#: From as many pins on, a tile of zoom 14 to 16 no longer counts rows but reads the deepest level of the pyramid.
MANY = 20_001
#: Rows that a search may bring to one tile; beyond it the tile says that its counts are approximate.
FOUND_BOUND = 10_000
#: Pixels of a tile around it that belong to it when lines and polygons are cut.
BUFFER = 64 / cells.EXTENT
#: A line or polygon is drawn from this many pixels on; what is smaller is only its pin.
SEEN = 4
#: From afar, among clusters, this many are drawn at most, the largest first; from zoom 14 on CROWD.
SHAPES_AFAR = 100
KEPT_S = 1.0
#: What a shelf may hold in all, with what each thing on it takes beside its bytes.
KEPT_BYTES = 64_000_000
THING_BYTES = 2_000
#: From here on zipping takes longer than others should wait for: it is done in a thread.
ZIP_APART_FROM = 50_000


@dataclass(frozen=True)
class Found:
    """The ids of what a search found in a tile. With weights they are a sample: each stands for so many assets, and the
    tile says that its counts are approximate. `shapes` are the lines and polygons to draw, where they are not those
    among the ids: a sample would leave most of them out."""

    ids: Sequence[int]
    weights: Sequence[float] | None = None
    shapes: Sequence[int] | None = None


async def draw(
    ask: db.Ask,
    tile: cells.Tile,
    *,
    of_kinds: Sequence[str] = (),
    themes: Sequence[str] = (),
    found: Found | None = None,
) -> bytes:
    """The tile as a visitor sees it; no bytes when it is empty. All counts come from one statement, exact when it runs.

    `found` are the only assets to draw, where more than kinds and themes was asked for.
    """
    asked = _asked(tile) | {"kinds": list(of_kinds) or None, "themes": list(themes) or None}
    if found is not None:
        counted, shapes = await _found(ask, tile, found, asked)
    elif tile.z > cells.PYRAMID_ZOOM:
        counted, shapes = await _pins(ask, tile, asked)
    else:
        counted, shapes = await _ask(ask, "tile_pyramid", asked | _grid(tile.z + cells.GRID_BITS))
    return (counted or b"") + (shapes or b"")


async def sample(
    ask: db.Ask, tile: cells.Tile, *, of_kinds: Sequence[str] = (), themes: Sequence[str] = (), ended: bool = False
) -> dict[int, float]:
    """Some public assets from all over a tile, at most about FOUND_BOUND: id → how many of its square each stands for.

    Of those on the map: from afar it costs the same however many there are. Or of those that have ended, which nothing
    counts beforehand: every one in the tile is looked at in the index.
    """
    asked = _asked(tile) | {"kinds": list(of_kinds) or None, "themes": list(themes) or None}
    counted = tile.z <= cells.PYRAMID_ZOOM
    level = min(tile.z + 2 * cells.GRID_BITS, cells.LEVELS[-1] if counted else cells.CELL_ZOOM)
    more = {"counted": counted, "most": Int4(FOUND_BOUND)}
    rows = await ask("tile_sample_ended" if ended else "tile_sample", **asked, **_grid(level), **more)
    return {row.id: row.weight for row in rows}


async def _ask(ask: db.Ask, name: str, asked: dict[str, Any]) -> tuple[Any, ...]:
    (row,) = await ask(name, **asked)
    return tuple(row)


def _asked(tile: cells.Tile) -> dict[str, Any]:
    """What every statement may ask of a tile. Int4 and Int8 keep the types of the parameters, and so the prepared
    statement, the same from tile to tile.
    """
    (low, high), (left, top) = tile.cells, tile.corner
    (west, south, seen), (east, north, _) = reach(tile)
    return {
        "low": Int8(low), "high": Int8(high), "left": Int8(left), "top": Int8(top), "size": Int8(tile.size),
        "z": Int4(tile.z), "x": Int4(tile.x), "y": Int4(tile.y),
        "west": west, "south": south, "east": east, "north": north, "seen": seen,
        "most_shapes": Int4(CROWD if tile.z > cells.PYRAMID_ZOOM else SHAPES_AFAR),
        "kind_names": [kind.name for kind in kinds.ALL], "layer_names": [kind.plural for kind in kinds.ALL],
    }  # fmt: skip


def reach(tile: cells.Tile) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Two corners (longitude, latitude, size in degrees): civic_reach of a shape meets the box between them when it
    reaches into the tile and is large enough to be seen."""
    west, south, east, north = tile.bounds(BUFFER)
    return (west, south, SEEN * 360 / 512 / 2**tile.z), (east, north, 1000.0)


def _grid(level: int) -> dict[str, Any]:
    return {"level": Int4(level), "shift": Int4(cells.shift(level))}


async def _pins(ask: db.Ask, tile: cells.Tile, asked: dict[str, Any]) -> tuple[bytes | None, bytes | None]:
    """Pins while there are not too many; else squares with counts, and no more rows are looked at than that takes.
    And the shapes."""
    pins, crowd, shapes = await _ask(ask, "tile_pins", asked | {"most": Int4(CROWD), "many": Int4(MANY)})
    if not crowd:
        return pins, shapes
    if crowd >= MANY and tile.z <= cells.LEVELS[-1]:
        counted, _ = await _ask(ask, "tile_pyramid", asked | _grid(cells.LEVELS[-1]))
        return counted, shapes
    level = min(tile.z + cells.GRID_BITS, cells.CELL_ZOOM)
    few = Int4(max(1, CROWD // SQUARES))
    (counted,) = await _ask(ask, "tile_crowd", asked | _grid(level) | {"few": few})
    return counted, shapes


async def _found(
    ask: db.Ask, tile: cells.Tile, found: Found, asked: dict[str, Any]
) -> tuple[bytes | None, bytes | None]:
    """What a search found: pins or clusters, and the shapes among it."""
    rows = {
        "found": [Int8(one) for one in found.ids],
        "weights": list(found.weights) if found.weights else [1.0] * len(found.ids),
        "approximate": found.weights is not None,
        "most": Int4(CROWD if tile.z > cells.PYRAMID_ZOOM else 0),
    }
    level = min(tile.z + cells.GRID_BITS, cells.CELL_ZOOM)
    counted, any_shapes = await _ask(ask, "tile_found", asked | rows | _grid(level))
    if found.shapes is not None:
        rows["found"], any_shapes = [Int8(one) for one in found.shapes], bool(found.shapes)
    if not any_shapes:
        return counted, None
    (shapes,) = await _ask(ask, "tile_shapes", asked | rows)
    return counted, shapes


@dataclass(frozen=True)
class Made:
    """A tile that was made: its bytes and what HTTP says of them."""

    plain: bytes
    answers: dict[Hashable, Any] = field(default_factory=dict, compare=False, repr=False)
    """For whoever answers with it to keep the answers in, as long as it is kept."""

    @cached_property
    def etag(self) -> str:
        """A weak tag made of the bytes: the zipped answer is the same tile."""
        return f'W/"{hashlib.sha256(self.plain).hexdigest()[:24]}"'

    @cached_property
    def zipped(self) -> bytes:
        """The bytes, gzipped; the same for the same bytes."""
        return gzip.compress(self.plain, 5, mtime=0)

    def prepare(self) -> None:
        """Work out beforehand what HTTP says of a large one."""
        self.etag, self.zipped  # noqa: B018  they stay where they are looked at

    @property
    def weight(self) -> int:
        """Bytes that it takes in memory at most, zipped or not yet."""
        return THING_BYTES + len(self.plain) + len(self.__dict__.get("zipped", self.plain))


@dataclass
class _Thing:
    until: float
    task: asyncio.Task[Made]
    weight: int = 0
    """What it takes of the shelf, once it is made."""


class Shelf:
    """Tiles made a moment ago. Whoever asks while one is being made waits for that one, so it is made once.

    An answer is never older than a second, or what it was told to be kept for, plus the time of its making: old enough
    for a crowd that looks at the same place, young enough that what was hidden goes. What it holds is never more than
    KEPT_BYTES: what has expired goes first, then what lies there longest.
    """

    def __init__(self) -> None:
        self._kept: dict[Hashable, _Thing] = {}
        self._weight = 0

    def kept(self, key: Hashable) -> Made | None:
        """The tile under this key that was made and has not expired."""
        thing = self._kept.get(key)
        fresh = thing and thing.task.done() and time.monotonic() <= thing.until
        return thing.task.result() if thing and fresh else None

    async def get(self, key: Hashable, make: Callable[[], Awaitable[bytes]], *, keep_s: float | None = None) -> Made:
        """The tile kept under this key, or a new one, which is kept for so many seconds (a second unless told).

        A failure reaches all who wait for it and is not kept.
        """
        made = self.kept(key)
        if made:
            return made
        thing = self._kept.get(key)
        if thing is None or thing.task.done():
            self._drop(key)
            task = asyncio.ensure_future(self._make(key, make))
            thing = self._kept[key] = _Thing(time.monotonic() + (KEPT_S if keep_s is None else keep_s), task)
        # Shielded: a reader who hangs up does not take the tile from the others.
        return await asyncio.shield(thing.task)

    async def _make(self, key: Hashable, make: Callable[[], Awaitable[bytes]]) -> Made:
        try:
            made = Made(await make())
            if len(made.plain) >= ZIP_APART_FROM:
                await asyncio.to_thread(made.prepare)
        except BaseException:
            self._drop(key)
            raise
        self._kept[key].weight = made.weight
        self._weight += made.weight
        if self._weight > KEPT_BYTES:
            self._make_room()
        return made

    def _make_room(self) -> None:
        now = time.monotonic()
        # What weighs nothing yet is still being made.
        made = [(thing.until >= now, key) for key, thing in self._kept.items() if thing.weight]
        for fresh, key in sorted(made, key=lambda one: one[0]):
            if fresh and self._weight <= KEPT_BYTES:
                break
            self._drop(key)

    def _drop(self, key: Hashable) -> None:
        thing = self._kept.pop(key, None)
        if thing:
            self._weight -= thing.weight
