"""Losses against slow references in float64, and their degenerate cases."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.objectives import Batch
from engine.learning.objectives.infonce import InfoNCE, InfoNCEPart, infonce
from engine.learning.phrases import Text


def rows(count: int, width: int, seed: int) -> Tensor:
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


def slow(image: Tensor, text: Tensor, scale: float, positive: Tensor, ignored: Tensor) -> Tensor:
    """The formula with loops and plain exponentials."""
    count = len(image)
    total = torch.zeros((), dtype=torch.float64)
    for first, second, belongs, left_out in ((image, text, positive, ignored), (text, image, positive.T, ignored.T)):
        for i in range(count):
            mass = sum(torch.exp(scale * (first[i] * second[k]).sum()) for k in range(count) if not left_out[i, k] or belongs[i, k])
            mine = [j for j in range(count) if belongs[i, j]]
            total = total - sum(torch.log(torch.exp(scale * (first[i] * second[j]).sum()) / mass) for j in mine) / len(mine)
    return total / (2 * count)


def masks(kind: str) -> tuple[Tensor, Tensor]:
    positive, ignored = torch.eye(6, dtype=torch.bool), torch.zeros(6, 6, dtype=torch.bool)
    if kind != "diagonal":
        positive[0, 3] = positive[3, 0] = positive[2, 5] = True
    if kind == "ignored":
        ignored[1, 4] = ignored[4, 0] = ignored[0, 3] = True  # the last one is positive, too, and stays
    return positive, ignored


@pytest.mark.parametrize("kind", ["diagonal", "several", "ignored"])
def test_infonce_and_its_gradient_agree_with_a_slow_reference(kind: str) -> None:
    positive, ignored = masks(kind)
    results = []
    for loss in (infonce, slow):
        image, text = rows(6, 4, 1).requires_grad_(), rows(6, 4, 2).requires_grad_()
        scale = torch.tensor(7.0, dtype=torch.float64)
        value = loss(image, text, scale, positive, ignored)  # type: ignore[operator]
        value.backward()
        results.append((value.detach(), image.grad, text.grad))
    for fast, reference in zip(*results, strict=True):
        torch.testing.assert_close(fast, reference, rtol=1e-10, atol=1e-12)


def test_infonce_gradient_agrees_with_finite_differences() -> None:
    positive, ignored = masks("ignored")
    inputs = (rows(6, 4, 3).requires_grad_(), rows(6, 4, 4).requires_grad_(), torch.tensor(5.0, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(lambda image, text, scale: infonce(image, text, scale, positive, ignored), inputs)


def test_without_masks_it_is_the_cross_entropy_of_clip() -> None:
    image, text, scale = rows(8, 5, 5), rows(8, 5, 6), torch.tensor(14.0, dtype=torch.float64)
    logits, target = scale * image @ text.T, torch.arange(8)
    expected = (torch.nn.functional.cross_entropy(logits, target) + torch.nn.functional.cross_entropy(logits.T, target)) / 2
    torch.testing.assert_close(infonce(image, text, scale), expected)


def test_rows_without_a_positive_add_nothing() -> None:
    """Five pictures under three class names, of which one fits no picture, and one picture that no name fits."""
    image, text, scale = rows(5, 4, 12), rows(3, 4, 13), torch.tensor(9.0, dtype=torch.float64)
    positive = torch.tensor([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 0]], dtype=torch.bool)
    shares = (scale * image @ text.T).softmax(dim=1)
    back = (scale * text @ image.T).softmax(dim=1)
    by_image = -sum(torch.log(shares[i, j]) for i, j in ((0, 0), (1, 0), (2, 1), (4, 1))) / 4
    by_text = -(torch.log(back[0, :2]).mean() + torch.log(back[1, [2, 4]]).mean()) / 2
    torch.testing.assert_close(infonce(image, text, scale, positive), (by_image + by_text) / 2)


def test_identical_captions_are_not_pushed_apart() -> None:
    """One sentence for all: the target is even, the loss ln B, and no gradient pulls the texts anywhere."""
    image = rows(1, 4, 7).repeat(5, 1).requires_grad_()
    text = rows(1, 4, 8).repeat(5, 1).requires_grad_()
    loss = infonce(image, text, torch.tensor(20.0, dtype=torch.float64), torch.ones(5, 5, dtype=torch.bool))
    loss.backward()
    assert loss.item() == pytest.approx(math.log(5))
    assert image.grad is not None
    assert text.grad is not None
    assert text.grad.abs().max() < 1e-12
    assert image.grad.abs().max() < 1e-12


def test_everything_else_ignored_leaves_nothing_to_learn() -> None:
    image, text = rows(4, 4, 9), rows(4, 4, 10)
    loss = infonce(image, text, torch.tensor(20.0, dtype=torch.float64), None, ~torch.eye(4, dtype=torch.bool))
    assert loss.item() == pytest.approx(0.0, abs=1e-12)


def test_a_batch_of_one_teaches_nothing(batch: Callable[..., Batch]) -> None:
    only = batch(("a",), image=rows(1, 5, 1).requires_grad_())
    loss = InfoNCE(InfoNCEPart(kind="infonce"), 5)(only)
    loss.backward()
    assert loss.item() == 0.0
    assert only.image.grad is not None
    assert not only.image.grad.any()


def test_words_for_every_class_weigh_as_much_as_the_recipe_says(batch: Callable[..., Batch]) -> None:
    """Three pictures of classes 0, 1, 0 against their sentences, and against two names of which the second is open about class 0."""
    made = batch(("x", "y", "z"), labels=[[0], [1], [0]], names=rows(2, 5, 8))
    one_hot = np.eye(4, dtype=bool)
    object.__setattr__(made.draw, "names", (Text("a", one_hot[0], one_hot[3]), Text("b", one_hot[1], one_hot[0])))
    objective = InfoNCE(InfoNCEPart(kind="infonce", classes=0.5), 5)
    positive = torch.tensor([[1, 0], [0, 1], [1, 0]], dtype=torch.bool)
    ignored = torch.tensor([[0, 1], [0, 0], [0, 1]], dtype=torch.bool)
    names = infonce(made.image, made.names, made.towers.scale, positive, ignored)
    assert objective.asks_names
    torch.testing.assert_close(objective(made), infonce(made.image, made.text, made.towers.scale) + 0.5 * names)


def test_high_temperature_stays_finite_in_float32() -> None:
    image = rows(6, 4, 11).float().requires_grad_()
    loss = infonce(image, -image.detach(), torch.tensor(100.0), *masks("ignored"))
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()
