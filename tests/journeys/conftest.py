"""Stories in a real browser, against a real server on the sample data, with its worker running.

`live`     the service of this test: its address, and the code of the newest mail to somebody
`open_as`  a new browser, signed in as somebody (None: a visitor); it fails the test on a script error, a broken
           policy, a request to anybody else, or a refusal (its status may be named in `lenient`)
"""

import asyncio
import contextlib
import re
import shutil
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, expect, sync_playwright
from pydantic import SecretStr

from app import db, main, samples
from app.routers import pages
from app.settings import Settings

FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip
expect.set_options(timeout=15_000)  # two cores are shared with the other tests
WIDTHS = {"wide": (1440, 900), "narrow": (360, 740)}


@dataclass(frozen=True)
class Live:
    """A running service."""

    url: str
    settings: Settings

    def write(self, act: Callable[[db.Engines], Awaitable[None]]) -> None:
        """Do something that no page offers, such as appointing somebody."""

        async def doing() -> None:
            engines = db.Engines.of(self.settings)
            await act(engines)
            await engines.dispose()

        with ThreadPoolExecutor(1) as aside:  # playwright keeps a loop running in this thread
            aside.submit(lambda: asyncio.run(doing())).result()

    def code_for(self, email: str, after: int) -> str:
        """The six digits of the newest mail to this address, once there are more than `after` of them."""
        for _ in range(100):
            mails = [mail for mail in httpx.get(f"{self.url}/dev/mail.json").json()["items"] if mail["to"] == email]
            if len(mails) > after:
                found = re.search(r"\b(\d{3}) ?(\d{3})\b", mails[0]["text"])
                assert found, mails[0]["text"]
                return found[1] + found[2]
            time.sleep(0.1)
        raise AssertionError(f"no mail came for {email}")

    def mails_to(self, email: str) -> int:
        """How many mails were sent to this address."""
        return sum(mail["to"] == email for mail in httpx.get(f"{self.url}/dev/mail.json").json()["items"])


@pytest.fixture(scope="module")
def live(module_database: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    """A service on the sample data, which the stories of a file share: each brings its own assets."""
    if not (pages.STATIC / "index.html").exists():
        pytest.fail("the page has not been built: run these stories with ./civic test, which builds it")
    settings = Settings(
        data=tmp_path_factory.mktemp("live"),
        database_url=module_database.write,
        database_read_url=module_database.read,
        secret=SecretStr("only for stories, and long enough to sign with"),
        pool_wait_s=10,
        sign_ins_per_hour=100,  # the same few people sign in for each story
    )
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        own = settings.model_copy(update={"demo": True, "port": port, "pool_size": 4})
        with ThreadPoolExecutor(1) as aside:  # playwright keeps a loop running in this thread
            aside.submit(lambda: asyncio.run(_seed(own))).result()
        server = uvicorn.Server(uvicorn.Config(main.create_app(own, worker=True), log_level="warning"))
        thread = threading.Thread(target=lambda: server.run(sockets=[listener]), name="live")
        thread.start()
        url = f"http://localhost:{port}"
        _until_ready(url)
        yield Live(url, own)
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive(), "the server did not stop"


async def _seed(settings: Settings) -> None:
    engines = db.Engines.of(settings)
    await samples.seed(engines)
    await engines.dispose()


def _until_ready(url: str) -> None:
    for _ in range(200):
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{url}/health/ready").status_code == 200:
                return
        time.sleep(0.05)
    raise AssertionError("the service did not start")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's chromium, or whatever chromium this machine has. It goes with the file: its loop must not outlive it."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("there is no chromium: ./civic test installs it")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield launched
        launched.close()


OpenAs = Callable[..., Page]


@pytest.fixture
def open_as(live: Live, browser: Browser) -> Iterator[OpenAs]:
    """Open the page as somebody: open_as("ana@example.org", width="narrow")."""
    faults: list[str] = []
    contexts = []

    def watch(page: Page, lenient: tuple[str, ...]) -> None:
        def told(message: ConsoleMessage) -> None:
            if message.type == "error" and not any(f"status of {status}" in message.text for status in lenient):
                faults.append(message.text)

        def asked(request: Request) -> None:
            if not request.url.startswith((live.url, "data:", "blob:")):
                faults.append(f"a request to somebody else: {request.url}")

        page.on("console", told)
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", asked)

    def open_page(
        email: str | None = None, *, width: str = "wide", path: str = "/", lenient: tuple[str, ...] = ()
    ) -> Page:
        across, down = WIDTHS[width]
        context = browser.new_context(viewport={"width": across, "height": down}, accept_downloads=True)
        context.set_default_timeout(15_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, lenient)
        if email:
            _sign_in(page, live, email)
        page.goto(live.url + path)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _sign_in(page: Page, live: Live, email: str) -> None:
    before = live.mails_to(email)
    page.goto(f"{live.url}/sign-in")
    page.get_by_label("Your e-mail address").fill(email)
    page.get_by_role("button", name="Send me the digits").click()
    page.get_by_label("The six digits").fill(live.code_for(email, before))
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
