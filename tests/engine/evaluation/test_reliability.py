from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EvaluationInvalid
from engine.evaluation.reliability import best_scale, calibrated, probabilities, reliability


@given(st.integers(0, 2**32 - 1), st.integers(1, 60), st.integers(1, 20))
def test_agrees_with_loops(seed: int, n: int, bins: int) -> None:
    random = np.random.default_rng(seed)
    confidence, right = random.random(n), random.random(n) < 0.5
    found = reliability(confidence, right, bins=bins)
    ece = worst = 0.0
    for b in range(bins):
        inside = [i for i in range(n) if b / bins < confidence[i] <= (b + 1) / bins]
        if inside:
            gap = abs(np.mean([right[i] for i in inside]) - np.mean([confidence[i] for i in inside]))
            ece, worst = ece + gap * len(inside) / n, max(worst, gap)
    assert found.ece == pytest.approx(ece)
    assert found.mce == pytest.approx(worst)
    assert found.n == n


def test_edges_belong_to_a_bin() -> None:
    assert reliability([0.0, 1.0], [False, True], bins=4).ece == 0
    assert [part.count for part in reliability([0.0, 0.25, 1.0], [0, 1, 1], bins=4).bins] == [2, 0, 0, 1]


def test_a_calibrated_judge_has_no_error() -> None:
    confidence = np.repeat([0.2, 0.6, 1.0], 10)
    right = np.concatenate([np.arange(10) < 2, np.arange(10) < 6, np.ones(10, bool)])
    assert reliability(confidence, right).ece == pytest.approx(0, abs=1e-12)
    assert reliability(np.ones(10), np.arange(10) < 3).ece == pytest.approx(0.7)


@pytest.mark.parametrize(("confidence", "right"), [([], []), ([0.5], [1, 0]), ([1.5], [1]), ([np.nan], [1]), ([-0.1], [1])])
def test_what_are_no_probabilities_is_refused(confidence: list[float], right: list[int]) -> None:
    with pytest.raises(EvaluationInvalid):
        reliability(confidence, right)


def test_probabilities_sum_to_one_and_scale_is_found() -> None:
    random = np.random.default_rng(0)
    cosines = random.normal(size=(4000, 3)) * 0.1
    shares = probabilities(cosines, 20)
    assert shares.sum(axis=1) == pytest.approx(np.ones(4000))
    truth = np.array([random.choice(3, p=row) for row in shares])
    assert best_scale(cosines, truth) == pytest.approx(20, rel=0.15)


def test_temperature_scaling_mends_a_judge_that_is_too_sure() -> None:
    random = np.random.default_rng(1)
    cosines = random.normal(size=(4000, 3)) * 0.1
    truth = np.array([random.choice(3, p=row) for row in probabilities(cosines, 20)])
    before = reliability(probabilities(cosines, 100).max(axis=1), cosines.argmax(axis=1) == truth)
    after = calibrated(cosines, truth)
    assert after is not None
    assert after.scale == pytest.approx(20, rel=0.15)
    assert after.reliability.ece < before.ece / 4
    assert after.record()["n"] == 4000
    assert calibrated(cosines[:1], truth[:1]) is None


def test_each_half_is_measured_with_the_temperature_of_the_other() -> None:
    """A half whose answers are all right asks for the highest scale; the other half, all wrong, is measured with it."""
    order = np.random.default_rng(0).permutation(8)
    cosines = np.tile([0.2, 0.0], (8, 1))
    truth = np.ones(8, dtype=np.int64)
    truth[order[:4]] = 0
    found = calibrated(cosines, truth)
    assert found is not None
    shares = [part for part in found.reliability.bins if part.count]
    assert [(part.count, part.accuracy) for part in shares] == [(4, 1.0), (4, 0.0)]
    assert shares[0].confidence == pytest.approx(1 / (1 + np.exp(-0.2)))  # the wrong half's scale, 1
    assert shares[1].confidence == pytest.approx(1)
