"""Writing an island's pictures and its truth as GeoTIFF, and reading the truth back for windows."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.geometry import Window
from engine.world import light
from engine.world.acquisition import CRS
from engine.world.classes import LandCover
from engine.world.island import Island, View

_OVERVIEWS = (2, 4, 8)


def write_scene(island: Island, view: View, folder: Path) -> Path:
    """Write one date as a tiled GeoTIFF with overviews: uint8 red, green, blue, near infrared, nodata 0.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}.tif"
    names = ("red", "green", "blue", "nir")
    scales = tuple(full / 255 for full in light.FULL_SCALE)
    _write(island, view, path, view.counts, names=names, scales=scales, resampling="average", predictor=2)
    return path


def write_truth(island: Island, view: View, folder: Path) -> Path:
    """Write the truth of one date: uint8 LandCover on the scene's grid.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD_truth.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}_truth.tif"
    _write(island, view, path, view.truth[None], names=("land cover",), scales=(1.0,), resampling="mode", predictor=1)
    return path


def write_classes(folder: Path) -> Path:
    """Write ``classes.json``: what the pixel values of the truth mean."""
    path = folder / "classes.json"
    path.write_text(json.dumps({str(int(kind)): kind.words for kind in LandCover}, indent=1) + "\n", encoding="utf-8")
    return path


def _write(
    island: Island,
    view: View,
    path: Path,
    bands: NDArray[np.uint8],
    *,
    names: Sequence[str],
    scales: Sequence[float],
    resampling: str,
    predictor: int,
) -> None:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import Affine

    path.parent.mkdir(parents=True, exist_ok=True)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": island.size,
        "height": island.size,
        "count": len(bands),
        "dtype": "uint8",
        "crs": CRS,
        "transform": Affine(*island.transform),
        "nodata": 0,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "zlevel": 1,
        "predictor": predictor,
        "interleave": "pixel",
    }
    if len(bands) == 4:
        profile |= {"photometric": "RGB", "alpha": "NO"}  # the fourth band is near infrared, which GDAL would take for alpha
    with rasterio.open(path, "w", **profile) as file:
        file.write(bands)
        file.descriptions = tuple(names)
        file.scales = tuple(scales)
        file.update_tags(
            PHAROS_SYNTHETIC="1",
            PHAROS_SENSOR="pharos_island",
            PHAROS_SEED=str(island.seed),
            TIFFTAG_DATETIME=f"{view.season.when:%Y:%m:%d %H:%M:%S}",
            TIFFTAG_IMAGEDESCRIPTION="SYNTHETIC: a made-up island, drawn by Pharos; no such place exists",
        )
        file.build_overviews([step for step in _OVERVIEWS if island.size // step >= 64], Resampling[resampling])


def tile_shares(truth: str | Path | NDArray[np.uint8], windows: Sequence[Window]) -> NDArray[np.float32]:
    """Share of each land-cover class in windows of a truth raster.

    Args:
        truth: Path of a truth raster, or its (height, width) uint8 pixels.
        windows: Windows in pixels, inside the raster.

    Returns:
        (N, classes) float32; column k is the share of ``LandCover(k)``; rows sum to 1.
    """
    if isinstance(truth, str | Path):
        import rasterio

        with rasterio.open(truth) as file:
            truth = np.asarray(file.read(1), dtype=np.uint8)
    shares = np.zeros((len(windows), len(LandCover)), dtype=np.float32)
    for row, window in zip(shares, windows, strict=True):
        pixels = truth[window.row : window.row + window.height, window.column : window.column + window.width]
        row[:] = np.bincount(pixels.ravel(), minlength=len(LandCover))[: len(LandCover)] / pixels.size
    return shares
