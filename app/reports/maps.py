"""Maps for print, as SVG: outlines and marks only, from our own database. No tile server, no network.

A drawing is 1000 units wide; its x grows to the east, its y to the south. Places are in Web Mercator (EPSG:3857).
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from app import kinds

WIDTH = 1000
#: What lies this close together, in units of the drawing, is one ring with a number.
CROWD = 34
EARTH_M = 6_378_137
LAND, AROUND, EDGE, INK = "#fffcf5", "#ece5d6", "#b3a78f", "#17303b"
#: From few to many.
TINTS = ("#f4f8f7", "#d8e9e8", "#b3d5d6", "#8cc0c5", "#66a9b2")
FONT = "Libertinus Serif"


#: The shape of each kind as a path in a box of 24 by 24: the same as on the page (frontend/src/parts/shapes.ts).
SHAPES: dict[str, str] = {
    "circle": "M12 2.5a9.5 9.5 0 1 1 0 19 9.5 9.5 0 0 1 0-19Z",
    "diamond": "M12 1.3 22.7 12 12 22.7 1.3 12Z",
    "heart": (
        "M12 21.6C5.2 16.3 1.6 12.7 1.6 8.4 1.6 5.2 4.1 2.8 7.1 2.8c2 0 3.8 1 4.9 2.7 1.1-1.7 2.9-2.7 4.9-2.7 3 0 5.5 "
        "2.4 5.5 5.6 0 4.3-3.6 7.9-10.4 13.2Z"
    ),
    "square": (
        "M4.6 3.4h14.8a1.2 1.2 0 0 1 1.2 1.2v14.8a1.2 1.2 0 0 1-1.2 1.2H4.6a1.2 1.2 0 0 1-1.2-1.2V4.6a1.2 1.2 0 0 1 "
        "1.2-1.2Z"
    ),
    "pentagon": "M12 1.8 22.3 9.3 18.4 21.6H5.6L1.7 9.3Z",
    "triangle": "M12 2 23 21.2H1Z",
    "star": "M12 .8l3.3 7.3 7.9.9-5.9 5.4 1.6 7.9L12 18.3l-6.9 4 1.6-7.9L.8 9l7.9-.9Z",
    "hexagon": "M6.5 2.6h11L22.9 12l-5.4 9.4h-11L1.1 12Z",
    "cross": "M8.3 2.2h7.4v6.1h6.1v7.4h-6.1v6.1H8.3v-6.1H2.2V8.3h6.1Z",
    "drop": "M12 1.2c4.7 5.3 7.6 9.4 7.6 13a7.6 7.6 0 0 1-15.2 0c0-3.6 2.9-7.7 7.6-13Z",
}


@dataclass(frozen=True)
class Canvas:
    """What lies under the marks: outlines in units of the drawing, and how to get there from Web Mercator."""

    west: float
    north: float
    scale: float
    """Units of the drawing for each unit of Web Mercator."""
    height: int
    latitude: float
    outlines: Sequence["Shape"]

    def at(self, lon: float, lat: float) -> tuple[float, float]:
        """Where a place (degrees) is drawn."""
        x = EARTH_M * math.radians(lon)
        y = EARTH_M * math.log(math.tan(math.pi / 4 + math.radians(lat) / 2))
        return (x - self.west) * self.scale, (self.north - y) * self.scale


@dataclass(frozen=True)
class Shape:
    """One area of a drawing."""

    id: int
    path: str
    """As in the attribute `d`; empty where nothing of it is seen."""
    own: bool
    """False for those that are drawn only to show what lies around."""
    x: float
    y: float
    """A place inside it."""


@dataclass
class Marks:
    """Assets on a drawing; what stands close together is counted."""

    canvas: Canvas
    _crowds: dict[tuple[int, int], list[Any]] = field(default_factory=dict)

    def add(self, kind: str, lon: float, lat: float) -> None:
        """Put an asset where it lies (degrees)."""
        x, y = self.canvas.at(lon, lat)
        crowd = self._crowds.setdefault((int(x // CROWD), int(y // CROWD)), [0, 0.0, 0.0, kind])
        crowd[0] += 1
        crowd[1] += x
        crowd[2] += y

    @property
    def crowded(self) -> bool:
        """True when some stand for several."""
        return any(n > 1 for n, *_ in self._crowds.values())

    def drawn(self) -> str:
        """The marks as SVG, singles below rings."""
        alone = [(x, y, kind) for n, x, y, kind in self._crowds.values() if n == 1]
        rings = [(x / n, y / n, n) for n, x, y, _ in self._crowds.values() if n > 1]
        return "".join(_mark(*one) for one in alone) + "".join(_ring(*one) for one in rings)


EMPTY = Canvas(west=0, north=0, scale=1, height=600, latitude=0, outlines=())


def of_assets(canvas: Canvas, marks: Marks) -> str:
    """The area with its assets."""
    land = [
        f'<path d="{one.path}" fill="{LAND if one.own else AROUND}" stroke="{INK if one.own else EDGE}" '
        f'stroke-width="{3 if one.own else 1.5}" stroke-linejoin="round"/>'
        for one in sorted(canvas.outlines, key=lambda one: one.own)
        if one.path
    ]
    return _svg(canvas, "".join(land) + marks.drawn())


def of_figures(canvas: Canvas, figures: dict[int, int], *, numbers: bool) -> str:
    """Each area tinted by its figure, the more the darker, and with the number on it where there is room."""
    steps = tint_steps(figures.values())
    land, words = [], []
    for one in sorted(canvas.outlines, key=lambda one: one.own):
        value = figures.get(one.id)
        fill = AROUND if value is None else TINTS[step_of(value, steps)]
        land.append(f'<path d="{one.path}" fill="{fill}" stroke="{INK if one.own else EDGE}" stroke-width="1.5"/>')
        if value is not None and numbers:
            words.append(_number(one.x, one.y, value, 26))
    return _svg(canvas, "".join(land) + "".join(words))


def tint_steps(figures: Iterable[int]) -> list[int]:
    """The figures above which the next darker tint begins: as many areas in each tint as can be."""
    known = sorted(figures)
    return [known[len(known) * n // len(TINTS)] for n in range(1, len(TINTS))] if known else []


def step_of(value: int, steps: Sequence[int]) -> int:
    """Which tint a figure has."""
    return sum(value >= step for step in steps) if value else 0


def _svg(canvas: Canvas, content: str) -> str:
    size = f'viewBox="0 0 {WIDTH} {canvas.height}" width="{WIDTH}" height="{canvas.height}"'
    around = f'<rect width="{WIDTH}" height="{canvas.height}" fill="#e3dbc9"/>'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{around}{content}{_scale(canvas)}</svg>'


def symbol(kind: str) -> str:
    """The mark of a kind alone, as an SVG picture."""
    known = kinds.BY_NAME[kind]
    size = 'viewBox="0 0 24 24" width="24" height="24"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><path d="{SHAPES[known.shape]}" fill="{known.colour}"/></svg>'
    )


def _mark(x: float, y: float, kind: str) -> str:
    known = kinds.BY_NAME[kind]
    place = f'transform="translate({x - 12:.1f} {y - 12:.1f})"'
    return f'<path d="{SHAPES[known.shape]}" {place} fill="{known.colour}" stroke="{LAND}" stroke-width="1.5"/>'


def _ring(x: float, y: float, count: int) -> str:
    radius = 17 + 4 * min(4, len(str(count)) - 1)
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius}" fill="{LAND}" stroke="{INK}" stroke-width="2.5"/>'
        + _number(x, y, count, 22)
    )


def _number(x: float, y: float, value: int, size: int) -> str:
    look = f'font-family="{FONT}" font-size="{size}" font-weight="600" fill="{INK}" text-anchor="middle"'
    return f'<text x="{x:.1f}" y="{y + size * 0.33:.1f}" {look}>{escape(f"{value:,}")}</text>'


def _scale(canvas: Canvas) -> str:
    """A bar of a round length, at the foot on the left."""
    unit_m = math.cos(math.radians(canvas.latitude)) / canvas.scale
    room = unit_m * WIDTH * 0.28
    length = max(step * 10**power for power in range(8) for step in (1, 2, 5) if step * 10**power <= max(room, 1))
    words = f"{length // 1000} km" if length >= 1000 else f"{length} m"
    x, y, end = 28, canvas.height - 28, 28 + length / unit_m
    bar = f'<path d="M{x} {y - 10}V{y}H{end:.1f}V{y - 10}" fill="none" stroke="{INK}" stroke-width="2.5"/>'
    return f'{bar}<text x="{x + 8}" y="{y - 10}" font-family="{FONT}" font-size="24" fill="{INK}">{words}</text>'
