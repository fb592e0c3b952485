"""An island on one date before any sensor looks at it: what stands where, and how it is painted in any four wavelengths."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world import light
from engine.world.canvas import Canvas
from engine.world.classes import LandCover
from engine.world.cover import Cover
from engine.world.noise import FloatImage
from engine.world.palette import Colour, Palette
from engine.world.season import Season
from engine.world.settlement import Settlement
from engine.world.surface import Ground, Paint
from engine.world.terrain import Terrain


@dataclass(frozen=True, slots=True)
class Moment:
    """An island on a date.

    Attributes:
        terrain: Shape of the ground.
        cover: What grows there.
        settlement: What people built.
        palette: Its colours in red, green, blue and near infrared.
        season: The date.
        kind: (size, size) natural LandCover on that date.
    """

    terrain: Terrain
    cover: Cover
    settlement: Settlement
    palette: Palette
    season: Season
    kind: NDArray[np.uint8]

    @property
    def size(self) -> int:
        """Side of the scene, pixels."""
        return self.terrain.plan.size

    @property
    def water(self) -> NDArray[np.bool_]:
        """(size, size), where natural water lies."""
        return np.isin(self.kind, [LandCover.SEA, LandCover.LAKE, LandCover.RIVER])

    def painted(self, palette: Palette, canvas: Canvas, swell: int = 3) -> tuple[Paint, FloatImage]:
        """Ground, waves and buildings without light and air.

        The same strokes whatever the palette stands for, so that pictures in different wavelengths show the same mixtures.

        Args:
            palette: Four numbers a material.
            canvas: Empty; holds the labels of what was built afterwards.
            swell: How many leading channels the slopes of the waves brighten.

        Returns:
            (size, size, 4) what the palette's numbers measure, and the (size, size) share that is built over.
        """
        self.settlement.draw(canvas, palette, self.season)
        ground = Ground(self.terrain, self.cover, palette, self.season, self.kind)
        picture = ground.painted().reshape(self.size, self.size, 4)
        light.waves(picture, self.terrain, self.cover, self.kind, self.season, palette["foam"], swell)
        if self.terrain.reservoir is not None:
            canvas.line(self.terrain.reservoir.dam, 1.8, palette["concrete"])
        return picture, canvas.over(picture, 1 + 0.035 * self.cover.grain + 0.05 * self.cover.mottle)


@dataclass(frozen=True, slots=True)
class Daylight:
    """What sun and clouds do to a picture; all (size, size).

    Attributes:
        bright: Brightness of the ground against flat ground.
        opacity: Of clouds, 0–1.
        shadow: Of clouds, 0–1.
    """

    bright: FloatImage
    opacity: FloatImage
    shadow: FloatImage

    @classmethod
    def of(cls, moment: Moment) -> Daylight:
        """The light of a date."""
        bright = light.shade(moment.terrain, moment.cover, moment.kind, moment.season)
        return cls(bright, *light.clouds(moment.terrain, moment.season))

    def fall(self, picture: Paint, built: FloatImage, named: NDArray[np.uint8], cloud: Colour) -> None:
        """Light a picture, in place.

        Args:
            picture: (size, size, 4) reflectance.
            built: (size, size) share that is built over: it is level and has drawn shadows of its own.
            named: (size, size) labels of what was built.
            cloud: Reflectance of a thick cloud.
        """
        bright = self.bright.copy()
        bright += (1 - bright) * np.maximum(built, 0.8 * (named > 0))
        picture *= bright[..., None]
        picture *= 1 - 0.62 * self.shadow[..., None]
        picture += (cloud * (0.75 + 0.35 * self.opacity[..., None]) - picture) * self.opacity[..., None]
