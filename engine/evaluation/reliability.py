"""Calibration: whether a probability of 0.8 is right eight times in ten."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid
from engine.labels.zero_shot import softmax


@dataclass(frozen=True, slots=True)
class Bin:
    """What fell between two confidences.

    Attributes:
        low: Lower edge, excluded (included in the first bin).
        high: Upper edge, included.
        count: How many.
        confidence: Their mean confidence; 0 where nothing fell.
        accuracy: Their share of right ones; 0 where nothing fell.
    """

    low: float
    high: float
    count: int
    confidence: float
    accuracy: float

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "low": round(self.low, 6),
            "high": round(self.high, 6),
            "count": self.count,
            "confidence": round(self.confidence, 6),
            "accuracy": round(self.accuracy, 6),
        }


@dataclass(frozen=True, slots=True)
class Reliability:
    """A reliability diagram.

    Attributes:
        bins: From 0 to 1.
    """

    bins: tuple[Bin, ...]

    @property
    def n(self) -> int:
        """How many answers."""
        return sum(part.count for part in self.bins)

    @property
    def ece(self) -> float:
        r"""Expected calibration error, 0–1: :math:`\sum_b \frac{n_b}{N} |acc_b - conf_b|`."""
        return sum(part.count * abs(part.accuracy - part.confidence) for part in self.bins) / self.n

    @property
    def mce(self) -> float:
        """Largest gap of a bin that holds something, 0–1."""
        return max(abs(part.accuracy - part.confidence) for part in self.bins if part.count)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"ece": round(self.ece, 6), "mce": round(self.mce, 6), "n": self.n, "bins": [part.record() for part in self.bins]}


def reliability(confidence: ArrayLike, right: ArrayLike, *, bins: int = 15) -> Reliability:
    """Compare confidences with outcomes in bins of equal width.

    Args:
        confidence: (N,) probabilities of what was said, 0–1.
        right: (N,) whether it was right.
        bins: How many.

    Raises:
        EvaluationInvalid: If they are not N probabilities and N outcomes, N ≥ 1.

    Source: Guo et al. 2017, "On Calibration of Modern Neural Networks", §2, eq. 3 (15 bins).
    """
    said: NDArray[np.float64] = np.asarray(confidence, dtype=np.float64)
    outcome: NDArray[np.float64] = np.asarray(right, dtype=np.float64)
    if said.ndim != 1 or said.shape != outcome.shape or not len(said):
        raise EvaluationInvalid(f"there are {said.size} confidences for {outcome.size} outcomes.")
    if not (np.isfinite(said).all() and said.min() >= 0 and said.max() <= 1 + 1e-9):
        raise EvaluationInvalid("confidences must be probabilities from 0 to 1.")
    edges = np.linspace(0.0, 1.0, bins + 1)
    place = np.clip(np.searchsorted(edges, said, side="left") - 1, 0, bins - 1)
    counts = np.bincount(place, minlength=bins)
    filled = np.maximum(counts, 1)
    mean = np.bincount(place, weights=said, minlength=bins) / filled
    share = np.bincount(place, weights=outcome, minlength=bins) / filled
    return Reliability(
        tuple(
            Bin(float(low), float(high), int(count), float(conf), float(acc))
            for low, high, count, conf, acc in zip(edges[:-1], edges[1:], counts, mean, share, strict=True)
        )
    )


def probabilities(cosines: ArrayLike, scale: float) -> NDArray[np.float64]:
    """Softmax over classes: (N, C) cosines and the inverse temperature → (N, C) probabilities, in float64."""
    return softmax(np.asarray(cosines, dtype=np.float64) * scale)


def best_scale(cosines: ArrayLike, truth: ArrayLike) -> float:
    """Inverse temperature under which the right classes are likeliest, searched on a grid of 121 steps from 1 to 1000.

    Args:
        cosines: (N, C) cosines of a part that is not measured on.
        truth: (N,) right classes.

    Source: Guo et al. 2017, §4.2 (temperature scaling).
    """
    rows: NDArray[np.float64] = np.asarray(cosines, dtype=np.float64)
    classes: NDArray[np.int64] = np.asarray(truth, dtype=np.int64)
    grid = np.logspace(0, 3, 121)
    losses = [-np.log(np.maximum(probabilities(rows, scale)[np.arange(len(rows)), classes], 1e-300)).mean() for scale in grid]
    return float(grid[int(np.argmin(losses))])


@dataclass(frozen=True, slots=True)
class Calibrated:
    """Reliability after temperature scaling.

    Attributes:
        scale: Inverse temperature, the geometric mean of the two halves'.
        reliability: Of the answers under the temperature of the half that they are not in.
    """

    scale: float
    reliability: Reliability

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {"scale": round(self.scale, 4), **self.reliability.record()}


def calibrated(cosines: ArrayLike, truth: ArrayLike, *, seed: int = 0) -> Calibrated | None:
    """How reliable the answers would be under the best temperature, each half measured with that of the other.

    Args:
        cosines: (N, C) cosines.
        truth: (N,) right classes.
        seed: Of the halves.

    Returns:
        ``None`` for fewer than two answers, which can't be halved.

    Source: Guo et al. 2017, §4.2 (temperature scaling).
    """
    rows: NDArray[np.float64] = np.asarray(cosines, dtype=np.float64)
    classes: NDArray[np.int64] = np.asarray(truth, dtype=np.int64)
    if len(rows) < 2:
        return None
    order = np.random.default_rng(seed).permutation(len(rows))
    halves = order[: len(rows) // 2], order[len(rows) // 2 :]
    scales = [best_scale(rows[half], classes[half]) for half in halves]
    shares = np.empty_like(rows)
    for half, scale in zip(halves, reversed(scales), strict=True):
        shares[half] = probabilities(rows[half], scale)
    found = reliability(shares.max(axis=1), rows.argmax(axis=1) == classes)
    return Calibrated(float(np.sqrt(scales[0] * scales[1])), found)
