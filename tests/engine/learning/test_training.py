"""What a training makes of a lesson in words; the lesson itself is put in the teacher's place."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.learning import train
from engine.learning.objectives import Batch
from engine.learning.objectives.shares import Shares
from engine.learning.towers import Towers

from .test_backbone import package

Recipes = Callable[..., Path]


@pytest.fixture
def lessons(monkeypatch: pytest.MonkeyPatch, data_folder: Path) -> list[int]:
    """Seeds of the lessons that were given; each leaves noise of its seed in the text tower."""
    given: list[int] = []

    def teach(towers: Towers, how: Any, phrases: Any, never: Any, seed: int, *rest: Any) -> None:
        given.append(seed)
        random = torch.Generator().manual_seed(seed)
        for name, value in towers.model.named_parameters():
            if not name.startswith(("visual.", "logit_")):
                value.data.add_(0.1 * torch.randn(value.shape, generator=random))

    monkeypatch.setattr("engine.learning.training.teach", teach)
    return given


@pytest.fixture
def data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    from engine.settings import settings

    monkeypatch.setattr(settings(), "data_dir", tmp_path / "data")
    return tmp_path / "data"


def shipped(recipe: Path, out: Path, **how: Any) -> dict[str, Tensor]:
    return {name: value.float() for name, value in load_file(train(recipe, out=out, **how).checkpoint).items()}


def test_trainings_that_differ_in_their_seed_share_the_lesson(recipe: Recipes, tmp_path: Path, lessons: list[int]) -> None:
    path = recipe(optimiser={"text_layers": 0}, language={"sentences": [str(tmp_path / "none.txt")]}, epochs=1)
    first, second = shipped(path, tmp_path / "a"), shipped(path, tmp_path / "b", seed=99)
    assert lessons == [5]
    assert all(torch.equal(first[name], second[name]) for name in first if "token_embedding" in name)  # what no picture changes
    assert any(not torch.equal(first[name], second[name]) for name in first if name.startswith("visual."))


def test_what_views_show_reaches_the_objectives(
    recipe: Recipes, tmp_path: Path, data_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A recipe that knows parts of its pictures trains on them: ponds are blue all over here, so their ground is everywhere."""
    torch.manual_seed(0)
    name = package(tmp_path, timm.create_model("tf_efficientnet_lite0").state_dict(), monkeypatch)
    parts = {"package": name, "water": ["Pond"], "perhaps": ["Beach"], "beside": ["Forest"], "alike": [["Beach", "Forest"]], "small": 0.5}
    seen: list[Batch] = []
    known = Shares.forward

    def watched(self: Shares, batch: Batch) -> Tensor:
        seen.append(batch)
        return known(self, batch)

    monkeypatch.setattr(Shares, "forward", watched)
    report = train(recipe(objectives=[{"kind": "shares"}], epochs=1, data={"views": parts}), out=tmp_path / "run")
    assert set(report.metrics) >= {"zero_shot"}
    for batch in seen:
        ground, labels = batch.draw.ground, batch.draw.labels
        assert ground is not None
        assert ground.shape == (len(labels), 1, *batch.pictures.shape[-2:])
        whole = ground.mean(dim=(1, 2, 3)).numpy()
        assert (whole[~labels[:, 2]] == 1).all()  # what is not about water is everywhere
        assert whole[labels[:, 2]].mean() > 0.7
    assert any(batch.draw.unsure.any() for batch in seen)  # a small beach may be a forest
    assert len(list((data_folder / "cache").glob("water-*.npy"))) == 1
