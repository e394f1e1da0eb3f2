"""Parts of a printed page as plain values: headline figures, bars, lists of gaps and strengths, the list of assets.

Numbers are text here, as they are to be printed; None is a figure that is left out.
"""

import math
import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from itertools import accumulate
from typing import Any

from app import kinds, locale
from app.reports import writers
from app.reports.asset_rows import AssetRow
from app.reports.wards import WardReport

#: Assets that are listed for an area, and the lines of print that their titles may take together.
MOST_ASSETS, MOST_LINES = 100, 104
#: Letters of a title on a line of the list of assets, and at most.
LINE, LONGEST = 44, 84
#: Themes in a brief; letters in a narrow column.
MOST_THEMES, SHORT = 6, 40
SHADE = "#36889a"
NOTHING, LEFT_OUT = "Nothing yet", "Left out, for it counts persons"
Row = Mapping[str, Any]


def _in_group(*groups: str, unit: str | None = None, begins: str = "", but: str = "\0") -> Callable[[Row], bool]:
    def chosen(column: Row) -> bool:
        name = column["name"]
        fits = column["group"] in groups and name.startswith(begins) and not name.startswith(but)
        return fits and (unit is None or (column["unit"] == "hours") == (unit == "hours"))

    return chosen


_KINDS = {kind.plural: kind for kind in kinds.ALL}
#: What is drawn as bars: title, what its rows are, which figures, and whether a brief has it.
PARTS: tuple[tuple[str, str, Callable[[Row], bool], bool], ...] = (
    ("Assets by kind", "Kind", lambda column: column["name"] in _KINDS, True),
    ("Assets by theme", "Theme", _in_group("themes"), True),
    ("Stage", "Stage", _in_group("stages"), False),
    ("What has changed", "Change", _in_group("change"), False),
    ("Needs", "State", _in_group("needs", but="open_needs_"), True),
    ("Open needs by what is asked for", "Asked for", _in_group("needs", begins="open_needs_"), False),
    ("Offers", "What is offered", _in_group("offers", but="offers_theme_"), False),
    ("Offers by theme", "Theme", _in_group("offers", begins="offers_theme_"), False),
    ("Gaps", "What is missing", _in_group("gaps"), False),
    ("Proposals", "State", _in_group("proposals"), False),
    ("Pledges", "State", _in_group("pledges", unit="counted"), False),
    ("Hours", "Hours", _in_group("pledges", unit="hours"), False),
)
HEADLINE = (
    "total_assets", "new_assets", "assets_per_1000", "open_needs", "offers", "appreciations",
    "gap_needs_without_offers", "hours_given", "proposals_accepted", "events",
)  # fmt: skip


def amount(value: float | None) -> str | None:
    """A figure as it is printed: 1,234 or 2.5."""
    if value is None:
        return None
    return f"{value:,.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else f"{value:,}"


def day(value: date | str | None) -> str:
    """A day in words: 23 November 2026."""
    if value is None:
        return ""
    known = date.fromisoformat(value[:10]) if isinstance(value, str) else value
    return f"{known.day} {known:%B %Y}"


