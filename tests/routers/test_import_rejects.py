"""Rejected rows: what the database cannot hold is one of them, and their table, however long, holds nobody up."""

import csv
import io
import json

import pytest
from fastapi import FastAPI

from app.actions import import_desk
from app.auth import Actor
from app.routers import imports
from tests.factories import HERE, Town
from tests.routers import test_imports

REJECTS = 1_200


async def test_no_connection_is_held_while_somebody_reads_the_rejects_slowly(app: FastAPI) -> None:
    service = app.state.service
    town = await Town.found(app, service.engines, service.secret)
    uid = await town.sql(
        "INSERT INTO import_run (source, file_name, kind, rows_read, created, already_there, rejected) "
        "VALUES ('list', 'list.csv', 'place', :many, 0, 0, :many) RETURNING uid",
        many=REJECTS,
    )
    await town.sql(
        "INSERT INTO import_row (run_id, line, fate, title, reason) "
        "SELECT import_run.id, n, 'rejected', 'Row ' || n, 'why' "
        "FROM import_run, generate_series(1, :many) AS n ORDER BY n RETURNING 1",
        many=REJECTS,
    )
    actor = Actor.system("test")
    async with service.engines.transaction() as session:
        assert (await import_desk.get(session, actor, uid)).rejected == REJECTS
        answer = await imports.download_rejects(uid, session, service, actor)
    pieces = []
    async for piece in answer.body_iterator:
        assert service.engines.write.pool.checkedout() == 0
        pieces.append(str(piece))
    table = list(csv.reader(io.StringIO("".join(pieces))))
    assert table[0] == ["line", "reason", "title"]
    assert table[1:] == [[str(n), "why", f"Row {n}"] for n in range(1, REJECTS + 1)]
    await town.leave()


def features(**said: str) -> str:
    """A GeoJSON file of two points here."""
    here = {"type": "Feature", "geometry": {"type": "Point", "coordinates": list(HERE)}}
    rows = [here | {"properties": one} for one in (said, {"title": "Two"})]
    return json.dumps({"type": "FeatureCollection", "features": rows})


UNKEPT = (
    (features(title="One\0", note="x\0"), "its title contains the character NUL"),
    (features(title="One", **{"no\ud800te": "\ud800"}), "its no\ufffdte contains half a character"),
    (f"title,la\0t,lon\nOne,,{HERE[0]}\nTwo,{HERE[1]},{HERE[0]}\n", "its la\ufffdt is empty"),
)


@pytest.mark.parametrize(("content", "why"), UNKEPT)
async def test_what_cannot_be_kept_is_refused_row_by_row_and_shown(app: FastAPI, content: str, why: str) -> None:
    desk = await Town.found(app, app.state.service.engines, app.state.service.secret)
    seen = await test_imports.send(desk, content=content)
    assert (seen["state"], seen["fault"], seen["counts"]["read"]) == ("previewed", None, 2)
    assert (await test_imports.items(desk, seen["uid"], "rejected"))[0]["reason"] == why
    assert (await test_imports.act(desk, seen["uid"], "confirm"))["state"] == "done"
    assert await test_imports.count(desk) == seen["counts"]["created"]
    await desk.leave()
