"""Where the cells of an even latitude–longitude grid lie on a web map, whose rows are not even in latitude."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.types import Bounds

LIMIT: Final = 85.05112878
"""Latitude at which the square web map ends, degrees."""
MOST_WIDTH: Final = 2048
MOST_HEIGHT: Final = 4096


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """Which cell each pixel of a web-Mercator picture shows: laid between the cube's bounds the picture is exact to half a cell.

    Attributes:
        rows: (height,) row of the grid for each row of pixels.
        columns: (width,) column of the grid for each column of pixels.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]

    @classmethod
    def of(cls, bounds: Bounds, shape: tuple[int, ...], width: int | None = None) -> Self:
        """The lattice of a grid.

        Args:
            bounds: The box around all cells; beyond 85° N and S the web map has nothing.
            shape: Rows and columns of the grid.
            width: Of the picture, pixels; by default one a cell, and never more than 2048. The height follows from the projection and
                stays within 4096.
        """
        top, bottom = northing(bounds.north), northing(bounds.south)
        tall = float(top - bottom) / float(np.deg2rad(bounds.width))
        wide = max(1, min(width or shape[1], MOST_WIDTH, int(MOST_HEIGHT / max(tall, 1e-9))))
        height = max(1, min(round(wide * tall), MOST_HEIGHT))
        y = top - (np.arange(height) + 0.5) / height * (top - bottom)
        lat = np.rad2deg(np.arctan(np.sinh(y)))
        rows = ((bounds.north - lat) / (bounds.north - bounds.south) * shape[0]).astype(np.intp)
        columns = ((np.arange(wide) + 0.5) / wide * shape[1]).astype(np.intp)
        return cls(np.clip(rows, 0, shape[0] - 1), np.clip(columns, 0, shape[1] - 1))

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width of the picture, pixels."""
        return self.rows.size, self.columns.size

    def lay(self, grid: NDArray[Any]) -> NDArray[Any]:
        """(n, m, …) cells as (height, width, …) pixels."""
        return np.take(np.take(grid, self.rows, axis=0), self.columns, axis=1)


def northing(lat: float) -> float:
    """Web-Mercator northing of a latitude in degrees, in radians of arc."""
    return float(np.arcsinh(np.tan(np.deg2rad(np.clip(lat, -LIMIT, LIMIT)))))
