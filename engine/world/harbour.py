"""Harbours: breakwaters, quays, piers, ships at berth and at anchor, and a marina."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.canvas import Canvas, Frame
from engine.world.classes import LandCover
from engine.world.lots import Lots
from engine.world.palette import Colour, Palette
from engine.world.season import Season
from engine.world.terrain import Terrain
from engine.world.works import sun_reach

NEW_PIER_FROM = 0.65


@dataclass(frozen=True, slots=True)
class Harbour:
    """A harbour on the coast.

    Attributes:
        frame: On the shore, u along the coast, v out to sea.
        scale: 1 for the large port.
        marina: Whether it is for small boats.
        anchorage: (n, 2) spots in deep water where ships may lie, x, y in pixels.
        seed: For ships.
    """

    frame: Frame
    scale: float
    marina: bool
    anchorage: NDArray[np.float64]
    seed: int

    @classmethod
    def placed(cls, terrain: Terrain, lots: Lots, name: str, marina: bool, rng: np.random.Generator) -> Harbour | None:
        """At the piece of coast near a site where the water in front is open."""
        plan = terrain.plan
        site = plan.sites[name]
        scale = plan.unit if not marina else 0.55 * plan.unit
        shore = terrain.shore
        rows, columns = np.nonzero((np.abs(shore) < 1.2) & (np.hypot(*_offsets(site.x, site.y, plan.size)) < max(1.6 * site.radius, 60)))
        gy, gx = (np.asarray(part) for part in np.gradient(_smoothed(shore)))
        best, best_score = None, -9.0
        for row, column in zip(rows[::17], columns[::17], strict=True):
            out = float(np.arctan2(-gy[row, column], -gx[row, column]))
            frame = Frame(float(column), float(row), out - np.pi / 2)
            score = _fit(frame, scale, shore) - 0.15 * float(np.hypot(column - site.x, row - site.y)) / site.radius
            if score > best_score:
                best, best_score = frame, score
        if best is None:
            return None
        lots.take(best.box(0, -9 * scale, 170 * scale, 22 * scale))
        spots = best.points(rng.uniform([-150, 85], [150, 190], (40, 2)) * scale)
        inside = (spots > 8).all(1) & (spots < plan.size - 9).all(1)
        spots = spots[inside]
        deep = shore[spots[:, 1].astype(int), spots[:, 0].astype(int)] < -14
        return cls(best, scale, marina, spots[deep][:9], int(rng.integers(1 << 31)))

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw it as it stands on a date."""
        s, frame = self.scale, self.frame
        out = 42 if self.marina else 66
        basin = frame.points(np.array([(-80, -4), (-76, 28), (-46, out), (46, out), (76, 28), (80, -4)]) * s)
        canvas.name(basin, LandCover.HARBOUR)
        canvas.polygon(basin, palette["basin"])
        for side in (-1, 1):
            arm = frame.points(np.array([(side * 82, -6), (side * 78, 28), (side * 47, out), (side * 14, out + 5 * side)]) * s)
            canvas.line(arm, 2.6, palette["rock"])
            canvas.line(arm, 1.0, palette["concrete"])
        quay = frame.box(0, -9 * s, 166 * s, 22 * s)
        canvas.name(quay, LandCover.HARBOUR)
        canvas.polygon(quay, palette["concrete"] * np.float32(0.85))
        if self.marina:
            self._pontoons(canvas, palette, season)
        else:
            self._sheds(canvas, palette, season)
            self._piers(canvas, palette, season)
            self._anchored(canvas, palette, season)

    def _sheds(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        rng = np.random.default_rng(self.seed)
        sun, s = sun_reach(season), self.scale
        for u in np.arange(-72, 72, 17.0):
            if rng.random() < 0.6:
                roof = palette.roofs[("white", "grey", "blue", "rust")[int(rng.integers(4))]]
                canvas.building((self.frame, float(u) * s, -15 * s, 13 * s, 6.5 * s), roof, palette["shadow"], sun)
        boxes = np.random.default_rng([self.seed, season.when.toordinal()])
        paints = [palette[name] for name in ("container_red", "container_blue", "container_green", "white", "yard")]
        for u in np.arange(-76, 76, 1.7):
            for v in (-7.5, -5.8, -4.1, -2.4):
                if boxes.random() < 0.55:
                    canvas.box(self.frame, u * s, v * s, 1.35, 0.8, paints[int(boxes.integers(5))])

    def _piers(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        rng = np.random.default_rng([self.seed, season.when.toordinal()])
        s = self.scale
        piers = [-54.0, -27.0, 0.0, 27.0] + ([54.0] if season.share >= NEW_PIER_FROM else [])
        for u in piers:
            length = (34 if u == 0 or abs(u) == 27 else 26) * s
            canvas.box(self.frame, u * s, 2 * s + length / 2, 6.0 * s, length, palette["concrete"])
            canvas.line(self.frame.points([(u * s, 2 * s), (u * s, 2 * s + length - 2)]), 1.2, palette["asphalt"])
            for side in (-1, 1):
                if rng.random() < 0.8:
                    long = float(rng.uniform(13, 24)) * s
                    berth = self.frame.at(
                        u * s + side * (3.0 * s + 2.2),
                        4 * s + long / 2 + float(rng.uniform(0, 4)),
                        float(rng.choice([np.pi / 2, -np.pi / 2])),
                    )
                    ship(canvas, berth, long, palette, rng)
        for _ in range(6):
            spot = self.frame.at(float(rng.uniform(-60, 60)) * s, float(rng.uniform(42, 56)) * s, float(rng.uniform(0, 6.28)))
            ship(canvas, spot, float(rng.uniform(2.5, 5)), palette, rng)

    def _anchored(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        rng = np.random.default_rng([self.seed + 1, season.when.toordinal()])
        heading = float(rng.uniform(0, 6.28))
        for x, y in self.anchorage:
            if rng.random() < 0.7:
                place = Frame(float(x + rng.normal(0, 4)), float(y + rng.normal(0, 4)), heading + float(rng.normal(0, 0.15)))
                ship(canvas, place, float(rng.uniform(11, 22)) * self.scale, palette, rng)

    def _pontoons(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        rng = np.random.default_rng([self.seed, season.when.toordinal()])
        s = self.scale
        for u in np.arange(-60, 61, 15.0):
            canvas.line(self.frame.points([(u * s, 2), (u * s, 27 * s)]), 0.6, palette["concrete"])
            for v in np.arange(5, 26 * s, 1.15):
                for side in (-1, 1):
                    if rng.random() < 0.8:
                        canvas.box(self.frame, u * s + side * 1.35, float(v), 1.7, 0.55, palette["white"])


def ship(canvas: Canvas, frame: Frame, length: float, palette: Palette, rng: np.random.Generator) -> None:
    """A ship seen from above: pointed bow towards +u, deck, cargo, bridge at the stern."""
    beam = float(np.clip(length * 0.17, 0.8, 3.4))
    hull = np.array([(-0.5, -0.5), (0.34, -0.5), (0.5, 0), (0.34, 0.5), (-0.5, 0.5)]) * [length, beam]
    paint: Colour = palette[("hull", "container_blue", "white", "shadow")[int(rng.integers(4))]]
    canvas.polygon(frame.points(hull), paint)
    canvas.polygon(frame.points(hull * [0.93, 0.72]), palette["yard"])
    if length > 8:
        cargo = [palette[name] for name in ("container_red", "container_blue", "container_green", "hull")]
        for u in np.arange(-0.26 * length, 0.3 * length, 1.5):
            canvas.box(frame, float(u), 0, 1.2, beam * 0.62, cargo[int(rng.integers(4))])
    canvas.box(frame, -0.40 * length, 0, max(0.10 * length, 0.7), beam * 0.8, palette["white"])


def _offsets(x: float, y: float, size: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    rows, columns = np.mgrid[:size, :size]
    return np.asarray(columns - x), np.asarray(rows - y)


def _smoothed(shore: NDArray[np.float32]) -> NDArray[np.float32]:
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(shore, 18), dtype=np.float32)


def _fit(frame: Frame, scale: float, shore: NDArray[np.float32]) -> float:
    """How well the basin lies in water and the quay on land, −1 to 1."""
    u, v = np.meshgrid(np.linspace(-70, 70, 9), np.linspace(8, 80, 7))
    wet = _sampled(shore, frame.points(np.column_stack([u.ravel(), v.ravel()]) * scale)) < 0
    u, v = np.meshgrid(np.linspace(-70, 70, 9), [-20.0, -12.0])
    dry = _sampled(shore, frame.points(np.column_stack([u.ravel(), v.ravel()]) * scale)) > 0
    return float(wet.mean() + 0.7 * dry.mean() - 0.7)


def _sampled(field: NDArray[np.float32], points: NDArray[np.float64]) -> NDArray[np.float32]:
    size = field.shape[0]
    columns, rows = points[:, 0].astype(int), points[:, 1].astype(int)
    inside = (columns >= 0) & (rows >= 0) & (columns < size) & (rows < size)
    values = field[np.clip(rows, 0, size - 1), np.clip(columns, 0, size - 1)]
    return np.where(inside, values, np.float32(50))
