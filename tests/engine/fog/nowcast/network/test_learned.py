"""The network is run where it beats flow and blend on the last frames, and nowhere else; why not is always said."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import WeightsCorrupt, WeightsMissing
from engine.fog.nowcast import Nowcast, nowcast
from engine.fog.nowcast.history import History
from engine.fog.nowcast.network.learned import Learned
from engine.fog.nowcast.network.sight import Scale

from ..skies import PERCENT, clouds, drifting, history, times
from .conftest import Make

RATE = 2.0
"""Percent that the clouds brighten each half hour."""


def brightening(count: int = 10) -> np.ndarray:
    """SYNTHETIC clouds that drift and brighten evenly: flow and blend can't know."""
    return 0.6 * drifting(count, (1, 2)) + RATE * np.arange(count, dtype=np.float32)[:, None, None]


def series(values: np.ndarray, minutes: int = 30, cell: float | None = 0.025) -> History:
    return History.of_frames(PERCENT, times(len(values), minutes), values, cell=cell)


def knowing(make: Make, values: np.ndarray, **more: object) -> Learned:
    """A network that knows how much clouds brighten: the deviation of all frames is the same."""
    half = Scale.of(PERCENT, values[-1]).half
    return make(*(RATE * step / half for step in (1, 2, 3, 4)), **more)


def test_a_network_that_knows_the_change_is_run_and_beats_the_blend(make: Make) -> None:
    values = brightening()
    found = nowcast(series(values), (30, 60, 120), "network", network=knowing(make, values))
    blend = nowcast(series(values), (30, 60, 120), "blend")
    assert (found.method, found.why) == ("network", "")
    assert "experimental" in found.notes[0]
    for step, other, ahead in zip(found.steps, blend.steps, (1, 2, 4), strict=True):
        assert step.method == "network"
        assert step.skill is not None
        assert other.skill is not None
        assert step.skill.scores.mae < other.skill.scores.mae
        inside = (slice(16, -16), slice(20, -20))
        grown = step.values[inside] - nowcast(series(values), (30 * ahead,), "flow").steps[0].values[inside]
        np.testing.assert_allclose(grown, RATE * ahead, atol=0.1)
    assert found.record()["leads"][0]["method"] == "network"


def test_between_half_hours_the_change_is_between_and_beyond_two_hours_the_blend_is_shown(make: Make) -> None:
    values = brightening(12)
    network = knowing(make, values)
    found = nowcast(series(values), (15, 30, 45, 120, 180), "network", network=network)
    assert [step.method for step in found.steps] == ["network"] * 4 + ["blend"]
    assert any("beyond, the blend is shown" in note for note in found.notes)
    flow = nowcast(series(values), (15, 45), "flow")
    inside = (slice(16, -16), slice(20, -20))
    for step, other, ahead in ((found.steps[0], flow.steps[0], 0.5), (found.steps[2], flow.steps[1], 1.5)):
        np.testing.assert_allclose((step.values - other.values)[inside], RATE * ahead, atol=0.1)
    alone = nowcast(series(values), (180,), "network", network=network)
    assert alone.method == "blend"
    assert "120 minutes ahead" in alone.why


def test_a_network_that_is_wrong_is_not_run_and_that_is_said(make: Make) -> None:
    values = brightening()
    found = nowcast(series(values), (30, 60), "network", network=make(-0.3, -0.6, -0.9, -1.2))
    blend = nowcast(series(values), (30, 60), "blend")
    assert (found.asked, found.method) == ("network", "blend")
    assert "in place of the network: on the last frames its error is" in found.notes[0]
    assert all(np.array_equal(one.values, two.values, equal_nan=True) for one, two in zip(found.steps, blend.steps, strict=True))
    still = nowcast(series(values), (30, 60), "network", network=make(0, 0, 0, 0))
    assert still.method == "blend"  # as good as flow is not better than flow


@pytest.mark.parametrize(
    ("case", "why"),
    [
        ("hourly", "last 4 half hours"),
        ("few", "last 4 half hours"),
        ("hole", "last 4 half hours"),
        ("large cells", r"cells of 0.3°"),
        ("no cells", "size of the cells is not known"),
        ("strange", r"\d+% of the area is unlike anything"),
    ],
)
def test_where_it_may_not_be_asked_the_blend_says_why(make: Make, case: str, why: str) -> None:
    values = brightening()
    narrow = {"low": [-9, -9, -9, -9, 5], "high": [9, 9, 9, 9, 9]}
    network = knowing(make, values, band=narrow if case == "strange" else None)
    if case == "hole":
        values[7] = np.nan
    asked = {
        "hourly": series(values, 60),
        "few": series(values[-3:]),
        "large cells": series(values, cell=0.3),
        "no cells": series(values, cell=None),
    }.get(case, series(values))
    found: Nowcast = nowcast(asked, (60,), "network", network=network)
    assert found.method == "blend"
    assert found.record()["notes"][0].startswith("The blend is shown in place of the network")
    import re

    assert re.search(why, found.why)


def test_cells_out_of_range_are_left_to_flow(make: Make) -> None:
    values = brightening()
    dark = {"low": [0.0, -9, -9, -9, -9], "high": [9, 9, 9, 9, 9]}  # it has never seen what is darker than the mean
    network = make(1, 1, 1, 1, band=dark)
    from engine.fog.nowcast import Motion

    asked = series(values)
    motion = Motion.track(asked, asked.last)
    assert motion is not None
    changes = network.changes(asked, asked.last, motion)
    assert changes is not None
    below = values[-1] < values[-1].mean()
    assert (changes[0][:, below] == 0).all()
    assert (changes[0][:, ~below] > 0).all()
    assert changes[1] == pytest.approx(below.mean(), abs=1e-3)


def test_without_motion_persistence_is_shown(make: Make) -> None:
    found = nowcast(series(np.repeat(np.full((1, 64, 64), 7.0), 8, axis=0)), (30,), "network", network=make(0, 0, 0, 0))
    assert (found.method, found.why) == ("persistence", "there is no motion to be seen")
    assert "Persistence is shown in place of network" in found.notes[0]


def test_weights_that_are_missing_or_broken_leave_the_blend(make: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from engine.fog.nowcast import forecast

    with pytest.raises(WeightsMissing):
        Learned(tmp_path / "none.onnx")
    path = make(0, 0, 0, 0).path
    path.write_bytes(b"x")
    with pytest.raises(WeightsCorrupt, match=r"made\.json"):
        Learned(path)

    def gone() -> Learned:
        return Learned(tmp_path / "none.onnx")

    monkeypatch.setattr(forecast, "shipped", gone)
    found = nowcast(series(brightening()), (30,), "network")
    assert found.method == "blend"
    assert "none.onnx is not there" in found.why


def test_a_network_hindcast_sees_nothing_newer_than_its_start(make: Make) -> None:
    from engine.fog.nowcast import Hindcast

    values = brightening()
    other = values.copy()
    other[-1] = clouds(seed=99)
    network = make(0.1, 0.2, 0.3, 0.4)
    one, two = (Hindcast.run(series(part), (30,), network=network) for part in (values, other))
    for first, second in zip(one.trials, two.trials, strict=True):
        assert first.parts.learned is not None
        assert second.parts.learned is not None
        assert np.array_equal(first.parts.learned, second.parts.learned, equal_nan=True)
    assert history(values).cell is None
