"""Pictures as an encoder would see them if near infrared had been taken too: guessed, for pictures that have none.

Scenes with near infrared reach the encoder with that band mixed into their colours (:func:`engine.imagery.preview.with_infrared`). The
pictures with sentences have colours alone, so it is guessed what they would have been: plants bright, water dark, the rest about as red.
"""

from __future__ import annotations

from typing import Final

import torch
from torch import Tensor

from engine.imagery.preview import with_infrared

_PLANT: Final = (1.3, 2.1)
"""Near infrared of plants over their green, drawn between these; of water, and of all else over its red, likewise."""
_WATER: Final = (0.15, 0.6)
_OTHER: Final = (0.9, 1.25)
_GREENEST: Final = 0.15
"""Excess green from which a pixel is taken for plants alone."""


def guessed(pictures: Tensor, wet: Tensor, random: torch.Generator) -> Tensor:
    """SYNTHETIC near infrared of pictures.

    Args:
        pictures: (B, 3, H, W) float 0–1 RGB.
        wet: (B, 1, H, W) float 0–1, where water is.
        random: Draws how bright each picture's plants and how dark its water is.

    Returns:
        (B, 1, H, W) float 0–1.

    Source: excess green 2 g − r − b of chromatic coordinates, Woebbecke et al. 1995.
    """
    red, green, blue = torch.split(pictures, 1, dim=1)
    excess = (2 * green - red - blue) / (red + green + blue).clamp(min=1e-3)
    plants = (excess / _GREENEST).clamp(0, 1)
    plant, water, other = (_between(low, high, len(pictures), random) for low, high in (_PLANT, _WATER, _OTHER))
    land = plants * plant * green + (1 - plants) * other * red
    return (wet * water * green + (1 - wet) * land).clamp(0, 1)


def mixed_in(pictures: Tensor, wet: Tensor, share: float, random: torch.Generator) -> Tensor:
    """Some of the pictures as if near infrared had been mixed into their colours, as :func:`engine.imagery.preview.with_infrared` does.

    Args:
        pictures: (B, 3, H, W) uint8 RGB.
        wet: (B, 1, H, W) float 0–1, where water is.
        share: Of the pictures that are changed, 0–1.
        random: Decides which, and how.

    Returns:
        (B, 3, H, W) uint8.
    """
    infrared = (guessed(pictures.float() / 255, wet, random) * 255).round().to(torch.uint8)
    mixed = with_infrared(pictures.permute(0, 2, 3, 1).numpy(), infrared[:, 0].numpy())
    chosen = torch.rand(len(pictures), 1, 1, 1, generator=random) < share
    return torch.where(chosen, torch.from_numpy(mixed).permute(0, 3, 1, 2), pictures)


def _between(low: float, high: float, count: int, random: torch.Generator) -> Tensor:
    """Uniform numbers: (count, 1, 1, 1)."""
    return low + (high - low) * torch.rand(count, 1, 1, 1, generator=random)
