"""Latitude–longitude grids of cubes: cell centres, from north to south and from west to east."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.regions import STEP
from engine.types import Bounds

Axis = NDArray[np.float64]

MOST_CELLS: Final = 100_000_000
"""Largest grid that is made, cells; ten times a region at 0.004°."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the cells of a cube lie.

    Attributes:
        lat: (n,) cell centres, degrees, descending.
        lon: (m,) cell centres, degrees east, ascending; beyond 180 where the grid crosses the antimeridian.
    """

    lat: Axis
    lon: Axis

    @classmethod
    def over(cls, bounds: Bounds, step: float = STEP) -> Self:
        """Cells of one size over a box; a box that crosses the antimeridian gives longitudes beyond 180.

        Raises:
            CubeInvalid: If the box is empty or has too many cells.
        """
        wide = bounds.east - bounds.west + (360 if bounds.west > bounds.east else 0)
        high = bounds.north - bounds.south
        if not (np.isfinite([wide, high, step]).all() and step > 0 and wide > 0 and high > 0):
            raise CubeInvalid(bounds.words(), "a grid needs a box with an area and a cell size above 0.")
        rows, columns = max(1, round(high / step)), max(1, round(wide / step))
        if rows * columns > MOST_CELLS:
            raise CubeInvalid(bounds.words(), f"{rows:,} × {columns:,} cells are too many. Take a smaller box or larger cells.")
        return cls.of_shape(bounds, (rows, columns))

    @classmethod
    def of_shape(cls, bounds: Bounds, shape: tuple[int, int]) -> Self:
        """As many rows and columns as given, evenly over a box."""
        rows, columns = shape
        wide = bounds.east - bounds.west + (360 if bounds.west > bounds.east else 0)
        lat = bounds.north - (bounds.north - bounds.south) / rows * (np.arange(rows, dtype=np.float64) + 0.5)
        lon = bounds.west + wide / columns * (np.arange(columns, dtype=np.float64) + 0.5)
        return cls(lat, lon)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.lat.size, self.lon.size

    @property
    def step(self) -> tuple[float, float]:
        """Size of a cell in latitude and longitude, degrees, positive."""
        return spacing(self.lat), spacing(self.lon)

    @property
    def bounds(self) -> Bounds:
        """The box around all cells, edges included."""
        down, across = self.step
        west, east = float(self.lon[0]) - across / 2, float(self.lon[-1]) + across / 2
        east = west + 360 if east - west > 360 else east
        left = round((west + 180) % 360 - 180, 9)
        right = left + (east - west)
        return Bounds(
            left,
            round(max(float(self.lat[-1]) - down / 2, -90.0), 9),
            round(right - 360 if right > 180 + 1e-9 else right, 9),
            round(min(float(self.lat[0]) + down / 2, 90.0), 9),
        )

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Grid)
            and self.shape == other.shape
            and bool(np.allclose(self.lat, other.lat, atol=1e-6) and np.allclose(self.lon, other.lon, atol=1e-6))
        )

    def __hash__(self) -> int:
        return hash((self.shape, round(float(self.lat[0]), 6), round(float(self.lon[0]), 6)))

    def check(self, name: str) -> None:
        """Stop at a grid that is none.

        Raises:
            CubeInvalid: If an axis is out of order, uneven or off the Earth.
        """
        for words, axis, sign in (("latitudes", self.lat, -1.0), ("longitudes", self.lon, 1.0)):
            steps = np.diff(axis) * sign
            if axis.size == 0 or not np.isfinite(axis).all() or (steps <= 0).any():
                raise CubeInvalid(name, f"its {words} are not in order.")
            if steps.size and np.ptp(steps) > 0.02 * float(steps.mean()):
                raise CubeInvalid(name, f"its {words} are not evenly spaced; bring it onto a latitude–longitude grid first.")
        if np.abs(self.lat).max() > 90 or self.lon[0] < -180 or self.lon[-1] > 540:
            raise CubeInvalid(name, "its grid leaves the Earth.")


def spacing(axis: Axis) -> float:
    """Distance between cell centres, degrees; of a lone cell that of a full cube."""
    return STEP if axis.size < 2 else float(abs(axis[-1] - axis[0]) / (axis.size - 1))
