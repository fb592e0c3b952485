from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest

from engine.fog.nowcast import Motion

from .skies import START, clouds, drifting, history, times


def test_a_known_drift_is_found_and_carried() -> None:
    """Two cells down and three to the right each half hour are four and six an hour."""
    frames = drifting(4, (2, 3))
    motion = Motion.track(history(frames[:3]), 2)
    assert motion is not None
    inner = motion.velocity[:, 16:-16, 16:-16]
    assert np.median(inner[0]) == pytest.approx(6, abs=0.4)
    assert np.median(inner[1]) == pytest.approx(4, abs=0.4)
    carried, reached = motion.carry(frames[2], [0.5])
    inside = (slice(12, -12), slice(12, -12))
    assert np.abs(carried[0] - frames[3])[inside].mean() < 0.3 * np.abs(frames[2] - frames[3])[inside].mean()
    assert not reached[0, 0, 40]  # from beyond the upper border
    assert carried[0, 0, 40] == frames[2, 0, 40]  # which keeps what is there
    assert reached[0, 40, 40]


def test_two_steps_of_an_hour_are_one_of_two_hours() -> None:
    """Carrying a gradient by a constant motion only shifts it."""
    field = np.broadcast_to(np.arange(64, dtype=np.float32), (48, 64)).copy()
    velocity = np.stack([np.full((48, 64), 5.0), np.zeros((48, 64))])
    carried, _ = Motion(velocity, 9).carry(field, [1.0, 2.0])
    assert carried[0, 20, 30] == pytest.approx(25)
    assert carried[1, 20, 30] == pytest.approx(20)


def test_uneven_times_give_the_same_speed() -> None:
    frames = drifting(5, (0, 2))[[0, 1, 3]]
    when = [START, START + timedelta(minutes=20), START + timedelta(minutes=60)]
    motion = Motion.track(history(frames, when), 2)
    assert motion is not None
    assert np.median(motion.velocity[0, 16:-16, 16:-16]) == pytest.approx(6, abs=0.6)


def test_a_hidden_part_stays_hidden_where_it_goes_and_land_does_not_move() -> None:
    field = clouds()
    field[30:40, 30:40] = np.nan
    velocity = np.stack([np.full(field.shape, 10.0), np.zeros(field.shape)])
    moved, reached = Motion(velocity, 9).carry(field, [1.0])
    assert np.isnan(moved[0, 32:38, 42:48]).all()
    assert reached[0, 35, 45]
    land = np.isnan(field)
    still, arrived = Motion(velocity, 9).carry(field, [1.0], fixed=land)
    assert not arrived[0, 35, 45]  # the air comes off the land: nobody knows
    assert still[0, 35, 45] == field[35, 45]


def test_a_broken_frame_sets_nothing_in_motion() -> None:
    """Half of the middle frame is lost and stored as zeros, as happens in real sequences."""
    frames = drifting(3, (1, 2))
    frames[1, :, 40:] = 0
    motion = Motion.track(history(frames), 2)
    assert motion is None or np.abs(motion.velocity).max() < 12


@pytest.mark.parametrize(
    "frames",
    [
        np.full((3, 64, 64), 7.0),
        np.full((3, 64, 64), np.nan),
        drifting(3, (1, 1), shape=(12, 80)),
        np.zeros((3, 1, 1)),
        drifting(1, (0, 0)),
    ],
    ids=["even", "empty", "narrow", "one cell", "one frame"],
)
def test_where_nothing_can_be_recognised_there_is_no_motion(frames: np.ndarray) -> None:
    assert Motion.track(history(frames), len(frames) - 1) is None


def test_frames_too_far_apart_are_no_trail() -> None:
    frames = drifting(3, (1, 1))
    assert Motion.track(history(frames, times(3, minutes=90)), 2) is None
    assert history(frames, times(3, minutes=90)).trail(2) == (2,)
    assert history(drifting(9, (0, 0)), times(9, minutes=5)).trail(8) == (2, 5, 8)
    frames[1] = np.nan
    assert history(frames).trail(2) == (0, 2)


def test_displacements_found_on_few_cells_are_those_of_all() -> None:
    """Over two hours within a tenth of a cell of pysteps at full resolution, in a real-looking motion that turns and shears."""
    from pysteps.extrapolation.semilagrangian import extrapolate

    frames = drifting(3, (2, 3), shape=(93, 118)) + 0.3 * clouds((93, 118), 4)
    motion = Motion.track(history(frames), 2)
    assert motion is not None
    rows, columns = np.indices((93, 118))
    turning = motion.velocity + 4 * np.stack([np.sin(rows / 40), np.cos(columns / 50)])
    found = Motion(turning, motion.vectors).displacements([0.5, 2.0])
    whole = extrapolate(None, turning, [0.5, 2.0], vel_timestep=1.0, n_iter=3, return_displacement=True)[1]
    inside = (..., slice(24, -24), slice(24, -24))  # by the border air comes from beyond it
    assert found.shape == (2, 2, 93, 118)
    assert np.abs(whole).max() > 8
    np.testing.assert_allclose(found[1][inside], whole[inside], atol=0.1)
