"""A small world for the tests of the map: assets by plain SQL, tiles decoded by a library that is not ours."""

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import mapbox_vector_tile
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from app import db
from app.geo import cells, tiles

BRIXTON = (-0.1145, 51.4613)

_INSERT = text(
    """
    INSERT INTO asset (uid, kind, title, theme, state, stage, audience, community_id, geom)
    SELECT uid, kind, title, theme, state, stage, 'public', NULL, ST_GeomFromText(nullif(shape, ''), 4326)
    FROM unnest(CAST(:uids AS uuid[]), CAST(:kinds AS text[]), CAST(:titles AS text[]), CAST(:themes AS text[]),
                CAST(:states AS text[]), CAST(:stages AS text[]), CAST(:shapes AS text[]))
      AS given (uid, kind, title, theme, state, stage, shape)
    """
)


@dataclass(frozen=True)
class Thing:
    """An asset to be; `shape` is WKT or a longitude and latitude, None is nowhere."""

    shape: tuple[float, float] | str | None = BRIXTON
    kind: str = "project"
    theme: str = "other"
    state: str = "published"
    stage: str = "active"
    title: str = "A thing"

    @property
    def wkt(self) -> str:
        """The shape as well-known text."""
        if isinstance(self.shape, tuple):
            return f"POINT({self.shape[0]!r} {self.shape[1]!r})"
        return self.shape or ""


async def pin(session: AsyncSession, things: Sequence[Thing]) -> list[uuid.UUID]:
    """Insert all of them in one statement and return their uids."""
    uids = [uuid.uuid4() for _ in things]
    asked = {
        "uids": uids, "kinds": [t.kind for t in things], "titles": [t.title for t in things],
        "themes": [t.theme for t in things], "states": [t.state for t in things], "stages": [t.stage for t in things],
        "shapes": [t.wkt for t in things],
    }  # fmt: skip
    await session.execute(_INSERT, asked)
    return uids


async def drawn(session: AsyncSession, tile: cells.Tile, **asked: Any) -> bytes:
    """The bytes of a tile as this session's transaction sees it."""
    return await tiles.draw(db.within(session), tile, **asked)


def layers(tile: bytes) -> dict[str, list[dict[str, Any]]]:
    """Layer name → its features; coordinates count from the north-western corner."""
    decoded = mapbox_vector_tile.decode(tile, default_options={"y_coord_down": True}) if tile else {}
    return {name: layer["features"] for name, layer in decoded.items()}


def tally(tile: bytes) -> int:
    """How many assets a tile says it holds."""
    pins = clustered = 0
    for name, features in layers(tile).items():
        if name == "clusters":
            clustered += sum(feature["properties"]["count"] for feature in features)
        elif name != "shapes":
            pins += len(features)
    return pins + clustered


async def tally_zoom(session: AsyncSession, zoom: int, places: Iterable[tuple[float, float]], **asked: Any) -> int:
    """The sum over the tiles of a zoom: all of them on the first zooms, below those the tiles of these places."""
    if zoom <= 2:
        wanted = {cells.Tile(zoom, x, y) for x in range(1 << zoom) for y in range(1 << zoom)}
    else:
        wanted = {cells.tile_at(*place, zoom) for place in places}
    return sum([tally(await drawn(session, tile, **asked)) for tile in wanted])
