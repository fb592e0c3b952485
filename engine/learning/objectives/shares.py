"""How much of something a picture shows decides how well words fit it, and how early it comes when they are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective
from engine.learning.objectives.mosaic import MosaicPart, regions


class SharesPart(MosaicPart):
    """Shares in a recipe; what it says of mosaics is as there."""

    kind: Literal["shares"]  # type: ignore[assignment]


class Shares(Objective):
    """See :func:`share_loss`. Beside :class:`Mosaic` it asks both ways, of whole pictures too, and knows how much of each is there."""

    part = SharesPart
    how: SharesPart

    @property
    def asks_names(self) -> bool:
        """Words for all classes are what shares are told by."""
        return True

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch and the mosaics made of it: () float, nats."""
        count = round(self.how.pictures * len(batch.pictures))
        whole = Contents.of(batch)
        image, share, opened = batch.image, whole.share, whole.open
        if count and len(batch.pictures) > 1:
            first = torch.arange(count)
            second = (first + 1) % len(batch.pictures)  # the next picture of a batch in random order
            pictures, other = batch.pictures[first], batch.pictures[second]
            drawn = torch.empty(count).uniform_(self.how.least, 1 - self.how.least)
            seams = regions(drawn, pictures.shape[-1], self.how.coarse).to(pictures.device)
            image = torch.cat([image, batch.images(torch.where(seams, other, pictures))])
            share = torch.cat([share, whole.mixed(first, second, seams)])
            opened = torch.cat([opened, opened[first] | opened[second]])
        return share_loss(batch.towers.scale * image @ batch.names.T, share, opened)


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of some pictures shows what words say.

    Attributes:
        amount: (N, C) float 0–1, how much of its ground a picture gives to what the words say.
        ground: (N, 1, h, w) float 0–1, the part of each picture that shows its classes.
        open: (N, C) bool, words of which nobody knows whether, or how much, they hold.
    """

    amount: Tensor
    ground: Tensor
    open: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Contents:
        """Of a batch's views and its words for all classes; without a ground all of a picture shows its classes."""
        holds, ignored = batch.class_matches()
        amount, ground = batch.amounts(), batch.draw.ground
        if ground is None:
            ground = torch.ones(len(holds), 1, *batch.pictures.shape[-2:])
        return cls((holds if amount is None else amount).to(batch.image), ground.to(batch.image), ignored)

    @property
    def share(self) -> Tensor:
        """(N, C) float 0–1, how much of a picture the words say."""
        return self.amount * _part(self.ground)

    def mixed(self, first: Tensor, second: Tensor, seams: Tensor) -> Tensor:
        """How much of mosaics the words say: (M,) and (M,) indices, (M, 1, h, w) bool where the second shows → (M, C) float 0–1."""
        share = self.amount[first] * _part(self.ground[first] * ~seams) + self.amount[second] * _part(self.ground[second] * seams)
        return share.clamp(max=1)


def _part(ground: Tensor) -> Tensor:
    """(N, 1, h, w) → (N, 1), the part of a picture that is ground."""
    return ground.mean(dim=(2, 3))


def share_loss(logits: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
    r"""Cross entropy between pictures and words against how much of each picture the words say, both ways.

    .. math::
        L &= \tfrac{1}{2} \big( \ell(S, A, G) + \ell(S^\top, A^\top, G^\top) \big) \\
        \ell(S, A, G) &= -\sum_i \frac{w_i}{\sum_k w_k} \sum_{c \notin G_i} \frac{A_{ic}}{\sum_k A_{ik}}
            \Big( S_{ic} - \log \sum_{k \notin G_i} e^{S_{ik}} \Big), \quad w_i = \min(1, \textstyle\sum_c A_{ic})

    The best scores differ by the logarithm of the shares, so that words fit a picture the better the more of it they say, and a
    picture comes the earlier in a search the more it shows of what is asked.

    Args:
        logits: (N, C) float, S, scaled cosines of pictures and words.
        share: (N, C) float 0–1, A, how much of a picture the words say.
        ignored: (N, C) bool, G, words of which nobody knows.

    Returns:
        () float, nats; pictures of which, and words for which, nothing is known add nothing.

    Source: Yun et al. 2019, "CutMix", eq. 1, with regions of natural outline and words in the classes' place; the way from words
        to pictures is CLIP's.
    """
    return (_one_way(logits, share, ignored) + _one_way(logits.T, share.T, ignored.T)) / 2


def _one_way(logits: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
    known = share.masked_fill(ignored, 0.0)
    total = known.sum(dim=1)
    weight = total.clamp(max=1)
    target = known / total.clamp(min=1e-6)[:, None]
    log_share = logits.masked_fill(ignored, -torch.inf).log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return -(weight * (target * log_share).sum(dim=1)).sum() / weight.sum().clamp(min=1e-6)
