"""Soft multi-label contrast: pictures are as close as their labels are."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.part import Positive


class SoftConPart(ObjectivePart):
    """SoftCon in a recipe.

    Attributes:
        against: What pictures are compared with: ``views``, another random view of every picture of the batch, as published, which
            costs a second pass of the image tower; or ``texts``, which takes the labels of what the texts say.
        temperature: τ; small ones make σ steep.
    """

    kind: Literal["softcon"]
    against: Literal["views", "texts"] = "views"
    temperature: Positive = 0.1


class SoftCon(Objective):
    """See :func:`softcon`; the labels are the classes of the pictures and, against texts, those of which the words hold."""

    part = SoftConPart
    how: SoftConPart

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        labels = batch.labels()
        if self.how.against == "views":
            return softcon(batch.image, batch.images(batch.again()), 1 / self.how.temperature, likeness(labels, labels, same=True))
        said = torch.stack([torch.from_numpy(text.holds) for text in batch.draw.texts]).to(labels)
        said = torch.where(said.any(dim=1, keepdim=True), said, labels)  # a sentence says what its own picture shows
        positive, ignored = batch.matches()
        target = torch.where(torch.eye(len(labels), dtype=torch.bool, device=labels.device), 1.0, likeness(labels, said))
        return softcon(batch.image, batch.text, 1 / self.how.temperature, target, ignored & ~positive)


def likeness(first: Tensor, second: Tensor, *, same: bool = False) -> Tensor:
    """Cosine of label vectors: (A, C), (B, C) float ≥ 0 → (A, B) in 0–1; nothing is like what has no label, except itself if ``same``."""
    cosine = F.normalize(first, dim=1) @ F.normalize(second, dim=1).T
    if same:
        cosine = cosine.masked_fill(torch.eye(len(cosine), dtype=torch.bool, device=cosine.device), 1.0)
    return cosine.clamp(0, 1)


def softcon(image: Tensor, other: Tensor, scale: Tensor | float, target: Tensor, ignored: Tensor | None = None) -> Tensor:
    r"""Binary cross entropy of every pair against how alike the labels are.

    .. math::
        L = -\tfrac{1}{|A|} \sum_{(i,j) \in A} \big( w_{ij} \log \sigma(s\,z_i^\top u_j) + (1 - w_{ij}) \log \sigma(-s\,z_i^\top u_j) \big),
        \quad w_{ij} = \cos(y_i, y_j)

    with A all pairs that aren't ignored: equal sets of labels attract, disjoint ones repel, others settle in between.

    Args:
        image: (B, D) float, unit length.
        other: (B, D) float, unit length: other views, or texts.
        scale: Inverse temperature 1/τ.
        target: (B, B) float 0–1, w.
        ignored: (B, B) bool, pairs that are left out.

    Returns:
        () float, nats a pair; 0 if all pairs are ignored.

    Source: Wang, Albrecht and Zhu 2024, "Multi-Label Guided Soft Contrastive Learning for Efficient Earth Observation
        Pretraining" (SoftCon), the soft contrastive loss of section III.
    """
    losses = F.binary_cross_entropy_with_logits(scale * image @ other.T, target, reduction="none")
    if ignored is None:
        return losses.mean()
    return losses.masked_fill(ignored, 0.0).sum() / (~ignored).sum().clamp(min=1)
