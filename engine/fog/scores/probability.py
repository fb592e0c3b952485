"""Whether a probability of fog of 0.7 is fog seven times in ten: Brier score, reliability, precision and recall."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ScoresInvalid
from engine.fog.scores.contingency import rounded

Sums = NDArray[np.float64]
STEPS: Final = 254
"""Fine steps of the histogram: the resolution at which a cube stores a probability."""


@dataclass(frozen=True, slots=True, eq=False)
class Reliability:
    """Probabilities against outcomes, kept as sums over fine steps of probability, so that series of any length fit and add up.

    Attributes:
        count: (255,) pixels by step of 1/254.
        said: (255,) sum of their probabilities.
        squared: (255,) sum of their squares.
        came: (255,) how many were fog.
        together: (255,) sum of the probabilities of those that were fog.
    """

    count: Sums
    said: Sums
    squared: Sums
    came: Sums
    together: Sums

    @classmethod
    def of(cls, probability: ArrayLike, truth: ArrayLike, where: ArrayLike | None = None) -> Self:
        """Compare where there is a probability.

        Args:
            probability: 0–1, any shape; NaN where nothing is said.
            truth: bool, same shape.
            where: What counts, bool.

        Raises:
            ScoresInvalid: If the shapes differ or a value is no probability.
        """
        p, came = np.asarray(probability, dtype=np.float64), np.asarray(truth, dtype=bool)
        known = np.isfinite(p) if where is None else np.isfinite(p) & np.asarray(where, dtype=bool)
        if p.shape != came.shape or known.shape != p.shape:
            raise ScoresInvalid(f"the probabilities have the shape {p.shape}, the truth {came.shape}.")
        p, came = p[known], came[known]
        if p.size and (p.min() < 0 or p.max() > 1):
            raise ScoresInvalid(f"probabilities run from {p.min():g} to {p.max():g}; they must lie between 0 and 1.")
        step = np.rint(p * STEPS).astype(np.intp)
        weights = (np.ones_like(p), p, p * p, came.astype(np.float64), p * came)
        return cls(*(np.bincount(step, weights=weight, minlength=STEPS + 1).astype(np.float64) for weight in weights))

    def __add__(self, other: Reliability) -> Reliability:
        return Reliability(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    @property
    def n(self) -> int:
        """How many pixels."""
        return int(self.count.sum())

    @property
    def base_rate(self) -> float | None:
        """Share of fog."""
        return float(self.came.sum() / self.n) if self.n else None

    @property
    def brier(self) -> float | None:
        r"""Brier score :math:`\overline{(p - o)^2}`, 0–1, 0 is perfect; with true probabilities, not steps."""
        if not self.n:
            return None
        # o is 0 or 1, so Σ(p − o)² = Σp² − 2 Σpo + Σo
        return float((self.squared.sum() - 2 * self.together.sum() + self.came.sum()) / self.n)

    @property
    def skill(self) -> float | None:
        """Brier skill score against always saying the base rate; 1 is perfect, 0 no better."""
        base = self.base_rate
        if base is None or self.brier is None or base in (0.0, 1.0):
            return None
        return 1 - self.brier / (base * (1 - base))

    def diagram(self, bins: int = 10) -> list[dict[str, Any]]:
        """The reliability diagram: bins of equal width with their mean probability, share of fog and size; empty bins are left out."""
        edges = np.minimum((np.arange(STEPS + 1) * bins) // STEPS, bins - 1)
        rows = []
        for part in range(bins):
            inside = edges == part
            count = float(self.count[inside].sum())
            if count:
                rows.append(
                    {
                        "low": round(part / bins, 6),
                        "high": round((part + 1) / bins, 6),
                        "n": int(count),
                        "said": rounded(float(self.said[inside].sum() / count)),
                        "came": rounded(float(self.came[inside].sum() / count)),
                    }
                )
        return rows

    def error(self, bins: int = 10) -> float | None:
        """Expected calibration error: mean distance between what was said and what came, weighted by the bins' sizes, 0–1."""
        rows = self.diagram(bins)
        return sum(row["n"] * abs(row["said"] - row["came"]) for row in rows) / self.n if rows else None

    @property
    def average_precision(self) -> float | None:
        """Area under precision against recall as Σ (R_k − R_{k−1}) P_k over falling thresholds, 0–1; its floor is the base rate."""
        fog = float(self.came.sum())
        if not fog:
            return None
        hits, said = np.cumsum(self.came[::-1]), np.cumsum(self.count[::-1])
        precision = np.divide(hits, said, out=np.zeros_like(hits), where=said > 0)
        return float((np.diff(hits, prepend=0.0) / fog * precision).sum())

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "brier": rounded(self.brier),
            "brier_skill": rounded(self.skill),
            "calibration_error": rounded(self.error()),
            "average_precision": rounded(self.average_precision),
            "n": self.n,
            "bins": self.diagram(),
        }