class Telling:
    """A report, told part by part."""

    def __init__(self, report: WardReport) -> None:
        self.report = writers.plain(report)
        self.level: str = self.report["level"]
        areas = [row["ward_name"] for row in self.report["rows"] if row["ward_code"]]
        self.title: str = f"{areas[0]}: what it has, needs and offers" if len(areas) == 1 else self.report["title"]
        self._names = {row["ward_code"]: row["ward_name"] for row in self.report["rows"] if row["ward_code"]}
        self.totals: Row = {**self.report["totals"], "ward_code": None}
        self._columns: list[Row] = self.report["columns"]
        self._before = self.report.get("before")

    # ── about the report ────────────────────────────────────────────────────────────────────

    @property
    def footer(self) -> str:
        """What stands at the foot of each page."""
        return f"{self.title} · data of {day(self.report['at'])}"

    @property
    def facts(self) -> list[list[str]]:
        """Data date, boundaries, period, attribution."""
        boundaries = self.report["set"]
        since = f", in force since {day(boundaries['valid_from'])}" if boundaries["valid_from"] else ""
        made_up = " (illustrative: not official)" if boundaries["illustrative"] else ""
        told = [["Data of", f"{day(self.report['at'])}, {self.report['at'][11:16]} UTC"]]
        told += [["Boundaries", f"{boundaries['name'] or 'none loaded'}{since}{made_up}"]]
        if self.report.get("since"):
            told += [["Period", f"since {day(self.report['since'])}"]]
        if self._before:
            told += [["Before", f"{day(self._before['from'])} to {day(self._before['to'])}"]]
        return told + ([["Attribution", boundaries["attribution"]]] if boundaries["attribution"] else [])

    @property
    def notes(self) -> list[str]:
        """What else a reader has to know."""
        persons = (
            "A figure that counts persons is left out where it is small, or could be worked out from others, so that "
            "nobody is pointed at. Such figures are given for the wards of today only."
        )
        return [persons, "Offers are shown roughly, never at somebody's door."]

    def subtitle(self, count: int) -> str:
        """Below the title of a summary."""
        if not count:
            return f"No {self.level} is loaded here: this is all that is on the map."
        return f"What {count} {self.level}{'' if count == 1 else 's'} together have, need and offer."

    def about(self, code: str, row: Row) -> str:
        """Below the name of an area."""
        people = f", {row['population']:,} residents" if row.get("population") else ""
        return f"{self.level.capitalize()} {code}{people}. What this community has, needs and offers."

    def definitions(self) -> list[dict[str, str]]:
        """What each figure counts. Those that differ only in a word in quotation marks are told together."""
        told: dict[tuple[str, str], list[str]] = defaultdict(list)
        for column in self._columns:
            family, _, word = column["label"].rpartition(": ")
            text = re.sub(r"'[^']*'", "'…'", column["definition"])
            told[family, text.replace(f": {word}.", ": …") if family else text].append(word)
        return [
            {"labels": f"{family}{': ' if family else ''}{', '.join(words)}.", "text": text}
            for (family, text), words in told.items()
        ]

    # ── figures ─────────────────────────────────────────────────────────────────────────────

    def headline(self, row: Row) -> list[dict[str, Any]]:
        """The six figures that come first."""
        columns = {column["name"]: column for column in self._columns}
        known = [name for name in HEADLINE if name in columns and row.get(name) is not None]
        before = self._of_before(row)
        return [
            {
                "label": columns[name]["label"], "value": amount(row[name]),
                "before": f"before: {amount(before[name])}" if before and before.get(name) is not None else None,
            }
            for name in known[:6]
        ]  # fmt: skip

    def bars(self, row: Row, *, brief: bool = False) -> list[dict[str, Any]]:
        """The parts that there are figures for."""
        parts = [
            self._part(title, label, [column for column in self._columns if chosen(column)], row, brief=brief)
            for title, label, chosen, in_brief in PARTS
            if in_brief or not brief
        ]
        return _together([part for part in parts if part])

    def _part(self, title: str, label: str, columns: Sequence[Row], row: Row, *, brief: bool) -> dict[str, Any] | None:
        if not columns:
            return None
        before = self._of_before(row)
        values = [row.get(column["name"]) for column in columns]
        most = max((value or 0 for value in values), default=0) or 1
        rows: list[dict[str, Any]] = []
        none: list[str] = []
        for column, value in zip(columns, values, strict=True):
            kind = _KINDS.get(column["name"])
            old = before.get(column["name"]) if before else None
            words = _short(column["label"])
            if value == 0 and not old and not kind:
                none.append(words)
                continue
            told = {"label": words, "value": amount(value), "share": (value or 0) / most, "before": amount(old)}
            rows.append(told | {"colour": kind.colour if kind else SHADE} | ({"kind": kind.name} if kind else {}))
        if all(value is None for value in values):
            return _bars(title, label, [], LEFT_OUT, dated=False)
        note = f"None: {', '.join(none)}." if none and rows else NOTHING if none else ""
        if brief and len(rows) > MOST_THEMES and not any("kind" in told for told in rows):
            most_first = sorted(range(len(rows)), key=lambda n: -rows[n]["share"])
            note = f"Fewer: {', '.join(rows[n]['label'] for n in most_first[MOST_THEMES:])}."
            rows = [rows[n] for n in most_first[:MOST_THEMES]]
        return _bars(title, label, rows, note, dated=before is not None)

    def _of_before(self, row: Row) -> Row | None:
        if not self._before:
            return None
        if row["ward_code"] is None:
            return self._before["totals"]  # type: ignore[no-any-return]
        return self._before["rows"].get(row["ward_code"])  # type: ignore[no-any-return]

    def comparison(self, most: int) -> dict[str, Any]:
        """A row for each area, for `most` of them at most, and the sums."""
        names = ["total_assets", *(kind.plural for kind in kinds.ALL), "open_needs"]
        columns = {column["name"]: column for column in self._columns}
        rows = [[row["ward_name"], *(amount(row[name]) for name in names)] for row in self.report["rows"][:most]]
        left = len(self.report["rows"]) - len(rows)
        note = f"{left:,} rows more: the spreadsheet has them." if left else ""
        rows.append(["All together", *(amount(self.totals[name]) for name in names)])
        heads = [self.level.capitalize(), "All", *(columns[name]["label"] for name in names[1:])]
        return {
            "title": f"The {self.level}s side by side", "columns": heads, "rows": rows, "note": note,
            "widths": [1, *(0 for _ in names)], "numeric": [False, *(True for _ in names)], "total": True,
        }  # fmt: skip

    # ── lists ───────────────────────────────────────────────────────────────────────────────

    def findings(self, row: Row | None, *, most: int, brief: bool = False) -> list[list[dict[str, Any]]]:
        """Gaps and strengths of an area, or of all together, `most` lines of each; short lists stand beside each other.

        The report's own lists end after a while: what is missing from them is counted by the area's figures.
        """
        parts = []
        for name, title, columns, cells in FINDINGS:
            found = self.report["findings"][name]
            wide = name == "area_wide"
            if row is None or (wide and len(self._names) == 1 and not brief):
                items, left = found, self.report["findings"]["more"].get(name, 0)
            else:
                items = [item for item in found if not wide and item["ward_code"] == row["ward_code"]]
                left = max(0, (row.get(COUNTED.get(name, "")) or 0) - len(items))
            if items or left:
                shown = items[:most]
                rest = left + len(items) - len(shown)
                note = (
                    f"And {rest:,} more: the spreadsheet lists them."
                    if shown
                    else f"{rest:,}: the spreadsheet lists them."
                )
                longest = SHORT if len(columns) <= 2 else LINE if brief else LONGEST
                told = [[cut(cell, SHORT if n else longest) for n, cell in enumerate(cells(item))] for item in shown]
                if row is None and not wide and len(self._names) > 1:
                    columns = (columns[0], self.level.capitalize(), *columns[1:])
                    for line, item in zip(told, shown, strict=True):
                        line.insert(1, cut(self._names.get(item["ward_code"], ""), SHORT))
                parts.append(_table(title, columns, told, note if rest else ""))
        return _paired(parts)

    def assets(self, row: Row, known: Sequence[AssetRow]) -> dict[str, Any]:
        """The list of assets, as many as fit on two pages."""
        rows: list[list[Any]] = []
        lines = 0
        for asset in known:
            told = _asset(asset)
            lines += _lines(told[0])
            if lines > MOST_LINES:
                break
            rows.append(told)
        total = row["total_assets"]
        note = (
            f"{len(rows)} of {total:,} assets. The spreadsheet of this report lists them all."
            if len(rows) < total
            else ""
        )
        columns = ["Asset", "Kind", "Theme", "Stage", "Easting", "Northing", "Thanks", "Open needs"]
        numeric = [name in columns[4:] for name in columns]
        widths = [1, *(0 for _ in columns[1:])]
        return {
            "columns": columns,
            "rows": rows,
            "numeric": numeric,
            "widths": widths,
            "note": note or ("" if rows else "None yet."),
        }


