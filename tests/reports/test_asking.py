"""What may be asked of a report: which of several areas with one code is meant, how long a period may be; and that
nobody else waits for the answer."""

import threading
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from app.auth import VISITOR
from app.db import Engines
from app.errors import Invalid
from app.models import Area, BoundarySet
from app.reports import counting, small_counts, wards, writers
from app.reports.wards import Question
from tests import factories
from tests.factories import NORTH
from tests.routers.test_manners import assert_problem


@pytest.mark.parametrize(
    ("asked", "name"),
    [({}, "of 2022"), ({"set_name": "of 2013"}, "of 2013"), ({"at": date(2015, 1, 1)}, "of 2013"),
     ({"at": date(2022, 5, 4)}, "of 2013"), ({"at": date(2022, 5, 5)}, "of 2022")],
)  # fmt: skip
async def test_a_code_that_stayed_means_the_area_of_the_boundaries_asked_for(
    session: AsyncSession, asked: dict[str, Any], name: str
) -> None:
    change = datetime(2022, 5, 5, tzinfo=UTC)
    for called, begins, ends in (("of 2013", date(2013, 5, 2), change), ("of 2022", change.date(), None)):
        made = BoundarySet(level="ward", name=called, valid_from=begins)
        session.add(made)
        await session.flush()
        shape = "SRID=4326;MULTIPOLYGON(((-0.2 51.4, 0 51.4, 0 51.5, -0.2 51.5, -0.2 51.4)))"
        session.add(Area(set_id=made.id, level="ward", code="STAYED", name=called, geom=shape, ended_at=ends))
        await session.flush()
    report = await wards.read(session, VISITOR, Question(areas=("STAYED",), **asked))
    assert [(line.code, line.name) for line in report.lines[:-2]] == [("STAYED", name)]


@pytest.mark.parametrize("codes", [("OLD",), (NORTH, "OLD")])
async def test_what_lies_in_a_former_ward_is_not_told_as_lying_in_none(
    session: AsyncSession, codes: tuple[str, ...]
) -> None:
    await factories.draw_areas(session)
    old = BoundarySet(level="ward", name="Wards of old")
    session.add(old)
    await session.flush()
    shape = "SRID=4326;MULTIPOLYGON(((-0.2 51.4, 0 51.4, 0 51.5, -0.2 51.5, -0.2 51.4)))"
    session.add(Area(set_id=old.id, level="ward", code="OLD", name="OLD", geom=shape, ended_at=datetime.now(UTC)))
    await session.flush()
    with pytest.raises(Invalid, match="'OLD' is no ward of these boundaries"):
        await wards.read(session, VISITOR, Question(areas=codes))
    for asked in (Question(areas=("OLD",), set_name="Wards of old"), Question(areas=("OLD",), level="borough")):
        await wards.read(session, VISITOR, asked)


@pytest.mark.parametrize("since", ["0001-01-01", "0900-01-01"])
@pytest.mark.parametrize("path", ["wards", "wards.xlsx"])
async def test_a_period_that_leaves_no_room_for_one_before_is_refused(
    client: httpx.AsyncClient, path: str, since: str
) -> None:
    problem = assert_problem(await client.get(f"/api/v1/reports/{path}?since={since}"), 422, "invalid")
    assert "too long" in problem["detail"]


async def test_the_event_loop_goes_on_while_a_report_is_worked_out_and_written(
    engines: Engines, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All wards of a country held it up for most of a second."""
    async with engines.transaction() as session:
        await factories.draw_areas(session)
    seen: dict[str, set[int]] = {}
    for module, name in ((counting, "public"), (counting, "unstarted"), (small_counts, "hidden"), (writers, "_values")):
        real = getattr(module, name)

        def watched(*given: Any, real: Any = real, name: str = name, **more: Any) -> Any:
            seen.setdefault(name, set()).add(threading.get_ident())
            return real(*given, **more)

        monkeypatch.setattr(module, name, watched)
    assert (await client.get("/api/v1/reports/wards?since=2026-01-01")).status_code == 200
    assert (await client.get("/api/v1/reports/wards.csv")).status_code == 200
    assert seen.keys() == {"public", "unstarted", "hidden", "_values"}
    assert threading.get_ident() not in set.union(*seen.values())
