from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from engine.errors import Cancelled, RecipeInvalid
from engine.fog.network.unet import UNet
from engine.fog.nowcast.motion import moved
from engine.fog.nowcast.network.learned import Learned
from engine.fog.nowcast.network.recipe import NowcastRecipe
from engine.fog.nowcast.network.sight import LEADS, NAMES
from engine.fog.nowcast.network.training import Batch, judged, still, train, varied
from engine.fog.nowcast.network.windows import Store
from engine.learning import train as train_anything
from engine.settings import Settings

from .conftest import TINY


def test_a_recipe_is_trained_by_the_common_command_and_leaves_a_network_that_runs(tiny: Path) -> None:
    stages: list[str] = []
    report = train_anything(tiny, progress=lambda stage, done, total: stages.append(stage))
    learned = Learned(report.checkpoint)
    assert {"gain", "helped"} <= set(report.metrics)
    assert learned.record["synthetic"] == "learned from simulated weather alone"
    assert learned.cells == (0.05, 0.05)
    assert any("SYNTHETIC" in stage for stage in stages)
    features = np.random.default_rng(0).normal(size=(len(NAMES), 19, 30)).astype(np.float32)
    assert learned.logits(features).shape == (len(LEADS), 19, 30)


def test_a_stopped_run_ends_where_an_uninterrupted_one_does(tiny: Path, own_data: Settings) -> None:
    whole = train(tiny, out=own_data.data_dir / "whole").checkpoint.read_bytes()
    part, cancel = own_data.data_dir / "part", threading.Event()
    cancel.set()
    with pytest.raises(Cancelled, match="0 of 4 steps are kept"):
        train(tiny, out=part, cancel=cancel)
    assert train(tiny, out=part, resume=True).checkpoint.read_bytes() == whole
    tiny.write_text(yaml.safe_dump(yaml.safe_load(tiny.read_text()) | {"rate": 0.01}))
    with pytest.raises(RecipeInvalid, match="changed"):
        train(tiny, out=part, resume=True)


def test_windows_hold_four_half_hours_and_the_four_that_came(tiny: Path, own_data: Settings) -> None:
    how = NowcastRecipe.read(tiny).windows
    store = Store.of(how, own_data.data_dir)
    assert 3 <= len(store) <= 9
    assert store.probability.any()
    assert not store.probability.all()
    assert "synthetic" in next(own_data.data_dir.iterdir()).name
    for index in range(len(store)):
        window = store[index]
        assert window.frames.shape == window.came.shape == (4, 64, 64)
        known = window.came[np.isfinite(window.came)]
        if store.probability[index]:
            assert np.abs(known).max() <= 1
    assert not np.array_equal(Store.of(how, own_data.data_dir, validation=True).planes[0], store.planes[0])


def test_a_network_that_changes_nothing_is_flow(tiny: Path, own_data: Settings) -> None:
    """Its errors are those of the newest frame carried along, by the code that forecasts; and its gain is nought."""
    store = Store.of(NowcastRecipe.read(tiny).windows, own_data.data_dir)
    window = store[0]
    batch = Batch.of([window])
    errors = batch.errors(torch.zeros(1, 4, 64, 64))[0]
    for lead in range(4):
        carried, reached = moved(window.frames[0], window.displacements[lead : lead + 1])
        known = (reached & np.isfinite(carried))[0] & np.isfinite(window.came[lead]) & (batch.judged[0, lead].numpy() > 0)
        assert float(errors[lead]) == pytest.approx(np.abs(carried[0] - window.came[lead])[known].mean(), rel=1e-3)
    network = still(UNet(len(NAMES), (3, 4), len(LEADS), 0.0))
    assert judged(network, store)["gain"] == pytest.approx(0, abs=1e-6)


def test_the_right_change_leaves_no_error_and_turning_keeps_the_errors(tiny: Path, own_data: Settings) -> None:
    window = Store.of(NowcastRecipe.read(tiny).windows, own_data.data_dir)[0]
    known = np.where(np.isfinite(window.frames), window.frames, 0)
    still_air = type(window)(known, known[:1] + np.arange(1, 5, dtype=np.float32)[:, None, None], 0 * window.displacements, False)
    batch = Batch.of([still_air])
    change = torch.arange(1.0, 5).view(1, 4, 1, 1).expand(1, 4, 64, 64)
    assert float(batch.errors(change).max()) < 1e-5
    assert float(batch.worth(torch.zeros(1, 4, 64, 64)).min()) > 0.9
    plain = Batch.of([window]).errors(torch.zeros(1, 4, 64, 64))
    for way in (1, 3, 6):
        assert torch.allclose(Batch.of([varied(window, way)]).errors(torch.zeros(1, 4, 64, 64)), plain, rtol=1e-3)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda recipe: recipe | {"speed": 3}, "speed"),
        (lambda recipe: recipe | {"widths": [2, 2, 2, 2, 2, 2], "windows": recipe["windows"] | {"size": 40}}, "halved 6 times"),
        (lambda recipe: recipe | {"windows": recipe["windows"] | {"seed": 60_000}}, "windows.seed"),
        (lambda recipe: 3, "recipe"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said(tmp_path: Path, change: Callable[[dict[str, object]], object], words: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(change(dict(TINY))))
    with pytest.raises(RecipeInvalid, match=words):
        NowcastRecipe.read(path)
