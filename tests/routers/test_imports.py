"""Imports over HTTP, as the officer desk uses them: send, preview, correct, confirm, place, undo, and who may."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.exc import ProgrammingError

from app import tasks
from app.actions import import_jobs, upkeep
from app.actions.progress import untold
from app.actions.tries import Outcome, Try
from app.db import Engines
from app.routers import deps
from tests import factories
from tests.factories import HERE, THERE, Town, document

LINES = (
    "ref,title,use,lat,lon\n"
    f"1,One,first,{HERE[1]},{HERE[0]}\n2,Two,second,{HERE[1] + 0.002},{HERE[0]}\n"
    f"3,Far,third,{THERE[1]},{THERE[0]}\n4,Nowhere,fourth,,\n"
)
IMPORTS = "/api/v1/imports"


@pytest.fixture
async def desk(app: FastAPI) -> AsyncIterator[Town]:
    """A town of this test's own, whose jobs are done by `done`."""
    service = app.state.service
    town = await Town.found(app, service.engines, service.secret)
    yield town
    await town.leave()


async def done(desk: Town) -> None:
    """Do all jobs that wait."""
    service = desk.app.state.service
    await tasks.work_off(service.settings, service.engines, service.secret)


async def send(desk: Town, who: str = "officer", content: str | bytes = LINES, **asked: str) -> dict[str, Any]:
    """Send a file and wait for its preview."""
    asked = {"file_name": "list.csv", "kind": "place"} | asked
    answer = await desk[who].post(
        IMPORTS, content=content, params={name: value for name, value in asked.items() if value}
    )
    assert answer.status_code == 202, answer.text
    assert answer.headers["location"] == f"{IMPORTS}/{answer.json()['uid']}"
    assert answer.json()["state"] == "waiting"
    await done(desk)
    return await read(desk, answer.json()["uid"], who)


async def read(desk: Town, uid: str, who: str = "officer") -> dict[str, Any]:
    """The import as it stands."""
    answer = await desk[who].get(f"{IMPORTS}/{uid}")
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def act(desk: Town, uid: str, verb: str, who: str = "officer") -> dict[str, Any]:
    """Confirm or undo, and wait for it."""
    answer = await desk[who].post(f"{IMPORTS}/{uid}/{verb}")
    assert answer.status_code == 202, answer.text
    await done(desk)
    return await read(desk, uid, who)


async def items(desk: Town, uid: str, fate: str, who: str = "officer") -> list[dict[str, Any]]:
    """The rows of which this became."""
    answer = await desk[who].get(f"{IMPORTS}/{uid}/rows", params={"is": fate})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def count(desk: Town) -> int:
    """Assets in the database."""
    return int(await desk.sql("SELECT count(*) FROM asset"))


async def test_a_guessed_column_can_be_kept_as_text_and_stays_so(desk: Town) -> None:
    seen = await send(desk)
    assert seen["map"]["details.use"] == "use"
    for said in ({"map": {**seen["map"], "details.use": ""}}, {"theme": "green"}):
        answer = await desk["officer"].patch(f"{IMPORTS}/{seen['uid']}", json=said)
        assert answer.status_code == 202, answer.text
        await done(desk)
        seen = await read(desk, seen["uid"])
        assert (seen["state"], seen["map"]["details.use"]) == ("previewed", "")
        assert {column["name"]: column["field"] for column in seen["columns"]}["use"] is None
        assert any(line.startswith("Kept as lines of the text: ") and "use" in line for line in seen["understood"])


