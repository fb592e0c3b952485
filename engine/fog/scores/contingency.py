"""The 2 × 2 table of said and true, and what is read from it. A ratio with nothing below its line is ``None``, never 0 or 1."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any, Final, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import ScoresInvalid


@dataclass(frozen=True, slots=True)
class Contingency:
    """Counts of pixels; tables of single frames add up to the table of a series.

    H, M, F, C and N are hits, misses, false alarms, correct nulls and their sum.

    Attributes:
        hits: Said and true.
        misses: True, not said.
        false_alarms: Said, not true.
        correct_nulls: Neither.

    Source: Wilks 2019, "Statistical Methods in the Atmospheric Sciences", ch. 9.2.
    """

    hits: int = 0
    misses: int = 0
    false_alarms: int = 0
    correct_nulls: int = 0

    @classmethod
    def of(cls, said: ArrayLike, truth: ArrayLike, where: ArrayLike | None = None) -> Self:
        """Count two masks of any shape.

        Args:
            said: Where the event was said, bool.
            truth: Where it was, bool, same shape.
            where: What counts, bool, same shape; everything by default.

        Raises:
            ScoresInvalid: If the shapes differ.
        """
        a: NDArray[np.bool_] = np.asarray(said, dtype=bool)
        b: NDArray[np.bool_] = np.asarray(truth, dtype=bool)
        counted = np.ones_like(b) if where is None else np.asarray(where, dtype=bool)
        if not a.shape == b.shape == counted.shape:
            raise ScoresInvalid(f"the mask has the shape {a.shape}, the truth {b.shape}.")
        # one pass: 0 neither, 1 truth alone, 2 said alone, 3 both
        counts = np.bincount((2 * a.astype(np.uint8) + b)[counted].ravel(), minlength=4)
        return cls(int(counts[3]), int(counts[1]), int(counts[2]), int(counts[0]))

    def __add__(self, other: Contingency) -> Contingency:
        return Contingency(*(getattr(self, part.name) + getattr(other, part.name) for part in fields(self)))

    @property
    def n(self) -> int:
        """N: how many pixels."""
        return self.hits + self.misses + self.false_alarms + self.correct_nulls

    @property
    def base_rate(self) -> float | None:
        """(H + M) / N: how often it is true; CSI falls with it whatever the detector."""
        return _ratio(self.hits + self.misses, self.n)

    @property
    def pod(self) -> float | None:
        """Probability of detection H / (H + M), 0–1."""
        return _ratio(self.hits, self.hits + self.misses)

    @property
    def far(self) -> float | None:
        """False-alarm ratio F / (H + F), 0–1; not the false-alarm rate, which is :attr:`pofd`."""
        return _ratio(self.false_alarms, self.hits + self.false_alarms)

    @property
    def pofd(self) -> float | None:
        """Probability of false detection F / (F + C), 0–1."""
        return _ratio(self.false_alarms, self.false_alarms + self.correct_nulls)

    @property
    def csi(self) -> float | None:
        """Critical success index H / (H + M + F), 0–1: the IoU of the event."""
        return _ratio(self.hits, self.hits + self.misses + self.false_alarms)

    @property
    def bias(self) -> float | None:
        """Frequency bias (H + F) / (H + M); above 1 says it too often."""
        return _ratio(self.hits + self.false_alarms, self.hits + self.misses)

    @property
    def f1(self) -> float | None:
        """2H / (2H + M + F) = 2 CSI / (1 + CSI), 0–1."""
        return _ratio(2 * self.hits, 2 * self.hits + self.misses + self.false_alarms)

    @property
    def hss(self) -> float | None:
        """Heidke skill score (H + C − E) / (N − E), −1 to 1, E what chance gets right."""
        n, chance = self.n, self._right_by_chance
        return None if chance is None else _ratio(self.hits + self.correct_nulls - chance, n - chance)

    @property
    def kss(self) -> float | None:
        """Hanssen–Kuipers (Peirce) skill score POD − POFD, −1 to 1."""
        return None if self.pod is None or self.pofd is None else self.pod - self.pofd

    @property
    def ets(self) -> float | None:
        """Equitable threat score (H − R) / (H + M + F − R), −1/3 to 1, R the hits of chance."""
        if not self.n:
            return None
        chance = (self.hits + self.misses) * (self.hits + self.false_alarms) / self.n
        return _ratio(self.hits - chance, self.hits + self.misses + self.false_alarms - chance)

    @property
    def mcc(self) -> float | None:
        """Matthews correlation coefficient, −1 to 1."""
        h, m, f, c = self.hits, self.misses, self.false_alarms, self.correct_nulls
        return _ratio(h * c - f * m, float(h + f) ** 0.5 * float(h + m) ** 0.5 * float(c + f) ** 0.5 * float(c + m) ** 0.5)

    @property
    def accuracy(self) -> float | None:
        """(H + C) / N, 0–1; flatters wherever the event is rare."""
        return _ratio(self.hits + self.correct_nulls, self.n)

    @property
    def iou_null(self) -> float | None:
        """IoU of the rest, C / (C + M + F), 0–1."""
        return _ratio(self.correct_nulls, self.correct_nulls + self.misses + self.false_alarms)

    @property
    def iou_mean(self) -> float | None:
        """Mean of the IoU of the event and of the rest, 0–1; flatters: the rest is about 0.98 where the event is rare."""
        return None if self.csi is None or self.iou_null is None else (self.csi + self.iou_null) / 2

    @property
    def _right_by_chance(self) -> float | None:
        if not self.n:
            return None
        h, m, f, c = self.hits, self.misses, self.false_alarms, self.correct_nulls
        return ((h + m) * (h + f) + (c + m) * (c + f)) / self.n

    def record(self) -> dict[str, Any]:
        """As JSON: the ratios rounded, ``None`` where undefined, and the counts."""
        ratios = {name: rounded(getattr(self, name)) for name in RATIOS}
        return {**ratios, "n": self.n, **{part.name: getattr(self, part.name) for part in fields(self)}}


RATIOS: Final = ("csi", "pod", "far", "hss", "bias", "f1", "iou_mean", "ets", "kss", "pofd", "mcc", "accuracy", "base_rate")
"""What :meth:`Contingency.record` gives beside the counts."""


def _ratio(above: float, below: float) -> float | None:
    return None if below == 0 else float(above / below)


def rounded(value: float | None, digits: int = 6) -> float | None:
    """A figure as JSON may hold it: ``None`` stays, infinities and NaN become ``None``."""
    return None if value is None or not np.isfinite(value) else round(float(value), digits)
