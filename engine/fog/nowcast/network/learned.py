"""The network at work: what it says of a moment, where it must not be asked, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.nowcast.history import Field, History
from engine.fog.nowcast.motion import Motion, moved
from engine.fog.nowcast.network.sight import FRAMES, LEADS, NAMES, STEP, Sight, is_probability
from engine.fog.weights import Weights
from engine.settings import ASSETS

MODEL: Final = ASSETS / "models" / "fog-nowcast.onnx"
_QUANTILES: Final = (0.001, 0.999)
_MARGIN: Final = 0.1
"""Of the range, on both sides."""
_MOST_STRANGE: Final = 0.5
"""Share of the known cells out of range from which nothing is asked."""
_SLACK: Final = 1.25
"""Factor beyond the sizes of cells that it has learned from."""


@dataclass(frozen=True, slots=True, eq=False)
class Range:
    """What cells looked like in the windows that it has learned from.

    Attributes:
        low: (5,) of the newest frame, how it differs from the three before it, and the speed.
        high: (5,).
    """

    low: Field
    high: Field

    @classmethod
    def fit(cls, seen: Field) -> Self:
        """From (C, N) features; without any, nothing is in range."""
        if not seen.shape[1]:
            return cls(np.full(FRAMES + 1, np.inf, np.float32), np.full(FRAMES + 1, -np.inf, np.float32))
        looks = _looks(seen)
        low, high = np.nanquantile(looks, _QUANTILES, axis=1)
        wide = _MARGIN * (high - low)
        return cls((low - wide).astype(np.float32), (high + wide).astype(np.float32))

    def strange(self, seen: Field) -> NDArray[np.bool_]:
        """(n, m) where (C, n, m) features are out of range."""
        looks = _looks(seen)
        shape = (-1, *(1,) * (looks.ndim - 1))
        with np.errstate(invalid="ignore"):
            return np.asarray(((looks < self.low.reshape(shape)) | (looks > self.high.reshape(shape))).any(axis=0))

    def record(self) -> dict[str, list[float] | None]:
        """As JSON."""
        if not np.isfinite(self.low).all():
            return {"low": None, "high": None}
        return {name: [round(float(value), 4) for value in values] for name, values in (("low", self.low), ("high", self.high))}

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """The inverse of :meth:`record`."""
        if record["low"] is None:
            return cls.fit(np.zeros((len(NAMES), 0), np.float32))
        return cls(np.asarray(record["low"], np.float32), np.asarray(record["high"], np.float32))


def _looks(seen: Field) -> Field:
    """(5, …) what is compared; NaN where it is unknown."""
    known = seen[FRAMES : 2 * FRAMES] > 0
    frames = np.where(known, seen[:FRAMES], np.float32(np.nan))
    return np.concatenate([frames[:1], frames[:1] - frames[1:], seen[2 * FRAMES : 2 * FRAMES + 1]])


class Learned(Weights):
    """The nowcast's network; see :class:`engine.fog.weights.Weights`.

    Attributes:
        cells: Smallest and largest cell that it has learned from, degrees.
        ranges: Of masks and of bands.
    """

    cells: tuple[float, float]
    ranges: dict[bool, Range]

    def __init__(self, path: Path = MODEL) -> None:
        """Read and check the weights.

        Raises:
            WeightsMissing: If one of the two files is not there.
            WeightsCorrupt: If they don't belong together or can't be read.
        """
        super().__init__(path, NAMES)

    def _take(self, record: dict[str, Any]) -> None:
        low, high = record["cells"]
        self.cells = (float(low), float(high))
        self.ranges = {True: Range.from_record(record["range"]["mask"]), False: Range.from_record(record["range"]["band"])}
        if record["leads"] != list(LEADS):
            raise ValueError("it was made for other leads")

    def unfit(self, history: History) -> str:
        """Why it can't be asked about a series at all; empty where it can."""
        if history.cell is None:
            return "the size of the cells is not known"
        if not self.cells[0] / _SLACK <= history.cell <= self.cells[1] * _SLACK:
            return f"it has not learned from cells of {history.cell:.3g}°"
        half_hours = [history.find(history.now - step * STEP) for step in range(FRAMES)]
        if len({each for each in half_hours if each is not None}) < FRAMES:
            return f"it needs the last {FRAMES} half hours without a gap"
        return ""

    def changes(self, history: History, index: int, motion: Motion) -> tuple[Field, float] | None:
        """How the air of a frame will change on its way.

        Returns:
            (4, n, m) to be added to the frame at +30 to +120 minutes, the quantity's unit, 0 where it is out of range, and the share of
            the known cells that is; ``None`` where a frame is missing.
        """
        sight = Sight.of(history, index, motion)
        if sight is None:
            return None
        seen = sight.features()
        known = seen[FRAMES] > 0
        strange = self.ranges[is_probability(history.quantity)].strange(seen) & known
        share = float(strange.sum() / max(int(known.sum()), 1))
        changes = self.logits(seen) * np.float32(sight.scale.half)
        changes[:, strange | ~known] = 0
        return changes, share

    def carried(
        self, history: History, index: int, motion: Motion, leads: Sequence[int], *, fixed: NDArray[np.bool_] | None = None
    ) -> tuple[Field, str]:
        """What it says from a frame on.

        Args:
            history: The series.
            index: The frame.
            motion: At that frame.
            leads: K leads, minutes; beyond two hours nothing is changed any more: the caller must not ask.
            fixed: See :meth:`Motion.carry`.

        Returns:
            (K, n, m) like :meth:`Motion.carry`, or an empty array and why not.
        """
        found = self.changes(history, index, motion)
        nothing = np.empty((0, *history.frame(index).shape), np.float32)
        if found is None:
            return nothing, f"it needs the last {FRAMES} half hours without a gap"
        changes, share = found
        if share > _MOST_STRANGE:
            return nothing, f"{share:.0%} of the area is unlike anything that it has learned from"
        now, steps = history.frame(index), np.concatenate([np.zeros_like(changes[:1]), changes])
        shifts = motion.displacements([lead / 60 for lead in leads])
        out = []
        for lead, shift in zip(leads, shifts, strict=True):
            place = min(lead / LEADS[0], len(LEADS))
            before = min(int(place), len(LEADS) - 1)
            change = steps[before] + np.float32(place - before) * (steps[before + 1] - steps[before])
            said, reached = moved(now + change, shift[None], fixed=fixed)
            out.append(np.where(reached, said, now)[0])
        return np.stack(out), ""
