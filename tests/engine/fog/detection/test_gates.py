"""What must hold before anything is released, on made-up weather that the detector was not fitted on."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from engine.fog import Cube, FogMask, State, detect
from engine.fog.labels import Label
from engine.fog.scores import Contingency
from engine.world.weather import HELD_OUT, REGIMES

from .series import coast, counted, series

HELD = ("cool", "moist", "murky")
PLACES = (("NS", "SEVIRI"), ("GS", "ABI"), ("CE", "AHI"))


@pytest.fixture(scope="module")
def shore(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return coast(tmp_path_factory.mktemp("coast"), 170.0)


@pytest.fixture(scope="module")
def foggy(shore: Path) -> list[Cube]:
    """Held-out weather over held-out regions, each with a fifth of the sea in fog."""
    found = []
    for number, regime in enumerate(HELD):
        drawn = HELD_OUT[regime].at_rate(0.2, foggy=1.0)
        for region, sensor in PLACES:
            found.append(series(shore, region, 4000 + 7 * number + len(found), drawn, frames=2, sensor=sensor))
    return found


def masks(cube: Cube) -> list[FogMask]:
    return [detect(cube, frame) for frame in range(len(cube.times))]


def csi(cubes: list[Cube], found: list[list[FogMask]]) -> float:
    total = Contingency()
    for cube, each in zip(cubes, found, strict=True):
        total += counted(cube, each)
    assert total.csi is not None
    return total.csi


def test_fog_is_found_where_weather_and_region_are_new(foggy: list[Cube]) -> None:
    assert csi(foggy, [masks(cube) for cube in foggy]) > 0.58


@pytest.mark.parametrize("wrong", [2.0, -2.0])
def test_a_sea_that_is_two_kelvin_off_costs_at_most_a_tenth(foggy: list[Cube], wrong: float) -> None:
    right = csi(foggy, [masks(cube) for cube in foggy])
    off = [warmed(cube, wrong) for cube in foggy]
    assert csi(off, [masks(cube) for cube in off]) > right - 0.10


def warmed(cube: Cube, by: float) -> Cube:
    data = cube.dataset.load()
    return Cube(cube.path, data.assign(SST=(data["SST"] + np.float32(by)).assign_attrs(data["SST"].attrs)))


@pytest.mark.parametrize(("region", "sensor", "hour"), [("NS", "SEVIRI", 3), ("GS", "ABI", 7), ("CE", "AHI", 19)])
def test_the_mask_does_not_jump_at_sunrise(shore: Path, region: str, sensor: str, hour: int) -> None:
    """The area's change between neighbouring frames is at most twice the truth's, from night through twilight into the day."""
    regime = REGIMES["training"].at_rate(0.25, foggy=1.0)
    start = datetime(2025, 5, 10, hour, tzinfo=UTC)
    said, true = [], []
    for seed in (31, 32, 33):
        cube = series(shore, region, seed, regime, start=start, frames=10, sensor=sensor)
        assert {cube.light(frame) for frame in range(10)} == {"night", "twilight", "day"}
        for frame in range(10):
            mask, label = detect(cube, frame), cube.label(frame)
            assert label is not None
            said.append(float(mask.fog.mean()))
            true.append(float((label == Label.FOG).mean()))
        said.append(np.nan)
        true.append(np.nan)
    steps = [np.nanmean([abs(two - one) for one, two in pairwise(values)]) for values in (said, true)]
    assert steps[0] < 2 * steps[1]


def test_higher_cloud_over_fog_is_obscured_and_what_is_clear_is_not(shore: Path) -> None:
    regime = HELD_OUT["moist"].at_rate(0.4, foggy=1.0)
    hidden = hidden_said = clear_said = 0
    for seed in range(6):
        cube = series(shore, "GS", 600 + seed, regime, frames=1, sensor="ABI")
        mask, label = detect(cube, 0), cube.label(0)
        assert label is not None
        below = label == Label.FOG_BELOW_CLOUD
        hidden += int(below.sum())
        hidden_said += int((mask.state[below] == State.OBSCURED).sum())
        clear_said += int((mask.state[below] == State.CLEAR).sum())
    assert hidden > 1000
    assert hidden_said > 0.9 * hidden
    assert clear_said < 0.02 * hidden


def test_dust_snow_sand_and_glint_are_no_fog(shore: Path) -> None:
    """A murky regime without fog: dust, turbid water, wind; land is not judged."""
    regime = HELD_OUT["murky"].at_rate(0.1, foggy=0.0)
    said = seen = 0
    for seed in range(6):
        cube = series(shore, "CE", 800 + seed, regime, frames=2, sensor="AHI")
        for frame in range(2):
            mask = detect(cube, frame)
            said += int(mask.fog.sum())
            seen += int(mask.judged.sum())
    assert said < 0.01 * seen
