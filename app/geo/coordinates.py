"""Where the rows of a foreign table lie: which columns hold the coordinates, how they are written, in which system.

Names suggest, values decide: metres in a column called 'lat' are metres. What was understood is said in words, so that
a person can object before anything is written.
"""

import re
import statistics
import struct
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import shapely

from app import wire
from app.errors import Invalid
from app.geo import numbers, shapes
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
_POSTCODES = ("postcode", "postcodes", "postalcode", "postcodeasgiven", "pcds", "pcd", "zip", "zipcode")
_POSTCODE = re.compile(r"[A-Z]{1,2}[0-9][A-Z0-9]?[0-9][A-Z]{2}")
#: What people and programs write into a cell that has nothing to say.
_NOTHING = {"", "-", "--", "?", "n/a", "na", "#n/a", "nan", "none", "null", "nil", "unknown", "tbc"}
_SHAPES = (
    "wkt", "geom", "geometry", "thegeom", "wktgeom", "shape", "point", "location", "latlng", "latlon", "latlong",
    "latitudelongitude", "longitudelatitude", "lonlat", "lnglat", "longlat", "coordinates", "coordinate", "coords",
    "geolocation", "geopoint", "geopoint2d", "georeference", "position", "locality", "eastingnorthing",
)  # fmt: skip
_WKT = re.compile(r"\s*(?:SRID=\d+;)?\s*(?:MULTI)?(?:POINT|LINESTRING|POLYGON|GEOMETRYCOLLECTION)\b", re.IGNORECASE)
_POINT = struct.Struct("<bIdd")  # the WKB of a point: little-endian, of type 1, x and y


class Misnamed(Invalid):
    """What a person said of a file is not so: a column that it does not have, a system that is none."""


class Unplaced(Invalid):
    """A row that says nothing of where it is: nothing in it is wrong, and a person may place it."""


class Nowhere(Invalid):
    """A table in which no coordinates (and, where they are asked for, no postcodes) can be found."""


class Spot(NamedTuple):
    """Where a row is: its own place, or else the postcode to look up, or neither."""

    raw: str | None
    """Its own place as hexadecimal WKB in the reading's system."""
    postcode: str | None
    """Without blanks and in capitals, as in the table postcode; only where there is no place of its own."""
    unplaced: str | None
    """Why it has no place of its own, worded to follow the row's number; None when it has."""


def postcode(text: str) -> str | None:
    """A postcode of the United Kingdom without blanks and in capitals; None for anything else."""
    code = "".join(text.upper().split())
    return code if _POSTCODE.fullmatch(code) else None


def squeezed(name: str) -> str:
    """A column's name without case, blanks and marks: 'TELEPH ONE' is 'telephone'."""
    return re.sub(r"[^a-z0-9]", "", name.lower())


def text_of(value: Any) -> str:
    """A cell as text without blanks around it; nothing for null."""
    return "" if value is None else str(value).strip()


