"""From any grid of pixels to a cube's cells: the nearest pixel of each cell, found once and used for every frame."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.grid import Grid

Floats = NDArray[np.float64]
_EARTH_KM = 6371.0


@dataclass(frozen=True, slots=True, eq=False)
class Regrid:
    """Which pixel fills which cell; no interpolation, so that differences of bands stay what they were.

    Attributes:
        rows: (n, m) row of the pixel.
        columns: (n, m) column of the pixel.
        inside: (n, m) whether a pixel lies near enough.
    """

    rows: NDArray[np.intp]
    columns: NDArray[np.intp]
    inside: NDArray[np.bool_]

    @classmethod
    def from_axes(cls, grid: Grid, lat: Floats, lon: Floats) -> Self:
        """From pixels on latitudes and longitudes, evenly spaced or not, in any direction, on either side of ±180°."""
        rows, near_rows = _nearest(lat, grid.lat)
        columns, near_columns = _nearest_longitude(lon, grid.lon)
        return cls._of_axes(rows, columns, near_rows, near_columns)

    @classmethod
    def from_projection(cls, grid: Grid, crs: Any, x: Floats, y: Floats) -> Self:  # noqa: ANN401 - a pyproj CRS
        """From pixels of a projection.

        Args:
            grid: The cells.
            crs: Coordinate system of the pixels (pyproj).
            x: (w,) pixel centres, in the unit of the system.
            y: (h,) likewise.
        """
        from pyproj import Transformer

        lon, lat = np.meshgrid((grid.lon + 180) % 360 - 180, grid.lat)
        across, up = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(lon, lat)
        seen = np.isfinite(across) & np.isfinite(up)
        rows, near_rows = _nearest(y, np.where(seen, up, np.nan))
        columns, near_columns = _nearest(x, np.where(seen, across, np.nan))
        return cls(rows, columns, seen & near_rows & near_columns)

    @classmethod
    def from_points(cls, grid: Grid, lat: Floats, lon: Floats) -> Self:
        """From pixels whose (h, w) latitudes and longitudes are given one by one."""
        from scipy.spatial import cKDTree

        known = np.isfinite(lat) & np.isfinite(lon)
        tree = cKDTree(_unit(lat[known], lon[known]))
        wanted_lon, wanted_lat = np.meshgrid(grid.lon, grid.lat)
        apart, which = tree.query(_unit(wanted_lat, wanted_lon))
        flat = np.flatnonzero(known)[np.minimum(which, known.sum() - 1)]
        rows, columns = np.unravel_index(flat, lat.shape)
        return cls(np.asarray(rows), np.asarray(columns), apart * _EARTH_KM < 2 * _pixel_km(lat, lon))

    @classmethod
    def from_mercator_rows(cls, grid: Grid) -> Self:
        """From a picture of the same box and size whose rows are even in Mercator's projection, not in latitude."""
        box, (count, wide) = grid.bounds, grid.shape
        top, bottom = _mercator(np.array(box.north)), _mercator(np.array(box.south))
        rows = np.clip(((top - _mercator(grid.lat)) / (top - bottom) * count).astype(np.intp), 0, count - 1)
        yes = np.ones(count, dtype=bool)
        return cls._of_axes(rows, np.arange(wide), yes, np.ones(wide, dtype=bool))

    @classmethod
    def _of_axes(cls, rows: NDArray[Any], columns: NDArray[Any], near_rows: NDArray[np.bool_], near_columns: NDArray[np.bool_]) -> Self:
        shape = (rows.size, columns.size)
        return cls(
            np.broadcast_to(rows[:, None], shape), np.broadcast_to(columns[None, :], shape), near_rows[:, None] & near_columns[None, :]
        )

    @property
    def window(self) -> tuple[slice, slice]:
        """The smallest part of the pixels that is needed; nothing else has to be read."""
        if not self.inside.any():
            return slice(0, 0), slice(0, 0)
        rows, columns = self.rows[self.inside], self.columns[self.inside]
        return slice(int(rows.min()), int(rows.max()) + 1), slice(int(columns.min()), int(columns.max()) + 1)

    def cells(self, part: NDArray[np.float32]) -> NDArray[np.float32]:
        """The cells of a part of the pixels that is no larger than :attr:`window`; NaN where there is no pixel."""
        down, across = self.window
        out = np.full(self.rows.shape, np.nan, dtype=np.float32)
        out[self.inside] = part[self.rows[self.inside] - down.start, self.columns[self.inside] - across.start]
        return out

    def of(self, pixels: NDArray[Any]) -> NDArray[np.float32]:
        """The cells of a whole picture."""
        down, across = self.window
        return self.cells(np.asarray(pixels[down, across], dtype=np.float32))


def _nearest(axis: Floats, wanted: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """Nearest entry of an axis that rises or falls, and whether it is at most three quarters of a step away."""
    order = np.argsort(axis)
    ordered, flat = axis[order], np.nan_to_num(wanted, nan=np.inf).reshape(-1)
    right = np.clip(np.searchsorted(ordered, flat), 1, max(axis.size - 1, 1))
    left = right - 1
    right = np.minimum(right, axis.size - 1)
    with np.errstate(invalid="ignore"):
        best = np.where(np.abs(ordered[right] - flat) < np.abs(flat - ordered[left]), right, left)
    reach = 0.75 * float(np.abs(np.diff(ordered)).max()) if axis.size > 1 else np.inf
    near = np.isfinite(flat) & (np.abs(ordered[best] - flat) <= reach)
    return order[best].reshape(wanted.shape), near.reshape(wanted.shape)


def _nearest_longitude(axis: Floats, wanted: Floats) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
    """As above, after both were brought to the same turn around the Earth."""
    middle = float(wanted.mean())
    return _nearest((axis - middle + 180) % 360 - 180 + middle, wanted)


def _unit(lat: Floats, lon: Floats) -> Floats:
    phi, turn = np.deg2rad(lat), np.deg2rad(lon)
    return np.stack([np.cos(phi) * np.cos(turn), np.cos(phi) * np.sin(turn), np.sin(phi)], axis=-1)


def _pixel_km(lat: Floats, lon: Floats) -> float:
    points = _unit(lat, lon)
    apart = [np.linalg.norm(np.diff(points, axis=axis), axis=-1) for axis in (0, 1) if lat.shape[axis] > 1]
    if not apart:
        return 10.0
    return float(np.nanmedian(np.concatenate([each.reshape(-1) for each in apart]))) * _EARTH_KM


def _mercator(lat: Floats) -> Floats:
    return np.asarray(np.arcsinh(np.tan(np.deg2rad(lat))))
