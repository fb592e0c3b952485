"""NT-Xent against a slow reference in float64, and its degenerate cases."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from engine.learning.simclr import Projector, nt_xent


def rows(count: int, width: int, seed: int) -> Tensor:
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


def slow(first: Tensor, second: Tensor, scale: float) -> Tensor:
    """The formula with loops and plain exponentials."""
    views = [*first, *second]
    total = torch.zeros((), dtype=torch.float64)
    for i, mine in enumerate(views):
        other = (i + len(first)) % len(views)
        mass = sum(torch.exp(scale * (mine * views[k]).sum()) for k in range(len(views)) if k != i)
        total = total - torch.log(torch.exp(scale * (mine * views[other]).sum()) / mass)
    return total / len(views)


def test_loss_and_gradient_agree_with_a_slow_reference() -> None:
    results = []
    for loss in (nt_xent, slow):
        first, second = rows(5, 4, 1).requires_grad_(), rows(5, 4, 2).requires_grad_()
        value = loss(first, second, 6.0)  # type: ignore[operator]
        value.backward()
        results.append((value.detach(), first.grad, second.grad))
    for fast, reference in zip(*results, strict=True):
        torch.testing.assert_close(fast, reference, rtol=1e-10, atol=1e-12)


def test_gradient_agrees_with_finite_differences() -> None:
    inputs = (rows(3, 4, 3).requires_grad_(), rows(3, 4, 4).requires_grad_(), torch.tensor(4.0, dtype=torch.float64, requires_grad=True))
    assert torch.autograd.gradcheck(nt_xent, inputs)


def test_a_batch_of_one_has_nothing_to_tell_apart() -> None:
    first = rows(1, 4, 5).requires_grad_()
    loss = nt_xent(first, rows(1, 4, 6), 10.0)
    loss.backward()
    assert loss.item() == pytest.approx(0.0, abs=1e-12)
    assert first.grad is not None
    assert first.grad.abs().max() < 1e-12


def test_collapsed_views_cost_the_logarithm_of_the_choice() -> None:
    same = rows(1, 4, 7).expand(6, -1)
    assert nt_xent(same, same, 20.0).item() == pytest.approx(math.log(11))


def test_views_that_agree_cost_less_than_views_that_do_not() -> None:
    first = torch.eye(4, dtype=torch.float64)
    assert nt_xent(first, first, 20.0) < 1e-6
    assert nt_xent(first, first.roll(1, 0), 20.0) > 15


def test_projected_rows_are_unit() -> None:
    torch.testing.assert_close(Projector(6, 3, 8)(torch.randn(5, 6)).norm(dim=1), torch.ones(5))
