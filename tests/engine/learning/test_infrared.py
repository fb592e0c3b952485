"""Guessed near infrared: plants bright, water dark, and mixed in as scenes that have the band are."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.imagery.preview import with_infrared
from engine.learning.infrared import guessed, mixed_in

GRASS, SOIL, GREEN_LAKE = (0.25, 0.42, 0.22), (0.5, 0.42, 0.35), (0.25, 0.42, 0.22)


def random(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def landscape(count: int = 1) -> tuple[Tensor, Tensor]:
    """Three columns: grass, soil, a lake as green as the grass."""
    picture = torch.tensor([GRASS, SOIL, GREEN_LAKE]).T[None, :, None, :].expand(count, 3, 4, 3)
    wet = torch.tensor([0.0, 0.0, 1.0]).expand(count, 1, 4, 3)
    return picture, wet


@pytest.mark.parametrize("seed", range(5))
def test_plants_are_bright_water_is_dark_and_soil_is_as_red(seed: int) -> None:
    picture, wet = landscape()
    grass, soil, lake = guessed(picture, wet, random(seed))[0, 0, 0].tolist()
    assert grass > 1.3 * GRASS[1]
    assert 0.9 * SOIL[0] <= soil <= 1.25 * SOIL[0]
    assert lake < 0.6 * GREEN_LAKE[1]


def test_pictures_differ_in_how_bright_their_plants_are() -> None:
    picture, wet = landscape(50)
    grass = guessed(picture, wet, random())[:, 0, 0, 0]
    assert float(grass.min()) < 1.4 * GRASS[1]
    assert float(grass.max()) > 2.0 * GRASS[1]


def test_it_is_mixed_in_as_of_real_scenes() -> None:
    picture, wet = landscape(4)
    stored = (picture * 255).round().to(torch.uint8)
    mixed = mixed_in(stored, wet, 1.0, random(3))
    infrared = (guessed(stored.float() / 255, wet, random(3)) * 255).round().to(torch.uint8)
    expected = [with_infrared(p, n) for p, n in zip(stored.permute(0, 2, 3, 1).numpy(), infrared[:, 0].numpy(), strict=True)]
    np.testing.assert_allclose(mixed.permute(0, 2, 3, 1).numpy().astype(int), np.stack(expected).astype(int), atol=1)


def test_only_a_share_of_the_pictures_is_changed() -> None:
    picture, wet = landscape(200)
    stored = (picture * 255).round().to(torch.uint8)
    changed = (mixed_in(stored, wet, 0.3, random()) != stored).flatten(1).any(dim=1)
    assert 0.2 < changed.float().mean() < 0.4
    assert torch.equal(mixed_in(stored, wet, 0.0, random()), stored)


def test_black_pictures_stay_black() -> None:
    assert mixed_in(torch.zeros(2, 3, 4, 4, dtype=torch.uint8), torch.zeros(2, 1, 4, 4), 1.0, random()).max() == 0