def _together(parts: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The parts that have rows; those that have none are named in one line each."""
    told = [part for part in parts if part["rows"]]
    for note in (NOTHING, LEFT_OUT):
        if titles := [part["title"] for part in parts if not part["rows"] and part["note"] == note]:
            told.append(_bars(note, "", [], f"{', '.join(titles)}.", dated=False))
    return told


def _paired(parts: Sequence[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    wide = [[part] for part in parts if len(part["columns"]) > 2]
    short = [part for part in parts if len(part["columns"]) <= 2]
    return wide + [list(short[n : n + 2]) for n in range(0, len(short), 2)]


def _bars(title: str, label: str, rows: list[dict[str, Any]], note: str, *, dated: bool) -> dict[str, Any]:
    return {"title": title, "label": label, "unit": "", "rows": rows, "note": note, "dated": dated}


def _table(title: str, columns: Sequence[str], rows: list[list[Any]], note: str) -> dict[str, Any]:
    widths = [1 if n in (0, len(columns) - 1) and len(columns) > 2 else 0 for n in range(len(columns))]
    widths[0] = 2
    return {
        "title": title, "columns": columns, "rows": rows, "note": note, "widths": widths,
        "numeric": [False for _ in columns], "total": False,
    }  # fmt: skip


def _short(label: str) -> str:
    words = label.partition(": ")[2] or label
    return words[:1].upper() + words[1:]


def cut(text: str, most: float = LONGEST) -> str:
    """A text of at most so many small letters' width, on one line; what is cut off is marked."""
    plain = " ".join(text.split())
    ends = list(accumulate(map(_width, plain), initial=0.0))
    return plain if ends[-1] <= most else f"{plain[: bisect_right(ends, most - 1) - 1].rstrip()}…"


def _width(sign: str) -> float:
    """How wide a sign is printed, roughly, against a small letter; one from another script may be set from a wide font,
    or by its name."""
    if not sign.isascii():
        return 1.5 if sign.isalpha() and sign < "\u2000" else 12.0 if ord(sign) > 0xFFFF else 2.5
    return 1.9 if sign in "MW@%mw" else 1.4 if sign.isupper() or sign in "#&=+<>~^" else 1.0


def _lines(text: str) -> int:
    """How many lines a title takes in the list of assets."""
    return max(1, math.ceil(sum(map(_width, text)) / LINE))


def _theme(name: str) -> str:
    return str(locale.catalogue()["themes"].get(name, name))


def _asset(asset: AssetRow) -> list[Any]:
    kind = locale.catalogue()["kinds"][asset.kind]["one"]
    place = [f"{value:.0f}" if value is not None else "" for value in (asset.easting, asset.northing)]
    stage = locale.catalogue()["stages"][asset.stage]
    counts = [amount(asset.appreciations), amount(asset.open_needs)]
    return [cut(asset.title), {"kind": asset.kind, "label": kind}, _theme(asset.theme), stage, *place, *counts]


#: list of findings → the figure that counts what it lists
COUNTED = {
    "blocking_needs": "blocking_needs", "needs_without_offers": "gap_needs_without_offers",
    "themes_without_projects": "gap_themes_without_projects", "unused_spaces": "gap_unused_spaces",
}  # fmt: skip
#: list of findings → its title, its columns, and what stands in them
FINDINGS: tuple[tuple[str, str, Sequence[str], Callable[[Row], list[str]]], ...] = (
    (
        "blocking_needs", "What holds things up", ("Need", "Report back on", "Asked by"),
        lambda item: [item["title"], day(item["report_back_on"]), item["asset_title"]],
    ),
    (
        "needs_without_offers", "Needs without an offer within reach", ("Need", "Asked for", "Asked by"),
        lambda item: [item["title"], item["kind"].capitalize(), item["asset_title"]],
    ),
    (
        "themes_without_projects", "Themes with ideas and no project", ("Theme", "Ideas"),
        lambda item: [_theme(item["theme"]), f"{item['ideas']:,}"],
    ),
    (
        "unused_spaces", "Spaces that could be used", ("Space", "Use"),
        lambda item: [item["title"], item["use"].replace("-", " ").capitalize()],
    ),
    (
        "strengths", "Strengths", ("Theme", "Its share here, against the whole map"),
        lambda item: [f"{_theme(item['theme'])}: {item['assets']:,} assets", f"{item['times_average']:.1f} times"],
    ),
    (
        "area_wide", "What stands for a whole area", ("Asset", "Kind", "Area"),
        lambda item: [item["title"], item["kind"].capitalize(), item["area_name"]],
    ),
)  # fmt: skip
