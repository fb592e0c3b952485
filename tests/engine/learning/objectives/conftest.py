"""Batches for objectives: unit vectors of six pictures and texts in float64, with labels of four classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.draws import Draw
from engine.learning.objectives import Batch
from engine.learning.phrases import Text

CLASSES = 4


def unit(count: int, width: int, seed: int) -> Tensor:
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


@pytest.fixture(scope="session")
def rows() -> Callable[[int, int, int], Tensor]:
    """Random unit rows: (count, width, seed) → (count, width) float64."""
    return unit


@pytest.fixture(scope="session")
def compared() -> Callable[..., None]:
    """Asserts that two functions of tensors agree in value and in the gradients of all of them."""

    def compare(fast: Callable[..., Tensor], slow: Callable[..., Tensor], *inputs: Tensor) -> None:
        results = []
        for function in (fast, slow):
            leaves = [value.clone().requires_grad_() for value in inputs]
            value = function(*leaves)
            value.backward()  # type: ignore[no-untyped-call]
            results.append((value.detach(), *(leaf.grad for leaf in leaves)))
        for mine, reference in zip(*results, strict=True):
            torch.testing.assert_close(mine, reference, rtol=1e-9, atol=1e-11)

    return compare


@pytest.fixture
def batch() -> Callable[..., Batch]:
    """Makes a batch of sentences, each about its own picture."""

    def make(
        words: Sequence[str] = ("a", "b", "c", "d", "e", "f"), labels: Sequence[Sequence[int]] | None = None, width: int = 5, **other: Any
    ) -> Batch:
        count = len(words)
        nothing = np.zeros(CLASSES, dtype=bool)
        flags = np.zeros((count, CLASSES), dtype=bool)
        for row, own in enumerate(labels or [[row % CLASSES] for row in range(count)]):
            flags[row, list(own)] = True
        texts = tuple(Text(word, nothing, nothing) for word in words)
        draw = Draw(torch.zeros(count, 3, 2, 2, dtype=torch.uint8), texts, flags, np.zeros_like(flags), (), np.arange(count))
        views = iter(unit(count, width, seed) for seed in range(90, 99))
        towers = SimpleNamespace(scale=torch.tensor(7.0, dtype=torch.float64), images=lambda pictures, sensor: next(views))
        made = {
            "draw": draw,
            "pictures": torch.zeros(count, 3, 2, 2),
            "again": lambda: torch.zeros(count, 3, 2, 2),
            "image": unit(count, width, 1),
            "text": unit(count, width, 2),
            "names": torch.empty(0, width),
            "towers": towers,
            "source": 0,
            "order": torch.arange(count),
        }
        return Batch(**{**made, **other})  # type: ignore[arg-type]

    return make
