"""The weights that ship: what they are, and that the gate is right about them on weather and clouds that they have never seen."""

from __future__ import annotations

import numpy as np
import pytest

from engine.fog.nowcast import Hindcast, History, nowcast
from engine.fog.nowcast.network.learned import MODEL, Learned
from engine.fog.nowcast.network.recipe import NowcastRecipe
from engine.fog.nowcast.network.windows import histories
from engine.settings import ASSETS
from engine.world.coastline import LAND
from engine.world.noise import stream
from engine.world.weather import HELD_OUT, simulate

LEADS = (30, 60, 90, 120)
needs_coast = pytest.mark.skipif(not LAND.is_file(), reason="the coastline comes with the front-end libraries: make setup")


def test_they_are_small_and_come_from_the_recipe() -> None:
    learned = Learned()
    assert MODEL.stat().st_size < 3_000_000
    assert learned.record["recipe"] == "fog-nowcast"
    assert learned.record["fingerprint"] == NowcastRecipe.read(ASSETS / "recipes" / "fog-nowcast.yaml").fingerprint
    assert "simulated" in learned.record["synthetic"]


def test_held_out_regions_are_not_in_the_recipe() -> None:
    assert not {"GA", "GS", "NS", "AG", "CE"} & set(NowcastRecipe.read(ASSETS / "recipes" / "fog-nowcast.yaml").windows.regions)


@needs_coast
def test_what_is_run_on_unseen_weather_is_what_the_hindcasts_say() -> None:
    """SYNTHETIC, held-out regimes over held-out regions: where the network is run, its hindcasts beat flow and blend; else it says why."""
    for number, (region, regime) in enumerate((("GA", "moist"), ("CE", "murky"))):
        series = simulate(region, 710_000 + number, size=96, step=0.025, regime=HELD_OUT[regime].at_rate((0.1, 0.4), foggy=1.0))
        series.times = series.times[16:26]
        for whole in histories(series, stream(number, "shipped")):
            values = np.stack([whole.frame(index) for index in range(len(whole))])
            history = History.of_frames(whole.quantity, whole.times, values, synthetic=True, cell=0.025)
            found = nowcast(history, LEADS, "network")
            past = Hindcast.run(history, LEADS, network=Learned())
            assert found.why == past.objection() or "motion" in found.why
            if found.method == "network":
                asked = [place for place, trial in enumerate(past.trials) if trial.parts.learned is not None]
                same = Hindcast(past.history, past.leads, tuple(past.trials[place] for place in asked), past.sums[asked])
                pairs = [[same.skill(lead, way) for lead in range(4)] for way in ("network", "flow")]
                shares = [one.scores.mae / max(two.scores.mae, 1e-9) for one, two in zip(*pairs, strict=True) if one and two]
                assert np.mean(shares) < 1
            else:
                assert found.why in found.notes[0] or found.method == "persistence"
