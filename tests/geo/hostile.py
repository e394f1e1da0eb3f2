"""Files that mean harm, or are only broken: each is made here, by name, with what is to be said of it."""

import gzip
import io
import json
import random
import sqlite3
import struct
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

import pyogrio
import shapely
import xlsxwriter

MB = 2**20
_KML = '<?xml version="1.0"?><kml xmlns="http://www.opengis.net/kml/2.2"><Document>{}</Document></kml>'
_SHEETS = '<workbook xmlns:r="r"><sheets><sheet name="Sheet1" sheetId="1" r:id="r1"/></sheets></workbook>'
_TIES = (
    '<Relationships><Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/>'
    '<Relationship Id="r2" Type="x/sharedStrings" Target="/xl/sharedStrings.xml"/>'
    '<Relationship Id="r3" Type="x/styles" Target="styles.xml"/></Relationships>'
)
_LAUGHS = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def zipped(members: Mapping[str, bytes | str]) -> bytes:
    """A zip archive with these files."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return packed.getvalue()


def workbook(sheet: str | bytes, **more: str) -> bytes:
    """A workbook with one sheet, written by hand."""
    parts = {"xl/workbook.xml": _SHEETS, "xl/_rels/workbook.xml.rels": _TIES, "xl/worksheets/sheet1.xml": sheet}
    return zipped(parts | {f"xl/{name}.xml": text for name, text in more.items()})


def _sheet(rows: str) -> str:
    return f"<worksheet><sheetData>{rows}</sheetData></worksheet>"


def _said_size(packed: bytes, name: bytes, size: int) -> bytes:
    """The same archive, but it says that this file in it has another size."""
    at = packed.rindex(name) - 46
    whole = packed[:at] + packed[at : at + 24] + struct.pack("<L", size) + packed[at + 28 :]
    first = whole.index(name) - 30
    return whole[:first] + whole[first : first + 22] + struct.pack("<L", size) + whole[first + 26 :]


def _placemark(shape: str) -> str:
    return _KML.format(f"<Placemark><name>x</name>{shape}</Placemark>")


def _many_names() -> str:
    return _KML.format("".join(f"<n{number}/>" for number in range(300_000)))


def _shapefile(folder: Path, change: Callable[[dict[str, bytes]], None]) -> bytes:
    path = folder / "made" / "wards.shp"
    path.parent.mkdir(exist_ok=True)
    squares = shapely.to_wkb([shapely.box(n, 51, n + 0.5, 52) for n in range(3)])
    pyogrio.raw.write(path, squares, [], [], driver="ESRI Shapefile", geometry_type="Polygon", crs="EPSG:4326")
    parts = {f"wards{part.suffix}": part.read_bytes() for part in path.parent.iterdir()}
    change(parts)
    return zipped(parts)


def _without(part: str) -> Callable[[dict[str, bytes]], None]:
    def change(parts: dict[str, bytes]) -> None:
        del parts[f"wards.{part}"]

    return change


def _longer(parts: dict[str, bytes]) -> None:
    index = parts["wards.shx"]
    parts["wards.shx"] = index[:104] + struct.pack(">i", 2**30) + index[108:]


def whole(folder: Path) -> dict[str, bytes]:
    """A small file of each format with nothing wrong with it."""
    book = io.BytesIO()
    with xlsxwriter.Workbook(book) as made:
        sheet = made.add_worksheet()
        for number, cells in enumerate([["name", "lat", "lon"], *([f"P{n}", 51 + n / 100, -0.1] for n in range(20))]):
            sheet.write_row(number, 0, cells)
    rows = "".join(f"P{n};51,{n};-0,1\r\n" for n in range(20))
    place = "<Placemark><name>a</name><Point><coordinates>-0.1,51.4</coordinates></Point></Placemark>"
    feature = {"type": "Feature", "properties": {"name": "a"}, "geometry": {"type": "Point", "coordinates": [0, 51]}}
    points = ", ".join(f"(x'47500001e6100000{shapely.to_wkb(shapely.Point(n, 51)).hex()}', 'a')" for n in range(20))
    package = _plain_gpkg(f"CREATE TABLE places (geom BLOB, name TEXT); INSERT INTO places VALUES {points};")
    kml = _KML.format(f"<Folder><name>f</name>{place * 5}</Folder>")
    return {
        "whole.xlsx": book.getvalue(),
        "whole.csv": ("name;lat;lon\r\n" + rows).encode(),
        "whole.txt": ("name;lat;lon\r\n" + rows).encode("utf-16"),
        "whole.kml": kml.encode(),
        "whole.kmz": zipped({"doc.kml": kml}),
        "whole.gpx": b'<gpx><wpt lat="51" lon="0"><name>a</name></wpt><rte><rtept lat="51" lon="0"/></rte></gpx>',
        "whole.geojson": json.dumps({"type": "FeatureCollection", "features": [feature] * 5}).encode(),
        "whole.gpkg": _geopackage(folder, package),
        "whole.zip": _shapefile(folder, lambda parts: None),
    }


def damaged(content: bytes, chance: random.Random) -> bytes:
    """The same with some of its bytes changed, gone, doubled or cut off; of an archive, often those of a file in it."""
    if content.startswith(b"PK") and chance.random() < 0.7:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
        name = chance.choice(sorted(parts))
        return zipped(parts | {name: damaged(parts[name] or b"x", chance)})
    changed = bytearray(content)
    for _ in range(chance.choice([1, 2, 5, 20])):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 | 1:
                changed[at : at + 1] = chance.randbytes(1)
            case 2:
                del changed[at : at + chance.randrange(40)]
            case 3:
                changed[at:at] = changed[: chance.randrange(9)]
            case 4 if chance.random() < 0.2:
                del changed[at:]
    return bytes(changed)


_CONTENTS = "SELECT 'places' AS table_name, 'features' AS data_type"
_GPKG = """
CREATE TABLE gpkg_geometry_columns (table_name TEXT, column_name TEXT, srs_id INTEGER);
CREATE TABLE gpkg_spatial_ref_sys (srs_id INTEGER, organization TEXT, organization_coordsys_id INTEGER);
INSERT INTO gpkg_spatial_ref_sys VALUES (4326, 'EPSG', 4326);
INSERT INTO gpkg_geometry_columns VALUES ('places', 'geom', 4326);
"""
_ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) AS i FROM n"


def _geopackage(folder: Path, script: str) -> bytes:
    path = folder / "made.gpkg"
    path.unlink(missing_ok=True)
    connection = sqlite3.connect(path)
    connection.executescript(_GPKG + script)
    connection.commit()
    connection.close()
    return path.read_bytes()


def _plain_gpkg(table: str) -> str:
    return f"CREATE TABLE gpkg_contents AS {_CONTENTS}; {table}"


def texts() -> dict[str, tuple[bytes | str, str]]:
    """Files of text: name → content, and what is to be said of it."""
    lists = '{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"a":[%s0]}}]}'
    return {
        "empty.csv": (b"", "is empty"),
        "rubbish.csv": (bytes(range(256)) * 400, "is not a text file"),
        "no_end.csv": (b"name,lat\n" + b"a" * 60 * MB, "is longer than a million characters"),
        "quote.csv": (b'name,lat\n"' + b"a,\n" * MB, "a quotation mark opens here and does not close"),
        "endless.csv": (b'name,lat\n"' + b'","\n' * 5 * MB, "a row does not end after four million characters"),
        "commas.csv": ((b"," * 900_000 + b"a\n") * 60, "has 900001 columns"),
        "bomb.csv.gz": (gzip.compress(b"a,b\n" * 25 * MB, 9), "unpacks to more than 150 times its size"),
        "cut_off.geojson": (lists[:-8], "is damaged or cut off"),
        "deep.geojson": ('{"type":"FeatureCollection","features":[' + "[" * MB, "is nested too deeply"),
        "lists.geojson": (lists % ("[]," * 4 * MB), "has a feature of more than 1000000 parts"),
        "objects.geojson": (lists % ('{"a":0},' * MB), "has a feature of more than 1000000 parts"),
        "texts.geojson": (lists % ('"ab",' * 3 * MB), "has a feature of more than 1000000 parts"),
        "numbers.geojson": (lists % ("1.5," * 4 * MB), "has a feature of more than 8 MB"),
        "long.geojson": (json.dumps({"type": "Feature", "a": "x" * 40 * MB}), "has a feature of more than 8 MB"),
    }


def markup() -> dict[str, tuple[bytes | str, str]]:
    """Files of XML: name → content, and what is to be said of it."""
    doctype = "declares a document type"
    external = '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/hostname">]>'
    return {
        "laughs.kml": (f'<?xml version="1.0"?>{_LAUGHS}<kml>&b;</kml>', doctype),
        "laughs_wide.kml": (f'<?xml version="1.0"?>{_LAUGHS}<kml>&b;</kml>'.encode("utf-16"), doctype),
        "external.gpx": (f'<?xml version="1.0"?>{external}<gpx>&a;</gpx>', doctype),
        "fetched.kml": ('<!DOCTYPE kml SYSTEM "http://127.0.0.1:9/x.dtd"><kml/>', doctype),
        "deep.kml": (_KML.format("<Folder>" * 100_000), "nested more than 200 deep"),
        "comment.kml": (_KML.format(f"<!--{'x' * 20 * MB}-->"), "a tag or a comment of more than 2 MB"),
        "names.kml": (_many_names(), "more than 10000 different names"),
        "text.kml": (_placemark(f"<description>{'x' * 30 * MB}</description>"), "a text of more than 16 MB"),
        "pieces.kml": (_KML.format("ab<b/>" * 2 * MB), "a text of more than 16 MB"),
        "segments.gpx": ("<gpx><trk>" + "<trkseg/>" * 2 * MB, "is damaged or cut off"),
        "links.kml": (
            _KML.format("<NetworkLink><Link><href>http://127.0.0.1:9/</href></Link></NetworkLink>"),
            "only names other files",
        ),
        "cut_off.kml": (_KML.format("<Placemark><name>a</name></Placemark>")[:-20], "is damaged or cut off"),
        "strange.kml": ('<?xml version="1.0" encoding="klingon"?><kml/>', "is damaged or cut off|encoding"),
        "page.kml": ("<html><body>Sign in</body></html>", "is a web page"),
        "points.gpx": ("<gpx><trk>" + '<trkpt lon="0" lat="0"/>' * 500_000, "more than 400000 positions"),
    }


def archives() -> dict[str, tuple[bytes | str, str]]:
    """Zip archives and workbooks: name → content, and what is to be said of it."""
    bomb = b"\0" * 100 * MB
    csv = zipped({"places.csv": "name,lat,lon\na,51,0\n" * 100})
    wide = "".join("<c><v>1</v></c>" for _ in range(MB))
    deep = _sheet("<row><c>" + "<is>" * 100_000)
    return {
        "bomb.kmz": (zipped({"doc.kml": bomb}), "would unpack to 100 MB"),
        "bomb.xlsx": (workbook(bomb), "would unpack to 100 MB"),
        "ten_gb.xlsx": (_said_size(workbook("<x/>"), b"xl/worksheets/sheet1.xml", 2**32 - 2), "would unpack to 4.0 GB"),
        "lying.zip": (_said_size(csv, b"places.csv", 100), "is damaged"),
        "nested.kmz": (zipped({"doc.kml": zipped({"doc.kml": bomb})}), "lies packed in another archive"),
        "nested.zip": (zipped({"a.csv": csv}), "lies packed in another archive"),
        "many.zip": (zipped({f"{n:06}.csv": "" for n in range(20_000)}), "holds too many files"),
        "none.zip": (zipped({}), "is an empty zip archive"),
        "several.zip": (zipped({"a.csv": "a,b\n", "b.csv": "a,b\n"}), r"a zip archive with a\.csv, b\.csv"),
        "picture.zip": (zipped({"a.png": "x"}), "a zip archive with no table"),
        "cut_off.zip": (csv[:-30], "is a damaged or cut-off zip archive"),
        "text.docx": (zipped({"word/document.xml": "<x/>"}), "is a text document"),
        "laughs.xlsx": (workbook(f"{_LAUGHS}<worksheet>&b;</worksheet>"), "declares a document type"),
        "wide.xlsx": (workbook(_sheet(f"<row>{wide}</row>")), "has more than 500 columns in row 1"),
        "deep.xlsx": (workbook(deep), "nested more than 200 deep"),
        "no_sheet.xlsx": (zipped({"xl/workbook.xml": "<workbook/>"}), "is a workbook without a sheet"),
        "astray.xlsx": (
            workbook(_sheet('<row><c t="s"><v>7</v></c></row>'), sharedStrings="<sst/>"), "a text that is not there",
        ),
        "pieces.xlsx": (
            workbook(_sheet(""), sharedStrings="<sst><si>" + "<t>ab</t>" * 2 * MB), "a text of more than 32767 pieces",
        ),
        "nothing.xlsx": (workbook(_sheet("")), "has no row that names the columns"),
        "long_row.xlsx": (
            workbook(_sheet("<row>" + f'<c t="str"><v>{"x" * MB}</v></c>' * 20 + "</row>")), "a row of more than 16 MB",
        ),
    }  # fmt: skip


def databases(folder: Path) -> dict[str, tuple[bytes | str, str]]:
    """Shapefiles and GeoPackages: name → content, and what is to be said of it."""
    places = "CREATE TABLE places (fid INTEGER PRIMARY KEY, geom BLOB, name TEXT);"
    return {
        "no_index.zip": (_shapefile(folder, _without("shx")), r"without its \.shx"),
        "no_table.zip": (_shapefile(folder, _without("dbf")), r"without its \.dbf"),
        "longer.zip": (_shapefile(folder, _longer), "has a shape of more than 16 MB, or is damaged"),
        "long_prj.zip": (
            _shapefile(folder, lambda parts: parts.update({"wards.prj": b"GEOGCS[" * MB})), "holds a file of more than",
        ),
        "not_one.gpkg": (b"SQLite format 3\0" + b"\1" * 5000, "is not a readable GeoPackage"),
        "other.gpkg": (_geopackage(folder, ""), "is not a readable GeoPackage: no such table: gpkg_contents"),
        "view.gpkg": (
            _geopackage(folder, _plain_gpkg(f"CREATE VIEW places AS {_ENDLESS};")), "what a view computes is not run",
        ),
        "endless.gpkg": (
            _geopackage(folder, f"CREATE VIEW gpkg_contents AS {_CONTENTS} FROM ({_ENDLESS});"),
            "asks for too much work",
        ),
        "huge_row.gpkg": (
            _geopackage(folder, _plain_gpkg(f"{places} INSERT INTO places VALUES (1, zeroblob({40 * MB}), 'a');")),
            "is not a readable GeoPackage: string or blob too big",
        ),
    }  # fmt: skip


def nested(folder: Path) -> bytes:
    """A GeoPackage with a collection in a collection in a collection, on and on, and a point beside it."""
    point = shapely.to_wkb(shapely.Point(-0.1, 51.4))
    deep = b"\x01\x07\0\0\0\x01\0\0\0" * 200_000 + point
    header = b"GP\0\x01\xe6\x10\0\0"
    rows = ", ".join(f"(x'{(header + wkb).hex()}', 'a')" for wkb in (deep, point))
    return _geopackage(
        folder, _plain_gpkg(f"CREATE TABLE places (geom BLOB, name TEXT); INSERT INTO places VALUES {rows};")
    )
