"""Variations of pictures keep shape and range, follow the generator, and do what they say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from engine.learning.augmentation import augment, resized
from engine.learning.recipe import Augmentation

STILL = Augmentation(
    areas=((1.0, 1.0, 1.0),),
    aspect=1,
    turn=False,
    brightness=0,
    contrast=0,
    saturation=0,
    channel=0,
    gamma=1,
    haze=0,
    coarse=0,
    gray=0,
)


def pictures(count: int = 16, size: int = 40) -> Tensor:
    return torch.randint(0, 256, (count, 3, size, size), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)


def random(seed: int = 2) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


@pytest.mark.parametrize("size", [16, 40, 64])
def test_shape_and_range_hold(size: int) -> None:
    extreme = Augmentation(brightness=0.9, contrast=0.9, saturation=1, channel=0.9, gamma=3, haze=1, coarse=1, gray=0.5)
    for how in (Augmentation(), extreme):
        varied = augment(pictures(), size, how, random())
        assert varied.shape == (16, 3, size, size)
        assert varied.dtype == torch.float32
        assert torch.isfinite(varied).all()
        assert varied.min() >= 0
        assert varied.max() <= 1


def test_the_generator_decides_everything() -> None:
    assert torch.equal(augment(pictures(), 32, Augmentation(), random(3)), augment(pictures(), 32, Augmentation(), random(3)))
    assert not torch.equal(augment(pictures(), 32, Augmentation(), random(3)), augment(pictures(), 32, Augmentation(), random(4)))


def test_nothing_asked_nothing_changed() -> None:
    torch.testing.assert_close(augment(pictures(), 40, STILL, random()), pictures().float() / 255, atol=2e-4, rtol=0)


def test_turning_gives_all_eight_positions_and_no_other() -> None:
    picture = pictures(1, 9)
    turned = augment(picture.repeat(64, 1, 1, 1), 9, STILL.model_copy(update={"turn": True}), random())
    sides = picture[0].float() / 255
    eight = [torch.rot90(side, quarter, (1, 2)) for side in (sides, sides.flip(2)) for quarter in range(4)]
    seen = set()
    for one in turned:
        distances = [float((one - other).abs().max()) for other in eight]
        assert min(distances) < 1e-3
        seen.add(distances.index(min(distances)))
    assert len(seen) == 8


def test_a_crop_keeps_the_share_of_area_that_it_should() -> None:
    """On a ramp from 0 to 1 the range of a crop is the share of the width that it kept."""
    ramp = (torch.arange(200) * 255 / 199).round().to(torch.uint8).expand(64, 3, 200, 200)
    varied = augment(ramp, 64, STILL.model_copy(update={"areas": ((0.5, 0.09, 0.09), (0.5, 0.49, 0.49))}), random())
    kept = (varied.amax((1, 2, 3)) - varied.amin((1, 2, 3))) * 64 / 63
    near = torch.stack([(kept - 0.3).abs(), (kept - 0.7).abs()])
    assert near.amin(0).max() < 0.02
    assert (near.argmin(0) == 0).float().mean().item() == pytest.approx(0.5, abs=0.2)


def test_grey_pictures_have_equal_bands() -> None:
    varied = augment(pictures(), 40, STILL.model_copy(update={"gray": 1.0}), random())
    torch.testing.assert_close(varied[:, 0], varied[:, 2])


def test_coarse_pictures_lose_detail_and_keep_their_mean() -> None:
    varied = augment(pictures(), 40, STILL.model_copy(update={"coarse": 1.0}), random())
    before = pictures().float() / 255
    assert varied.std(dim=(2, 3)).mean() < 0.7 * before.std(dim=(2, 3)).mean()
    torch.testing.assert_close(varied.mean((2, 3)), before.mean((2, 3)), atol=0.02, rtol=0)


def test_resizing_keeps_a_picture_that_fits_and_the_mean_of_one_that_does_not() -> None:
    assert torch.equal(resized(pictures(), 40), pictures().float() / 255)
    smaller = resized(pictures(), 16)
    assert smaller.shape == (16, 3, 16, 16)
    assert smaller.min() >= 0
    assert smaller.max() <= 1
    torch.testing.assert_close(smaller.mean((2, 3)), pictures().float().mean((2, 3)) / 255, atol=0.02, rtol=0)


def test_measurements_are_moved_and_turned_and_keep_their_values() -> None:
    """Twelve bands of whole numbers: no colour is changed, no haze is laid, all bands go together."""
    bands = torch.arange(12.0)[None, :, None, None] / 12 + torch.zeros(5, 12, 20, 20)
    how = Augmentation(haze=1.0, gray=1.0, coarse=1.0, brightness=0.9)
    varied = augment(bands.half(), 16, how, torch.Generator().manual_seed(0))
    assert varied.shape == (5, 12, 16, 16)
    assert varied.dtype == torch.float32
    torch.testing.assert_close(varied, bands.half().float()[..., :16, :16], atol=1e-6, rtol=0)


def test_measurements_vary_in_place_and_direction() -> None:
    ramp = (torch.arange(24.0)[:, None] + torch.zeros(24, 24))[None, None].expand(6, 2, 24, 24) / 24
    before = ramp.clone()
    varied = augment(ramp, 24, Augmentation(), torch.Generator().manual_seed(1))
    assert len({round(float(picture.mean()), 4) for picture in varied}) > 3
    assert torch.equal(varied[:, 0], varied[:, 1])
    assert torch.equal(ramp, before)
    assert torch.equal(resized(ramp, 24), before)
