"""Boxes: what of them is seen and whether they lie in the middle, against shapely."""

from __future__ import annotations

import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from engine.learning.captions.boxes import Box, Frame
from engine.learning.captions.english import Noun

SHIP = Noun("ship", "ships")
numbers = st.integers(-50, 250).map(lambda eighths: eighths / 2)


@st.composite
def boxes(draw: st.DrawFn) -> Box:
    left, right = sorted((draw(numbers), draw(numbers)))
    top, bottom = sorted((draw(numbers), draw(numbers)))
    assume(right > left and bottom > top)
    return Box(SHIP, left, top, right, bottom)


@given(boxes(), st.integers(1, 120), st.integers(1, 120))
def test_what_is_seen_is_the_intersection_with_the_picture(box: Box, width: int, height: int) -> None:
    seen = box.within(Frame(width, height))
    truth = shapely.box(box.left, box.top, box.right, box.bottom) & shapely.box(0, 0, width, height)
    if truth.area == 0:
        assert seen is None
    else:
        assert seen is not None
        assert (seen.left, seen.top, seen.right, seen.bottom) == truth.bounds


@given(boxes(), st.sampled_from([0.0, 0.25, 0.5, 1.0]))
def test_the_middle_is_where_the_centre_lies(box: Box, share: float) -> None:
    frame = Frame(128, 64)
    centre = shapely.box(box.left, box.top, box.right, box.bottom).centroid
    margin_x, margin_y = 128 * (1 - share) / 2, 64 * (1 - share) / 2
    inside = margin_x <= centre.x <= 128 - margin_x and margin_y <= centre.y <= 64 - margin_y
    assert box.is_central(frame, share) == inside


@pytest.mark.parametrize("corners", [(-4, 0, 0, 4), (0, -4, 4, 0), (30, 0, 34, 4), (0, 20, 4, 24)])
def test_what_only_touches_the_picture_is_not_seen(corners: tuple[float, float, float, float]) -> None:
    assert Box(SHIP, *corners).within(Frame(30, 20)) is None


@pytest.mark.parametrize(("centre", "central"), [(25, True), (75, True), (24.5, False), (75.5, False)])
def test_the_line_belongs_to_the_middle(centre: float, central: bool) -> None:
    frame = Frame(100, 100)
    assert Box(SHIP, centre - 2, 49, centre + 2, 51).is_central(frame, 0.5) == central
    assert Box(SHIP, 49, centre - 2, 51, centre + 2).is_central(frame, 0.5) == central


@pytest.mark.parametrize(
    "corners",
    [(0, 0, float("nan"), 1), (0, 0, float("inf"), 1), (0, 0, 0, 1), (5, 0, 4, 1), (0, 3, 1, 3)],
    ids=lambda corners: str(corners),
)
def test_boxes_that_are_none(corners: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match=r"finite|area"):
        Box(SHIP, *corners)
