"""How smoothly the page's map moves: frame times while a reader pans and zooms, in headless Chromium.

    python -m bench.page --url http://localhost:8000 [--at 10/51.5/-0.12] [--runs 5] [--json FILE]

The same script of mouse and wheel moves three maps: the page of the service at --url; protomaps-leaflet on the same
tiles; and, as a control that must fail, 100,000 Leaflet circle markers on canvas. In every run each map has its turn,
so that a busy machine troubles all of them; a first turn, which is not counted, fills the browser's cache of tiles.

Two things keep the figures honest. Only frames between the first move and the last are counted: a map at rest would
flatter them. And a freeze of two seconds is one frame of a hundred, which a percentile over frames does not see: so
p95 is also taken over time ("felt"): of all moments of the movement, 19 of 20 fell into a frame no longer than this. A
map is smooth when both stay within the bound.
"""

import argparse
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from statistics import quantiles
from typing import Any
from urllib.parse import quote

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

HERE = Path(__file__).parent / "page"
#: What "smooth" means: 19 of 20 frames come within this time.
BOUND_MS = 50
AT = "10/51.5/-0.12"
OURS, PROTOMAPS, CONTROL = "our layer", "protomaps-leaflet 5.1", "100,000 circle markers (control)"
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking")
SIZE = {"width": 1440, "height": 900}
FRAMES = """
  window.benchFrames = [];
  window.benchOn = false;
  let last = 0;
  const frame = (now) => {
    if (window.benchOn && last) window.benchFrames.push(now - last);
    last = window.benchOn ? now : 0;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
"""


def run(base_url: str, *, at: str = AT, runs: int = 5, out: Callable[[str], None] = print) -> dict[str, Any]:
    """Measure the map at this address against the others, and print each run.

    `at`: zoom/latitude/longitude to begin at, where the map should be full; three levels are zoomed in from there.
    The answer, in milliseconds: {map: {"runs": [{"frames", "p50", "p95", "felt", "max", "long"}, …], "p95" and "felt":
    the highest of the runs, "smooth": bool}}; `long` counts frames above 50 ms. Raises SystemExit where there is no
    Chromium.
    """
    _installed()
    measured: dict[str, list[dict[str, float]]] = {OURS: [], PROTOMAPS: [], CONTROL: []}
    with _pages() as pages, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_chromium(), args=FLAGS)
        tiles = quote(f"{base_url}/tiles/{{z}}/{{x}}/{{y}}.mvt", safe="")
        maps = {
            OURS: f"{base_url}/?at={at}",
            PROTOMAPS: f"{pages}/protomaps.html?at={at}&tiles={tiles}",
            CONTROL: f"{pages}/control.html?at={at}",
        }
        contexts = {name: _context(browser) for name in maps}
        for turn in range(runs + 1):
            for name, address in maps.items():
                figures = _figures(_turn(contexts[name], address))
                if turn:
                    measured[name].append(figures)
                    out(f"run {turn}  {name:34}  " + "  ".join(f"{key} {value:g}" for key, value in figures.items()))
        browser.close()
    return {name: _verdict(name, figures, out) for name, figures in measured.items()}


def _verdict(name: str, runs: list[dict[str, float]], out: Callable[[str], None]) -> dict[str, Any]:
    p95, felt = (max(one[key] for one in runs) for key in ("p95", "felt"))
    smooth = max(p95, felt) <= BOUND_MS
    said = "smooth" if smooth else "not smooth"
    out(f"{name}: of {len(runs)} runs the highest p95 {p95:g} ms, felt {felt:g} ms: {said} (at most {BOUND_MS:g} ms)")
    return {"runs": runs, "p95": p95, "felt": felt, "smooth": smooth}


def _figures(frames: list[float]) -> dict[str, float]:
    cuts = quantiles(frames, n=100, method="inclusive")
    figures = {"frames": len(frames), "p50": cuts[49], "p95": cuts[94], "felt": _felt(frames), "max": max(frames)}
    return {key: round(value, 1) for key, value in figures.items()} | {"long": sum(f > BOUND_MS for f in frames)}


def _felt(frames: list[float]) -> float:
    """The frame time that 95 % of the time stayed within."""
    left = 0.95 * sum(frames)
    for frame in sorted(frames):
        left -= frame
        if left <= 0:
            return frame
    return max(frames)


# ── one turn ────────────────────────────────────────────────────────────────────────────────


def _context(browser: Browser) -> BrowserContext:
    context = browser.new_context(viewport=SIZE)  # type: ignore[arg-type]
    context.add_init_script(FRAMES)
    context.set_default_timeout(120_000)
    return context


def _turn(context: BrowserContext, address: str) -> list[float]:
    """Open the map, wait until it rests, move it as a reader would; the frame times in between."""
    page = context.new_page()
    page.goto(address)
    page.locator("#map-box.leaflet-container, #map-box .leaflet-pane").first.wait_for(state="attached")
    page.wait_for_load_state("networkidle")
    page.wait_for_timeout(1000)
    page.evaluate("window.benchOn = true")
    _move(page)
    frames: list[float] = page.evaluate("(window.benchOn = false, window.benchFrames)")
    page.close()
    return frames


def _move(page: Page) -> None:
    """Pan in flicks, zoom in three times with flicks at each level, and zoom out again."""
    box = page.locator("#map-box").bounding_box()
    assert box, "the map has no size"
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    for across, down in ((-240, 0), (-240, 0), (0, -180), (240, 0), (240, 0), (0, 180)):
        _flick(page, x, y, across, down)
    for wheel in (-120, -120, -120, 120, 120, 120):
        page.mouse.move(x, y)
        page.mouse.wheel(0, wheel)
        page.wait_for_timeout(350)  # the zoom is animated for 250 ms
        back = 1 if wheel > 0 else -1
        for across, down in ((150 * back, 0), (0, 90 * back), (-60 * back, 0)):
            _flick(page, x, y, across, down)
    page.wait_for_timeout(400)  # it glides on


def _flick(page: Page, x: float, y: float, across: float, down: float, steps: int = 12) -> None:
    page.mouse.move(x, y)
    page.mouse.down()
    for step in range(1, steps + 1):
        page.mouse.move(x + across * step / steps, y + down * step / steps)
        time.sleep(0.012)
    page.mouse.up()


# ── what it needs ───────────────────────────────────────────────────────────────────────────


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing: the figures are what is to be read."""


@contextmanager
def _pages() -> Iterator[str]:
    """The bench's own pages on a free port of this machine."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(HERE)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _installed() -> None:
    if not (HERE / "node_modules" / "protomaps-leaflet").is_dir():
        npm = shutil.which("npm") or "npm"
        subprocess.run([npm, "ci", "--no-audit", "--no-fund"], cwd=HERE, check=True, stdout=subprocess.DEVNULL)


def _chromium() -> str:
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        raise SystemExit("There is no Chromium on this machine.")
    return found


def main() -> None:
    """Measure from the command line."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.page", description="Frame times of the map while it is moved."
    )
    parser.add_argument("--url", default="http://localhost:8000", help="a served map that is full of assets")
    parser.add_argument("--at", default=AT, help="zoom/latitude/longitude to begin at")
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--json", type=Path, help="file to write the figures to")
    asked = parser.parse_args()
    result = run(asked.url, at=asked.at, runs=asked.runs)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    if asked.json:
        asked.json.write_text(json.dumps(result, indent=2) + "\n")


if __name__ == "__main__":
    main()
