"""The table of rejected rows: however long it is and however slowly it is read, it is whole and holds nobody up."""

import csv
import io

from fastapi import FastAPI

from app.actions import import_desk
from app.auth import Actor
from app.routers import imports
from tests.factories import Town

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
