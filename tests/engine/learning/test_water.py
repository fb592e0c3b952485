"""Water is found by its look in pictures of which only the class is known."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import timm
import torch

from engine.errors import DataMissing
from engine.learning.water import SURE, find_water, told_by_look

from .test_backbone import package


def test_what_only_pictures_of_water_show_is_water() -> None:
    """Land of four kinds lies in all pictures; a fifth look lies in the left half of those of water alone."""
    random = np.random.default_rng(0)
    kinds = random.normal(0, 3, (5, 8))
    ground = random.integers(0, 4, (120, 10, 10))
    shows = np.arange(120) % 8 == 0
    ground[shows, :, :5] = 4
    features = (kinds[ground] + random.normal(0, 0.3, (120, 10, 10, 8))).astype(np.float16)
    found = told_by_look(features, shows, np.arange(100))  # the last twenty are only looked at
    assert (found[shows][:, :, :5] >= SURE).mean() > 0.98
    assert (found[shows][:, :, 5:] >= SURE).mean() < 0.02
    assert (found[~shows] >= SURE).mean() < 0.02


def test_it_looks_at_pictures_through_a_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With random weights blue squares on green ground are told apart by their colour."""
    torch.manual_seed(0)
    name = package(tmp_path, timm.create_model("tf_efficientnet_lite0").state_dict(), monkeypatch)
    random = np.random.default_rng(1)
    pictures = np.clip(random.normal(0, 10, (72, 3, 64, 64)) + np.array([60, 110, 50])[:, None, None], 0, 255).astype(np.uint8)
    shows = np.arange(72) % 6 == 0
    pictures[shows, :, :, 32:] = np.array([20, 40, 130], np.uint8)[:, None, None]
    found = find_water(pictures, shows, np.arange(72), name)
    assert found.shape == (72, 8, 8)
    assert found[shows][:, :, 6:].mean() > 0.9
    assert found[~shows].mean() < 0.05


def test_a_missing_package_is_named() -> None:
    with pytest.raises(DataMissing, match="no-such-weights"):
        find_water(np.zeros((1, 3, 32, 32), np.uint8), np.zeros(1, bool), np.zeros(1, int), "no_such_weights")
