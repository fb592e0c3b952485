"""The loop on a model so small that a training takes a second."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from engine.errors import Cancelled, DataMissing, RecipeInvalid, WeightsCorrupt
from engine.learning import train
from engine.learning.descent import one_cycle
from engine.learning.towers import MovingAverage, Towers
from engine.learning.training import shares
from engine.learning.validation import recalls

Recipes = Callable[..., Path]


def after(steps: int) -> tuple[threading.Event, Callable[[str, int, int], None]]:
    """A cancel that a progress sets after some steps."""
    cancel = threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        if stage.startswith("training") and done == steps:
            cancel.set()

    return cancel, tell


def test_it_learns_what_there_is_to_learn_and_ships_half_precision(recipe: Recipes, tmp_path: Path) -> None:
    stages: list[tuple[str, int, int]] = []
    report = train(
        recipe(epochs=12, optimiser={"average": 0.5}, data={"class_prompts": 1.0}),
        progress=lambda *step: stages.append(step),
        out=tmp_path / "run",
    )
    assert report.epochs == 12
    assert report.metrics["zero_shot"] >= 0.9  # three colours
    assert report.checkpoint == tmp_path / "run" / "tiny.safetensors"
    weights = load_file(report.checkpoint)
    assert {value.dtype for value in weights.values() if value.is_floating_point()} == {torch.float16}
    training = [step for step in stages if step[0].startswith("training")]
    assert [done for _, done, _ in training] == list(range(1, 49))
    assert "left" in training[0][0]
    rows = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert [row["epoch"] for row in rows] == list(range(1, 13))
    assert rows[-1]["loss"] < rows[0]["loss"]


@pytest.mark.parametrize("steps", [4, 6])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(recipe: Recipes, tmp_path: Path, steps: int) -> None:
    """At the end of an epoch and in the middle of one, bit for bit."""
    whole = train(recipe(), out=tmp_path / "whole")
    cancel, tell = after(steps)
    with pytest.raises(Cancelled, match=f"{steps} of 12"):
        train(recipe(), progress=tell, cancel=cancel, out=tmp_path / "parts")
    parts = train(recipe(), resume=True, out=tmp_path / "parts")
    first, second = load_file(whole.checkpoint), load_file(parts.checkpoint)
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert dict(whole.metrics) == dict(parts.metrics)
    lines = [
        [json.loads(line)["step"] for line in (tmp_path / run / "metrics.jsonl").read_text().splitlines()] for run in ("whole", "parts")
    ]
    assert lines[0] == lines[1] == [4, 8, 12]


def test_a_second_training_starts_anew_unless_told_to_resume(recipe: Recipes, tmp_path: Path) -> None:
    first = train(recipe(), out=tmp_path / "run")
    weights = load_file(first.checkpoint)
    again = train(recipe(), out=tmp_path / "run")
    assert all(torch.equal(value, load_file(again.checkpoint)[name]) for name, value in weights.items())
    assert len((tmp_path / "run" / "metrics.jsonl").read_text().splitlines()) == 3


def test_another_seed_is_another_model(recipe: Recipes, tmp_path: Path) -> None:
    one, other = train(recipe(), out=tmp_path / "one"), train(recipe(seed=6), out=tmp_path / "other")
    assert not torch.equal(load_file(one.checkpoint)["visual.proj"], load_file(other.checkpoint)["visual.proj"])


def test_a_changed_recipe_does_not_resume(recipe: Recipes, tmp_path: Path) -> None:
    train(recipe(epochs=1), out=tmp_path / "run")
    with pytest.raises(RecipeInvalid, match="has changed"):
        train(recipe(epochs=2), resume=True, out=tmp_path / "run")


def test_a_broken_checkpoint_is_said_and_kept(recipe: Recipes, tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "last.pt").write_bytes(b"broken")
    with pytest.raises(WeightsCorrupt, match="last"):
        train(recipe(), resume=True, out=tmp_path / "run")
    assert (tmp_path / "run" / "last.pt").read_bytes() == b"broken"


def test_weights_to_start_from_must_fit(recipe: Recipes, tmp_path: Path) -> None:
    start = train(recipe(epochs=1), out=tmp_path / "run").checkpoint
    assert train(recipe(epochs=1, start=str(start)), out=tmp_path / "second").epochs == 1
    (tmp_path / "none.safetensors").write_bytes(b"{}")
    with pytest.raises(WeightsCorrupt, match="none"):
        train(recipe(start=str(tmp_path / "none.safetensors")), out=tmp_path / "third")


def test_missing_data_and_impossible_models_are_said(recipe: Recipes, tmp_path: Path) -> None:
    with pytest.raises(DataMissing):
        train(recipe(data=[{"kind": "aid_rsicd", "root": str(tmp_path / "nowhere"), "phrases": str(tmp_path / "phrases.yaml")}]))
    (tmp_path / "odd.json").write_text('{"embed_dim": 16}')
    with pytest.raises(RecipeInvalid, match="odd"):
        train(recipe(model=str(tmp_path / "odd.json")))


def test_runs_go_below_the_data_folder(recipe: Recipes, tmp_path: Path) -> None:
    assert train(recipe(epochs=1)).checkpoint == tmp_path / "data" / "runs" / "tiny" / "tiny.safetensors"


def test_held_layers_stay_and_the_others_learn(recipe: Recipes, tmp_path: Path) -> None:
    """Towers of one layer: with no layer learning, only the last norm and the projection of the text tower move."""
    weights = load_file(train(recipe(optimiser={"text_layers": 0}, epochs=1), out=tmp_path / "a").checkpoint)
    other = load_file(train(recipe(optimiser={"text_layers": 0}, epochs=2), out=tmp_path / "b").checkpoint)
    moved = {name for name, value in weights.items() if name.startswith("text.") and not torch.equal(value, other[name])}
    assert moved == {"text.ln_final.weight", "text.ln_final.bias", "text.text_projection"}


def test_unknown_words_do_not_move_a_query(recipe: Recipes, tmp_path: Path) -> None:
    """Each word that no text of the training had is the same mean word."""
    report = train(recipe(epochs=1), out=tmp_path / "run")
    towers = Towers.build(tmp_path / "model.json")
    towers.model.load_state_dict(load_file(report.checkpoint))
    towers.model.eval()
    with torch.no_grad():
        zebra, piano, pond = towers.texts(["a zebra", "a piano", "a pond"])
    torch.testing.assert_close(zebra, piano)
    assert not torch.allclose(zebra, pond)


def test_texts_cut_to_the_longest_are_the_same_as_whole_ones(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In single precision; where the processor multiplies in bf16, the same to two digits."""
    recipe()
    torch.manual_seed(0)
    towers = Towers.build(tmp_path / "model.json")
    words = ["a pond", "many green trees are near a very long river", "a pond"]
    with torch.no_grad():
        whole = torch.nn.functional.normalize(towers.model.encode_text(towers.tokenizer(words)), dim=-1)  # type: ignore[operator]
        torch.testing.assert_close(towers.texts(words), whole, atol=0.02, rtol=0)
        monkeypatch.setattr("engine.learning.towers.multiplies_bf16", lambda: False)
        torch.testing.assert_close(towers.texts(words), whole)


