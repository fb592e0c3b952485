"""Every pair judged by itself."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from engine.learning.objectives.base import Batch, Objective, ObjectivePart


class SigmoidPart(ObjectivePart):
    """The sigmoid loss in a recipe.

    Attributes:
        bias_start: Logit of a pair that is unlike, at the start: most pairs don't match.
    """

    kind: Literal["sigmoid"]
    bias_start: float = -10.0


class Sigmoid(Objective):
    """See :func:`sigmoid`; the bias learns."""

    part = SigmoidPart

    def __init__(self, how: SigmoidPart, dim: int) -> None:
        super().__init__(how, dim)
        self.bias = nn.Parameter(torch.tensor(how.bias_start))

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        return sigmoid(batch.image, batch.text, batch.towers.scale, self.bias, *batch.matches())


def sigmoid(
    image: Tensor, text: Tensor, scale: Tensor, bias: Tensor, positive: Tensor | None = None, ignored: Tensor | None = None
) -> Tensor:
    r"""Binary cross entropy of every pair.

    .. math:: L = -\tfrac{1}{B} \sum_{(i,j) \notin G} \log \sigma\big(y_{ij}\,(s\,z_i^\top t_j + b)\big), \quad y_{ij} = \pm 1

    No pair competes with another, so several positives need no share and a batch of one works.

    Args:
        image: (B, D) float, unit length.
        text: (T, D) float, unit length.
        scale: () float > 0, the inverse temperature.
        bias: () float, the logit of orthogonal pairs.
        positive: (B, T) bool, y = 1; the diagonal if None.
        ignored: (B, T) bool, pairs that are left out; none if None. A positive pair is never left out.

    Returns:
        () float, nats an image.

    Source: Zhai et al. 2023, "Sigmoid Loss for Language Image Pre-Training", eq. 1; start of the bias: section 3.2.
    """
    logits = scale * image @ text.T + bias
    if positive is None:
        positive = torch.eye(len(logits), dtype=torch.bool, device=logits.device)
    losses = -F.logsigmoid(torch.where(positive, logits, -logits))
    if ignored is not None:
        losses = losses.masked_fill(ignored & ~positive, 0.0)
    return losses.sum() / len(image)
