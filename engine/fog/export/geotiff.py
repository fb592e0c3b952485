"""A mask as a cloud-optimised GeoTIFF."""

from __future__ import annotations

import json
from typing import Final

import numpy as np

from engine.fog.export.about import About
from engine.fog.mask import WORDS, FogMask, State

NO_PROBABILITY: Final = 255
STEPS: Final = 254
"""The probability is stored as whole numbers of 1/254, as in cubes."""


def mask_geotiff(mask: FogMask) -> bytes:
    """Two bytes a cell in WGS 84: band 1 ``state`` (0 clear, 1 fog or very low stratus, 2 obscured, 255 no data), band 2 ``probability``
    (0–254, scale 1/254, 255 where there is none).

    Tiled, deflated, with overviews by nearest neighbour, since states can't be averaged. Where the mask crosses the antimeridian
    longitudes run on beyond 180°.
    """
    import rasterio
    import rasterio.shutil
    from rasterio.io import MemoryFile
    from rasterio.transform import from_bounds

    about, box = About.of(mask), mask.bounds
    rows, columns = mask.state.shape
    known = np.isfinite(mask.probability)
    probability = np.where(known, np.rint(np.nan_to_num(mask.probability) * STEPS), NO_PROBABILITY).astype(np.uint8)
    profile = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": 2,
        "dtype": "uint8",
        "crs": "EPSG:4326",
        "transform": from_bounds(box.west, box.south, box.west + box.width, box.north, columns, rows),
        "nodata": int(State.NO_DATA),
    }
    record = {key: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False) for key, value in about.record().items()}
    with MemoryFile() as plain, MemoryFile() as cloud:
        with plain.open(**profile) as out:
            out.write(mask.state.astype(np.uint8), 1)
            out.write(probability, 2)
            out.descriptions = ("state", "probability")
            out.scales, out.offsets = (1.0, 1.0 / STEPS), (0.0, 0.0)
            out.update_tags(**{f"PHAROS_{key.upper()}": value for key, value in record.items()})
            out.update_tags(TIFFTAG_IMAGEDESCRIPTION=about.title, TIFFTAG_DATETIME=f"{mask.time:%Y:%m:%d %H:%M:%S}")
            out.update_tags(1, **{f"STATE_{int(state)}": state.words for state in State})
            out.update_tags(2, WORDS=f"probability of {WORDS}, 0 to 1")
        with plain.open() as source:
            rasterio.shutil.copy(source, cloud.name, driver="COG", compress="deflate", overview_resampling="nearest", blocksize=256)
        return bytes(cloud.read())
