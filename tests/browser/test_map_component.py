"""Map, time strip and gallery in a real browser: what the hand does, what Python is told, and that nothing blinks."""

from __future__ import annotations

import contextlib
import json
import math
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from components.frontend import vendor_path
from tests.browser.conftest import ROOT, Visit, free_port, visit

pytestmark = pytest.mark.browser

ZOOM = 8  # of the harness's camera
FRAMES = 16
GAP = 9


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if vendor_path("leaflet/leaflet.js") is None:
        message = "vendor/ is empty: “make test” brings the front-end libraries"
        pytest.fail(message) if os.environ.get("CI") else pytest.skip(message)
    port = free_port()
    log = tmp_path_factory.mktemp("harness") / "server.log"
    script = Path("tests/browser/harness/server.py")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless", "true"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, cwd=ROOT, stdout=out, stderr=subprocess.STDOUT)
    try:
        wait_for(lambda: reachable(f"http://127.0.0.1:{port}/_stcore/health"), "the harness", 60)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(timeout=15)


def reachable(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=2) as reply:
        return bool(reply.status == 200)
    return False


def wait_for(done: Callable[[], object], what: str, seconds: float = 15) -> None:
    end = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < end, f"waited {seconds} s for {what}"
        time.sleep(0.05)


class Bench:
    """The harness's page under a hand."""

    def __init__(self, visited: Visit, address: str) -> None:
        self.visited, self.page, self.address = visited, visited.page, address
        self.page.goto(address)
        self.ready()

    def ready(self) -> None:
        self.page.wait_for_selector(".ph-map .ph-tools", timeout=30_000)
        self.page.wait_for_selector(".ph-timeline .ph-cell", timeout=30_000)
        self.page.wait_for_selector(".ph-card", timeout=30_000)
        wait_for(lambda: self.page.locator(".ph-map .leaflet-tile-loaded").count() > 0, "tiles")
        # the strip floats over the map once both are there; until then things still move
        self.page.wait_for_selector(".ph-timeline.ph-floating, .stMain", timeout=5_000)
        self.page.wait_for_timeout(250)

    @property
    def canvas(self) -> dict[str, float]:
        box = self.page.locator(".ph-canvas").bounding_box()
        assert box is not None
        return dict(box)

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place on the screen, pixels from the middle of the map."""
        box = self.canvas
        return box["x"] + box["width"] / 2 + x, box["y"] + box["height"] / 2 + y

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        (x0, y0), (x1, y1) = self.at(*start), self.at(*end)
        self.page.mouse.move(x0, y0)
        self.page.mouse.down()
        self.page.mouse.move((x0 + x1) / 2, (y0 + y1) / 2)
        self.page.mouse.move(x1, y1)
        self.page.mouse.up()

    def click(self, x: float, y: float) -> None:
        self.page.mouse.click(*self.at(x, y))

    def tool(self, name: str) -> None:
        self.page.click(f"[data-tool={name}]")

    def press(self, button: str) -> None:
        before = self.runs
        self.page.get_by_role("button", name=button, exact=True).click()
        wait_for(lambda: self.runs > before, f"a rerun after {button}")

    @property
    def runs(self) -> int:
        return int(self.page.locator("#runs").inner_text())

    @property
    def python(self) -> dict[str, Any]:
        """What Python knows: every event it was told, and the regions it holds."""
        found: dict[str, Any] = json.loads(self.page.locator("[data-testid=stText]").last.inner_text())
        return found

    def told(self, kind: str) -> list[Any]:
        return [news[kind] for news in self.python["log"] if kind in news]

    def names(self) -> list[str]:
        return [region["properties"]["name"] for region in self.python["regions"]]

    def chips(self) -> list[str]:
        return self.page.locator(".ph-chip").all_inner_texts()

    def rectangle(self, start: tuple[float, float] = (-200, -60), end: tuple[float, float] = (-80, 40), name: str = "") -> None:
        """Draw one, as a person does, and leave or change the name that is offered."""
        before = len(self.python["regions"])
        self.tool("rectangle")
        self.drag(start, end)
        wait_for(lambda: len(self.python["regions"]) == before + 1, "the region in Python")
        if name:
            self.page.keyboard.type(name)
        self.page.keyboard.press("Enter")
        if name:
            wait_for(lambda: name in self.names(), "the name in Python")


def place(x: float, y: float) -> tuple[float, float]:
    """Longitude and latitude, x and y pixels from 0° N 0° E at the camera's zoom: the inverse of web mercator."""
    world = 256 * 2**ZOOM
    return 360 * x / world, math.degrees(math.atan(math.sinh(-2 * math.pi * y / world)))


