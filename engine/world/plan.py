"""Where what lies on an island, before there is any terrain: themes set around the centre at angles from the mountains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.world.noise import stream


@dataclass(frozen=True, slots=True)
class Site:
    """A spot that was chosen for something.

    Attributes:
        x: Column, pixels.
        y: Row, pixels.
        angle: Direction that things there follow, radians, from the x axis towards +y (down).
        radius: Extent, pixels.
    """

    x: float
    y: float
    angle: float
    radius: float


@dataclass(frozen=True, slots=True)
class Plan:
    """The design of one island.

    Attributes:
        size: Side of the scene, pixels of 10 m.
        seed: The seed it follows from.
        unit: Scale of areas against the full island of 1344 pixels, at least 0.45.
        squeeze: Length of the island along and across its axis, as fractions of half the scene.
        axis: Direction of its long axis, radians.
        sites: What lies where; coastal sites are moved to the coast by the terrain.
    """

    size: int
    seed: int
    unit: float
    squeeze: tuple[float, float]
    axis: float
    sites: dict[str, Site]

    @classmethod
    def drawn(cls, size: int, seed: int) -> Plan:
        """The plan that a seed gives."""
        rng = stream(seed, "plan")
        unit = max(size / 1344, 0.45)
        north = float(rng.uniform(0, 2 * np.pi))
        hand = float(rng.choice([-1.0, 1.0]))
        half = size / 2
        # name: degrees from the mountains, distance from the centre as a fraction of half the scene, extent in pixels
        wishes = {
            "mountain": (0, 0.42, 235),
            "desert": (82, 0.52, 205),
            "pivots": (128, 0.47, 120),
            "plain": (180, 0.36, 330),
            "forest": (-78, 0.50, 230),
            "orchard": (-42, 0.62, 112),
            "lake_great": (196, 0.12, 60),
            "lake_forest": (-98, 0.40, 47),
            "lake_plain": (158, 0.54, 44),
            "lake_north": (-20, 0.66, 30),
            "capital": (-138, 0.72, 150),
            "town": (150, 0.30, 95),
            "airport": (184, 0.56, 130),
            "works": (-158, 0.60, 120),
            "works_inland": (112, 0.24, 95),
            "wetland": (-176, 0.74, 110),
            "quarry": (36, 0.44, 34),
            "marina": (62, 0.76, 50),
        }
        sites = {}
        for name, (degrees, distance, extent) in wishes.items():
            angle = north + hand * np.deg2rad(degrees + rng.normal(0, 4))
            reach = half * distance * float(rng.normal(1, 0.03))
            turn = float(rng.uniform(-0.5, 0.5))
            sites[name] = Site(half + reach * np.cos(angle), half + reach * np.sin(angle), float(angle) + turn, extent * unit)
        squeeze = (float(rng.uniform(0.90, 0.97)), float(rng.uniform(0.80, 0.87)))
        return cls(size, seed, unit, squeeze, north + float(rng.uniform(-0.6, 0.6)), sites)

    def near(self, name: str, stretch: float = 1.0) -> np.ndarray:
        """Closeness to a site: 1 at its middle, 0.37 at its extent, (size, size) float32."""
        site = self.sites[name]
        y, x = np.ogrid[: self.size, : self.size]
        along = (x - site.x) * np.cos(site.angle) + (y - site.y) * np.sin(site.angle)
        across = -(x - site.x) * np.sin(site.angle) + (y - site.y) * np.cos(site.angle)
        return np.asarray(np.exp(-((along / stretch) ** 2 + across**2) / site.radius**2), dtype=np.float32)
