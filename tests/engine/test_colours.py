from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.colours import VIRIDIS, score_colour, score_position, viridis

percentiles = st.floats(0, 1)


@pytest.mark.parametrize(("percentile", "position"), [(0.0, 0.0), (0.5, 0.0), (0.9, 0.5), (0.99, 0.75), (0.999, 1.0), (1.0, 1.0)])
def test_ticks_of_the_legend_are_where_they_stand(percentile: float, position: float) -> None:
    assert score_position(percentile) == pytest.approx(position, abs=1e-9)


@given(percentiles, percentiles)
def test_a_better_tile_never_lies_lower_on_the_ramp(one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0 <= score_position(low) <= score_position(high) <= 1


@given(percentiles)
def test_colour_is_one_a_style_sheet_and_a_canvas_read(percentile: float) -> None:
    colour = score_colour(percentile)
    assert len(colour) == 7
    assert colour.startswith("#")
    int(colour[1:], 16)


def test_ramp_passes_its_own_colours() -> None:
    assert [viridis(i / (len(VIRIDIS) - 1)) for i in range(len(VIRIDIS))] == list(VIRIDIS)
    assert viridis(-1) == VIRIDIS[0]
    assert viridis(2) == VIRIDIS[-1]


def test_between_two_colours_lies_their_mean() -> None:
    # first pair #443983 and #31688e, by hand: (68+49)/2, (57+104)/2, (131+142)/2
    assert viridis(0.5 / (len(VIRIDIS) - 1)) in ("#3a5088", "#3a5188", "#3b5189", "#3a5089")
