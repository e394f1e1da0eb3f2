"""Persons in several reports beside each other: what one of them leaves out, no other one gives away."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import VISITOR
from app.reports import figures, wards
from app.reports.wards import Question
from tests import factories
from tests.factories import BOROUGH, HERE, NORTH, NOWHERE, SOUTH
from tests.reports.test_wards import IN_SOUTH, _people, _pin, _pledges

PERSONS = [figure.name for figure in figures.of_wards() if figure.counts_persons]
#: Far from every ward, and in another square of the map.
FARTHER = (NOWHERE[0] + 1, NOWHERE[1])


async def _shown(session: AsyncSession, **asked: Any) -> dict[tuple[str, str], Any]:
    report = await wards.read(session, VISITOR, Question(**asked))
    return {
        (line.code or line.name, name): line.values[name] for line in (*report.lines, report.totals) for name in PERSONS
    }


async def test_a_period_leaves_out_the_same_cells_as_none(session: AsyncSession) -> None:
    """Two of NORTH are small. Eleven far out are at least six to the tallies: fewer than the seven of SOUTH."""
    since = datetime.now(UTC).date()
    await factories.draw_areas(session)
    people = await _people(session, 20)
    for at, some in ((HERE, people[:2]), (IN_SOUTH, people[2:9]), (NOWHERE, people[9:15]), (FARTHER, people[15:20])):
        await _pledges(session, await _pin(session, at), some)
    plain = await _shown(session)
    assert plain[NORTH, "pledges_pledged"] is None
    assert (plain[SOUTH, "pledges_pledged"], plain["In no ward", "pledges_pledged"]) == (7, None)
    assert plain["Total", "pledges_pledged"] == 20
    assert await _shown(session, since=since) == plain
    part = await _shown(session, since=since, areas=(BOROUGH,))
    assert {name: part[SOUTH, name] for name in PERSONS} == {name: plain[SOUTH, name] for name in PERSONS}
