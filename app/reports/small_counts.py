"""Small counts of persons are not shown, and cannot be worked out from what is shown (safety.md, G5).

A figure over one to four persons is left out. Where a column's total is shown as well, one more row is left out with
it, so that the missing figure is not simply the total minus the rest.
"""

from collections.abc import Sequence
from dataclasses import dataclass

THRESHOLD = 5


@dataclass(frozen=True)
class Cell:
    """A figure and over how many different persons it was counted."""

    value: float
    persons: int

    @property
    def small(self) -> bool:
        """True when it must not be shown."""
        return 0 < self.persons < THRESHOLD


def hidden(rows: Sequence[Cell], total: Cell) -> tuple[set[int], bool]:
    """Which rows of a column are left out, and whether its total is.

    With the total shown, either no row is left out or at least two are, one of them over THRESHOLD persons or more:
    what is missing together is then at least THRESHOLD, and which row has how much of it stays open. Where no such row
    is there to take along, the total is left out instead. A zero is always shown: it tells of nobody.
    """
    out = {i for i, cell in enumerate(rows) if cell.small}
    if not out:
        return out, total.small
    companions = [i for i, cell in enumerate(rows) if cell.persons >= THRESHOLD]
    if not companions or total.small:
        return out, True
    return out | {min(companions, key=lambda i: (rows[i].persons, rows[i].value, i))}, False
