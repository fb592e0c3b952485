"""Reflectances of materials in red, green, blue and near infrared, as a satellite over the Atlantic would see them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from engine.world.noise import stream

Colour = NDArray[np.float32]
"""(4,) reflectance 0–1: red, green, blue, near infrared."""

MATERIALS: dict[str, tuple[float, float, float, float]] = {
    "basin": (0.014, 0.040, 0.046, 0.005),
    "deep": (0.006, 0.020, 0.042, 0.003),
    "lake": (0.012, 0.026, 0.030, 0.004),
    "silt": (0.060, 0.070, 0.045, 0.016),
    "foam": (0.50, 0.52, 0.53, 0.40),
    "sand": (0.290, 0.258, 0.200, 0.37),
    "wet_sand": (0.19, 0.165, 0.125, 0.20),
    "dune": (0.245, 0.178, 0.115, 0.32),
    "dune_pale": (0.285, 0.226, 0.160, 0.36),
    "rock": (0.155, 0.140, 0.122, 0.20),
    "rock_dark": (0.085, 0.078, 0.070, 0.12),
    "scree": (0.225, 0.205, 0.180, 0.27),
    "soil": (0.135, 0.098, 0.068, 0.19),
    "soil_pale": (0.215, 0.170, 0.120, 0.27),
    "lush": (0.045, 0.090, 0.032, 0.42),
    "dry": (0.165, 0.138, 0.080, 0.27),
    "crop": (0.036, 0.085, 0.030, 0.47),
    "gold": (0.255, 0.205, 0.105, 0.33),
    "blossom": (0.250, 0.270, 0.045, 0.46),
    "conifer": (0.018, 0.035, 0.019, 0.22),
    "leaf": (0.030, 0.060, 0.022, 0.40),
    "leaf_gold": (0.120, 0.080, 0.028, 0.29),
    "twig": (0.080, 0.066, 0.050, 0.17),
    "shrub": (0.105, 0.095, 0.058, 0.24),
    "reed": (0.070, 0.080, 0.040, 0.24),
    "snow": (0.72, 0.74, 0.76, 0.66),
    "char": (0.038, 0.033, 0.030, 0.055),
    "regrowth": (0.075, 0.085, 0.042, 0.25),
    "stump": (0.165, 0.128, 0.090, 0.24),
    "asphalt": (0.078, 0.078, 0.082, 0.09),
    "road": (0.170, 0.160, 0.148, 0.19),
    "track": (0.220, 0.185, 0.140, 0.28),
    "concrete": (0.215, 0.210, 0.198, 0.23),
    "runway": (0.105, 0.106, 0.112, 0.115),
    "marking": (0.40, 0.40, 0.39, 0.40),
    "yard": (0.150, 0.145, 0.138, 0.16),
    "shadow": (0.018, 0.020, 0.026, 0.03),
    "white": (0.46, 0.46, 0.45, 0.45),
    "container_red": (0.22, 0.07, 0.05, 0.22),
    "container_blue": (0.05, 0.10, 0.20, 0.18),
    "container_green": (0.06, 0.15, 0.09, 0.2),
    "hull": (0.15, 0.05, 0.045, 0.15),
    "cloud": (0.62, 0.63, 0.65, 0.60),
}

ROOFS: dict[str, tuple[float, float, float, float]] = {
    "tile": (0.185, 0.098, 0.068, 0.24),
    "tile_old": (0.175, 0.100, 0.075, 0.21),
    "slate": (0.105, 0.107, 0.115, 0.12),
    "grey": (0.160, 0.157, 0.152, 0.18),
    "pale": (0.225, 0.216, 0.202, 0.25),
    "white": (0.330, 0.330, 0.325, 0.33),
    "blue": (0.085, 0.120, 0.170, 0.20),
    "rust": (0.175, 0.110, 0.082, 0.21),
}


def _of_water() -> Colour:
    return np.array([0.38, 0.105, 0.088, 1.9], dtype=np.float32)


@dataclass(frozen=True)
class Palette:
    """The colours of one island: the materials, shifted a little by its seed.

    Attributes:
        colours: Four numbers a material; reflectance in red, green, blue and near infrared unless said otherwise.
        roofs: The same for roofs.
        house_roofs: Which roofs the houses have.
        attenuation: (4,) diffuse attenuation of clear sea water, 1/m: how soon the bottom is lost from sight.
    """

    colours: dict[str, Colour]
    roofs: dict[str, Colour]
    house_roofs: tuple[str, ...]
    attenuation: Colour = field(default_factory=_of_water)

    @classmethod
    def drawn(cls, seed: int) -> Palette:
        """The palette that a seed gives."""
        rng = stream(seed, "palette")

        def shifted(base: tuple[float, float, float, float]) -> Colour:
            brightness = rng.normal(1, 0.07)
            return np.asarray(np.array(base) * brightness * rng.normal(1, 0.03, 4), dtype=np.float32)

        colours = {name: shifted(base) for name, base in MATERIALS.items()}
        warm = float(rng.uniform(-0.12, 0.12))
        for name in ("dune", "dune_pale", "soil", "soil_pale", "sand", "scree"):
            colours[name] = np.asarray(colours[name] * np.array([1 + warm, 1, 1 - 1.3 * warm, 1]), dtype=np.float32)
        roofs = {name: shifted(base) for name, base in ROOFS.items()}
        styles = (
            ("tile", "tile", "tile_old", "tile_old", "grey", "pale"),
            ("slate", "grey", "grey", "tile_old", "pale", "rust"),
            ("tile", "tile_old", "slate", "grey", "pale", "white"),
        )
        return cls(colours, roofs, styles[int(rng.integers(len(styles)))])

    def __getitem__(self, name: str) -> Colour:
        return self.colours[name]
