"""Small rasters that tests make for themselves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.transform import from_origin


def write_scene(path: Path, *, seed: int = 0, size: int = 256, west: float = 500_000, north: float = 5_200_000) -> Path:
    """An RGB GeoTIFF at 10 m in UTM zone 14 N: green land with a blue square in its upper left quarter.

    Args:
        path: Where to write; a date in the name becomes the scene's time.
        seed: Of the noise.
        size: Side, pixels.
        west: Easting of the left edge, metres.
        north: Northing of the upper edge, metres.
    """
    noise = np.random.default_rng(seed)
    pixels: NDArray[np.uint8] = noise.integers(60, 90, (3, size, size), dtype=np.uint8)
    pixels[1] += 60
    pixels[:, : size // 2, : size // 2] = np.array([20, 40, 110], np.uint8)[:, None, None] + noise.integers(0, 9, (3, 1, 1), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": size, "height": size, "count": 3, "dtype": "uint8", "crs": "EPSG:32614", "tiled": True}
    with rasterio.open(path, "w", transform=from_origin(west, north, 10, 10), blockxsize=128, blockysize=128, **profile) as out:
        out.write(pixels)
    return path
