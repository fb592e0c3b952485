"""Layers of a fog cube: recipes from assets/fog/layers, painted and laid in web-Mercator rows."""

from engine.fog.layers.masks import paint_difference, paint_labels, paint_mask
from engine.fog.layers.mercator import Lattice
from engine.fog.layers.painted import Painted
from engine.fog.layers.painting import paint_bands
from engine.fog.layers.recipe import Band, Layer, Legend, Swatch, all_layers, layer_named

__all__ = [
    "Band",
    "Lattice",
    "Layer",
    "Legend",
    "Painted",
    "Swatch",
    "all_layers",
    "layer_named",
    "paint_bands",
    "paint_difference",
    "paint_labels",
    "paint_mask",
]
