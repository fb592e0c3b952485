"""What a person waits for at the door: the server's start, a drawn region, new pictures after a question.

- Start: from ``python -m streamlit run app/server.py`` with an empty data folder to the first 200 of ``/healthz``.
- Draw to Python: from letting the mouse go on a rectangle to the region's row in the left panel, which Python has written.
- Query to new pixels: from Enter in the query box to a decoded thumbnail of the answer that this page never showed before.

The last two are clocked inside a real Chromium, by frames. The island that is asked about is SYNTHETIC.

Run with: python -m engine bench serving
"""

from __future__ import annotations

import tempfile
import time
import urllib.request
from contextlib import suppress
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest
from playwright.sync_api import Page, sync_playwright

from engine.errors import PharosError
from tests.browser.conftest import FLAGS, Server, chromium, serve, visit
from tests.browser.test_explore import draw_rectangle, the_map

STARTS: Final = 5
ROUNDS: Final = 20
PATIENCE: Final = 60.0
"""Seconds that one step may take before the benchmark gives up."""

THINGS: Final = ["lake", "river", "dense forest", "farm", "town", "harbour", "airport", "bridge", "road", "bare sand"]
MORE: Final = ["beach", "island", "stadium", "quarry", "dam", "mountain", "pier", "marsh", "storage tanks", "solar panels"]
AROUND: Final = ["{}", "{} in winter", "something like {}", "{} from far above"]

WATCH: Final = """([event, key, find]) => {
  const seen = window.pharosSeen ??= new Set();
  const things = {
    rows: () => [...document.querySelectorAll('.st-key-ask input[aria-label^="Name of"]')].map((row) => [row.ariaLabel, row]),
    pictures: () => [...document.querySelectorAll('.st-key-answer img[src*="/thumbnails/"]')].map((image) => [image.src, image]),
  }[find];
  if (find === 'rows') seen.clear();
  things().forEach(([name]) => seen.add(name));
  let begin = null;
  addEventListener(event, (e) => { if (!key || e.key === key) begin ??= performance.now(); }, { capture: true });
  window.pharosTook = new Promise((done) => {
    const look = async () => {
      const fresh = begin && things().find(([name, node]) => !seen.has(name) && (find === 'rows' || (node.complete && node.naturalWidth)));
      if (!fresh) return requestAnimationFrame(look);
      if (find === 'pictures') await fresh[1].decode();
      done(performance.now() - begin);
    };
    look();
  });
}"""


def main() -> dict[str, Any]:
    """Measure and return the figures; the command prints them."""
    try:
        program = chromium()
    except pytest.skip.Exception as missing:
        raise PharosError(f"{missing}.") from None
    with tempfile.TemporaryDirectory() as folder:
        starts = [_start(Path(folder) / f"start{turn}") for turn in range(STARTS)]
        with serve(Path(folder) / "demo") as server, sync_playwright() as running:
            server.wait_until_ready(600)
            browser = running.chromium.launch(executable_path=program, args=FLAGS)
            with visit(browser) as visited:
                drawn = _drawn(visited.page, server)
                asked = _asked(visited.page, server)
            browser.close()
    return {
        "start_s": round(median(starts), 3),
        "start_limit_s": 3.0,
        "draw_to_python_ms": round(median(drawn), 1),
        "query_to_new_pixels_ms": round(median(asked), 1),
        "starts": len(starts),
        "rounds": len(asked),
        "worst": {"start_s": round(max(starts), 3), "draw_ms": round(max(drawn), 1), "query_ms": round(max(asked), 1)},
        "synthetic": True,
    }


def _start(data: Path) -> float:
    """Seconds until a server on a fresh folder answers."""
    begin = time.perf_counter()
    with serve(data) as server:
        while time.perf_counter() - begin < PATIENCE:
            with suppress(OSError), urllib.request.urlopen(f"{server.address}/healthz", timeout=5) as reply:
                if reply.status == 200:
                    return time.perf_counter() - begin
            time.sleep(0.01)
    raise PharosError(f"The server did not answer within {PATIENCE:.0f} s.")


def _drawn(page: Page, server: Server) -> list[float]:
    page.goto(f"{server.address}/?collection=island")
    the_map(page)
    took = []
    for _ in range(ROUNDS + 1):
        page.evaluate(WATCH, ["mouseup", "", "rows"])
        draw_rectangle(page)
        took.append(_took(page))
        page.get_by_role("button", name="✕").first.click()
        page.wait_for_function("() => !document.querySelector('.st-key-ask input[aria-label^=\"Name of\"]')")
    return took[1:]  # the first one warms up


def _asked(page: Page, server: Server) -> list[float]:
    page.goto(f"{server.address}/?collection=island")
    the_map(page)
    box = page.get_by_label("What are you looking for?")
    took: list[float] = []
    for text in (around.format(thing) for around in AROUND for thing in [*THINGS, *MORE]):
        page.evaluate(WATCH, ["keydown", "Enter", "pictures"])
        box.fill(text)
        box.press("Enter")
        page.wait_for_url(lambda url, text=text: text.replace(" ", "+") in url or text.replace(" ", "%20") in url)
        with suppress(TimeoutError):  # every picture of this answer has been on the page before
            took.append(_took(page, 3.0))
        if len(took) > ROUNDS:
            break
    return took[1:]


def _took(page: Page, patience: float = PATIENCE) -> float:
    """Milliseconds until what is watched for was there."""
    late = f"new Promise((done) => setTimeout(() => done(-1), {patience * 1000:.0f}))"
    milliseconds = float(page.evaluate(f"() => Promise.race([window.pharosTook, {late}])"))
    if milliseconds < 0:
        raise TimeoutError
    return milliseconds
