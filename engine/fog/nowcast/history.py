"""What was seen of one field up to now; frames are read when they are asked for, and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import NowcastInvalid
from engine.fog.cube import Cube
from engine.fog.elements import Element
from engine.fog.scores.images import Event

Field = NDArray[np.float32]
Read = Callable[[int], Field]

TOLERANCE: Final = timedelta(minutes=3)
"""How far a frame's time may be from the one that is looked for."""
SPACING: Final = timedelta(minutes=15)
"""Frames nearer in time show too little motion against noise: 10 m/s move fog by 6 cells of 0.0125°."""
GAP: Final = timedelta(minutes=60)
"""Over a longer gap clouds can't be recognised."""
TRAIL: Final = 3
"""How many frames motion is tracked over."""
_BRIGHT_PERCENT: Final = 35.0
"""Cloud in a sun-normalised reflectance, over sea surely and over land mostly."""
_SPANS: Final = {"%": 100.0, "K": 130.0, "1": 255.0}
"""L of SSIM and PSNR by unit: the width of what a scene can show; 180–310 K in the infrared."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """What is forecast.

    Attributes:
        name: An element, or “fog probability”.
        unit: Of its values; empty for a probability.
        span: Width of its physical range, the unit; L of SSIM and PSNR.
        event: What CSI counts.
        limits: Values that it can take.
    """

    name: str
    unit: str
    span: float
    event: Event
    limits: tuple[float, float]

    @property
    def words(self) -> str:
        """What CSI counts, as a person reads it."""
        return self.event.words(self.name, self.unit)


FOG: Final = Quantity("fog probability", "", 1.0, Event(0.5), (0.0, 1.0))


class History:
    """Frames of one quantity in order of time.

    Attributes:
        quantity: What they show.
        times: T times, UTC, ascending.
        source: Name of the cube.
        synthetic: Whether it is made up.
        cell: Size of a cell, degrees; ``None`` where it is not known.
    """

    def __init__(
        self,
        quantity: Quantity,
        times: Sequence[datetime],
        read: Read,
        *,
        source: str = "",
        synthetic: bool = False,
        cell: float | None = None,
    ) -> None:
        """Take frames over.

        Args:
            quantity: What they show.
            times: T times, UTC.
            read: Index → (n, m) float32, NaN where there is no value.
            source: Name of the cube.
            synthetic: Whether it is made up.
            cell: Size of a cell, degrees.

        Raises:
            NowcastInvalid: If there is no frame or the times are not in order.
        """
        if not times:
            raise NowcastInvalid("there is no frame to begin with.")
        for before, after in pairwise(times):
            if after <= before:
                raise NowcastInvalid(
                    f"{after:%Y-%m-%d %H:%M} UTC does not come after {before:%Y-%m-%d %H:%M}. Sort the frames and drop doubles."
                )
        self.quantity, self.times, self.source, self.synthetic, self.cell = quantity, tuple(times), source, synthetic, cell
        self._read, self._kept = read, dict[int, Field]()

    @classmethod
    def of_frames(
        cls,
        quantity: Quantity,
        times: Sequence[datetime],
        values: NDArray[np.floating],
        *,
        synthetic: bool = False,
        cell: float | None = None,
    ) -> History:
        """Of a (T, n, m) array, NaN where there is no value.

        Raises:
            NowcastInvalid: If there are not as many times as frames.
        """
        if values.ndim != 3 or len(values) != len(times):
            raise NowcastInvalid(f"{len(times)} times don't fit frames of the shape {values.shape}; (time, rows, columns) is needed.")
        return cls(quantity, times, lambda index: np.asarray(values[index], dtype=np.float32), synthetic=synthetic, cell=cell)

    @classmethod
    def of_cube(cls, cube: Cube, element: str, *, until: datetime | None = None, event: Event | None = None) -> History:
        """Of a band of a cube.

        Args:
            cube: Where it is.
            element: A reflectance, brightness temperature or grey level.
            until: Frames after this time are not looked at.
            event: What CSI counts; by default reflectance from 35 %, or what is colder (brighter in grey levels) than the middle of
                the last frame.

        Raises:
            NowcastInvalid: If it is no band, or no frame lies before the time.
            CubeInvalid: If the cube lacks it.
        """
        band = Element.named(element)
        if band.wavelength is None:
            raise NowcastInvalid(f"{element} is no picture that moves. Take a band such as R0064 or BT1120, or the mask.")
        times = before(cube, until)
        unit = band.kind.unit
        limits = {"%": (0.0, 200.0), "K": (100.0, 400.0)}.get(unit, (0.0, 255.0))
        event = event or (Event(_BRIGHT_PERCENT) if unit == "%" else Event(_middle(cube, element, len(times) - 1), above=unit != "K"))
        quantity = Quantity(element, "" if unit == "1" else unit, _SPANS[unit], event, limits)
        return cls(
            quantity,
            times,
            lambda index: cube.element(element, index),
            source=cube.name,
            synthetic=cube.synthetic,
            cell=cell_of(cube),
        )

    def __len__(self) -> int:
        return len(self.times)

    @property
    def last(self) -> int:
        """Index of the newest frame."""
        return len(self.times) - 1

    @property
    def now(self) -> datetime:
        """Time of the newest frame."""
        return self.times[-1]

    def frame(self, index: int) -> Field:
        """(n, m) float32, NaN where there is no value.

        Raises:
            NowcastInvalid: If it is of another shape than the first that was read.
        """
        if index not in self._kept:
            field = self._read(index)
            shape = next((kept.shape for kept in self._kept.values()), field.shape)
            if field.ndim != 2 or field.shape != shape:
                raise NowcastInvalid(f"the frame of {self.times[index]:%Y-%m-%d %H:%M} UTC has the shape {field.shape}, others {shape}.")
            self._kept[index] = field
        return self._kept[index]

    def find(self, when: datetime) -> int | None:
        """Index of the frame at a time, or ``None`` where there is none."""
        near = min(range(len(self.times)), key=lambda index: abs(self.times[index] - when))
        return near if abs(self.times[near] - when) <= TOLERANCE else None

    def trail(self, index: int) -> tuple[int, ...]:
        """Frames up to one that motion can be tracked over, ascending: 15 to 60 minutes apart, three at most, without empty ones."""
        found = [index]
        for earlier in range(index - 1, -1, -1):
            apart = self.times[found[-1]] - self.times[earlier]
            if apart > GAP or len(found) == TRAIL:
                break
            if apart >= SPACING - TOLERANCE and np.isfinite(self.frame(earlier)).any():
                found.append(earlier)
        return tuple(reversed(found))


def cell_of(cube: Cube) -> float | None:
    """Size of a cube's cells, degrees; ``None`` where its place is not known."""
    return float(np.mean(cube.step)) if cube.place_known else None


def before(cube: Cube, until: datetime | None) -> tuple[datetime, ...]:
    """Times of a cube up to one.

    Raises:
        NowcastInvalid: If there is none.
    """
    times = tuple(when for when in cube.times if until is None or when <= until + TOLERANCE)
    if not times:
        raise NowcastInvalid(f"“{cube.name}” begins at {cube.times[0]:%Y-%m-%d %H:%M} UTC; pick a time from then on.")
    return times


def _middle(cube: Cube, element: str, index: int) -> float:
    values = cube.element(element, index)
    finite = values[np.isfinite(values)]
    return float(np.round(np.median(finite), 1)) if finite.size else 0.0
