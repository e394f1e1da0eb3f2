"""The printed ward report, and a brief of one page for each area: which pages there are, and what comes onto them.

How a page is set stands in wards.typ, its parts in printed.py. A ward fits in four pages: lists are cut to a few lines
and the list of assets to what fits, at most MOST_ASSETS. What is left out is counted; the spreadsheet has all of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from pathlib import Path
from typing import Any

from app import kinds
from app.errors import Invalid
from app.reports import maps, typeset
from app.reports.asset_rows import AssetRow
from app.reports.matter import Matter
from app.reports.printed import MOST_ASSETS, Telling, amount, cut

TEMPLATE = "wards.typ"
#: Areas that have pages of their own, a report on more is a summary; and the assets that are listed on all those pages.
#: What is typeset is held in memory as a whole: some four megabytes for an area, and one for seven assets.
MOST_AREAS, MOST_LISTED_IN_ALL = 28, 420
#: Lines of a list of gaps or strengths: of one area or of all together, of one of several, in a brief.
MOST_LISTED, MOST_OF_SEVERAL, MOST_IN_BRIEF = 6, 3, 3
#: Areas in a file of briefs, and in the table and on the map of a summary.
MOST_BRIEFS, MOST_COMPARED = 80, 1000
#: Areas whose figure is written on the map.
MOST_NUMBERS = 60
#: Letters of the name of an area above its pages.
LONGEST_NAME = 90


def write(matter: Matter, path: Path) -> None:
    """The report: a summary where there are several areas, then each area on pages of its own, then the definitions."""
    book = _Book(matter, of_each=len(matter.ids) <= MOST_AREAS)
    several = len(book.areas) != 1
    if several:
        book.summary()
    if len(book.areas) <= MOST_AREAS:
        for area in book.areas:
            book.area(area, level=2 if several else 1)
    book.print(path, explained=True)


def write_brief(matter: Matter, path: Path) -> None:
    """One page for each area. Raises Invalid for more than MOST_BRIEFS, or for none."""
    if not 0 < len(matter.ids) <= MOST_BRIEFS:
        raise Invalid(f"A brief is written for 1 to {MOST_BRIEFS} areas at once; these are {len(matter.ids)}.")
    book = _Book(matter, of_each=True)
    for area in book.areas:
        book.brief(area)
    book.print(path, explained=False)


@dataclass
class _Area:
    """An area: its row of the report, its first assets, and all of them as marks."""

    row: Mapping[str, Any]
    id: int
    marks: maps.Marks
    assets: list[AssetRow] = field(default_factory=list)
    kinds: set[str] = field(default_factory=set)


class _Book:
    """The pages of one file."""

    def __init__(self, matter: Matter, *, of_each: bool) -> None:
        self._matter = matter
        self._telling = Telling(matter.report)
        self._pages: list[dict[str, Any]] = []
        self._pictures = {kind.name: maps.symbol(kind.name) for kind in kinds.ALL}
        rows = self._telling.report["rows"]
        self.areas = [
            _Area(row, id_, maps.Marks(matter.canvas([id_])) if of_each else maps.Marks(maps.EMPTY))
            for row, id_ in zip(rows, matter.ids, strict=False)
        ]
        self._each = room_for_each([row["total_assets"] for row in rows[: len(matter.ids)]])
        if of_each:
            self._collect()

    def _collect(self) -> None:
        known = {area.row["ward_code"]: area for area in self.areas}
        for asset in self._matter.assets():
            area = known.get(asset.ward_code)
            if area is None:
                continue
            if len(area.assets) < self._each:
                area.assets.append(asset)
            if asset.lon is not None and asset.lat is not None:
                area.marks.add(asset.kind, asset.lon, asset.lat)
                area.kinds.add(asset.kind)

    def print(self, path: Path, *, explained: bool) -> None:
        """Typeset what was put in."""
        telling = self._telling
        data = {
            "title": telling.title, "footer": telling.footer, "facts": telling.facts, "areas": self._pages,
            "definitions": telling.definitions() if explained else [], "notes": telling.notes,
        }  # fmt: skip
        typeset.pdf(TEMPLATE, data, self._pictures, path, self._matter.report.at)

    def summary(self) -> None:
        """All areas together: map, sums, a table with a row for each, what there is and what is missing."""
        telling = self._telling
        row = telling.totals
        page: dict[str, Any] = {
            "level": 1, "title": telling.title, "subtitle": telling.subtitle(len(self.areas)),
            "headline": telling.headline(row), **_split(telling.bars(row)),
            "findings": telling.findings(None, most=MOST_LISTED),
            "tables": [telling.comparison(MOST_COMPARED)],
        }  # fmt: skip
        if 0 < len(self.areas) <= MOST_COMPARED:
            page["map"] = self._overview()
        self._pages.append(page)

    def area(self, area: _Area, *, level: int) -> None:
        """One area in full."""
        telling = self._telling
        page = self._opened(area, level) | {
            "tables": [],
            "findings": telling.findings(area.row, most=MOST_LISTED if level == 1 else MOST_OF_SEVERAL),
        }
        page |= _split(telling.bars(area.row))
        page["assets"] = telling.assets(area.row, area.assets)
        self._pages.append(page)

    def brief(self, area: _Area) -> None:
        """One area on one page."""
        telling = self._telling
        parts = telling.bars(area.row, brief=True)
        page = self._opened(area, level=1) | {"brief": True, "first": parts[:1] + parts[2:], "under": parts[1:2]}
        page |= {"left": [], "tables": [], "findings": telling.findings(area.row, most=MOST_IN_BRIEF, brief=True)}
        self._pages.append(page)

    def _opened(self, area: _Area, level: int) -> dict[str, Any]:
        name, code = area.row["ward_name"], area.row["ward_code"]
        picture = f"map of {area.id}"
        self._pictures[picture] = maps.of_assets(area.marks.canvas, area.marks)
        shown = [kind for kind in kinds.ALL if kind.name in area.kinds]
        total = amount(area.row["total_assets"])
        drawn = {
            "svg": picture, "alt": f"Map of {name} with its {total} assets, each at its place.",
            "kinds": [{"kind": kind.name, "label": kind.plural.capitalize()} for kind in shown],
            "caption": "A ring with a number stands for several assets close together." if area.marks.crowded else "",
        }  # fmt: skip
        return {
            "level": level, "title": cut(name, LONGEST_NAME), "subtitle": self._telling.about(code, area.row),
            "map": drawn, "headline": self._telling.headline(area.row),
        }  # fmt: skip

    def _overview(self) -> dict[str, Any]:
        canvas = self._matter.canvas([area.id for area in self.areas])
        figures = {area.id: area.row["total_assets"] for area in self.areas}
        numbers = len(self.areas) <= MOST_NUMBERS
        self._pictures["overview"] = maps.of_figures(canvas, figures, numbers=numbers)
        told = (
            "The number is that of its assets; it is in the table as well." if numbers else "The table has the numbers."
        )
        level = self._matter.report.level
        return {
            "svg": "overview", "alt": f"Map of all areas, each shaded by the number of its assets. {told}", "kinds": [],
            "caption": f"The darker a {level}, the more assets it has. {told}",
        }  # fmt: skip


def room_for_each(counts: Sequence[int]) -> int:
    """How many assets of each area are listed, so that there is room for as many of every other."""
    each = MOST_ASSETS
    while each > 1 and sum(min(each, count) for count in counts) > MOST_LISTED_IN_ALL:
        each -= 1
    return each


def _split(parts: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The first part beside the map; the others in two columns of nearly the same height, in their order."""
    if not parts:
        return {"first": [], "left": [], "right": []}
    first, *others = parts
    heights = [len(part["rows"]) + 3 + bool(part["note"]) for part in others]
    half = sum(heights) / 2
    below = list(accumulate(heights))
    cut = min(range(len(below)), key=lambda n: abs(below[n] - half), default=-1) + 1
    return {"first": [first], "left": others[:cut], "right": others[cut:]}
