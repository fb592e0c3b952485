"""Soft multi-label contrast against a slow reference in float64, and its degenerate cases."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.objectives import Batch
from engine.learning.objectives.softcon import SoftCon, SoftConPart, likeness, softcon
from engine.learning.phrases import Text

Rows = Callable[[int, int, int], Tensor]


@pytest.mark.parametrize("masked", [False, True])
def test_it_and_its_gradient_agree_with_a_slow_reference(rows: Rows, compared: Callable[..., None], masked: bool) -> None:
    target = torch.rand(5, 5, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    ignored = torch.zeros(5, 5, dtype=torch.bool)
    if masked:
        ignored[0, 1] = ignored[3, 2] = True

    def slow(image: Tensor, other: Tensor) -> Tensor:
        terms = []
        for i in range(5):
            for j in range(5):
                if not ignored[i, j]:
                    chance = 1 / (1 + torch.exp(-10 * (image[i] * other[j]).sum()))
                    terms.append(-(target[i, j] * torch.log(chance) + (1 - target[i, j]) * torch.log(1 - chance)))
        return torch.stack(terms).mean()

    compared(lambda image, other: softcon(image, other, 10.0, target, ignored if masked else None), slow, rows(5, 4, 1), rows(5, 4, 2))


def test_likeness_is_the_cosine_of_label_vectors() -> None:
    first = torch.tensor([[1, 1, 0, 0], [0, 0, 0, 1], [0, 0, 0, 0]], dtype=torch.float64)
    found = likeness(first, first, same=True)
    by_hand = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1]], dtype=torch.float64)
    torch.testing.assert_close(found, by_hand)
    partly = likeness(first[:1], torch.tensor([[1, 0, 0, 0], [1, 1, 1, 1]], dtype=torch.float64))
    torch.testing.assert_close(partly, torch.tensor([[1 / math.sqrt(2), 2 / math.sqrt(8)]], dtype=torch.float64))


def test_against_views_it_takes_a_second_look(batch: Callable[..., Batch]) -> None:
    seen = batch(labels=[[0], [0, 1], [1], [2], [], [3]])
    view = seen.towers.images(seen.pictures, "rgb")
    again = batch(labels=[[0], [0, 1], [1], [2], [], [3]])
    labels = again.labels()
    expected = softcon(again.image, view, 10.0, likeness(labels, labels, same=True))
    torch.testing.assert_close(SoftCon(SoftConPart(kind="softcon"), 5)(again), expected)


def test_against_texts_words_for_a_class_attract_all_its_pictures(batch: Callable[..., Batch]) -> None:
    """Two pictures of class 0, one of class 1; the last text is a word for class 0 and is open about class 1."""
    made = batch(("x", "y", "z"), labels=[[0], [1], [0]])
    holds, maybe = np.eye(4, dtype=bool)[0], np.eye(4, dtype=bool)[1]
    object.__setattr__(made.draw, "texts", (*made.draw.texts[:2], Text("lake", holds, maybe)))
    target = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]], dtype=torch.float64)
    ignored = torch.zeros(3, 3, dtype=torch.bool)
    ignored[1, 2] = True
    expected = softcon(made.image, made.text, 10.0, target, ignored)
    torch.testing.assert_close(SoftCon(SoftConPart(kind="softcon", against="texts"), 5)(made), expected)


def test_all_ignored_is_nothing_and_one_alone_is_itself(rows: Rows, batch: Callable[..., Batch]) -> None:
    nothing = softcon(rows(3, 4, 1), rows(3, 4, 2), 10.0, torch.ones(3, 3, dtype=torch.float64), torch.ones(3, 3, dtype=torch.bool))
    assert nothing.item() == 0.0
    alone = batch(("a",), labels=[[]])
    likely = 10 * float((alone.image * alone.text).sum())
    assert SoftCon(SoftConPart(kind="softcon", against="texts"), 5)(alone).item() == pytest.approx(math.log1p(math.exp(-likely)))
