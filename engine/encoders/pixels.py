"""Pictures to numbers: resized, cut square and normalised as the model's preprocessing says."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.encoders.registry import Preprocess
from engine.errors import ImageUnreadable

if TYPE_CHECKING:
    import torch

# A sliver of this shape is cut to its middle before it is scaled: else one row of pixels would grow to gigabytes.
LONGEST_SHAPE = 4


def prepare(images: Sequence[NDArray[np.uint8]], size: int, how: Preprocess, device: torch.device | str = "cpu") -> torch.Tensor:
    """A batch for the image tower.

    As open_clip's evaluation transform: the shorter side is scaled to ``size`` (bicubic, antialiased) and the middle square is
    taken, so shapes keep their proportions; the ends of a long picture are not seen. Pictures of one shape are scaled together.

    Args:
        images: uint8 (H, W, 3) each, red, green, blue; shapes may differ.
        size: Side of the model's input, pixels.
        how: Mean, std, interpolation and the way of resizing.
        device: Where the numbers are to be.

    Returns:
        (N, 3, size, size) float32.

    Raises:
        ImageUnreadable: If a picture has another dtype or shape, or no pixels.
    """
    import torch

    groups: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for position, image in enumerate(images):
        groups[_checked(image, position).shape].append(position)
    batch = torch.empty((len(images), 3, size, size), dtype=torch.float32, device=device)
    for positions in groups.values():
        stack = torch.from_numpy(np.stack([images[p] for p in positions])).to(device).permute(0, 3, 1, 2)
        batch[positions] = _fitted(stack, size, how).to(torch.float32)
    mean = torch.tensor(how.mean, device=device).view(1, 3, 1, 1) * 255
    std = torch.tensor(how.std, device=device).view(1, 3, 1, 1) * 255
    return batch.sub_(mean).div_(std)


def _checked(image: Any, position: int) -> NDArray[np.uint8]:  # noqa: ANN401 - what a caller passes is checked here
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or 0 in image.shape:
        kind = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise ImageUnreadable(f"picture {position}", f"the encoder takes 8-bit red, green, blue (H, W, 3), not {kind}.")
    return image


def _fitted(stack: torch.Tensor, size: int, how: Preprocess) -> torch.Tensor:
    """(N, 3, H, W) uint8 → (N, 3, size, size), 0 to 255."""
    height, width = stack.shape[2:]
    if how.resize_mode == "squash":
        return _scaled(stack, size, size, how)
    short = min(height, width)
    stack = _middle(stack, min(height, short * LONGEST_SHAPE), min(width, short * LONGEST_SHAPE))
    height, width = stack.shape[2:]
    stack = _scaled(stack, size * height // short, size * width // short, how)
    return _middle(stack, size, size)


def _middle(stack: torch.Tensor, height: int, width: int) -> torch.Tensor:
    top = round((stack.shape[2] - height) / 2)
    left = round((stack.shape[3] - width) / 2)
    return stack[:, :, top : top + height, left : left + width]


def _scaled(stack: torch.Tensor, height: int, width: int, how: Preprocess) -> torch.Tensor:
    import torch
    from torch.nn.functional import interpolate

    if stack.shape[2:] == (height, width):
        return stack
    if stack.device.type != "cpu":  # only the CPU scales 8-bit numbers as they are, which is several times as fast
        stack = stack.to(torch.float32)
    scaled = interpolate(stack, size=(height, width), mode=how.interpolation, antialias=True, align_corners=False)
    # Bicubic overshoots; Pillow, with which the models were trained, clips and rounds as the 8-bit path does.
    return scaled if scaled.dtype == torch.uint8 else scaled.round().clamp_(0, 255)
