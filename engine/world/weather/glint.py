"""Sun mirrored by a wind-roughened sea."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.fog.grid import Grid
from engine.fog.sun import sun_direction
from engine.fog.view import satellite_direction
from engine.world.noise import FloatImage


def glint(grid: Grid, when: datetime, satellite_longitude: float, wind: float, step: int = 8) -> FloatImage:
    """Reflectance of the mirrored sun, 0–1, sun-normalised; computed on every eighth cell, for it changes slowly.

    Args:
        grid: Where.
        when: UTC.
        satellite_longitude: Under the geostationary satellite, degrees east.
        wind: m s⁻¹; the rougher, the wider and paler.
        step: Cells between those that are computed.

    Source: Cox and Munk 1954, isotropic: π ρ P / (4 cos θ₀ cos θ cos⁴ β), slopes with variance 0.003 + 0.00512 W.
    """
    lat, rows = _coarse(grid.lat, step)
    lon, columns = _coarse(grid.lon, step)
    sun = sun_direction(when, lat[:, None], lon[None, :])
    sight = satellite_direction(lat[:, None], lon[None, :], satellite_longitude)
    along = sum(a * b for a, b in zip(sun, sight, strict=True))
    both = np.sqrt(np.maximum(2 + 2 * along, 1e-6))
    tilt = np.clip((sun[2] + sight[2]) / both, 1e-2, 1)
    incidence = np.clip(both / 2, 0, 1)
    variance = 0.003 + 0.00512 * wind
    fresnel = 0.02 + 0.98 * (1 - incidence) ** 5
    slopes = np.exp(-(1 / tilt**2 - 1) / variance) / (np.pi * variance)
    low = np.maximum(sun[2], 0.1) * np.maximum(sight[2], 0.1)
    value = np.where(sun[2] > 0, np.minimum(np.pi * fresnel * slopes / (4 * low * tilt**4), 1.0), 0.0)
    return np.asarray(rows @ value @ columns.T, dtype=np.float32)


def _coarse(axis: NDArray[np.float64], step: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Some points along an axis, and the (n, k) weights that interpolate between them."""
    count = max(2, -(-axis.size // step))
    points = np.linspace(0, axis.size - 1, count) if axis.size > 1 else np.array([0.0, 1.0])
    place = np.interp(np.arange(axis.size), points, np.arange(count))
    left = np.minimum(place.astype(int), count - 2)
    weights = np.zeros((axis.size, count))
    weights[np.arange(axis.size), left] = 1 - (place - left)
    weights[np.arange(axis.size), left + 1] = place - left
    return np.interp(points, np.arange(axis.size), axis), weights
