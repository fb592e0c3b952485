"""Decoupled contrast against a slow reference in float64, and its degenerate cases."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from engine.learning.objectives import Batch
from engine.learning.objectives.dcl import DCL, DCLPart, dcl
from engine.learning.objectives.infonce import infonce

Rows = Callable[[int, int, int], Tensor]
SCALE = torch.tensor(6.0, dtype=torch.float64)


def slow(image: Tensor, text: Tensor, positive: Tensor, ignored: Tensor) -> Tensor:
    """The formula with loops and plain exponentials."""
    total = torch.zeros((), dtype=torch.float64)
    for first, second, belongs, left_out in ((image, text, positive, ignored), (text, image, positive.T, ignored.T)):
        rows = []
        for i in range(len(first)):
            mine = [j for j in range(len(second)) if belongs[i, j]]
            others = [k for k in range(len(second)) if not belongs[i, k] and not left_out[i, k]]
            if mine and others:
                mass = sum(torch.exp(SCALE * (first[i] * second[k]).sum()) for k in others)
                rows.append(torch.log(mass) - sum(SCALE * (first[i] * second[j]).sum() for j in mine) / len(mine))  # type: ignore[arg-type]
        total = total + sum(rows) / len(rows)
    return total / 2


@pytest.mark.parametrize("kind", ["diagonal", "several", "ignored"])
def test_it_and_its_gradient_agree_with_a_slow_reference(rows: Rows, compared: Callable[..., None], kind: str) -> None:
    positive, ignored = torch.eye(6, dtype=torch.bool), torch.zeros(6, 6, dtype=torch.bool)
    if kind != "diagonal":
        positive[0, 3] = positive[3, 0] = positive[2, 5] = True
    if kind == "ignored":
        ignored[1, 4] = ignored[4, 0] = ignored[0, 3] = True
        ignored[5] = ~positive[5]  # a row without a negative
    compared(
        lambda image, text: dcl(image, text, SCALE, positive, ignored),
        lambda image, text: slow(image, text, positive, ignored),
        rows(6, 4, 1),
        rows(6, 4, 2),
    )


def test_it_is_infonce_less_the_share_of_the_positive(rows: Rows) -> None:
    """-log(e⁺ / Σ⁻) = -log(e⁺ / (e⁺ + Σ⁻)) + log(1 − p⁺), by row."""
    image, text = rows(5, 4, 3), rows(5, 4, 4)
    logits = SCALE * image @ text.T
    correction = (torch.log1p(-logits.softmax(1).diagonal()).mean() + torch.log1p(-logits.softmax(0).diagonal()).mean()) / 2
    torch.testing.assert_close(dcl(image, text, SCALE), infonce(image, text, SCALE) + correction)


@pytest.mark.parametrize("words", [("a",), ("same", "same", "same")])
def test_a_batch_without_negatives_adds_nothing(batch: Callable[..., Batch], rows: Rows, words: tuple[str, ...]) -> None:
    image = rows(len(words), 5, 1).requires_grad_()
    loss = DCL(DCLPart(kind="dcl"), 5)(batch(words, image=image))
    loss.backward()
    assert loss.item() == 0.0
    assert image.grad is not None
    assert not image.grad.any()


def test_everything_else_ignored_leaves_nothing_to_learn(rows: Rows) -> None:
    assert dcl(rows(4, 4, 9), rows(4, 4, 10), SCALE, None, ~torch.eye(4, dtype=torch.bool)).item() == 0.0


def test_high_temperature_stays_finite_in_float32(rows: Rows) -> None:
    image = rows(6, 4, 11).float().requires_grad_()
    loss = dcl(image, -image.detach(), torch.tensor(100.0), None, ~torch.eye(6, dtype=torch.bool).roll(1, 0))
    loss.backward()  # type: ignore[no-untyped-call]
    assert torch.isfinite(loss)
    assert image.grad is not None
    assert torch.isfinite(image.grad).all()
