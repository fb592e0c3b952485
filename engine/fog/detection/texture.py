"""Grey levels without a unit, as M4Fog's track C has them: bright and smooth is a hint of fog, and no more."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.detection.boxes import box_mean, box_spread
from engine.fog.mask import Check, FogMask, State, Validity

Field = NDArray[np.float32]

TITLE: Final = "texture: bright and smooth grey levels (no physics)"
CAP: Final = 0.6
"""Highest probability that grey levels may claim."""
_BOX: Final = (5, 5)
_BRIGHT: Final = 0.45
"""Share of the way from the darkest to the brightest level, at which cloud begins."""
_ROUGH: Final = 0.06
"""Spread within 5 × 5 cells, as a share of the same way, at which a top is no longer smooth."""


def grey_mask(cube: Cube, frame: int) -> FogMask:
    """A hint of fog or very low stratus from grey levels of visible light.

    Levels are stretched from picture to picture, so brightness is taken relative to the frame's own 2nd and 98th percentile. Where a
    thermal picture shows something cold (dark in M4Fog's stretch), nothing is said about it: its stretch is not published.

    Raises:
        CubeInvalid: If the cube has no visible picture, or the frame is empty or all of one level.
    """
    name = next((each for each in ("G0064", "G0086", "G0051", "G0047", "G0160") if each in cube.elements), None)
    if name is None:
        raise CubeInvalid(
            cube.name, f"it holds grey levels of {', '.join(cube.elements)}; without one of visible light there is no hint of fog."
        )
    levels = cube.element(name, frame)
    known = np.isfinite(levels)
    low, high = (float(value) for value in np.nanpercentile(levels, [2, 98])) if known.any() else (0.0, 0.0)
    if high - low < 1:
        raise CubeInvalid(cube.name, f"{name} is empty or all of one level at frame {frame}. Pick another time.")
    bright = (levels - np.float32(low)) / np.float32(high - low)
    spread = box_spread(bright, _BOX)
    odds = (box_mean(bright, _BOX) - np.float32(_BRIGHT)) * 8 - (spread - np.float32(_ROUGH)) * 30
    probability = np.minimum(1 / (1 + np.exp(-np.clip(odds, -10, 10))), np.float32(CAP)).astype(np.float32)
    state = np.where(probability >= 0.5, np.uint8(State.FOG), np.uint8(State.CLEAR))
    validity = np.full(levels.shape, np.uint16(Validity.TEXTURE_ONLY | Validity.LIGHT_UNKNOWN))
    reasons = _bits(Check.BRIGHT, bright > _BRIGHT) | _bits(Check.SMOOTH, spread < _ROUGH)
    lost = ~known
    if cube.land is not None:
        validity[cube.land] |= np.uint16(Validity.LAND)
        lost = lost | cube.land
    validity[~known] |= np.uint16(Validity.MISSING)
    state[lost] = State.NO_DATA
    probability[lost] = np.nan
    notes = (f"grey levels of {name} only: brightness and texture",)
    return FogMask(probability, state, validity, cube.times[frame], cube.bounds, TITLE, cube.name, cube.synthetic, reasons, notes)


def _bits(check: Check, passed: NDArray[np.bool_]) -> NDArray[np.uint32]:
    return np.where(passed, np.uint32(check.passed_bit), np.uint32(check.failed_bit))
