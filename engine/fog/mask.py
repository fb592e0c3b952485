"""What a detector says about a frame: a probability, a state and its validity for each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.types import Bounds


class State(IntEnum):
    """What a pixel is."""

    CLEAR = 0
    FOG = 1
    OBSCURED = 2
    NO_DATA = 255

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _STATE_WORDS[self]


_STATE_WORDS: Final = {
    State.CLEAR: "clear of fog",
    State.FOG: "fog or very low stratus",
    State.OBSCURED: "obscured by higher cloud",
    State.NO_DATA: "no data",
}


class Validity(IntFlag):
    """Under which conditions a pixel was judged; several may hold."""

    DAY = 1
    TWILIGHT = 2
    NIGHT = 4
    GLINT = 8
    SLANT = 16
    LAND = 32
    MISSING = 64

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _VALIDITY_WORDS[Validity(self)]


_VALIDITY_WORDS: Final = {
    Validity.DAY: "day",
    Validity.TWILIGHT: "twilight (sun 80–90° from the zenith): weak",
    Validity.NIGHT: "night",
    Validity.GLINT: "sun glint: not judged where bright",
    Validity.SLANT: "view angle beyond 65°: weak",
    Validity.LAND: "land: not judged",
    Validity.MISSING: "missing data",
}


@dataclass(frozen=True, slots=True)
class FogMask:
    """Fog or very low stratus in one frame; satellites see tops, so the two can't be told apart.

    Attributes:
        probability: (n, m) float32 0–1; NaN where the state is obscured or no data.
        state: (n, m) uint8 :class:`State`.
        validity: (n, m) uint8 bits of :class:`Validity`.
        time: Time of the frame, UTC.
        bounds: The box around all cells.
        method: Which detector.
        source: Name of the cube.
        synthetic: Whether the data are made up.
    """

    probability: NDArray[np.float32]
    state: NDArray[np.uint8]
    validity: NDArray[np.uint8]
    time: datetime
    bounds: Bounds
    method: str
    source: str
    synthetic: bool

    @property
    def fog(self) -> NDArray[np.bool_]:
        """(n, m) where the state is fog or very low stratus."""
        return np.asarray(self.state == State.FOG)

    @property
    def judged(self) -> NDArray[np.bool_]:
        """(n, m) where there is data: everything but no data."""
        return np.asarray(self.state != State.NO_DATA)

    @property
    def fog_fraction(self) -> float:
        """Share of the pixels with data that are fog or very low stratus, 0–1."""
        return float(self.fog.sum() / max(int(self.judged.sum()), 1))

    @property
    def obscured_fraction(self) -> float:
        """Share of the pixels with data that higher cloud hides, 0–1."""
        return float((self.state == State.OBSCURED).sum() / max(int(self.judged.sum()), 1))

    @property
    def validities(self) -> dict[str, float]:
        """Share of the pixels with data under each condition, 0–1; conditions that don't occur are left out."""
        total = max(int(self.judged.sum()), 1)
        shares = {flag.name or "": float(((self.validity & flag) > 0)[self.judged].sum() / total) for flag in Validity}
        return {name.lower(): share for name, share in shares.items() if share > 0}
