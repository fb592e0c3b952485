"""When two windows are one, and that the bucketed walk agrees with the plain one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine.index.overlap import group, overlaps
from engine.index.table import TileTable


@pytest.mark.parametrize(
    ("other", "joined"),
    [
        ((0, 0, 100, 100), True),
        ((100, 0, 100, 100), False),  # touching
        ((66, 0, 100, 100), True),  # 34 % shared, IoU 0.2048
        ((67, 0, 100, 100), True),  # 33 % shared, IoU 0.198
        ((71, 0, 100, 100), False),  # 29 % shared
        ((90, 90, 10, 10), True),  # a small one inside
    ],
)
def test_overlaps(other: Any, joined: bool) -> None:
    one = (0, 0, 100, 100)
    assert overlaps(one, other) is joined
    assert overlaps(other, one) is joined


windows = st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(1, 90), st.integers(1, 90))


@given(
    boxes=st.lists(windows, min_size=1, max_size=40), scenes=st.lists(st.integers(0, 1), min_size=40, max_size=40), limit=st.integers(1, 40)
)
def test_groups_are_those_of_a_walk_over_all_pairs(boxes: list[Any], scenes: list[int], limit: int) -> None:
    count = len(boxes)
    table = TileTable(
        pa.array([str(n) for n in range(count)]),
        np.array(scenes[:count], np.int32),
        np.zeros((count, 4)),
        pa.array([shapely.to_wkb(shapely.box(0, 0, 1, 1))] * count, pa.binary()),
        np.array(boxes, np.int32),
    )
    expected: list[tuple[int, list[int]]] = []
    for place in range(count):
        near = [kept for kept in expected if scenes[kept[0]] == scenes[place] and overlaps(boxes[kept[0]], boxes[place])]
        if near:
            near[0][1].append(place)
        elif len(expected) == limit:
            break
        else:
            expected.append((place, []))
    assert [(each.place, each.merged) for each in group(np.arange(count), table, limit)] == expected