# ── understanding a table ───────────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Reading:
    """How to find the place of a row: a pair of columns, a column of WKT, the file's own geometry, or a postcode."""

    epsg: int
    x: str | None = None
    y: str | None = None
    wkt: str | None = None
    both: str | None = None
    """The column that holds both coordinates."""
    x_first: bool = False
    """In that column the eastern one comes first."""
    own: bool = False
    """Each row has a geometry of its own."""
    postcode: str | None = None
    """The column whose postcode places a row that has no coordinates."""
    number: Callable[[str], float | None] = field(default=numbers.plain)
    says: str = ""
    """What was understood, and why."""

    @property
    def columns(self) -> set[str]:
        """The columns that it uses up; a postcode stays worth reading."""
        return {name for name in (self.x, self.y, self.wkt, self.both) if name}

    def spot(self, row: Row, geometries: Collection[str]) -> Spot:
        """The row's place, or the postcode to look up, or why there is neither. Raises Invalid as `place` does."""
        try:
            return Spot(self.place(row, geometries), None, None)
        except Unplaced as problem:
            why = problem.detail
        cell = text_of(row.values.get(self.postcode)) if self.postcode else ""
        code = postcode(cell)
        if cell and not code:
            why = f"{why}, and its {self.postcode} {cell[:20]!r} is not a postcode of the United Kingdom"
        return Spot(None, code, why)

    def place(self, row: Row, geometries: Collection[str]) -> str:
        """The row's place as hexadecimal WKB in `epsg`, one of these GeoJSON types.

        Raises Unplaced when it says nothing of its place, Invalid when what it says cannot be so; both with the reason,
        worded to follow the row's number.
        """
        if self.wkt or self.own:
            return self._shape(text_of(row.values.get(self.wkt)) if self.wkt else row.geometry, geometries)
        (x_name, east), (y_name, north) = self._cells(row)
        if east.lower() in _NOTHING and north.lower() in _NOTHING:
            raise Unplaced("it has no coordinates")
        if not (east and north):
            raise Invalid(f"its {x_name if north else y_name} is empty")
        x, y = self._number(x_name, east, "NS"), self._number(y_name, north, "EW")
        if x == y == 0:
            raise Unplaced("its coordinates are 0, 0, which programs write for an unknown place")
        self._within(x, y)
        return _POINT.pack(1, 1, x, y).hex()

    def _cells(self, row: Row) -> tuple[tuple[str, str], tuple[str, str]]:
        """Name and text of the eastern coordinate, and of the northern one."""
        if self.both is None:
            x, y = self.x or "", self.y or ""
            return (x, text_of(row.values.get(x))), (y, text_of(row.values.get(y)))
        text = text_of(row.values.get(self.both))
        pair = ("", "") if text.lower() in _NOTHING else numbers.pair_in(text, self.x_first)
        if pair is None:
            raise Invalid(f"its {self.both} {text[:40]!r} is not a pair of coordinates")
        return (self.both, pair[0]), (self.both, pair[1])

    def _number(self, name: str, cell: str, never: str) -> float:
        number = self.number(cell)
        if number is None and self.epsg == WGS84:
            number = numbers.degrees(cell)
        if number is None:
            raise Invalid(f"its {name} {cell[:40]!r} is not a number")
        if cell[-1].upper() in never or cell[0].upper() in never:
            raise Invalid(f"its {name} {cell[:40]!r} is the other coordinate: the two look changed over")
        return number

    def _within(self, x: float, y: float) -> None:
        west, south, east, north = RANGES.get(self.epsg, (-1e9, -1e9, 1e9, 1e9))
        if west <= x <= east and south <= y <= north:
            return
        others = [NAMES[epsg] for epsg in (WGS84, BRITISH_GRID) if epsg != self.epsg and _inside(x, y, epsg)]
        hint = f"; these look like {others[0]}" if others else ""
        if self.epsg in NAMES and _inside(y, x, self.epsg):
            hint = "; changed over they would be one"
        raise Invalid(f"{x:g}, {y:g} is no {NAMES.get(self.epsg, 'possible')} position{hint}")

    def _shape(self, value: object, geometries: Collection[str]) -> str:
        if value is None or (isinstance(value, str) and value.lower() in _NOTHING):
            raise Unplaced("it has no geometry" if self.own or self.wkt else "it has no coordinates")
        if isinstance(value, str):
            value = value.partition(";")[2] if value.upper().startswith("SRID=") else value
        try:
            shape = shapes.of_foreign(value, degrees=self.epsg == WGS84)
        except Invalid as problem:
            if _is_empty(value):
                raise Unplaced("its geometry is empty") from problem
            reason = problem.detail.partition(". ")[0].rstrip(".")
            raise Invalid(reason[0].lower() + reason[1:]) from problem
        if shape.geom_type not in geometries:
            raise Invalid(f"its geometry is a {shape.geom_type}, which is not one of {', '.join(geometries)}")
        return str(shapely.to_wkb(shape, hex=True))


def _is_empty(value: object) -> bool:
    with suppress(Invalid):
        return bool(shapes.parsed(value).is_empty)
    return False


def understand(
    table: Table, some: Sequence[Row], *, x: str | None = None, y: str | None = None, wkt: str | None = None,
    postcode: str | None = None, epsg: int | None = None, postcodes: bool = False, pairs: bool = True,
) -> Reading:  # fmt: skip
    """How to read the places of a table, judged by some of its rows. What the caller names is obeyed.

    `postcodes`: the caller can look postcodes up, so a column of them will do where there are no coordinates, in the
    whole table or in a row. Without `pairs` no columns are taken for coordinates, and a table that has no geometries
    either has rows without a place. Raises Nowhere when nothing of the kind can be found, or its system cannot be told.
    """
    column = postcode or (_postcode_column(table, some) if postcodes else None)
    try:
        found = _coordinates(table, some, x, y, wkt, epsg, pairs)
    except Nowhere:
        if not column and pairs:
            raise
        if not column:
            return Reading(WGS84, says="nowhere, as you said: each row is kept for a person to place")
        return Reading(WGS84, postcode=column, says=f"by the postcode in '{column}'")
    if not column:
        return found
    return replace(found, postcode=column, says=f"{found.says}; where they are empty, by the postcode in '{column}'")


