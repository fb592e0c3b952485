"""Spectra of materials at the twelve bands of Sentinel-2, and palettes for any four of them.

The curves are typical ones, rounded from published measurements; they give a material's shape beyond the four bands in which
an island's palette is drawn. Shades of an island (its own soil, its own roofs) keep their ratio to the curve.

Source: shapes after the USGS Spectral Library Version 7 (Kokaly et al. 2017) and the ECOSTRESS library (Meerdink et al. 2019);
water after Pope and Fry 1997; band centres from the Sentinel-2 MSI User Guide.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from engine.world.palette import Colour, Palette

BANDS: Final = ("B01", "B02", "B03", "B04", "B05", "B06", "B07", "B08", "B8A", "B09", "B11", "B12")
"""Sentinel-2's bands without B10, which sees cirrus alone and is no surface reflectance."""

WAVELENGTHS_NM: Final = (443, 490, 560, 665, 705, 740, 783, 842, 865, 945, 1610, 2190)
"""Centres of ``BANDS``."""

CURVES: Final[dict[str, tuple[float, ...]]] = {
    "water": (0.030, 0.032, 0.027, 0.012, 0.009, 0.005, 0.004, 0.004, 0.003, 0.002, 0.001, 0.001),
    "turbid water": (0.038, 0.045, 0.070, 0.060, 0.050, 0.022, 0.020, 0.016, 0.013, 0.008, 0.003, 0.002),
    "foam": (0.53, 0.53, 0.52, 0.50, 0.47, 0.45, 0.43, 0.40, 0.38, 0.30, 0.10, 0.06),
    "snow": (0.77, 0.76, 0.74, 0.72, 0.71, 0.70, 0.68, 0.66, 0.65, 0.57, 0.10, 0.07),
    "cloud": (0.66, 0.65, 0.63, 0.62, 0.62, 0.61, 0.61, 0.60, 0.60, 0.56, 0.46, 0.32),
    "grass": (0.026, 0.031, 0.088, 0.042, 0.125, 0.320, 0.405, 0.430, 0.445, 0.450, 0.240, 0.120),
    "leaf": (0.020, 0.022, 0.060, 0.030, 0.088, 0.290, 0.375, 0.400, 0.410, 0.415, 0.210, 0.095),
    "turning leaf": (0.024, 0.028, 0.080, 0.120, 0.170, 0.245, 0.275, 0.290, 0.300, 0.305, 0.235, 0.135),
    "conifer": (0.016, 0.019, 0.035, 0.018, 0.050, 0.160, 0.205, 0.220, 0.228, 0.232, 0.105, 0.046),
    "reed": (0.033, 0.040, 0.080, 0.070, 0.110, 0.185, 0.222, 0.240, 0.248, 0.245, 0.150, 0.085),
    "blossom": (0.038, 0.045, 0.270, 0.250, 0.300, 0.410, 0.445, 0.460, 0.470, 0.470, 0.260, 0.135),
    "straw": (0.066, 0.080, 0.138, 0.165, 0.198, 0.225, 0.248, 0.270, 0.282, 0.292, 0.370, 0.265),
    "bark": (0.044, 0.050, 0.066, 0.080, 0.100, 0.128, 0.150, 0.170, 0.178, 0.188, 0.245, 0.175),
    "shrub": (0.050, 0.058, 0.095, 0.105, 0.140, 0.195, 0.222, 0.240, 0.250, 0.256, 0.280, 0.190),
    "soil": (0.056, 0.068, 0.098, 0.135, 0.150, 0.163, 0.178, 0.190, 0.198, 0.212, 0.290, 0.262),
    "sand": (0.172, 0.200, 0.258, 0.290, 0.308, 0.328, 0.350, 0.370, 0.378, 0.385, 0.465, 0.440),
    "wet sand": (0.108, 0.125, 0.165, 0.190, 0.196, 0.198, 0.200, 0.200, 0.200, 0.188, 0.140, 0.095),
    "red sand": (0.093, 0.115, 0.178, 0.245, 0.268, 0.288, 0.305, 0.320, 0.328, 0.335, 0.425, 0.405),
    "rock": (0.112, 0.122, 0.140, 0.155, 0.165, 0.175, 0.188, 0.200, 0.204, 0.208, 0.240, 0.225),
    "char": (0.028, 0.030, 0.033, 0.038, 0.041, 0.045, 0.050, 0.055, 0.058, 0.062, 0.098, 0.120),
    "asphalt": (0.078, 0.082, 0.078, 0.078, 0.080, 0.083, 0.086, 0.090, 0.092, 0.095, 0.116, 0.120),
    "concrete": (0.182, 0.198, 0.210, 0.215, 0.218, 0.222, 0.226, 0.230, 0.233, 0.236, 0.262, 0.248),
    "tile": (0.056, 0.068, 0.098, 0.185, 0.205, 0.216, 0.228, 0.240, 0.243, 0.246, 0.315, 0.308),
    "slate": (0.112, 0.115, 0.107, 0.105, 0.107, 0.111, 0.116, 0.120, 0.122, 0.124, 0.142, 0.138),
    "white paint": (0.42, 0.45, 0.46, 0.46, 0.46, 0.46, 0.455, 0.45, 0.45, 0.44, 0.39, 0.32),
    "blue paint": (0.15, 0.17, 0.12, 0.085, 0.092, 0.118, 0.160, 0.200, 0.208, 0.215, 0.220, 0.185),
    "red paint": (0.045, 0.050, 0.070, 0.220, 0.222, 0.222, 0.221, 0.220, 0.220, 0.220, 0.230, 0.210),
    "green paint": (0.080, 0.090, 0.150, 0.060, 0.075, 0.130, 0.175, 0.200, 0.203, 0.205, 0.205, 0.170),
    "shadow": (0.029, 0.026, 0.020, 0.018, 0.020, 0.024, 0.027, 0.030, 0.030, 0.030, 0.028, 0.020),
}
"""Reflectance 0–1 at ``BANDS``."""

