"""A SYNTHETIC bay half in fog, and imagery of it with a red ship and a blue buoy on either side."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_bounds

from engine import imagery, index
from engine.settings import Settings
from tests.engine.fog.seas import BOX, NIGHT, sea_cube
from tests.engine.index.colour_encoder import COLOURS, ColourEncoder

SIDE, TILE = 256, 32
SHIPS = {"inside": (2, 1), "outside": (5, 6)}
"""Row and column of the tile with the ship on each side; the fog lies west of the middle."""
BUOYS = {"inside": (6, 2), "outside": (1, 5)}


def bay(config: Settings, name: str = "SYNTHETIC_bay", collection: str = "ships") -> None:
    """A cube of one night frame with fog over its western half, seen by physics, and the collection."""
    config.cubes_dir.mkdir(parents=True, exist_ok=True)
    fog = np.zeros((24, 24), bool)
    fog[:, :12] = True
    sea_cube(config.cubes_dir / f"{name}.zarr", (NIGHT,), fog=fog, attrs={"synthetic": 1})
    path = _picture(config.data_dir / "scenes" / "bay_20210914.tif")
    found = imagery.find_scenes([path])
    spec = imagery.TileSpec(size=TILE)
    index.build(collection, found.scenes, ColourEncoder(), spec=spec, settings=config)  # type: ignore[arg-type]


def tile(place: tuple[int, int]) -> str:
    """The id of a tile by row and column."""
    return f"bay_20210914/{place[1] * TILE}-{place[0] * TILE}"


def _picture(path: Path) -> Path:
    pixels = np.full((3, SIDE, SIDE), 255, np.uint8)
    for places, colour in ((SHIPS, "red"), (BUOYS, "blue")):
        for row, column in places.values():
            part = np.s_[:, row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            pixels[part] = np.array(COLOURS[colour], np.uint8)[:, None, None]
    path.parent.mkdir(parents=True, exist_ok=True)
    profile = {"driver": "GTiff", "width": SIDE, "height": SIDE, "count": 3, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(path, "w", transform=from_bounds(BOX.west, BOX.south, BOX.east, BOX.north, SIDE, SIDE), **profile) as out:
        out.write(pixels)
    return path
