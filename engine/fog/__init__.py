"""Fog over the sea: cubes, detection with its validity, pictures for the map."""

from __future__ import annotations

from engine.errors import CubeNotFound
from engine.fog.cube import Cube
from engine.fog.detection import detect
from engine.fog.layers import Layer, Legend, all_layers, layer_named
from engine.fog.mask import FogMask, State, Validity
from engine.fog.regions import SeaRegion, sea_regions
from engine.fog.rendering import draw_frame, render_frame, render_mask
from engine.settings import Settings
from engine.settings import settings as current

__all__ = [
    "Cube",
    "FogMask",
    "Layer",
    "Legend",
    "SeaRegion",
    "State",
    "Validity",
    "all_layers",
    "cubes",
    "detect",
    "draw_frame",
    "layer_named",
    "open_cube",
    "render_frame",
    "render_mask",
    "sea_regions",
]


def cubes(settings: Settings | None = None) -> tuple[str, ...]:
    """Names of the fog cubes in the data folder, sorted."""
    folder = (settings or current()).cubes_dir
    return tuple(sorted(path.stem for path in folder.glob("*.zarr") if path.is_dir()))


def open_cube(name: str, settings: Settings | None = None) -> Cube:
    """Open a fog cube of the data folder by its name.

    Raises:
        CubeNotFound: If there is none of that name.
        CubeInvalid: If it is damaged.
    """
    known = cubes(settings)
    if name not in known:
        raise CubeNotFound(name, known)
    return Cube.open((settings or current()).cubes_dir / f"{name}.zarr")
