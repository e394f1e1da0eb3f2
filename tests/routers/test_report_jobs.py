"""Reports that are ordered over HTTP: watched, fetched, removed; and to everybody else they are not there."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from uuid import UUID, uuid4

import httpx
import pytest
from sqlalchemy import text

from app import errors, files, tasks
from app.actions import orders, tries
from app.actions.progress import Progress, Tell
from app.actions.tries import Outcome, Try
from app.db import Engines
from app.reports import asking, registry
from app.routers import limits, report_jobs
from tests.factories import BOROUGH, NORTH, Town
from tests.routers.test_manners import assert_problem

PATH = "/api/v1/reports/jobs"
MEMBERS = {"uid", "state", "progress", "fault", "format", "name", "size", "expires_at", "file", "created_at"}


@pytest.fixture(autouse=True)
def _room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))


@pytest.fixture
async def ana(town: Town) -> AsyncIterator[httpx.AsyncClient]:
    """Somebody who orders, with nothing ordered yet."""
    _, client = await town.settle("Ana")
    yield client


async def ordered(client: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    """Order a report."""
    answer = await client.post(PATH, json={"report": "wards", "format": "csv", **asked})
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


async def done(town: Town, uid: str, content: bytes = b"ward,total\r\n", name: str = "report.csv") -> None:
    """A worker of the test's own does it."""

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        path = this.folder / "it"
        path.write_bytes(content)
        return Outcome(None, path, name, "text/csv; charset=utf-8")

    await tries.run(town.engines, UUID(uid), {"report": work})


# The life of an order ------------------------------------------------------------------------------------------------


async def test_a_report_is_ordered_watched_fetched_and_removed(town: Town, ana: httpx.AsyncClient) -> None:
    answer = await ana.post(PATH, json={"report": "wards", "format": "csv", "areas": [BOROUGH], "since": "2026-05-01"})
    assert answer.status_code == 202
    job = answer.json()
    path = answer.headers["location"]
    assert path == f"{PATH}/{job['uid']}"
    assert job.keys() == MEMBERS
    waiting = {"state": "waiting", "format": "csv"} | dict.fromkeys(
        ("progress", "fault", "name", "size", "expires_at", "file")
    )
    assert {name: job[name] for name in waiting} == waiting
    early = assert_problem(await ana.get(f"{path}/file"), 409, "conflict")
    assert early["detail"] == "This report is not done yet."
    await done(town, job["uid"])
    job = (await ana.get(path)).json()
    assert (job["state"], job["name"], job["size"], job["file"]) == ("done", "report.csv", 12, f"{path}/file")
    assert (await ana.get(PATH)).json() == {"items": [job], "next": None}
    fetched = await ana.get(job["file"])
    assert (fetched.status_code, fetched.content) == (200, b"ward,total\r\n")
    assert fetched.headers["content-length"] == "12"
    assert fetched.headers["content-type"] == "text/csv; charset=utf-8"
    assert fetched.headers["content-disposition"] == 'attachment; filename="report.csv"'
    for private in (fetched, await ana.get(path), await ana.get(PATH)):
        assert private.headers["cache-control"] == "private, no-store"
    assert (await ana.get(job["file"])).content == fetched.content, "it may be fetched again"
    assert (await ana.head(job["file"])).headers["content-length"] == "12"
    assert (await ana.delete(path)).status_code == 204
    assert_problem(await ana.get(path), 404, "not-found")
    assert_problem(await ana.get(job["file"]), 404, "not-found")
    assert (await ana.get(PATH)).json()["items"] == []


async def test_an_order_is_told_how_far_it_is_and_why_it_failed(town: Town, ana: httpx.AsyncClient) -> None:
    job = await ordered(ana, format="xlsx")
    seen: list[Any] = []

    async def work(engines: Engines, this: Try, tell: Tell) -> Outcome:
        tell(Progress("writing assets", 1000, "assets", 0.5))
        while not seen or not seen[-1]["progress"]:
            seen.append((await ana.get(f"{PATH}/{job['uid']}")).json())
        raise errors.TooLarge("This workbook would have too many rows.")

    await tries.run(town.engines, UUID(job["uid"]), {"report": work})
    assert (seen[-1]["state"], seen[-1]["format"]) == ("working", "xlsx")
    assert seen[-1]["progress"] == {"what": "writing assets", "done": 1000, "unit": "assets", "share": 0.5}
    failed = (await ana.get(f"{PATH}/{job['uid']}")).json()
    assert (failed["state"], failed["fault"], failed["file"]) == (
        "failed",
        "This workbook would have too many rows.",
        None,
    )
    assert_problem(await ana.get(f"{PATH}/{job['uid']}/file"), 404, "not-found")


