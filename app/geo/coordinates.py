"""Where the rows of a foreign table lie: which columns hold the coordinates, how they are written, in which system.

Names suggest, values decide: metres in a column called 'lat' are metres. What was understood is said in words, so that
a person can object before anything is written.
"""

import re
import statistics
import struct
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import shapely

from app import wire
from app.errors import Invalid
from app.geo import shapes
from app.geo.tables import Row, Table

WGS84, BRITISH_GRID, WEB_MERCATOR = 4326, 27700, 3857
#: west, south, east, north of the systems that are told apart by their values, in this order
RANGES: dict[int, tuple[float, float, float, float]] = {
    WGS84: (-180, -wire.MAX_LATITUDE, 180, wire.MAX_LATITUDE),
    BRITISH_GRID: (0, 0, 700_000, 1_300_000),
    WEB_MERCATOR: (-20_037_508.35, -20_037_508.35, 20_037_508.35, 20_037_508.35),
}
NAMES = {WGS84: "longitude and latitude", BRITISH_GRID: "British National Grid", WEB_MERCATOR: "Web Mercator"}

_PAIRS = (
    (("lon", "lng", "long", "longitude", "longitudewgs84"), ("lat", "latitude", "latitudewgs84")),
    (("easting", "eastings", "east", "oseasting"), ("northing", "northings", "north", "osnorthing")),
    (("x", "xcoord", "xcoordinate", "pointx", "coordx"), ("y", "ycoord", "ycoordinate", "pointy", "coordy")),
)
_SHAPES = ("wkt", "geom", "geometry", "thegeom", "wktgeom", "shape", "point", "location")
_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", re.IGNORECASE)
_POINT = struct.Struct("<bIdd")  # the WKB of a point: little-endian, of type 1, x and y
_PLAIN = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?")
_COMMA = re.compile(r"[+-]?\d+,\d+")
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")


class Misnamed(Invalid):
    """What a person said of a file is not so: a column that it does not have, a system that is none."""


def squeezed(name: str) -> str:
    """A column's name without case, blanks and marks: 'TELEPH ONE' is 'telephone'."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def text_of(value: Any) -> str:
    """A cell as text without blanks around it; nothing for null."""
    return "" if value is None else str(value).strip()


# ── numbers ─────────────────────────────────────────────────────────────────────────────────


def plain(text: str) -> float | None:
    """A number with a decimal point, or None."""
    return float(text) if _PLAIN.fullmatch(text) else None


def decimal_comma(text: str) -> float | None:
    """A number with a decimal comma, or none at all."""
    return float(text.replace(",", ".")) if _COMMA.fullmatch(text) else plain(text)


def thousands(text: str) -> float | None:
    """A number whose thousands are set apart by commas, or none at all."""
    return float(text.replace(",", "")) if _THOUSANDS.fullmatch(text) else plain(text)


_STYLES: tuple[Callable[[str], float | None], ...] = (plain, thousands, decimal_comma)


# ── understanding a table ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reading:
    """How to find the place of a row: a pair of columns, a column of WKT, or the file's own geometry."""

    epsg: int
    x: str | None = None
    y: str | None = None
    wkt: str | None = None
    number: Callable[[str], float | None] = field(default=plain)
    says: str = ""
    """What was understood, and why."""

    @property
    def columns(self) -> set[str]:
        """The columns that it uses up."""
        return {name for name in (self.x, self.y, self.wkt) if name}

    def place(self, row: Row, geometries: Collection[str]) -> str:
        """The row's place as hexadecimal WKB in `epsg`, one of these GeoJSON types.

        Raises Invalid with the reason why it has none, worded to follow the row's number.
        """
        if self.x is None or self.y is None:
            return self._shape(text_of(row.values.get(self.wkt)) if self.wkt else row.geometry, geometries)
        east, north = text_of(row.values.get(self.x)), text_of(row.values.get(self.y))
        if not (east and north):
            either = self.x if north else self.y
            raise Invalid(f"its {either} is empty" if east or north else "it has no coordinates")
        x, y = self._number(self.x, east), self._number(self.y, north)
        self._within(x, y)
        return _POINT.pack(1, 1, x, y).hex()

    def _number(self, name: str, cell: str) -> float:
        number = self.number(cell)
        if number is None:
            raise Invalid(f"its {name} {cell[:40]!r} is not a number")
        return number

    def _within(self, x: float, y: float) -> None:
        west, south, east, north = RANGES.get(self.epsg, (-1e9, -1e9, 1e9, 1e9))
        if west <= x <= east and south <= y <= north:
            return
        others = [NAMES[epsg] for epsg in (WGS84, BRITISH_GRID) if epsg != self.epsg and _inside(x, y, epsg)]
        hint = f"; these look like {others[0]}" if others else ""
        raise Invalid(f"{x:g}, {y:g} is no {NAMES.get(self.epsg, 'possible')} position{hint}")

    def _shape(self, value: object, geometries: Collection[str]) -> str:
        if value in (None, ""):
            raise Invalid("it has no geometry")
        if isinstance(value, str):
            value = value.partition(";")[2] if value.upper().startswith("SRID=") else value
        try:
            shape = shapes.of_foreign(value, degrees=self.epsg == WGS84)
        except Invalid as problem:
            reason = problem.detail.partition(". ")[0].rstrip(".")
            raise Invalid(reason[0].lower() + reason[1:]) from problem
        if shape.geom_type not in geometries:
            raise Invalid(f"its geometry is a {shape.geom_type}, which is not one of {', '.join(geometries)}")
        return str(shapely.to_wkb(shape, hex=True))