@pytest.fixture
def bench(browser: Browser, address: str) -> Iterator[Bench]:
    with visit(browser) as visited:
        bench = Bench(visited, address)
        yield bench
        assert not visited.complaints
        assert not visited.foreign(address)


def corners(feature: dict[str, Any]) -> tuple[float, float, float, float]:
    ring = feature["geometry"]["coordinates"][0]
    lons, lats = [corner[0] for corner in ring], [corner[1] for corner in ring]
    return min(lons), min(lats), max(lons), max(lats)


def test_a_rectangle_is_where_it_was_drawn(bench: Bench) -> None:
    bench.tool("rectangle")
    bench.drag((-200, -60), (-80, 40))
    wait_for(lambda: bench.told("regions"), "the region in Python")
    west, north = place(-200, -60)
    east, south = place(-80, 40)
    pixel = 360 / (256 * 2**ZOOM)
    assert corners(bench.python["regions"][0]) == pytest.approx((west, south, east, north), abs=1.01 * pixel)
    assert bench.names() == ["Region 1"]
    assert not bench.told("clicked")


def test_two_clicks_draw_a_rectangle_too_and_escape_forgets_one(bench: Bench) -> None:
    bench.tool("rectangle")
    expect(bench.page.locator("[data-tool=rectangle]")).to_have_attribute("aria-pressed", "true")
    bench.click(-200, -60)
    bench.page.keyboard.press("Escape")
    expect(bench.page.locator("[data-tool=rectangle]")).to_have_attribute("aria-pressed", "false")
    bench.page.mouse.move(*bench.at(-100, 0))
    assert bench.page.locator("path.ph-region").count() == 0
    bench.tool("rectangle")
    bench.click(-200, -60)
    bench.page.mouse.move(*bench.at(-120, 0))
    bench.click(-80, 40)
    wait_for(lambda: bench.told("regions"), "the region in Python")
    assert not bench.told("clicked")


def test_regions_are_named_and_survive_reruns_and_a_page_change(bench: Bench) -> None:
    bench.rectangle(name="North bay")
    bench.tool("polygon")
    for corner in [(60, 40), (160, 60), (150, 150), (70, 140), (60, 40)]:
        bench.click(*corner)
        bench.page.wait_for_timeout(80)
    wait_for(lambda: len(bench.python["regions"]) == 2, "the polygon in Python")
    bench.page.keyboard.press("Escape")
    assert bench.chips() == bench.names() == ["North bay", "Region 1"]
    ids = [region["id"] for region in bench.python["regions"]]
    bench.page.evaluate("document.querySelectorAll('path.ph-region').forEach((path) => (path.mark = true))")
    bench.press("Rerun")
    assert bench.page.evaluate("[...document.querySelectorAll('path.ph-region')].every((path) => path.mark)")  # not drawn again
    bench.page.get_by_role("link", name="Other").click()
    bench.page.get_by_text("Another page").wait_for()
    bench.page.get_by_role("link", name="Map").click()
    bench.ready()
    assert bench.chips() == ["North bay", "Region 1"]
    assert [region["id"] for region in bench.python["regions"]] == ids


def test_a_name_is_changed_by_double_click_and_by_keyboard(bench: Bench) -> None:
    bench.rectangle(name="North bay")
    bench.page.locator(".ph-chip").dblclick()
    bench.page.keyboard.type("South bay")
    bench.page.keyboard.press("Escape")
    assert bench.chips() == ["North bay"]
    bench.page.locator(".ph-chip").focus()
    bench.page.keyboard.press("Enter")
    bench.page.keyboard.type("West <b>bay</b>")
    bench.page.keyboard.press("Enter")
    wait_for(lambda: bench.names() == ["West <b>bay</b>"], "the new name in Python")
    assert bench.chips() == ["West <b>bay</b>"]


def test_a_corner_is_moved_where_the_hand_lets_go(bench: Bench) -> None:
    bench.rectangle((-200, -60), (-80, 40))
    bench.rectangle((60, 40), (160, 120))
    bench.tool("edit")
    bench.drag((-80, 40), (55, 37))  # 6 pixels beside the other one's corner: nothing snaps
    wait_for(lambda: corners(bench.python["regions"][0])[2] > 0, "the edit in Python")
    pixel = 360 / (256 * 2**ZOOM)
    west, south, east, north = corners(bench.python["regions"][0])
    assert (east, south) == pytest.approx(place(55, 37), abs=1.6 * pixel)
    assert (west, north) == pytest.approx(place(-200, -60), abs=1.6 * pixel)
    bench.page.keyboard.press("Escape")
    assert bench.page.locator(".marker-icon").count() == 0


