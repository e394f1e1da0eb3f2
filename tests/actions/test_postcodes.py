"""Bringing in postcodes."""

from pathlib import Path

import pytest
import xlsxwriter
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.actions import postcodes
from app.actions.progress import Progress
from app.auth import VISITOR, Actor
from app.errors import Invalid, NotSignedIn
from app.models import Postcode

OPERATOR = Actor.system("test")


def _file(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "postcodes.csv"
    path.write_text(content, encoding="utf-8")
    return path


async def _points(session: AsyncSession) -> dict[str, tuple[float, float]]:
    rows = await session.execute(select(Postcode.code, func.ST_X(Postcode.geom), func.ST_Y(Postcode.geom)))
    return {code: (lon, lat) for code, lon, lat in rows}


async def test_it_says_how_far_it_is(session: AsyncSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postcodes, "BATCH", 2)
    told: list[Progress] = []
    path = _file(tmp_path, "postcode,lon,lat\nSW21JQ,-0.11,51.46\nSW21JR,-0.12,51.46\nSW21JS,-0.12,51.46\n")
    await postcodes.bring_in(session, OPERATOR, path, tell=told.append)
    assert [(one.phase, one.done, one.unit) for one in told] == [
        ("reading", 2, "lines"), ("reading", 3, "lines"), ("keeping what is new", 0, ""),
    ]  # fmt: skip


async def test_postcodes_come_in_move_and_stay(session: AsyncSession, tmp_path: Path) -> None:
    first = _file(tmp_path, "postcode,lon,lat\nsw2 1jq,-0.11,51.46\nSW21JR,-0.12,51.46\n,1,1\nSW2 1JS,,\nnone,0,51\n")
    account = await postcodes.bring_in(session, OPERATOR, first)
    assert (account.read, account.created, account.rejected) == (5, 2, 3)
    assert await _points(session) == {"SW21JQ": (-0.11, 51.46), "SW21JR": (-0.12, 51.46)}
    again = await postcodes.bring_in(session, OPERATOR, first)
    assert (again.created, again.moved, again.already_there, again.rejected) == (0, 0, 2, 3)
    second = _file(tmp_path, "pcds,easting,northing\nSW2 1JQ,531067,175255\nSW2 1JQ,531067,175256\n")
    moved = await postcodes.bring_in(session, OPERATOR, second)
    assert (moved.created, moved.moved) == (0, 1)
    lon, lat = (await _points(session))["SW21JQ"]
    assert [lon, lat] == pytest.approx([-0.1147, 51.4611], abs=1e-3)


async def test_a_list_without_postcodes_names_its_columns(session: AsyncSession, tmp_path: Path) -> None:
    with pytest.raises(Invalid, match=r"No column holds postcodes.*The columns are: code, lon, lat"):
        await postcodes.bring_in(session, OPERATOR, _file(tmp_path, "code,lon,lat\nSW2 1JQ,-0.11,51.46\n"))
    with pytest.raises(NotSignedIn):
        await postcodes.bring_in(session, VISITOR, _file(tmp_path, "postcode,lon,lat\nSW2 1JQ,-0.11,51.46\n"))


async def test_every_postcode_of_lambeth_comes_in_once(session: AsyncSession, shared_data: Path) -> None:
    path = shared_data / "postcodes" / "lambeth_postcodes_2014.csv"
    assert (await postcodes.bring_in(session, OPERATOR, path)).created == 6130
    assert (await postcodes.bring_in(session, OPERATOR, path)).already_there == 6130


async def test_a_list_of_postcodes_may_be_a_workbook(session: AsyncSession, tmp_path: Path) -> None:
    path = tmp_path / "postcodes.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for number, cells in enumerate([["pcds", "oseast", "easting", "northing"], ["sw2 1jq", 1, 531067, 175255]]):
            sheet.write_row(number, 0, cells)
    assert (await postcodes.bring_in(session, OPERATOR, path)).created == 1
    lon, lat = (await _points(session))["SW21JQ"]
    assert [lon, lat] == pytest.approx([-0.1147, 51.4611], abs=1e-3)