def understand(
    table: Table, some: Sequence[Row], *, x: str | None = None, y: str | None = None, wkt: str | None = None,
    epsg: int | None = None,
) -> Reading:  # fmt: skip
    """How to read the places of a table, judged by some of its rows. What the caller names (x, y, wkt, epsg) is obeyed.

    Raises Invalid when no coordinates can be found, or their system cannot be told.
    """
    if wkt or not (x or y):
        column = wkt or _wkt_column(table, some)
        if column:
            system = epsg or _srid(some, column) or WGS84
            return Reading(system, wkt=column, says=f"from '{column}' (WKT), {_system(system, epsg)}")
    if table.located and not (x or y):
        system = epsg or table.epsg or WGS84
        return Reading(system, says=f"the geometry of each {table.unit}, {_system(system, epsg)}")
    pairs = [(x, y)] if x and y else _pairs(table.columns)
    for left, right in pairs:
        found = _pair(left, right, some, epsg)
        if found:
            return found
    tried = "; ".join(f"'{left}' and '{right}' hold no coordinates of a known system" for left, right in pairs)
    raise Invalid(
        f"No coordinates were found{': ' + tried if tried else ''}. Say which columns hold them with "
        f"--map x=COLUMN,y=COLUMN and, if need be, --crs EPSG:number. The columns are: {', '.join(table.columns)}."
    )


def _pairs(columns: Sequence[str]) -> list[tuple[str, str]]:
    by_name: dict[str, str] = {}
    for column in columns:
        by_name.setdefault(squeezed(column), column)
    pairs = []
    for lefts, rights in _PAIRS:
        left = next((by_name[name] for name in lefts if name in by_name), None)
        right = next((by_name[name] for name in rights if name in by_name), None)
        if left and right:
            pairs.append((left, right))
    return pairs


def _pair(left: str, right: str, some: Sequence[Row], epsg: int | None) -> Reading | None:
    cells = [(text_of(row.values.get(left)), text_of(row.values.get(right))) for row in some]
    cells = [(a, b) for a, b in cells if a and b]
    for number in _STYLES:
        read = [(a, b) for a, b in ((number(a), number(b)) for a, b in cells) if a is not None and b is not None]
        if cells and 2 * len(read) < len(cells):
            continue
        system = epsg or _system_of(read)
        if system is None or (not read and cells):
            continue
        style = "" if number is plain else f", written with {number.__name__.replace('_', ' ')}"
        return Reading(
            system, x=left, y=right, number=number, says=f"from '{left}' and '{right}', {_system(system, epsg)}{style}"
        )
    return None


def _system_of(read: Sequence[tuple[float, float]]) -> int | None:
    """The first system whose range holds most of these positions; without any position, degrees."""
    for epsg in RANGES:
        if not read or statistics.fmean(_inside(x, y, epsg) for x, y in read) > 0.5:
            return epsg
    return None


def _inside(x: float, y: float, epsg: int) -> bool:
    west, south, east, north = RANGES[epsg]
    return west <= x <= east and south <= y <= north


def _system(epsg: int, said: int | None) -> str:
    name = f"{NAMES[epsg]}, EPSG:{epsg}" if epsg in NAMES else f"EPSG:{epsg}"
    return f"{name} (as you said)" if said else name


def _wkt_column(table: Table, some: Sequence[Row]) -> str | None:
    for column in table.columns:
        if squeezed(column) in _SHAPES:
            cells = [cell for row in some if (cell := text_of(row.values.get(column)))]
            if cells and 2 * sum(bool(_WKT.match(cell)) for cell in cells) >= len(cells):
                return column
    return None


def _srid(some: Sequence[Row], column: str) -> int | None:
    marks = {match[1] for row in some if (match := re.match(r"\s*SRID=(\d+);", text_of(row.values.get(column))))}
    return int(marks.pop()) if len(marks) == 1 else None


def said_epsg(text: str | None) -> int | None:
    """The number in 'EPSG:27700' or '27700' as a person types it; Misnamed for anything else."""
    if text is None:
        return None
    found = re.fullmatch(r"(?:EPSG:)?(\d{4,6})", text.strip(), re.IGNORECASE)
    if not found:
        raise Misnamed(f"'{text}' is not a coordinate system. Write it like EPSG:27700.")
    return int(found[1])


def named(table: Table, wanted: Mapping[str, str]) -> dict[str, str]:
    """The columns that a person named, as the table writes them; Misnamed for one that is not there."""
    by_name = {squeezed(column): column for column in reversed(table.columns)}
    exact = set(table.columns)
    found = {}
    for target, column in wanted.items():
        actual = column if column in exact else by_name.get(squeezed(column))
        if actual is None:
            raise Misnamed(f"There is no column '{column}'. The columns are: {', '.join(table.columns)}.")
        found[target] = actual
    return found
