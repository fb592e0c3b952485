"""Fog in time: what was seen in the frames before is carried along with the motion and speaks too; later frames are never asked.

Both detectors wrap another one and look at nothing but its masks:

- :class:`DynamicDetector` mixes the odds of a frame with those of the frames before, and holds on to fog that was there (hysteresis).
- :class:`MultiFrameDetector` adds up the odds of three frames with fixed weights, without hysteresis.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.detection.detector import Detector, detector
from engine.fog.detection.judging import probability_of
from engine.fog.mask import Check, FogMask, State
from engine.fog.nowcast.history import FOG, GAP, History
from engine.fog.nowcast.motion import Motion

Field = NDArray[np.float32]

BACK: Final = 3
"""Frames before that are heard."""
MEMORY: Final = 0.35
"""How much the frames before count against the newest."""
STAYS_FROM: Final = 0.35
"""Probability down to which a cell that was fog stays fog."""
FRAME_WEIGHTS: Final = (0.65, 0.22, 0.13)
"""Of the newest frame and those before it, where no hysteresis is used."""
_SURE: Final = 1e-3
"""Probabilities are taken as no nearer to 0 or 1 than this."""
_KEPT: Final = 6
"""Frames that are kept: the newest, those before it, and one to come."""
_EVEN: Final = np.float32(0.0)
_STAYS: Final = np.float32(np.log(STAYS_FROM / (1 - STAYS_FROM)))


class _Past:
    """Masks of the frames that were looked at last, and the motion between them; those of the cube asked last are kept."""

    def __init__(self, base: Detector) -> None:
        self._base = base
        self._cube: Cube | None = None
        self._masks: OrderedDict[int, FogMask | None] = OrderedDict()
        self._motions: OrderedDict[int, Motion | None] = OrderedDict()
        self.lock = threading.Lock()

    def now(self, cube: Cube, frame: int) -> FogMask:
        """The newest mask.

        Raises:
            CubeInvalid: If the frame can't be judged.
        """
        found = self.mask(cube, frame)
        return self._base.detect(cube, frame) if found is None else found  # which raises what was swallowed before

    def mask(self, cube: Cube, frame: int) -> FogMask | None:
        """A mask; ``None`` where the frame is empty or broken, which in the past is as good as none."""
        if cube is not self._cube:
            self._cube = cube
            self._masks.clear()
            self._motions.clear()
        if frame not in self._masks:
            try:
                self._masks[frame] = self._base.detect(cube, frame)
            except CubeInvalid:
                self._masks[frame] = None
            while len(self._masks) > _KEPT:
                self._masks.popitem(last=False)
        return self._masks[frame]

    def odds(self, cube: Cube, frame: int) -> Field | None:
        """(n, m) log odds; NaN under higher cloud and where there is no data."""
        found = self.mask(cube, frame)
        if found is None:
            return None
        sure = np.clip(found.probability, _SURE, 1 - _SURE)
        return np.asarray(np.log(sure / (1 - sure)), dtype=np.float32)

    def carried(self, cube: Cube, frame: int, field: Field) -> Field:
        """A field of the frame before as it lies at a frame."""
        if frame not in self._motions:
            self._motions[frame] = self._motion(cube, frame)
            while len(self._motions) > _KEPT:
                self._motions.popitem(last=False)
        motion = self._motions[frame]
        if motion is None:
            return field
        hours = (cube.times[frame] - cube.times[frame - 1]).total_seconds() / 3600
        return np.asarray(motion.carry(field, [hours], fixed=cube.land)[0][0], dtype=np.float32)

    def _motion(self, cube: Cube, frame: int) -> Motion | None:
        """How fog moves, tracked on its own probability, for that of clouds is the cirrus's."""
        first = max(0, frame - 2)

        def read(index: int) -> Field:
            odds = self.odds(cube, first + index)
            return np.full(cube.shape, np.float32(np.nan)) if odds is None else probability_of(odds)

        history = History(FOG, cube.times[first : frame + 1], read, source=cube.name, synthetic=cube.synthetic)
        return Motion.track(history, frame - first)


