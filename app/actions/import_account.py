"""What became of the rows of a file: every one is counted, and those that were refused can be had as a file."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from app.actions.import_rows import Reject
from app.geo import tables

#: The fates of rows: read is their sum.
FATES = ("created", "updated", "already_there", "conflicts", "unplaced", "rejected")
FIGURES = ("read", *FATES, "retired", "retired_in_conflict", "in_areas", "outside_areas", "swapped", "duplicates")
SHOWN_REJECTS = 10


@dataclass
class Account:
    """What became of the rows: read = created + updated + already there + conflicts + unplaced + rejected."""

    read: int = 0
    created: int = 0
    updated: int = 0
    already_there: int = 0
    """The same row is there, as an asset or waiting for a place."""
    conflicts: int = 0
    """Rows that say something new of an asset that people have changed since: the asset stays as it is."""
    unplaced: int = 0
    """Rows without a place, kept for a person to place."""
    rejected: int = 0
    retired: int = 0
    """Assets of former releases that this one does not have: no rows of this file."""
    retired_in_conflict: int = 0
    """The same, but people have changed them since, so they stay."""
    in_areas: int = 0
    """Rows whose asset lies in a current ward."""
    outside_areas: int = 0
    """Rows whose asset lies in none."""
    swapped: int = 0
    """Rejected rows that would lie inside with their coordinates changed over."""
    duplicates: int = 0
    """New assets that are likely to be on the map already, or twice in the file."""
    ended_waits: int = 0
    """Rows of former releases that waited for a place and need not any more."""
    live: int = 0
    """Assets of former releases that were not ended; more than half of them retired is too many to be meant."""
    remarks: Counter[str] = field(default_factory=Counter)
    """What was shortened or moved, and how often."""
    first_rejects: list[Reject] = field(default_factory=list)

    @property
    def changes(self) -> bool:
        """True when anything was written but the account itself."""
        return any((self.created, self.updated, self.unplaced, self.retired, self.ended_waits))

    @property
    def retires_many(self) -> bool:
        """True when more than half of what the former releases left would go."""
        return 2 * (self.retired + self.retired_in_conflict) > self.live

    def add(self, counts: dict[str, int]) -> None:
        """Add what a batch came to."""
        for name, count in counts.items():
            setattr(self, name, getattr(self, name) + count)

    def figures(self) -> dict[str, int]:
        """The numbers."""
        return {name: getattr(self, name) for name in FIGURES}

    def says(self, unit: str, *, dry_run: bool = False) -> list[str]:
        """The account in lines for a person; `unit` is what the file counts its rows by."""
        fates = ", ".join(f"{name.replace('_', ' ')} {getattr(self, name)}" for name in FATES)
        gone = f"retired {self.retired} that the list does not have any more"
        if self.retired_in_conflict:
            gone += f"; {self.retired_in_conflict} more stay, because people have changed them since"
        return [
            *(f"rejected: {unit} {row.line}: {row.reason} ({row.title or 'no title'})" for row in self.first_rejects),
            *([f"… and {more} more"] if (more := self.rejected - len(self.first_rejects)) else []),
            *(f"note: {remark}: {count}" for remark, count in self.remarks.items()),
            *([f"note: likely duplicates: {self.duplicates}"] if self.duplicates else []),
            f"read {self.read}: {fates}; {self.in_areas} in wards, {self.outside_areas} in none",
            *([gone] if self.retired or self.retired_in_conflict else []),
            *(["Nothing was written: this was a dry run."] if dry_run else []),
        ]


@contextmanager
def rejects_file(path: Path | None, unit: str) -> Iterator[Callable[[Reject], None]]:
    """A CSV file of what is refused, which stands under its name only when the block has ended well. None: no file."""
    if path is None:
        yield lambda reject: None
        return
    draft = path.with_name(f".{path.name}.part")
    try:
        with draft.open("w", encoding="utf-8", newline="") as file:
            file.write(tables.csv_row([unit, "reason", "title"]))
            yield lambda reject: print(tables.csv_row([reject.line, reject.reason, reject.title]), end="", file=file)
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
