"""Overlapping hits of one scene show the same ground: the best one stands for the others."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

from engine.index.table import Index, TileTable

MOST_IOU: Final = 0.2
"""Intersection over union above which two hits are one."""

MOST_SHARED: Final = 0.3
"""Share of the smaller window above which two hits are one."""

_Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Group:
    """A hit and those that it stands for.

    Attributes:
        place: Place of the best tile in the ranked rows.
        merged: Places of the others, best first.
    """

    place: int
    merged: list[int] = field(default_factory=list)


def group(ranked: Index, table: TileTable, limit: int) -> list[Group]:
    """Walk down a ranking and join each tile to the best one before it that it overlaps in the same scene.

    Windows are compared in the scene's pixels, where they are exact.

    Args:
        ranked: Rows, best first.
        table: The tiles.
        limit: Groups after which the walk ends; tiles further down are not looked at.

    Returns:
        At most ``limit`` groups, best first.
    """
    windows = table.windows[ranked].tolist()
    scenes = table.scene[ranked].tolist()
    cell = max((max(width, height) for _, _, width, height in windows), default=1) or 1
    kept: dict[tuple[int, int, int], list[tuple[_Box, Group]]] = defaultdict(list)
    groups: list[Group] = []
    for place, (scene, window) in enumerate(zip(scenes, windows, strict=True)):
        cells = _cells(scene, window, cell)
        best = min((near.place for key in cells for box, near in kept.get(key, ()) if overlaps(box, window)), default=None)
        if best is not None:
            next(near for key in cells for _, near in kept.get(key, ()) if near.place == best).merged.append(place)
            continue
        if len(groups) == limit:
            break
        groups.append(Group(place))
        for key in cells:
            kept[key].append((window, groups[-1]))
    return groups


def overlaps(one: _Box, other: _Box) -> bool:
    """Whether two windows (column, row, width, height) show so much of the same ground that one is enough."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return False
    shared, first, second = width * height, one[2] * one[3], other[2] * other[3]
    return shared > MOST_IOU * (first + second - shared) or shared > MOST_SHARED * min(first, second)


def _cells(scene: int, window: _Box, cell: int) -> list[tuple[int, int, int]]:
    column, row, width, height = window
    return [
        (scene, across, down)
        for across in range(column // cell, (column + max(width, 1) - 1) // cell + 1)
        for down in range(row // cell, (row + max(height, 1) - 1) // cell + 1)
    ]
