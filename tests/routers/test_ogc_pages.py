"""The pages of /ogc for people: without a script, readable on a telephone, and by everybody."""

import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, sync_playwright

from tests.factories import NORTH
from tests.routers.ogc_world import UID, Ogc

PAGES = (
    "", "/conformance", "/api", "/collections", "/collections/projects", "/collections/projects/items",
    f"/collections/projects/items/{UID['Bus stop']}", f"/collections/projects/items/{UID['Food plan']}",
    f"/collections/wards/items/{NORTH}", "/collections/wards/items", "/collections/projects/queryables",
    "/collections/wards/schema", "/collections/wards/feature-schema", "/tiles", "/tiles/WebMercatorQuad",
    "/collections/projects/tiles", "/collections/wards/tiles/WebMercatorQuad", "/tileMatrixSets",
    "/tileMatrixSets/WebMercatorQuad",
)  # fmt: skip


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Whatever chromium this machine has; it goes with the file."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("there is no chromium: ./civic test installs it")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        yield launched
        launched.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_says_what_its_json_links_to_and_has_no_script(ogc: Ogc, path: str) -> None:
    page = ogc.get(path, f="html")
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "script-src 'self'" in page.headers["content-security-policy"]
    assert "<script" not in page.text
    assert page.text.count("<h1>") == 1
    for link in ogc.json(path, f="json").get("links", ()):
        if link["rel"] not in ("self", "alternate"):
            assert f'href="{link["href"].replace("&", "&amp;")}"' in page.text


def test_pages_lead_from_the_first_to_every_feature_and_on(ogc: Ogc) -> None:
    assert f'href="{ogc.url}/collections?f=html"' in ogc.get("", f="html").text
    assert f'href="{ogc.url}/collections/places/items?f=html"' in ogc.get("/collections", f="html").text
    first = ogc.get("/collections/places/items", f="html", limit=20)
    assert "30 in all; 20 on this page." in first.text
    assert f'href="{ogc.url}/collections/places/items/{UID["Place 00"]}?f=html"' in first.text
    following = first.links["next"]["url"]
    assert f'<a href="{following.replace("&", "&amp;")}" rel="next">' in first.text
    last = ogc.client.get(following).text
    assert "10 on this page" in last
    assert "Place 29" in last
    assert 'rel="next"' not in last


def test_a_page_of_nothing_says_so(ogc: Ogc) -> None:
    assert (
        "Nothing here meets what was asked for." in ogc.get("/collections/offers/items", f="html", nature="money").text
    )


#: One page of each sort.
SORTS = (PAGES[0], *PAGES[3:7], PAGES[10], PAGES[16], PAGES[18], "/collections/nothing")


@pytest.mark.browser
def test_every_page_fits_a_telephone_and_is_readable_by_everybody(ogc: Ogc, browser: Browser) -> None:
    page = browser.new_page(viewport={"width": 360, "height": 800})
    faults: dict[str, object] = {}
    for path in {*PAGES, *SORTS}:
        page.goto(f"{ogc.url}{path}?f=html")
        over = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = [fault["id"] for fault in Axe().run(page).response["violations"]] if path in SORTS else []
        if over > 0 or found:
            faults[path] = (over, found)
    page.close()
    assert faults == {}
