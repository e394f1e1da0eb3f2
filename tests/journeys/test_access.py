"""Everybody can use it: no fault that axe knows, on every page at both widths; the list holds what the map holds."""

import httpx
import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from tests.journeys.conftest import Live, OpenAs

pytestmark = pytest.mark.browser

RULES = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}

#: A panel that slides in is half transparent on its way. What turns for ever is not waited for.
AT_REST = """() => Promise.all(document.getAnimations()
  .filter((one) => one.effect.getComputedTiming().endTime < Infinity)
  .map((one) => one.finished.catch(() => null)))"""


def faults(page: Page) -> list[str]:
    """What axe finds wrong with the page as it is now."""
    page.locator("h1").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    page.evaluate(AT_REST)
    results = Axe().run(page, options=RULES).response
    assert len(results["passes"]) > 5, "axe looked at nothing"
    return [
        f"{v['id']}: {n['html'][:120]} {n['failureSummary'][:200]}" for v in results["violations"] for n in v["nodes"]
    ]


@pytest.mark.parametrize("width", ["wide", "narrow"])
def test_no_page_has_a_fault_that_axe_knows(live: Live, open_as: OpenAs, width: str) -> None:
    first = httpx.get(f"{live.url}/api/v1/assets", params={"kind": "project", "has": "needs"}).json()["features"][0][
        "id"
    ]
    page = open_as("organiser@example.org", width=width)
    found = {}
    for path in ("/", f"/assets/{first}", "/new", "/new/offer", "/desk", "/account", "/about", "/sign-in", "/nowhere"):
        page.goto(live.url + path)
        found[path] = faults(page)
    assert {path: faults for path, faults in found.items() if faults} == {}


def test_a_planted_fault_is_found_so_the_check_can_fail(open_as: OpenAs) -> None:
    page = open_as()
    page.evaluate("document.body.append(Object.assign(document.createElement('img'), {src: 'data:,'}))")
    assert any(fault.startswith("image-alt") for fault in faults(page))


def test_the_list_holds_everything_that_the_map_holds(live: Live, open_as: OpenAs) -> None:
    page = open_as()
    more = page.get_by_role("button", name="Show more")
    page.locator(".row__title").first.wait_for()
    while more.count():
        before = page.locator(".row__title").count()
        more.click()
        page.locator(".row__title").nth(before).wait_for()
    listed = {str(link.get_attribute("href")).split("?")[0] for link in page.locator(".row__title").all()}
    known = httpx.get(f"{live.url}/api/v1/assets", params={"limit": 1000}).json()
    assert listed == {f"/assets/{feature['id']}" for feature in known["features"]}
    assert len(listed) == known["numberMatched"] > 50