class _InTime:
    """What detectors with a past have in common: the detector that they wrap, and its name with an addition."""

    _suffix: ClassVar[str]
    _says: ClassVar[str]

    def __init__(self, base: Detector | None = None) -> None:
        self._base = base or detector()
        self._past = _Past(self._base)

    @property
    def name(self) -> str:
        """Name."""
        return f"{self._base.name}-{self._suffix}"

    @property
    def title(self) -> str:
        """As a person reads it."""
        return f"{self._base.title}; {self._says}"

    @property
    def experimental(self) -> bool:
        """As the detector that it wraps."""
        return self._base.experimental


class DynamicDetector(_InTime):
    """A detector with a memory: odds = newest + 0.35 · (carried − newest); what was fog stays fog down to a probability of 0.35."""

    _suffix = "dynamic"
    _says = "dynamic: carried memory of the frames before, with hysteresis"

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`; of the frames before, three at most are looked at."""
        with self._past.lock:
            now = self._past.now(cube, frame)
            odds: Field | None = None
            fog = np.zeros(cube.shape, dtype=bool)
            for index in _trail(cube, frame):
                fresh = self._past.odds(cube, index)
                if fresh is None or odds is None:
                    odds, fog = fresh, fog if fresh is None else fresh >= _EVEN
                    continue
                odds, fog = self._step(cube, index, fresh, odds, fog)
        assert odds is not None  # the newest frame was looked at
        return _mask(now, odds, fog, self.title)

    def _step(self, cube: Cube, index: int, fresh: Field, odds: Field, fog: NDArray[np.bool_]) -> tuple[Field, NDArray[np.bool_]]:
        """Odds and fog of a frame from its own odds and those of the frame before."""
        before = self._past.carried(cube, index, odds)
        was = self._past.carried(cube, index, np.where(np.isnan(odds), np.float32(np.nan), fog.astype(np.float32)))
        with np.errstate(invalid="ignore"):
            mixed = np.where(np.isnan(before) | np.isnan(fresh), fresh, fresh + np.float32(MEMORY) * (before - fresh))
            return mixed, (mixed >= _EVEN) | ((mixed >= _STAYS) & (was > 0.5))


class MultiFrameDetector(_InTime):
    """A detector on three frames at once: odds added up with fixed weights, the earlier ones carried along."""

    _suffix = "multiframe"
    _says = "multi-frame: three frames, carried by motion"

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`; of the frames before, two at most are looked at."""
        with self._past.lock:
            now = self._past.now(cube, frame)
            total, weight = np.zeros(cube.shape, dtype=np.float32), np.zeros(cube.shape, dtype=np.float32)
            for age, index in enumerate(reversed(_trail(cube, frame)[-len(FRAME_WEIGHTS) :])):
                odds = self._past.odds(cube, index)
                if odds is None:
                    break
                for later in range(index + 1, frame + 1):
                    odds = self._past.carried(cube, later, odds)
                share = np.float32(FRAME_WEIGHTS[age]) * np.isfinite(odds)
                total += share * np.nan_to_num(odds)
                weight += share
            fresh = self._past.odds(cube, frame)
        assert fresh is not None
        with np.errstate(invalid="ignore", divide="ignore"):
            odds = np.where(np.isnan(fresh), fresh, total / weight)
            return _mask(now, odds, odds >= _EVEN, self.title)


def _trail(cube: Cube, frame: int) -> Sequence[int]:
    """The frames that are heard, oldest first: at most three before, none beyond a gap of an hour."""
    first = frame
    while first > max(0, frame - BACK) and cube.times[first] - cube.times[first - 1] <= GAP:
        first -= 1
    return range(first, frame + 1)


def _mask(now: FogMask, odds: Field, fog: NDArray[np.bool_], title: str) -> FogMask:
    """The newest mask with other odds and other fog; what is hidden or unknown stays so."""
    seen = (now.state == State.FOG) | (now.state == State.CLEAR)
    state = np.where(seen, np.where(fog, np.uint8(State.FOG), np.uint8(State.CLEAR)), now.state)
    probability = np.where(seen, probability_of(odds), np.float32(np.nan))
    reasons = None
    if now.reasons is not None:
        held = np.uint32(Check.BEFORE.passed_bit) * (seen & fog & ~now.fog)
        dropped = np.uint32(Check.BEFORE.failed_bit) * (seen & ~fog & now.fog)
        reasons = now.reasons | held | dropped
    return replace(now, probability=probability, state=state, reasons=reasons, method=title)