def test_regions_are_deleted_by_hand_by_keyboard_and_by_python(bench: Bench) -> None:
    bench.rectangle((-200, -60), (-140, 0), name="one")
    bench.rectangle((-120, -60), (-80, 0), name="two")
    bench.rectangle((-200, 40), (-140, 90), name="three")
    bench.tool("delete")
    bench.click(-100, -30)
    wait_for(lambda: bench.names() == ["one", "three"], "the deletion in Python")
    bench.page.keyboard.press("Escape")
    bench.page.get_by_role("button", name="Region three").focus()
    bench.page.keyboard.press("Delete")
    wait_for(lambda: bench.names() == ["one"], "the deletion by keyboard")
    bench.press("Rename")
    wait_for(lambda: bench.chips() == ["<b>Fiji</b> & co"], "the name that Python gave")
    bench.press("Clear")
    wait_for(lambda: bench.page.locator("path.ph-region").count() == 0, "the map without regions")
    expect(bench.page.locator("[data-tool=delete]")).to_be_disabled()


def test_a_region_across_the_antimeridian_is_sent_as_drawn(bench: Bench) -> None:
    bench.press("Dateline")
    bench.page.wait_for_timeout(300)
    bench.rectangle((-100, -60), (100, 40))
    west, _, east, _ = corners(bench.python["regions"][0])
    assert west < 180 < east
    assert (west + east) / 2 == pytest.approx(180, abs=0.02)


def hit_place(lon: float) -> tuple[float, float]:
    world = 256 * 2**ZOOM
    lat = 0.35
    return lon * world / 360, -math.asinh(math.tan(math.radians(lat))) * world / (2 * math.pi)


def glide(page: Page, x: float, y: float) -> None:
    """Move as a hand does: Leaflet hears at most one move in 32 ms and would lose a single jump."""
    page.mouse.move(x, y)
    page.wait_for_timeout(80)
    page.mouse.move(x + 1, y)


def test_a_hit_and_its_card_light_each_other_without_python(bench: Bench) -> None:
    before = bench.runs
    bench.page.evaluate("window.heard = []; window.addEventListener('pharos:hover', (event) => window.heard.push(event.detail.id))")
    glide(bench.page, *bench.at(*hit_place(0.35)))
    expect(bench.page.locator(".ph-lit")).to_have_attribute("data-id", "a")
    glide(bench.page, *bench.at(*hit_place(0.85)))
    expect(bench.page.locator(".ph-lit")).to_have_attribute("data-id", "b")
    glide(bench.page, *bench.at(-200, 100))
    expect(bench.page.locator(".ph-lit")).to_have_count(0)
    x, y = bench.at(*hit_place(0.35))
    inside = {"x": x - 20, "y": y - 20, "width": 40, "height": 40}
    dark = bench.page.screenshot(clip=inside)
    bench.page.hover(".ph-card[data-id=a]")
    wait_for(lambda: bench.page.screenshot(clip=inside) != dark, "the outline to light up")
    assert "a" in bench.page.evaluate("window.heard")
    assert bench.runs == before


def test_a_hit_is_picked_on_the_map_and_in_the_gallery(bench: Bench) -> None:
    bench.click(*hit_place(0.35))
    wait_for(lambda: bench.told("picked") == ["a"], "the pick in Python")
    expect(bench.page.locator(".ph-card[data-id=a]")).to_have_attribute("aria-pressed", "true")
    assert not bench.told("clicked")
    bench.page.locator(".ph-card[data-id=a]").focus()
    bench.page.keyboard.press("ArrowDown")
    bench.page.keyboard.press("Enter")
    wait_for(lambda: bench.told("picked") == ["a", "b"], "the second pick")
    expect(bench.page.locator(".ph-card[data-id=b]")).to_have_attribute("aria-pressed", "true")
    assert bench.page.locator(".ph-remark").inner_text() == "Nothing else <i>here</i> looks like that."


def test_a_click_beside_the_hits_says_where(bench: Bench) -> None:
    bench.click(-150, 100)
    wait_for(lambda: bench.told("clicked"), "the click in Python")
    pixel = 360 / (256 * 2**ZOOM)
    assert tuple(bench.told("clicked")[0]) == pytest.approx(place(-150, 100), abs=1.01 * pixel)


