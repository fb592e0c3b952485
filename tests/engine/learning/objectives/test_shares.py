"""Shares against a slow reference in float64, what pictures and mosaics of them show, and degenerate cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.learning.draws import Water
from engine.learning.objectives import Batch, shares
from engine.learning.objectives.shares import Contents, Shares, SharesPart, order_loss, share_loss
from engine.learning.phrases import Text

SHARE = torch.tensor([[0.7, 0.3, 0, 0], [0, 0.2, 1.0, 0], [0.5, 0, 0.1, 0]], dtype=torch.float64)
NOTHING = torch.zeros(3, 4, dtype=torch.bool)


def logits(seed: int = 0, *, learning: bool = False) -> Tensor:
    return torch.randn(3, 4, generator=torch.Generator().manual_seed(seed), dtype=torch.float64).requires_grad_(learning)


def test_it_and_its_gradient_agree_with_a_slow_reference(compared: Callable[..., None]) -> None:
    ignored = NOTHING.clone()
    ignored[0, 2] = ignored[2, 2] = True  # the second of these has a share, which doesn't count

    def one_way(scores: list[list[Tensor]], share: list[list[float]], told: list[list[bool]]) -> Tensor:
        total, weights = torch.zeros((), dtype=torch.float64), 0.0
        for row, amounts, known in zip(scores, share, told, strict=True):
            own = sum(amount for amount, here in zip(amounts, known, strict=True) if here)
            weight = min(1.0, own)
            weights += weight
            log_sum = torch.log(torch.stack([torch.exp(score) for score, here in zip(row, known, strict=True) if here]).sum())
            for score, amount, here in zip(row, amounts, known, strict=True):
                if here and amount:
                    total = total - weight * amount / own * (score - log_sum)
        return total / weights

    def slow(given: Tensor) -> Tensor:
        return one_way([[given[i, c] for c in range(4)] for i in range(3)], SHARE.tolist(), (~ignored).tolist())

    compared(lambda given: share_loss(given, SHARE, ignored), slow, logits())


def settled(share: Tensor) -> Tensor:
    """Scores that minimise the loss."""
    scores = torch.zeros(share.shape, dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.SGD([scores], lr=2.0)
    for _ in range(3000):
        optimiser.zero_grad()
        share_loss(scores, share, torch.zeros(share.shape, dtype=torch.bool)).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    return scores.detach()


def test_the_best_scores_of_a_picture_differ_by_the_logarithm_of_the_shares() -> None:
    best = settled(torch.tensor([[0.7, 0.3]], dtype=torch.float64))[0]
    assert float(best[0] - best[1]) == pytest.approx(np.log(0.7 / 0.3), abs=1e-2)


def test_pictures_and_words_of_which_nothing_is_known_add_nothing() -> None:
    given = logits(1, learning=True)
    share_loss(given, SHARE, ~NOTHING).backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert given.grad.abs().max() == 0
    alone = torch.cat([SHARE, torch.zeros(1, 4, dtype=torch.float64)])
    unknown = torch.cat([NOTHING, ~NOTHING[:1]])
    more = torch.cat([logits(1), logits(2)[:1]])
    torch.testing.assert_close(share_loss(more, alone, unknown), share_loss(logits(1), SHARE, NOTHING))


class Eye:
    """Towers that see nothing and remember what they were shown."""

    def __init__(self) -> None:
        self.scale = torch.tensor(7.0, dtype=torch.float64)
        self.shown: list[Tensor] = []

    def images(self, pictures: Tensor, sensor: str) -> Tensor:
        self.shown.append(pictures)
        return torch.nn.functional.normalize(torch.ones(len(pictures), 5, dtype=torch.float64), dim=1)


def told(made: Batch, eye: Eye, **draw: Any) -> Batch:
    """A batch in which word c is about class c, and an eye in the towers' place."""
    flags = np.eye(4, dtype=bool)
    names = tuple(Text(word, flags[row], ~flags[row] & False) for row, word in enumerate("abcd"))
    return replace(made, towers=eye, draw=replace(made.draw, names=names, **draw))


def quartet(batch: Callable[..., Batch]) -> Batch:
    pictures = torch.arange(4.0)[:, None, None, None].expand(4, 3, 16, 16)
    names = torch.nn.functional.normalize(torch.eye(4, 5, dtype=torch.float64), dim=1)
    return batch(("a", "b", "c", "d"), labels=[[0], [1], [2], [3]], pictures=pictures, names=names)


