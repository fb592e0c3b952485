"""A night of fog in a real Chromium against a real server: it plays without a blank, says why, compares, and is taken home. SYNTHETIC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.browser.conftest import Server, Visit, serve, visit
from tests.nights import write_night

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = 180_000
"""Milliseconds that a step may take on two busy cores."""
FRAMES, GAP = 12, 5
HEIGHT = 844

WATCH = """() => {
  const [picture, mask] = ['picture', 'mask'].map((id) => document.querySelector(`[data-layer="${id}"] canvas`));
  Object.assign(window, { looks: 0, blanks: 0, apart: 0, seen: new Set() });
  const look = () => {
    const [, , , alpha] = picture.getContext('2d').getImageData(picture.width / 2, picture.height / 2, 1, 1).data;
    window.looks += 1;
    if (alpha === 0 || mask.dataset.shown === '-1') window.blanks += 1;
    if (picture.dataset.shown !== mask.dataset.shown) window.apart += 1;
    window.seen.add(Number(picture.dataset.shown));
    if (!window.enough) requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
}"""


@pytest.fixture(scope="module")
def night_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without the demo that knows one night with a gap."""
    home = tmp_path_factory.mktemp("night")
    (home / "cubes").mkdir()
    write_night(home / "cubes", size=64, frames=FRAMES, gaps=(GAP,))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHAROS_DEMO", "false")
        with serve(home) as server:
            server.wait_until_ready(900)
            yield server


def open_page(visited: Visit, server: Server, query: str = "") -> Page:
    """The Fog page with every frame of both layers at hand."""
    page = visited.page
    page.set_default_timeout(SLOW)
    page.goto(f"{server.address}/fog{query}")
    for layer in ("picture", "mask"):
        expect(canvas(page, layer)).to_have_attribute("data-ready", str(FRAMES - 1), timeout=SLOW)
    return page


def canvas(page: Page, layer: str) -> Locator:
    return page.locator(f'[data-layer="{layer}"] canvas')


def strip(page: Page) -> Locator:
    return page.get_by_role("slider", name="Time")


def settle(visited: Visit, server: Server) -> None:
    assert visited.foreign(server.address) == []
    assert visited.complaints == []


def test_it_plays_without_a_blank_and_is_stepped_by_keys(browser: Browser, night_server: Server) -> None:
    with visit(browser) as visited:
        page = open_page(visited, night_server)
        expect(page.get_by_text("SYNTHETIC", exact=True).first).to_be_visible()
        expect(strip(page)).to_have_attribute("aria-valuenow", str(FRAMES - 1))
        page.evaluate(WATCH)
        page.keyboard.press("Space")
        page.wait_for_function(f"window.seen.size === {FRAMES - 1}", timeout=SLOW)
        page.keyboard.press("Space")
        expect(page.locator(".ph-play").first).to_have_attribute("aria-pressed", "false")
        page.evaluate("window.enough = true")
        assert page.evaluate("window.looks") >= FRAMES
        assert page.evaluate("[window.blanks, window.apart]") == [0, 0]
        assert GAP not in page.evaluate("[...window.seen]")

        strip(page).focus()
        page.keyboard.press("Home")
        expect(page).to_have_url(re.compile("when=20250914T023000Z"), timeout=SLOW)
        for _ in range(GAP):
            page.keyboard.press("ArrowRight")
        expect(strip(page)).to_have_attribute("aria-valuetext", re.compile("05:00 UTC, no picture"))
        expect(canvas(page, "picture")).to_have_attribute("data-shown", "-1")
        page.keyboard.press("End")
        expect(canvas(page, "mask")).to_have_attribute("data-shown", str(FRAMES - 1))
        settle(visited, night_server)


def test_a_place_says_why_and_the_chart_leads_to_its_frame(browser: Browser, night_server: Server) -> None:
    with visit(browser) as visited:
        page = open_page(visited, night_server)
        why = page.get_by_role("region", name="Why here?")
        field = why.get_by_label("Latitude and longitude to read out")
        field.fill("somewhere")
        field.press("Enter")
        expect(why.get_by_role("alert")).to_contain_text("Type a latitude")
        field.fill("51 N, 1 E")
        field.press("Enter")
        expect(why.get_by_role("alert")).to_contain_text("outside this sea region")
        field.fill("22.41 S, 12.08 E")
        field.press("Enter")
        expect(why.locator(".ph-state")).to_have_text(re.compile("fog or very low stratus|clear|obscured|no data"), timeout=SLOW)
        expect(why.get_by_role("table", name="Tests that were made here").get_by_role("row").nth(2)).to_be_visible()
        expect(why).to_contain_text("sun from the zenith")
        expect(why).to_contain_text("SYNTHETIC")
        expect(page).to_have_url(re.compile(r"at=12\.08000%2C-22\.41000"), timeout=SLOW)

        box = canvas(page, "picture").bounding_box()
        assert box is not None
        page.mouse.click(box["x"] + 0.4 * box["width"], box["y"] + 0.5 * box["height"])
        expect(page).not_to_have_url(re.compile(r"at=12\.08000"), timeout=SLOW)
        expect(page).to_have_url(re.compile(r"at=\d+\.\d{5}%2C-\d+\.\d{5}"))

        chart = page.get_by_role("region", name="Fog area over time")
        expect(chart).to_contain_text(re.compile("At most .* km²|No fog"), timeout=SLOW)
        chart.get_by_text("The figures as a table").click()
        expect(chart.get_by_role("row")).to_have_count(FRAMES + 1)
        chart.get_by_role("button", name="2025-09-14 04:00").click()
        expect(strip(page)).to_have_attribute("aria-valuenow", "3")
        picture = chart.locator("svg").bounding_box()
        assert picture is not None
        page.mouse.click(picture["x"] + 0.99 * picture["width"], picture["y"] + 30)
        expect(strip(page)).to_have_attribute("aria-valuenow", str(FRAMES - 1))

        ports = page.get_by_role("region", name="Ports and points")
        expect(ports).to_contain_text("Walvis Bay", timeout=SLOW)
        ports.get_by_text("Add a point of your own").click()
        ports.get_by_label("Name of the point").fill("My platform")
        ports.get_by_label("Latitude and longitude of the point").fill("21 S, 11.5 E")
        ports.get_by_role("button", name="Add", exact=True).click()
        expect(ports.get_by_role("button", name="Delete My platform")).to_be_visible(timeout=SLOW)
        expect(page).to_have_url(re.compile("points=My"))
        settle(visited, night_server)


def test_a_and_b_are_swiped_by_keys_and_a_reload_restores_the_page(browser: Browser, night_server: Server) -> None:
    query = (
        "?cube=SYNTHETIC_fog_BE&when=20250914T040000Z&mask=probability&mask_opacity=60&compare=times&divider=30&other_when=20250914T023000Z"
    )
    with visit(browser, dark=True) as visited:
        page = open_page(visited, night_server, query)
        divider = page.get_by_role("slider", name="Divider between A and B")
        expect(divider).to_have_attribute("aria-valuenow", "30")
        expect(strip(page)).to_have_attribute("aria-valuenow", "3")
        divider.focus()
        page.keyboard.press("PageUp")
        expect(divider).to_have_attribute("aria-valuenow", "40")
        expect(page).to_have_url(re.compile("divider=40"), timeout=SLOW)
        clips = page.eval_on_selector_all(
            "[data-layer]", "(panes) => panes.map((pane) => [pane.dataset.layer, pane.style.clipPath !== ''])"
        )
        assert dict(clips) == {"base": False, "picture": True, "mask": True, "picture-b": True, "mask-b": True}
        before = page.url
        page.reload()
        expect(divider).to_have_attribute("aria-valuenow", "40", timeout=SLOW)
        expect(strip(page)).to_have_attribute("aria-valuenow", "3", timeout=SLOW)
        assert page.url == before
        assert set(before.split("?")[1].split("&")) == set(query[1:].replace("divider=30", "divider=40").split("&"))
        settle(visited, night_server)


def test_the_mask_is_taken_home(browser: Browser, night_server: Server) -> None:
    with visit(browser) as visited:
        page = open_page(visited, night_server, "?when=20250914T040000Z")
        page.get_by_role("button", name="Export mask, animation, series").click()
        for form in ("GeoJSON", "GeoTIFF", "PNG"):
            with page.expect_download(timeout=SLOW) as downloading:
                page.get_by_role("link", name=form, exact=True).click()
            name = downloading.value.suggested_filename
            body = downloading.value.path().read_bytes()
            assert "SYNTHETIC" in name
            assert "20250914T040000Z" in name
            if form == "GeoJSON":
                assert "fog or very low stratus" in json.dumps(json.loads(body))
            else:
                assert body[:4] in (b"\x89PNG", b"II*\0", b"MM\0*", b"II+\0")
        for form in ("GIF", "MP4"):
            assert "animation" in (page.get_by_role("link", name=f"Animation, {form}").get_attribute("href") or "")
        settle(visited, night_server)


def test_on_a_phone_it_stacks_and_a_question_without_imagery_is_answered_in_words(browser: Browser, night_server: Server) -> None:
    with visit(browser, width=390, height=HEIGHT) as visited:
        page = open_page(visited, night_server, "?text=a+ship")
        box = page.locator(".ph-canvas").bounding_box()
        assert box is not None
        assert box["height"] >= 0.55 * HEIGHT
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        expect(page.get_by_text("nothing to rank inside its fog")).to_be_visible()
        nameless = page.evaluate("""() => [...document.querySelectorAll('.ph [tabindex], .ph button, .ph input, .ph select, .ph a[href]')]
            .filter((stop) => stop.tabIndex >= 0 && !(stop.getAttribute('aria-label') || stop.textContent.trim()))
            .map((stop) => stop.outerHTML.slice(0, 120))""")
        assert nameless == []
        settle(visited, night_server)


def test_the_demo_opens_at_once(browser: Browser, demo_server: Server) -> None:
    with visit(browser) as visited:
        visited.page.goto(f"{demo_server.address}/fog")
        expect(canvas(visited.page, "mask")).to_have_attribute("data-shown", "11", timeout=SLOW)
        expect(visited.page.get_by_text("SYNTHETIC", exact=True).first).to_be_visible()
        settle(visited, demo_server)
