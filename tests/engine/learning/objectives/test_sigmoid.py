"""The sigmoid loss against a slow reference in float64, and its degenerate cases."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.learning.objectives import Batch
from engine.learning.objectives.sigmoid import Sigmoid, SigmoidPart, sigmoid

Rows = Callable[[int, int, int], Tensor]


@pytest.mark.parametrize("masked", [False, True])
def test_it_and_its_gradient_agree_with_a_slow_reference(rows: Rows, compared: Callable[..., None], masked: bool) -> None:
    positive, ignored = torch.eye(5, dtype=torch.bool), torch.zeros(5, 5, dtype=torch.bool)
    if masked:
        positive[0, 3] = ignored[1, 4] = ignored[0, 3] = True

    def slow(image: Tensor, text: Tensor, scale: Tensor, bias: Tensor) -> Tensor:
        total = torch.zeros((), dtype=torch.float64)
        for i in range(5):
            for j in range(5):
                chance = 1 / (1 + torch.exp(-(scale * (image[i] * text[j]).sum() + bias)))
                if positive[i, j]:
                    total = total - torch.log(chance)
                elif not ignored[i, j]:
                    total = total - torch.log(1 - chance)
        return total / 5

    scale, bias = torch.tensor(4.0, dtype=torch.float64), torch.tensor(-2.0, dtype=torch.float64)
    masks = (positive, ignored) if masked else (None, None)
    compared(lambda image, text, s, b: sigmoid(image, text, s, b, *masks), slow, rows(5, 4, 1), rows(5, 4, 2), scale, bias)


def test_the_bias_learns_and_starts_where_most_pairs_do_not_match(batch: Callable[..., Batch]) -> None:
    objective = Sigmoid(SigmoidPart(kind="sigmoid"), 5)
    assert [name for name, _ in objective.named_parameters()] == ["bias"]
    objective(batch()).backward()
    assert objective.bias.item() == -10.0
    assert objective.bias.grad is not None
    assert objective.bias.grad.item() < 0  # six pairs match, and none is believed to


def test_a_batch_of_one_still_teaches(batch: Callable[..., Batch]) -> None:
    only = batch(("a",))
    expected = math.log1p(math.exp(-(7 * float((only.image * only.text).sum()) - 10)))
    assert Sigmoid(SigmoidPart(kind="sigmoid"), 5)(only).item() == pytest.approx(expected)


def test_everything_else_ignored_leaves_the_pairs_themselves(rows: Rows) -> None:
    image, scale, bias = rows(4, 4, 9), torch.tensor(3.0, dtype=torch.float64), torch.tensor(-1.0, dtype=torch.float64)
    loss = sigmoid(image, image, scale, bias, None, torch.ones(4, 4, dtype=torch.bool))
    assert loss.item() == pytest.approx(math.log1p(math.exp(-2)))


def test_identical_captions_all_match(batch: Callable[..., Batch]) -> None:
    """Every pair of equal sentences is drawn together: raising any similarity lowers the loss."""
    same = batch(("a", "a", "a"))
    image, text = same.image.requires_grad_(), same.text
    Sigmoid(SigmoidPart(kind="sigmoid"), 5)(same).backward()
    assert image.grad is not None
    assert ((image.grad @ text.sum(dim=0)) < 0).all()
