"""Painted water: even surfaces in the colours that natural waters have, so that what tells water is its shore and its evenness."""

from __future__ import annotations

from typing import Final

import torch
import torch.nn.functional as F
from torch import Tensor

FOREL_ULE: Final = (
    (33, 88, 188),
    (49, 109, 197),
    (50, 124, 187),
    (75, 128, 160),
    (86, 143, 150),
    (109, 146, 152),
    (105, 140, 134),
    (117, 158, 114),
    (123, 166, 84),
    (125, 174, 56),
    (149, 182, 69),
    (148, 182, 96),
    (165, 188, 118),
    (170, 184, 109),
    (173, 181, 95),
    (168, 169, 101),
    (174, 159, 92),
    (179, 160, 83),
    (175, 138, 68),
    (164, 105, 5),
    (161, 77, 4),
)
"""sRGB of the 21 steps of the Forel–Ule scale, from the open ocean's blue to the brown of peat.

Source: Novoa, Wernand and van der Woerd 2013, "The Forel-Ule scale revisited spectrally", J. Eur. Opt. Soc. 8, 13057.
"""
_OF_THE_LAND: Final = 0.4
"""Part of the waters that are as green or brown as the land around them: there colour tells nothing."""


def waters(land: Tensor) -> Tensor:
    """A water surface for each picture, from torch's global generator.

    Args:
        land: (N, 3, h, w) float 0–1, what lies around.

    Returns:
        (N, 3, h, w) float 0–1: one colour each, with a smooth gradient and faint waves.
    """
    count, _, height, width = land.shape
    scale = torch.tensor(FOREL_ULE, dtype=land.dtype, device=land.device) / 255
    colour = scale[torch.randint(len(scale), (count,))] * torch.empty(count, 1).uniform_(0.2, 1.0).to(land)
    near = land.mean(dim=(2, 3)) * torch.empty(count, 1).uniform_(0.4, 1.1).to(land)
    alike = (torch.rand(count, 1) < _OF_THE_LAND).to(land.device)
    slopes = F.interpolate(torch.randn(count, 1, 3, 3), size=(height, width), mode="bicubic", align_corners=False).to(land)
    waves = torch.randn(count, 1, height, width).to(land)
    rough = torch.empty(count, 1, 1, 1).uniform_(0.0, 0.02).to(land)
    surface = torch.where(alike, near, colour)[:, :, None, None] * (1 + 0.08 * slopes)
    return (surface + rough * waves).clamp_(0, 1)


def flooded(land: Tensor, water: Tensor) -> Tensor:
    """Land with water on some of it.

    Args:
        land: (N, 3, h, w) float 0–1.
        water: (N, 1, h, w) bool, where the water is.

    Returns:
        (N, 3, h, w) float 0–1.
    """
    return (torch.where(water, waters(land), land) + shores(water)).clamp_(0, 1)


def shores(water: Tensor) -> Tensor:
    """How a shore darkens or lightens the land and the water at its edge, a few pixels wide.

    Args:
        water: (N, 1, h, w) bool.

    Returns:
        (N, 1, h, w) float in −0.25…0.25, to add; 0 away from the shore. From torch's global generator.
    """
    part = F.avg_pool2d(water.float(), 5, stride=1, padding=2, count_include_pad=False)
    edge = 4 * part * (1 - part)
    return edge * torch.empty(len(water), 1, 1, 1).uniform_(-0.25, 0.25).to(edge)
