"""Variations of pictures, on whole batches at once, so that two CPU cores keep up."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

if TYPE_CHECKING:
    from engine.learning.recipe import Augmentation

_GRAY = (0.299, 0.587, 0.114)  # ITU-R BT.601 luma


def augment(pictures: Tensor, size: int, how: Augmentation, random: Generator, windows: Tensor | None = None) -> Tensor:
    """Vary a batch: place, scale, direction, resolution, colour and haze, each image by itself.

    Args:
        pictures: (B, C, H, W) uint8, or float32 0–1; colours vary for RGB alone, place and resolution for all.
        size: Pixels of a side of the result.
        how: The ranges.
        random: Decides everything, so that a step can be repeated.
        windows: (B, 2, 3) what each view shows, from :func:`draw_windows`; drawn here if None.

    Returns:
        (B, C, size, size) float32 in 0–1.
    """
    varied = seen_through(_shares(pictures), draw_windows(len(pictures), how, random) if windows is None else windows, size)
    if pictures.is_floating_point():
        return varied
    varied = _coarsened(varied, how.coarse, random)
    return _hazed(_coloured(varied, how, random), how.haze, random)


def resized(pictures: Tensor, size: int) -> Tensor:
    """The whole pictures at another size, as an encoder sees them: (B, C, H, W) as above → (B, C, size, size) float32 in 0–1."""
    scaled = _shares(pictures)
    if scaled.shape[-2:] == (size, size):
        return scaled
    return F.interpolate(scaled, size=(size, size), mode="bicubic", antialias=True, align_corners=False).clamp_(0, 1)


def _shares(pictures: Tensor) -> Tensor:
    """Values as float32 in 0–1, in memory of their own."""
    return pictures.to(torch.float32, copy=True) if pictures.is_floating_point() else pictures.float().div_(255)


def _between(low: Tensor | float, high: Tensor | float, shape: tuple[int, ...], random: Generator) -> Tensor:
    """Uniform numbers."""
    return low + (high - low) * torch.rand(shape, generator=random)


def draw_windows(count: int, how: Augmentation, random: Generator) -> Tensor:
    """A window of its own for each of some images, turned and mirrored.

    Returns:
        (B, 2, 3) float32, maps a view's coordinates of −1…1 to those of its picture, as ``affine_grid`` takes it.
    """
    share, low, high = torch.tensor(how.areas).T
    kind = torch.multinomial(share, count, replacement=True, generator=random)
    side = _between(low[kind], high[kind], (count,), random).sqrt()
    stretch = torch.exp(_between(-1.0, 1.0, (count,), random) * math.log(how.aspect) / 2)
    half = torch.stack([(side * stretch).clamp(max=1), (side / stretch).clamp(max=1)], dim=1)  # of width and height
    centre = _between(-1.0, 1.0, (count, 2), random) * (1 - half)
    if how.turn:
        quarter = torch.randint(4, (count,), generator=random) * (math.pi / 2)
        mirror = torch.randint(2, (count,), generator=random) * 2.0 - 1
    else:
        quarter, mirror = torch.zeros(count), torch.ones(count)
    cos, sin = quarter.cos().round(), quarter.sin().round()
    turn = torch.stack([torch.stack([cos * mirror, -sin], 1), torch.stack([sin * mirror, cos], 1)], 1)
    return torch.cat([half[:, :, None] * turn, centre[:, :, None]], dim=2)


def seen_through(values: Tensor, windows: Tensor, size: int) -> Tensor:
    """(B, C, H, W) float and (B, 2, 3) windows → (B, C, size, size) float, bilinear."""
    grid = F.affine_grid(windows, [len(values), values.shape[1], size, size], align_corners=False)
    seen: Tensor = F.grid_sample(values, grid, mode="bilinear", padding_mode="reflection", align_corners=False)
    return seen


def kept_area(windows: Tensor) -> Tensor:
    """(B, 2, 3) windows → (B,) float, the share of each picture that its view shows."""
    area: Tensor = torch.linalg.det(windows[:, :, :2]).abs()
    return area


def _coarsened(pictures: Tensor, share: float, random: Generator) -> Tensor:
    """Take resolution from some of the images, by one factor for all of them."""
    chosen = torch.rand(len(pictures), generator=random) < share
    factor = float(_between(1.3, 4.0, (1,), random))
    if not bool(chosen.any()):
        return pictures
    size = pictures.shape[-1]
    few = F.interpolate(pictures[chosen], size=max(2, round(size / factor)), mode="bilinear", antialias=True)
    pictures[chosen] = F.interpolate(few, size=size, mode="bilinear")
    return pictures


def _coloured(pictures: Tensor, how: Augmentation, random: Generator) -> Tensor:
    """Change saturation, brightness, the bands' gains, contrast and gamma."""
    one = (len(pictures), 1, 1, 1)
    gray = (pictures * torch.tensor(_GRAY)[:, None, None]).sum(dim=1, keepdim=True)
    saturation = _between(1 - how.saturation, 1 + how.saturation, one, random)
    saturation = torch.where(torch.rand(one, generator=random) < how.gray, 0.0, saturation)
    gain = _between(1 - how.brightness, 1 + how.brightness, one, random)
    gain = gain * _between(1 - how.channel, 1 + how.channel, (len(pictures), 3, 1, 1), random)
    contrast = _between(1 - how.contrast, 1 + how.contrast, one, random)
    gamma = torch.exp(_between(-1.0, 1.0, one, random) * math.log(how.gamma))
    mean = gray.mean(dim=(2, 3), keepdim=True)
    # gain · (mean + contrast · (gray + saturation · (x − gray) − mean)), gathered so that each pixel is touched as seldom as can be
    varied = torch.lerp(gray, pictures, saturation).sub_(mean).mul_(contrast).add_(mean).mul_(gain)
    return varied.clamp_(1e-4, 1).pow_(gamma)


def _hazed(pictures: Tensor, share: float, random: Generator) -> Tensor:
    """Lay an even veil over some of the images: light scattered by the air, x · (1 − h) + light · h."""
    one = (len(pictures), 1, 1, 1)
    veil = _between(0.0, 0.4, one, random) * (torch.rand(one, generator=random) < share)
    light = _between(0.7, 0.95, one, random)
    return pictures.mul_(1 - veil).add_(light * veil)
