"""Layers that are drawn of a cube's own bands."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid
from engine.fog.cube import Cube
from engine.fog.layers.mercator import Lattice
from engine.fog.layers.painted import Painted, Pixels
from engine.fog.layers.recipe import Band, Layer, Legend

Field = NDArray[np.float32]

DAY_FADE: Final = (88.0, 82.0)
"""Solar zenith angles between which a day layer fades in, degrees: beyond 88° a sun-normalised reflectance is noise."""
NIGHT_FADE: Final = (88.0, 90.0)
"""The same for a night layer: from 90° on no sunlight is left at 3.9 µm."""


def paint_bands(cube: Cube, layer: Layer, index: int, lattice: Lattice) -> Painted:
    """Draw one frame of a layer of bands.

    Args:
        cube: The cube.
        layer: A grey, rgb or ramp layer.
        index: Frame, from 0.
        lattice: Which cells the pixels show.

    Raises:
        CubeInvalid: If the cube lacks an element that the layer needs, or the frame can't be read.
    """
    bands = layer.variant(cube.elements)
    if bands is None:
        lacking = ", ".join(layer.lacks(cube.elements))
        raise CubeInvalid(cube.name, f"the layer “{layer.title}” needs {lacking}, which it lacks; it holds {', '.join(cube.elements)}.")
    light = _light(cube, layer, index, lattice)
    if light is not None and not light.any():
        return Painted(np.zeros((*lattice.shape, 4), dtype=np.uint8))
    read = {name: cube.element(name, index) for band in bands for name, _ in band.terms}
    sums = [lattice.lay(_sum(band, read)) for band in bands]
    colours = _ramp(sums[0], layer.legend) if layer.kind == "ramp" else [_stretch(*each) for each in zip(sums, bands, strict=True)]
    known = np.all([np.isfinite(each) for each in sums], axis=0)
    opacity = known.astype(np.float32) if light is None else known * light
    out = np.empty((*lattice.shape, 4), dtype=np.uint8)
    for channel in range(3):
        out[..., channel] = np.where(known, colours[channel % len(colours)], 0)
    out[..., 3] = np.round(opacity * 255)
    return Painted(out)


def _sum(band: Band, read: dict[str, Field]) -> Field:
    (first, factor), *others = band.terms
    total = read[first] * np.float32(factor)
    for name, other in others:
        total = total + read[name] * np.float32(other)
    return total


def _stretch(values: Field, band: Band) -> Pixels:
    low, high = band.range
    share = np.clip((np.nan_to_num(values) - np.float32(low)) * np.float32(1 / (high - low)), 0, 1)
    if band.gamma != 1:
        share **= np.float32(1 / band.gamma)
    return np.asarray(share * 255 + 0.5, dtype=np.uint8)


def _ramp(values: Field, legend: Legend) -> list[Pixels]:
    places = [value for value, _, _ in legend.ramp]
    table = np.linspace(places[0], places[-1], 256)
    index = np.clip((np.nan_to_num(values) - places[0]) * (255 / (places[-1] - places[0])) + 0.5, 0, 255).astype(np.uint8)
    stops = np.array([rgb(colour) for _, colour, _ in legend.ramp], dtype=np.float64)
    return [np.interp(table, places, stops[:, channel]).round().astype(np.uint8)[index] for channel in range(3)]


def _light(cube: Cube, layer: Layer, index: int, lattice: Lattice) -> Field | None:
    """How visible the layer is at each pixel, 0–1; ``None`` where it does not depend on the sun, or the sun is not known."""
    zenith = None if layer.valid == "always" else cube.solar_zenith(index)
    if zenith is None:
        return None
    gone, full = DAY_FADE if layer.valid == "day" else NIGHT_FADE
    return np.asarray(np.clip((lattice.lay(zenith) - gone) / (full - gone), 0, 1), dtype=np.float32)


def rgb(colour: str) -> tuple[int, int, int]:
    """Red, green and blue of ``#rrggbb``, 0–255."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue
