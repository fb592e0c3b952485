"""The stretch leaves good pictures alone, opens dark ones, keeps colours in balance and survives odd values."""

from __future__ import annotations

import io
from typing import Literal

import numpy as np
import pytest
from PIL import Image

from engine.imagery.preview import Stretch, TileImage, with_infrared

from .rasters import scenery

ALL = np.ones((96, 128), bool)


def test_a_wide_eight_bit_picture_is_left_alone() -> None:
    data = scenery()
    stretch = Stretch.over(data, ALL, joint=True)
    np.testing.assert_array_equal(stretch.apply(data), np.moveaxis(data, 0, -1))


def test_a_dark_eight_bit_picture_is_opened() -> None:
    shown = Stretch.over(scenery() // 8, ALL, joint=True).apply(scenery() // 8)
    assert np.percentile(shown, 98) > 240
    assert np.percentile(shown, 2) < 10


@pytest.mark.parametrize("dtype", ["uint16", "int16", "float32", "float64"])
def test_percentiles_become_black_and_white(dtype: str) -> None:
    data = scenery(dtype=dtype)
    shown = Stretch.over(data, ALL, joint=True).apply(data)
    low, high = np.percentile(data, [2, 98])
    assert (shown[np.moveaxis(data, 0, -1) <= low] == 0).all()
    assert (shown[np.moveaxis(data, 0, -1) >= high] == 255).all()
    middle = np.moveaxis(np.abs(data - (low + high) / 2) < (high - low) / 100, 0, -1)
    assert abs(shown[middle].mean() - 127.5) < 3


def test_natural_colours_share_one_ramp_and_false_ones_do_not() -> None:
    data = scenery(dtype="uint16") * np.array([1, 2, 4], np.uint16)[:, None, None]
    joint = Stretch.over(data, ALL, joint=True)
    assert len(set(joint.low)) == len(set(joint.high)) == 1
    apart = Stretch.over(data, ALL, joint=False)
    np.testing.assert_allclose(apart.high, np.percentile(data.reshape(3, -1), 98, axis=1))


def test_invalid_and_unfinite_values_do_not_count() -> None:
    data = scenery(dtype="float32")
    spoilt, valid = data.copy(), ALL.copy()
    spoilt[:, :40], valid[:40] = -9999, False
    spoilt[0, 50:60] = np.nan
    spoilt[1, 60:70] = np.inf
    expected = np.percentile(data[:, [*range(40, 50), *range(70, 96)]], [2, 98])
    stretch = Stretch.over(spoilt, valid, joint=True)
    np.testing.assert_allclose((stretch.low[0], stretch.high[0]), expected, rtol=1e-6)
    assert stretch.apply(spoilt).dtype == np.uint8


@pytest.mark.parametrize(
    ("dtype", "value"), [("uint8", 7), ("uint16", 1000), ("uint16", 0), ("float32", 0.0), ("float32", -1e9), ("float64", 1e-12)]
)
def test_a_constant_picture_is_one_even_colour(dtype: str, value: float) -> None:
    data = np.full((3, 96, 128), value, dtype)
    shown = Stretch.over(data, ALL, joint=True).apply(data)
    assert len(np.unique(shown)) == 1
    assert int(shown[0, 0, 0]) == (7 if dtype == "uint8" else 128) or abs(int(shown[0, 0, 0]) - 128) <= 1


def test_a_sparse_class_map_keeps_its_range() -> None:
    data = np.zeros((1, 96, 128), np.int16)
    data[0, 5, 5] = 1
    shown = Stretch.over(data, ALL, joint=True).apply(data)
    assert shown[5, 5, 0] == 255
    assert shown[0, 0, 0] == 0


def test_an_even_sea_is_not_blown_up_to_noise() -> None:
    noise = (500 + np.random.default_rng(0).normal(0, 5, (3, 96, 128))).astype("uint16")
    assert Stretch.over(noise, ALL, joint=True, least=800).apply(noise).std() < 4


def test_one_band_becomes_grey() -> None:
    shown = Stretch.over(scenery(1, dtype="uint16"), ALL, joint=True).apply(scenery(1, dtype="uint16"))
    assert shown.shape == (96, 128, 3)
    assert (shown[..., 0] == shown[..., 2]).all()


def test_nothing_valid_gives_no_error() -> None:
    assert Stretch.over(scenery(), ~ALL, joint=True) == Stretch.identity(3)


def holed() -> TileImage:
    rgb = np.full((40, 60, 3), (200, 100, 50), np.uint8)
    valid = np.ones((40, 60), bool)
    rgb[:, :30], valid[:, :30] = 0, False
    return TileImage(rgb, valid)


def test_holes_take_the_mean_of_what_is_there() -> None:
    image = holed()
    assert image.valid_share == 0.5
    assert (image.fill() == (200, 100, 50)).all()
    assert (TileImage(image.rgb, np.zeros((40, 60), bool)).fill() == 128).all()


def test_shrinking_does_not_bleed_nodata_into_the_picture() -> None:
    small = holed().resized(7, 5)
    assert (small.rgb[small.valid] == (200, 100, 50)).all()


@pytest.mark.parametrize("kind", ["png", "webp", "jpeg"])
def test_files_keep_size_colour_and_holes(kind: Literal["png", "webp", "jpeg"]) -> None:
    decoded = Image.open(io.BytesIO(holed().encode(kind, size=30)))
    assert decoded.format == kind.upper()
    assert decoded.size == (30, 20)
    assert np.abs(np.asarray(decoded.convert("RGB"))[10, 25].astype(int) - (200, 100, 50)).max() <= 6
    if kind != "jpeg":
        assert np.asarray(decoded.convert("RGBA"))[10, 5, 3] == 0


def test_near_infrared_is_mixed_as_spot_image_does() -> None:
    """G′ = (3 G + N) / 4 and B′ = (5 B − N) / 4 to the nearest step, cut off at black and white."""
    rng = np.random.default_rng(3)
    picture, infrared = rng.integers(0, 256, (9, 7, 3), np.uint8), rng.integers(0, 256, (9, 7), np.uint8)
    mixed = with_infrared(picture, infrared)
    _, green, blue = np.moveaxis(picture.astype(float), -1, 0)
    np.testing.assert_array_equal(mixed[..., 0], picture[..., 0])
    np.testing.assert_allclose(mixed[..., 1], (3 * green + infrared) / 4, atol=0.5)
    np.testing.assert_allclose(mixed[..., 2], np.clip((5 * blue - infrared) / 4, 0, 255), atol=0.5)
