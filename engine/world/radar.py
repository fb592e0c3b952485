"""The radar twin of an island: C-band backscatter in VV and VH as Sentinel-1 would measure it on the same date.

Same strokes as the optical picture, with a backscatter for each material instead of a reflectance; then the slope of the ground
towards the radar, and speckle. Clouds and the sun leave no trace in it. SYNTHETIC.

What is simplified: everything lies where the map has it (terrain-corrected geometry, so layover brightens slopes but does not
move them); one incidence angle for the whole scene; speckle without correlation between pixels.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.world.canvas import FINE, Canvas, Frame, Ink
from engine.world.classes import LandCover
from engine.world.light import dunes
from engine.world.moment import Moment
from engine.world.noise import FloatImage, stream
from engine.world.palette import Colour, Palette

POLARISATIONS: Final = ("VV", "VH")
INCIDENCE_DEG: Final = 39.0
"""Of the radar's ray against the vertical: the middle of Sentinel-1's wide swath (29° to 46°)."""
LOOK_AZIMUTH_DEG: Final = 77.0
"""Where the ray travels, clockwise from north: an ascending orbit that looks to its right."""
LAID_OVER_DEG: Final = 12.0
"""Local incidence below which slopes grow no brighter."""
LOOKS: Final = 4.4
"""Equivalent number of looks of Sentinel-1's wide-swath product in high resolution (Sentinel-1 Product Specification)."""
FLOOR_DB: Final = -30.0
"""What is left of the instrument's noise after it has been subtracted."""

ECHOES: Final[dict[str, tuple[float, float]]] = {
    "basin": (-20.0, -28.0),
    "deep": (-16.5, -25.5),
    "lake": (-21.0, -29.0),
    "silt": (-19.5, -28.0),
    "foam": (-12.5, -22.0),
    "sand": (-17.0, -26.0),
    "wet_sand": (-13.5, -23.0),
    "dune": (-19.0, -28.0),
    "dune_pale": (-20.0, -28.5),
    "rock": (-10.0, -17.5),
    "rock_dark": (-9.5, -17.0),
    "scree": (-9.0, -16.5),
    "soil": (-11.5, -20.0),
    "soil_pale": (-12.5, -21.0),
    "lush": (-12.0, -18.5),
    "dry": (-13.5, -21.0),
    "crop": (-10.0, -15.5),
    "gold": (-12.5, -19.0),
    "blossom": (-9.5, -14.5),
    "conifer": (-9.4, -14.6),
    "leaf": (-8.9, -14.0),
    "leaf_gold": (-9.2, -14.5),
    "twig": (-9.8, -15.6),
    "shrub": (-11.0, -17.0),
    "reed": (-8.5, -16.5),
    "snow": (-14.0, -21.5),
    "char": (-11.0, -19.0),
    "regrowth": (-10.5, -16.0),
    "stump": (-10.0, -17.5),
    "asphalt": (-18.0, -26.0),
    "road": (-17.0, -25.0),
    "track": (-14.5, -22.5),
    "concrete": (-14.0, -22.0),
    "runway": (-20.0, -28.0),
    "marking": (-20.0, -28.0),
    "yard": (-12.0, -20.0),
    "shadow": (0.0, -9.0),  # dark paint on metal: the sun's shadows are not drawn here
    "white": (1.0, -8.0),
    "container_red": (0.0, -8.0),
    "container_blue": (0.0, -8.0),
    "container_green": (0.0, -8.0),
    "hull": (3.0, -6.0),
    "cloud": (-99.0, -99.0),
}
"""Backscatter σ0 of materials at ``INCIDENCE_DEG``, dB: VV, VH.

Source: middle of the ranges in Ulaby and Dobson 1989, "Handbook of Radar Scattering Statistics for Terrain" (C-band, 40°).
"""
ROOF_ECHOES: Final[dict[str, tuple[float, float]]] = {
    "tile": (-6.0, -14.0),
    "tile_old": (-6.0, -14.0),
    "slate": (-6.5, -14.5),
    "grey": (-5.0, -13.0),
    "pale": (-5.0, -13.0),
    "white": (-3.0, -12.0),
    "blue": (-3.0, -12.0),
    "rust": (-3.0, -12.0),
}
WALL: Final = (7.0, -4.0)
"""σ0 of the corner between the ground and a wall 10 m high that faces the radar squarely, dB: VV, VH."""


def backscatter(moment: Moment) -> NDArray[np.float32]:
    """Backscatter of an island on a date.

    Returns:
        (2, size, size) float32 σ0 in dB: VV, VH; speckle of ``LOOKS`` looks, drawn anew for each date.
    """
    power = intensity(moment)
    rng = stream(moment.terrain.plan.seed, f"speckle {moment.season.when:%Y%m%d}")
    power *= rng.standard_gamma(LOOKS, power.shape, dtype=np.float32) / np.float32(LOOKS)
    return np.asarray(10 * np.log10(np.maximum(power, np.float32(1e-6))), dtype=np.float32)


