"""How much ground each label takes, overlaps counted once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from engine import geometry as geo
from engine.types import LabelScores, Region

_SLIVER: Final = 1e-6
"""Share of a tile below which an overlap is rounding."""


@dataclass(frozen=True)
class Shares:
    """Areas by label.

    Attributes:
        labels: km² of each label of the set, also those with none.
        abstained: km² of tiles that abstained.
    """

    labels: dict[str, float]
    abstained: float

    @property
    def total(self) -> float:
        """km² covered by the tiles within the regions."""
        return sum(self.labels.values()) + self.abstained


def shares_km2(scores: Sequence[LabelScores], footprints: Sequence[BaseGeometry], regions: Sequence[Region] = ()) -> Shares:
    """Area of each label within the regions, km², equal-area.

    A tile counts with the part of its footprint inside the regions. Where n tiles lie over one another, be it
    neighbours that overlap or several dates, each takes 1/n of the ground there: the areas add up to what the tiles cover,
    and over several dates they are means over the dates.

    Args:
        scores: Labels of each tile.
        footprints: Outline of each tile, WGS 84 degrees, within ±180°.
        regions: Where; empty means everywhere.
    """
    names = scores[0].labels if scores else ()
    sums: dict[str, float] = dict.fromkeys(names, 0.0)
    abstained = 0.0
    outlines = np.array(footprints, dtype=object)
    for score, area in zip(scores, covered_km2(outlines, regions).tolist(), strict=True):
        if score.abstained:
            abstained += area
        else:
            sums[score.label] += area
    return Shares(sums, abstained)


def covered_km2(outlines: NDArray[Any], regions: Sequence[Region] = ()) -> NDArray[np.float64]:
    """Ground that each tile stands for within the regions, km²: shared ground is divided evenly.

    Args:
        outlines: (N,) polygons, WGS 84 degrees.
        regions: Where; empty means everywhere.

    Returns:
        (N,) km²; their sum is the area of the union of the tiles within the regions.
    """
    if not len(outlines):
        return np.empty(0)
    distinct, place, copies = np.unique(shapely.to_wkb(outlines), return_inverse=True, return_counts=True)
    shapes = np.asarray(shapely.from_wkb(distinct))
    inside = _clipped(shapes, regions)
    area = _areas_km2(inside) / copies
    neighbours = _overlapping(shapes)
    for tile, others in neighbours.items():
        area[tile] = _divided(inside[tile], int(copies[tile]), [(shapes[other], int(copies[other])) for other in others])
    return np.asarray(area[place])


def _clipped(shapes: NDArray[Any], regions: Sequence[Region]) -> NDArray[Any]:
    if not regions:
        return shapes
    where = shapely.union_all([region.geometry for region in regions])
    shapely.prepare(where)
    whole = shapely.covers(where, shapes)
    clipped = shapes.copy()
    clipped[~whole] = shapely.intersection(shapes[~whole], where)
    return clipped


def _overlapping(shapes: NDArray[Any]) -> dict[int, list[int]]:
    """Tiles that share ground with others: place → places of the others."""
    tree = shapely.STRtree(shapes)
    one, other = tree.query(shapes, predicate="intersects")
    apart = one < other
    one, other = one[apart], other[apart]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    real = shared > _SLIVER * np.minimum(shapely.area(shapes[one]), shapely.area(shapes[other]))
    found: dict[int, list[int]] = defaultdict(list)
    for first, second in zip(one[real].tolist(), other[real].tolist(), strict=True):
        found[first].append(second)
        found[second].append(first)
    return found


def _divided(shape: BaseGeometry, copies: int, others: Sequence[tuple[BaseGeometry, int]]) -> float:
    """Area of one tile, km², each piece divided by the number of tiles over it."""
    pieces: list[tuple[BaseGeometry, int]] = [(shape, copies)]
    for outline, count in others:
        cut = []
        for piece, over in pieces:
            cut += [(shapely.intersection(piece, outline), over + count), (shapely.difference(piece, outline), over)]
        pieces = [(piece, over) for piece, over in cut if piece.area > 0]
    if not pieces:
        return 0.0
    areas = _areas_km2(np.array([piece for piece, _ in pieces], dtype=object))
    return float(np.sum(areas / np.array([over for _, over in pieces])))


def _areas_km2(shapes: NDArray[Any]) -> NDArray[np.float64]:
    """Areas on EPSG:6933, km²; long edges are made dense, as in :func:`engine.geometry.area_km2`."""
    move = geo.transformer(geo.WGS84, geo.EQUAL_AREA)
    flat = shapely.transform(shapely.segmentize(shapes, 0.1), lambda xy: np.column_stack(move(xy[:, 0], xy[:, 1])))
    return np.asarray(shapely.area(flat)) / 1e6