async def test_an_order_is_called_off(town: Town, ana: httpx.AsyncClient) -> None:
    job = await ordered(ana)
    assert (await ana.delete(f"{PATH}/{job['uid']}")).status_code == 204
    await done(town, job["uid"])
    over = (await ana.get(f"{PATH}/{job['uid']}")).json()
    assert (over["state"], over["file"]) == ("cancelled", None)
    assert over["expires_at"] is not None
    assert (await ana.delete(f"{PATH}/{job['uid']}")).status_code == 204
    assert_problem(await ana.delete(f"{PATH}/{job['uid']}"), 404, "not-found")


async def test_an_order_made_again_with_its_key_is_the_same(ana: httpx.AsyncClient) -> None:
    body, key = {"report": "wards", "format": "csv"}, {"Idempotency-Key": str(uuid4())}
    first, again = [await ana.post(PATH, json=body, headers=key) for _ in range(2)]
    assert (first.json(), first.headers["location"]) == (again.json(), again.headers["location"])
    assert len((await ana.get(PATH)).json()["items"]) == 1


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"format": "docx"}, "Known: json, csv"),
        ({"report": "boroughs"}, "report"),
        ({"level": "street"}, "level"),
        ({"at": 20260501}, "RFC 3339"),
        ({"areas": ["X99"]}, "X99"),
        ({"areas": NORTH}, "areas"),
        ({"areas": [NORTH] * (asking.MOST_AREAS + 1)}, "areas"),
        ({"set": "Wards of the moon"}, "Wards of the moon"),
        ({"at": "2001-01-01"}, "2001-01-01"),
        ({"at": "2999-01-01"}, "lies in the future"),
        ({"at": "2026-05-01", "since": "2026-05-02"}, "after it ends"),
        ({"color": "red"}, "color"),
    ],
)
async def test_what_nobody_could_answer_is_refused_at_once(
    ana: httpx.AsyncClient, asked: dict[str, Any], said: str
) -> None:
    answer = await ana.post(PATH, json={"report": "wards", "format": "csv", **asked})
    assert said in assert_problem(answer, 422, "invalid")["detail"]
    assert (await ana.get(PATH)).json()["items"] == []


# Nobody else's -------------------------------------------------------------------------------------------------------


async def test_a_job_and_its_file_are_not_there_for_anybody_else(town: Town, ana: httpx.AsyncClient) -> None:
    job = await ordered(ana)
    await done(town, job["uid"])
    clients = {who: town[who] for who in ("visitor", "stranger", "officer", "operator")}
    clients |= {scope: await town.app_of("operator", scope) for scope in ("assets:read", "reports:read", "moderate")}
    statuses = {"visitor": 401, "assets:read": 403, "moderate": 403}  # before anything is looked for
    for who, client in clients.items():
        for method, path in (("GET", "{}"), ("GET", "{}/file"), ("HEAD", "{}/file"), ("DELETE", "{}")):
            there = await client.request(method, f"{PATH}/{path.format(job['uid'])}")
            never = await client.request(method, f"{PATH}/{path.format(uuid4())}")
            assert there.status_code == never.status_code == statuses.get(who, 404), f"{who} {method} {path}"
            one, other = (re.sub(r"[0-9a-f-]{36}", "", answer.text) for answer in (there, never))
            assert one == other
            assert dict(there.headers) == dict(never.headers)
        listed = await client.get(PATH)
        assert listed.status_code in (200, 401, 403)
        assert job["uid"] not in listed.text
    assert (await ana.get(f"{PATH}/{job['uid']}/file")).status_code == 200, "nobody removed it"


async def test_a_key_of_ones_own_with_the_scope_fetches_and_no_other_does(town: Town) -> None:
    job = await ordered(town["member"])
    await done(town, job["uid"])
    for scope, status in (("reports:read", 200), ("assets:read", 403), ("assets:write", 403), ("take-part", 403)):
        client = await town.app_of("member", scope)
        for path in (f"{PATH}/{job['uid']}", f"{PATH}/{job['uid']}/file", PATH):
            assert (await client.get(path)).status_code == status, scope
        refused = await client.post(PATH, json={"report": "wards", "format": "csv"})
        assert refused.status_code == (202 if status == 200 else 403)


