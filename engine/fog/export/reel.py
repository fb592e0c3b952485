"""The frames of an animation: a layer with the mask over it, its time above and its method below; gaps are shown as gaps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from engine.errors import LayerNotFound, PharosError
from engine.fog.cube import Cube
from engine.fog.export.about import CAVEAT
from engine.fog.export.animation import Shot
from engine.fog.export.plate import plate
from engine.fog.layers import Lattice, Layer, Painted, layer_named, paint_mask
from engine.fog.layers.masks import OF_ONE_MASK
from engine.fog.look.judge import Judge
from engine.fog.mask import FogMask
from engine.fog.moments import Moment
from engine.fog.rendering import draw_frame


def reel(
    cube: Cube, moments: Sequence[Moment], find: Judge, *, layer: str = "infrared", over: str = "fog", method: str = "", width: int = 640
) -> Iterator[Shot]:
    """Shots of a series, one a moment.

    Args:
        cube: The cube.
        moments: When.
        find: The mask of each.
        layer: What lies below; empty for nothing.
        over: How the mask is drawn; empty for no mask.
        method: Which detector, as it is told.
        width: Of the map, pixels.

    Raises:
        LayerNotFound: If there is no such layer.
        CubeInvalid: If the cube lacks what the layer needs.
    """
    shown = [layer_named(name) for name in (layer, over) if name]
    for recipe in shown:
        if recipe.kind == "mask" and recipe.shown not in OF_ONE_MASK:
            raise LayerNotFound(recipe.id, OF_ONE_MASK)
        if recipe.lacks(cube.elements):
            draw_frame(cube, recipe.id, 0, width=16)  # says what is lacking
    lattice = Lattice.of(cube.bounds, cube.shape, width)
    lines = [f"Method: {method}. Source: {cube.name}." if method else f"Source: {cube.name}.", CAVEAT]
    title = (shown[-1] if shown else layer_named("fog")).title
    for moment in moments:
        painted, words = _painted(cube, moment, shown, find, lattice)
        ahead = f"  forecast +{moment.lead} min" if moment.forecast else ""
        heading = f"{moment.time:%Y-%m-%d %H:%M} UTC{ahead}  {words or title}"
        yield Shot(plate(painted, cube.bounds, shown, heading=heading, lines=lines, synthetic=cube.synthetic))


def _painted(cube: Cube, moment: Moment, shown: Sequence[Layer], find: Judge, lattice: Lattice) -> tuple[list[Painted], str]:
    """What is drawn at a moment, and why there is nothing."""
    painted = [Painted(np.zeros((*lattice.shape, 4), dtype=np.uint8))]
    if moment.gap:
        return painted, "no frame was taken"
    try:
        for recipe in shown:
            if recipe.kind != "mask":
                if moment.index is not None:
                    painted.append(draw_frame(cube, recipe.id, moment.index, width=lattice.shape[1]))
            elif (mask := find(moment)) is not None:
                painted.append(_mask(mask, recipe, moment, lattice))
    except PharosError:  # an empty or broken frame is a hole and does not end the film
        return painted[:1], "the frame can't be read"
    return painted, ""


def _mask(mask: FogMask, recipe: Layer, moment: Moment, lattice: Lattice) -> Painted:
    return paint_mask(mask, layer_named("forecast") if moment.forecast else recipe, lattice)
