"""A scene with its label raster, made here. SYNTHETIC."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray

from tests.scenes import write_scene

CLASSES = {0: "no data", 1: "lake", 2: "forest", 3: "town"}
SIZE = 512


def layout(tile: int) -> NDArray[np.uint8]:
    """West half lake, east half forest; a strip of town in the north; one tile half lake, half forest; one with two ponds."""
    labels = np.full((SIZE, SIZE), 2, np.uint8)
    labels[:, : SIZE // 2] = 1
    labels[:tile] = 3
    labels[128:192, 320:352] = 1
    labels[200:210, 400:410] = labels[230:240, 420:430] = 1
    return labels


def write_labelled(home: Path, *, tile: int) -> Path:
    """``home/scenes/field_20200831.tif`` and its labels in ``home/truth``.

    Args:
        home: Folder.
        tile: Height of the strip in the north, pixels.
    """
    path = write_scene(home / "scenes" / "field_20200831.tif", size=SIZE)
    truth = home / "truth"
    truth.mkdir()
    with rasterio.open(path) as like:
        profile = {"width": SIZE, "height": SIZE, "count": 1, "dtype": "uint8", "crs": like.crs, "transform": like.transform}
    with rasterio.open(truth / f"{path.stem}_truth.tif", "w", driver="GTiff", **profile) as out:
        out.write(layout(tile), 1)
    (truth / "classes.json").write_text(json.dumps({str(value): name for value, name in CLASSES.items()}))
    return path
