"""A person measures a model on a folder of their own, in a real Chromium against a real server. SYNTHETIC."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, expect

from engine import encoders
from engine.evaluation.suites import Bench
from tests.browser.conftest import Server, serve, visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

SLOW = 180_000
"""Milliseconds that a step may take on two busy cores."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two classes with the same pictures: whatever is said, half of them are taken for the other class."""
    root = tmp_path_factory.mktemp("sets") / "SYNTHETIC noise"
    random = np.random.default_rng(0)
    for place in range(3):
        pixels = random.integers(0, 120, (64, 64, 3), dtype=np.uint8)
        for name in ("forest", "DenseResidential"):
            (root / name).mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels).save(root / name / f"{place} {name}.png")
    return root


@pytest.fixture(scope="module")
def bare_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server without the demo."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PHAROS_DEMO", "false")
        with serve(tmp_path_factory.mktemp("bare")) as server:
            server.wait_until_ready(900)
            yield server


def test_measure_a_folder_and_take_the_report_home(browser: Browser, bare_server: Server, folder: Path) -> None:
    with visit(browser) as visited:
        page = visited.page
        page.goto(f"{bare_server.address}/evaluate")
        page.get_by_role("combobox", name="Data").click()
        page.get_by_role("option", name="A folder of this machine").click()
        path = page.get_by_label("Folder of the data")
        expect(path).to_be_visible(timeout=SLOW)
        path.fill(str(folder))
        path.press("Enter")
        button = page.get_by_role("button", name="Measure 1 model on 6 pictures")
        expect(button).to_be_enabled(timeout=SLOW)
        button.click()

        findings = page.locator(".st-key-findings")
        expect(findings).to_contain_text("forest", timeout=SLOW)
        expect(findings.get_by_text("SYNTHETIC", exact=True)).to_be_visible(timeout=SLOW)
        expect(page).to_have_url(re.compile(r"run=[0-9a-f]{12}"), timeout=SLOW)
        page.wait_for_function(
            "() => document.querySelectorAll('.ph-confusions img').length >= 3"
            " && [...document.querySelectorAll('.ph-confusions img')].every(i => i.naturalWidth === 64 || i.naturalWidth === 96)",
            timeout=SLOW,
        )
        with page.expect_download(timeout=SLOW) as downloading:
            findings.get_by_role("button", name="Download JSON").click()
        assert re.fullmatch(r"pharos-zeroshot-pharos-small-SYNTHETIC-noise-\d{8}T\d{4}Z\.json", downloading.value.suggested_filename)
        record = json.loads(downloading.value.path().read_text(encoding="utf-8"))

        before = page.url
        page.reload()
        expect(findings.get_by_role("button", name="Download HTML")).to_be_visible(timeout=SLOW)
        assert page.url == before
        assert visited.foreign(bare_server.address) == []
        assert visited.complaints == []

    same = json.loads(Bench(encoders.load()).zero_shot(folder).json())
    assert record.pop("measured")
    same.pop("measured")
    assert record == same
    assert record["model_hash"]
    assert record["prompts"]
    assert record["classes"] == ["dense residential", "forest"]


def test_a_wrong_folder_and_an_evaluation_that_is_gone_are_told(browser: Browser, bare_server: Server) -> None:
    with visit(browser, width=390, height=844) as visited:
        page = visited.page
        page.goto(f"{bare_server.address}/evaluate?data=folder&folder=/no/such/place&run=0123456789ab")
        expect(page.get_by_text("is not at /no/such/place")).to_be_visible(timeout=SLOW)
        expect(page.get_by_text("no longer kept")).to_be_visible(timeout=SLOW)
        expect(page.get_by_role("button", name=re.compile("^Measure"))).to_be_disabled()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert visited.complaints == []
