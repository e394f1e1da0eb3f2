"""What is left out of a column cannot be worked out from what is shown."""

from collections.abc import Sequence
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.reports.small_counts import THRESHOLD, Cell, hidden

COUNTS = st.lists(st.integers(0, 12), min_size=1, max_size=8)


def _hidden(counts: Sequence[int], total_persons: int | None = None) -> tuple[set[int], bool]:
    total = sum(counts)
    return hidden(
        [Cell(count, count) for count in counts], Cell(total, total if total_persons is None else total_persons)
    )


def _fixed(counts: Sequence[int], out: set[int], no_total: bool) -> set[int]:
    """An attacker who knows the rule: the hidden rows that can have only one value."""
    if no_total or not out:
        return set()
    rest = sum(counts[i] for i in out)
    possible: dict[int, set[int]] = {i: set() for i in out}

    def fill(left: list[int], missing: int, taken: dict[int, int]) -> None:
        if not left:
            if missing == 0 and any(value >= THRESHOLD for value in taken.values()):
                for i, value in taken.items():
                    possible[i].add(value)
            return
        for value in range(1, missing - len(left) + 2):
            fill(left[1:], missing - value, taken | {left[0]: value})

    fill(sorted(out), rest, {})
    return {i for i, values in possible.items() if len(values) == 1}


@given(COUNTS)
def test_no_count_under_the_threshold_is_shown_and_every_other_zero_or_large_one_may_be(counts: list[int]) -> None:
    out, _ = _hidden(counts)
    assert all(i in out for i, count in enumerate(counts) if 0 < count < THRESHOLD)
    assert all(i not in out for i, count in enumerate(counts) if count == 0)


@given(st.lists(st.integers(0, 9), min_size=1, max_size=5))
def test_a_solver_finds_no_hidden_count(counts: list[int]) -> None:
    out, no_total = _hidden(counts)
    fixed = _fixed(counts, out, no_total)
    assert not {i for i in fixed if 0 < counts[i] < THRESHOLD}


@given(st.lists(st.integers(0, 9), min_size=2, max_size=5))
def test_the_same_solver_finds_them_where_only_small_rows_are_hidden(counts: list[int]) -> None:
    """The control: without a companion the one small row is the total minus the rest."""
    small = {i for i, count in enumerate(counts) if 0 < count < THRESHOLD}
    if len(small) == 1:
        assert sum(counts) - sum(count for i, count in enumerate(counts) if i not in small) == counts[small.pop()]


@pytest.mark.parametrize(
    ("counts", "out", "no_total"),
    [
        ([0, 0, 0], set(), False),
        ([7, 9, 30], set(), False),
        ([3, 9, 7, 30], {0, 2}, False),
        ([3, 2, 30], {0, 1, 2}, False),
        ([3, 0, 0], {0}, True),
        ([2, 2, 2], {0, 1, 2}, True),
        ([1], {0}, True),
    ],
)
def test_columns_worked_out_by_hand(counts: list[int], out: set[int], no_total: bool) -> None:
    assert _hidden(counts) == (out, no_total)


def test_one_person_with_many_pledges_is_one_person() -> None:
    rows = [Cell(12, 1), Cell(20, 8), Cell(9, 9)]
    assert hidden(rows, Cell(41, 18)) == ({0, 1}, False)


def test_a_total_over_few_persons_is_left_out() -> None:
    """The same three people in every ward: each ward is small, and so is the sum."""
    assert hidden([Cell(3, 3), Cell(3, 3)], Cell(6, 3)) == ({0, 1}, True)


@given(COUNTS)
def test_where_the_total_is_shown_what_is_missing_is_large(counts: list[int]) -> None:
    out, no_total = _hidden(counts)
    if out and not no_total:
        assert len(out) >= 2
        assert sum(counts[i] for i in out) > THRESHOLD
        assert not any(sum(counts[i] for i in pair) < THRESHOLD for pair in combinations(sorted(out), len(out)))
