"""How sure a figure is: over seeds, or by drawing the sample again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid


@dataclass(frozen=True, slots=True)
class Spread:
    """A figure over several runs.

    Attributes:
        values: One a run.
    """

    values: tuple[float, ...]

    @property
    def mean(self) -> float:
        """Mean of the runs."""
        return float(np.mean(self.values))

    @property
    def std(self) -> float:
        """Sample standard deviation (divisor n − 1); 0 for a single run, which says nothing about spread."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else 0.0


@dataclass(frozen=True, slots=True)
class Interval:
    """The middle 95 % of what the figure would have been on another sample of the same size."""

    low: float
    high: float

    def record(self) -> list[float]:
        """As JSON: [low, high]."""
        return [round(self.low, 6), round(self.high, 6)]


def bootstrap(values: ArrayLike, *, draws: int = 2000, seed: int = 0, level: float = 0.95) -> Interval:
    """Percentile interval of a mean, by drawing N values with replacement, ``draws`` times.

    Args:
        values: (N,) numbers, for instance right or wrong of each picture.
        draws: How often.
        seed: Of the draws.
        level: Share of the draws inside the interval.

    Raises:
        EvaluationInvalid: If there is no value.

    Source: Efron and Tibshirani 1993, "An Introduction to the Bootstrap", ch. 13.
    """
    sample: NDArray[Any] = np.asarray(values, dtype=np.float64)
    if not len(sample):
        raise EvaluationInvalid("there is nothing to draw from.")
    random = np.random.default_rng(seed)
    different, counts = np.unique(sample, return_counts=True)
    # Drawing N of N values only matters through how often each different value comes: exact, and small for right or wrong.
    drawn = random.multinomial(len(sample), counts / len(sample), size=draws)
    means = drawn @ different / len(sample)
    low, high = np.quantile(means, [(1 - level) / 2, (1 + level) / 2])
    return Interval(float(low), float(high))


def over(values: Sequence[float]) -> Spread:
    """The spread of some runs."""
    return Spread(tuple(float(value) for value in values))
