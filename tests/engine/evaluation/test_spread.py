from __future__ import annotations

import numpy as np
import pytest

from engine.errors import EvaluationInvalid
from engine.evaluation.spread import bootstrap, over


def test_spread_is_mean_and_sample_deviation() -> None:
    spread = over([0.1, 0.2, 0.6])
    assert spread.mean == pytest.approx(0.3)
    assert spread.std == pytest.approx(((0.2**2 + 0.1**2 + 0.3**2) / 2) ** 0.5)
    assert over([0.5]).std == 0


def test_bootstrap_agrees_with_the_binomial_normal_approximation() -> None:
    right = np.array([True] * 800 + [False] * 200)
    interval = bootstrap(right, draws=4000)
    half = 1.96 * (0.8 * 0.2 / 1000) ** 0.5
    assert interval.low == pytest.approx(0.8 - half, abs=0.003)
    assert interval.high == pytest.approx(0.8 + half, abs=0.003)


def test_bootstrap_agrees_with_drawing_one_by_one() -> None:
    values = np.random.default_rng(1).normal(size=40)
    random = np.random.default_rng(2)
    means = [random.choice(values, 40).mean() for _ in range(4000)]
    interval = bootstrap(values, draws=4000)
    assert [interval.low, interval.high] == pytest.approx(np.quantile(means, [0.025, 0.975]), abs=0.03)


def test_bootstrap_of_nothing_is_refused_and_of_equals_is_sharp() -> None:
    with pytest.raises(EvaluationInvalid):
        bootstrap([])
    assert bootstrap([1, 1, 1]).record() == [1.0, 1.0]
