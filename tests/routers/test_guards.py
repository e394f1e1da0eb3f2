"""What keeps one caller from slowing, reading or repeating what is another's."""

import time
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from app import main
from app.routers import present
from app.settings import Settings
from tests.factories import Town
from tests.routers.test_manners import assert_problem

# Markdown ------------------------------------------------------------------------------------------------------------

HEAVY = [
    "[",
    "![",
    "**a",
    "~~a",
    "*a_",
    "[a](",
    "`a",
    "[a]: b\n",
    "* a\n",
    "- [a](b)\n",
    "a\n\n",
    "<a",
    "&a;",
    "- ",
    "#",
]


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The texts that reach the Markdown parser."""
    seen: list[str] = []
    real = present._markdown.render

    def render(text: str) -> str:
        seen.append(text)
        return str(real(text))

    monkeypatch.setattr(present._markdown, "render", render)
    return seen


@pytest.mark.parametrize("sign", ["[", "!", "*", "_", "~", "`", "<", "&", "\\", "\n"])
def test_a_text_of_too_many_signs_never_meets_the_parser(parsed: list[str], sign: str) -> None:
    mark = uuid4().hex
    present.html(mark + sign * present.MOST_SIGNS)
    assert len(parsed) == 1
    shown = present.html(mark + sign * (present.MOST_SIGNS + 1))
    assert len(parsed) == 1
    assert shown.startswith(f"<p>{mark}")


def test_a_long_text_may_have_more_signs_in_step(parsed: list[str]) -> None:
    story = f"{uuid4().hex} **kept** and some words that are plain, {'more ' * 12}\n" * 120
    assert story.count("*") > present.MOST_SIGNS
    assert "<strong>kept</strong>" in present.html(story)
    assert "<strong>" not in present.html("**a** " * 2000)
    assert len(parsed) == 1


def test_what_is_shown_as_it_is_keeps_its_paragraphs_and_is_escaped() -> None:
    shown = present.html('<script>alert("1")</script>\n\n\nsecond' + "[" * 301)
    assert shown == (f"<p>&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;</p>\n<p>second{'[' * 301}</p>\n")


def test_a_text_that_was_drawn_is_not_drawn_again(parsed: list[str]) -> None:
    text = f"{uuid4().hex} *twice*"
    assert present.html(text) == present.html(text)
    assert parsed == [text]
    assert (present._kept.cache_info().maxsize or 0) * present.KEPT_CHARACTERS <= 10_000_000


def test_no_page_of_comments_costs_seconds() -> None:
    began = time.process_time()
    for part in HEAVY:
        for length in (present.MOST_SIGNS, 5000):
            text = uuid4().hex + (part * length)[:length]
            present.html(text)
    assert time.process_time() - began < 3  # one text of brackets alone cost 0.3 s, one of images 0.5 s


@pytest.mark.parametrize(
    ("target", "kept"),
    [("https://example.org/a", True), ("HTTP://example.org", True), ("mailto:ana@example.org", True),
     ("/api/v1/sign-out", False), ("//evil.example", False), ("https:evil", False), ("a", False), ("#a", False),
     ("?a=1", False), ("javascript:alert(1)", False), ("data:text/html,x", False), ("ftp://example.org", False)],
)  # fmt: skip
def test_a_link_goes_to_the_web_or_nowhere(target: str, kept: bool) -> None:
    assert ("href=" in present.html(f"[words]({target})")) == kept
    assert "words" in present.html(f"[words]({target})")


def test_what_has_no_table_stays_readable() -> None:
    assert "a | b" in present.html("a | b\n--|--\n1 | 2")


# What may be kept ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/api/v1/assets", "/api/v1/kinds", "/api/v1/limits", "/api/v1/settings"])
@pytest.mark.parametrize("who", ["visitor", "owner"])
async def test_what_the_api_says_is_asked_for_again_and_depends_on_who_asks(town: Town, path: str, who: str) -> None:
    answer = await town[who].get(path)
    assert answer.headers["cache-control"] == "no-cache"
    assert {part.strip() for part in answer.headers["vary"].split(",")} >= {"Authorization", "Cookie"}


async def test_one_asset_and_its_304_say_so_too(town: Town) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}"
    answer = await town["visitor"].get(path, headers={"Origin": "https://elsewhere.example"})
    again = await town["visitor"].get(path, headers={"If-None-Match": answer.headers["etag"]})
    assert (answer.status_code, again.status_code) == (200, 304)
    for one in (answer, again):
        assert one.headers["cache-control"] == "no-cache"
        assert "Cookie" in one.headers["vary"]


async def test_what_says_itself_how_long_it_lasts_is_left_alone(town: Town) -> None:
    for path, said in (("areas.geojson", "max-age=60"), ("me", "no-store"), ("nothing", "no-store")):
        answer = await town["owner"].get(f"/api/v1/{path}")
        assert answer.headers["cache-control"] == said
        assert "Cookie" not in answer.headers.get("vary", "")


# Reads ---------------------------------------------------------------------------------------------------------------


class Clock:
    """The time of day, which a test sets."""

    def __init__(self, at: float) -> None:
        self.at = at

    def time(self) -> float:
        """Seconds since 1970."""
        return self.at


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Half past a minute, until the test says otherwise."""
    clock = Clock(1_800_000_030.0)
    monkeypatch.setattr(main, "time", clock)
    return clock