def _coordinates(
    table: Table, some: Sequence[Row], x: str | None, y: str | None, wkt: str | None, epsg: int | None, guess: bool
) -> Reading:
    if table.located and not (x or y or wkt) and (not some or any(row.geometry is not None for row in some)):
        return _own(table, some, epsg)
    if not (x or y) and (column := wkt or _wkt_column(table, some)):
        return _one_column(some, column, epsg)
    pairs = [(x, y)] if x and y else _pairs(table.columns) if guess else []
    for left, right in pairs:
        cells = [(text_of(row.values.get(left)), text_of(row.values.get(right))) for row in some]
        if found := _understood(cells, epsg):
            return replace(found, x=left, y=right, says=f"from '{left}' and '{right}', {found.says}")
    for column in table.columns if guess and not (x or y) else ():
        if squeezed(column) in _SHAPES and (found := _both(column, some, epsg)):
            return found
    if table.located and not pairs and guess:
        return _own(table, some, epsg)
    tried = "; ".join(f"'{left}' and '{right}' hold no coordinates of a known system" for left, right in pairs)
    raise Nowhere(
        f"No coordinates were found{': ' + tried if tried else ''}. Say which columns hold them "
        "(x and y) and, if need be, their coordinate system, as EPSG:number; or that there are none, and each row is "
        "kept for a person to place. "
        f"The columns are: {', '.join(table.columns)}."
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


def _understood(cells: Sequence[tuple[str, str]], epsg: int | None) -> Reading | None:
    """How pairs of cells are written and in which system; None where most of them are no coordinates."""
    cells = [(a, b) for a, b in cells if a.lower() not in _NOTHING and b.lower() not in _NOTHING]
    for number, style in numbers.STYLES.items():
        read = [(a, b) for a, b in ((number(a), number(b)) for a, b in cells) if a is not None and b is not None]
        if cells and 2 * len(read) < len(cells):
            continue
        system = epsg or _system_of(read)
        if system is None or (not read and cells):
            continue
        says = f"{_system(system, epsg)}{style}{_changed_over(read, system)}"
        return Reading(system, number=number, says=says)
    return None


def _own(table: Table, some: Sequence[Row], epsg: int | None) -> Reading:
    """The geometry of each row; its system is the one that is said, else the one of its values, else degrees."""
    read = list(_positions(some))
    system = epsg or table.epsg or _system_of(read) or WGS84
    why = " (by its values: the file names none)" if not (epsg or table.epsg) and system != WGS84 else ""
    says = f"the geometry of each {table.unit}, {_system(system, epsg)}{why}{_changed_over(read, system)}"
    return Reading(system, own=True, says=says)


def _positions(some: Sequence[Row]) -> Iterator[tuple[float, float]]:
    for row in some:
        with suppress(Invalid):
            west, south, _, _ = shapes.parsed(row.geometry).bounds
            if west == west and south == south:  # an empty one has no bounds
                yield west, south


def _changed_over(read: Sequence[tuple[float, float]], epsg: int) -> str:
    """What to say where some of these positions would lie beside the others if x and y were changed over."""
    if len(read) < 2 or epsg not in NAMES:
        return ""
    west, south, east, north = RANGES[epsg]
    near = min(east - west, north - south) / 40
    pairs = [(min(pair), max(pair), pair[0] > pair[1]) for pair in read]
    low, high = (statistics.median(pair[n] for pair in pairs) for n in (0, 1))
    turned = [turn for a, b, turn in pairs if abs(a - low) < near and abs(b - high) < near]
    fewer = min(sum(turned), len(turned) - sum(turned))
    if not fewer or high - low < 2 * near:
        return ""
    return f", but {fewer} of {len(read)} rows looked at seem to have the two coordinates changed over"


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


def _one_column(some: Sequence[Row], column: str, epsg: int | None) -> Reading:
    """A column of WKT, or of both coordinates."""
    system = epsg or _srid(some, column) or WGS84
    written = Reading(system, wkt=column, says=f"from '{column}' (WKT), {_system(system, epsg)}")
    return _both(column, some, epsg) or written


def _both(column: str, some: Sequence[Row], epsg: int | None) -> Reading | None:
    """A column of both coordinates; None where at least half of its cells are something else.

    A name tells their order, else the latitude comes first and the easting does.
    """
    cells = [cell for row in some if (cell := text_of(row.values.get(column)))]
    named = re.match(r"(lon|lng|east|x)|(?:lat|north|y)", squeezed(column))
    for x_first in [bool(named[1])] if named else [False, True]:
        pairs = [pair for cell in cells if (pair := numbers.pair_in(cell, x_first))]
        found = _understood(pairs, epsg) if 2 * len(pairs) > len(cells) else None
        if found and (named or x_first or found.epsg == WGS84):
            says = (
                f"from '{column}' (two in a cell, the {'eastern' if x_first else 'northern'} one first), {found.says}"
            )
            return replace(found, both=column, x_first=x_first, says=says)
    return None


def _postcode_column(table: Table, some: Sequence[Row]) -> str | None:
    """The first column with a usual name in which at least half of what is filled in are postcodes."""
    for column in table.columns:
        if squeezed(column) in _POSTCODES:
            cells = [cell for row in some if (cell := text_of(row.values.get(column)))]
            if cells and 2 * sum(bool(postcode(cell)) for cell in cells) >= len(cells):
                return column
    return None


def _srid(some: Sequence[Row], column: str) -> int | None:
    marks = {match[1] for row in some if (match := re.match(r"\s*SRID=(\d{1,6});", text_of(row.values.get(column))))}
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
