"""A memory of the frames before: never of those to come."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CubeInvalid
from engine.fog import Cube, FogMask, State, Validity
from engine.fog.detection.dynamic import DynamicDetector, MultiFrameDetector
from engine.fog.mask import Check

from ..skies import NOON, hours, write_cube

SHAPE = (48, 48)
LAT, LON = np.linspace(46, 44, 48), np.linspace(0, 2, 48)


class Told:
    """A detector that says what it is told, and remembers what it was asked."""

    name, title, experimental = "told", "told", False

    def __init__(self, frames: list[np.ndarray | None]) -> None:
        self.frames, self.asked = frames, set[int]()

    def detect(self, cube: Cube, frame: int) -> FogMask:
        self.asked.add(frame)
        probability = self.frames[frame]
        if probability is None:
            raise CubeInvalid(cube.name, "empty")
        state = np.where(probability >= 0.5, State.FOG, State.CLEAR).astype(np.uint8)
        state[np.isnan(probability)] = State.OBSCURED
        light = np.full(SHAPE, Validity.NIGHT, np.uint16)
        reasons = np.zeros(SHAPE, np.uint32)
        return FogMask(probability.astype(np.float32), state, light, cube.times[frame], cube.bounds, "told", cube.name, True, reasons)


@pytest.fixture
def cube(tmp_path: Path) -> Cube:
    times = hours(6)
    return Cube.open(write_cube(tmp_path / "c.zarr", {"BT1120": np.full((6, *SHAPE), 280.0)}, times, LAT, LON))


def even(value: float) -> np.ndarray:
    return np.full(SHAPE, value)


@pytest.mark.parametrize("kind", [DynamicDetector, MultiFrameDetector])
def test_later_frames_are_never_asked(cube: Cube, kind: type[DynamicDetector]) -> None:
    told = Told([even(0.9)] * 6)
    kind(told).detect(cube, 3)
    assert max(told.asked) == 3


def test_fog_that_was_there_holds_on_and_fog_that_was_not_must_be_sure(cube: Cube) -> None:
    stays = DynamicDetector(Told([even(0.95), even(0.40), even(0.40)])).detect(cube, 1)
    assert stays.fog.all()
    assert stays.reasons is not None
    assert (stays.reasons & np.uint32(Check.BEFORE.passed_bit)).all()
    comes = DynamicDetector(Told([even(0.05), even(0.55)])).detect(cube, 1)
    assert not comes.fog.any()
    alone = DynamicDetector(Told([even(0.40)])).detect(cube, 0)
    assert not alone.fog.any()


def test_what_is_sure_now_is_believed_at_once(cube: Cube) -> None:
    assert DynamicDetector(Told([even(0.02), even(0.97)])).detect(cube, 1).fog.all()
    assert not DynamicDetector(Told([even(0.98), even(0.02)])).detect(cube, 1).fog.any()


def test_what_higher_cloud_hides_stays_hidden(cube: Cube) -> None:
    mask = DynamicDetector(Told([even(0.95), even(np.nan)])).detect(cube, 1)
    assert (mask.state == State.OBSCURED).all()
    assert np.isnan(mask.probability).all()


@pytest.mark.parametrize("kind", [DynamicDetector, MultiFrameDetector])
def test_an_empty_frame_of_the_past_is_as_good_as_none_and_an_empty_newest_one_an_error(cube: Cube, kind: type[DynamicDetector]) -> None:
    assert kind(Told([even(0.9), None, even(0.9)])).detect(cube, 2).fog.all()
    with pytest.raises(CubeInvalid, match="empty"):
        kind(Told([even(0.9), None])).detect(cube, 1)


def test_a_bank_that_drifts_is_carried_along(cube: Cube) -> None:
    """A disc moves four cells a frame; in the newest frame its front half has faded to 0.45, and is held where the disc is now."""
    down, across = np.mgrid[:48, :48]
    texture = np.random.default_rng(0).normal(0, 0.02, SHAPE)

    def disc(shift: int, inside: float) -> np.ndarray:
        here = np.hypot(down - 24, across - 14 - shift) < 9
        return np.where(here, inside, 0.03) + np.roll(texture, shift, axis=1)

    faded = disc(12, 0.95)
    faded[:, 26:] = np.where(faded[:, 26:] > 0.5, 0.42, faded[:, 26:])
    mask = DynamicDetector(Told([disc(0, 0.95), disc(4, 0.95), disc(8, 0.95), faded])).detect(cube, 3)
    front = (np.hypot(down - 24, across - 26) < 7) & (across > 27)
    assert mask.fog[front].mean() > 0.8
    assert mask.fog[np.hypot(down - 24, across - 26) > 13].mean() < 0.02


def test_beyond_a_gap_of_an_hour_nothing_is_remembered(tmp_path: Path) -> None:
    times = [NOON, NOON + timedelta(hours=3)]
    cube = Cube.open(write_cube(tmp_path / "gap.zarr", {"BT1120": np.full((2, *SHAPE), 280.0)}, times, LAT, LON))
    assert not DynamicDetector(Told([even(0.98), even(0.45)])).detect(cube, 1).fog.any()


def test_a_detector_that_is_wrapped_keeps_its_mark(cube: Cube) -> None:
    told = Told([even(0.9)])
    told.experimental = True
    assert DynamicDetector(told).experimental
    mask = MultiFrameDetector(told).detect(cube, 0)
    assert "multi-frame" in mask.method
    assert replace(mask, method="").synthetic