def test_it_puts_together_what_it_tells_the_shares_of(batch: Callable[..., Batch]) -> None:
    eye = Eye()
    torch.manual_seed(0)
    Shares(SharesPart(kind="shares", pictures=0.5, least=0.25), 5)(told(quartet(batch), eye))
    (mixed,) = eye.shown
    assert mixed.shape == (2, 3, 16, 16)
    assert set(mixed[0].unique().tolist()) == {0.0, 1.0}
    assert set(mixed[1].unique().tolist()) == {1.0, 2.0}
    assert 0.2 < float(mixed[0].mean()) < 0.8


def test_classes_are_as_much_there_as_their_ground(batch: Callable[..., Batch]) -> None:
    """Picture 0 shows its class in the left half alone; put beside picture 1 from the middle row on, in a quarter of the mosaic."""
    ground = torch.ones(4, 1, 16, 16)
    ground[0, :, :, 8:] = 0
    whole = Contents.of(told(quartet(batch), Eye(), ground=ground))
    assert whole.share.diagonal().tolist() == [0.5, 1, 1, 1]
    below = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    below[:, :, 8:] = True
    assert whole.mixed(torch.tensor([0]), torch.tensor([1]), below).tolist() == [[0.25, 0.5, 0, 0]]
    assert not whole.open.any()


def test_known_amounts_are_what_words_are_told_by(batch: Callable[..., Batch]) -> None:
    amounts = np.array([[0.6, 0.2, 0, 0]] + [[0, 0, 0, 0.1]] * 3, dtype=np.float32)
    whole = Contents.of(told(quartet(batch), Eye(), amounts=amounts))
    np.testing.assert_allclose(whole.share, amounts, rtol=1e-6)
    half = torch.zeros(1, 1, 16, 16, dtype=torch.bool)
    half[..., :8] = True
    mixed = whole.mixed(torch.tensor([0]), torch.tensor([1]), ~half)
    np.testing.assert_allclose(mixed, [[0.3, 0.1, 0, 0.05]], rtol=1e-6)


