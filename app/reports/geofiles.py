"""The report for maps: areas with their figures, assets as points; GeoJSON (RFC 7946) or GeoPackage (OGC 12-128r19).

Coordinates are longitude and latitude (WGS 84; RFC 7946 and EPSG:4326 in a GeoPackage, where x is the longitude). What
has no place has no geometry. Rows go to disk in batches, so memory does not grow with their number.
"""

import itertools
import json
import struct
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio.raw

from app.reports import tables, writers
from app.reports.asset_rows import AssetRow
from app.reports.matter import Matter
from app.reports.outlines import Outline
from app.reports.wards import Line

#: Features that are handed to GDAL together: few enough to be small, enough to open the file seldom.
BATCH = 20_000


# ── GeoJSON ─────────────────────────────────────────────────────────────────────────────────


def write_geojson(matter: Matter, path: Path) -> None:
    """One collection: first the areas (`layer`: "ward"), then the assets (`layer`: "asset"); `report` says the rest."""
    about = writers.plain(matter.report)
    del about["rows"]
    with path.open("w", encoding="utf-8") as file:
        file.write(f'{{"type":"FeatureCollection","report":{_json(about)},"features":[')
        before = "\n"
        for feature in _features(matter):
            file.write(before + feature)
            before = ",\n"
        file.write("\n]}\n")


def _features(matter: Matter) -> Iterator[str]:
    level = matter.report.level
    for line, outline in _areas(matter):
        values = {"layer": level, **tables.line_values(line)}
        yield _feature(outline.geojson if outline else "null", values, None)
    for asset in matter.assets():
        values = tables.asset_values(asset)
        place = {"type": "Point", "coordinates": [values["lon"], values["lat"]]} if values["lon"] is not None else None
        yield _feature(_json(place), {"layer": "asset", **values}, str(asset.uid))


def _feature(geometry: str, properties: Mapping[str, Any], uid: str | None) -> str:
    named = f'"id":{_json(uid)},' if uid else ""
    return f'{{"type":"Feature",{named}"geometry":{geometry},"properties":{_json(properties)}}}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=str)


def _areas(matter: Matter) -> Iterator[tuple[Line, Outline | None]]:
    """Each line of the report with its outline; the last two are of no area and have none."""
    lines = matter.report.lines
    yield from zip(lines, matter.outlines(), strict=False)
    yield from ((line, None) for line in lines[len(matter.ids) :])


# ── GeoPackage ──────────────────────────────────────────────────────────────────────────────

Values = Mapping[str, Any]
#: What a column holds → how GDAL gets it; text goes as it is.
_DTYPES: dict[type, str] = {int: "int64", float: "float64", date: "datetime64[D]"}
_DATES = ("published_on", "starts_on", "ends_on")
_COUNTS = ("appreciations", "open_needs", "easting", "northing")


def write_geopackage(matter: Matter, path: Path) -> None:
    """Layers `wards` (or of another level) and `assets`; tables without places: `definitions` and `about`."""
    report = matter.report
    named = path.with_name(f"{path.name}.gpkg")  # GDAL complains of any other name
    package = _Package(named)
    figures = {
        figure.name: float if figure.unit in ("hours", "per 1,000 residents") else int for figure in report.columns
    }
    fields = {"ward_code": str, "ward_name": str, "population": int, **figures, "suppressed": str}
    areas = ((outline.wkb if outline else None, _flat(line)) for line, outline in _areas(matter))
    package.write(f"{report.level}s", fields, areas, geometry="MultiPolygon", batch=50)
    types = {name: date if name in _DATES else int if name in _COUNTS else str for name in tables.ASSETS}
    assets = ((_point(asset), tables.asset_values(asset)) for asset in matter.assets())
    package.write("assets", types | {"lon": float, "lat": float}, assets, geometry="Point")
    defined = [name.lower().replace(" ", "_") for name in tables.DEFINITIONS]
    told = ((None, dict(zip(defined, row, strict=True))) for row in tables.definitions(report))
    package.write("definitions", dict.fromkeys(defined, str), told)
    said = (
        (None, {"what": what, "said": None if value is None else str(value)}) for what, value in tables.about(report)
    )
    package.write("about", {"what": str, "said": str}, said)
    named.replace(path)


def _flat(line: Line) -> Values:
    return {**tables.line_values(line), "suppressed": tables.suppressed(line)}


def _point(asset: AssetRow) -> bytes | None:
    """Well-known binary of a point: little-endian, x before y."""
    return None if asset.lon is None else struct.pack("<BIdd", 1, 1, asset.lon, asset.lat)


class _Package:
    """A GeoPackage that grows layer by layer, batch by batch."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(
        self,
        layer: str,
        fields: Mapping[str, type],
        rows: Iterator[tuple[bytes | None, Values]],
        *,
        geometry: str | None = None,
        batch: int | None = None,
    ) -> None:
        """A layer, or without `geometry` a plain table, even where there is no row."""
        some = list(itertools.islice(rows, batch or BATCH))
        append = False
        while some or not append:
            columns = [_column([values[name] for _, values in some], kind) for name, kind in fields.items()]
            pyogrio.raw.write(
                self._path,
                np.array([wkb for wkb, _ in some], dtype=object) if geometry else None,
                [values for values, _ in columns],
                list(fields),
                field_mask=[mask for _, mask in columns],
                layer=layer, driver="GPKG", geometry_type=geometry, crs="EPSG:4326" if geometry else None,
                append=append,
            )  # fmt: skip
            append = True
            some = list(itertools.islice(rows, batch or BATCH))


def _column(values: Sequence[Any], kind: type) -> tuple[Any, Any]:
    """The values of a column for GDAL, and which of them are none."""
    if kind is str:
        return np.array(values, dtype=object), None
    mask = np.array([value is None for value in values], dtype=bool)
    nothing = date(1970, 1, 1) if kind is date else 0
    return np.array([nothing if value is None else value for value in values], dtype=_DTYPES[kind]), mask
