"""Symmetric InfoNCE with several positives: the loss of CLIP where sentences repeat."""

from __future__ import annotations

from typing import Literal

import torch
from pydantic import Field
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective, ObjectivePart


class InfoNCEPart(ObjectivePart):
    """InfoNCE in a recipe.

    Attributes:
        classes: Weight of the same loss between the pictures and words for every class, beside the one of the batch's own texts.
    """

    kind: Literal["infonce"]
    classes: float = Field(default=0.0, ge=0)


class InfoNCE(Objective):
    """See :func:`infonce`; equal sentences and class words count as positives, open pairs are ignored."""

    part = InfoNCEPart

    @property
    def asks_names(self) -> bool:
        """Whether it needs ``Batch.names``."""
        return bool(self.how.classes)

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        loss = infonce(batch.image, batch.text, batch.towers.scale, *batch.matches())
        if self.how.classes and len(batch.names):
            loss = loss + self.how.classes * infonce(batch.image, batch.names, batch.towers.scale, *batch.class_matches())
        return loss


def infonce(image: Tensor, text: Tensor, scale: Tensor, positive: Tensor | None = None, ignored: Tensor | None = None) -> Tensor:
    r"""Symmetric InfoNCE with several positives a row.

    .. math::
        L &= \tfrac{1}{2} \big( \ell(S, P, G) + \ell(S^\top, P^\top, G^\top) \big), \quad S_{ij} = s\,z_i^\top t_j \\
        \ell(S, P, G) &= -\tfrac{1}{B} \sum_i \tfrac{1}{|P_i|} \sum_{j \in P_i} \Big( S_{ij} - \log \sum_{k \notin G_i} e^{S_{ik}} \Big)

    With the identity as positives this is CLIP's loss. Identical sentences are positives of one another: without it
    the loss pushes equal texts apart. Ignored pairs (nobody knows whether they match) are in neither sum.

    Args:
        image: (B, D) float, unit length.
        text: (T, D) float, unit length.
        scale: () float > 0, the inverse temperature.
        positive: (B, T) bool, image i and text j belong together; the diagonal if None. Rows and columns without one add nothing.
        ignored: (B, T) bool, pairs left out; none if None. A positive pair is never left out.

    Returns:
        () float, nats.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", figure 3;
        several positives: Khosla et al. 2020, "Supervised Contrastive Learning", eq. 2.
    """
    logits = scale * image @ text.T
    if positive is None:
        positive = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    if ignored is not None:
        logits = logits.masked_fill(ignored & ~positive, -torch.inf)
    return (_one_way(logits, positive) + _one_way(logits.T, positive.T)) / 2


def _one_way(logits: Tensor, positive: Tensor) -> Tensor:
    """Cross entropy of each row against its positives, which share the target evenly: (B, T), (B, T) → ()."""
    log_share = logits.log_softmax(dim=1).masked_fill(~positive, 0.0)
    count = positive.sum(dim=1)
    return -(log_share.sum(dim=1) / count.clamp(min=1)).sum() / (count > 0).sum().clamp(min=1)
