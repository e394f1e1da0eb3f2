"""Reading tables of places from files: the one door. What a file is, its own bytes say, not its name.

CSV, GeoJSON, KML and KMZ, GPX, XLSX, GeoPackage and zipped Shapefile, each also packed by gzip where it is text, and
alone in a zip archive. Whatever is none of them, or is damaged or hostile, raises Invalid with one sentence.
"""

import re
import shutil
import tempfile
import weakref
from collections.abc import Sequence
from pathlib import Path

from app.errors import Invalid
from app.geo import archives, kml
from app.geo.delimited import Csv
from app.geo.geojson import GeoJson
from app.geo.geopackages import GeoPackage
from app.geo.gpx import Gpx
from app.geo.markup import Document
from app.geo.shapefiles import Shapefile
from app.geo.tables import CHUNK, File, Table
from app.geo.workbooks import Workbook

_PACKED_KINDS = "CSV, GeoJSON, KML, GPX, GeoPackage or Shapefile"
#: A GeoPackage in a zip archive may have so many bytes.
MAX_PACKED = 512 * 2**20
_ZIP = b"PK\x03\x04"
_SQLITE = b"SQLite format 3\0"
_REFUSED = {
    b"pk\x03\x04": "lies packed in another archive. Unpack one of them.",
    b"pk\x05\x06": "is an empty zip archive.",
    b"\xd0\xcf\x11\xe0": "is an old Excel workbook, or one with a password. Save it as XLSX or CSV.",
    b"<!doctype html": "is a web page. Save the table itself.",
    b"<html": "is a web page. Save the table itself.",
    b"%pdf": "is a PDF. Ask its publisher for the table as CSV.",
    b"{\\rtf": "is a text document. Save its table as CSV.",
    b"par1": "is Parquet. Save it as GeoPackage or CSV.",
    b"fgb": "is FlatGeobuf. Save it as GeoPackage.",
    b"\0\0\x27\x0a": "is one part of a Shapefile. Put all of its parts (.shp, .shx, .dbf, .prj) into a zip archive.",
}
_TEXTS = (".csv", ".tsv", ".tab", ".txt", ".json", ".geojson", ".geojsonl", ".gpx", ".csv.gz", ".geojson.gz")


def read(path: Path, *, layer: str | None = None, name: str | None = None) -> Table:
    """The table in a file; `layer` is the sheet of a workbook or the layer of a GeoPackage or an archive.

    `name` is what people call the file, where that is not its name on the disk. Raises Invalid when it is missing,
    empty, damaged, of a kind that is not read here, or larger than can be right, and when it has several tables and
    `layer` does not say which.
    """
    if not path.is_file():
        raise Invalid(f"There is no file {path}.")
    return _table(File(path, name or path.name), layer)


def _table(file: File, layer: str | None, packed: str = "") -> Table:
    with file.opened() as stream:
        head = stream.read(CHUNK)
    if not head:
        raise Invalid(f"{file.name} is empty.")
    if head.startswith(_ZIP) and not packed:
        return _of_archive(file, layer)
    if head.startswith(_SQLITE):
        return GeoPackage(file.path, file.name, layer)
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for mark, answer in _REFUSED.items():
        if start[: len(mark)].lower() == mark:
            raise Invalid(f"{file.name} {answer}")
    if start.startswith(b"<") or re.match(rb"\xff\xfe<\0|\xfe\xff\0<", start):
        return _of_markup(file, packed)
    return GeoJson(file) if start[:1] in (b"{", b"[", b"\x1e") else Csv(file)


def _of_markup(file: File, packed: str) -> Table:
    root = Document(file).root()
    if root == "kml":
        return kml.Kml(file, packed or "KML")
    if root == "gpx":
        return Gpx(file)
    kinds = {"osm": "OpenStreetMap's own XML", "FeatureCollection": "GML", "html": "a web page"}
    what = kinds.get(root, f"XML that begins with <{root[:40]}>")
    raise Invalid(f"{file.name} is {what}, neither KML nor GPX. Save it as GeoJSON or CSV.")


def _of_archive(file: File, layer: str | None) -> Table:
    """The table in a zip archive: a workbook, a KMZ, a Shapefile, or the only file in it that holds a table."""
    members = archives.members(file)
    lower = {member: member.lower() for member in members}
    if "xl/workbook.xml" in members:
        return Workbook(file, layer)
    for sign, answer in _OFFICE.items():
        if sign in members:
            raise Invalid(f"{file.name} is {answer}")
    if any(name.endswith(".shp") for name in lower.values()):
        return Shapefile(file, members, layer)
    if maps := sorted((m for m in members if lower[m].endswith(".kml")), key=lambda m: (m != "doc.kml", m.count("/"))):
        return _of_kmz(file, maps, layer)
    tables = [m for m in members if lower[m].endswith((*_TEXTS, ".gpkg"))]
    named = [m for m in tables if layer in (m, m.rpartition("/")[2])]
    if len(chosen := named or tables) != 1:
        found = ", ".join(tables[:20]) if tables else "no table"
        raise Invalid(f"{file.name} is a zip archive with {found}. Put one {_PACKED_KINDS} into it.")
    return _packed(File(file.path, file.name, chosen[0]), None if named else layer)


def _of_kmz(file: File, maps: Sequence[str], layer: str | None) -> Table:
    """The main document of a KMZ; where that only names others in it, as QGIS writes them, the one that is meant."""
    stems = {member.rpartition("/")[2].rpartition(".")[0]: member for member in maps[1:]}
    if layer in stems:
        return _table(File(file.path, file.name, stems[layer]), None, f"KMZ, layer {layer}")
    try:
        return _table(File(file.path, file.name, maps[0]), layer, "KMZ")
    except kml.OnlyLinks:
        if len(stems) == 1:
            return _of_kmz(file, maps, *stems)
        if not stems:
            raise
    raise Invalid(f"{file.name} has the layers {', '.join(stems)}: say which is meant.")


_OFFICE = {
    "word/document.xml": "a text document. Save its table as CSV.",
    "ppt/presentation.xml": "a presentation. Save its table as CSV.",
    "content.xml": "an OpenDocument file. Save it as XLSX or CSV.",
    "xl/workbook.bin": "a binary workbook (XLSB). Save it as XLSX or CSV.",
}


def _packed(file: File, layer: str | None) -> Table:
    if not (file.member or "").lower().endswith(".gpkg"):
        return _table(file, layer, "zip")
    folder = Path(tempfile.mkdtemp(prefix=archives.UNPACKED))
    table = None
    try:
        archives.unpack(file, folder / "packed.gpkg", MAX_PACKED)
        table = GeoPackage(folder / "packed.gpkg", file.name, layer)
        weakref.finalize(table, shutil.rmtree, folder, ignore_errors=True)
    finally:
        if table is None:
            shutil.rmtree(folder, ignore_errors=True)
    return table
