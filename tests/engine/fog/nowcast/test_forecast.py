from __future__ import annotations

import threading
from datetime import timedelta

import numpy as np
import pytest

from engine.errors import Cancelled, NowcastInvalid
from engine.fog.nowcast import Hindcast, leads_named, method_named, nowcast

from .skies import START, clouds, drifting, history, times


def test_flow_beats_persistence_on_drifting_clouds_and_says_so() -> None:
    found = nowcast(history(drifting(7, (1, 2))), (30, 60), "flow")
    assert found.method == "flow"
    assert found.issued == START + timedelta(hours=3)
    assert [step.time - found.issued for step in found.steps] == [timedelta(minutes=30), timedelta(minutes=60)]
    for step in found.steps:
        skill = step.skill
        assert skill is not None
        assert (skill.gain or 0) > 0.3
        assert (skill.scores.ssim or 0) > (skill.persistence.ssim or 1)
        assert (skill.scores.csi or 0) > (skill.persistence.csi or 1)
        assert "better" in step.words(found.quantity)


def test_skill_is_that_of_forecasts_made_and_judged_by_hand() -> None:
    """Persistence at 60 minutes: the mean over the issues of |frame − frame two later|."""
    frames = drifting(6, (1, 1))
    skill = nowcast(history(frames), (60,), "persistence").steps[0].skill
    assert skill is not None
    past = Hindcast.run(history(frames), (60,), flow=False)
    errors = [np.abs(frames[5 - back] - frames[3 - back]).mean() for back in range(3)]  # issued 60, 90 and 120 minutes ago
    assert skill.hindcasts == len(past.trials) == 3
    assert skill.scores.mae == pytest.approx(np.mean(errors), rel=1e-5)
    assert skill.gain == 0.0


def test_a_hindcast_sees_nothing_newer_than_its_start() -> None:
    """The newest frame is replaced by other clouds: what was said about it must stay as it was."""
    frames = drifting(6, (1, 2))
    other = frames.copy()
    other[5] = clouds(seed=99)
    one, two = (Hindcast.run(history(part), (30,)) for part in (frames, other))
    for first, second in zip(one.trials, two.trials, strict=True):
        assert first.parts.carried is not None
        assert second.parts.carried is not None
        assert np.array_equal(first.parts.carried, second.parts.carried, equal_nan=True)


def test_the_blend_has_the_least_squared_error() -> None:
    """No share of flow on a fine grid does better on the trials than the one that was computed."""
    frames = drifting(7, (1, 2)) + np.random.default_rng(5).normal(0, 8, (7, 72, 88)).astype(np.float32)
    past = Hindcast.run(history(frames), (30,))
    weight = past.weight(0)
    assert weight is not None
    assert 0 < weight < 1

    def squared(share: float) -> float:
        known = [(trial.parts.at(0, share) - trial.came[0])[trial.known(0)] for trial in past.trials]
        return float((np.concatenate(known) ** 2).sum())

    grid = np.linspace(0, 1, 101)
    best = grid[int(np.argmin([squared(share) for share in grid]))]
    assert weight == pytest.approx(best, abs=0.011)


def test_clouds_that_stand_still_leave_nothing_to_gain() -> None:
    still = np.repeat(clouds()[None], 5, axis=0)
    still += np.random.default_rng(1).normal(0, 6, still.shape).astype(np.float32)
    found = nowcast(history(still), (30,), "blend")
    skill = found.steps[0].skill
    assert skill is not None
    assert (skill.gain or 0) > -0.1  # a blend may not be much worse than persistence


def test_a_single_frame_is_persistence_without_a_figure_and_says_so() -> None:
    found = nowcast(history(drifting(1, (0, 0))), (30, 60), "flow")
    assert (found.asked, found.method) == ("flow", "persistence")
    assert all(step.skill is None for step in found.steps)
    assert np.array_equal(found.steps[1].values, clouds())
    assert "single frame" in found.notes[0]
    assert found.record()["leads"][0]["mae"] is None


def test_small_areas_and_gaps_are_persistence_and_say_so() -> None:
    one = nowcast(history(np.full((4, 1, 1), 5.0)), (30,), "blend")
    assert one.method == "persistence"
    assert "1 × 1 cells" in one.notes[0]
    apart = nowcast(history(drifting(4, (1, 1)), times(4, minutes=180)), (180,), "blend")
    assert "180 minutes older" in apart.notes[0]
    skill = apart.steps[0].skill
    assert skill is not None
    assert skill.hindcasts == 1


def test_leads_between_frames_have_no_figure() -> None:
    found = nowcast(history(drifting(6, (1, 2))), (45, 60), "blend")
    assert found.steps[0].skill is None
    assert found.steps[1].skill is not None
    assert found.steps[0].weight == found.steps[1].weight
    assert any("No skill is given at 45 minutes" in note for note in found.notes)


def test_gaps_in_the_past_are_left_out() -> None:
    frames = drifting(7, (1, 2))
    frames[4] = np.nan
    found = nowcast(history(frames), (30,), "flow")
    assert found.method == "flow"
    assert found.steps[0].skill is not None
    assert np.isfinite(found.steps[0].values).all()


def test_unusable_input_is_told() -> None:
    frames = drifting(3, (1, 1))
    with pytest.raises(NowcastInvalid, match="does not come after"):
        history(frames, [START, START, START])
    with pytest.raises(NowcastInvalid, match="don't fit"):
        history(frames, times(2))
    with pytest.raises(NowcastInvalid, match="no frame"):
        history(frames[:0], [])
    frames[2] = np.nan
    with pytest.raises(NowcastInvalid, match="holds no value at 2021-03-20 07:00"):
        nowcast(history(frames), (30,))
    for text, why in {"": "no lead", "0": "0 minutes", "30,200": "200 minutes", "x": "no list"}.items():
        with pytest.raises(NowcastInvalid, match=why):
            leads_named(text)
    assert leads_named("90, 30,30") == (30, 90)
    for name in ("magic", ""):
        with pytest.raises(NowcastInvalid, match="persistence, flow, blend"):
            method_named(name)


def test_it_can_be_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        nowcast(history(drifting(4, (1, 1))), (30,), "flow", cancel=stop)
