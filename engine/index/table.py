"""The tiles of a collection in memory, ordered along a Hilbert curve so that a region is a few runs of rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import Polygon

PATCH: Final = 32
"""Rows a patch: patches are tested before the tiles inside them."""

_BITS: Final = 16

Boxes = NDArray[np.float64]
Index = NDArray[np.int64]


@dataclass(frozen=True)
class TileTable:
    """Tiles without their vectors; row i belongs to row i of the vector store.

    Attributes:
        ids: (N,) pyarrow strings, each once.
        scene: (N,) int32, place of the tile's scene in the collection's list.
        boxes: (N, 4) west, south, east, north in degrees; west > east crosses the antimeridian.
        outlines: (N,) pyarrow binaries, WKB of the footprints in degrees.
        windows: (N, 4) int32 column, row, width, height in pixels of the scene.
    """

    ids: Any
    scene: NDArray[np.int32]
    boxes: Boxes
    outlines: Any
    windows: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.scene)

    def ids_of(self, index: Index) -> list[str]:
        """Ids of some rows."""
        import pyarrow as pa

        return list(self.ids.take(pa.array(index)).to_pylist())

    def id_of(self, row: int) -> str:
        """Id of a row: a few are sooner read one by one."""
        return str(self.ids[row].as_py())

    def row_of(self, tile_id: str) -> int | None:
        """Row of a tile, None where there is no such tile."""
        import pyarrow.compute as pc

        row = pc.index(self.ids, tile_id).as_py()
        return None if row < 0 else int(row)

    def footprints(self, index: Index) -> NDArray[Any]:
        """Outlines of some rows: (n,) shapely Polygon or MultiPolygon, degrees."""
        import pyarrow as pa

        return np.asarray(shapely.from_wkb(self.outlines.take(pa.array(index)).to_numpy(zero_copy_only=False)))

    def meeting(self, shapes: Iterable[Polygon]) -> Index:
        """Rows whose footprint touches any of the shapes, exactly.

        Boxes of patches, then boxes of tiles decide nearly all; footprints themselves are tested only along the border.

        Args:
            shapes: Polygons in degrees, within ±180°.

        Returns:
            (n,) ascending, each once.
        """
        found = [self._meeting_one(shape) for shape in shapes]
        if not found:
            return np.empty(0, dtype=np.int64)
        return found[0] if len(found) == 1 else np.unique(np.concatenate(found))

    @cached_property
    def _patches(self) -> Boxes:
        """(P, 4) box around each patch; around the whole world where a tile crosses the antimeridian."""
        west, south, east, north = self.boxes.T
        crossing = west > east
        starts = np.arange(0, len(self), PATCH)
        sides = (
            np.minimum.reduceat(np.where(crossing, -180.0, west), starts),
            np.minimum.reduceat(south, starts),
            np.maximum.reduceat(np.where(crossing, 180.0, east), starts),
            np.maximum.reduceat(north, starts),
        )
        return np.column_stack(sides)

    def _meeting_one(self, shape: Polygon) -> Index:
        if not len(self):
            return np.empty(0, dtype=np.int64)
        test = _Shape(shape)
        near = np.flatnonzero(test.near(self._patches))
        inside, touching = test.sort(self._patches[near])
        whole = _rows_of(near[inside], len(self))
        rows = _rows_of(near[touching], len(self))
        rows = rows[test.near(self.boxes[rows])]
        inside, touching = test.sort(self.boxes[rows])
        border = rows[touching]
        if len(border):
            border = border[shapely.intersects(shape, self.footprints(border))]
        return np.sort(np.concatenate([whole, rows[inside], border]))


class _Shape:
    """Fast tests of boxes against one polygon."""

    def __init__(self, shape: Polygon) -> None:
        self._shape = shape
        self._bounds = shape.bounds
        corners = shapely.get_coordinates(shape)
        sides = np.isin(corners, self._bounds).all() and len(corners) == 5 and len(np.unique(corners, axis=0)) == 4
        self._is_box = bool(sides and (np.diff(corners, axis=0) == 0).any(axis=1).all())
        shapely.prepare(shape)

    def near(self, boxes: Boxes) -> NDArray[np.bool_]:
        """(n,) whether boxes touch the polygon's own box; those that cross the antimeridian count as near."""
        west, south, east, north = self._bounds
        beside = (boxes[:, 0] > east) | (boxes[:, 2] < west)
        apart = (boxes[:, 1] > north) | (boxes[:, 3] < south)
        return np.asarray(~((beside & (boxes[:, 0] <= boxes[:, 2])) | apart))

    def sort(self, boxes: Boxes) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """(n,) whether near boxes lie inside the polygon, and whether they may touch it without lying inside."""
        plain = boxes[:, 0] <= boxes[:, 2]
        if self._is_box:
            west, south, east, north = self._bounds
            inside = (boxes[:, 0] >= west) & (boxes[:, 2] <= east) & (boxes[:, 1] >= south) & (boxes[:, 3] <= north) & plain
            return inside, ~inside
        shapes = shapely.box(*boxes.T)
        inside = shapely.covers(self._shape, shapes) & plain
        return inside, ~inside & (shapely.intersects(self._shape, shapes) | ~plain)


def _rows_of(patches: Index, total: int) -> Index:
    """Rows of some patches, ascending where the patches are."""
    rows = (patches[:, None] * PATCH + np.arange(PATCH)).reshape(-1)
    return np.asarray(rows[rows < total])


def hilbert_order(boxes: Boxes) -> Index:
    """The order in which neighbours on the ground become neighbours in the table.

    Args:
        boxes: (N, 4) west, south, east, north in degrees.

    Returns:
        (N,) permutation along a Hilbert curve of 2^16 × 2^16 cells over all boxes; stable.

    Source: the xy → d conversion of Warren, Hacker's Delight, 2nd ed., chapter 16, on arrays.
    """
    if not len(boxes):
        return np.empty(0, dtype=np.int64)
    width = np.where(boxes[:, 0] > boxes[:, 2], (boxes[:, 2] - boxes[:, 0]) % 360, boxes[:, 2] - boxes[:, 0])
    x, y = _cells(boxes[:, 0] + width / 2), _cells((boxes[:, 1] + boxes[:, 3]) / 2)
    distance = np.zeros(len(boxes), dtype=np.int64)
    side = 1 << (_BITS - 1)
    while side:
        right, upper = (x & side) > 0, (y & side) > 0
        distance += side * side * ((3 * right) ^ upper)
        flip = ~upper & right
        x, y = np.where(flip, side - 1 - (x & (side - 1)), x & (side - 1)), np.where(flip, side - 1 - (y & (side - 1)), y & (side - 1))
        x, y = np.where(upper, x, y), np.where(upper, y, x)
        side >>= 1
    return np.argsort(distance, kind="stable").astype(np.int64, copy=False)


def _cells(values: NDArray[np.float64]) -> NDArray[np.int64]:
    span = float(np.ptp(values)) or 1.0
    cells = (values - values.min()) / span * (1 << _BITS)
    return np.asarray(np.minimum(cells, (1 << _BITS) - 1), dtype=np.int64)