async def test_an_officer_previews_corrects_brings_in_places_and_undoes(desk: Town) -> None:
    seen = await send(desk)
    assert (seen["state"], seen["fault"], seen["source"], seen["by"]) == ("previewed", None, "list", "Officer")
    counts = {"read": 4, "created": 2, "unplaced": 1, "rejected": 1, "updated": 0, "conflicts": 0, "already_there": 0}
    assert seen["counts"].items() >= (counts | {"retired": 0, "in_areas": 2, "outside": 0}).items()
    assert {column["name"]: column["field"] for column in seen["columns"]} == {
        "ref": None, "title": "title", "use": "details.use", "lat": "y", "lon": "x",
    }  # fmt: skip
    assert seen["columns"][1]["samples"] == ["One", "Two", "Far"]
    assert "The name of each row: from 'title'" in seen["understood"]
    assert await count(desk) == 0, "a preview writes nothing"

    answer = await desk["officer"].patch(f"{IMPORTS}/{seen['uid']}", json={"key": "ref", "map": {"summary": "use"}})
    assert answer.status_code == 202, answer.text
    await done(desk)
    seen = await read(desk, seen["uid"])
    assert (seen["state"], seen["key"], seen["map"]["summary"]) == ("previewed", "ref", "use")
    assert [(row["line"], row["reason"]) for row in await items(desk, seen["uid"], "rejected")] == [
        (4, "it lies outside the areas that you look after")
    ]
    points = (await desk["officer"].get(f"{IMPORTS}/{seen['uid']}/map.geojson")).json()
    assert [one["properties"]["is"] for one in points["features"]] == ["rejected", "created", "created"]

    run = await act(desk, seen["uid"], "confirm")
    assert (run["state"], run["counts"]) == ("done", seen["counts"])
    assert {sample for column in run["columns"] for sample in column["samples"]} == set(), "cells are not kept"
    assert await count(desk) == 2
    created = await items(desk, run["uid"], "created")
    asset = await desk["visitor"].get(f"/api/v1/assets/{created[0]['asset']}")
    assert asset.json()["properties"]["summary"] == "first"

    (waits,) = await items(desk, run["uid"], "unplaced")
    assert (waits["title"], waits["waits"], waits["reason"]) == ("Nowhere", True, "it has no coordinates")
    place = {"geometry": {"type": "Point", "coordinates": list(HERE)}}
    placed = await desk["officer"].post(f"{IMPORTS}/rows/{waits['id']}/place", json=place)
    assert placed.status_code == 201, placed.text
    assert (await desk["visitor"].get(f"/api/v1/assets/{placed.json()['asset']}")).status_code == 200
    assert (await desk["officer"].post(f"{IMPORTS}/rows/{waits['id']}/place", json=place)).status_code == 404
    assert (await read(desk, run["uid"]))["counts"]["unplaced"] == 0

    await desk["other"].put(f"/api/v1/assets/{created[1]['asset']}/appreciation")
    gone = await act(desk, run["uid"], "undo")
    assert gone["state"] == "undone"
    assert await count(desk) == 1
    (kept,) = await items(desk, run["uid"], "kept")
    assert (kept["asset"], kept["reason"]) == (created[1]["asset"], "people appreciated it")


async def test_the_desk_counts_previews_and_rows_that_wait(desk: Town) -> None:
    async def waits(who: str) -> tuple[int, int]:
        found = (await desk[who].get("/api/v1/desk")).json()
        return found["unplaced"], found["imports_waiting"]

    first, _ = await send(desk), await send(desk)
    assert await waits("officer") == await waits("operator") == (0, 2)
    await act(desk, first["uid"], "confirm")
    assert {who: await waits(who) for who in ("officer", "operator", "far_officer", "councillor")} == {
        "officer": (1, 1), "operator": (1, 1), "far_officer": (0, 0), "councillor": (0, 0),
    }  # fmt: skip


async def test_the_next_release_shows_the_difference_first(desk: Town) -> None:
    first = await act(desk, (await send(desk, "operator", key=""))["uid"], "confirm", "operator")
    assert first["state"] == "done"
    again = await send(desk, "operator", kind="")
    assert (again["kind"], again["counts"]["already_there"], again["counts"]["created"]) == ("place", 4, 0)
    after = await act(desk, again["uid"], "confirm", "operator")
    assert (after["state"], await count(desk)) == ("done", 3)
    (source,) = (await desk["operator"].get("/api/v1/sources")).json()["items"]
    assert (source["name"], source["kind"], source["map"]) == ("list", "place", {})
    listed = (await desk["operator"].get(IMPORTS, params={"limit": 1})).json()
    assert [one["uid"] for one in listed["items"]] == [again["uid"]]
    rest = (await desk["operator"].get(listed["next"])).json()
    assert [one["uid"] for one in rest["items"]] == [first["uid"]]


