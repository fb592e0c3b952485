"""Fractions skill score: how far a forecast may be displaced and still be useful."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ScoresInvalid


@dataclass(frozen=True, slots=True)
class Fractions:
    r"""Sums from which the score of one window follows; those of frames add up.

    .. math:: FSS_n = 1 - \frac{\sum (f_n - o_n)^2}{\sum f_n^2 + \sum o_n^2}

    with the fractions of events forecast and observed in a window of n × n pixels; outside the field, and where something is not
    known, there is no event in either.

    Attributes:
        window: n, pixels.
        distance: Sum of (f − o)².
        worst: Sum of f² + o², what a forecast without any overlap would get.

    Source: Roberts and Lean 2008, "Scale-Selective Verification of Rainfall Accumulations", eqs. 5–7.
    """

    window: int
    distance: float
    worst: float

    @classmethod
    def of(cls, said: ArrayLike, truth: ArrayLike, window: int, where: ArrayLike | None = None) -> Self:
        """Compare two (n, m) masks.

        Args:
            said: Where the event was forecast, bool.
            truth: Where it was, bool.
            window: Side of the window, odd, pixels.
            where: What is known, bool; everything by default.

        Raises:
            ScoresInvalid: If the shapes differ or the window is no odd number from 1.
        """
        from scipy.ndimage import uniform_filter

        a: NDArray[np.bool_] = np.asarray(said, dtype=bool)
        b: NDArray[np.bool_] = np.asarray(truth, dtype=bool)
        known = np.ones_like(b) if where is None else np.asarray(where, dtype=bool)
        if not a.shape == b.shape == known.shape or a.ndim != 2:
            raise ScoresInvalid(f"the forecast has the shape {a.shape}, what came {b.shape}.")
        if window < 1 or window % 2 == 0:
            raise ScoresInvalid(f"the window of the fractions must be an odd number of pixels, not {window}.")
        f, o = (uniform_filter((field & known).astype(np.float64), window, mode="constant") for field in (a, b))
        # an event at a place that is not known was dropped from both; the fractions there still see their surroundings
        return cls(window, float(((f - o) ** 2)[known].sum()), float((f**2 + o**2)[known].sum()))

    def __add__(self, other: Fractions) -> Fractions:
        if other.window != self.window:
            raise ScoresInvalid(f"fractions of windows of {self.window} and {other.window} pixels can't be added.")
        return Fractions(self.window, self.distance + other.distance, self.worst + other.worst)

    @property
    def fss(self) -> float | None:
        """0–1; ``None`` where the event neither came nor was forecast."""
        return None if self.worst < 1e-12 else 1 - self.distance / self.worst


def useful_scale(scores: Sequence[Fractions], base_rate: float) -> int | None:
    """Smallest window, pixels, from which a forecast is useful: FSS ≥ 0.5 + f₀ / 2, f₀ the share of pixels with the event.

    Source: Roberts and Lean 2008, eq. 8 (target skill).
    """
    good = [part.window for part in scores if part.fss is not None and part.fss >= 0.5 + base_rate / 2]
    return min(good, default=None)
