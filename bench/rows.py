"""What was measured against which goal, as a table for people and as JSON."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

HEAD = ("work", "ours", "the other", "ratio or figure", "goal", "result")


@dataclass(frozen=True)
class Row:
    """One line of the table. Without a result the thing compared with, which `beside` names, is not here."""

    work: str
    ours: str
    beside: str
    result: float | None = None
    goal: float | None = None
    unit: str = "×"
    """× (more is better), or ms, s, MB and the like (less is better) with `at_most`."""
    at_most: bool = False
    seen: dict[str, Any] = field(default_factory=dict)
    """Every figure behind it, for the JSON."""
    failed: bool = False
    """It could not be measured, and `beside` says why."""

    @property
    def met(self) -> bool | None:
        """Whether the goal was reached; None where there is no goal or no result."""
        if self.result is None or self.goal is None:
            return None
        return self.result <= self.goal if self.at_most else self.result >= self.goal

    def cells(self) -> tuple[str, ...]:
        """As the table shows it."""
        sign = "≤" if self.at_most else "≥"
        goal = "" if self.goal is None else f"{sign} {plain(self.goal)} {self.unit}".rstrip()
        measured = "" if self.result is None else f"{plain(self.result)} {self.unit}".rstrip()
        return self.work, self.ours, self.beside, measured, goal, self._said()

    def _said(self) -> str:
        if self.failed:
            return "**failed**"
        if self.result is None:
            return "not here"
        return {None: "", True: "met", False: "**missed**"}[self.met]


def plain(value: float) -> str:
    """Three figures that count, and no more; a whole number as it is."""
    if value >= 100 or isinstance(value, int):
        return f"{value:,.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def markdown(rows: Sequence[Row]) -> str:
    """The table, ready for a README."""
    lines = [HEAD, ("---",) * len(HEAD), *(row.cells() for row in rows)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def write(file: Path, about: dict[str, Any], rows: Iterable[Row]) -> None:
    """Everything as JSON: where and when it was measured, and each row with the figures behind it."""
    told = [asdict(row) | {"met": row.met} for row in rows]
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps({**about, "rows": told}, indent=1, ensure_ascii=False, default=str) + "\n")
