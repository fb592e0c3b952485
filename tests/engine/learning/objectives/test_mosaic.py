"""Mosaics against a slow reference in float64, their regions, and their degenerate cases."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.objectives import Batch
from engine.learning.objectives.mosaic import Mosaic, MosaicPart, mosaic_loss, regions
from engine.learning.phrases import Text

FIRST = torch.tensor([[1, 0, 0, 0], [0, 1, 1, 0], [0, 0, 1, 0]], dtype=torch.bool)
SECOND = torch.tensor([[0, 1, 0, 0], [0, 0, 1, 0], [1, 0, 0, 0]], dtype=torch.bool)
SHARE = torch.tensor([0.3, 0.8, 0.5], dtype=torch.float64)


def test_it_and_its_gradient_agree_with_a_slow_reference(compared: Callable[..., None]) -> None:
    ignored = torch.zeros(3, 4, dtype=torch.bool)
    ignored[0, 2] = ignored[0, 0] = True  # the second of these is positive, so it stays

    def slow(logits: Tensor) -> Tensor:
        terms = []
        for i in range(3):
            told = [c for c in range(4) if not ignored[i, c] or FIRST[i, c] or SECOND[i, c]]
            log_sum = torch.log(torch.stack([torch.exp(logits[i, c]) for c in told]).sum())
            for c in range(4):
                wanted = (1 - SHARE[i]) * FIRST[i, c] / FIRST[i].sum() + SHARE[i] * SECOND[i, c] / SECOND[i].sum()
                if wanted:
                    terms.append(-wanted * (logits[i, c] - log_sum))
        return torch.stack(terms).sum() / 3

    logits = torch.randn(3, 4, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    compared(lambda given: mosaic_loss(given, FIRST, SECOND, SHARE, ignored), slow, logits)


def test_the_best_scores_differ_by_the_logarithm_of_the_shares() -> None:
    logits = torch.zeros(1, 4, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([logits], lr=2.0)
    none = torch.zeros(1, 4, dtype=torch.bool)
    for _ in range(800):
        optimiser.zero_grad()
        mosaic_loss(logits, FIRST[:1], SECOND[:1], SHARE[:1], none).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    best = logits.detach()[0]
    assert float(best[0] - best[1]) == pytest.approx(np.log(0.7 / 0.3), abs=1e-3)


def test_parts_of_which_nothing_is_known_add_nothing() -> None:
    nothing = torch.zeros(3, 4, dtype=torch.bool)
    logits = torch.randn(3, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    assert mosaic_loss(logits, FIRST, nothing, SHARE, nothing).item() == 0
    some = torch.stack([SECOND[0], nothing[0], SECOND[2]])
    both = mosaic_loss(logits[[0, 2]], FIRST[[0, 2]], SECOND[[0, 2]], SHARE[[0, 2]], nothing[:2])
    torch.testing.assert_close(mosaic_loss(logits, FIRST, some, SHARE, nothing), both)


@pytest.mark.parametrize("coarse", [2, 5])
def test_regions_fill_their_share_with_few_pieces(coarse: int) -> None:
    torch.manual_seed(3)
    shares = torch.tensor([0.1, 0.5, 0.9])
    seams = regions(shares, 40, coarse)
    assert seams.shape == (3, 1, 40, 40)
    np.testing.assert_allclose(seams.float().mean(dim=(1, 2, 3)), shares, atol=1 / 1600)
    edges = (seams[..., 1:] != seams[..., :-1]).float().mean()
    assert edges < 0.15  # noise of single pixels would have about 0.3


def test_it_tells_the_shares_of_what_it_has_put_together(batch: Callable[..., Batch]) -> None:
    seen: list[Tensor] = []

    def images(pictures: Tensor, sensor: str) -> Tensor:
        seen.append(pictures)
        return torch.nn.functional.normalize(torch.ones(len(pictures), 5, dtype=torch.float64), dim=1)

    pictures = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16)
    names = torch.nn.functional.normalize(torch.eye(4, 5, dtype=torch.float64), dim=1)
    made = batch(("a", "b", "c", "d"), labels=[[0], [1], [2], [3]], pictures=pictures, names=names)
    object.__setattr__(made, "towers", SimpleNamespace(scale=torch.tensor(7.0, dtype=torch.float64), images=images))
    flags = np.eye(4, dtype=bool)
    object.__setattr__(made.draw, "names", tuple(Text(word, flags[row], ~flags[row] & False) for row, word in enumerate("abcd")))
    torch.manual_seed(0)
    loss = Mosaic(MosaicPart(kind="mosaic", pictures=0.5, least=0.25), 5)(made)
    assert float(loss) == pytest.approx(np.log(4))  # all words fit alike
    mixed = seen[0]
    assert mixed.shape == (2, 3, 16, 16)
    assert set(mixed[0].unique().tolist()) == {0.0, 1.0}
    assert set(mixed[1].unique().tolist()) == {1.0, 2.0}
    assert 0.2 < float(mixed[0].mean()) < 0.8


def test_one_picture_makes_no_mosaic(batch: Callable[..., Batch]) -> None:
    assert Mosaic(MosaicPart(kind="mosaic"), 5)(batch(("a",), labels=[[0]])).item() == 0
