"""GeoPackage (OGC 12-128r18): a layer read straight from its table, never through a view or a trigger of the file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from app.errors import Invalid
from app.geo.tables import MAX_COLUMNS, Row

#: One row may take this many bytes.
MAX_ROW = 16 * 2**20
#: The engine of the file may take so many steps for one row, or for finding out what the file holds.
MAX_STEPS = 20_000_000
_EVERY = 100_000
_ENVELOPES = (0, 32, 48, 48, 64)


class GeoPackage:
    """One layer of features of a GeoPackage."""

    unit, located, share = "row", True, 0.0

    def __init__(self, path: Path, name: str, layer: str | None) -> None:
        self._path, self._name = path, name
        with self._opened() as file:
            self._layer, self._geometry, self.epsg = self._chosen(file, layer)
            self._columns = self._plain_columns(file)
            self._count = file.one(f"SELECT count(*) FROM {_quoted(self._layer)}")[0]  # noqa: S608 - quoted
        self.columns = [column for column, _ in self._columns]
        self.what = f"GeoPackage, layer {self._layer}"

    def rows(self) -> Iterator[Row]:
        """Every row of the layer, in its own order."""
        names = ", ".join(_quoted(name) for name in [self._geometry, *self.columns])
        with self._opened() as file:
            for number, cells in enumerate(file.all(f"SELECT {names} FROM {_quoted(self._layer)}"), 1):  # noqa: S608
                self.share = number / max(number, self._count)
                values = {name: _value(cell, kind) for (name, kind), cell in zip(self._columns, cells[1:], strict=True)}
                try:
                    yield Row(number, values, _wkb(cells[0]))
                except ValueError as error:
                    yield Row(number, values, fault=f"its geometry cannot be read: {error}")

    def _chosen(self, file: "_Database", layer: str | None) -> tuple[str, str, int | None]:
        """The layer, its column of geometries and its coordinate system."""
        found = file.all(
            "SELECT c.table_name, g.column_name, s.organization, s.organization_coordsys_id, m.type = 'table' "
            "FROM gpkg_contents AS c JOIN gpkg_geometry_columns AS g USING (table_name) "
            "LEFT JOIN gpkg_spatial_ref_sys AS s ON s.srs_id = g.srs_id "
            "LEFT JOIN sqlite_master AS m ON lower(m.name) = lower(c.table_name) AND m.type IN ('table', 'view') "
            "WHERE c.data_type = 'features' LIMIT 100"
        )
        layers = {str(row[0]): row for row in found}
        if layer is None and len(layers) != 1:
            raise Invalid(f"{self._name} has the layers {', '.join(layers) or 'none'}: say which is meant.")
        if layer is not None and layer not in layers:
            raise Invalid(f"{self._name} has no layer '{layer}'; it has {', '.join(layers)}.")
        name, geometry, authority, number, is_table = layers[layer] if layer else next(iter(layers.values()))
        if not is_table:
            raise Invalid(f"{self._name} has a layer '{name}' that is no table: what a view computes is not run.")
        epsg = int(number) if str(authority).upper() == "EPSG" and str(number).isdecimal() else None
        if epsg is None and authority is not None and str(authority).upper() != "NONE":
            raise Invalid(f"The coordinate system of {self._name} is none of EPSG's: say which it is, as EPSG:number.")
        return str(name), str(geometry), epsg

    def _plain_columns(self, file: "_Database") -> list[tuple[str, str]]:
        """Names and types of the columns but the geometry and the key; computed ones are none."""
        found = file.all("SELECT name, upper(type), pk FROM pragma_table_info(?)", self._layer)
        columns = [(str(name), str(kind)) for name, kind, key in found if not key and name != self._geometry]
        return columns[:MAX_COLUMNS]

    @contextmanager
    def _opened(self) -> "Iterator[_Database]":
        try:
            with closing(_connect(self._path)) as connection:
                yield _Database(connection)
        except sqlite3.OperationalError as error:
            what = "asks for too much work" if "interrupt" in str(error) else f"is not a readable GeoPackage: {error}"
            raise Invalid(f"{self._name} {what}.") from error
        except (sqlite3.Error, OverflowError, ValueError) as error:  # ValueError: a message that is no UTF-8
            raise Invalid(f"{self._name} is not a readable GeoPackage: {error}.") from error


def _connect(path: Path) -> sqlite3.Connection:
    # Rows are read in whatever thread asks for them, one at a time.
    connection = sqlite3.connect(
        f"file:{quote(str(path.resolve()))}?mode=ro&immutable=1", uri=True, check_same_thread=False
    )
    connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, MAX_ROW)
    connection.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
    connection.text_factory = lambda text: text.decode("utf-8", "replace")
    for guard in ("query_only = ON", "trusted_schema = OFF", "cell_size_check = ON", "cache_size = -8000"):
        connection.execute(f"PRAGMA {guard}")
    return connection


class _Database:
    """A connection whose statements end: each row has so many steps, and no more."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection, self._left = connection, 0
        connection.set_progress_handler(self._step, _EVERY)

    def _step(self) -> bool:
        self._left -= _EVERY
        return self._left < 0

    def all(self, statement: str, *values: object) -> Iterator[tuple[Any, ...]]:
        self._left = MAX_STEPS
        cursor = self._connection.execute(statement, values)
        while (row := cursor.fetchone()) is not None:
            yield row
            self._left = MAX_STEPS

    def one(self, statement: str) -> tuple[Any, ...]:
        return next(self.all(statement))


def _quoted(name: str) -> str:
    """A name of the file's own as SQL takes it, whatever is in it."""
    return '"' + name.replace('"', '""') + '"'


def _value(cell: Any, kind: str) -> Any:
    if isinstance(cell, bytes):
        return None  # a picture or the like: there is no field for it
    return bool(cell) if kind == "BOOLEAN" and cell in (0, 1) else cell


def _wkb(blob: Any) -> bytes | None:
    """The WKB in a geometry of a GeoPackage (2.1.3), None for none or an empty one. Raises ValueError."""
    if blob is None:
        return None
    if not isinstance(blob, bytes) or len(blob) < 8 or blob[:2] != b"GP":
        raise ValueError("it is not one of a GeoPackage")
    flags = blob[3]
    shape = flags >> 1 & 7
    if shape >= len(_ENVELOPES):
        raise ValueError("its envelope is of no known kind")
    return None if flags & 0x10 else blob[8 + _ENVELOPES[shape] :]
