"""The demo's cube: a made-up night and morning of sea fog off a real coast, half-hourly, with its truth."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from engine.progress import Progress, silent
from engine.world.coastline import LAND
from engine.world.weather import DEMO, simulate

START: Final = datetime(2025, 9, 14, 2, 30, tzinfo=UTC)
"""Three hours before sunrise off Namibia."""
SENSOR: Final = "FCI"


def make_fog_cube(
    out: Path, seed: int = 7, *, region: str = "BE", size: int = 512, frames: int = 12, coastline: Path = LAND, progress: Progress = silent
) -> Path:
    """Write a made-up fog cube as ``out/SYNTHETIC_fog_REGION.zarr``.

    Args:
        out: Folder of cubes; an older cube of the same name is replaced.
        seed: Decides everything.
        region: Id of a sea region.
        size: Cells each way; 1024 is the full grid of 0.0125°.
        frames: Half-hour steps from three hours before sunrise.
        coastline: TopoJSON of the land.
        progress: Told of each frame.

    Raises:
        DataMissing: If the coastline is absent.
    """
    series = simulate(region, seed, start=START, frames=frames, size=size, sensor=SENSOR, regime=DEMO, coastline=coastline)
    return series.write(out, name=f"SYNTHETIC_fog_{region}", progress=lambda _, done, total: progress("fog cube", done, total))
