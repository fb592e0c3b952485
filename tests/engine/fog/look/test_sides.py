from __future__ import annotations

import numpy as np
import pytest
import shapely

from engine.errors import RegionInvalid
from engine.fog.look import fog_region
from engine.fog.mask import State
from engine.types import Bounds, Region
from tests.engine.fog.seas import mask_of

BOX = Bounds(0, 0, 4, 4)


def state() -> np.ndarray:
    """Four by four degrees: a ring of fog around a clear hole, obscured in the south-east corner."""
    cells = np.zeros((4, 4), np.uint8)
    cells[0:3, 0:3] = State.FOG
    cells[1, 1], cells[3, 3] = State.CLEAR, State.OBSCURED
    return cells


def test_inside_and_outside_follow_the_cells_and_leave_out_what_is_obscured() -> None:
    inside, outside = (fog_region(mask_of(state(), bounds=BOX), side) for side in ("inside", "outside"))
    ring = shapely.box(0, 1, 3, 4).difference(shapely.box(1, 2, 2, 3))
    assert inside.geometry.symmetric_difference(ring).area < 1e-9
    clear = shapely.box(0, 0, 4, 4).difference(shapely.box(0, 1, 3, 4)).difference(shapely.box(3, 0, 4, 1)).union(shapely.box(1, 2, 2, 3))
    assert outside.geometry.symmetric_difference(clear).area < 1e-9
    assert "fog or very low stratus" in inside.name


def test_tiles_in_the_fog_meet_the_region_and_others_do_not() -> None:
    inside = fog_region(mask_of(state(), bounds=BOX))
    boxes = np.array([[0.2, 3.2, 0.4, 3.4], [1.4, 2.4, 1.6, 2.6], [3.4, 3.4, 3.6, 3.6], [2.9, 3.4, 3.1, 3.6]])
    assert inside.meets(boxes).tolist() == [True, False, False, True]


def test_the_persons_own_regions_still_count() -> None:
    drawn = Region.from_like(Bounds(0, 3, 1, 4))
    assert fog_region(mask_of(state(), bounds=BOX), within=[drawn]).geometry.equals(shapely.box(0, 3, 1, 4))
    with pytest.raises(RegionInvalid, match="no part"):
        fog_region(mask_of(state(), bounds=BOX), within=[Region.from_like(Bounds(3.2, 3.2, 3.8, 3.8))])


def test_a_frame_without_fog_says_so() -> None:
    with pytest.raises(RegionInvalid, match="nothing is fog or very low stratus"):
        fog_region(mask_of(np.zeros((4, 4), np.uint8), bounds=BOX))


def test_fog_across_the_antimeridian_is_cut() -> None:
    found = fog_region(mask_of(np.full((4, 4), State.FOG), bounds=Bounds(178, 0, -178, 4)))
    assert found.geometry.bounds == (-180, 0, 180, 4)
    assert len(found.geometry.geoms) == 2