async def test_updates_show_before_and_after(desk: Town) -> None:
    sent = await send(desk, "operator")
    await desk["operator"].patch(f"{IMPORTS}/{sent['uid']}", json={"key": "ref"})
    await done(desk)
    await act(desk, sent["uid"], "confirm", "operator")
    changed = LINES.replace("One", "Once").replace(f"3,Far,third,{THERE[1]},{THERE[0]}\n", "")
    seen = await send(desk, "operator", changed, kind="")
    assert (seen["counts"]["updated"], seen["counts"]["retired"]) == (1, 1)
    (row,) = await items(desk, seen["uid"], "updated", "operator")
    assert (row["before"], row["after"]) == ({"title": "One"}, {"title": "Once"})
    (gone,) = await items(desk, seen["uid"], "retired", "operator")
    assert (gone["title"], gone["before"], gone["after"]) == ("Far", {"stage": "active"}, {"stage": "ended"})


async def test_retiring_more_than_half_must_be_said(desk: Town) -> None:
    await act(desk, (await send(desk, "operator"))["uid"], "confirm", "operator")
    seen = await send(desk, "operator", "".join(LINES.splitlines(keepends=True)[:2]), kind="")
    assert seen["counts"]["retired"] == 2
    assert "more than half" in seen["remarks"][-1]
    refused = await desk["operator"].post(f"{IMPORTS}/{seen['uid']}/confirm")
    assert (refused.status_code, "retire: true" in refused.json()["detail"]) == (409, True)
    await desk["operator"].patch(f"{IMPORTS}/{seen['uid']}", json={"retire": True})
    await done(desk)
    assert (await act(desk, seen["uid"], "confirm", "operator"))["counts"]["retired"] == 2


# ── faults ──────────────────────────────────────────────────────────────────────────────────


#: What is sent, what is asked of it, and what is said of it.
FAULTS: tuple[tuple[str | bytes, dict[str, str], str], ...] = (
    ("a,b\n1,2\n", {}, "No coordinates were found"),
    (b"\x00\xff\x13" * 100, {}, "list.csv"),
    ('{"type": "FeatureCollection", "features": [', {"file_name": "cut.geojson"}, "cut.geojson is damaged"),
    (LINES, {"kind": ""}, "Nothing was brought in from 'list' before"),
    (LINES, {"kind": "castle"}, "There is no kind 'castle'"),
)


async def test_a_file_that_cannot_be_understood_says_why_and_can_be_corrected(desk: Town) -> None:
    for content, asked, says in FAULTS:
        seen = await send(desk, "officer", content, **asked)
        assert (seen["state"], says in seen["fault"]) == ("failed", True), seen["fault"]
        assert (await desk["officer"].post(f"{IMPORTS}/{seen['uid']}/confirm")).status_code == 409
        if says.startswith("No coordinates"):
            await desk["officer"].patch(f"{IMPORTS}/{seen['uid']}", json={"map": {"title": "b", "x": "", "y": ""}})
            await done(desk)
            kept = await read(desk, seen["uid"])
            assert (kept["state"], kept["counts"]["read"], kept["counts"]["unplaced"]) == ("previewed", 1, 1)
        if content == LINES:
            assert [column["name"] for column in seen["columns"]] == ["ref", "title", "use", "lat", "lon"]
            await desk["officer"].patch(f"{IMPORTS}/{seen['uid']}", json={"kind": "place"})
            await done(desk)
            assert (await read(desk, seen["uid"]))["state"] == "previewed"
    assert await count(desk) == 0


async def test_an_empty_body_and_a_bad_name_are_refused(desk: Town) -> None:
    asked = {"file_name": "list.csv", "kind": "place"}
    assert (await desk["officer"].post(IMPORTS, content=b"", params=asked)).status_code == 422
    for name in ("", "../list.csv", "a/b.csv", "a\\b.csv", "..", "a\nb.csv", "x" * 201):
        refused = await desk["officer"].post(IMPORTS, content=LINES, params={"file_name": name, "kind": "place"})
        assert refused.status_code == 422, name
    assert await desk.sql("SELECT count(*) FROM import_run") == 0


