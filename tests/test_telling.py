"""How far a long command is: words for a person, and where they go."""

import io
import time
from itertools import pairwise

import pytest

from app.actions.progress import Progress
from app.cli import telling
from app.cli.telling import Teller, line, spell


class Terminal(io.StringIO):
    """A terminal that remembers."""

    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("progress", "seconds", "says"),
    [
        (
            Progress("bringing in", 340_000, "lines", 0.2), 27.2,
            "bringing in: 340,000 lines, 12,500 a second, 20 %, 1 min 49 s left",
        ),
        (Progress("bringing in", 340_000, "lines"), 27.2, "bringing in: 340,000 lines, 12,500 a second, 27 s"),
        (Progress("counting for the map"), 8.4, "counting for the map, 8 s"),
        (Progress("setting wards", 0, "assets", 0.0), 1.0, "setting wards, 1 s"),
    ],
)  # fmt: skip
def test_a_line_says_what_how_much_how_quickly_and_how_long_still(
    progress: Progress, seconds: float, says: str
) -> None:
    assert line(progress, seconds) == says


@pytest.mark.parametrize(
    ("seconds", "says"), [(0.4, "0 s"), (59.6, "1 min 0 s"), (108, "1 min 48 s"), (7500, "2 h 5 min")]
)
def test_times_are_spelled(seconds: float, says: str) -> None:
    assert spell(seconds) == says


def test_on_a_terminal_one_line_changes_and_a_shorter_one_covers_the_longer() -> None:
    out = Terminal()
    teller = Teller(out, live=True)
    for done in (1_000_000, 1):
        teller.hear(Progress("bringing in", done, "lines", 0.5))
        teller.show()
    assert "\n" not in out.getvalue()
    shown = out.getvalue().split("\r")[1:]
    assert all(len(later) >= len(earlier.rstrip()) for earlier, later in pairwise(shown))
    teller.end()
    assert out.getvalue().endswith("\n")


def test_a_new_phase_leaves_the_line_of_the_one_before_and_begins_its_own_clock() -> None:
    out = io.StringIO()
    teller = Teller(out, live=False)
    teller.hear(Progress("bringing in", 10, "lines", 1.0))
    teller.show()
    teller.hear(Progress("counting for the map"))
    teller.show()
    teller.end()
    lines = out.getvalue().splitlines()
    assert [one.partition(":")[0].partition(",")[0] for one in lines] == [
        "bringing in", "bringing in", "counting for the map", "counting for the map",
    ]  # fmt: skip
    assert lines[-1] == "counting for the map: 0 s"


def test_what_is_over_at_once_says_nothing() -> None:
    out = io.StringIO()
    with telling.telling(out) as tell:
        tell(Progress("bringing in", 10, "lines", 1.0))
    assert out.getvalue() == ""


def test_between_two_words_of_an_action_the_clock_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(telling, "PLAIN_S", 0.05)
    out = io.StringIO()
    with telling.telling(out) as tell:
        tell(Progress("counting for the map"))
        end = time.monotonic() + 10
        while out.getvalue().count("\n") < 3 and time.monotonic() < end:
            time.sleep(0.01)
    assert out.getvalue().count("counting for the map") >= 3
