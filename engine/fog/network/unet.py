"""The network: each cell by itself at full resolution, its surroundings by a small U-Net at half. Only teaching it needs torch.

The thermal bands of all imagers are coarser than the 0.0125° grid, so that convolutions at full resolution cost most and tell least.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

OUT = 2
"""Logits: fog or very low stratus seen from above; higher cloud that hides what is below."""
RARE = -2.0
"""What the logits begin with: fog is rare."""


def block(before: int, after: int, side: int = 3) -> nn.Sequential:
    """A convolution, normalised and rectified."""
    return nn.Sequential(nn.Conv2d(before, after, side, padding=side // 2, bias=False), nn.BatchNorm2d(after), nn.ReLU())


def pair(before: int, after: int) -> nn.Sequential:
    """Two of them."""
    return nn.Sequential(block(before, after), block(after, after))


class UNet(nn.Module):
    """Down by averages, up by repetition, with what was seen at each level.

    Attributes:
        channels: Features of a cell.
        pixel: What each cell shows by itself, with as many channels as the first width.
        down: From half resolution on down; each level halves it again.
        up: On the way up, from the bottom.
        join: Cells and their surroundings.
        head: To the logits.
    """

    def __init__(self, channels: int, widths: Sequence[int], out: int = OUT, bias: float = RARE) -> None:
        super().__init__()
        first = widths[0]
        self.channels = channels
        self.pixel = nn.Sequential(block(channels, first, 1), block(first, first, 1))
        self.down = nn.ModuleList(pair(before, after) for before, after in zip([channels, *widths[:-1]], widths, strict=True))
        levels = zip(widths[::-1], widths[-2::-1], strict=False)
        self.up = nn.ModuleList(pair(below + beside, beside) for below, beside in levels)
        self.join = block(2 * first, first, 1)
        self.head = nn.Conv2d(first, out, 1)
        with torch.no_grad():
            assert self.head.bias is not None
            self.head.bias.fill_(bias)

    def forward(self, features: Tensor) -> Tensor:
        """(B, C, n, m) features, sides multiples of 2^levels → (B, out, n, m) logits."""
        here, seen = self.pixel(features), []
        for level in self.down:
            features = level(nn.functional.avg_pool2d(features, 2))
            seen.append(features)
        for level, beside in zip(self.up, seen[-2::-1], strict=True):
            features = level(torch.cat([_doubled(features), beside], dim=1))
        return torch.as_tensor(self.head(self.join(torch.cat([_doubled(features), here], dim=1))))


def _doubled(values: Tensor) -> Tensor:
    return nn.functional.interpolate(values, scale_factor=2.0)
