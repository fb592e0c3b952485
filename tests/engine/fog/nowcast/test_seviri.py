"""The gate of the nowcast: real clouds over the British Isles and the North Sea, SEVIRI 1.6 µm, 2020-04-01."""

from __future__ import annotations

import warnings
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from engine.fog.nowcast import History, Quantity
from engine.fog.nowcast.hindcast import Hindcast
from engine.fog.nowcast.network.learned import Learned
from engine.fog.scores import Event

NOON = datetime(2020, 4, 1, 12, tzinfo=UTC)
COUNTS = Quantity("R0160", "", 1.0, Event(0.35), (0.0, 1.0))
"""Counts of ten bits on 0–1, not sun-normalised; the same event as in the trial."""
CELL = 0.045
"""Degrees, about: 3 km east and west, 5 km north and south."""


@pytest.fixture(scope="module")
def sequence(shared_data: Path) -> History:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        data = xr.open_zarr(shared_data / "geostationary" / "seviri_rss_ir016" / "sat_data.zarr", consolidated=False, chunks=None)
    counts = np.asarray(data["data"].values[:49, :, :, 0], dtype=np.float32) / 1023  # to 16 UTC: later frames are broken, and dusk
    times = [NOON + timedelta(minutes=5 * step) for step in range(len(counts))]
    assert times[-1].replace(tzinfo=None) == data["time"].values[48].astype("datetime64[us]").astype(datetime)
    return History.of_frames(COUNTS, times, counts, cell=CELL)


@pytest.fixture(scope="module")
def hindcasts(sequence: History) -> Hindcast:
    return Hindcast.run(sequence, (30, 60, 90))


@pytest.mark.shared_data
@pytest.mark.parametrize("method", ["flow", "blend"])
def test_real_clouds_are_forecast_better_than_by_persistence(hindcasts: Hindcast, method: str) -> None:
    """At 30, 60 and 90 minutes in MAE, SSIM and CSI; at 30 minutes by the margins of the trial, 0.051 → 0.040 and 0.65 → 0.80."""
    for number in range(3):
        skill = hindcasts.skill(number, method)  # type: ignore[arg-type]
        assert skill is not None
        assert skill.hindcasts == 5 - number
        scores, persistence = skill.scores, skill.persistence
        assert scores.mae < persistence.mae
        assert scores.ssim is not None
        assert persistence.ssim is not None
        assert scores.ssim > persistence.ssim
        assert scores.csi is not None
        assert persistence.csi is not None
        assert scores.csi > persistence.csi
        if number == 0:
            assert skill.gain is not None
            assert skill.gain > 0.15
            assert scores.ssim > persistence.ssim + 0.1


@pytest.mark.shared_data
def test_the_network_is_offered_on_real_clouds_since_it_beats_flow_there(sequence: History) -> None:
    """It has never learned from them; measured over all starts its error at 60 minutes is 22 % below flow's. SSIM is not better."""
    past = Hindcast.run(sequence, (60,), network=Learned(), issues=3)
    assert past.objection() == ""
    network, flow = past.skill(0, "network"), past.skill(0, "flow")
    assert network is not None
    assert flow is not None
    assert network.scores.mae < 0.9 * flow.scores.mae
    assert (network.scores.csi or 0) > (flow.scores.csi or 1)
