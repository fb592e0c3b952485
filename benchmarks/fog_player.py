"""How smoothly a night of fog plays, and whether its memory stays flat: two layers of 48 frames of 512 × 512 in a real Chromium.

- Frames a second: changes of the picture that both layers show, counted by the page's own frames; the median of the seconds played.
  Where other work shares the machine, the processor time of a frame says what a core that is free would give.
- Blanks: looks at which a layer showed nothing, of all looks.
- Memory: JavaScript heap after a collection, and what the renderer and the graphics process hold, after the play over before it.

The series is SYNTHETIC. Run with: python -m engine bench fog_player, or longer: python -m benchmarks.fog_player --minutes 10
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from engine.errors import PharosError
from tests.browser.conftest import FLAGS, Server, chromium, serve, visit
from tests.nights import write_night

FRAMES: Final = 48
SIZE: Final = 512
MINUTES: Final = 0.25
PATIENCE_MS: Final = 600_000
FASTEST: Final = "60"
"""Frames a second that the strip is asked for: more than the goal, so that the machine is the limit."""
GOAL: Final = 30.0
STILL_MS: Final = 5000
"""How long the page's own frames are counted before playing: what the machine gives at all."""

WATCH: Final = """() => {
  const canvases = ['picture', 'mask'].map((id) => document.querySelector(`[data-layer="${id}"] canvas`));
  Object.assign(window, { shown: '', swaps: [], paints: [], looks: 0, blanks: 0, watching: true });
  const look = () => {
    const now = canvases.map((canvas) => canvas.dataset.shown);
    window.looks += 1;
    if (now.includes('-1')) window.blanks += 1;
    const both = now[0] === now[1] ? now[0] : window.shown;
    const second = Math.floor(performance.now() / 1000);
    if (both !== window.shown) window.swaps[second] = (window.swaps[second] ?? 0) + 1;
    window.paints[second] = (window.paints[second] ?? 0) + 1;
    window.shown = both;
    if (window.watching) requestAnimationFrame(look);
  };
  look();
}"""


def main(minutes: float = MINUTES) -> dict[str, Any]:
    """Measure and return the figures; the command prints them.

    Args:
        minutes: How long it plays.
    """
    try:
        program = chromium()
    except pytest.skip.Exception as missing:
        raise PharosError(f"{missing}.") from None
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHAROS_DEMO", "false")
        home = Path(folder)
        (home / "cubes").mkdir()
        write_night(home / "cubes", size=SIZE, frames=FRAMES)
        with serve(home) as server, sync_playwright() as running:
            server.wait_until_ready(900)
            browser = running.chromium.launch(executable_path=program, args=FLAGS)
            with visit(browser) as visited:
                figures = _played(visited.page, browser, server, minutes)
            browser.close()
    return figures


def _played(page: Page, browser: Browser, server: Server, minutes: float) -> dict[str, Any]:
    begin = time.perf_counter()
    page.set_default_timeout(PATIENCE_MS)
    page.goto(f"{server.address}/fog")
    page.wait_for_function("[...document.querySelectorAll('.ph-frames')].some((film) => film.dataset.shown > -1)")
    first = time.perf_counter() - begin
    page.wait_for_function(f"[...document.querySelectorAll('.ph-frames')].filter((film) => film.dataset.ready === '{FRAMES}').length === 2")
    loaded = time.perf_counter() - begin
    page.get_by_label("Speed").select_option(FASTEST)
    page.evaluate(WATCH)
    page.wait_for_timeout(STILL_MS)
    still = _whole(page.evaluate("window.paints"))
    page.get_by_role("button", name="Play").click()
    page.wait_for_timeout(3000)  # every bitmap was drawn once
    before = _memory(page, browser)
    worked = _worked(browser)
    page.evaluate("Object.assign(window, { swaps: [], paints: [], looks: 0, blanks: 0 })")
    page.wait_for_timeout(60_000 * minutes)
    swaps, looks, blanks = page.evaluate("[window.swaps, window.looks, window.blanks]")
    each = 1000 * (_worked(browser) - worked) / max(sum(count or 0 for count in swaps), 1)
    after = _memory(page, browser)
    page.evaluate("window.watching = false")
    whole = _whole(swaps)
    return {
        "frames_per_second": median(whole),
        "frames_per_second_p10": sorted(whole)[len(whole) // 10],
        "over_goal": round(median(whole) / GOAL, 2),
        "cpu_ms_per_frame": round(each, 1),
        "frames_per_second_of_a_whole_core": round(1000 / each, 1),
        "page_frames_per_second_still": median(still),
        "blank_share": round(blanks / max(looks, 1), 5),
        "heap_growth": round(after["heap"] / before["heap"], 3),
        "process_growth": round(after["process"] / before["process"], 3),
        "heap_mb": round(after["heap"] / 2**20, 1),
        "process_mb": round(after["process"] / 2**20, 1),
        "first_frame_s": round(first, 2),
        "all_loaded_s": round(loaded, 2),
        "layers": 2,
        "frames": FRAMES,
        "size": SIZE,
        "minutes": minutes,
    }


def _whole(counts: list[int | None]) -> list[int]:
    """Counts of whole seconds: the first and the last were not played to their end; there is none before the first."""
    return [count for count in counts if count is not None][1:-1] or [0]


def _worked(browser: Browser) -> float:
    """Seconds of processor time that all of the browser's processes have taken."""
    session = browser.new_browser_cdp_session()
    processes = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    return float(sum(each["cpuTime"] for each in processes))


def _memory(page: Page, browser: Browser) -> dict[str, float]:
    """Bytes that the page's heap and the processes that draw it hold; what the machine doesn't tell is 1."""
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.send("Performance.enable")
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    session.detach()
    about = browser.new_browser_cdp_session()
    processes = about.send("SystemInfo.getProcessInfo")["processInfo"]
    about.detach()
    held = sum(_resident(int(each["id"])) for each in processes if each["type"] in ("renderer", "GPU"))
    return {"heap": metrics["JSHeapUsedSize"], "process": held or 1.0}


def _resident(process: int) -> float:
    """Bytes of memory that a process holds, as Linux tells it."""
    try:
        status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    except OSError:
        return 0.0
    return next((1024.0 * int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")), 0.0)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="How smoothly a night of fog plays")
    parser.add_argument("--minutes", type=float, default=MINUTES)
    print(json.dumps(main(parser.parse_args().minutes)))
