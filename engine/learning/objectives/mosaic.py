"""Pictures that are put together from two: how much of something there is decides how well its words fit."""

from __future__ import annotations

from typing import Annotated, Literal

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective, ObjectivePart


class MosaicPart(ObjectivePart):
    """Mosaics in a recipe.

    Attributes:
        pictures: Share of the pictures of which mosaics are made; they cost a pass of the image tower.
        least: Smallest share of a mosaic that its second picture fills; the largest is 1 less this.
        coarse: Pieces along a side of the noise whose contour is the seam: few make straight shores, many make ragged ones.
    """

    kind: Literal["mosaic"]
    pictures: Annotated[float, Field(gt=0, le=1)] = 0.5
    least: Annotated[float, Field(ge=0, lt=0.5)] = 0.1
    coarse: int = Field(default=4, ge=2)


class Mosaic(Objective):
    """See :func:`mosaic_loss`. Tiles of a real scene show parts of several scenes; whole pictures alone never teach that."""

    part = MosaicPart
    how: MosaicPart

    @property
    def asks_names(self) -> bool:
        """Words for all classes are what mosaics are told by."""
        return True

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats; 0 for fewer than two pictures."""
        count = round(self.how.pictures * len(batch.pictures))
        if count < 1 or len(batch.pictures) < 2:
            return batch.image.sum() * 0
        second = torch.arange(1, count + 1) % len(batch.pictures)  # the next picture of a batch in random order
        pictures, other = batch.pictures[:count], batch.pictures[second]
        shares = torch.empty(count).uniform_(self.how.least, 1 - self.how.least)
        seams = regions(shares, pictures.shape[-1], self.how.coarse).to(pictures.device)
        image = batch.images(torch.where(seams, other, pictures))
        filled = seams.float().mean(dim=(1, 2, 3)).to(image)
        positive, ignored = batch.class_matches()
        logits = batch.towers.scale * image @ batch.names.T
        return mosaic_loss(logits, positive[:count], positive[second], filled, ignored[:count] | ignored[second])


def regions(shares: Tensor, size: int, coarse: int) -> Tensor:
    """Where the second picture shows, in regions with natural outlines: contours of smooth noise.

    Args:
        shares: (N,) part of each mosaic, 0–1; met to a pixel.
        size: Pixels of a side.
        coarse: Pieces of noise along a side; from torch's global generator.

    Returns:
        (N, 1, size, size) bool.
    """
    noise = F.interpolate(torch.randn(len(shares), 1, coarse, coarse), size=(size, size), mode="bicubic", align_corners=False)
    ranks = noise.flatten(1).argsort(dim=1).argsort(dim=1)
    return (ranks < (shares * size * size).round()[:, None]).view(-1, 1, size, size)


def mosaic_loss(logits: Tensor, first: Tensor, second: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
    r"""Cross entropy of class words against the shares of a mosaic's parts.

    .. math::
        L = -\tfrac{1}{N} \sum_i \sum_c T_{ic} \Big( S_{ic} - \log \sum_{k \notin G_i} e^{S_{ik}} \Big), \quad
        T_i = (1 - \lambda_i) \tfrac{P_i}{|P_i|} + \lambda_i \tfrac{Q_i}{|Q_i|}

    The best scores differ by the logarithm of the shares, so that words fit the better, the more of their class there is.

    Args:
        logits: (N, C) float, S, scaled cosines of mosaics and class words.
        first: (N, C) bool, P, words that hold for the first picture.
        second: (N, C) bool, Q, for the second one.
        share: (N,) float 0–1, λ, what the second one fills.
        ignored: (N, C) bool, G, words of which nobody knows for either; a positive pair is never left out.

    Returns:
        () float, nats; mosaics with a part that no word holds for add nothing.

    Source: Yun et al. 2019, "CutMix", eq. 1, with regions of natural outline and words in the classes' place.
    """
    told = first.any(dim=1) & second.any(dim=1)
    target = (1 - share)[:, None] * _even(first, logits) + share[:, None] * _even(second, logits)
    log_share = logits.masked_fill(ignored & ~(first | second), -torch.inf).log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return (-(target * log_share).sum(dim=1) * told).sum() / told.sum().clamp(min=1)


def _even(positive: Tensor, like: Tensor) -> Tensor:
    """Rows that share one evenly among their positives."""
    return positive.to(like) / positive.sum(dim=1, keepdim=True).clamp(min=1)
