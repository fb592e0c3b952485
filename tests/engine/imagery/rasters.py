"""Rasters and pictures that the tests make themselves."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin


def scenery(bands: int = 3, height: int = 96, width: int = 128, dtype: str = "uint8", seed: int = 7) -> NDArray[Any]:
    """Smooth hills with every band different; (bands, height, width), values over the middle of the type's range."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / rng.uniform(6, 20) + rng.uniform(0, 6)) + np.cos(y / rng.uniform(6, 20)) for _ in range(bands)]
    unit = (np.stack(waves) + 2) / 4
    if np.dtype(dtype).kind == "f":
        return unit.astype(dtype)
    return (20 + unit * 215 * (1 if dtype == "uint8" else 20)).astype(dtype)


def save(
    path: Path, data: NDArray[Any], *, crs: Any = "EPSG:32631", transform: Any = None, tags: dict[str, str] | None = None, **profile: Any
) -> Path:
    """A GeoTIFF from (bands, height, width) values; ``profile`` goes to rasterio, ``mask`` and ``descriptions`` are written too."""
    mask, descriptions, gcps = profile.pop("mask", None), profile.pop("descriptions", None), profile.pop("gcps", None)
    colorinterp, colormap = profile.pop("colorinterp", None), profile.pop("colormap", None)
    if transform is None and gcps is None and crs is not None:
        transform = from_origin(500_000, 5_500_000, 10, 10)
    path.parent.mkdir(parents=True, exist_ok=True)
    count, height, width = data.shape
    options = {"driver": "GTiff", "dtype": data.dtype, "count": count, "height": height, "width": width, "crs": crs, **profile}
    if transform is not None:
        options["transform"] = transform
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True), rasterio.open(path, "w", **options) as out:
            if colorinterp:
                out.colorinterp = colorinterp
            if colormap:
                out.write_colormap(1, colormap)
            if gcps:
                out.gcps = gcps
            if descriptions:
                out.descriptions = descriptions
            out.update_tags(**(tags or {}))
            out.write(data)
            if mask is not None:
                out.write_mask(mask)
    return path
