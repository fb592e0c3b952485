from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from engine.world.noise import fractal, hashed, ramp, stream


def test_streams_are_independent_and_repeat() -> None:
    assert (stream(3, "a").random(5) == stream(3, "a").random(5)).all()
    assert (stream(3, "a").random(5) != stream(3, "b").random(5)).all()
    assert (stream(3, "a").random(5) != stream(4, "a").random(5)).all()


@pytest.mark.parametrize("beta", [1.0, 2.0, 3.0])
def test_the_spectrum_falls_with_the_slope_that_was_asked_for(beta: float) -> None:
    field = fractal(512, np.random.default_rng(0), beta=beta, longest=512)
    power = np.abs(np.fft.rfft2(field)) ** 2
    frequency = np.hypot(np.fft.fftfreq(512)[:, None], np.fft.rfftfreq(512)[None, :])
    edges = np.geomspace(0.02, 0.4, 12)
    means = [power[(frequency >= a) & (frequency < b)].mean() for a, b in pairwise(edges)]
    slope = np.polyfit(np.log(np.sqrt(edges[:-1] * edges[1:])), np.log(means), 1)[0]
    assert slope == pytest.approx(-beta, abs=0.15)
    assert field.std() == pytest.approx(1, abs=0.01)


def test_hashed_numbers_are_even_and_differ_by_salt() -> None:
    ids = np.arange(20000)
    values = hashed(ids, 1)
    assert np.histogram(values, bins=10, range=(0, 1))[0].min() > 1800
    assert abs(np.corrcoef(values[:-1], values[1:])[0, 1]) < 0.03
    assert abs(np.corrcoef(values, hashed(ids, 2))[0, 1]) < 0.03


def test_a_ramp_rises_or_falls_between_its_ends() -> None:
    values = np.array([0, 1, 1.5, 2, 3], dtype=np.float32)
    assert ramp(values, 1, 2).tolist() == [0, 0, 0.5, 1, 1]
    assert ramp(values, 2, 1).tolist() == [1, 1, 0.5, 0, 0]