def test_what_is_unsure_of_a_part_is_open_in_its_mosaics(batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch) -> None:
    """Class 3 is unsure of picture 0, which is in the first mosaic; pictures 1 and 2 make the second."""
    unsure = np.zeros((4, 4), dtype=bool)
    unsure[0, 3] = True
    given: list[Tensor] = []

    def watched(logits: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
        given.extend((share, ignored))
        return share_loss(logits, share, ignored)

    monkeypatch.setattr(shares, "share_loss", watched)
    Shares(SharesPart(kind="shares", pictures=0.5, search=0), 5)(told(quartet(batch), Eye(), unsure=unsure))
    share, opened = given
    assert share.shape == opened.shape == (6, 4)
    assert opened[:, 3].tolist() == [True, False, False, False, True, False]
    assert not opened[:, :3].any()
    torch.testing.assert_close(share.sum(dim=1), torch.ones(6, dtype=share.dtype))


def test_the_order_and_its_gradient_agree_with_a_slow_reference(compared: Callable[..., None]) -> None:
    ignored = NOTHING.clone()
    ignored[0, 2] = ignored[2, 2] = True  # of the third word one picture is left: it has no order

    def slow(given: Tensor) -> Tensor:
        total, weights = torch.zeros((), dtype=torch.float64), 0.0
        for c in range(4):
            known = [i for i in range(3) if not ignored[i, c]]
            pairs = [(i, j, float(SHARE[i, c] - SHARE[j, c])) for i in known for j in known if SHARE[i, c] > SHARE[j, c]]
            if pairs:
                weight = min(1.0, sum(float(SHARE[i, c]) for i in known))
                missed = sum(more * torch.log(1 + torch.exp(5 * more - given[i, c] + given[j, c])) for i, j, more in pairs)
                total, weights = total + weight * missed / sum(more for _, _, more in pairs), weights + weight
        return total / weights

    compared(lambda given: order_loss(given, SHARE, ignored, 5.0), slow, logits())


def test_the_order_is_kept_by_scores_that_differ_by_as_much_as_the_shares() -> None:
    share = torch.tensor([[0.1], [0.3], [0.9], [0.9]])
    right, nothing = 40 * share, torch.zeros(4, 1, dtype=torch.bool)
    assert float(order_loss(right, share, nothing, 20.0)) < 0.1
    assert float(order_loss(right, share, nothing, 60.0)) > 1
    assert float(order_loss(-right, share, nothing, 20.0)) > 10
    moved = right + torch.tensor([[0.0], [0.0], [0.0], [30.0]])  # nobody says which of two equal ones comes first
    torch.testing.assert_close(order_loss(moved, share, nothing, 20.0), order_loss(right, share, nothing, 20.0), atol=0.01, rtol=0)


@pytest.mark.parametrize("share", [torch.zeros(3, 2), torch.full((3, 2), 0.5), torch.tensor([[0.4, 0.2]])], ids=["nothing", "equal", "one"])
def test_without_a_pair_that_differs_there_is_no_order(share: Tensor) -> None:
    given = torch.randn(share.shape, generator=torch.Generator().manual_seed(1)).requires_grad_()
    loss = order_loss(given, share, torch.zeros(share.shape, dtype=torch.bool), 18.0)
    loss.backward()  # type: ignore[no-untyped-call]
    assert float(loss.detach()) == 0
    assert given.grad is not None
    assert given.grad.abs().max() == 0


def of_water(pictures: int) -> Water:
    """Classes 0 and 1 are water; picture 0 shows where its own is, the last one is a bed."""
    places = np.arange(pictures)
    return Water(np.arange(4) < 2, places == 0, places == pictures - 1)


def test_of_a_picture_of_water_the_water_alone_is_laid_on_land(batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch) -> None:
    """Picture 0 has water in its left half, picture 3 is land: what is put together is land but for some water to the left."""
    ground = torch.ones(4, 1, 16, 16)
    ground[0, :, :, 8:] = 0
    given: list[Tensor] = []

    def watched(logits: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
        given.extend((share[4:], ignored[4:]))
        return share_loss(logits, share, ignored)

    monkeypatch.setattr(shares, "share_loss", watched)
    made, eye, unsure = quartet(batch), Eye(), np.zeros((4, 4), dtype=bool)
    unsure[0, [1, 2]] = True  # it may be the other class of water, and class 2 may lie beside it
    torch.manual_seed(1)
    how = SharesPart(kind="shares", pictures=1e-9, laid=1.0, search=0)
    Shares(how, 5)(told(made, eye, ground=ground, unsure=unsure, water=of_water(4)))
    (laid,), (share, opened) = eye.shown, given
    assert laid.shape == (4, 3, 16, 16)
    assert set(laid.unique().tolist()) == {0.0, 3.0}
    assert laid[..., 8:].min() == 3
    water = (laid[:, 0] == 0).double().mean(dim=(1, 2))
    assert water.min() > 0
    assert water.max() <= 0.5
    torch.testing.assert_close(share[:, 0], water)
    torch.testing.assert_close(share[:, 3], 1 - water)
    assert opened.tolist() == [[False, True, False, False]] * 4


@pytest.mark.parametrize("water", [None, Water.known(np.arange(4) == 0, 4)], ids=["unknown", "nowhere"])
def test_without_water_or_a_bed_nothing_is_laid(batch: Callable[..., Batch], water: Water | None) -> None:
    eye = Eye()
    Shares(SharesPart(kind="shares", pictures=1e-9, laid=1.0), 5)(told(quartet(batch), eye, water=water))
    assert not eye.shown


def test_water_alone_is_called_neither_a_lake_nor_anything_else_of_water(
    batch: Callable[..., Batch], monkeypatch: pytest.MonkeyPatch
) -> None:
    amounts = np.array([[0.75, 0, 0, 0.25], [0.65, 0, 0, 0.35], [0, 1, 0, 0], [0, 0, 0, 1]], dtype=np.float32)
    given: list[Tensor] = []
    monkeypatch.setattr(shares, "share_loss", lambda logits, share, ignored: given.append(ignored) or logits.sum())
    Shares(SharesPart(kind="shares", pictures=1e-9), 5)(told(quartet(batch), Eye(), amounts=amounts, water=of_water(4)))
    assert given[0].tolist() == [[True, True, False, False], [False] * 4, [True, True, False, False], [False] * 4]


def test_what_is_asked_of_words_and_of_the_order_is_weighed(batch: Callable[..., Batch]) -> None:
    made = told(quartet(batch), Eye())
    scores = made.towers.scale * made.image @ made.names.T
    holds, nothing = made.class_matches()[0].double(), torch.zeros(4, 4, dtype=torch.bool)
    for search, order in ((0.0, 0.0), (1.0, 0.0), (0.5, 3.0)):
        how = SharesPart(kind="shares", pictures=1e-9, search=search, order=order, apart=5)
        ways = share_loss(scores, holds, nothing), share_loss(scores.T, holds.T, nothing), order_loss(scores, holds, nothing, 5)
        assert float(Shares(how, 5)(made)) == pytest.approx(float(ways[0] + search * ways[1] + order * ways[2]) / 2)


def test_one_picture_makes_no_mosaic(batch: Callable[..., Batch]) -> None:
    names = torch.nn.functional.normalize(torch.eye(4, 5, dtype=torch.float64), dim=1)
    eye = Eye()
    alone = told(batch(("a",), labels=[[0]], names=names, pictures=torch.zeros(1, 3, 8, 8)), eye)
    assert float(Shares(SharesPart(kind="shares"), 5)(alone)) > 0
    assert not eye.shown
