"""The sentence of the design: for any filter on kind and theme, the counts of all tiles of a zoom and what has no place
add up to what the list says, whatever people do over four connections at once, folded or not, and while they do it.

A killed connection stands for a crash here: its transaction is gone half-way. tests/drills kills a whole cluster.
"""

import random
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.db import Engines
from tests.conftest import Database
from tests.geo import programs

ZOOMS = (0, 5, 11, 13, 14, 16, 22)
steps = st.lists(
    st.tuples(st.sampled_from(programs.STEPS), st.integers(0, 2**16), st.sampled_from([True, True, True, False])),
    min_size=2,
    max_size=8,
)


@settings(
    max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(program=st.tuples(steps, steps, steps, steps), zooms=st.permutations(ZOOMS))
async def test_every_count_is_exact_during_and_after_any_program(
    engines: Engines, tmp_path: Path, program: tuple[list[tuple[str, int, bool]], ...], zooms: list[int]
) -> None:
    await programs.run(engines, tmp_path, program, zooms[:3])


def busy(seed: int) -> list[list[tuple[str, int, bool]]]:
    """A program in which everything happens, in an order of its own."""
    dice = random.Random(seed)
    first = [[("publish", dice.randrange(2**16), True) for _ in range(3)] for _ in range(4)]
    rest = [
        [(dice.choice(programs.STEPS), dice.randrange(2**16), dice.random() < 0.8) for _ in range(9)] for _ in range(4)
    ]
    return [one + other for one, other in zip(first, rest, strict=True)]


async def test_the_programs_do_what_they_say(engines: Engines, tmp_path: Path) -> None:
    people = await programs.run(engines, tmp_path, busy(7), (0, 14))
    done = {name for one in people for name in one.done}
    assert done >= {"publish", "import", "fold"}
    assert done & {"move", "theme"}
    assert done & {"hide", "withdraw"}


async def test_a_log_that_loses_a_row_is_caught(engines: Engines, tmp_path: Path, database: Database) -> None:
    """The mutant: a trigger that drops one row of the log. The same check must turn red."""
    with database.cluster.connect(database=database.name) as owner:
        owner.execute(
            """
            CREATE FUNCTION lose_one() RETURNS trigger LANGUAGE plpgsql AS $$
            BEGIN
              RETURN CASE WHEN new.id % 5 = 0 THEN NULL ELSE new END;
            END $$;
            CREATE TRIGGER lose_one BEFORE INSERT ON map_change FOR EACH ROW EXECUTE FUNCTION lose_one();
            """
        )
    began = time.monotonic()
    with pytest.raises(AssertionError, match=r"zoom|drift|\{0\}"):
        await programs.run(engines, tmp_path, busy(7), (0, 14))
    assert time.monotonic() - began < 60
