"""Mask-to-box against the polygons that rasterio draws around the pieces."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray
from rasterio.features import shapes
from shapely.geometry import shape

from engine.learning.captions.english import Noun
from engine.learning.captions.masks import boxes_of

WATER = Noun.of("water")


@given(arrays(bool, st.tuples(st.integers(1, 14), st.integers(1, 14))), st.integers(1, 5))
def test_boxes_are_the_extents_of_the_polygons(mask: NDArray[np.bool_], least: int) -> None:
    drawn = [shape(outline) for outline, _ in shapes(mask.astype(np.uint8), mask=mask, connectivity=8)]
    truth = sorted(polygon.bounds for polygon in drawn if polygon.area >= least)
    assert sorted((box.left, box.top, box.right, box.bottom) for box in boxes_of(mask, WATER, least)) == truth


def test_holes_do_not_matter_and_an_island_in_a_hole_is_a_piece_of_its_own() -> None:
    mask = np.ones((9, 9), dtype=bool)
    mask[2:7, 2:7] = False
    mask[4, 4] = True
    found = boxes_of(mask, WATER, least=1)
    assert [(box.left, box.top, box.right, box.bottom) for box in found] == [(0, 0, 9, 9), (4, 4, 5, 5)]
    assert boxes_of(mask, WATER, least=2) == found[:1]


@pytest.mark.parametrize("size", [(5, 5), (1, 1)])
def test_an_empty_mask_has_no_boxes(size: tuple[int, int]) -> None:
    assert boxes_of(np.zeros(size, dtype=bool), WATER) == ()
