"""How far a long action is: told to whoever asked for it, who decides how to show it."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """What an action is doing, how much of it is done, and what share that is."""

    phase: str
    """For a person: 'reading'."""
    done: int = 0
    unit: str = ""
    """What `done` counts; nothing where it counts nothing."""
    share: float | None = None
    """From 0 to 1; None where nobody can tell."""


Tell = Callable[[Progress], None]


def untold(progress: Progress) -> None:
    """Tell nobody."""
