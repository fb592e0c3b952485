"""How much of something a picture shows decides how well words fit it, and how early it comes when they are looked for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Literal

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective
from engine.learning.objectives.mosaic import MosaicPart, regions
from engine.learning.part import Positive, Share

_ALONE: Final = 0.7
"""Share of water in a picture from which nobody can tell, without its shores, whether it is a lake, a river or the sea."""
_PONDS: Final = (0.05, 0.9)
"""Part of a bed that is marked for water; only as much of it is laid as the other picture has water there."""


class SharesPart(MosaicPart):
    """Shares in a recipe; what it says of mosaics is as there.

    Attributes:
        laid: Pictures besides, as a share of all, in which the water of one lies on the land of another, where the source knows its water.
        search: Weight of the way from words to pictures by the logarithm of shares, beside 1 of the way from pictures to words.
        order: Weight of the order in which words find pictures, see :func:`order_loss`, likewise.
        apart: Nats between a picture that shows nothing of what is asked and one that shows nothing else, in that order.
    """

    kind: Literal["shares"]  # type: ignore[assignment]
    laid: Share = 0.0
    search: Annotated[float, Field(ge=0)] = 1.0
    order: Annotated[float, Field(ge=0)] = 0.0
    apart: Positive = 18.0


class Shares(Objective):
    """See :func:`share_loss`. Beside :class:`Mosaic` it asks both ways, of whole pictures too, and knows how much of each is there."""

    part = SharesPart
    how: SharesPart

    @property
    def asks_names(self) -> bool:
        """Words for all classes are what shares are told by."""
        return True

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch and what is put together of it: () float, nats."""
        whole = Contents.of(batch)
        made = [mixture for mixture in (self._mosaics(batch, whole), self._laid(batch, whole)) if mixture is not None]
        image = [batch.image, *([batch.images(torch.cat([each.pictures for each in made]))] if made else [])]
        share, opened = torch.cat([whole.share, *(each.share for each in made)]), torch.cat([whole.open, *(each.open for each in made)])
        opened = opened | (whole.water & (whole.water & (share >= _ALONE)).any(dim=1, keepdim=True))
        logits = batch.towers.scale * torch.cat(image) @ batch.names.T
        loss = share_loss(logits, share, opened)
        if self.how.search:
            loss = loss + self.how.search * share_loss(logits.T, share.T, opened.T)
        if self.how.order:
            loss = loss + self.how.order * order_loss(logits, share, opened, self.how.apart)
        return loss / 2

    def _mosaics(self, batch: Batch, whole: Contents) -> Mixture | None:
        """Some of the pictures beside the next one; None if there are too few."""
        count = round(self.how.pictures * len(batch.pictures))
        if not count or len(batch.pictures) < 2:
            return None
        first = torch.arange(count)
        second = (first + 1) % len(batch.pictures)  # the next picture of a batch in random order
        drawn = torch.empty(count).uniform_(self.how.least, 1 - self.how.least)
        seams = regions(drawn, batch.pictures.shape[-1], self.how.coarse).to(batch.pictures.device)
        return Mixture.of(batch, whole, first, second, seams, whole.open[second])

    def _laid(self, batch: Batch, whole: Contents) -> Mixture | None:
        """Water of some pictures on the land of others; None if the batch has none of either."""
        count, water = round(self.how.laid * len(batch.pictures)), batch.draw.water
        if not count or water is None or not water.seen.any() or not water.beds.any():
            return None
        below, above = (_any_of(places, count) for places in (water.beds, water.seen))
        marked = torch.empty(count).uniform_(*_PONDS)
        half, size = count // 2, batch.pictures.shape[-1]
        ponds = torch.cat([regions(marked[:half], size, self.how.coarse), regions(marked[half:], size, 2 * self.how.coarse)])
        ponds = ponds.to(batch.pictures.device) & (whole.ground[above] > 0.5)  # what lies beside the water stays where it is
        return Mixture.of(batch, whole, below, above, ponds, whole.open[above] & whole.water)


@dataclass(frozen=True, slots=True)
class Mixture:
    """Pictures that are put together from two each.

    Attributes:
        pictures: (M, 3, h, w) float 0–1.
        share: (M, C) float 0–1, how much of each the words say.
        open: (M, C) bool, words of which nobody knows.
    """

    pictures: Tensor
    share: Tensor
    open: Tensor

    @classmethod
    def of(cls, batch: Batch, whole: Contents, first: Tensor, second: Tensor, seams: Tensor, opened: Tensor) -> Mixture:
        """Put together pictures ``first`` and ``second``, (M,) indices, the second where ``seams``, (M, 1, h, w) bool, say so, which leaves
        the words ``opened``, (M, C) bool, open."""
        pictures = torch.where(seams, batch.pictures[second], batch.pictures[first])
        return cls(pictures, whole.mixed(first, second, seams), whole.open[first] | opened)


