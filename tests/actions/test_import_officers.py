"""What an officer's import may touch: their areas and nothing else, whoever brought in the releases before."""

from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from app.actions import import_desk, import_undo
from app.db import Engines
from app.errors import Busy, Conflict, Forbidden, NotFound
from app.models import OfficerArea, Source
from tests.actions.conftest import Cast
from tests.actions.releases import assets, digests, latest, release, rows, written
from tests.factories import HERE, THERE

NEAR, FAR = (str(HERE[1]), str(HERE[0])), (str(THERE[1]), str(THERE[0]))
NOT_OURS = "it lies outside the areas that you look after"


async def _give_to_the_officer(cast: Cast) -> None:
    area = select(func.min(OfficerArea.area_id)).where(OfficerArea.person_id == cast["officer"].person_id)
    source = await cast.session.scalar(select(Source))
    assert source is not None
    source.area_id = await cast.session.scalar(area)
    await cast.session.flush()


async def test_a_row_that_is_refused_is_refused_as_often_as_it_stands_there(cast: Cast, tmp_path: Path) -> None:
    lines = "title,lat,lon\n" + f"Far,{','.join(FAR)}\n" * 2 + f"Near,{','.join(NEAR)}\n" * 2
    account = await release(cast.session, written(tmp_path, lines), actor=cast["officer"])
    assert (account.read, account.created, account.already_there, account.rejected) == (4, 1, 1, 2)
    refused = await rows(cast.session, await latest(cast.session), "rejected")
    assert [(row.line, row.reason) for row in refused] == [(2, NOT_OURS), (3, NOT_OURS)]


async def test_an_officer_does_not_undo_what_an_operator_wrote_elsewhere(cast: Cast, tmp_path: Path) -> None:
    first = {"1": ("Near", "", *NEAR)}
    await release(cast.session, written(tmp_path, first), key="ref", actor=cast["officer"])
    await release(cast.session, written(tmp_path, first | {"2": ("Far", "", *FAR)}), key="ref")
    before, run = await digests(cast.session), await latest(cast.session)
    async with cast.session.begin_nested() as trial:
        with pytest.raises(Forbidden, match="outside the areas that you look after"):
            await import_undo.undo(cast.session, cast["officer"], run.uid)
        await trial.rollback()
    assert await digests(cast.session) == before
    assert (await import_undo.undo(cast.session, cast["operator"], run.uid)).removed == 1


async def test_an_officer_does_not_set_back_to_elsewhere(cast: Cast, tmp_path: Path) -> None:
    await release(cast.session, written(tmp_path, {"1": ("One", "", *FAR)}), key="ref")
    await release(cast.session, written(tmp_path, {"1": ("One", "", *NEAR)}), key="ref")
    await _give_to_the_officer(cast)
    with pytest.raises(Forbidden, match="outside the areas that you look after"):
        await import_undo.undo(cast.session, cast["officer"], (await latest(cast.session)).uid)


async def test_an_officer_undoes_their_own_import_when_the_rest_of_it_was_touched(cast: Cast, tmp_path: Path) -> None:
    """What stays is not theirs to touch, and is not touched."""
    both = {"1": ("Near", "", *NEAR), "2": ("Far", "", *FAR)}
    await release(cast.session, written(tmp_path, both), key="ref")
    await _give_to_the_officer(cast)
    await cast.session.execute(text("UPDATE asset SET version = version + 1 WHERE title = 'Far'"))
    done = await import_undo.undo(cast.session, cast["officer"], (await latest(cast.session)).uid)
    assert (done.removed, done.kept) == (1, 1)
    assert set(await assets(cast.session)) == {"Far"}


async def test_an_import_stands_below_one_whose_undoing_is_ordered(cast: Cast, tmp_path: Path) -> None:
    """Two undoings may be worked on in any order: the later release must be gone first."""
    await release(cast.session, written(tmp_path, {"1": ("One", "", *NEAR)}), key="ref")
    first = await latest(cast.session)
    await release(cast.session, written(tmp_path, {"1": ("First", "", *NEAR)}), key="ref")
    second = await latest(cast.session)
    second.state = "undoing"
    await cast.session.flush()
    with pytest.raises(Conflict, match="stands on this one: undo that first"):
        await import_undo.undo(cast.session, cast["operator"], first.uid)
    await import_undo.undo(cast.session, cast["operator"], second.uid)
    assert (await import_undo.undo(cast.session, cast["operator"], first.uid)).removed == 1


async def test_an_import_that_was_overtaken_is_told_so(engines: Engines, tmp_path: Path) -> None:
    """It began before the one that it would stand on, and which of them is undone first could not be told."""
    path = written(tmp_path, {"1": ("One", "", *NEAR)})
    async with engines.transaction() as slow:
        await slow.scalar(text("SELECT 1"))  # it is at its file
        async with engines.transaction() as quick:
            await release(quick, path, key="ref")
        with pytest.raises(Busy, match="was brought in a moment ago"):
            await release(slow, written(tmp_path, {"1": ("First", "", *NEAR)}), key="ref")
    async with engines.transaction() as later:
        assert (await release(later, path, key="ref")).updated == 1


async def test_no_import_is_meant_by_nothing(cast: Cast, tmp_path: Path) -> None:
    await release(cast.session, written(tmp_path, {"1": ("One", "", *NEAR)}))
    run = await latest(cast.session)
    assert (await import_desk.beginning_with(cast.session, cast["operator"], str(run.uid)[:6])).uid == run.uid
    for number in ("", "%", "zz"):
        with pytest.raises(NotFound):
            await import_desk.beginning_with(cast.session, cast["operator"], number)
