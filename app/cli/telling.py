"""How far a long command is, said to a person: one line that changes on a terminal, elsewhere a line now and then.

It goes to standard error, so that what a command prints stays what a script reads.
"""

import contextlib
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TextIO

if TYPE_CHECKING:
    from app.actions.progress import Progress, Tell

TERMINAL_S, PLAIN_S = 0.5, 5.0


@contextlib.contextmanager
def telling(stream: TextIO | None = None) -> "Iterator[Tell]":
    """What to hand to an action as `tell`. Between its words the clock goes on; the last line stays, with the times."""
    out = stream or sys.stderr
    teller = Teller(out, live=out.isatty())
    over = threading.Event()

    def again() -> None:
        while not over.wait(TERMINAL_S if teller.live else PLAIN_S):
            teller.show()

    clock = threading.Thread(target=again, name="progress", daemon=True)
    clock.start()
    try:
        yield teller.hear
    finally:
        over.set()
        clock.join()
        teller.end()


@dataclass
class Teller:
    """Keeps the latest word of an action and shows it. `hear` may be called from any thread."""

    out: TextIO
    live: bool
    _latest: "Progress | None" = None
    _began: float = field(default_factory=time.monotonic)
    _shown: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def hear(self, progress: "Progress") -> None:
        """Remember what the action says; another phase ends the line of the one before."""
        with self._lock:
            if self._latest is None or self._latest.phase != progress.phase:
                self._end_phase()
                self._began = time.monotonic()
            self._latest = progress

    def show(self) -> None:
        """Say how far it is now."""
        with self._lock:
            if self._latest:
                self._print(line(self._latest, time.monotonic() - self._began))

    def end(self) -> None:
        """The action is over, well or not."""
        with self._lock:
            self._end_phase()
            self._latest = None

    def _end_phase(self) -> None:
        """What took long enough to be shown gets a last line."""
        if self._latest and self._shown:
            seconds = time.monotonic() - self._began
            self._print(f"{_counted(self._latest, seconds)}: {spell(seconds)}")
            if self.live:
                print(file=self.out, flush=True)
        self._shown = 0

    def _print(self, text: str) -> None:
        if self.live:
            print(f"\r{text.ljust(self._shown)}", end="", file=self.out, flush=True)
        else:
            print(text, file=self.out, flush=True)
        self._shown = len(text)


def line(progress: "Progress", seconds: float) -> str:
    """'bringing in: 340,000 lines, 12,400 a second, 20 %, 1 min 48 s left'."""
    parts = [_counted(progress, seconds)]
    if progress.share:
        parts.append(f"{progress.share:.0%}".replace("%", " %"))
        parts.append(f"{spell(seconds * (1 - progress.share) / progress.share)} left")
    else:
        parts.append(spell(seconds))
    return ", ".join(parts)


def _counted(progress: "Progress", seconds: float) -> str:
    if not progress.done:
        return progress.phase
    rate = progress.done / max(seconds, 0.001)
    return f"{progress.phase}: {progress.done:,} {progress.unit}, {rate:,.0f} a second"


def spell(seconds: float) -> str:
    """'8 s', '1 min 48 s', '2 h 5 min'."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"
