"""The pages' scripts, run by Streamlit without a browser."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine import encoders, imagery, index
from engine.serving import engine
from engine.settings import ROOT, Settings
from tests.scenes import write_scene

SECONDS = 60


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("home")
    config = Settings(data_dir=folder)
    for day in ("20140720", "20200831"):
        write_scene(folder / "scenes" / f"field_{day}.tif", seed=int(day))
    found = imagery.find_scenes([folder / "scenes"])
    index.build("fields", found.scenes, encoders.load(settings=config), spec=imagery.TileSpec(), settings=config)
    return folder


@pytest.fixture
def page(home: Path, own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[AppTest]:
    engine.cache_clear()
    monkeypatch.setattr(own_data, "data_dir", home)
    monkeypatch.setattr(own_data, "demo", False)
    engine().warm()
    while not engine().state.ready:
        time.sleep(0.05)
    yield AppTest.from_file(str(ROOT / "app" / "main.py"), default_timeout=SECONDS)
    engine.cache_clear()


def words(page: AppTest) -> str:
    """Everything that the page says."""
    return " ".join(str(element.proto) for element in page.main)


def test_a_question_in_the_address_is_answered(page: AppTest) -> None:
    page.query_params["text"] = "water"
    page.query_params["when"] = "2014-07-20"
    page.run()
    assert not page.exception
    assert page.text_input(key="ask-text").value == "water"
    assert [button.label for button in page.button if button.label.startswith("Rank")] == ["Rank 16 tiles"]


def test_asking_puts_the_question_into_the_address(page: AppTest) -> None:
    page.run()
    page.text_input(key="ask-text").input("a lake")
    next(button for button in page.button if button.label.startswith("Rank")).click().run()
    assert not page.exception
    assert page.query_params["text"] in ("a lake", ["a lake"])  # Streamlit gives either


def test_every_date_ranks_all_scenes(page: AppTest) -> None:
    page.query_params["when"] = "all"
    page.run()
    assert [button.label for button in page.button if button.label.startswith("Rank")] == ["Rank 32 tiles"]


def test_a_region_by_coordinates_and_its_flaws_are_told(page: AppTest) -> None:
    page.run()
    page.text_input(key="region-box").input("0,0,0,0")
    next(button for button in page.button if button.label == "Add region").click().run()
    assert not page.exception
    assert any("no area" in error.value for error in page.error)


def test_a_region_off_the_collection_is_told_and_kept(page: AppTest) -> None:
    page.query_params["text"] = "water"
    page.query_params["regions"] = "r|Far|0,0;1,0;1,1;0,1"
    page.run()
    assert not page.exception
    assert any("lies outside" in warning.value for warning in page.warning)
    assert any(field.value == "Far" for field in page.text_input)


def test_the_data_page_lists_collections_and_models(page: AppTest) -> None:
    page = AppTest.from_string("from app.views.data import data\ndata()", default_timeout=SECONDS).run()
    assert not page.exception
    tables = [frame.value for frame in page.dataframe]
    assert "fields" in set(tables[0]["collection"])
    assert len(tables[1]) >= 8


def test_more_hits_are_shown_on_demand_and_a_new_question_begins_anew(page: AppTest, home: Path) -> None:
    """A quarter of two made-up scenes' 128 tiles is water."""
    config = Settings(data_dir=home)
    for day in ("20140720", "20200831"):
        write_scene(home / "wide" / f"wide_{day}.tif", seed=int(day), size=512)
    found = imagery.find_scenes([home / "wide"])
    index.build("wide", found.scenes, encoders.load(settings=config), spec=imagery.TileSpec(), settings=config)
    page.query_params["collection"] = "wide"
    page.query_params["text"] = "water"
    page.query_params["when"] = "all"
    page.run()
    assert "12 hits in wide" in words(page)
    next(button for button in page.button if button.label == "Show 12 more").click().run()
    assert not page.exception
    assert "24 hits in wide" in words(page)
    assert page.query_params["hits"] in ("24", ["24"])
    next(button for button in page.button if button.label == "Show 8 more").click().run()
    assert "32 hits in wide" in words(page)
    assert not [button for button in page.button if button.label.startswith("Show")]
    page.text_input(key="ask-text").input("the sea")
    next(button for button in page.button if button.label.startswith("Rank")).click().run()
    assert "12 hits in wide" in words(page)
    assert "hits" not in page.query_params


def test_nothing_more_is_offered_where_all_is_shown(page: AppTest) -> None:
    page.query_params["text"] = "a desert"
    page.run()
    assert not page.exception
    assert not [button for button in page.button if button.label.startswith("Show")]
