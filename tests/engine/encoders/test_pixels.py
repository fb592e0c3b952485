from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from open_clip.transform import PreprocessCfg, image_transform_v2
from PIL import Image

from engine.encoders import Preprocess, pixels
from engine.encoders.pixels import prepare

from .tiny import pictures

# Pillow rounds to 8 bits after each of its two passes, torch in its own order: a level or two of 255 apart.
TWO_LEVELS = 2.5 / 255 / 0.26


def smooth(height: int, width: int) -> NDArray[np.uint8]:
    """A ramp with a little noise: strong noise is clipped between Pillow's two passes and not between torch's."""
    ramp = np.linspace(0, 255, width)[None, :, None] * np.array([1, 0.6, 0.3]) + np.linspace(0, 40, height)[:, None, None]
    return np.clip(ramp + pictures(1, height, width)[0] // 6, 0, 255).astype(np.uint8)


@pytest.mark.parametrize("shape", [(64, 64), (224, 224), (300, 300), (97, 141), (500, 260), (33, 40)])
@pytest.mark.parametrize("how", [Preprocess(), Preprocess(interpolation="bilinear"), Preprocess(resize_mode="squash")], ids=str)
def test_it_sees_what_open_clip_sees(shape: tuple[int, int], how: Preprocess) -> None:
    picture = smooth(*shape)
    config = PreprocessCfg(size=224, interpolation=how.interpolation, resize_mode=how.resize_mode)
    theirs = image_transform_v2(config, is_train=False)(Image.fromarray(picture))
    ours = prepare([picture], 224, how)[0]
    assert ours.shape == theirs.shape
    assert (ours - theirs).abs().max() <= TWO_LEVELS


def test_the_float_path_of_other_devices_agrees() -> None:
    picture = torch.from_numpy(smooth(90, 70)[None]).permute(0, 3, 1, 2)
    eight_bit = pixels._scaled(picture, 48, 40, Preprocess()).float()
    with_floats = pixels._scaled(picture.float(), 48, 40, Preprocess())
    assert (eight_bit - with_floats).abs().max() <= 2


def test_a_picture_of_the_right_size_is_only_normalised() -> None:
    picture = pictures(1, 32, 32)[0]
    how = Preprocess(mean=(0.1, 0.2, 0.3), std=(0.5, 0.25, 1.0))
    truth = (picture / 255 - np.array(how.mean)) / np.array(how.std)
    np.testing.assert_allclose(prepare([picture], 32, how)[0].permute(1, 2, 0).numpy(), truth, atol=1e-5)


def test_the_middle_of_a_long_picture_is_seen_undistorted() -> None:
    picture = np.zeros((60, 180, 3), np.uint8)
    picture[:, :60], picture[:, 60:120], picture[:, 120:] = 255, 100, 200
    seen = prepare([picture], 60, Preprocess(mean=(0, 0, 0), std=(1, 1, 1)))[0] * 255
    np.testing.assert_allclose(seen.numpy(), 100, atol=1e-3)


@pytest.mark.parametrize("shape", [(1, 20_000), (20_000, 1), (1, 1), (2, 3)])
def test_slivers_do_not_fill_the_memory(shape: tuple[int, int]) -> None:
    seen = prepare([np.full((*shape, 3), 128, np.uint8)], 224, Preprocess(mean=(0, 0, 0), std=(1, 1, 1)))
    np.testing.assert_allclose(seen.numpy(), 128 / 255, atol=1e-6)
