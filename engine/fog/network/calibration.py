"""From a logit to a probability that means what it says, and where fog begins; found on the validation part of the training mix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

_BIAS: Final = (0.9, 1.1)
"""Frequency bias that the threshold must keep, if any does."""
_MOST: Final = 400_000
"""Pixels that a fit looks at."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Platt's scaling and a threshold.

    Attributes:
        slope: Of the logit.
        offset: Added to it.
        threshold: Probability from which a pixel counts as fog or very low stratus.
    """

    slope: float
    offset: float
    threshold: float

    def probability(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits of any shape → probabilities 0–1."""
        scaled = np.clip(np.float32(self.slope) * logits + np.float32(self.offset), -30, 30)
        return np.asarray(1 / (1 + np.exp(-scaled)), np.float32)

    @classmethod
    def fit(cls, logits: NDArray[np.float32], truth: NDArray[np.bool_]) -> Self:
        """Fit on pixels.

        Args:
            logits: (N,) what the network says.
            truth: (N,) whether there was fog.

        Returns:
            The scaling of least cross entropy, and the threshold of most CSI among those that flag about as much as there is.
        """
        skip = max(1, logits.size // _MOST)
        some, is_fog = logits[::skip].astype(np.float64), truth[::skip].astype(np.float64)
        slope, offset = 1.0, 0.0
        for _ in range(30):  # Newton's method; the loss is convex
            chance = 1 / (1 + np.exp(-np.clip(slope * some + offset, -30, 30)))
            wrong, weight = chance - is_fog, chance * (1 - chance)
            gradient = np.array([np.mean(wrong * some) + 1e-4 * (slope - 1), np.mean(wrong)])
            cross = np.mean(weight * some)
            hessian = np.array([[np.mean(weight * some * some) + 1e-4, cross], [cross, np.mean(weight) + 1e-6]])
            step = np.clip(np.linalg.solve(hessian, gradient), -2, 2)
            slope, offset = slope - step[0], offset - step[1]
        found = cls(float(slope), float(offset), 0.5)
        return cls(found.slope, found.offset, _threshold(found.probability(logits), truth))

    def figures(self, logits: NDArray[np.float32], truth: NDArray[np.bool_]) -> dict[str, float]:
        """CSI, POD, FAR, frequency bias and base rate of pixels."""
        said = self.probability(logits) >= self.threshold
        hits, told, true = int((said & truth).sum()), int(said.sum()), int(truth.sum())
        return {
            "csi": round(hits / max(told + true - hits, 1), 4),
            "pod": round(hits / max(true, 1), 4),
            "far": round(1 - hits / max(told, 1), 4),
            "bias": round(told / max(true, 1), 4),
            "base_rate": round(true / max(truth.size, 1), 4),
        }


def _threshold(chance: NDArray[np.float32], truth: NDArray[np.bool_]) -> float:
    """Threshold of most CSI within the bounds of bias, in steps of 0.01."""
    edges = np.linspace(0, 1, 101)
    told = np.histogram(chance, edges)[0][::-1].cumsum()[::-1]
    hits = np.histogram(chance[truth], edges)[0][::-1].cumsum()[::-1]
    true = max(int(truth.sum()), 1)
    csi, bias = hits / np.maximum(told + true - hits, 1), told / true
    fair = (bias >= _BIAS[0]) & (bias <= _BIAS[1])
    return float(edges[int(np.argmax(np.where(fair, csi, csi - 1)))])
