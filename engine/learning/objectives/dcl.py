"""Decoupled contrast: for small batches."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective, ObjectivePart


class DCLPart(ObjectivePart):
    """Decoupled contrast in a recipe."""

    kind: Literal["dcl"]


class DCL(Objective):
    """See :func:`dcl`; equal sentences and class words count as positives, open pairs are ignored."""

    part = DCLPart

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        return dcl(batch.image, batch.text, batch.towers.scale, *batch.matches())


def dcl(image: Tensor, text: Tensor, scale: Tensor, positive: Tensor | None = None, ignored: Tensor | None = None) -> Tensor:
    r"""Decoupled contrastive loss: InfoNCE without the positives in its denominator.

    .. math::
        \ell(S, P, G) = -\tfrac{1}{|R|} \sum_{i \in R} \Big( \tfrac{1}{|P_i|} \sum_{j \in P_i} S_{ij}
            - \log \sum_{k \notin P_i \cup G_i} e^{S_{ik}} \Big), \quad S_{ij} = s\,z_i^\top t_j

    averaged over both directions; R are the rows that have a positive and a negative: a batch of one, or of equal
    sentences alone, has nothing to be told from and adds nothing. The loss has no lower bound: its pull on a
    positive pair does not fade as the pair gets close, which is the point.

    Args:
        image: (B, D) float, unit length.
        text: (T, D) float, unit length.
        scale: () float > 0, the inverse temperature.
        positive: (B, T) bool, image i and text j belong together; the diagonal if None.
        ignored: (B, T) bool, pairs that are neither; none if None. A positive pair is never ignored.

    Returns:
        () float, nats; it may be negative.

    Source: Yeh et al. 2022, "Decoupled Contrastive Learning", eq. 6 (one positive); several positives as in
        Khosla et al. 2020, "Supervised Contrastive Learning", eq. 2.
    """
    logits = scale * image @ text.T
    if positive is None:
        positive = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    negative = ~positive if ignored is None else ~(positive | ignored)
    return (_one_way(logits, positive, negative) + _one_way(logits.T, positive.T, negative.T)) / 2


def _one_way(logits: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    """Mean over the rows with a positive and a negative: three (B, T) → ()."""
    told = positive.any(dim=1) & negative.any(dim=1)
    if not bool(told.any()):
        return (logits * 0).sum()
    logits, positive, negative = logits[told], positive[told], negative[told]
    pull = logits.masked_fill(~positive, 0.0).sum(dim=1) / positive.sum(dim=1)
    return (logits.masked_fill(~negative, -torch.inf).logsumexp(dim=1) - pull).mean()
