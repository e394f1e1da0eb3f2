"""The eight council files in the wards of 2022 and of 2013: whatever a report is written as, it counts the same."""

import csv
import json
import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pyogrio
import pytest

from app import kinds
from app.actions import areas, import_plan, imports
from app.auth import Actor
from app.db import Engines
from app.reports import registry
from app.reports.asking import Question
from tests.actions.test_imports import COUNCIL
from tests.reports.reading import printed_text

OPERATOR = Actor.system("test")
KINDS = "|".join(kind.plural.capitalize() for kind in kinds.ALL)
#: code of a ward → its assets, and its services
Counts = dict[str, tuple[int, int]]


async def _council(engines: Engines, data: Path, year: int) -> None:
    async with engines.transaction() as session:
        await areas.bring_in(
            session, OPERATOR, areas.understand(data / "wards" / f"lambeth_wards_{year}.geojson", level="ward")
        )
        for name, kind in COUNCIL.items():
            path = data / "assets" / "lambeth_council_2012_raw" / f"{name}.csv"
            await imports.bring_in(session, OPERATOR, import_plan.understand(path, kinds.BY_NAME[kind]))


def _json(path: Path) -> Counts:
    rows = json.loads(path.read_text(encoding="utf-8"))["rows"]
    return {row["ward_code"]: (row["total_assets"], row["services"]) for row in rows if row["ward_code"]}


def _csv(path: Path) -> Counts:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row["ward_code"]: (int(row["total_assets"]), int(row["services"])) for row in rows if row["ward_code"]}


def _xlsx(path: Path) -> Counts:
    book = openpyxl.load_workbook(path, read_only=True)
    head, *rows = book["wards"].iter_rows(values_only=True)
    places = [head.index(name) for name in ("Ward code", "All assets", "Services")]
    found = {
        str(row[places[0]]): (int(str(row[places[1]])), int(str(row[places[2]]))) for row in rows if row[places[0]]
    }
    head, *assets = book["assets"].iter_rows(values_only=True)
    _listed(found, Counter(str(row[head.index("Ward code")]) for row in assets if row[head.index("Ward code")]))
    return found


def _geojson(path: Path) -> Counts:
    told = [feature["properties"] for feature in json.loads(path.read_text(encoding="utf-8"))["features"]]
    wards = [one for one in told if one["layer"] == "ward" and one["ward_code"]]
    found = {one["ward_code"]: (one["total_assets"], one["services"]) for one in wards}
    _listed(found, Counter(one["ward_code"] for one in told if one["layer"] == "asset" and one["ward_code"]))
    return found


def _gpkg(path: Path) -> Counts:
    names = ["ward_code", "total_assets", "services"]
    about, _, _, columns = pyogrio.raw.read(path, layer="wards", columns=names)
    rows = zip(*(columns[list(about["fields"]).index(name)] for name in names), strict=True)
    found = {str(code): (int(total), int(services)) for code, total, services in rows if code}
    assets = pyogrio.raw.read(path, layer="assets", columns=["ward_code"])[3][0]
    _listed(found, Counter(str(code) for code in assets if code))
    return found


def _pdf(path: Path) -> Counts:
    """From the pages of each ward, and again from the table of the summary."""
    text = printed_text(path)
    summary = {
        name: (int(numbers[0]), int(numbers[5]))
        for name, *numbers in re.findall(r"^ *(\S.*?) {2,}" + r" +".join([r"(\d+)"] * 9) + r"$", text, re.M)
    }
    found = {}
    for page in text.split("\f"):
        if opened := re.search(r"^(\S.*)\n+ *Ward (\S+)\. What this community has", page):
            bars = {kind: int(number) for kind, number in re.findall(rf"({KINDS}) +(\d+)$", page, re.M)}
            found[opened[2]] = (sum(bars.values()), bars["Services"])
            assert summary[opened[1].strip()] == found[opened[2]]
    return found


def _listed(found: Counts, assets: Counter[str]) -> None:
    assert {code: total for code, (total, _) in found.items() if total} == assets, (
        "each asset is listed where it counts"
    )


READERS: dict[str, Callable[[Path], Counts]] = {
    "json": _json, "csv": _csv, "xlsx": _xlsx, "geojson": _geojson, "gpkg": _gpkg, "pdf": _pdf,
}  # fmt: skip


@pytest.mark.parametrize(("year", "wards"), [(2022, 25), (2013, 21)])
async def test_all_six_formats_agree_on_the_council_files(
    engines: Engines, shared_data: Path, tmp_path: Path, year: int, wards: int
) -> None:
    await _council(engines, shared_data, year)
    found = {}
    for name, read in READERS.items():
        path = tmp_path / f"report.{name}"
        await registry.produce(engines, Question(), name, path)
        found[name] = read(path)
    assert len(found["json"]) == wards
    assert sum(total for total, _ in found["json"].values()) == 402
    for name, counts in found.items():
        assert counts == found["json"], name
