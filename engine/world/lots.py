"""Land that is free to build on, and the blocks that a street grid makes of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.world.canvas import Frame, Points
from engine.world.classes import LandCover
from engine.world.cover import Cover
from engine.world.noise import FloatImage
from engine.world.terrain import Terrain


class Lots:
    """Which pixels can still be built on; taking a polygon uses it up."""

    def __init__(self, terrain: Terrain, cover: Cover) -> None:
        wet = np.isin(cover.kind, [LandCover.SEA, LandCover.LAKE, LandCover.RIVER, LandCover.WETLAND])
        flooded = terrain.reservoir.depth > -3 if terrain.reservoir else np.zeros_like(wet)
        blocked = wet | flooded | (terrain.slope > 0.34) | (terrain.shore < 2)
        self._taken = Image.fromarray(np.where(blocked, np.uint8(255), np.uint8(0)))
        self._pen = ImageDraw.Draw(self._taken)
        self.size = terrain.plan.size

    @property
    def free(self) -> NDArray[np.bool_]:
        """(size, size) whether a pixel is free."""
        return np.asarray(np.asarray(self._taken) == 0)

    def take(self, points: Points) -> None:
        """Use up a polygon."""
        self._pen.polygon([(float(x), float(y)) for x, y in points], fill=255)

    def take_line(self, points: Points, width: int) -> None:
        """Use up a strip."""
        self._pen.line([(float(x), float(y)) for x, y in points], fill=255, width=width)

    def free_share(self, points: Points) -> float:
        """Share of some points that are free; outside the scene nothing is."""
        return float(self.free_at(points).mean())

    def free_at(self, points: Points, free: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
        """Which of (n, 2) points are free."""
        free = self.free if free is None else free
        columns, rows = points[:, 0].astype(int), points[:, 1].astype(int)
        inside = (columns >= 2) & (rows >= 2) & (columns < self.size - 2) & (rows < self.size - 2)
        return np.asarray(inside & free[np.clip(rows, 0, self.size - 1), np.clip(columns, 0, self.size - 1)])


@dataclass(frozen=True, slots=True)
class Block:
    """A piece of a street grid.

    Attributes:
        frame: At its middle, u along its long side.
        length: Pixels along u, to the middle of the street.
        width: Pixels along v.
        core: 0 in the centre of the settlement, 1 at its rim.
        built: Share of the series at which it is built; 0 or less from the start.
        seed: For what stands on it.
    """

    frame: Frame
    length: float
    width: float
    core: float
    built: float
    seed: int


def blocks(
    lots: Lots, centre: Frame, radius: float, pitch: tuple[float, float], ragged: FloatImage, rng: np.random.Generator, grown: float
) -> tuple[Block, ...]:
    """The blocks of a settlement, taken from the free lots.

    Args:
        lots: Free land.
        centre: Middle of the settlement; streets follow its axes.
        radius: How far it reaches at the last date, pixels.
        pitch: Length and width of a block with its streets, pixels.
        ragged: (size, size) noise that frays the outline.
        rng: Source of randomness.
        grown: Share of the radius that stands at the first date.
    """
    reach_u, reach_v = int(1.4 * radius / pitch[0]) + 1, int(1.4 * radius / pitch[1]) + 1
    u, v = np.meshgrid(np.arange(-reach_u, reach_u + 1) * pitch[0], np.arange(-reach_v, reach_v + 1) * pitch[1])
    u, v = u.ravel(), v.ravel()
    middles = centre.points(np.column_stack([u, v]))
    columns, rows = (np.clip(middles[:, i].astype(int), 0, lots.size - 1) for i in (0, 1))
    core = np.hypot(u / 1.1, v) / radius + 0.16 * ragged[rows, columns]
    free = lots.free
    corners = np.array([(0, 0), (-0.45, -0.45), (0.45, -0.45), (0.45, 0.45), (-0.45, 0.45)]) * np.array(pitch)
    open_land = np.ones(u.size, dtype=bool)
    for du, dv in corners:
        open_land &= lots.free_at(centre.points(np.column_stack([u + du, v + dv])), free)
    out = []
    for index in np.flatnonzero(open_land & (core < 1)):
        built = (core[index] - grown) / max(1 - grown, 1e-3) + rng.normal(0, 0.05)
        frame = Frame(float(middles[index, 0]), float(middles[index, 1]), centre.angle)
        out.append(Block(frame, pitch[0], pitch[1], float(np.clip(core[index], 0, 1)), float(built), int(rng.integers(1 << 31))))
        lots.take(frame.box(0, 0, *pitch))
    return tuple(out)