async def test_a_file_may_be_as_large_as_the_limit_and_no_larger(desk: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    """On both sides, with the length announced and without; other routes keep their own limit."""
    most = deps.MAX_IMPORT
    assert most == (await desk["visitor"].get("/api/v1/limits")).json()["import_bytes"] == 64_000_000
    piece = b"x" * 1_000_000

    async def body(size: int) -> AsyncIterator[bytes]:
        for _ in range(size // len(piece)):
            yield piece
        if size % len(piece):
            yield b"x" * (size % len(piece))

    asked = {"file_name": "large.csv", "kind": "place"}
    for announced in (True, False):
        headers = {"content-length": str(most + 1)} if announced else {}
        refused = await desk["officer"].post(IMPORTS, content=body(most + 1), params=asked, headers=headers)
        assert refused.status_code == 413, refused.text
        assert "64,000,000 bytes" in refused.json()["detail"]
    assert await desk.sql("SELECT count(*) FROM file") == 0
    taken = await desk["officer"].post(IMPORTS, content=body(most), params=asked)
    assert taken.status_code == 202, taken.text
    assert await desk.sql("SELECT size FROM file") == most
    uid = taken.json()["uid"]
    assert (await desk["officer"].delete(f"{IMPORTS}/{uid}")).status_code == 204
    assert await desk.sql("SELECT count(*) FROM file_part") == 0
    for method, path in (("PATCH", f"{IMPORTS}/{uid}"), ("POST", "/api/v1/assets"), ("PUT", IMPORTS)):
        small = await desk["officer"].request(method, path, content=b"x" * (deps.MAX_BODY + 1))
        assert small.status_code == 413


async def test_an_unfinished_import_is_removed_with_its_file_and_a_finished_one_is_not(desk: Town) -> None:
    first, other = await send(desk), await send(desk)
    assert (await desk["officer"].delete(f"{IMPORTS}/{first['uid']}")).status_code == 204
    assert (await desk["officer"].get(f"{IMPORTS}/{first['uid']}")).status_code == 404
    assert await desk.sql("SELECT count(*) FROM file") == 1
    await act(desk, other["uid"], "confirm")
    assert (await desk["officer"].delete(f"{IMPORTS}/{other['uid']}")).status_code == 409
    assert (await desk["officer"].patch(f"{IMPORTS}/{other['uid']}", json={"key": "ref"})).status_code == 409
    assert (await desk["officer"].post(f"{IMPORTS}/{other['uid']}/confirm")).status_code == 409
    assert await desk.sql("SELECT count(*) FROM file") == 0, "what is brought in is not kept"


async def test_what_was_sent_and_not_brought_in_is_forgotten(desk: Town) -> None:
    first, other, fresh = await send(desk), await send(desk), await send(desk, file_name="fresh.csv")
    await act(desk, other["uid"], "confirm")
    aged = "UPDATE import_run SET created_at = now() - interval '8 days' WHERE uid <> :fresh RETURNING 1"
    await desk.sql(aged, fresh=fresh["uid"])
    async with desk.app.state.service.engines.transaction() as session:
        await upkeep.forget(session)
    listed = (await desk["officer"].get(IMPORTS)).json()["items"]
    assert [one["uid"] for one in listed] == [fresh["uid"], other["uid"]]
    assert await desk.sql("SELECT count(*) FROM import_row WHERE run_id NOT IN (SELECT id FROM import_run)") == 0
    assert (await desk["officer"].get(f"{IMPORTS}/{first['uid']}")).status_code == 404


async def test_the_reading_role_sees_nothing_of_imports(engines: Engines) -> None:
    for table in ("import_run", "import_row", "source"):
        with pytest.raises(ProgrammingError, match="permission denied"):
            async with engines.reading() as session:
                await session.execute(text(f"SELECT * FROM {table}"))


async def test_a_job_that_is_begun_again_brings_nothing_in_twice(desk: Town, tmp_path: Path) -> None:
    sent = await send(desk)
    await act(desk, sent["uid"], "confirm")
    engines = desk.app.state.service.engines
    async with engines.transaction() as session:
        officer = await factories.actor(session, desk.people["officer"])
    job = await desk.sql("SELECT uid FROM job WHERE what = 'import.run'")
    again = Try(job, 2, "import.run", {"import": sent["uid"]}, officer, tmp_path)
    for work in (import_jobs.bring_in, import_jobs.preview, import_jobs.undo):
        assert await work(engines, again, untold) == Outcome()
    assert ((await read(desk, sent["uid"]))["state"], await count(desk)) == ("done", 2)


async def test_a_job_that_died_is_told_as_a_failure(desk: Town) -> None:
    sent, other = await send(desk), await send(desk)
    for one in (sent, other):
        await desk["officer"].post(f"{IMPORTS}/{one['uid']}/confirm")
        assert (await desk["officer"].delete(f"{IMPORTS}/{one['uid']}")).status_code == 409
    await desk.sql("DELETE FROM job WHERE what = 'import.run' RETURNING 1")
    seen = await read(desk, sent["uid"])
    assert (seen["state"], seen["fault"]) == ("failed", "This was cut off. Try again.")
    assert (await desk["officer"].delete(f"{IMPORTS}/{other['uid']}")).status_code == 204
    assert (await desk["officer"].patch(f"{IMPORTS}/{sent['uid']}", json={})).status_code == 202
    await done(desk)
    assert (await act(desk, sent["uid"], "confirm"))["state"] == "done"


async def test_what_came_in_meanwhile_is_told_of_the_rows_too(desk: Town) -> None:
    first, second = await send(desk), await send(desk)
    await act(desk, first["uid"], "confirm")
    run = await act(desk, second["uid"], "confirm")
    assert (run["state"], run["counts"]["created"], run["counts"]["already_there"]) == ("done", 0, 3)
    assert await items(desk, run["uid"], "created") == await items(desk, run["uid"], "unplaced") == []
    assert len(await items(desk, run["uid"], "rejected")) == 1


# ── who may ─────────────────────────────────────────────────────────────────────────────────


async def test_only_officers_and_operators_see_imports_and_each_their_own(desk: Town) -> None:
    sent = await send(desk)
    paths = [IMPORTS, f"{IMPORTS}/{sent['uid']}", f"{IMPORTS}/{sent['uid']}/rows?is=created", "/api/v1/sources",
             f"{IMPORTS}/{sent['uid']}/map.geojson", f"{IMPORTS}/{sent['uid']}/rejects.csv"]  # fmt: skip
    wanted = {"visitor": 401, "owner": 403, "officer": 200, "operator": 200}
    for who, status in wanted.items():
        assert {(await desk[who].get(path)).status_code for path in paths} == {status}, who
    for path in paths[1:3] + paths[4:]:
        assert (await desk["far_officer"].get(path)).status_code == 404
    assert (await desk["far_officer"].get(IMPORTS)).json()["items"] == []
    for verb in ("confirm", "undo"):
        assert (await desk["far_officer"].post(f"{IMPORTS}/{sent['uid']}/{verb}")).status_code == 404
    assert (await desk["far_officer"].delete(f"{IMPORTS}/{sent['uid']}")).status_code == 404
    for who, status in (("visitor", 401), ("owner", 403)):
        refused = await desk[who].post(IMPORTS, content=LINES, params={"file_name": "a.csv", "kind": "place"})
        assert refused.status_code == status
    key = await desk.app_of("operator", "assets:write", "moderate", "reports:read")
    assert (await key.get(IMPORTS)).status_code == 403


async def test_a_source_of_another_area_is_refused_in_words(desk: Town) -> None:
    await act(desk, (await send(desk))["uid"], "confirm")
    seen = await send(desk, "far_officer")
    assert (seen["state"], "brought in by others" in seen["fault"]) == ("failed", True)


async def test_rejects_are_a_table_of_harmless_text(desk: Town) -> None:
    hostile = f'ref,title,lat,lon\n1,"=HYPERLINK(""x"")",{THERE[1]},{THERE[0]}\n2,+1,5,5\n'
    seen = await send(desk, content=hostile)
    assert seen["counts"]["rejected"] == 2
    answer = await desk["officer"].get(f"{IMPORTS}/{seen['uid']}/rejects.csv")
    assert answer.headers["content-disposition"] == 'attachment; filename="rejects-list.csv"'
    table = list(csv.reader(io.StringIO(answer.text)))
    assert table[0] == ["line", "reason", "title"]
    assert [row[2] for row in table[1:]] == ['\'=HYPERLINK("x")', "'+1"]


async def test_imported_assets_are_found_like_any_other(desk: Town) -> None:
    await act(desk, (await send(desk, "operator"))["uid"], "confirm", "operator")
    listed = (await desk["visitor"].get("/api/v1/assets", params={"count": "exact"})).json()
    assert listed["numberMatched"] == 3
    made = await desk["owner"].post("/api/v1/assets", json=document("place"))
    assert isinstance(made, httpx.Response) and made.status_code == 201
