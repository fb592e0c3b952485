from __future__ import annotations

import threading

import pytest

from engine.errors import EncoderNotReady, WeightsMissing
from engine.progress import Cancel, Progress
from engine.serving import encoders
from engine.serving.encoders import Encoders
from tests.engine.index.colour_encoder import ColourEncoder


class Loader:
    """Loads when it is let."""

    def __init__(self, error: Exception | None = None) -> None:
        self.calls, self.error = 0, error
        self.go = threading.Event()

    def __call__(self, model: str, progress: Progress, cancel: Cancel) -> ColourEncoder:
        self.calls += 1
        progress("downloading", 1, 4)
        assert self.go.wait(10)
        if self.error is not None:
            raise self.error
        return ColourEncoder()


def test_a_page_is_told_the_stage_and_later_gets_the_model() -> None:
    loader = Loader()
    known = Encoders(loader)  # type: ignore[arg-type]
    with pytest.raises(EncoderNotReady):
        known.get("colours", wait=False)
    job = known.loading("colours")
    assert job is not None
    while not job.stage:
        job.wait(0.01)
    with pytest.raises(EncoderNotReady, match="downloading \\(25%\\)"):
        known.get("colours", wait=False)
    loader.go.set()
    assert known.get("colours", wait=True) is known.get("colours", wait=False)
    assert (loader.calls, known.loading("colours")) == (1, None)


def test_a_failure_is_told_as_it_is_and_tried_again_later(monkeypatch: pytest.MonkeyPatch, tmp_path: object) -> None:
    loader = Loader(WeightsMissing("colours", "no network.", "colours.bin", tmp_path))  # type: ignore[arg-type]
    loader.go.set()
    known = Encoders(loader)  # type: ignore[arg-type]
    for _ in range(2):
        with pytest.raises(WeightsMissing, match="no network"):
            known.get("colours", wait=True)
    assert loader.calls == 1
    job = known.loading("colours")
    assert job is not None
    assert "no network" in job.failed
    monkeypatch.setattr(encoders, "RETRY_SECONDS", 0.0)
    loader.error = None
    assert known.get("colours", wait=True).id == "colours"
    assert loader.calls == 2


def test_two_models_are_loaded_side_by_side_each_once() -> None:
    loader = Loader()
    known = Encoders(loader)  # type: ignore[arg-type]
    for _ in range(3):
        for model in ("one", "two"):
            with pytest.raises(EncoderNotReady):
                known.get(model, wait=False)
    loader.go.set()
    for model in ("one", "two"):
        known.get(model, wait=True)
    assert loader.calls == 2