def _limited(tmp_path: Any, reads: int, **more: Any) -> FastAPI:
    settings = Settings(
        data=tmp_path, database_url="postgresql:///none", database_read_url="postgresql:///none",
        secret=SecretStr("only for tests"), reads_per_minute=reads, **more,
    )  # fmt: skip
    return main.create_app(settings)


def _from(app: FastAPI, client: str = "203.0.113.9") -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app=app, client=(client, 1234))
    return httpx.AsyncClient(transport=transport, base_url="http://localhost:8000")


async def test_one_address_reads_so_often_in_a_minute_and_not_once_more(tmp_path: Any, clock: Clock) -> None:
    app = _limited(tmp_path, 3)
    async with _from(app) as reader, _from(app, "203.0.113.10") as other:
        for _ in range(2):
            assert (await reader.get("/api/v1/kinds")).status_code == 200
        assert (await reader.head("/api/v1/kinds")).status_code == 200
        refused = await reader.get("/api/v1/kinds", headers={"Origin": "https://elsewhere.example"})
        assert_problem(refused, 429, "too-many-requests")
        assert refused.headers["retry-after"] == "31"
        assert refused.headers["access-control-allow-origin"] == "*"
        assert refused.headers["x-content-type-options"] == "nosniff"
        headed = await reader.head("/api/v1/kinds")
        assert (headed.status_code, headed.content) == (429, b"")
        assert (await other.get("/api/v1/kinds")).status_code == 200
        clock.at += 31
        assert (await reader.get("/api/v1/kinds")).status_code == 200


async def test_files_and_health_and_writes_do_not_count_as_reads(tmp_path: Any, clock: Clock) -> None:
    async with _from(_limited(tmp_path, 1)) as reader:
        for _ in range(3):
            assert (await reader.get("/health/live")).status_code == 200
            assert (await reader.get("/static/none.js")).status_code == 404
            assert (await reader.post("/api/v1/kinds")).status_code == 405
        assert (await reader.get("/api/v1/kinds")).status_code == 200
        assert (await reader.get("/healthy")).status_code == 429
        assert clock.at == 1_800_000_030.0


async def test_no_limit_is_no_limit(tmp_path: Any) -> None:
    async with _from(_limited(tmp_path, 0)) as reader:
        assert {(await reader.get("/api/v1/themes")).status_code for _ in range(20)} == {200}


def test_a_network_of_version_six_is_one_client() -> None:
    assert main.network("2001:db8:1:2::9") == main.network("2001:db8:1:2:ffff::1") != main.network("2001:db8:1:3::9")
    assert main.network("203.0.113.9") != main.network("203.0.113.10")
    assert main.network("testclient") == "testclient"


async def test_yesterdays_readers_are_forgotten(clock: Clock) -> None:
    async def nothing(*_: Any) -> Any:
        """An application that answers nobody."""

    limit = main.ReadLimit(nothing, most=5)
    for number in range(100):
        await limit({"type": "http", "method": "GET", "path": "/", "client": (f"c{number}", 1)}, nothing, nothing)
    assert len(limit.counts) == 100
    clock.at += 60
    await limit({"type": "http", "method": "GET", "path": "/", "client": ("new", 1)}, nothing, nothing)
    assert limit.counts == {"new": 1}


