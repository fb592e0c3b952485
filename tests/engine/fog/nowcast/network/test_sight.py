"""What the network sees: the last half hours where their air is now."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fog.nowcast import FOG, History, Motion
from engine.fog.nowcast.network.sight import NAMES, Scale, Sight, turned

from ..skies import PERCENT, clouds, drifting, history, times

INSIDE = (slice(16, -16), slice(16, -16))


def test_drifting_clouds_stand_still_along_the_flow() -> None:
    frames = drifting(5, (1, 2))
    series = history(frames)
    motion = Motion.track(series, 4)
    assert motion is not None
    sight = Sight.of(series, 4, motion)
    assert sight is not None
    aligned = [np.nanmean(np.abs(sight.frames[0] - each)[INSIDE]) for each in sight.frames[1:]]
    fixed = [np.abs(frames[4] - frames[3 - back])[INSIDE].mean() / sight.scale.half for back in range(3)]
    assert all(one < 0.35 * other for one, other in zip(aligned, fixed, strict=True))
    assert np.median(sight.speed) == pytest.approx(np.hypot(1, 2), abs=0.3)
    assert np.isnan(sight.frames[3, 0, 0])  # its air was beyond the border 90 minutes ago


def test_features_are_never_nan_and_say_what_is_known() -> None:
    frames = drifting(4, (0, 1))
    frames[3, 30:36, 30:36] = np.nan
    series = history(frames)
    motion = Motion.track(series, 3)
    assert motion is not None
    sight = Sight.of(series, 3, motion)
    assert sight is not None
    seen = sight.features()
    assert seen.shape == (len(NAMES), 72, 88)
    assert np.isfinite(seen).all()
    assert (seen[NAMES.index("has_now"), 30:36, 30:36] == 0).all()
    assert (seen[NAMES.index("now"), 30:36, 30:36] == 0).all()
    assert seen[NAMES.index("has_now")].sum() == 72 * 88 - 36
    assert (seen[NAMES.index("is_probability")] == 0).all()


def test_a_missing_half_hour_is_no_sight_and_five_minutes_apart_is_one() -> None:
    frames = drifting(4, (0, 1))
    motion = Motion.track(history(frames), 3)
    assert motion is not None
    assert Sight.of(history(frames[1:]), 2, motion) is None
    assert Sight.of(history(frames, times(4, minutes=60)), 3, motion) is None
    frames[1] = np.nan
    assert Sight.of(history(frames), 3, motion) is None
    many = history(drifting(19, (0, 0)), times(19, minutes=5))
    assert Sight.of(many, 18, motion) is not None


def test_scales_turn_cloud_up_and_leave_probabilities() -> None:
    chance = np.array([[0, 0.5, 1]], np.float32)
    np.testing.assert_allclose(Scale.of(FOG, chance).scaled(chance), [[-1, 0, 1]])
    field = clouds()
    scaled = Scale.of(PERCENT, field).scaled(field)
    assert scaled.std() == pytest.approx(0.5, abs=0.01)
    cold = History.of_frames(PERCENT, times(1), field[None]).quantity
    kelvin = type(cold)("BT1120", "K", 130.0, type(cold.event)(270.0, above=False), (100.0, 400.0))
    np.testing.assert_allclose(Scale.of(kelvin, field).scaled(field), -scaled, atol=1e-5)
    assert abs(Scale.of(PERCENT, np.full((8, 8), 5, np.float32)).half) == pytest.approx(2.0)  # 2 × 1 % of the span


@pytest.mark.parametrize("way", range(8))
def test_vectors_turn_with_their_plane(way: int) -> None:
    """A field and its gradient, turned, are again a field and its gradient."""
    from engine.fog.network.variation import laid

    field = clouds((40, 40)).astype(np.float64)

    def gradient(values: np.ndarray) -> np.ndarray:
        down, right = np.gradient(values)
        return np.stack([right, down])

    np.testing.assert_allclose(turned(gradient(field), way), gradient(laid(field, way)), atol=1e-9)  # type: ignore[arg-type]