_SHAPES: Final[dict[str, str]] = {
    "basin": "water", "deep": "water", "lake": "water", "silt": "turbid water", "foam": "foam", "sand": "sand", "wet_sand": "wet sand",
    "dune": "red sand", "dune_pale": "red sand", "rock": "rock", "rock_dark": "rock", "scree": "rock", "soil": "soil", "soil_pale": "soil",
    "lush": "grass", "dry": "straw", "crop": "grass", "gold": "straw", "blossom": "blossom", "conifer": "conifer", "leaf": "leaf",
    "leaf_gold": "turning leaf", "twig": "bark", "shrub": "shrub", "reed": "reed", "snow": "snow", "char": "char", "regrowth": "shrub",
    "stump": "straw", "asphalt": "asphalt", "road": "concrete", "track": "soil", "concrete": "concrete", "runway": "asphalt",
    "marking": "white paint", "yard": "concrete", "shadow": "shadow", "white": "white paint", "container_red": "red paint",
    "container_blue": "blue paint", "container_green": "green paint", "hull": "red paint", "cloud": "cloud",
}  # fmt: skip
_ROOF_SHAPES: Final[dict[str, str]] = {
    "tile": "tile", "tile_old": "tile", "slate": "slate", "grey": "concrete", "pale": "concrete", "white": "white paint",
    "blue": "blue paint", "rust": "tile",
}  # fmt: skip

_ANCHORS: Final = ("B02", "B03", "B04", "B08")
_ATTENUATION: Final = (0.095, 0.088, 0.105, 0.38, 0.75, 2.7, 2.3, 1.9, 4.6, 28.0, 600.0, 600.0)
"""Diffuse attenuation of clear sea water at ``BANDS``, 1/m; the last two are lower limits, nothing comes back from there."""


def spectrum(colour: Colour, shape: str) -> Colour:
    """The twelve bands of a material known in four.

    The curve is scaled by the material's ratio to it, which is interpolated between the four bands over wavelength and held beyond.

    Args:
        colour: (4,) reflectance: red, green, blue, near infrared.
        shape: Key of ``CURVES``.

    Returns:
        (12,) float32 reflectance 0–1 at ``BANDS``; at B04, B03, B02 and B08 it is ``colour``.
    """
    curve = np.array(CURVES[shape])
    at = [BANDS.index(name) for name in _ANCHORS]
    ratio = colour[[2, 1, 0, 3]] / curve[at]
    shades = np.interp(WAVELENGTHS_NM, [WAVELENGTHS_NM[index] for index in at], ratio)
    return np.asarray(np.clip(curve * shades, 0, 1), dtype=np.float32)


def palette_of(base: Palette, names: Sequence[str]) -> Palette:
    """An island's palette in four other bands.

    Args:
        base: Its palette in red, green, blue and near infrared.
        names: Four of ``BANDS``.
    """
    chosen = [BANDS.index(name) for name in names]
    colours = {name: spectrum(colour, _SHAPES[name])[chosen] for name, colour in base.colours.items()}
    roofs = {name: spectrum(colour, _ROOF_SHAPES[name])[chosen] for name, colour in base.roofs.items()}
    return Palette(colours, roofs, base.house_roofs, np.array(_ATTENUATION, dtype=np.float32)[chosen])
