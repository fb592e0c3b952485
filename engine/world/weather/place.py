"""Where a series plays: its grid, the real land in it, and how far each cell lies from the coast."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeatherInvalid
from engine.fog.grid import Grid
from engine.fog.regions import SeaRegion
from engine.types import Bounds
from engine.world.coastline import LAND, land_mask
from engine.world.noise import FloatImage

_KM: Final = 111.2
_TRIES: Final = 40
_OPEN: Final = 9999.0
"""Distance to the coast where there is none, km."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """What never changes.

    Attributes:
        region: The sea region.
        grid: Cell centres.
        land: (n, m) real land.
        offshore: (n, m) distance to the coast, km; negative over land.
    """

    region: SeaRegion
    grid: Grid
    land: NDArray[np.bool_]
    offshore: FloatImage

    @classmethod
    def of(cls, region: SeaRegion, size: int, *, step: float | None = None, rng: np.random.Generator, coastline: Path = LAND) -> Self:
        """A region on size × size cells, or a window of it with cells of a size.

        Args:
            region: Which.
            size: Cells each way.
            step: Cell size in degrees; the window is drawn so that it holds sea. ``None`` spreads the cells over the whole region.
            rng: Draws the window.
            coastline: TopoJSON of the land.

        Raises:
            WeatherInvalid: If the window is larger than the region.
            DataMissing: If the coastline is absent.
        """
        bounds = region.bounds if step is None else _window(region.bounds, size * step, rng, coastline)
        grid = Grid.of_shape(bounds, (size, size))
        land = land_mask(grid.lat, grid.lon, coastline)
        return cls(region, grid, land, _offshore(land, _cell_km(grid)))

    @property
    def cell_km(self) -> tuple[float, float]:
        """Height and width of a cell in the middle, km."""
        return _cell_km(self.grid)

    @property
    def sea(self) -> NDArray[np.bool_]:
        """(n, m) where there is sea."""
        return ~self.land

    @property
    def latitude(self) -> float:
        """Of the middle, degrees."""
        return float(self.grid.lat.mean())


def _cell_km(grid: Grid) -> tuple[float, float]:
    down, across = grid.step
    return _KM * down, max(_KM * across * float(np.cos(np.deg2rad(grid.lat.mean()))), 0.01)


def _offshore(land: NDArray[np.bool_], cell: tuple[float, float]) -> FloatImage:
    from scipy.ndimage import distance_transform_edt

    if not land.any() or land.all():
        return np.full(land.shape, -_OPEN if land.all() else _OPEN, dtype=np.float32)
    off = distance_transform_edt(~land, sampling=cell)
    return np.asarray(np.where(land, -distance_transform_edt(land, sampling=cell), off), dtype=np.float32)


def _window(bounds: Bounds, side: float, rng: np.random.Generator, coastline: Path) -> Bounds:
    """A square of ``side`` degrees that holds sea, if any of some tries does."""
    high = bounds.north - bounds.south
    if side > min(bounds.width, high) + 1e-9:
        raise WeatherInvalid(f"a window of {side:.2f}° is larger than the region. Take fewer or smaller cells.")
    box = bounds
    for _ in range(_TRIES):
        west, south = bounds.west + rng.uniform(0, bounds.width - side), bounds.south + rng.uniform(0, high - side)
        east = west + side
        box = Bounds(west, south, east - 360 if east > 180 else east, south + side)
        if west > 180:
            box = Bounds(west - 360, south, east - 360, south + side)
        if _sea_share(bounds, coastline, west, south, side) > 0.35:
            break
    return box


def _sea_share(bounds: Bounds, coastline: Path, west: float, south: float, side: float) -> float:
    land, grid = _overview(bounds, coastline)
    rows = (grid.lat >= south) & (grid.lat <= south + side)
    columns = (grid.lon >= west) & (grid.lon <= west + side)
    part = land[rows][:, columns]
    return float(1 - part.mean()) if part.size else 1.0


@lru_cache(maxsize=32)
def _overview(bounds: Bounds, coastline: Path) -> tuple[NDArray[np.bool_], Grid]:
    grid = Grid.over(bounds, 0.1)
    return land_mask(grid.lat, grid.lon, coastline, fine=1), grid
