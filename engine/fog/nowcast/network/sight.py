"""What the network sees: the last four half hours, each carried along the flow to where its air is now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.nowcast.history import FOG, Field, History, Quantity
from engine.fog.nowcast.motion import Motion, moved

FRAMES: Final = 4
"""In, and out."""
STEP: Final = timedelta(minutes=30)
LEADS: Final = (30, 60, 90, 120)
"""Minutes of what comes out."""
NAMES: Final = (
    "now", "before_30", "before_60", "before_90", "has_now", "has_30", "has_60", "has_90", "speed", "is_probability",
    "around_5", "around_17", "around_49", "trend_30", "trend_60", "trend_90",
)  # fmt: skip
"""Of the channels, in order: the frames, where they are known, what both are, and what else a few steps would not teach."""
_AROUND: Final = (5, 17, 49)
"""Sides of the squares, cells, whose mean the newest frame is compared with: what is small does not last."""
_TREND: Final = 9
"""Side of the squares over which growth is averaged."""
_FAST: Final = 8.0
"""Cells in half an hour that count as 1."""
_MOST: Final = 3.0
"""Values beyond are cut."""
_LEAST_SPREAD: Final = 0.01
"""Of the quantity's span: an even frame's noise is not blown up."""


@dataclass(frozen=True, slots=True)
class Scale:
    """How a quantity's values become numbers about −1 to 1, high where there is cloud or fog.

    Attributes:
        middle: What becomes 0, the quantity's unit.
        half: What becomes 1 above it; negative where cloud is lower, as in kelvin.
    """

    middle: float
    half: float

    @classmethod
    def of(cls, quantity: Quantity, now: Field) -> Self:
        """A probability as it is; a band by the mean and twice the standard deviation of the newest frame."""
        if is_probability(quantity):
            return cls(0.5, 0.5)
        known = now[np.isfinite(now)].astype(np.float64)
        if not known.size:
            return cls(0.0, 1.0)
        half = 2 * max(float(known.std()), _LEAST_SPREAD * quantity.span)
        return cls(float(known.mean()), half if quantity.event.above else -half)

    def scaled(self, values: Field) -> Field:
        """Values of any shape as such numbers."""
        return np.asarray((values - np.float32(self.middle)) / np.float32(self.half), dtype=np.float32)


def is_probability(quantity: Quantity) -> bool:
    """Whether it is the mask's probability and no band."""
    return quantity.name == FOG.name


@dataclass(frozen=True, slots=True, eq=False)
class Sight:
    """The last frames from one moment.

    Attributes:
        frames: (4, n, m) float32, the newest first, scaled; NaN where nothing is known, or came over the border since.
        speed: (n, m) float32 cells that the air moves in half an hour.
        probability: Whether it is a mask's.
        scale: Of the frames.
    """

    frames: Field
    speed: Field
    probability: bool
    scale: Scale

    @classmethod
    def of(cls, history: History, index: int, motion: Motion) -> Self | None:
        """From a frame of a history and its motion.

        Returns:
            ``None`` where one of the four half hours is missing or empty.
        """
        back = [history.find(history.times[index] - step * STEP) for step in range(1, FRAMES)]
        found = [each for each in back if each is not None and np.isfinite(history.frame(each)).any()]
        if len(set(found)) < FRAMES - 1:
            return None
        now = history.frame(index)
        shifts = motion.displacements([step / 2 for step in range(1, FRAMES)])
        older = []
        for each, shift in zip(found, shifts, strict=True):
            carried, reached = moved(history.frame(each), shift[None])
            older.append(np.where(reached, carried, np.float32(np.nan))[0])
        scale = Scale.of(history.quantity, now)
        speed = np.hypot(*shifts[0]).astype(np.float32)
        return cls(scale.scaled(np.stack([now, *older])), speed, is_probability(history.quantity), scale)

    def features(self) -> Field:
        """(len(NAMES), n, m) float32, never NaN."""
        return features(self.frames, self.speed, self.probability)


def features(frames: Field, speed: Field, probability: bool) -> Field:
    """See :class:`Sight`."""
    known = np.isfinite(frames)
    fast = np.clip(speed[None] / np.float32(_FAST), 0, _MOST)
    kind = np.full_like(fast, float(probability))
    seen = np.where(known, np.clip(frames, -_MOST, _MOST), np.float32(0))
    around = [np.where(known[0], smoothed(seen[0], known[0], side) - seen[0], 0) for side in _AROUND]
    both = known[:1] & known[1:]
    trend = [smoothed(np.where(where, seen[0] - older, 0), where, _TREND) for where, older in zip(both, seen[1:], strict=True)]
    return np.concatenate([seen, known, fast, kind, np.stack(around), np.stack(trend)]).astype(np.float32)


def smoothed(field: Field, known: NDArray[np.bool_], side: int) -> Field:
    """(n, m) mean over a square of cells of what is known, 0 where nothing is; the field is 0 where it is not known."""
    import cv2

    def mean(values: Field) -> Field:
        return np.asarray(cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT), np.float32)

    share = mean(known.astype(np.float32))
    return np.where(share > 1e-4, mean(field.astype(np.float32)) / np.maximum(share, 1e-4), np.float32(0))


def turned(fields: NDArray[np.floating], way: int) -> NDArray[np.floating]:
    """(…, 2, n, m) vectors to the right and down, in one of the eight ways of :func:`engine.fog.network.variation.laid`."""
    from engine.fog.network.variation import laid

    right, down = fields[..., 0, :, :], fields[..., 1, :, :]
    for _ in range(way % 4):
        right, down = down, -right
    return laid(np.stack([-right if way >= 4 else right, down], axis=-3), way)
