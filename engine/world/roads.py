"""Roads that link the places of an island along the cheapest ground."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.canvas import Canvas, Points
from engine.world.classes import LandCover
from engine.world.noise import FloatImage, shrunk
from engine.world.palette import Palette
from engine.world.season import Season
from engine.world.terrain import Terrain

CELL = 4


@dataclass(frozen=True, slots=True)
class Road:
    """A road.

    Attributes:
        points: (n, 2) x, y in pixels.
        width: Pixels.
        motorway: Whether it has two carriageways.
        built: Share of the series from which it exists.
    """

    points: Points
    width: float
    motorway: bool
    built: float

    def draw(self, canvas: Canvas, palette: Palette, season: Season) -> None:
        """Draw it if it exists on a date."""
        if self.built > season.share:
            return
        canvas.name_line(self.points, self.width, LandCover.ROAD)
        if self.motorway:
            canvas.line(self.points, self.width + 1.0, palette["track"])
            canvas.line(self.points, self.width, palette["asphalt"])
            canvas.line(self.points, 0.34, palette["dry"])
        else:
            canvas.line(self.points, self.width, palette["road"])


class Network:
    """Finds ways over the land; roads that exist are cheap to follow."""

    def __init__(self, terrain: Terrain, closed: NDArray[np.bool_]) -> None:
        self.size = terrain.plan.size
        self.cells = self.size // CELL
        slope = shrunk(terrain.slope, self.cells)
        water = shrunk(np.maximum(terrain.river, 4 * terrain.lake), self.cells)
        sea = shrunk((terrain.shore < 1.5).astype(np.float32), self.cells)
        if terrain.reservoir is not None:
            water = np.maximum(water, 4 * (shrunk(terrain.reservoir.depth, self.cells) > -4))
        self.cost: FloatImage = (
            1 + (14 * slope) ** 2 + 14 * water + 60 * (sea > 0.3) + 60 * shrunk(closed.astype(np.float32), self.cells)
        ).astype(np.float32)

    def way(self, start: tuple[float, float], end: tuple[float, float]) -> Points | None:
        """The cheapest way between two spots in pixels; it is cheap from then on."""
        from scipy.ndimage import gaussian_filter1d
        from scipy.sparse.csgraph import dijkstra

        first, last = self._cell(*start), self._cell(*end)
        _, before = dijkstra(self._graph(), directed=False, indices=first, return_predecessors=True)
        cell, path = last, [last]
        while cell != first:
            cell = int(before[cell])
            if cell < 0:
                return None
            path.append(cell)
        rows, columns = np.divmod(np.array(path), self.cells)
        self.cost[rows, columns] *= 0.4
        if len(path) < 4:
            return None
        xy = np.column_stack([columns, rows]).astype(float)
        smooth = gaussian_filter1d(xy, 2.2, axis=0, mode="nearest")
        smooth[0], smooth[-1] = xy[0], xy[-1]
        return np.asarray((smooth + 0.5) * CELL)

    def _cell(self, x: float, y: float) -> int:
        column, row = (int(np.clip(value / CELL, 0, self.cells - 1)) for value in (x, y))
        return row * self.cells + column

    def _graph(self) -> object:
        from scipy.sparse import coo_matrix

        index = np.arange(self.cells**2).reshape(self.cells, self.cells)
        cost = self.cost
        pairs = (
            (np.s_[:, :-1], np.s_[:, 1:], 1.0),
            (np.s_[:-1], np.s_[1:], 1.0),
            (np.s_[:-1, :-1], np.s_[1:, 1:], 1.4142),
            (np.s_[:-1, 1:], np.s_[1:, :-1], 1.4142),
        )
        starts = np.concatenate([index[a].ravel() for a, _, _ in pairs])
        ends = np.concatenate([index[b].ravel() for _, b, _ in pairs])
        costs = np.concatenate([((cost[a] + cost[b]) / 2 * far).ravel() for a, b, far in pairs])
        return coo_matrix((costs, (starts, ends)), (index.size, index.size)).tocsr()
