"""Frames of a fog cube as pictures that lie exactly on a web map."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.layers import Lattice, Painted, layer_named, paint_bands, paint_labels, paint_mask
from engine.fog.mask import FogMask

Find = Callable[[Cube, int], FogMask]


def draw_frame(cube: Cube, layer: str, index: int, *, width: int | None = None, find: Find | None = None) -> Painted:
    """One frame of one layer of what was observed.

    Args:
        cube: The cube.
        layer: Id of a layer; forecasts and disagreements take more than one mask and are drawn by their own functions.
        index: Frame, from 0.
        width: Width of the picture, pixels; by default one a cell. The height follows from the projection.
        find: Cube and frame → mask, for layers of a mask; by default the default detector.

    Raises:
        LayerNotFound: If there is no such layer.
        CubeInvalid: If there is no such frame, or an element that the layer needs is missing.
    """
    recipe = layer_named(layer)
    lattice = Lattice.of(cube.bounds, cube.shape, width)
    if recipe.kind != "mask":
        return paint_bands(cube, recipe, index, lattice)
    if recipe.shown == "truth":
        labels = cube.label(index)
        if labels is None:
            raise CubeInvalid(cube.name, "it has no labels. Pick another layer.")
        return paint_labels(labels, cube.land, lattice)
    if recipe.shown in ("forecast", "disagreement"):
        raise CubeInvalid(cube.name, f"the layer “{recipe.title}” is not drawn of one frame.")
    return paint_mask((find or _default())(cube, index), recipe, lattice)


def render_frame(cube: Cube, layer: str, index: int, *, width: int | None = None, find: Find | None = None) -> bytes:
    """One frame of one layer as a PNG with opacity, in web-Mercator rows: laid between the cube's bounds it is exact. As above."""
    return draw_frame(cube, layer, index, width=width, find=find).encoded()


def render_mask(mask: FogMask, *, layer: str = "fog", width: int | None = None) -> bytes:
    """A mask as a PNG with opacity, in web-Mercator rows; see :func:`engine.fog.layers.paint_mask`."""
    return paint_mask(mask, layer_named(layer), Lattice.of(mask.bounds, np.shape(mask.state), width)).encoded()


def _default() -> Find:
    from engine.fog.detection import detect

    return detect
