"""The Evaluate page's script, run by Streamlit without a browser, on coloured squares. SYNTHETIC."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from engine.errors import WeightsMissing
from engine.serving import engine
from engine.serving.evaluation import Evaluations
from engine.settings import Settings
from tests.engine.evaluation.squares import write_folders
from tests.engine.serving.evaluation.test_evaluations import SlowEncoder, encoders

SECONDS = 120
SCRIPT = "from app.views.evaluate import evaluate\nevaluate()"
MISSING = WeightsMissing("far", "there is no network.", "far.pt", Path("/weights"))


@pytest.fixture
def slow() -> SlowEncoder:
    return SlowEncoder()


@pytest.fixture
def page(own_data: Settings, monkeypatch: pytest.MonkeyPatch, slow: SlowEncoder) -> Iterator[AppTest]:
    engine.cache_clear()
    monkeypatch.setattr(own_data, "demo", False)
    known = {"openai-clip-vit-b-32": MISSING, "skyclip-50-vit-b-32": slow}
    engine().evaluations = Evaluations(own_data, encoders(**known))
    yield AppTest.from_string(SCRIPT, default_timeout=SECONDS)
    slow.go.set()
    engine().close()
    engine.cache_clear()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return write_folders(tmp_path / "squares", {"red": ["red"] * 3, "blue": ["blue", "red", "red"]})


def at_folder(page: AppTest, folder: Path, **query: str) -> AppTest:
    page.query_params["data"] = "folder"
    page.query_params["folder"] = str(folder)
    for name, value in query.items():
        page.query_params[name] = value
    return page.run()


def said(page: AppTest) -> str:
    """Everything that the page says."""
    return " ".join(str(element.proto) for element in page.main)


def begin(page: AppTest) -> AppTest:
    return page.button(key="evaluate-begin").click().run()


def measured(page: AppTest) -> AppTest:
    run = engine().evaluations.runs()[0]
    run.job.wait(SECONDS)
    return page.run()


def test_an_empty_page_says_what_to_do_and_offers_an_example(page: AppTest) -> None:
    page.run()
    assert not page.exception
    assert "Nothing measured yet" in said(page)
    assert "RemoteCLIP" not in said(page).split("Suites")[1]
    assert page.button(key="evaluate-example").label == "Try zero-shot on the made-up island"
    assert page.button(key="evaluate-begin").label == "Measure 1 model"
    assert not page.button(key="evaluate-begin").disabled


def test_a_folder_in_the_address_is_looked_into_and_measured(page: AppTest, folder: Path) -> None:
    at_folder(page, folder)
    assert "Class folders: 2 classes, 6 pictures" in said(page)
    assert page.button(key="evaluate-begin").label == "Measure 1 model on 6 pictures"
    measured(begin(page))
    assert not page.exception
    run = engine().evaluations.runs()[0]
    assert page.query_params["run"] in (run.id, [run.id])
    assert "0.667" in said(page)
    assert f"/evaluations/{run.id}/0/0/0.webp" in said(page)
    assert [element.proto.label for element in page.get("download_button")] == ["Download JSON", "Download CSV", "Download HTML"]


def test_a_folder_that_is_not_there_is_told(page: AppTest, tmp_path: Path) -> None:
    at_folder(page, tmp_path / "nowhere")
    assert not page.exception
    assert any("nowhere" in warning.value for warning in page.warning)
    assert page.button(key="evaluate-begin").disabled


def test_a_suite_without_data_says_so(page: AppTest, folder: Path) -> None:
    at_folder(page, folder, suite="counting")
    assert page.button(key="evaluate-begin").disabled
    assert "There is nothing for this suite in these data." in said(page)
    titles = page.selectbox(key="evaluate-suite").options
    assert "Counting · no data" in titles
    assert "Linear probe" in titles


def test_models_stand_beside_one_another_and_one_that_fails_is_told(page: AppTest, folder: Path) -> None:
    page.query_params["models"] = ["pharos-small", "openai-clip-vit-b-32", "remoteclip-rn50"]
    at_folder(page, folder)
    measured(begin(page))
    assert not page.exception
    assert any("there is no network" in warning.value for warning in page.warning)
    assert said(page).count('<th scope=\\"row\\">remoteclip-rn50') >= 2


def test_while_it_runs_there_is_progress_and_a_way_to_stop(page: AppTest, tmp_path: Path, slow: SlowEncoder) -> None:
    many = write_folders(tmp_path / "many", {"red": ["red"] * 40, "blue": ["blue"]})
    page.query_params["models"] = ["skyclip-50-vit-b-32"]
    at_folder(page, many)
    begin(page)
    assert slow.inside.wait(SECONDS)
    page.run()
    run = engine().evaluations.runs()[0]
    assert "Measuring goes on when you leave this page" in said(page)
    page.button(key=f"evaluate-stop-{run.id}").click().run()
    slow.go.set()
    measured(page)
    assert not page.exception
    assert any("was cancelled" in info.value for info in page.info)


def test_a_failure_is_told_in_words(page: AppTest, folder: Path) -> None:
    page.query_params["models"] = ["openai-clip-vit-b-32"]
    at_folder(page, folder)
    measured(begin(page))
    assert not page.exception
    assert any("there is no network" in error.value for error in page.error)
    assert "Traceback" not in said(page)


def test_an_evaluation_that_is_no_longer_kept_is_told(page: AppTest) -> None:
    page.query_params["run"] = "0123456789ab"
    page.run()
    assert not page.exception
    assert "no longer kept" in said(page)


@pytest.mark.parametrize("suite", ["calibration", "knn", "linear", "fewshot", "ndcg"])
def test_every_suite_has_a_page(page: AppTest, folder: Path, suite: str) -> None:
    at_folder(page, folder, suite=suite, shots="1", seeds="1")
    measured(begin(page))
    assert not page.exception
    assert not page.error
    assert "How it was measured" in said(page)


def test_an_earlier_evaluation_can_be_gone_back_to(page: AppTest, folder: Path) -> None:
    at_folder(page, folder)
    measured(begin(page))
    first = engine().evaluations.runs()[0]
    page.selectbox(key="evaluate-suite").select("knn").run()
    measured(begin(page))
    page.button(key=f"evaluate-run-{first.id}").click().run()
    assert not page.exception
    assert page.selectbox(key="evaluate-suite").value == "zeroshot"
    assert "Zero-shot classification on squares" in said(page)


def test_nothing_in_an_address_breaks_the_page(page: AppTest) -> None:
    for name, value in {"suite": "x", "data": "collection:none", "seeds": "-1", "models": "no", "of": "<b>", "part": "../x"}.items():
        page.query_params[name] = value
    page.run()
    assert not page.exception
    assert any("There is no model “no” here" in warning.value for warning in page.warning)
