"""What a detector said and what was true, pixel by pixel, in the codes that cubes use."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScoresInvalid
from engine.fog.labels import Label, Labels
from engine.fog.mask import FogMask, State

Light = Literal["day", "twilight", "night", "unknown"]
LIGHTS: Final[tuple[Light, ...]] = ("day", "twilight", "night", "unknown")
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """What a detector says about a frame.

    Attributes:
        state: (n, m) uint8 :class:`State`.
        probability: (n, m) float32 0–1, NaN where nothing is said; ``None`` where the mask has none.
    """

    state: NDArray[np.uint8]
    probability: NDArray[np.float32] | None = None

    @classmethod
    def of(cls, mask: FogMask) -> Said:
        """Of a detector's mask."""
        return cls(mask.state, mask.probability)

    @property
    def fog(self) -> Bools:
        """(n, m) where it says fog or very low stratus."""
        return np.asarray(self.state == State.FOG)

    @property
    def obscured(self) -> Bools:
        """(n, m) where it says that higher cloud hides the surface."""
        return np.asarray(self.state == State.OBSCURED)

    @property
    def judged(self) -> Bools:
        """(n, m) where it says anything."""
        return np.asarray(self.state != State.NO_DATA)


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """What was true in a frame.

    Attributes:
        labels: (n, m) int8 codes of :class:`engine.fog.labels.Label`.
        stratus_counts: Whether low stratus counts as the event too, as in “fog or very low stratus”; by default only fog does.
    """

    labels: Labels
    stratus_counts: bool = False

    @property
    def fog(self) -> Bools:
        """(n, m) where there was fog at the surface, hidden or not."""
        fog = (self.labels == Label.FOG) | (self.labels == Label.FOG_BELOW_CLOUD)
        return np.asarray(fog | (self.labels == Label.LOW_STRATUS) if self.stratus_counts else fog)

    @property
    def known(self) -> Bools:
        """(n, m) where it is known, hidden or not."""
        return np.asarray((self.labels != Label.UNLABELLED) & (self.labels != Label.UNCERTAIN))

    @property
    def hidden(self) -> Bools:
        """(n, m) where higher cloud hid the fog."""
        return np.asarray(self.labels == Label.FOG_BELOW_CLOUD)


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """A frame to be scored.

    Attributes:
        said: The mask.
        truth: The labels.
        zenith: (n, m) solar zenith angle, degrees; ``None`` where time or place is not known.
        time: Of the frame, UTC, if known.
        region: Where it is.
        event: Frames of one event are the same fog, and are drawn together when the sample is drawn again.
    """

    said: Said
    truth: Truth
    zenith: NDArray[np.float64] | None = None
    time: datetime | None = None
    region: str = "unknown"
    event: str = ""

    def __post_init__(self) -> None:
        shapes = {self.said.state.shape, self.truth.labels.shape} | ({self.zenith.shape} if self.zenith is not None else set())
        if len(shapes) > 1 or self.said.state.ndim != 2:
            raise ScoresInvalid(
                f"the mask has {words(self.said.state.shape)} cells, the truth {words(self.truth.labels.shape)}. Bring both onto one grid."
            )

    def lit(self, light: Light) -> Bools:
        """(n, m) where the light is such: day up to a solar zenith angle of 80°, night from 90°, twilight between."""
        if self.zenith is None:
            return np.full(self.said.state.shape, light == "unknown")
        if light == "twilight":
            return np.asarray((self.zenith >= 80) & (self.zenith < 90))
        return np.asarray(self.zenith < 80) if light == "day" else np.asarray((self.zenith >= 90) & (light == "night"))


def words(shape: tuple[int, ...]) -> str:
    """A shape as a person writes it: 512 × 512."""
    return " × ".join(str(side) for side in shape)
