"""Small made-up nights of sea fog as cubes on disk, some frames left out. SYNTHETIC."""

from __future__ import annotations

import shutil
import warnings
from datetime import UTC, datetime
from pathlib import Path

import xarray as xr

from engine.fog.writing import COMPLETE
from engine.world.weather import DEMO, simulate

START = datetime(2025, 9, 14, 2, 30, tzinfo=UTC)
"""Three hours before sunrise off Namibia."""


def write_night(folder: Path, name: str = "SYNTHETIC_fog_BE", *, size: int = 48, frames: int = 12, gaps: tuple[int, ...] = ()) -> Path:
    """A cube over Benguela, half-hourly, without the frames at ``gaps``."""
    series = simulate("BE", 7, start=START, frames=frames, size=size, sensor="FCI", regime=DEMO)
    whole = Path(series.write(folder, name=f"{name}_whole" if gaps else name))
    if not gaps:
        return whole
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zarr warns of its own formats
        with xr.open_zarr(whole, mask_and_scale=False, chunks=None) as store:
            kept = store.isel(time=[index for index in range(frames) if index not in gaps]).load()
        kept.attrs.pop(COMPLETE, None)
        for variable in kept.variables.values():
            variable.encoding = {key: value for key, value in variable.encoding.items() if key in ("units", "calendar", "dtype")}
        kept.to_zarr(folder / f"{name}.zarr", zarr_format=2, consolidated=True)
    shutil.rmtree(whole)
    return folder / f"{name}.zarr"
