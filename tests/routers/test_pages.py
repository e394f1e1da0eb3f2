"""The page's shell, what others show of an asset, the documents, and the demo's mail."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app import mail, main
from app.routers import pages
from app.settings import Settings
from tests.conftest import Database
from tests.factories import Town
from tests.routers.test_manners import assert_problem

SHELL = "<!doctype html><html><head><title>Civic Crowd Map</title></head><body></body></html>"


@pytest.fixture(autouse=True)
def built(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built page, whatever this checkout has."""
    folder = tmp_path / "page"
    (folder / "static").mkdir(parents=True)
    (folder / "index.html").write_text(SHELL)
    (folder / "robots.txt").write_text("User-agent: *")
    (folder / ".secret").write_text("hidden")
    (tmp_path / "outside.txt").write_text("beyond the fence")
    monkeypatch.setattr(pages, "STATIC", folder)
    return folder


@pytest.mark.parametrize("path", ["/", "/sign-in", "/assets/x/y", "/desk", "/anything/at/all?q=1", "/index.html"])
async def test_every_other_address_is_the_page(town: Town, path: str) -> None:
    answer = await town["visitor"].get(path)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-cache")
    assert answer.headers["content-type"].startswith("text/html")
    assert "<title>Civic Crowd Map</title>" in answer.text


async def test_the_files_beside_the_page_are_served_and_nothing_outside(town: Town) -> None:
    assert (await town["visitor"].get("/robots.txt")).text == "User-agent: *"
    for path in ("/../outside.txt", "/%2e%2e/outside.txt", "/..%2foutside.txt", "/static/../../outside.txt",
                 "/static/%2e%2e/%2e%2e/outside.txt", "//etc/passwd", "/....//outside.txt"):  # fmt: skip
        assert "fence" not in (await town["visitor"].get(path)).text


async def test_without_a_built_page_the_api_still_serves(town: Town, built: Path) -> None:
    (built / "index.html").unlink()
    assert_problem(await town["visitor"].get("/"), 404, "not-found")
    assert (await town["visitor"].get("/api/v1/kinds")).status_code == 200


async def test_an_assets_address_says_what_it_is_to_who_links_to_it(town: Town) -> None:
    title, summary = 'A "quoted" <b>title</b> & more', "It's <script>alert(1)</script>"
    made = await town.pin(title=title, summary=summary)
    page = (await town["visitor"].get(f"/assets/{made['id']}")).text
    assert '<meta property="og:title" content="A &quot;quoted&quot; &lt;b&gt;title&lt;/b&gt; &amp; more">' in page
    assert "<script>" not in page
    assert f'<link rel="canonical" href="http://localhost:8000/assets/{made["id"]}">' in page
    assert "noindex" not in page


@pytest.mark.parametrize("state", ["hidden", "draft", "pending", "withdrawn", "removed", "for members"])
async def test_what_a_visitor_may_not_see_is_not_named_even_to_its_owner(town: Town, state: str) -> None:
    given = {"audience": "members"} if state == "for members" else {"state": state}
    scene = await town.scene(**given)
    for who in ("visitor", "owner", "operator"):
        page = (await town[who].get(f"/assets/{scene.asset}")).text
        assert "Scene" not in page
        assert "noindex" in page


async def test_the_documents_describe_every_route_without_a_third_party(town: Town) -> None:
    listed = (await town["visitor"].get("/docs")).text
    schema = (await town["visitor"].get("/openapi.json")).json()
    for path in schema["paths"]:
        assert path in listed
    assert not re.findall(r"(?:src|href)=\"(?:https?:)?//", listed)
    assert "<script" not in listed
    assert schema["openapi"].startswith("3.1")
    assert len(schema["paths"]) > 35


# The demo's mail -----------------------------------------------------------------------------------------------------


@pytest.fixture
async def demo(database: Database, tmp_path: Path) -> AsyncIterator[Any]:
    """Clients of a demo: made for a host and a network address."""
    settings = Settings(
        data=tmp_path, database_url=database.write, database_read_url=database.read, demo=True,
        secret=SecretStr("only for tests"),
    )  # fmt: skip
    app = main.create_app(settings)
    mail.sent.clear()
    async with app.router.lifespan_context(app):

        async def get(path: str, host: str = "localhost:8000", client: str = "127.0.0.1") -> httpx.Response:
            transport = httpx.ASGITransport(app=app, client=(client, 1234))
            async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}") as browser:
                return await browser.get(path)

        yield get
    mail.sent.clear()


async def test_the_demo_shows_its_mail_on_this_machine_only(demo: Any) -> None:
    mail.sent.append(
        mail.Message("<ana>@example.org", "Sign in", "Code: 123 456 http://localhost/x?a=1&b=2", "<p>x</p>")
    )
    for host in ("localhost:8000", "127.0.0.1:8000", "[::1]:8000"):
        shown = await demo("/dev/mail", host=host)
        assert shown.status_code == 200
        assert "&lt;ana&gt;@example.org" in shown.text
        assert 'href="http://localhost/x?a=1&amp;b=2"' in shown.text
        (item,) = (await demo("/dev/mail.json", host=host)).json()["items"]
        assert (item["to"], item["subject"]) == ("<ana>@example.org", "Sign in")
    strangers = [("evil.example", "127.0.0.1"), ("localhost:8000", "203.0.113.9"), ("map.example.org", "10.0.0.1"),
                 ("localhost.evil.example", "127.0.0.1"), ("127.0.0.1.evil.example", "127.0.0.1")]  # fmt: skip
    for host, client in strangers:
        for path in ("/dev/mail", "/dev/mail.json"):
            assert_problem(await demo(path, host=host, client=client), 404, "not-found")


async def test_elsewhere_there_is_no_such_address(town: Town) -> None:
    for path in ("/dev/mail", "/dev/mail.json", "/dev"):
        assert_problem(await town["visitor"].get(path), 404, "not-found")


async def test_the_page_says_whether_there_is_a_session_to_ask_about(town: Town) -> None:
    mark = '<meta name="session"'
    assert mark not in (await town["visitor"].get("/")).text
    answer = await town["operator"].get("/")
    assert mark in answer.text
    assert answer.headers["vary"] == "Cookie"
