"""CLOSP's targets against slow references in float64, and their degenerate cases."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.objectives.closp import CLOSP, CLOSPPart, agreement, soft_contrast
from engine.learning.phrases import Text
from tests.engine.learning.objectives.stage import FlatTowers, batch, rows

LABELS = [[1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 1, 0], [0, 0, 1]]
"""Forest and lake; forest; lake and sea; forest and lake again; sea."""
NOTHING = np.zeros(3, dtype=bool)


def closp(**changes: Any) -> CLOSP:
    return CLOSP(CLOSPPart(kind="closp", **changes), 4)


def words(*holds: int) -> Text:
    """Words that hold for some classes."""
    return Text(f"words for {holds}", np.isin(np.arange(3), holds), NOTHING)


def jaccard(a: list[int], b: list[int]) -> float:
    first, second = ({place for place, there in enumerate(row) if there} for row in (a, b))
    return len(first & second) / len(first | second) if first | second else 0.0


def slow(image: Tensor, text: Tensor, scale: float, target: list[list[float]], ignored: list[list[bool]] | None = None) -> Tensor:
    """Soft cross entropy in both directions with loops and plain exponentials."""
    total = torch.zeros((), dtype=torch.float64)
    for first, second, flip in ((image, text, False), (text, image, True)):
        part, counted = torch.zeros((), dtype=torch.float64), 0
        for i in range(len(first)):
            goal = [target[j][i] if flip else target[i][j] for j in range(len(second))]
            out = [bool(ignored) and (ignored[j][i] if flip else ignored[i][j]) and goal[j] == 0 for j in range(len(second))]  # type: ignore[index]
            if not sum(goal):
                continue
            counted += 1
            mass = sum(torch.exp(scale * (first[i] * second[j]).sum()) for j in range(len(second)) if not out[j])
            for j in range(len(second)):
                if goal[j]:
                    part = part - goal[j] / sum(goal) * torch.log(torch.exp(scale * (first[i] * second[j]).sum()) / mass)
        total = total + part / counted
    return total / 2


def target(kind: str) -> list[list[float]]:
    if kind == "diagonal":
        return np.eye(5).tolist()
    found = [[jaccard(a, b) for b in LABELS] for a in LABELS]
    return found if kind == "jaccard" else [[float(value > 0) for value in row] for row in found]


@pytest.mark.parametrize("kind", ["jaccard", "shared", "diagonal"])
def test_loss_and_gradient_agree_with_a_slow_reference(kind: str) -> None:
    results = []
    for fast in (True, False):
        image, text = rows(5, 4, 1).requires_grad_(), rows(5, 4, 2).requires_grad_()
        value = closp(targets=kind)(batch(image, text, labels=LABELS)) if fast else slow(image, text, 7.0, target(kind))
        value.backward()  # type: ignore[no-untyped-call]
        results.append((value.detach(), image.grad, text.grad))
    for mine, reference in zip(*results, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-10, atol=1e-12)


def test_gradient_agrees_with_finite_differences() -> None:
    goal = torch.tensor(target("jaccard"), dtype=torch.float64)
    inputs = (rows(5, 4, 3).requires_grad_(), rows(5, 4, 4).requires_grad_(), torch.tensor(3.0, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(lambda image, text, scale: soft_contrast(image, text, scale, goal), inputs)


def test_the_published_scale_is_one_and_the_default_the_towers_own() -> None:
    image, text = rows(5, 4, 1), rows(5, 4, 2)
    towers = FlatTowers(torch.tensor(11.0, dtype=torch.float64))
    given = batch(image, text, labels=LABELS, towers=towers)
    torch.testing.assert_close(closp(targets="diagonal", scale=1.0)(given), slow(image, text, 1.0, target("diagonal")))
    torch.testing.assert_close(closp()(given), slow(image, text, 11.0, target("jaccard")))


def test_identical_captions_are_false_negatives_on_the_diagonal_alone() -> None:
    """Pictures 0 and 3 have one label set: told apart as published, equal under both other targets."""
    image = rows(1, 4, 5).expand(2, -1).clone()
    text = rows(1, 4, 6).expand(2, -1).clone()
    for kind in ("jaccard", "shared", "diagonal"):
        first = text.clone().requires_grad_()
        loss = closp(targets=kind)(batch(image, first, labels=[LABELS[0], LABELS[3]]))
        assert loss.item() == pytest.approx(math.log(2))
        loss.backward()
        assert first.grad is not None
        assert first.grad.abs().max() < 1e-12
    better = torch.tensor([[1.0, 0], [0.0, 1]], dtype=torch.float64)
    apart = closp(targets="diagonal")(batch(better, better, labels=[LABELS[0], LABELS[3]]))
    together = closp(targets="jaccard")(batch(better, better, labels=[LABELS[0], LABELS[3]]))
    assert apart < 0.01
    assert together > 3


def test_words_for_some_classes_agree_as_far_as_they_reach() -> None:
    given = batch(rows(3, 4, 1), rows(3, 4, 2), labels=LABELS[:3], texts=[words(0), words(0, 2), Text("a caption", NOTHING, NOTHING)])
    expected = [[1 / 2, 1 / 3, 1 / 3], [1, 1 / 2, 0], [0, 1 / 3, 1]]
    np.testing.assert_allclose(agreement(given.draw), expected)


def test_a_picture_without_labels_keeps_its_own_text() -> None:
    given = batch(rows(2, 4, 1), rows(2, 4, 2), labels=[[0, 0, 0], [0, 0, 0]])
    np.testing.assert_allclose(agreement(given.draw), np.eye(2))
    assert closp()(given).isfinite()


def test_traces_are_neither_right_nor_wrong() -> None:
    image, text = rows(2, 4, 7), rows(2, 4, 8)
    given = batch(image, text, labels=[[1, 0, 0], [0, 1, 0]], unsure=[[0, 1, 0], [0, 0, 0]], texts=[words(0), words(1)])
    expected = slow(image, text, 7.0, [[1, 0], [0, 1]], [[False, True], [False, False]])
    torch.testing.assert_close(closp()(given), expected)


def test_rows_without_a_target_add_nothing() -> None:
    image, text = rows(3, 4, 9), rows(3, 4, 10)
    goal = [[1.0, 0.5, 0.0], [0.0, 0.0, 0.0], [0.0, 0.3, 0.0]]
    found = soft_contrast(image, text, torch.tensor(5.0, dtype=torch.float64), torch.tensor(goal, dtype=torch.float64))
    torch.testing.assert_close(found, slow(image, text, 5.0, goal))


def test_a_batch_of_one_teaches_nothing() -> None:
    image = rows(1, 4, 11).requires_grad_()
    loss = closp()(batch(image, rows(1, 4, 12), labels=[LABELS[0]]))
    loss.backward()
    assert loss.item() == pytest.approx(0, abs=1e-12)


def test_high_temperature_stays_finite_in_float32() -> None:
    image = rows(5, 4, 13).float().requires_grad_()
    goal = torch.tensor(target("jaccard"))
    loss = soft_contrast(image, -image.detach(), torch.tensor(100.0), goal, torch.zeros(5, 5, dtype=torch.bool))
    loss.backward()  # type: ignore[no-untyped-call]
    assert loss.isfinite()
    assert image.grad is not None
    assert image.grad.isfinite().all()
