"""An airport: runway, taxiways, apron, terminal, aircraft; a second runway comes later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from engine.world.canvas import Canvas, Frame, Points
from engine.world.classes import LandCover
from engine.world.lots import Lots
from engine.world.palette import Colour, Palette
from engine.world.season import Season
from engine.world.terrain import Terrain
from engine.world.works import cars, sun_reach

SECOND_FROM = 0.6
"""Share of the series from which the second runway is in use; it is a building site before."""


@dataclass(frozen=True, slots=True)
class Airport:
    """An airfield.

    Attributes:
        frame: Middle of the first runway, u along it; the terminal stands at negative v, the second runway at positive.
        length: Length of the runway, pixels.
        scale: Size of everything across the runway, 1 for a full airport.
        second: Whether there is room for a second runway.
        seed: For aircraft and cars.
    """

    frame: Frame
    length: float
    scale: float
    second: bool
    seed: int

    @classmethod
    def placed(cls, terrain: Terrain, lots: Lots, rng: np.random.Generator) -> Airport | None:
        """The best free and level spot near the planned one."""
        plan = terrain.plan
        site = plan.sites["airport"]
        length, scale = 225 * plan.unit, float(np.clip(plan.unit * 1.15, 0.6, 1.0))
        best, best_score = None, 0.0
        step = site.radius / 4
        u, v = np.meshgrid(np.linspace(-0.56, 0.56, 25) * length, np.linspace(-42, 62, 12) * scale)
        spots = np.column_stack([u.ravel(), v.ravel()])
        free = lots.free
        for turn in np.arange(0, 2 * np.pi, np.pi / 8):
            for i in range(-6, 7):
                for j in range(-6, 7):
                    frame = Frame(site.x + i * step, site.y + j * step, float(turn))
                    points = frame.points(spots)
                    score = float(lots.free_at(points, free).mean()) - 0.004 * np.hypot(i, j)
                    if score > best_score:
                        best, best_score = frame, score
        if best is None or best_score < 0.9:
            return None
        airport = cls(best, length, scale, best_score > 0.955, int(rng.integers(1 << 31)))
        lots.take(airport.outline(airport.second))
        return airport

    def outline(self, second: bool) -> Points:
        """The fence around it."""
        a, s = self.length / 2 + 9, self.scale
        return self.frame.points([(-a, -40 * s), (a, -40 * s), (a, (56 if second else 12) * s), (-a, (56 if second else 12) * s)])

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw it as it stands on a date."""
        grass = palette["dry"] + (palette["lush"] - palette["dry"]) * np.float32(0.2 + 0.6 * season.lush)
        in_use = self.second and season.share >= SECOND_FROM
        canvas.name(self.outline(in_use), LandCover.AIRPORT)
        canvas.polygon(self.outline(in_use), grass)
        self._runway(canvas, palette, 0.0, self.length)
        self._aprons(canvas, palette, season)
        if in_use:
            self._runway(canvas, palette, 38 * self.scale, self.length * 0.92)
            for end in (-0.4, 0.0, 0.4):
                canvas.line(self._path([(end * self.length, 0), (end * self.length + 8, 38 * self.scale)]), 2.0, palette["runway"])
        elif self.second and season.share > 0:
            site = self.frame.box(0, 38 * self.scale, self.length * 0.95, 17 * self.scale)
            canvas.name(site, LandCover.BARE)
            canvas.polygon(site, palette["soil_pale"] * np.float32(1.1))
            canvas.box(self.frame, -0.15 * self.length, 38 * self.scale, self.length * 0.5, 5, palette["yard"])

    def _path(self, uv: ArrayLike) -> Points:
        return self.frame.points(uv)

    def _runway(self, canvas: Canvas, palette: Palette, v: float, length: float) -> None:
        canvas.box(self.frame, 0, v, length + 6, 7.5, palette["yard"])
        canvas.box(self.frame, 0, v, length, 5.2, palette["runway"])
        for u in np.arange(-length / 2 + 14, length / 2 - 14, 7.0):
            canvas.box(self.frame, float(u), v, 3.6, 0.5, palette["marking"])
        for end in (-1, 1):
            for across in (-1.8, -0.9, 0.9, 1.8):
                canvas.box(self.frame, end * (length / 2 - 4), v + across, 4.0, 0.5, palette["marking"])
            canvas.box(self.frame, end * (length / 2 - 22), v, 5.0, 2.4, palette["runway"] * np.float32(0.75))

    def _aprons(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        s, half = self.scale, self.length / 2
        taxi = palette["runway"] * np.float32(1.15)
        canvas.line(self._path([(-half, 0), (-half, -13 * s), (half, -13 * s), (half, 0)]), 2.3, taxi)
        for end in (-0.5, -0.12, 0.12, 0.5):
            canvas.line(self._path([(end * half * 1.1, -13 * s), (end * half * 1.1 + 7, 0)]), 2.0, taxi)
        canvas.box(self.frame, 0, -22.5 * s, half * 1.15, 15 * s, palette["concrete"])
        canvas.box(self.frame, 0.72 * half, -22 * s, half * 0.34, 13 * s, palette["concrete"] * np.float32(0.9))
        sun = sun_reach(season)
        for u, v, length, width, roof in (
            (0, -33 * s, half * 0.55, 4.2, "white"),
            (-0.17 * half, -29.5 * s, 3.0, 6.0, "white"),
            (0.17 * half, -29.5 * s, 3.0, 6.0, "white"),
            (0.68 * half, -32 * s, 11.0, 7.0, "pale"),
            (0.82 * half, -32 * s, 9.0, 7.0, "blue"),
        ):
            canvas.building((self.frame, u, v, length, width), palette.roofs[roof], palette["shadow"], sun, 1.2)
        cars(canvas, self.frame.at(-0.62 * half, -33 * s), half * 0.5, 9 * s, palette, season, self.seed)
        self._aircraft(canvas, palette, season)

    def _aircraft(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        rng = np.random.default_rng([self.seed, season.when.toordinal()])
        half, s = self.length / 2, self.scale
        for u in np.linspace(-0.5, 0.5, 11) * half:
            if rng.random() < 0.72:
                _plane(
                    canvas,
                    self.frame.at(float(u), -24.5 * s, float(np.pi / 2 + rng.normal(0, 0.08))),
                    palette,
                    float(rng.uniform(0.85, 1.25)),
                )
        for u in (0.64, 0.76, 0.86):
            if rng.random() < 0.7:
                _plane(canvas, self.frame.at(u * half, -21 * s, float(rng.uniform(0, 6.28))), palette, 0.7)
        _plane(canvas, self.frame.at(float(rng.uniform(-0.8, 0.8)) * half, float(rng.choice([0.0, -13 * s]))), palette, 1.1)


def _plane(canvas: Canvas, frame: Frame, palette: Palette, scale: float) -> None:
    body: Colour = palette["white"]
    shadow = Frame(frame.x + 0.5, frame.y + 0.5, frame.angle)
    for where, paint in ((shadow, palette["shadow"]), (frame, body)):
        canvas.line(where.points(np.array([(-2.2, 0), (2.2, 0)]) * scale), 0.62, paint)
        canvas.line(where.points(np.array([(-0.9, -2.0), (0.4, 0), (-0.9, 2.0)]) * scale), 0.5, paint)
        canvas.line(where.points(np.array([(-2.2, -0.8), (-1.8, 0), (-2.2, 0.8)]) * scale), 0.4, paint)