def test_the_average_follows_slowly_and_copies_counters() -> None:
    model = torch.nn.BatchNorm1d(2)
    average = MovingAverage.of(model, 0.9)
    with torch.no_grad():
        model.weight.fill_(3.0)
    model.num_batches_tracked.fill_(7)  # type: ignore[union-attr, operator]
    average.take(model, 1000)
    torch.testing.assert_close(average.weights["weight"], torch.full((2,), 0.9 * 1 + 0.1 * 3))
    assert int(average.weights["num_batches_tracked"]) == 7


def test_one_cycle_rises_to_the_peak_and_falls_to_zero() -> None:
    rates = [one_cycle(step, 100, 0.1) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == rates[10] == 1.0
    assert rates[55] == pytest.approx(0.5)
    assert rates[-1] < 1e-3
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_a_batch_is_shared_by_weight() -> None:
    assert shares([1.0], 128) == (128,)
    assert shares([0.8, 0.2], 128) == (102, 26)
    assert shares([1.0, 1e-6], 8) == (7, 1)


def test_recalls_by_hand() -> None:
    """Two images, three sentences: 0 and 1 of image 0, 2 of image 1."""
    scores = np.array([[0.9, 0.1, 0.5], [0.2, 0.3, 0.4]], dtype=np.float32)
    found = recalls(scores, np.array([0, 0, 1]))
    assert found["t2i_r1"] == pytest.approx(1 / 3)  # only the first sentence finds its image first
    assert found["t2i_r5"] == 1.0
    assert found["i2t_r1"] == 1.0
    assert found["mean_recall"] == pytest.approx((1 / 3 + 5) / 6)


def test_recalls_of_a_model_that_says_nothing_are_zero_at_first_rank() -> None:
    found = recalls(np.zeros((20, 20), dtype=np.float32), np.arange(20))
    assert found["t2i_r1"] == found["i2t_r10"] == 0.0
