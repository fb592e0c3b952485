"""Cubes of known skies, built from the table of typical signatures in the literature, not from the simulator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from scipy.ndimage import gaussian_filter
from scipy.special import ndtr

NOON = datetime(2021, 3, 20, 12, tzinfo=UTC)
"""Equinox: the sun stands over 0° N, near 0° E."""


def hours(count: int, start: datetime = NOON, minutes: int = 30) -> list[datetime]:
    return [start + timedelta(minutes=minutes * step) for step in range(count)]


def write_cube(
    path: Path,
    fields: Mapping[str, np.ndarray],
    times: Sequence[datetime],
    lat: np.ndarray,
    lon: np.ndarray,
    *,
    attrs: Mapping[str, Any] | None = None,
    units: Mapping[str, str] | None = None,
) -> Path:
    """A store in the cube format: (time, lat, lon) fields as int16 at 0.01."""
    dims = ("time", "lat", "lon")
    variables: dict[str, Any] = {}
    for name, values in fields.items():
        unit = (units or {}).get(name, "%" if name.startswith("R") else "K")
        variables[name] = (dims if values.ndim == 3 else dims[1:], values, {"units": unit})
    stamps = np.array([when.replace(tzinfo=None) for when in times], dtype="datetime64[ns]")
    dataset = xr.Dataset(variables, coords={"time": stamps, "lat": lat, "lon": lon}, attrs={"synthetic": 1, **(attrs or {})})
    encoding = {name: {"dtype": "int16", "scale_factor": 0.01, "_FillValue": -32768} for name in fields if fields[name].dtype.kind == "f"}
    dataset.to_zarr(path, mode="w", zarr_format=2, consolidated=True, encoding=encoding)
    return path


def evenly(low: float, high: float, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """Values evenly between two limits that change slowly from cell to cell, as sea, vapour and cloud do."""
    rough = rng.standard_normal(shape)
    width = [0.0] * (len(shape) - 2) + [6.0, 6.0]
    field = gaussian_filter(rough, width, mode="wrap")
    spread = field.std(axis=(-2, -1), keepdims=True)
    return low + (high - low) * ndtr((field - field.mean(axis=(-2, -1), keepdims=True)) / np.where(spread > 0, spread, 1))


def clear_sea(zenith: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Clear sea without glint: T11 = SST − 0.5…4, 3.9 − 11 µm −0.5…+1 by night and up to 3 K more by day, dark in the visible."""
    shape = zenith.shape
    sst = evenly(284, 294, shape, rng)
    window = sst - evenly(0.5, 4, shape, rng)
    cosine = np.cos(np.deg2rad(zenith))
    day = np.clip(cosine, 0, 1) * evenly(0, 3, shape, rng)
    noise = rng.normal(0, 0.2, shape)
    lit = zenith < 88
    grain = rng.normal(0, 0.25, (2, *shape)) / np.maximum(cosine, 0.03)
    return {
        "BT1120": window,
        "BT1230": window - evenly(0.5, 2.4, shape, rng),
        "BT0390": window + evenly(-0.5, 1.0, shape, rng) + day + noise,
        "SST": sst,
        "R0064": np.where(lit, evenly(3, 6, shape, rng) + grain[0], np.nan),
        "R0160": np.where(lit, evenly(0.5, 2, shape, rng) + grain[1], np.nan),
    }


def fog(zenith: np.ndarray, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Thick marine fog of 6–10 µm droplets: 3.9 − 11 µm from the published table for 3.9 µm reflectance 0.10–0.15."""
    shape = zenith.shape
    sst = evenly(283, 287, shape, rng)
    window = sst - evenly(-1, 3, shape, rng)
    angles = [0, 30, 60, 75, 80, 83, 85, 87, 89, 90, 180]
    coarse = np.interp(zenith, angles, [16.1, 14.2, 8.3, 3.5, 1.5, 0.3, -0.6, -1.5, -2.4, -2.9, -2.9])
    fine = np.interp(zenith, angles, [22.3, 19.9, 12.5, 6.2, 3.5, 1.8, 0.5, -0.8, -2.2, -2.9, -2.9])
    lit = zenith < 88
    grain = rng.normal(0, 0.25, (2, *shape)) / np.maximum(np.cos(np.deg2rad(zenith)), 0.03)
    return {
        "BT1120": window,
        "BT1230": window - evenly(0, 1, shape, rng),
        "BT0390": window + coarse + (fine - coarse) * evenly(0, 1, shape, rng) + rng.normal(0, 0.15, shape),
        "SST": sst,
        "R0064": np.where(lit, evenly(35, 55, shape, rng) + grain[0], np.nan),
        "R0160": np.where(lit, evenly(28, 50, shape, rng) + grain[1], np.nan),
    }
