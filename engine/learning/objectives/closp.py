"""CLOSP: sensors that never see the same scene meet in the words for what they see."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learning.draws import Draw
from engine.learning.objectives.base import Batch, Objective, ObjectivePart
from engine.learning.objectives.infonce import infonce
from engine.learning.part import Positive


class CLOSPPart(ObjectivePart):
    """Pictures of any sensor against the words for their labels.

    Attributes:
        kind: See the registry.
        targets: ``diagonal`` as published: every other text is wrong, even an equal one. ``shared``: each text that shares a label
            with the picture is right. ``jaccard``: as right as the labels agree.
        scale: Inverse temperature; published is 1. The towers' learnt one if left out.
    """

    kind: Literal["closp"]
    targets: Literal["jaccard", "shared", "diagonal"] = "jaccard"
    scale: Positive | None = None


class CLOSP(Objective):
    r"""Contrast of one sensor's pictures with texts; sensors are tied through the text tower alone.

    .. math::
        L = \tfrac{1}{2} \big( H(Q, S) + H(Q^\top, S^\top) \big), \quad
        H(Q, S) = -\tfrac{1}{B} \sum_i \sum_j \frac{Q_{ij}}{\sum_k Q_{ik}} \log \frac{e^{S_{ij}}}{\sum_k e^{S_{ik}}}, \quad
        S_{ij} = s\,z_i^\top t_j

    with :math:`Q` the identity (as published), or :math:`Q_{ij} = |L_i \cap T_j| / |L_i \cup T_j|` of the picture's labels and the
    text's. A step has a batch of each sensor, and its loss is their mean by size.

    Source: CLOSP (repository DarthReca/closp); with few labels most of the diagonal's negatives are false, hence the soft targets.
    """

    part = CLOSPPart
    how: CLOSPPart

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        scale = batch.towers.scale if self.how.scale is None else batch.image.new_tensor(self.how.scale)
        if self.how.targets == "diagonal":
            return infonce(batch.image, batch.text, scale)
        target = torch.from_numpy(agreement(batch.draw)).to(batch.image)
        if self.how.targets == "shared":
            target = (target > 0).to(target.dtype)
        _, ignored = batch.matches()
        return soft_contrast(batch.image, batch.text, scale, target, ignored)


def agreement(draw: Draw) -> NDArray[np.float64]:
    """Jaccard index of each picture's labels and each text's: (B, B), picture × text.

    A text's labels are the classes that its words hold for; a sentence, which holds for no class as a whole, has those of the
    picture that it was drawn for. A picture agrees with its own text even where neither has a label.
    """
    own = np.array([not text.holds.any() for text in draw.texts])
    told = np.where(own[:, None], draw.labels, np.stack([text.holds for text in draw.texts]))
    shared = draw.labels.astype(np.float64) @ told.T.astype(np.float64)
    either = draw.labels.sum(axis=1)[:, None] + told.sum(axis=1)[None, :] - shared
    index: NDArray[np.float64] = np.divide(shared, either, out=np.zeros_like(shared), where=either > 0)
    np.fill_diagonal(index, np.where(index.diagonal() > 0, index.diagonal(), 1.0))
    return index


def soft_contrast(image: Tensor, text: Tensor, scale: Tensor, target: Tensor, ignored: Tensor | None = None) -> Tensor:
    """The formula of :class:`CLOSP`.

    Args:
        image: (B, D) float, unit length.
        text: (T, D) float, unit length.
        scale: () float > 0, the inverse temperature.
        target: (B, T) float ≥ 0, how far image and text belong together. Rows and columns of zeros add nothing.
        ignored: (B, T) bool, pairs left out of the denominators; one with a target never is.

    Returns:
        () float, nats.
    """
    logits = scale * image @ text.T
    if ignored is not None:
        logits = logits.masked_fill(ignored & (target == 0), -torch.inf)
    return (_one_way(logits, target) + _one_way(logits.T, target.T)) / 2


def _one_way(logits: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of each row against its targets, scaled to sum to 1: (B, T), (B, T) → ()."""
    mass = target.sum(dim=1)
    share = target / mass.clamp(min=torch.finfo(target.dtype).tiny)[:, None]
    log_share = logits.log_softmax(dim=1).masked_fill(target == 0, 0.0)
    return -(share * log_share).sum() / (mass > 0).sum().clamp(min=1)
