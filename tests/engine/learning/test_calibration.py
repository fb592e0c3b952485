"""Margins become words where the precision is what it should be."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learning.calibration import threshold


def test_the_threshold_is_the_last_margin_with_the_precision() -> None:
    """Two classes, three pictures; by margin: right, right, wrong, right, wrong, wrong. Class 0 has two pictures of weight ½."""
    margins = np.array([[0.9, 0.3], [0.8, 0.7], [0.2, 0.6]], dtype=np.float32)
    labels = np.array([0, 0, 1])
    # weights by margin: ½ right, ½ right, ½ wrong (0.7), 1 right (0.6), ½ wrong (0.3), 1 wrong (0.2)
    assert threshold(margins, labels, 0.8) == pytest.approx(0.6)  # 2 / 2.5
    assert threshold(margins, labels, 0.9) == pytest.approx(0.8)
    assert threshold(margins, labels, 0.5) == pytest.approx(0.2)  # 2 / 4


def test_a_precision_that_is_never_reached_gives_the_largest_margin() -> None:
    assert threshold(np.array([[0.1, 0.5]], dtype=np.float32), np.array([0]), 0.99) == pytest.approx(0.5)


def test_a_higher_precision_never_has_a_lower_threshold() -> None:
    random = np.random.default_rng(0)
    labels = random.integers(5, size=200)
    margins = (random.normal(size=(200, 5)) + 2 * np.eye(5)[labels]).astype(np.float32)
    found = [threshold(margins, labels, precision) for precision in (0.3, 0.5, 0.7, 0.9)]
    assert found == sorted(found)
    assert found[0] < found[-1]
