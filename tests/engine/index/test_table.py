"""Which tiles a region touches, against shapely on every footprint."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine import geometry as geo
from engine.index.table import TileTable, hilbert_order
from engine.types import Bounds, Region

SIDE = 24


def table_of(outlines: list[Any]) -> TileTable:
    boxes = np.array([Bounds.around(outline).array for outline in outlines])
    order = hilbert_order(boxes)
    wkb = [shapely.to_wkb(outlines[row]) for row in order]
    ids = pa.array([str(row) for row in order])
    return TileTable(ids, np.zeros(len(order), np.int32), boxes[order], pa.array(wkb, pa.binary()), np.zeros((len(order), 4), np.int32))


def grid(west: float, south: float, step: float, turn: float = 0.0) -> list[Any]:
    """Neighbouring squares, turned about the middle of the grid, cut where they cross ±180°."""
    squares = [
        shapely.box(west + i * step, south + j * step, west + (i + 1) * step, south + (j + 1) * step)
        for i in range(SIDE)
        for j in range(SIDE)
    ]
    middle = (west + SIDE * step / 2, south + SIDE * step / 2)
    return [geo.cut_at_antimeridian(shapely.affinity.rotate(square, turn, origin=middle)) for square in squares]


PLAIN = table_of(grid(5.0, 45.0, 0.1))
TURNED = table_of(grid(5.0, 45.0, 0.1, turn=17.0))
DATELINE = table_of(grid(178.77, -17.0, 0.1, turn=3.0))

numbers = st.floats(-0.3, 2.7, allow_nan=False)


@st.composite
def boxes(draw: Any) -> tuple[float, float, float, float]:
    x, y = sorted([draw(numbers), draw(numbers)]), sorted([draw(numbers), draw(numbers)])
    return x[0], y[0], x[1] + 0.01, y[1] + 0.01


@st.composite
def stars(draw: Any) -> Any:
    """Simple polygons around a centre, with dents."""
    count = draw(st.integers(3, 9))
    radii = [draw(st.floats(0.05, 1.5)) for _ in range(count)]
    turns = np.linspace(0, 2 * np.pi, count, endpoint=False)
    return shapely.Polygon([(1.2 + r * np.cos(t), 1.2 + r * np.sin(t)) for r, t in zip(radii, turns, strict=True)])


def touching(table: TileTable, shape: Any) -> list[int]:
    every = table.footprints(np.arange(len(table)))
    return np.flatnonzero(shapely.intersects(every, shape)).tolist()


@pytest.mark.parametrize("table", [PLAIN, TURNED], ids=["plain", "turned"])
@given(box=boxes())
def test_a_box_meets_what_shapely_says(table: TileTable, box: tuple[float, float, float, float]) -> None:
    shape = shapely.box(5 + box[0], 45 + box[1], 5 + box[2], 45 + box[3])
    assert table.meeting([shape]).tolist() == touching(table, shape)


@pytest.mark.parametrize("table", [PLAIN, TURNED], ids=["plain", "turned"])
@given(star=stars())
def test_a_polygon_meets_what_shapely_says(table: TileTable, star: Any) -> None:
    shape = shapely.affinity.translate(star, 5, 45)
    assert table.meeting([shape]).tolist() == touching(table, shape)


@given(box=boxes())
def test_a_region_across_the_antimeridian_meets_tiles_on_both_sides(box: tuple[float, float, float, float]) -> None:
    region = Region.from_like(shapely.box(178.77 + box[0], -17 + box[1], 178.77 + box[2], -17 + box[3]))
    assert DATELINE.meeting(geo.polygons(region.geometry)).tolist() == touching(DATELINE, region.geometry)


def test_the_dateline_grid_really_crosses() -> None:
    assert (DATELINE.boxes[:, 0] > DATELINE.boxes[:, 2]).sum() >= 20
    both = Region.from_like("179.5,-16,-179.5,-15.5")
    rows = DATELINE.meeting(geo.polygons(both.geometry))
    centres = [Bounds(*DATELINE.boxes[row]).centre[0] for row in rows]
    assert min(centres) < -179.4
    assert max(centres) > 179.4


def test_several_shapes_give_each_tile_once() -> None:
    left, right = shapely.box(5, 45, 6, 46), shapely.box(5.5, 45, 6.5, 46)
    assert PLAIN.meeting([left, right]).tolist() == touching(PLAIN, shapely.union(left, right))


def test_neighbours_on_the_ground_are_neighbours_in_the_table() -> None:
    """On a full 2^n grid with cells of its own, a Hilbert curve never jumps."""
    cells = np.arange(32) + 0.0
    x, y = np.meshgrid(cells, cells)
    corners = np.column_stack([x.ravel(), y.ravel(), x.ravel() + 1, y.ravel() + 1])
    ordered = corners[hilbert_order(corners)]
    steps = np.abs(np.diff(ordered[:, :2], axis=0)).sum(axis=1)
    assert steps.max() == 1


def test_nothing_is_found_in_an_empty_table() -> None:
    empty = TileTable(
        pa.array([], pa.string()), np.empty(0, np.int32), np.empty((0, 4)), pa.array([], pa.binary()), np.empty((0, 4), np.int32)
    )
    assert empty.meeting([shapely.box(0, 0, 1, 1)]).tolist() == []


def test_rows_are_found_by_id() -> None:
    row = PLAIN.row_of("77")
    assert row is not None
    assert PLAIN.ids_of(np.array([row])) == [PLAIN.id_of(row)] == ["77"]
    assert PLAIN.row_of("no such tile") is None