WATCH = """(selector) => {
  window.blank = 0; window.looks = 0; window.watching = true;
  const look = () => {
    const shows = (image) => getComputedStyle(image).opacity === '1' && image.complete && image.naturalWidth;
    const seen = [...document.querySelectorAll(selector)].some(shows);
    window.looks += 1; if (!seen) window.blank += 1;
    if (window.watching) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_a_new_version_of_a_layer_never_leaves_the_map_blank(bench: Bench) -> None:
    pane = '[data-layer="base"] img'

    def sources() -> str:
        return str(bench.page.eval_on_selector_all(pane, "(all) => all.map((image) => image.src)"))

    ready = "(all) => all.length > 0 && all.every((image) => image.complete && image.naturalWidth > 0)"
    wait_for(lambda: bool(bench.page.eval_on_selector_all(pane, ready)), "the first tiles")
    bench.page.evaluate(WATCH, pane)
    bench.press("Next version")
    wait_for(lambda: "/tile/1/" in str(bench.page.eval_on_selector_all(pane, "(all) => all.map((image) => image.src)")), "the new tiles")
    wait_for(
        lambda: "/tile/0/" not in str(bench.page.eval_on_selector_all(pane, "(all) => all.map((image) => image.src)")), "the old ones gone"
    )
    assert bench.page.evaluate("window.looks") > 5
    assert bench.page.evaluate("window.blank") == 0


SAMPLE = """(selector) => {
  window.blank = 0; window.reds = new Set(); window.watching = true;
  const canvas = document.querySelector(selector);
  const look = () => {
    const [red, , , alpha] = canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data;
    if (alpha === 255) window.reds.add(red); else window.blank += 1;
    if (window.watching) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


def test_playing_swaps_frames_without_a_blank_and_without_python(bench: Bench) -> None:
    frames = '[data-layer="fog"] .ph-frames'
    wait_for(lambda: bench.page.locator(frames).get_attribute("data-ready") == str(FRAMES - 1), "all frames")
    before = bench.runs
    bench.page.evaluate("window.shown = new Set(); addEventListener('pharos:frame', ({ detail }) => shown.add(detail.index))")
    bench.page.evaluate(SAMPLE, frames)
    bench.page.get_by_role("button", name="Play").click()
    wait_for(lambda: bench.page.evaluate("window.reds.size") >= FRAMES - 2, "a round of frames")
    assert bench.runs == before
    assert bench.page.evaluate("window.blank") == 0
    assert set(bench.page.evaluate("[...window.reds]")) <= {10 * index for index in range(FRAMES) if index != GAP}
    assert GAP not in bench.page.evaluate("[...window.shown]")
    bench.page.get_by_role("button", name="Pause").click()
    shown = int(bench.page.locator(".ph-slider").get_attribute("aria-valuenow") or -1)
    wait_for(lambda: bench.python["index"] == shown, "the last frame in Python")
    assert bench.page.locator(".ph-frames").get_attribute("data-shown") == str(shown)


def test_without_repeat_playing_ends_at_the_last_frame_and_begins_again_from_the_first(bench: Bench) -> None:
    wait_for(lambda: bench.page.locator(".ph-frames").get_attribute("data-ready") == str(FRAMES - 1), "all frames")
    bench.page.get_by_role("button", name="Repeat").click()
    bench.page.get_by_label("Speed").select_option("24")
    bench.page.get_by_role("button", name="Play").click()
    wait_for(lambda: bench.python["index"] == FRAMES - 1, "the end")
    expect(bench.page.locator(".ph-play").first).to_have_attribute("aria-pressed", "false")
    bench.page.evaluate("window.first = null; addEventListener('pharos:frame', ({ detail }) => (window.first ??= detail.index))")
    bench.page.get_by_role("button", name="Play").click()
    wait_for(lambda: bench.page.evaluate("window.first") == 0, "the first frame")


def test_the_strip_is_stepped_by_keyboard_and_a_gap_shows_nothing(bench: Bench) -> None:
    bench.page.locator(".ph-slider").focus()
    bench.page.keyboard.press("End")
    bench.page.keyboard.press("ArrowLeft")
    assert bench.page.locator(".ph-slider").get_attribute("aria-valuetext") == "2021-03-25 07:00 UTC, forecast"
    wait_for(lambda: bench.told("index") == [FRAMES - 2], "one message, once the keys rest")
    bench.page.locator(".ph-cell").nth(GAP).click()
    wait_for(lambda: bench.told("index")[-1] == GAP, "the gap in Python")
    assert bench.page.locator(".ph-frames").get_attribute("data-shown") == "-1"
    assert "no picture" in (bench.page.locator(".ph-slider").get_attribute("aria-valuetext") or "")


def test_space_plays_from_the_map_too_but_not_while_a_name_is_typed(bench: Bench) -> None:
    play = bench.page.locator(".ph-play")
    bench.rectangle(name="North bay")
    bench.page.locator(".ph-chip").dblclick()
    bench.page.keyboard.type("My own bay")
    expect(play).to_have_attribute("aria-pressed", "false")
    bench.page.keyboard.press("Enter")
    wait_for(lambda: bench.names() == ["My own bay"], "the name with its spaces")
    bench.page.locator(".ph-canvas").focus()
    bench.page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-pressed", "true")
    bench.page.keyboard.press("Space")
    expect(play).to_have_attribute("aria-pressed", "false")


def test_the_swipe_cuts_one_side_and_is_moved_by_hand_and_by_keys(bench: Bench) -> None:
    bench.press("Swipe")
    divider = bench.page.get_by_role("slider", name="Divider between A and B")
    expect(divider).to_have_attribute("aria-valuenow", "50")
    x, y = bench.at(-40, 20)
    inside = {"x": x, "y": y, "width": 20, "height": 20}
    seen = bench.page.screenshot(clip=inside)
    box = divider.bounding_box()
    assert box is not None
    start = box["x"] + box["width"] / 2, box["y"] + 40
    bench.page.mouse.move(*start)
    bench.page.mouse.down()
    bench.page.mouse.move(start[0] - 200, start[1], steps=4)
    bench.page.mouse.up()
    wait_for(lambda: bench.told("divider"), "the divider in Python")
    moved = bench.told("divider")[-1]
    assert moved == pytest.approx(0.5 - 200 / bench.canvas["width"], abs=0.01)
    assert bench.page.screenshot(clip=inside) != seen  # what belongs to B is now seen there
    expect(divider).to_have_attribute("aria-valuenow", str(round(100 * moved)))
    bench.page.keyboard.press("End")
    expect(divider).to_have_attribute("aria-valuenow", "100")
    bench.page.keyboard.press("PageDown")
    expect(divider).to_have_attribute("aria-valuenow", "90")
    wait_for(lambda: bench.told("divider")[-1] == 0.9, "the place where the keys rested")
    assert len(bench.told("divider")) == 2


def view(page: Page) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.evaluate("sessionStorage.getItem('pharos:camera:map')"))
    return found


def test_the_view_survives_a_rerun_and_a_reload_and_follows_a_new_token(bench: Bench) -> None:
    bench.drag((-150, 100), (-250, 150))
    bench.tool("in")
    wait_for(lambda: view(bench.page)["zoom"] == ZOOM + 1, "the closer view")
    bench.page.wait_for_timeout(400)
    kept = view(bench.page)
    assert kept["lon"] > 0.1
    bench.press("Rerun")
    assert view(bench.page) == kept
    bench.page.reload()
    bench.ready()
    assert view(bench.page) == kept
    bench.press("Fly")
    wait_for(lambda: view(bench.page)["token"] == "fly", "the new camera")
    assert (view(bench.page)["lon"], view(bench.page)["lat"]) == pytest.approx((10, 10), abs=0.01)


def test_every_stop_of_the_tab_key_has_a_name(bench: Bench) -> None:
    bench.rectangle(name="North bay")
    bench.tool("edit")  # its handles must not be stops
    nameless = bench.page.evaluate("""() => [...document.querySelectorAll('.ph [tabindex], .ph button, .ph input, .ph select, .ph a[href]')]
        .filter((stop) => stop.tabIndex >= 0 && !(stop.getAttribute('aria-label') || stop.innerText.trim()))
        .map((stop) => stop.outerHTML.slice(0, 120))""")
    assert nameless == []
    bench.page.keyboard.press("Escape")
    bench.page.locator("[data-tool=in]").focus()
    bench.page.keyboard.press("ArrowUp")
    assert bench.page.evaluate("document.activeElement.dataset.tool") == "home"


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_map_takes_the_height_there_is(browser: Browser, address: str, width: int, height: int) -> None:
    with visit(browser, width=width, height=height, dark=True) as visited:
        bench = Bench(visited, address)
        box = bench.canvas
        assert bench.page.evaluate("document.documentElement.scrollWidth") <= width
        if width > 640:
            assert box["y"] + box["height"] == pytest.approx(height, abs=2)
            page = bench.page.locator("[data-testid=stMain]")
            assert page.evaluate("(main) => main.scrollHeight - main.clientHeight") <= 1
            strip = bench.page.locator(".ph-timeline").bounding_box()
            assert strip is not None
            assert strip["y"] + strip["height"] < box["y"] + box["height"]
        else:
            assert box["height"] >= 0.55 * height
            assert box["width"] == width
        assert bench.page.locator(".ph-map").get_attribute("data-theme") == "dark"
        assert not visited.complaints
        assert not visited.foreign(address)
