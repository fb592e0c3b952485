"""Writing an island's pictures, its radar twin and its truth as GeoTIFF, and reading the truth back for windows."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.geometry import Window
from engine.world import light, radar, spectra
from engine.world.classes import LandCover
from engine.world.island import Island, View

_OVERVIEWS = (2, 4, 8)

REFLECTANCE_STEP: Final = 1e-4
"""Reflectance of one count in the files of twelve bands, as in Sentinel-2's own."""


@dataclass(frozen=True, slots=True)
class _Form:
    """How pixels lie in a file."""

    names: Sequence[str]
    scales: Sequence[float]
    sensor: str = "pharos_island"
    resampling: str = "average"
    predictor: int = 2
    nodata: float = 0
    tags: Mapping[str, str] = field(default_factory=dict)


def write_scene(island: Island, view: View, folder: Path) -> Path:
    """Write one date as a tiled GeoTIFF with overviews: uint8 red, green, blue, near infrared, nodata 0.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}.tif"
    form = _Form(("red", "green", "blue", "nir"), tuple(full / 255 for full in light.FULL_SCALE))
    _write(island, view, path, view.counts, form)
    return path


def write_truth(island: Island, view: View, folder: Path) -> Path:
    """Write the truth of one date: uint8 LandCover on the scene's grid.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD_truth.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}_truth.tif"
    _write(island, view, path, view.truth[None], _Form(("land cover",), (1.0,), resampling="mode", predictor=1))
    return path


def write_bands(island: Island, view: View, folder: Path) -> Path:
    """Write the twelve optical bands of one date: uint16 reflectance in steps of ``REFLECTANCE_STEP``, nodata 0.

    The facts of the acquisition are in the file's tags.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD_bands.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}_bands.tif"
    counts = np.maximum(np.rint(view.bands / np.float32(REFLECTANCE_STEP)), 1).astype(np.uint16)
    scales = (REFLECTANCE_STEP,) * len(spectra.BANDS)
    _write(island, view, path, counts, _Form(spectra.BANDS, scales, "pharos_island_bands", tags=view.acquisition.tags()))
    return path


def write_radar(island: Island, view: View, folder: Path) -> Path:
    """Write the radar twin of one date: float32 dB, VV and VH, nodata NaN.

    Returns:
        ``folder/SYNTHETIC_island_YYYYMMDD_radar.tif``.
    """
    path = folder / f"SYNTHETIC_island_{view.season.when:%Y%m%d}_radar.tif"
    tags = {
        "PHAROS_INCIDENCE_DEG": f"{radar.INCIDENCE_DEG:g}",
        "PHAROS_LOOK_AZIMUTH_DEG": f"{radar.LOOK_AZIMUTH_DEG:g}",
        "PHAROS_LOOKS": f"{radar.LOOKS:g}",
        "PHAROS_SEASON": view.acquisition.season,
    }
    form = _Form(radar.POLARISATIONS, (1.0, 1.0), "pharos_island_radar", predictor=3, nodata=float("nan"), tags=tags)
    _write(island, view, path, view.radar, form)
    return path


def write_classes(folder: Path) -> Path:
    """Write ``classes.json``: what the pixel values of the truth mean."""
    path = folder / "classes.json"
    path.write_text(json.dumps({str(int(kind)): kind.words for kind in LandCover}, indent=1) + "\n", encoding="utf-8")
    return path


def _write(island: Island, view: View, path: Path, pixels: NDArray[Any], form: _Form) -> None:
    import rasterio
    from rasterio.enums import Resampling
    from rasterio.transform import Affine

    path.parent.mkdir(parents=True, exist_ok=True)
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": island.size,
        "height": island.size,
        "count": len(pixels),
        "dtype": pixels.dtype.name,
        "crs": island.place.crs,
        "transform": Affine(*island.transform),
        "nodata": form.nodata,
        "tiled": True,
        "blockxsize": 256,
        "blockysize": 256,
        "compress": "deflate",
        "zlevel": 1,
        "predictor": form.predictor,
        "interleave": "pixel",
    }
    if len(pixels) == 4:
        profile |= {"photometric": "RGB", "alpha": "NO"}  # the fourth band is near infrared, which GDAL would take for alpha
    with rasterio.open(path, "w", **profile) as file:
        file.write(pixels)
        file.descriptions = tuple(form.names)
        file.scales = tuple(form.scales)
        file.update_tags(
            PHAROS_SYNTHETIC="1",
            PHAROS_SENSOR=form.sensor,
            PHAROS_SEED=str(island.seed),
            TIFFTAG_DATETIME=f"{view.season.when:%Y:%m:%d %H:%M:%S}",
            TIFFTAG_IMAGEDESCRIPTION="SYNTHETIC: a made-up island, drawn by Pharos; no such place exists",
            **form.tags,
        )
        file.build_overviews([step for step in _OVERVIEWS if island.size // step >= 64], Resampling[form.resampling])


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
