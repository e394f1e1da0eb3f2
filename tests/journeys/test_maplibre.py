"""A MapLibre page of somebody else's, on another origin, loads /style.json as it is and shows what is on the map."""

import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, sync_playwright

from app import kinds
from tests.journeys.conftest import Live

MAPLIBRE = Path(__file__).parents[2] / "frontend" / "node_modules" / "maplibre-gl" / "dist"
PAGE = """<!doctype html><meta charset="utf-8"><link rel="stylesheet" href="maplibre-gl.css">
<div id="map" style="width: 800px; height: 600px"></div>
<script type="module">
import * as maplibre from "./maplibre-gl.mjs";
window.faults = [];
window.map = new maplibre.Map({ container: "map", style: decodeURIComponent(location.hash.slice(1)), fadeDuration: 0 });
window.map.on("error", (event) => window.faults.push(String(event.error)));
</script>"""
#: What is drawn in these layers once nothing more is to come.
DRAWN = """([layers, zoom]) => new Promise((told) => {
  const told_of = (one) => ({ layer: one.layer.id, ...one.properties });
  const look = () => told(map.queryRenderedFeatures({ layers }).map(told_of));
  if (zoom !== null) map.jumpTo({ zoom });
  if (map.loaded() && map.areTilesLoaded()) map.once("idle", look), map.triggerRepaint();
  else map.once("idle", look);
})"""


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder and says nothing of it."""

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  as in the library
        """Nothing."""


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[str]:
    """Somebody else's site, with MapLibre on it."""
    if not MAPLIBRE.exists():
        pytest.fail("MapLibre is not installed: run this with ./civic test, which installs what the page's tests need")
    for file in MAPLIBRE.iterdir():
        if file.suffix in (".mjs", ".css"):
            shutil.copy(file, tmp_path)
    (tmp_path / "index.html").write_text(PAGE)
    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(tmp_path)))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page() -> Iterator[Page]:
    """A browser that draws in software, whatever machine it runs on."""
    path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if path is None:
        pytest.fail("there is no chromium: ./civic test installs it")
    flags = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--ignore-gpu-blocklist"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        opened = browser.new_page()
        opened.set_default_timeout(60_000)
        yield opened
        browser.close()


def test_a_maplibre_page_of_another_origin_shows_pins_and_clusters(live: Live, elsewhere: str, page: Page) -> None:
    page.goto(f"{elsewhere}/index.html#{live.url}/style.json")
    page.wait_for_function("window.map && window.map.isStyleLoaded()")
    matched = httpx.get(f"{live.url}/api/v1/assets?has=location&limit=1&count=exact").json()["numberMatched"]
    pins = [kind.plural for kind in kinds.ALL]
    drawn = page.evaluate(DRAWN, [["clusters", *pins], None])
    clusters = [one for one in drawn if one["layer"] == "clusters"]
    assert clusters
    assert 0 < max(one["count"] for one in clusters) <= matched
    near = page.evaluate(DRAWN, [[*pins], 15])
    assert {one["kind"] for one in near} <= set(kinds.BY_NAME)
    assert all(one["title"] and one["layer"] == kinds.BY_NAME[one["kind"]].plural for one in near)
    titles = {
        feature["properties"]["title"]
        for feature in httpx.get(f"{live.url}/api/v1/assets?limit=1000").json()["features"]
    }
    assert {one["title"] for one in near} <= titles
    assert near
    assert page.evaluate("window.faults") == []
