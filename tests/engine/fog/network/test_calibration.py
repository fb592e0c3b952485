from __future__ import annotations

import numpy as np
import pytest

from engine.fog.network.calibration import Calibration


def test_probabilities_mean_what_they_say_and_bias_is_kept() -> None:
    dice = np.random.default_rng(0)
    true_logit = dice.normal(-3, 2, 60_000)
    fog = dice.random(true_logit.size) < 1 / (1 + np.exp(-true_logit))
    said = (2 * true_logit + 3).astype(np.float32)  # overconfident and shifted
    found = Calibration.fit(said, fog)
    assert found.slope == pytest.approx(0.5, abs=0.03)
    assert found.offset == pytest.approx(-1.5, abs=0.1)
    chance = found.probability(said)
    for low in (0.1, 0.3, 0.6, 0.8):
        here = (chance >= low) & (chance < low + 0.1)
        assert fog[here].mean() == pytest.approx(chance[here].mean(), abs=0.05)
    figures = found.figures(said, fog)
    assert 0.9 <= figures["bias"] <= 1.1
    best = max(((chance >= t) & fog).sum() / ((chance >= t) | fog).sum() for t in np.linspace(0.05, 0.95, 91))
    assert figures["csi"] > best - 0.02


def test_no_fog_at_all_is_no_failure() -> None:
    logits = np.linspace(-5, 5, 100, dtype=np.float32)
    found = Calibration.fit(logits, np.zeros(100, bool))
    assert np.isfinite([found.slope, found.offset, found.threshold]).all()
    assert found.figures(logits, np.zeros(100, bool))["csi"] == 0
