"""Tiles cover the scene, keep their size, and a wish in metres or pixels becomes the right number of pixels."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import TileSpecInvalid
from engine.imagery import TileSpec


@given(st.integers(1, 700), st.integers(1, 700), st.integers(8, 256), st.floats(0, 0.9))
def test_every_pixel_is_covered_and_every_tile_is_full(width: int, height: int, size: int, share: float) -> None:
    grid = TileSpec(size, "px", int(size * share)).grid(width, height, 10.0)
    seen = np.zeros((height, width), bool)
    for window in grid:
        assert (window.width, window.height) == (min(size, width), min(size, height))
        assert window.column >= 0
        assert window.row >= 0
        part = seen[window.row : window.row + window.height, window.column : window.column + window.width]
        assert part.shape == (window.height, window.width)
        part[:] = True
    assert seen.all()
    assert len({(w.column, w.row) for w in grid}) == len(grid)


@pytest.mark.parametrize(("gsd", "size"), [(10.0, 64), (5.0, 64), (2.5, 128), (1.25, 256), (0.3, 256), (300.0, 64), (None, 256)])
def test_default_shows_about_320_metres_in_64_to_256_pixels(gsd: float | None, size: int) -> None:
    assert TileSpec().pixels(gsd) == (size, 0)


@pytest.mark.parametrize(
    ("text", "overlap", "gsd", "pixels"),
    [
        ("64px", 0, 5.0, (64, 0)),
        ("64", "16px", 5.0, (64, 16)),
        ("640m", "320m", 10.0, (64, 32)),
        (" 640 M ", "64", 5.0, (128, 13)),
        ("128px", 32, None, (128, 32)),
        (None, 0, 10.0, (64, 0)),
    ],
)
def test_words_of_the_command_line(text: str | None, overlap: float | str, gsd: float | None, pixels: tuple[int, int]) -> None:
    assert TileSpec.parse(text, overlap).pixels(gsd) == pixels


@pytest.mark.parametrize(
    ("text", "overlap"), [("big", 0), ("64km", 0), ("-64", 0), ("0px", 0), ("64px", 64), ("64px", "16m"), ("64px", "x"), ("nan", 0)]
)
def test_no_length_is_refused_with_a_hint(text: str, overlap: float | str) -> None:
    with pytest.raises(TileSpecInvalid, match="128px or 640m"):
        TileSpec.parse(text, overlap)


def test_metres_need_a_place_and_a_sensible_number_of_pixels() -> None:
    with pytest.raises(TileSpecInvalid, match="without a place"):
        TileSpec(640, "m").pixels(None)
    with pytest.raises(TileSpecInvalid, match="8 to"):
        TileSpec(20, "m").pixels(10.0)
    with pytest.raises(TileSpecInvalid, match="8 to"):
        TileSpec(1e6, "m").pixels(10.0)


def test_a_default_tile_with_a_large_overlap_still_moves_on() -> None:
    size, overlap = TileSpec(overlap=500).pixels(10.0)
    assert overlap < size
