from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from engine.colours import score_colour
from engine.serving.surface import draw_surface, mercator
from engine.types import Bounds, Hit


def hit(bounds: Bounds, percentile: float) -> Hit:
    return Hit("t", 1, 0.1, percentile, 0.0, "fair", bounds, None, "s")


def pixels(body: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))


def test_each_tile_has_the_colour_of_its_outline_and_lies_in_its_place() -> None:
    covers = Bounds(0, 0, 4, 4)
    drawn = pixels(draw_surface([hit(Bounds(0, 2, 2, 4), 0.99), hit(Bounds(2, 0, 4, 2), 0.5)], covers, width=400))
    red, green, blue, alpha = drawn[50, 50]
    assert f"#{red:02x}{green:02x}{blue:02x}" == score_colour(0.99)
    assert alpha == 255
    assert drawn[50, 350, 3] == 0
    assert drawn[350, 350, 3] == 255


def test_the_best_of_overlapping_tiles_lies_on_top() -> None:
    box = Bounds(0, 0, 1, 1)
    drawn = pixels(draw_surface([hit(box, 0.999), hit(box, 0.2)], box, width=64))
    red, green, blue, _ = drawn[30, 30]
    assert f"#{red:02x}{green:02x}{blue:02x}" == score_colour(0.999)


def test_a_collection_across_the_antimeridian_is_drawn_in_one_piece() -> None:
    covers = Bounds(178, -1, -178, 1)
    drawn = pixels(draw_surface([hit(Bounds(179, -1, -179, 1), 0.9)], covers, width=400))
    columns = np.flatnonzero(drawn[50, :, 3])
    assert (columns.min(), columns.max()) == (pytest.approx(100, abs=1), pytest.approx(299, abs=1))


def test_mercator_northing() -> None:
    """EPSG:3857 at 60° N: 8,399,737.89 m on a sphere of 6,378,137 m (published example values)."""
    assert mercator(60) * 6_378_137 == pytest.approx(8_399_737.89, abs=0.01)


def test_a_tile_smaller_than_a_pixel_is_a_dot() -> None:
    drawn = pixels(draw_surface([hit(Bounds(2, 2, 2.001, 2.001), 0.9)], Bounds(0, 0, 4, 4), width=100))
    assert (drawn[..., 3] > 0).sum() == 1
    assert drawn[50, 50, 3] == 255 or drawn[49, 50, 3] == 255
