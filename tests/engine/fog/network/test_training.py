from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from engine.errors import Cancelled, RecipeInvalid
from engine.fog.labels import Label
from engine.fog.network.recipe import FogRecipe
from engine.fog.network.session import Session
from engine.fog.network.training import lost, train, truth_of
from engine.fog.network.windows import Store
from engine.learning import train as train_anything
from engine.settings import Settings, settings

from .conftest import TINY


def test_a_recipe_is_trained_by_the_common_command_and_leaves_a_network_that_runs(tiny: Path) -> None:
    stages: list[str] = []
    report = train_anything(tiny, progress=lambda stage, done, total: stages.append(stage))
    session = Session(report.checkpoint)
    assert set(report.metrics) == {"csi", "pod", "far", "bias", "base_rate"}
    assert session.record["synthetic"] == "learned from simulated weather alone"
    assert any("SYNTHETIC" in stage for stage in stages)
    features = np.random.default_rng(0).normal(size=(len(session.record["features"]), 19, 30)).astype(np.float32)
    assert session.logits(features).shape == (2, 19, 30)


def test_a_stopped_run_ends_where_an_uninterrupted_one_does(tiny: Path, own_data: Settings) -> None:
    whole = train(tiny, out=own_data.data_dir / "whole").checkpoint.read_bytes()
    cancel = threading.Event()

    def stop(stage: str, done: int, total: int) -> None:
        if stage.startswith("training") and done >= 2:
            cancel.set()

    part = own_data.data_dir / "part"
    recipe = yaml.safe_load(tiny.read_text())
    cancel.set()
    with pytest.raises(Cancelled, match=r"0 of 4 steps are kept"):
        train(tiny, out=part, progress=stop, cancel=cancel)
    assert train(tiny, out=part, resume=True).checkpoint.read_bytes() == whole
    tiny.write_text(yaml.safe_dump(recipe | {"rate": 0.01}))
    with pytest.raises(RecipeInvalid, match="changed"):
        train(tiny, out=part, resume=True)


def test_it_may_end_before_the_learning_rate_is_down(tiny: Path, own_data: Settings) -> None:
    recipe = yaml.safe_load(tiny.read_text())
    tiny.write_text(yaml.safe_dump(recipe | {"ends": 2}))
    session = Session(train(tiny, out=own_data.data_dir / "early").checkpoint)
    assert session.record["steps"] == 2
    assert len((own_data.data_dir / "early" / "metrics.jsonl").read_text().splitlines()) == 1


def test_another_seed_gives_other_weights_on_the_same_windows(tiny: Path) -> None:
    first, second = train(tiny), train(tiny, seed=2)
    assert first.checkpoint.read_bytes() != second.checkpoint.read_bytes()
    assert second.checkpoint.stem == "tiny-seed2"
    assert len(list((settings().data_dir / "cache").iterdir())) == 2


def test_windows_are_kept_and_say_what_was_simulated(tiny: Path, own_data: Settings) -> None:
    how = FogRecipe.read(tiny).windows
    store = Store.of(how, own_data.data_dir)
    again = Store.of(how, own_data.data_dir)
    assert len(store) == 6
    assert (store.planes == again.planes).all()
    sights = [store[index].sight for index in range(len(store))]
    assert all(200 < np.nanmean(sight.band("BT1120")) < 310 for sight in sights)
    assert all(np.nanmax(np.abs(sight.sun)) <= 1 for sight in sights)
    assert {round(sight.cell, 3) for sight in sights} == {0.05}
    assert any((store[index].labels == Label.FOG).any() for index in range(len(store)))
    assert "synthetic" in next(own_data.data_dir.iterdir()).name
    other = Store.of(how, own_data.data_dir, validation=True)
    assert len(other) == 4
    assert not (other.planes[:4] == store.planes[:4]).all()


def test_hidden_fog_counts_less_and_stratus_as_the_recipe_says(tiny: Path, own_data: Settings) -> None:
    window = Store.of(FogRecipe.read(tiny).windows, own_data.data_dir)[0]
    codes = [Label.NOT_FOG, Label.FOG, Label.FOG_BELOW_CLOUD, Label.LOW_STRATUS, Label.UNCERTAIN, Label.UNLABELLED]
    window.labels[0, :6] = codes
    for stratus, low in (("neither", (0, 0)), ("fog", (1, 1)), ("not fog", (0, 1))):
        fog, known, _, sea = truth_of(window, stratus)[:, 0, :6]
        np.testing.assert_array_equal(fog, [0, 1, 0, low[0], 0, 0])
        np.testing.assert_allclose(known, [1, 1, 0.3, low[1], 0, 0])
        np.testing.assert_array_equal(sea, [1, 1, 1, 1, 1, 0])


def test_the_loss_falls_as_the_answer_gets_better(tiny: Path) -> None:
    recipe = FogRecipe.read(tiny)
    fog = torch.zeros(1, 8, 8)
    fog[:, :3] = 1
    ones = torch.ones_like(fog)
    answers = [torch.stack([sign * (2 * fog - 1) * 4, torch.full_like(fog, -4)], 1) for sign in (1, 0, -1)]
    losses = [float(lost(answer, fog, ones, 0 * fog, ones, recipe)) for answer in answers]
    assert losses[0] < 0.2 < losses[1] < losses[2]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda recipe: recipe | {"speed": 3}, "speed"),
        (lambda recipe: recipe | {"widths": [2, 2, 2, 2, 2, 2]}, "halved 6 times"),
        (lambda recipe: recipe | {"windows": recipe["windows"] | {"seed": 60_000}}, "windows.seed"),
        (lambda recipe: 3, "recipe"),
    ],
)
def test_what_is_wrong_with_a_recipe_is_said(tmp_path: Path, change: Callable[[dict[str, object]], object], words: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(yaml.safe_dump(change(dict(TINY))))
    with pytest.raises(RecipeInvalid, match=words):
        FogRecipe.read(path)
