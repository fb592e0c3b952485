"""Small rasters of coloured squares, made here, and collections of made-up vectors."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import rasterio
import shapely
from rasterio.transform import Affine

from engine.index import Collection, FlatStore
from engine.index.manifest import Manifest
from engine.index.table import TileTable, hilbert_order
from engine.types import Scene
from tests.engine.index.colour_encoder import COLOURS, ColourEncoder
from tests.engine.index.scenes import scene

WriteRaster = Callable[..., Path]
MakeCollection = Callable[..., Collection]


@pytest.fixture
def encoder() -> ColourEncoder:
    return ColourEncoder()


@pytest.fixture
def write_raster(tmp_path: Path) -> WriteRaster:
    """Write a GeoTIFF of squares: ``rows`` of colour names, one square of ``square`` pixels each; “-” is nodata."""

    def write(name: str, rows: Sequence[Sequence[str]], square: int = 32, *, west: float = 500_000.0) -> Path:
        height, width = len(rows) * square, len(rows[0]) * square
        pixels = np.zeros((3, height, width), dtype=np.uint8)
        alpha = np.full((height, width), 255, dtype=np.uint8)
        for down, row in enumerate(rows):
            for across, colour in enumerate(row):
                part = np.s_[down * square : (down + 1) * square, across * square : (across + 1) * square]
                if colour == "-":
                    alpha[part] = 0
                else:
                    pixels[(slice(None), *part)] = np.array(COLOURS[colour], dtype=np.uint8)[:, None, None]
        path = tmp_path / f"{name}.tif"
        profile: dict[str, Any] = {"driver": "GTiff", "width": width, "height": height, "count": 4, "dtype": "uint8", "crs": "EPSG:32631"}
        with rasterio.open(
            path, "w", **profile, transform=Affine(10.0, 0.0, west, 0.0, -10.0, 5_500_000.0), photometric="rgb", alpha="yes"
        ) as out:
            out.write(np.concatenate([pixels, alpha[None]]))
        return path

    return write


@pytest.fixture
def make_collection() -> MakeCollection:
    """A collection in memory from vectors and footprints; windows lie apart unless given."""

    def make(
        vectors: Any,
        outlines: Sequence[Any],
        *,
        scenes: Sequence[Scene] = (),
        scene_of: Sequence[int] | None = None,
        windows: Any = None,
        encoder: ColourEncoder | None = None,
    ) -> Collection:
        count = len(vectors)
        listed = list(scenes) or [scene()]
        boxes = np.array([_box(outline) for outline in outlines])
        order = hilbert_order(boxes)
        places = np.zeros(count, np.int32) if scene_of is None else np.array(scene_of, np.int32)
        if windows is None:
            windows = np.array([[64 * i, 0, 32, 32] for i in range(count)], dtype=np.int32)
        table = TileTable(
            ids=pa.array([f"t{row:06d}" for row in order]),
            scene=places[order],
            boxes=boxes[order],
            outlines=pa.array([shapely.to_wkb(outlines[row]) for row in order], pa.binary()),
            windows=np.asarray(windows, dtype=np.int32)[order],
        )
        store = FlatStore.of(np.asarray(vectors, dtype=np.float32)[order])
        model = encoder or ColourEncoder()
        created = datetime(2024, 1, 1, tzinfo=UTC)
        manifest = Manifest("made", created, model.id, model.hash, store.dim, {}, 256, {each.id: each for each in listed})
        return Collection(manifest, table, store)

    return make


def _box(outline: Any) -> list[float]:
    from engine.types import Bounds

    return list(Bounds.around(outline).array)