@dataclass(frozen=True, slots=True)
class Contents:
    """How much of some pictures shows what words say.

    Attributes:
        amount: (N, C) float 0–1, how much of its ground a picture gives to what the words say.
        ground: (N, 1, h, w) float 0–1, the part of each picture that shows its classes.
        open: (N, C) bool, words of which nobody knows whether, or how much, they hold.
        water: (C,) bool, words for inland water.
    """

    amount: Tensor
    ground: Tensor
    open: Tensor
    water: Tensor

    @classmethod
    def of(cls, batch: Batch) -> Contents:
        """Of a batch's views and its words for all classes; without a ground all of a picture shows its classes."""
        holds, ignored = batch.class_matches()
        amount, ground = batch.amounts(), batch.draw.ground
        if ground is None:
            ground = torch.ones(len(holds), 1, *batch.pictures.shape[-2:])
        water, words = batch.draw.water, torch.zeros(holds.shape[1], dtype=torch.bool, device=holds.device)
        if water is not None:
            words = torch.from_numpy(np.array([(text.holds & water.classes).any() for text in batch.draw.names])).to(words)
        return cls((holds if amount is None else amount).to(batch.image), ground.to(batch.image), ignored, words)

    @property
    def share(self) -> Tensor:
        """(N, C) float 0–1, how much of a picture the words say."""
        return self.amount * _part(self.ground)

    def mixed(self, first: Tensor, second: Tensor, seams: Tensor) -> Tensor:
        """How much of mosaics the words say: (M,) and (M,) indices, (M, 1, h, w) bool where the second shows → (M, C) float 0–1."""
        share = self.amount[first] * _part(self.ground[first] * ~seams) + self.amount[second] * _part(self.ground[second] * seams)
        return share.clamp(max=1)


def _any_of(flags: NDArray[np.bool_], count: int) -> Tensor:
    """Places of some that are flagged, drawn with replacement: (N,) bool → (count,) int64."""
    places = torch.from_numpy(np.flatnonzero(flags))
    return places[torch.randint(len(places), (count,))]


def _part(ground: Tensor) -> Tensor:
    """(N, 1, h, w) → (N, 1), the part of a picture that is ground."""
    return ground.mean(dim=(2, 3))


def share_loss(logits: Tensor, share: Tensor, ignored: Tensor) -> Tensor:
    r"""Cross entropy between pictures and words against how much of each picture the words say.

    .. math::
        L = -\sum_i \frac{w_i}{\sum_k w_k} \sum_{c \notin G_i} \frac{A_{ic}}{\sum_{k \notin G_i} A_{ik}}
            \Big( S_{ic} - \log \sum_{k \notin G_i} e^{S_{ik}} \Big), \quad w_i = \min(1, \textstyle\sum_{c \notin G_i} A_{ic})

    The best scores differ by the logarithm of the shares, so that words fit a picture the better the more of it they say. With all
    three transposed, pictures come the earlier in a search the more they show of what is asked.

    Args:
        logits: (N, C) float, S, scaled cosines of pictures and words.
        share: (N, C) float 0–1, A, how much of a picture the words say.
        ignored: (N, C) bool, G, words of which nobody knows.

    Returns:
        () float, nats; pictures of which nothing is known add nothing.

    Source: Yun et al. 2019, "CutMix", eq. 1, with regions of natural outline and words in the classes' place; the way from words
        to pictures is CLIP's.
    """
    known = share.masked_fill(ignored, 0.0)
    total = known.sum(dim=1)
    weight = total.clamp(max=1)
    target = known / total.clamp(min=1e-6)[:, None]
    log_share = logits.masked_fill(ignored, -torch.inf).log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return -(weight * (target * log_share).sum(dim=1)).sum() / weight.sum().clamp(min=1e-6)


def order_loss(logits: Tensor, share: Tensor, ignored: Tensor, apart: float) -> Tensor:
    r"""How far pictures are from the order in which words should find them, by how much of each the words say.

    .. math::
        L = \sum_c \frac{w_c}{\sum_k w_k} \sum_{i, j \notin G_c} \frac{D_{ijc}}{\sum_{k, l} D_{klc}}
            \log \Big( 1 + e^{m D_{ijc} - S_{ic} + S_{jc}} \Big), \quad
        D_{ijc} = \max(0, A_{ic} - A_{jc}), \quad w_c = \min(1, \textstyle\sum_{i \notin G_c} A_{ic})

    :func:`share_loss` asks for scores that differ by the logarithm of the shares: a field and a field with a pond in a tenth of it
    by 0.1 nats, which is lost among all else that tells fields apart. Here the margin is in proportion to what they differ by.

    Args:
        logits: (N, C) float, S, scaled cosines of pictures and words.
        share: (N, C) float 0–1, A, how much of a picture the words say.
        ignored: (N, C) bool, G, words of which nobody knows.
        apart: m, nats for a whole picture.

    Returns:
        () float, nats; words for which no two pictures are known to differ add nothing.

    Source: RankNet (Burges et al. 2005), eq. 3, for pairs whose order is certain, with a margin in proportion to what they differ by.
    """
    scores, amount, told = logits.T, share.T, ~ignored.T
    more = (amount[:, :, None] - amount[:, None, :]).clamp(min=0) * (told[:, :, None] & told[:, None, :])
    missed = F.softplus(apart * more - (scores[:, :, None] - scores[:, None, :]))
    pairs = more.sum(dim=(1, 2))
    weight = (amount * told).sum(dim=1).clamp(max=1) * (pairs > 0)
    return (weight * (more * missed).sum(dim=(1, 2)) / pairs.clamp(min=1e-6)).sum() / weight.sum().clamp(min=1e-6)