async def test_jobs_that_are_no_reports_are_not_among_them(town: Town) -> None:
    async with town.engines.transaction() as session:
        made = text("INSERT INTO job (person_id, what, asked) VALUES (:id, 'import.run', '{}') RETURNING uid")
        uid = await session.scalar(made, {"id": town.people["author"].id})
    assert_problem(await town["author"].get(f"{PATH}/{uid}"), 404, "not-found")
    assert_problem(await town["author"].delete(f"{PATH}/{uid}"), 404, "not-found")
    assert str(uid) not in (await town["author"].get(PATH)).text


@pytest.mark.parametrize(("seconds", "there"), [(1, True), (-1, False)])
async def test_after_its_day_a_report_is_gone_for_its_owner_too(
    town: Town, ana: httpx.AsyncClient, seconds: int, there: bool
) -> None:
    job = await ordered(ana)
    await done(town, job["uid"])
    for table, where in (("job", "uid = :uid"), ("file", "id = (SELECT file_id FROM job WHERE uid = :uid)")):
        aged = f"UPDATE {table} SET expires_at = now() + make_interval(secs => :left) WHERE {where}"
        await town.sql(aged, left=seconds, uid=job["uid"])
    for path in (f"{PATH}/{job['uid']}", f"{PATH}/{job['uid']}/file"):
        assert (await ana.get(path)).status_code == (200 if there else 404)
    assert len((await ana.get(PATH)).json()["items"]) == there


# Limits --------------------------------------------------------------------------------------------------------------


async def test_the_limits_of_jobs_are_listed_and_are_those_that_hold(town: Town, ana: httpx.AsyncClient) -> None:
    listed = (await town["visitor"].get("/api/v1/limits")).json()
    assert listed["jobs_waiting"] == orders.MOST_WAITING == 5
    assert listed["job_hours"] == 24
    assert (listed["file_bytes"], listed["files_bytes"]) == (files.MOST_OF_ONE, files.MOST_OF_ALL)
    for _ in range(listed["jobs_waiting"]):
        await ordered(ana)
    refused = await ana.post(PATH, json={"report": "wards", "format": "csv"})
    assert "5 of your jobs" in assert_problem(refused, 409, "conflict")["detail"]
    assert limits.FIXED["jobs_waiting"] == 5


async def test_a_report_that_is_too_large_says_so(
    town: Town, ana: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, larger = await ordered(ana), await ordered(ana)
    monkeypatch.setattr(files, "MOST_OF_ONE", 12)
    await done(town, fits["uid"], b"x" * 12)
    await done(town, larger["uid"], b"x" * 13)
    assert (await ana.get(f"{PATH}/{fits['uid']}")).json()["state"] == "done"
    failed = (await ana.get(f"{PATH}/{larger['uid']}")).json()
    assert (failed["state"], failed["fault"][:36]) == ("failed", "A file may have at most 12 bytes. As")


# Names ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["plain.csv", "two words.csv", "Übersicht für Ärzte.pdf", 'quo"te.csv', "back\\slash.csv", "100%.csv", "a;b=c.csv",
     "new\r\nline: x.csv", "😀.gpkg", "../../etc/passwd"],
)  # fmt: skip
def test_a_file_is_saved_under_its_name_whatever_that_is(name: str) -> None:
    said = report_jobs.attachment(name)
    assert said.isascii()
    assert said.isprintable()
    found = re.fullmatch(r"""attachment; filename="([^"\\%]*)"(?:; filename\*=UTF-8''([A-Za-z0-9%._~-]+))?""", said)
    assert found, said
    assert (unquote(found[2]) if found[2] else found[1]) == name
    assert len(found[1]) == len(name)


# The report itself ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", list(registry.FORMATS))
async def test_the_report_that_is_ordered_is_the_report_that_is_read(
    town: Town, ana: httpx.AsyncClient, form: str
) -> None:
    await town.scene()
    job = await ordered(ana, format=form, areas=[BOROUGH], since="2026-05-01")
    await tries.run(town.engines, UUID(job["uid"]), tasks.WORKS)
    job = (await ana.get(f"{PATH}/{job['uid']}")).json()
    assert (job["state"], job["fault"]) == ("done", None)
    assert job["name"].endswith(f".{registry.FORMATS[form].suffix}")
    fetched = await ana.get(job["file"])
    assert fetched.headers["content-type"] == registry.FORMATS[form].media_type
    assert len(fetched.content) == job["size"] > 100
    if form == "csv":
        at_once = await ana.get("/api/v1/reports/wards.csv", params={"area": BOROUGH, "since": "2026-05-01"})
        assert [line.split(",")[:2] for line in fetched.text.splitlines()] == [
            line.split(",")[:2] for line in at_once.text.splitlines()
        ]