def intensity(moment: Moment) -> NDArray[np.float32]:
    """The same without speckle: (2, size, size) float32 σ0 as a power ratio."""
    from scipy.ndimage import gaussian_filter

    canvas = EchoCanvas(moment.size)
    picture, built = moment.painted(_palette(moment), canvas, 1)  # the slopes of waves show in VV
    wind = float(stream(moment.terrain.plan.seed, f"wind {moment.season.when:%Y%m%d}").uniform(-2, 2))
    gust = 10 ** ((wind + 0.6 * moment.cover.drift) / 10)
    picture[..., :2] *= np.where(moment.kind == LandCover.SEA, gust, 1)[..., None] ** (1 - built[..., None])
    level = np.maximum(built, moment.water)
    picture[..., :2] *= (slope_gain(moment) * (1 - level) + level)[..., None]
    floor = np.float32(10 ** (FLOOR_DB / 10))
    return np.stack([gaussian_filter(np.maximum(picture[..., band], 0), 0.7) + floor for band in range(2)])


def slope_gain(moment: Moment) -> FloatImage:
    """(size, size) how much brighter sloping ground is than level ground, as a power ratio.

    .. math:: g = \\frac{\\sin θ}{\\sin θ_l} \\cdot \\frac{\\cos θ_l}{\\cos θ}, \\quad θ_l = θ - \\arctan(\\text{rise along the ray})

    The first factor is the ground that shares a range cell (a slope that faces the radar crowds into few), the second the fall of
    σ0 = γ0 cos θ with the local angle. Ground that faces the ray within ``LAID_OVER_DEG`` lies over and stays at the largest gain;
    ground turned away from the ray altogether is in shadow.

    Source: Ulander 1996, "Radiometric slope correction of synthetic-aperture radar images", restricted to the plane of the ray.
    """
    from scipy.ndimage import gaussian_filter

    along = np.deg2rad(LOOK_AZIMUTH_DEG)
    height = gaussian_filter(moment.terrain.height + dunes(moment.terrain, moment.cover, moment.kind), 1.0)  # a cell holds 20 m
    gy, gx = np.gradient(height, 10.0)
    rise = gx * np.sin(along) - gy * np.cos(along)
    flat = np.deg2rad(INCIDENCE_DEG)
    local = flat - np.arctan(rise)
    crowded = np.sin(flat) / np.sin(np.clip(local, np.deg2rad(LAID_OVER_DEG), np.pi / 2))
    facing = np.clip(np.cos(local), 0, 1) / np.cos(flat)
    return np.asarray(crowded * facing, dtype=np.float32)


def _palette(moment: Moment) -> Palette:
    """Power ratios in the first two of four channels; a seed shifts each material a little, both polarisations alike."""
    rng = stream(moment.terrain.plan.seed, "echoes")

    def shifted(decibels: tuple[float, float]) -> Colour:
        power = 10 ** ((np.array(decibels) + rng.normal(0, 0.4)) / 10)
        return np.array([*power, 0, 0], dtype=np.float32)

    colours = {name: shifted(echo) for name, echo in ECHOES.items()}
    roofs = {name: shifted(echo) for name, echo in ROOF_ECHOES.items()}
    return Palette(colours, roofs, moment.palette.house_roofs, np.full(4, 1e3, dtype=np.float32))


class EchoCanvas(Canvas):
    """A drawing board for backscatter: powers of any size, walls that face the radar shine, radar shadow instead of the sun's."""

    def building(
        self, place: tuple[Frame, float, float, float, float], roof: Colour, shadow: Colour, reach: tuple[float, float], height: float = 1.0
    ) -> None:
        """A roof, what it hides behind it, and the bright corners before it; the sun's shadow and its reach play no part."""
        frame, u, v, length, width = place
        along = np.deg2rad(LOOK_AZIMUTH_DEG)
        ray = (float(np.sin(along)), -float(np.cos(along)))
        hidden = height * float(np.tan(np.deg2rad(INCIDENCE_DEG)))
        self.box(*place, _DARK, (ray[0] * hidden, ray[1] * hidden))
        self.box(*place, roof)
        laid = float(np.clip(0.6 * height, 0.34, 1.2))
        for out_u, out_v, side in ((1, 0, width), (-1, 0, width), (0, 1, length), (0, -1, length)):
            normal = (out_u * np.cos(frame.angle) - out_v * np.sin(frame.angle), out_u * np.sin(frame.angle) + out_v * np.cos(frame.angle))
            facing = -float(normal[0] * ray[0] + normal[1] * ray[1])
            if facing > 0.5:
                power = _WALL * np.float32(min(height, 2.0) * facing**6)
                size = (laid, side) if out_u else (side, laid)
                self.box(frame, u + out_u * (length + laid) / 2, v + out_v * (width + laid) / 2, *size, power)

    def shadow_disc(self, x: float, y: float, radius: float, colour: Colour) -> None:
        """Nothing: the sun plays no part."""

    def _papers(self, side: int) -> tuple[tuple[Image.Image, ...], Callable[[Colour], tuple[Ink, ...]]]:
        return (Image.new("F", (side, side)), Image.new("F", (side, side))), _inked

    def _colours(self) -> NDArray[np.float32]:
        sheets = [np.asarray(sheet.reduce(FINE), dtype=np.float32) for sheet in self._sheets]
        return np.stack([*sheets, *(np.zeros_like(sheets[0]) for _ in range(2))], axis=-1)


_WALL: Final[Colour] = np.array([10 ** (WALL[0] / 10), 10 ** (WALL[1] / 10), 0, 0], dtype=np.float32)
_DARK: Final[Colour] = np.array([10**-2.4, 10**-2.9, 0, 0], dtype=np.float32)


def _inked(colour: Colour) -> tuple[Ink, ...]:
    return float(colour[0]), float(colour[1])
