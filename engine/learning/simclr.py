"""Learning from pictures alone: two views of one picture find each other."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn


def nt_xent(first: Tensor, second: Tensor, scale: Tensor | float) -> Tensor:
    r"""Normalised temperature-scaled cross entropy over two views.

    .. math:: L = \frac{1}{2B} \sum_{i=1}^{2B} \Big( -s\,z_i^\top z_{p(i)} + \log \sum_{k \ne i} e^{s\,z_i^\top z_k} \Big)

    where p(i) is the other view of the same picture and the sum runs over all other 2B − 1 views.

    Args:
        first: (B, D) float, unit length.
        second: (B, D) float, unit length; row i is another view of the picture of row i.
        scale: Inverse temperature, > 0.

    Returns:
        () float, nats; 0 for a batch of one, which has nothing to tell apart.

    Source: Chen et al. 2020, "A Simple Framework for Contrastive Learning of Visual Representations", eq. 1.
    """
    views = torch.cat([first, second])
    itself = torch.eye(len(views), dtype=torch.bool, device=views.device)
    logits = (scale * views @ views.T).masked_fill(itself, -torch.inf)
    other = torch.arange(len(views), device=views.device).roll(len(first))
    return F.cross_entropy(logits, other)


class Projector(nn.Module):
    """The small network behind an encoder whose output a loss compares, and which is thrown away after the training.

    Args:
        before: Length of the encoder's vectors.
        after: Length of the projected ones.
        hidden: Width between.

    Source: Chen et al. 2020, §2.1: a hidden layer with ReLU, then a linear one.
    """

    def __init__(self, before: int, after: int = 128, hidden: int = 512) -> None:
        super().__init__()
        self.layers = nn.Sequential(nn.Linear(before, hidden), nn.ReLU(), nn.Linear(hidden, after))

    def forward(self, rows: Tensor) -> Tensor:
        """(B, before) → (B, after) unit rows."""
        return F.normalize(self.layers(rows), dim=-1)
