"""What a detector says about a frame: a probability, a state, its reasons and its validity for each pixel."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.types import Bounds

WORDS: Final = "fog or very low stratus"
"""What is detected. Satellites see tops and not the base, so the two can't be told apart; nothing here is ever called just fog."""


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
    State.FOG: WORDS,
    State.OBSCURED: "obscured by higher cloud",
    State.NO_DATA: "no data",
}


class Validity(IntFlag):
    """Under which conditions a pixel was judged; several may hold. Stored as uint16."""

    DAY = 1
    TWILIGHT = 2
    NIGHT = 4
    GLINT = 8
    SLANT = 16
    LAND = 32
    MISSING = 64
    STRAY_LIGHT = 128
    NO_SEA_TEMPERATURE = 256
    FEWER_BANDS = 512
    VISIBLE_ONLY = 1024
    TEXTURE_ONLY = 2048
    LIGHT_UNKNOWN = 4096
    UNUSUAL = 8192
    SEA_DOUBTFUL = 16384

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _VALIDITY_WORDS[Validity(self)]

    @staticmethod
    def all_words(bits: int) -> tuple[str, ...]:
        """How a person calls all conditions that hold."""
        return tuple(flag.words for flag in Validity if bits & flag)


_VALIDITY_WORDS: Final = {
    Validity.DAY: "day",
    Validity.TWILIGHT: "twilight (sun 80–90° from the zenith): weak",
    Validity.NIGHT: "night",
    Validity.GLINT: "sun glint: not judged where bright",
    Validity.SLANT: "view angle beyond 65°: weak",
    Validity.LAND: "land: not judged",
    Validity.MISSING: "missing data",
    Validity.STRAY_LIGHT: "the sun may shine into the telescope: 3.9 µm is doubtful",
    Validity.NO_SEA_TEMPERATURE: "no sea surface temperature: heights of tops are weak",
    Validity.FEWER_BANDS: "a band is missing: fewer tests than usual",
    Validity.VISIBLE_ONLY: "visible light only: low cloud can't be told from higher cloud",
    Validity.TEXTURE_ONLY: "grey levels only: brightness and texture, no temperature; a hint, not a measurement",
    Validity.LIGHT_UNKNOWN: "time or place not known: day or night can't be told",
    Validity.UNUSUAL: "values outside what the detector has learned; judged by physics",
    Validity.SEA_DOUBTFUL: "the sea surface temperature does not fit what is seen; corrected",
}


class Check(IntEnum):
    """A test that a pixel passes (which speaks for fog or very low stratus) or fails (which speaks against it)."""

    DROPLETS = 0
    LOW_TOP = 1
    SMOOTH = 2
    BRIGHT = 3
    LIQUID = 4
    NO_ICE = 5
    WARM = 6
    NO_DUST = 7
    NO_GLINT = 8
    CALM = 9
    BEFORE = 10
    LEARNED = 11

    @property
    def words(self) -> tuple[str, str]:
        """What is said where it is passed, and where it is failed."""
        return _CHECK_WORDS[self]

    @property
    def passed_bit(self) -> int:
        """Its bit in :attr:`FogMask.reasons` where it is passed; where it is failed the bit 16 places higher is set."""
        return 1 << self

    @property
    def failed_bit(self) -> int:
        """Its bit where it is failed. Neither is set where it could not be made."""
        return 1 << (self + 16)

    @staticmethod
    def all_words(bits: int) -> tuple[str, ...]:
        """What the bits of a pixel say, passed ones first."""
        passed = tuple(check.words[0] for check in Check if bits & check.passed_bit)
        return passed + tuple(check.words[1] for check in Check if bits & check.failed_bit)


_CHECK_WORDS: Final = {
    Check.DROPLETS: ("small droplets at 3.9 µm", "no small droplets at 3.9 µm"),
    Check.LOW_TOP: ("top about as warm as the sea", "top colder than the sea: higher cloud"),
    Check.SMOOTH: ("smooth top", "uneven top"),
    Check.BRIGHT: ("bright in visible light", "dark in visible light"),
    Check.LIQUID: ("liquid water at 1.6 µm", "dark at 1.6 µm: snow, ice or no cloud"),
    Check.NO_ICE: ("no ice cloud above", "ice cloud above"),
    Check.WARM: ("no cold top", "cold top: high cloud"),
    Check.NO_DUST: ("no dust", "dust: 12 µm warmer than 11 µm"),
    Check.NO_GLINT: ("no sun glint", "in the sun's glint"),
    Check.CALM: ("neighbours agree", "neighbours disagree"),
    Check.BEFORE: ("there in the frames before", "not there in the frames before"),
    Check.LEARNED: ("the network says so", "the network does not say so"),
}


@dataclass(frozen=True, slots=True)
class FogMask:
    """Fog or very low stratus in one frame; satellites see tops, so the two can't be told apart.

    Attributes:
        probability: (n, m) float32 0–1; NaN where the state is obscured or no data.
        state: (n, m) uint8 :class:`State`.
        validity: (n, m) uint16 bits of :class:`Validity`.
        time: Time of the frame, UTC.
        bounds: The box around all cells.
        method: Which detector.
        source: Name of the cube.
        synthetic: Whether the data are made up.
        reasons: (n, m) uint32 bits of :class:`Check`: passed in the lower half, failed in the upper; ``None`` where not asked for.
        notes: What holds for the frame as a whole, in words, such as a missing band.
    """

    probability: NDArray[np.float32]
    state: NDArray[np.uint8]
    validity: NDArray[np.uint16]
    time: datetime
    bounds: Bounds
    method: str
    source: str
    synthetic: bool
    reasons: NDArray[np.uint32] | None = None
    notes: tuple[str, ...] = ()

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
