"""The loop on a model so small that a training takes a second."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from xml.etree import ElementTree

import pytest
import torch
import yaml
from safetensors.torch import load_file

from engine.errors import Cancelled, DataMissing, MemoryShort, RecipeInvalid, TrainingDiverged, WeightsCorrupt
from engine.learning import train
from engine.learning.descent import one_cycle
from engine.learning.draws import Draw
from engine.learning.loop import out_of_memory
from engine.learning.objectives.infonce import InfoNCE
from engine.learning.recipe import CaptionedPictures, Recipe
from engine.learning.sources import CaptionedSource
from engine.learning.teacher import Teacher
from engine.learning.towers import MovingAverage, Towers
from engine.learning.training import Training, shares

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


PROTOCLIP = {"kind": "protoclip", "clusters": 4, "hidden": 16, "projected": 8, "plain": 1, "frozen": 1}


@pytest.mark.parametrize(
    ("objectives", "steps"),
    [
        ([{"kind": "infonce"}, PROTOCLIP], 6),  # within the episode that has prototypes
        ([{"kind": "infonce"}, PROTOCLIP], 8),  # before the frozen one
        ([{"kind": "sigmoid"}], 5),
        ([{"kind": "dcl"}, {"kind": "softcon"}], 7),
        ([{"kind": "infonce", "classes": 1.0}, {"kind": "softcon", "against": "texts"}], 7),
    ],
    ids=["protoclip", "frozen", "sigmoid", "views", "texts"],
)
def test_objectives_resume_with_all_that_they_have(recipe: Recipes, tmp_path: Path, objectives: list[Any], steps: int) -> None:
    """Their own parameters and statistics, prototypes, views: bit for bit."""
    whole = train(recipe(objectives=objectives), out=tmp_path / "whole")
    cancel, tell = after(steps)
    with pytest.raises(Cancelled):
        train(recipe(objectives=objectives), progress=tell, cancel=cancel, out=tmp_path / "parts")
    parts = train(recipe(objectives=objectives), resume=True, out=tmp_path / "parts")
    first, second = load_file(whole.checkpoint), load_file(parts.checkpoint)
    assert all(torch.equal(first[name], second[name]) for name in first)
    states = [torch.load(tmp_path / run / "last.pt", weights_only=True)["objectives"] for run in ("whole", "parts")]
    tensors = [name for name, value in states[0].items() if isinstance(value, torch.Tensor)]
    assert all(torch.equal(states[0][name], states[1][name]) for name in tensors)


def test_an_external_teacher_resumes_too(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its similarities as targets, and its groups as hard ones; the encoder here knows letters."""

    class Letters:
        def vectors(self, texts: list[str]) -> torch.Tensor:
            return torch.nn.functional.normalize(torch.tensor([[1.0 + text.count(letter) for letter in "aeiou"] for text in texts]), dim=1)

    monkeypatch.setattr(Teacher, "read", classmethod(lambda cls: Letters()))
    objectives = [{"kind": "teacher"}, {**PROTOCLIP, "external": 1.0, "external_dim": 3}]
    whole = train(recipe(objectives=objectives), out=tmp_path / "whole")
    cancel, tell = after(6)
    with pytest.raises(Cancelled):
        train(recipe(objectives=objectives), progress=tell, cancel=cancel, out=tmp_path / "parts")
    parts = train(recipe(objectives=objectives), resume=True, out=tmp_path / "parts")
    first, second = load_file(whole.checkpoint), load_file(parts.checkpoint)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_a_teacher_that_is_missing_is_said_before_the_first_step(recipe: Recipes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.learning.teacher.PACKAGE", "no_such_package")
    with pytest.raises(DataMissing, match="pip install"):
        train(recipe(objectives=[{"kind": "infonce"}, {"kind": "teacher"}]))


def test_the_frozen_episode_leaves_the_image_tower(recipe: Recipes, tmp_path: Path) -> None:
    cancel, tell = after(8)
    with pytest.raises(Cancelled):
        train(recipe(objectives=[{"kind": "infonce"}, PROTOCLIP]), progress=tell, cancel=cancel, out=tmp_path / "run")
    before = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["towers"]
    train(recipe(objectives=[{"kind": "infonce"}, PROTOCLIP]), resume=True, out=tmp_path / "run")
    after_all = torch.load(tmp_path / "run" / "last.pt", weights_only=True)["towers"]
    moved = {name.split(".")[1] for name, value in before.items() if not torch.equal(value, after_all[name])}
    assert moved == {"text", "logit_scale"}


def test_a_seed_of_ones_own_changes_the_weights_and_not_what_is_held_out(recipe: Recipes, tmp_path: Path) -> None:
    one, other = train(recipe(epochs=1)), train(recipe(epochs=1), seed=9)
    assert one.checkpoint == tmp_path / "data" / "runs" / "tiny" / "tiny.safetensors"
    assert other.checkpoint == tmp_path / "data" / "runs" / "tiny-seed9" / "tiny-seed9.safetensors"
    assert not torch.equal(load_file(one.checkpoint)["visual.proj"], load_file(other.checkpoint)["visual.proj"])
    read = Recipe.read(recipe(epochs=1))
    splits = [
        CaptionedSource.read(cast("CaptionedPictures", each.data[0]), each.of_data, tmp_path / "cache").parts.held_out.tolist()
        for each in (read, read.seeded(9))
    ]
    assert splits[0] == splits[1]


def test_a_loss_that_is_no_number_stops_and_keeps_the_last_good_state(
    recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = iter(range(99))
    forward = InfoNCE.forward
    monkeypatch.setattr(InfoNCE, "forward", lambda self, batch: forward(self, batch) * (math.nan if next(calls) == 5 else 1))
    with pytest.raises(TrainingDiverged, match="loss of step 6"):
        train(recipe(), out=tmp_path / "run")
    state = torch.load(tmp_path / "run" / "last.pt", weights_only=True)
    assert state["step"] == 4
    assert all(torch.isfinite(value).all() for value in state["towers"].values())
    assert train(recipe(), resume=True, out=tmp_path / "run").epochs == 3


def test_a_gradient_that_is_no_number_moves_no_weight(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(InfoNCE, "forward", lambda self, batch: (batch.image.sum() - batch.image.detach().sum()).sqrt())  # 0, steeply
    with pytest.raises(TrainingDiverged, match="gradient of step 1"):
        train(recipe(), out=tmp_path / "run")


def small_memory(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """A tower that can't take more than ``most`` pictures at a time while it learns."""
    images = Towers.images

    def limited(self: Towers, pictures: torch.Tensor, sensor: str = "rgb") -> torch.Tensor:
        if len(pictures) > most and torch.is_grad_enabled():
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return images(self, pictures, sensor)

    monkeypatch.setattr(Towers, "images", limited)


def test_out_of_memory_halves_the_parts_says_so_and_goes_on(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_memory(monkeypatch, 3)
    stages: list[str] = []
    report = train(recipe(epochs=1), progress=lambda stage, *_: stages.append(stage), out=tmp_path / "run")
    assert report.epochs == 1
    said = [stage for stage in stages if stage.startswith("out of memory")]
    assert [words.split(" in ")[1].split()[0] for words in said] == ["2", "4"]
    assert json.loads((tmp_path / "run" / "metrics.jsonl").read_text())["parts"] == 4


def test_a_processor_without_memory_is_understood() -> None:
    with pytest.raises(RuntimeError) as caught:
        torch.empty(2**60, dtype=torch.uint8)
    assert out_of_memory(caught.value)
    assert out_of_memory(MemoryError())
    assert not out_of_memory(RuntimeError("shapes don't fit"))


def test_memory_for_nothing_is_said(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    small_memory(monkeypatch, 0)
    with pytest.raises(MemoryShort, match="3 pictures at a time"):
        train(recipe(epochs=1), out=tmp_path / "run")


def test_parts_of_a_step_hold_the_same_pairs_and_pictures(recipe: Recipes, tmp_path: Path) -> None:
    read = Recipe.read(recipe())
    training = Training.begin(read, (CaptionedSource.read(cast("CaptionedPictures", read.data[0]), 5, tmp_path / "cache"),))
    draws, pictures = training._varied([training.draw(0, 0)])
    training.halve()
    pieces = [piece for part in range(2) for piece in training._part(draws, pictures, part)]
    assert torch.equal(torch.cat([piece.pictures for piece in pieces]), pictures[0])
    assert [text for piece in pieces for text in piece.draw.texts] == list(draws[0].texts)
    assert [int(place) for piece in pieces for place in training._batches([piece])[0].order] == list(range(12))


def test_a_step_draws_as_many_words_for_each_class_as_it_is_told(recipe: Recipes, tmp_path: Path) -> None:
    """The first of each are those that a step with one would draw; all the others too belong to their class."""

    def drawn(**changes: int) -> Draw:
        read = Recipe.read(recipe(**changes))
        return Training.begin(read, (CaptionedSource.read(cast("CaptionedPictures", read.data[0]), 5, tmp_path / "cache"),)).draw(0, 0)

    one, three = drawn(), drawn(names=3)
    classes = len(one.names)
    assert [text.words for text in three.names[:classes]] == [text.words for text in one.names]
    assert all(text.holds[place % classes] for place, text in enumerate(three.names))
    assert len(three.names) == 3 * classes
    assert {text.words for text in three.names} > {text.words for text in one.names}


def test_it_stops_early_ships_the_best_and_stays_stopped(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    values = iter([0.3, 0.5, 0.4, 0.5, 0.9])
    kept: list[dict[str, torch.Tensor]] = []

    def validate(self: Training) -> dict[str, float]:
        kept.append({name: value.clone() for name, value in self.average.weights.items()})
        return {"zero_shot": next(values)}

    monkeypatch.setattr(Training, "validate", validate)
    changes = {"epochs": 9, "early_stop": {"figure": "zero_shot", "patience": 2}}
    report = train(recipe(**changes), out=tmp_path / "run")
    assert len(kept) == 4
    assert report.metrics == {"zero_shot": 0.5}
    shipped = load_file(report.checkpoint)["visual.proj"]
    assert torch.equal(shipped, kept[1]["model.visual.proj"].half())
    again = train(recipe(**changes), resume=True, out=tmp_path / "run")
    assert len(kept) == 4  # nothing was trained or measured
    assert torch.equal(load_file(again.checkpoint)["visual.proj"], shipped)


def test_a_checkpoint_of_another_architecture_is_refused(recipe: Recipes, tmp_path: Path) -> None:
    train(recipe(epochs=1), out=tmp_path / "run")
    path = recipe(epochs=1)
    content = json.loads((tmp_path / "model.json").read_text())
    content["vision_cfg"]["width"] = 48
    (tmp_path / "model.json").write_text(json.dumps(content))
    with pytest.raises(RecipeInvalid, match="another architecture"):
        train(path, resume=True, out=tmp_path / "run")
    with pytest.raises(WeightsCorrupt, match="own model"):
        train(recipe_with_start(path, tmp_path / "run" / "tiny.safetensors"), out=tmp_path / "other")


def recipe_with_start(path: Path, start: Path) -> Path:
    """The recipe, beginning with other weights."""
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), "start": str(start)}))
    return path


def test_the_curves_are_drawn_from_the_metrics(recipe: Recipes, tmp_path: Path) -> None:
    train(recipe(epochs=3, validate_every=2), out=tmp_path / "run")
    picture = ElementTree.parse(tmp_path / "run" / "curves.svg").getroot()
    lines = [len(str(line.get("points")).split()) for line in picture.iter("{http://www.w3.org/2000/svg}polyline")]
    assert lines[0] == 3  # the loss of each epoch
    assert set(lines[1:]) == {2}  # figures after the second and the last
    words = " ".join(text.text or "" for text in picture.iter("{http://www.w3.org/2000/svg}text"))
    assert "mean_recall" in words


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


def test_held_stages_stay_with_their_statistics_and_later_ones_learn(recipe: Recipes, tmp_path: Path) -> None:
    """A convolutional network that goes on from weights of its own."""
    model = json.loads((recipe().parent / "model.json").read_text())
    model["vision_cfg"] = {"timm_model_name": "mobilenetv4_conv_small", "timm_pool": "avg", "timm_proj": "", "image_size": 32}
    (tmp_path / "stages.json").write_text(json.dumps(model))
    how: dict[str, Any] = {"model": str(tmp_path / "stages.json"), "epochs": 1, "sizes": {0: 32}}
    start = train(recipe(**how), out=tmp_path / "a").checkpoint
    began = load_file(start)
    ended = load_file(train(recipe(start=str(start), optimiser={"held": 2}, **how), out=tmp_path / "b").checkpoint)
    moved = {
        ".".join(name.split(".")[2:4]) for name in began if name.startswith("visual.trunk.") and not torch.equal(began[name], ended[name])
    }
    assert not moved & {"conv_stem.weight", "bn1.weight", "bn1.running_mean", "blocks.0", "blocks.1"}
    assert moved >= {"blocks.2", "blocks.3", "blocks.4", "classifier.weight"}
    steady = load_file(train(recipe(start=str(start), optimiser={"steady": True}, **how), out=tmp_path / "c").checkpoint)
    moved = {name.rpartition(".")[2] for name in began if ".bn1." in name and not torch.equal(began[name], steady[name])}
    assert moved == {"weight", "bias"}  # and neither mean nor variance


def test_a_network_without_stages_has_none_to_hold(recipe: Recipes, tmp_path: Path) -> None:
    start = train(recipe(epochs=1), out=tmp_path / "a").checkpoint
    with pytest.raises(RecipeInvalid, match="no stages to hold"):
        train(recipe(start=str(start), optimiser={"held": 1}), out=tmp_path / "b")


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
