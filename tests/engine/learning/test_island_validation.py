"""Figures on held-out islands against scikit-learn and by hand."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score, ndcg_score
from torch import Tensor, nn

from engine.learning.island_validation import _sets, average_precision, measured
from engine.learning.islands import IslandSource
from engine.learning.metadata import Metadata
from engine.learning.phrases import PhraseTable

CLASSES = ("forest", "lake", "sea")


@dataclass
class Knowing:
    """Towers that see the colours of a picture and know which class each colour is."""

    whole: nn.Module = field(default_factory=nn.Module)
    size: int = 8
    asked: list[str] = field(default_factory=list)
    blur: float = 0.0

    def images(self, pictures: Tensor, sensor: str = "rgb") -> Tensor:
        self.asked.append(sensor)
        means = pictures.mean(dim=(2, 3)) + self.blur * torch.rand(len(pictures), 3, generator=torch.Generator().manual_seed(0))
        return torch.nn.functional.normalize(means, dim=1)

    def texts(self, words: Any) -> Tensor:
        return torch.nn.functional.normalize(torch.tensor([[float(name in text) for name in CLASSES] for text in words]), dim=1)


def source(present: list[list[int]], sensor: str = "rgb", traces: list[list[int]] | None = None) -> IslandSource:
    labels = np.array(present, dtype=bool)
    pictures = np.broadcast_to(labels[:, :, None, None], (*labels.shape, 8, 8))
    table = PhraseTable(CLASSES, tuple(f"a {name}" for name in CLASSES), ("{}",), ((), (), ()))
    return IslandSource(
        (pictures * np.uint8(255)).astype(np.uint8) if sensor == "rgb" else pictures.astype(np.float16),
        labels,
        np.array(traces, dtype=bool) if traces else np.zeros_like(labels),
        np.ones(3),
        table,
        (Metadata(),) * len(labels),
        sensor,
    )


PRESENT = [[1, 0, 0], [1, 1, 0], [0, 1, 1], [0, 0, 1], [1, 0, 1], [1, 1, 0]]


def test_average_precision_agrees_with_scikit_learn() -> None:
    random = np.random.default_rng(0)
    for _ in range(20):
        scores, right = random.normal(size=30), random.random(30) < 0.3
        assert average_precision(scores, right) == pytest.approx(average_precision_score(right, scores))


def test_average_precision_by_hand() -> None:
    assert average_precision([0.9, 0.8, 0.7, 0.6], [True, False, True, False]) == pytest.approx((1 + 2 / 3) / 2)
    assert average_precision([0.1, 0.2], [True, True]) is None
    assert average_precision([0.1, 0.2], [False, False]) is None


def test_towers_that_know_everything_are_perfect() -> None:
    towers = Knowing()
    figures = measured(cast("Any", towers), source(PRESENT))
    assert figures == {"rgb_presence": pytest.approx(1.0), "rgb_ndcg": pytest.approx(1.0)}
    assert set(towers.asked) == {"rgb"}


def test_each_sensor_is_measured_by_its_own_tower() -> None:
    towers = Knowing()
    assert set(measured(cast("Any", towers), source(PRESENT, "s2"))) == {"s2_presence", "s2_ndcg"}
    assert set(towers.asked) == {"s2"}


def test_graded_gain_agrees_with_scikit_learn() -> None:
    towers, held = Knowing(blur=2.0), source(PRESENT)
    figures = measured(cast("Any", towers), held)
    images = towers.images(torch.from_numpy(held.pictures / 255).float()).numpy()
    wanted = _sets(held.present)
    values = []
    for row in wanted:
        gains = [(row & labels).sum() / (row | labels).sum() for labels in held.present]
        asked = row / np.linalg.norm(row)
        values.append(ndcg_score([gains], [images @ asked]))
    assert figures["rgb_ndcg"] == pytest.approx(np.mean(values), abs=1e-6)
    assert figures["rgb_ndcg"] < 0.99


def test_traces_neither_help_nor_hurt() -> None:
    """A window with a trace of a lake ranks above one with a lake, and nobody minds."""
    held = source(PRESENT)
    held.pictures[0, 1] = 255
    assert measured(cast("Any", Knowing()), held)["rgb_presence"] < 1
    told = source(PRESENT, traces=[[0, 1, 0], *[[0, 0, 0]] * 5])
    told.pictures[0, 1] = 255
    assert measured(cast("Any", Knowing()), told)["rgb_presence"] == pytest.approx(1.0)


def test_what_cannot_be_ranked_is_left_out() -> None:
    assert "rgb_presence" not in measured(cast("Any", Knowing()), source([[1, 0, 0], [1, 0, 0]]))
    assert measured(cast("Any", Knowing()), source([[1, 0, 0], [1, 0, 0]]))["rgb_ndcg"] == pytest.approx(1.0)


def test_the_commonest_sets_are_asked_for_after_the_classes() -> None:
    wanted = _sets(np.array(PRESENT, dtype=bool))
    assert wanted[:4].astype(int).tolist() == [[1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]]
    assert len(wanted) == 6
    assert _sets(np.zeros((2, 3), dtype=bool)).shape == (0, 3)


def test_towers_go_on_learning_afterwards() -> None:
    towers = Knowing()
    towers.whole.train()
    measured(cast("Any", towers), source(PRESENT))
    assert towers.whole.training