# The demo's mail -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("path", ["/dev/mail", "/dev/mail.json"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
        ({"Origin": "http://localhost:8000"}, 200),
        ({"Sec-Fetch-Site": "same-site"}, 404),
        ({"Sec-Fetch-Site": "cross-site"}, 404),
        ({"Origin": "http://localhost:8001"}, 404),
        ({"Origin": "null"}, 404),
    ],
)
async def test_another_sites_page_reads_no_mail(tmp_path: Any, path: str, headers: dict[str, str], status: int) -> None:
    async with _from(_limited(tmp_path, 0, demo=True), "127.0.0.1") as reader:
        answer = await reader.get(path, headers=headers)
        assert answer.status_code == status
        assert "access-control-allow-origin" not in answer.headers


async def test_other_origins_read_the_api_and_the_map_only(town: Town) -> None:
    elsewhere = {"Origin": "https://elsewhere.example"}
    for path in ("/api/v1/kinds", "/tiles.json", "/style.json", "/tiles/0/0/0.mvt", "/openapi.json"):
        assert (await town["visitor"].get(path, headers=elsewhere)).headers["access-control-allow-origin"] == "*"
    for path in ("/", "/docs", "/health/live", "/dev/mail", "/apish", "/problems/invalid"):
        assert "access-control-allow-origin" not in (await town["visitor"].get(path, headers=elsewhere)).headers


# Versions, retries, flags, instants ----------------------------------------------------------------------------------


async def test_a_tag_that_a_proxy_made_weak_still_names_its_version(town: Town) -> None:
    made = await town.pin()
    path = f"/api/v1/assets/{made['id']}"
    tag = (await town["owner"].get(path)).headers["etag"]
    body = {"properties": {"summary": "Changed"}}
    assert (await town["owner"].patch(path, json=body, headers={"If-Match": f"W/{tag}"})).status_code == 200
    stale = await town["owner"].patch(path, json=body, headers={"If-Match": f"W/{tag}"})
    assert_problem(stale, 412, "stale")
    assert_problem(await town["owner"].patch(path, json=body, headers={"If-Match": f"w/{tag}"}), 412, "stale")


async def test_meeting_a_need_counts_once_however_often_it_is_sent(town: Town) -> None:
    scene = await town.scene()
    path, key = f"/api/v1/needs/{scene.need}/meet", {"Idempotency-Key": uuid4().hex}
    first = await town["owner"].post(path, json={"quantity": 2}, headers=key)
    second = await town["owner"].post(path, json={"quantity": 2}, headers=key)
    assert (first.status_code, first.json()["met"]) == (200, 2)
    assert (second.status_code, second.content) == (200, first.content)
    assert second.headers["idempotency-replayed"] == "true"
    assert second.headers["etag"] == first.headers["etag"]
    other = await town["owner"].post(path, json={"quantity": 1}, headers=key)
    assert_problem(other, 422, "idempotency-key-reused")
    assert (await town["owner"].post(path, json={"quantity": 1})).json()["met"] == 3


async def test_a_flag_says_which_comment_it_means(town: Town) -> None:
    scene = await town.scene()
    path = f"/api/v1/assets/{scene.asset}/flags"
    of_comment = await town["other"].post(path, json={"reason": "spam", "comment": str(scene.comment)})
    of_asset = await town["other"].post(path, json={"reason": "spam"})
    assert (of_comment.json()["comment"], of_asset.json()["comment"]) == (str(scene.comment), None)
    listed = (await town["officer"].get(path)).json()["items"]
    assert {item["uid"]: item["comment"] for item in listed} == {
        of_comment.json()["uid"]: str(scene.comment), of_asset.json()["uid"]: None,
    }  # fmt: skip


@pytest.mark.parametrize("at", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "0000-01-01T00:00:00Z"])
async def test_an_instant_at_the_end_of_time_is_refused(town: Town, at: str) -> None:
    posted = {"type": "Feature", "geometry": None, "properties": {"kind": "event", "title": "x", "starts_at": at}}
    assert_problem(await town["owner"].post("/api/v1/assets", json=posted), 422, "invalid")
    key = {"name": "x", "scopes": ["assets:read"], "expires_at": at}
    assert_problem(await town["owner"].post("/api/v1/me/keys", json=key), 422, "invalid")
