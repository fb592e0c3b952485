"""A person's job on Explore, in a real Chromium against a real server."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from engine import encoders, imagery, index
from engine.settings import Settings
from tests.browser.conftest import Server, serve, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = 30_000
"""Milliseconds that a step may take on two busy cores."""


@pytest.fixture(scope="module")
def lakes_server(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that knows the three NAIP dates beside its own demo."""
    home = tmp_path_factory.mktemp("lakes")
    config = Settings(data_dir=home)
    found = imagery.find_scenes([shared_data / "georaster" / "naip"])
    index.build("lakes", found.scenes, encoders.load(settings=config), spec=imagery.TileSpec(), settings=config)
    with serve(home) as server:
        server.wait_until_ready()
        yield server


def shapes(page: Page) -> Locator:
    """Names of the regions on the map."""
    return page.locator(".ph-map-name, .ph-region-name")


def the_map(page: Page) -> Locator:
    found = page.locator(".leaflet-container")
    expect(found).to_be_visible(timeout=SLOW)
    return found


def draw_rectangle(page: Page) -> None:
    """Drag a rectangle over the middle of the map."""
    box = the_map(page).bounding_box()
    assert box is not None
    page.get_by_role("button", name=re.compile("rectangle", re.IGNORECASE)).first.click()
    x, y = box["x"] + box["width"] * 0.3, box["y"] + box["height"] * 0.25
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x + box["width"] * 0.4, y + box["height"] * 0.4, steps=6)
    page.mouse.up()


def answer(page: Page) -> Locator:
    return page.locator(".st-key-answer")


@pytest.mark.shared_data
def test_draw_pick_a_date_ask_and_see_ranked_tiles_that_survive_a_reload(browser: Browser, lakes_server: Server) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{lakes_server.address}/?collection=lakes")
        the_map(page)
        expect(page.get_by_role("button", name="Rank 180 tiles")).to_be_visible(timeout=SLOW)

        draw_rectangle(page)
        expect(page.get_by_label("Name of Region 1")).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("button", name="Rank 180 tiles")).to_be_hidden(timeout=SLOW)

        page.get_by_role("combobox", name="When").click()
        page.get_by_role("option", name="2014-07-20").click()
        expect(page).to_have_url(re.compile("when=2014-07-20"), timeout=SLOW)

        page.get_by_label("What are you looking for?").fill("a lake")
        page.get_by_label("What are you looking for?").press("Enter")
        expect(answer(page)).to_contain_text("hits in Region 1", timeout=SLOW, ignore_case=True)
        expect(answer(page)).to_contain_text("better than")
        expect(page).to_have_url(re.compile("text=a\\+lake|text=a%20lake"))

        before = page.url
        page.reload()
        the_map(page)
        expect(page.get_by_label("Name of Region 1")).to_be_visible(timeout=SLOW)
        expect(answer(page)).to_contain_text("hits in Region 1", timeout=SLOW, ignore_case=True)
        assert page.url == before

        assert visited.foreign(lakes_server.address) == []
        assert visited.complaints == []


def test_regions_survive_a_page_change_and_can_be_renamed_and_deleted(browser: Browser, demo_server: Server) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(demo_server.address)
        draw_rectangle(page)
        name = page.get_by_label("Name of Region 1")
        expect(name).to_be_visible(timeout=SLOW)
        name.fill("North bay")
        name.press("Enter")
        expect(page.get_by_label("Name of North bay")).to_be_visible(timeout=SLOW)

        page.get_by_role("link", name="Data").click()
        expect(page.get_by_text("Add imagery")).to_be_visible(timeout=SLOW)
        page.get_by_role("link", name="Explore").click()
        the_map(page)
        expect(page.get_by_label("Name of North bay")).to_be_visible(timeout=SLOW)

        page.get_by_role("button", name="✕").first.click()
        expect(page.get_by_label("Name of North bay")).to_be_hidden(timeout=SLOW)
        assert visited.complaints == []


def test_picking_a_tile_shows_its_labels_and_neighbours(browser: Browser, demo_server: Server) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{demo_server.address}/?text=an+airport&collection=island")
        expect(answer(page)).to_contain_text("better than", timeout=SLOW)
        answer(page).get_by_role("button", name=re.compile("^1 ·")).first.click()
        expect(answer(page)).to_contain_text("tile · labels", timeout=SLOW, ignore_case=True)
        expect(answer(page)).to_contain_text("look alike", ignore_case=True)
        expect(page).to_have_url(re.compile("tile="))


def test_an_impossible_wish_is_answered_in_words_and_nothing_is_lost(browser: Browser, demo_server: Server) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{demo_server.address}/?collection=island")
        ask = page.get_by_label("What are you looking for?")
        expect(ask).to_be_visible(timeout=SLOW)
        ask.fill("x" * 5000)
        ask.press("Enter")
        expect(answer(page)).to_contain_text("5,000 characters", timeout=SLOW)
        page.goto(f"{demo_server.address}/?collection=island&text=a+lake&regions=r|Far|0,0;1,0;1,1;0,1")
        expect(answer(page)).to_contain_text("lies outside", timeout=SLOW)
        expect(page.get_by_label("Name of Far")).to_be_visible()
        assert visited.complaints == []


def test_the_fog_layer_plays_offline(browser: Browser, demo_server: Server) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{demo_server.address}/?collection=island")
        the_map(page)
        page.get_by_text("Fog or very low stratus").first.click()
        expect(page.get_by_text("UTC").first).to_be_visible(timeout=SLOW)
        expect(page.get_by_text("SYNTHETIC", exact=True).first).to_be_visible()
        page.wait_for_function("() => [...document.querySelectorAll('canvas.ph-frames')].some(c => c.width > 64)", timeout=SLOW)
        assert visited.foreign(demo_server.address) == []
        assert visited.complaints == []


def test_behind_a_base_path_everything_is_still_found(browser: Browser, demo_server: Server, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(demo_server.data, home)
    with serve(home, "--server.baseUrlPath", "pharos") as server, visit(browser) as visited:
        server.address += "/pharos"
        server.wait_until_ready()
        page = visited.page
        failed: list[str] = []
        page.on("response", lambda reply: failed.append(reply.url) if reply.status >= 400 and "/_stcore/" not in reply.url else None)
        page.goto(f"{server.address}/?text=a+lake&collection=island")
        the_map(page)
        expect(answer(page)).to_contain_text("better than", timeout=SLOW)
        page.wait_for_function("() => [...document.querySelectorAll('img.leaflet-tile')].some(i => i.naturalWidth === 256)", timeout=SLOW)
        assert failed == []
