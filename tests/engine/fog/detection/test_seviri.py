"""The one real scene with 3.9 and 10.8 µm: SEVIRI over Germany and the Alps. Nothing is tuned on it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.fog import detect
from engine.fog.mask import Validity

from ..seviri import Germany, germany


@pytest.fixture(scope="module")
def scene(shared_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Germany:
    return germany(shared_data, tmp_path_factory.mktemp("germany"))


def textbook(scene: Germany) -> np.ndarray:
    """3.9 − 10.8 µm above the line of the sun, 10.8 µm above 265 K, bright at 0.6 and 1.6 µm: Lee et al. 2011, Cermak 2008."""
    cube = scene.cube
    window, near = cube.element("BT1120", 0), cube.element("BT0390", 0)
    zenith = cube.solar_zenith(0)
    assert zenith is not None
    line = np.interp(zenith, (0, 30, 60, 75, 80, 90), (7.5, 6.3, 3.0, 0.8, 0.0, -1.0))
    return (window > 265) & (near - window > line) & (cube.element("R0064", 0) > 15) & (cube.element("R0160", 0) > 11)


@pytest.mark.shared_data
def test_the_real_scene_is_neither_painted_over_nor_missed(scene: Germany) -> None:
    mask = detect(scene.cube, 0)
    supported = scene.low_cloud & textbook(scene)
    assert supported.sum() > 1000
    assert mask.fog[scene.clear].mean() < 0.05
    assert mask.fog[supported].mean() >= 0.60


@pytest.mark.shared_data
def test_it_says_under_which_conditions(scene: Germany) -> None:
    mask = detect(scene.cube, 0)
    assert ((mask.validity & Validity.NO_SEA_TEMPERATURE) > 0).all()
    assert "no_sea_temperature" in mask.validities
