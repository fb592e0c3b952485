from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import average_precision_score, brier_score_loss

from engine.errors import ScoresInvalid
from engine.fog.scores import Fractions, Reliability, useful_scale


def drawn(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(11)
    probability = np.rint(rng.beta(0.5, 2, n) * 254) / 254  # as a cube stores it
    return probability, rng.random(n) < probability


def test_figures_are_those_of_scikit_learn() -> None:
    probability, truth = drawn()
    found = Reliability.of(probability, truth)
    assert found.brier == pytest.approx(brier_score_loss(truth, probability))
    assert found.average_precision == pytest.approx(average_precision_score(truth, probability))
    # its bins hold their upper edge, ours their lower: only 0.5 lies on one
    came, said = calibration_curve(truth, np.minimum(probability + 1e-9, 1), n_bins=10)
    rows = found.diagram(10)
    assert [row["said"] for row in rows] == pytest.approx(said, abs=1e-5)
    assert [row["came"] for row in rows] == pytest.approx(came, abs=1e-5)
    assert sum(row["n"] for row in rows) == found.n == 4000


def test_honest_probabilities_are_calibrated_and_others_not() -> None:
    probability, truth = drawn(40_000)
    assert (Reliability.of(probability, truth).error() or 1) < 0.01
    assert (Reliability.of(probability**0.5, truth).error() or 0) > 0.1


def test_parts_add_up_and_unknown_pixels_are_left_out() -> None:
    probability, truth = drawn()
    holed = probability.copy()
    holed[::3] = np.nan
    kept = np.isfinite(holed)
    both = Reliability.of(holed[:2000], truth[:2000]) + Reliability.of(holed[2000:], truth[2000:])
    assert both.brier == pytest.approx(brier_score_loss(truth[kept], probability[kept]))
    assert Reliability.of([np.nan], [True]).record()["brier"] is None


def test_percent_is_no_probability() -> None:
    with pytest.raises(ScoresInvalid, match="between 0 and 1"):
        Reliability.of([20.0, 80.0], [False, True])


@pytest.mark.parametrize("window", [1, 3, 7])
def test_fractions_are_those_of_pysteps(window: int) -> None:
    from pysteps.verification.spatialscores import fss

    said, truth = np.random.default_rng(2).random((2, 24, 30)) < 0.2
    assert Fractions.of(said, truth, window).fss == pytest.approx(fss(said.astype(float), truth.astype(float), 0.5, window))


def test_a_displaced_forecast_becomes_useful_at_the_scale_of_its_error() -> None:
    truth = np.zeros((40, 40), bool)
    truth[10:30, 12] = True
    said = np.roll(truth, 4, axis=1)
    scores = [Fractions.of(said, truth, window) for window in (1, 5, 9, 17)]
    assert scores[0].fss == 0.0
    assert all((a.fss or 0) < (b.fss or 0) for a, b in pairwise(scores))
    assert useful_scale(scores, float(truth.mean())) == 9
    assert Fractions.of(np.zeros((5, 5)), np.zeros((5, 5)), 3).fss is None


def test_windows_must_be_odd_and_alike() -> None:
    with pytest.raises(ScoresInvalid, match="odd"):
        Fractions.of(np.zeros((5, 5)), np.zeros((5, 5)), 4)
    with pytest.raises(ScoresInvalid, match="can't be added"):
        Fractions(3, 0, 1) + Fractions(5, 0, 1)
