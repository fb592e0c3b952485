"""Areas against the area of the union, which is computed in another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from engine import geometry as geo
from engine.labels import shares_km2
from engine.labels.shares import covered_km2
from engine.types import LabelScores, Region

sides = st.integers(0, 8)


@st.composite
def tiles(draw: Any) -> Any:
    west, south = draw(sides) / 10, draw(sides) / 10
    return shapely.affinity.rotate(
        shapely.box(west, 50 + south, west + draw(st.integers(1, 5)) / 10, 50 + south + 0.2), draw(st.integers(0, 45))
    )


@given(outlines=st.lists(tiles(), min_size=1, max_size=8), clip=st.booleans())
def test_areas_add_up_to_what_the_tiles_cover(outlines: list[Any], clip: bool) -> None:
    regions = [Region.from_like("0.15,50.1,0.73,50.66")] if clip else []
    union = shapely.union_all(outlines)
    union = union.intersection(regions[0].geometry) if clip else union
    assert covered_km2(np.array(outlines, dtype=object), regions).sum() == pytest.approx(geo.area_km2(union), rel=1e-6, abs=1e-9)


def test_shared_ground_is_divided_evenly() -> None:
    left, right = shapely.box(0, 0, 2, 1), shapely.box(1, 0, 3, 1)
    one = geo.area_km2(shapely.box(0, 0, 1, 1))
    np.testing.assert_allclose(covered_km2(np.array([left, right], dtype=object)), [1.5 * one, 1.5 * one], rtol=1e-9)


def test_dates_of_one_footprint_share_it() -> None:
    tile, other = shapely.box(0, 0, 1, 1), shapely.box(0.5, 0, 1.5, 1)
    one = geo.area_km2(tile)
    # the left half lies under two dates, the right half under three tiles
    np.testing.assert_allclose(covered_km2(np.array([tile, tile, other], dtype=object)), np.array([5 / 12, 5 / 12, 2 / 3]) * one, rtol=1e-9)


def test_neighbours_that_only_touch_keep_all_their_ground() -> None:
    grid = np.array([shapely.box(x, y, x + 1, y + 1) for x in range(5) for y in range(5)], dtype=object)
    np.testing.assert_allclose(covered_km2(grid), [geo.area_km2(tile) for tile in grid], rtol=1e-9)


def test_abstained_ground_is_told_apart() -> None:
    scores = [LabelScores("a", ("x", "y"), (0.9, 0.1), False), LabelScores("b", ("x", "y"), (0.5, 0.5), True)]
    outlines = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    shares = shares_km2(scores, outlines)
    one = geo.area_km2(outlines[0])
    assert shares.labels == pytest.approx({"x": one, "y": 0.0})
    assert shares.abstained == pytest.approx(one)
    assert shares.total == pytest.approx(2 * one)


def test_tiles_across_the_antimeridian_are_measured() -> None:
    across = Region.from_like("179.5,10,-179.5,11").geometry
    plain = Region.from_like("10.0,10,11.0,11")
    assert covered_km2(np.array([across], dtype=object))[0] == pytest.approx(plain.area_km2, rel=1e-9)


def test_no_tiles_have_no_area() -> None:
    assert shares_km2([], []).total == 0
