from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import FeaturesInvalid
from engine.evaluation.vectors import alike, indices, unit


@given(st.integers(0, 2**32 - 1), st.sampled_from([np.float16, np.float32, np.float64, np.int32]))
def test_rows_get_unit_length_and_keep_their_direction(seed: int, kind: type) -> None:
    rows = (np.random.default_rng(seed).normal(size=(5, 7)) * 9 + 1).astype(kind)
    rows[:, 0] = 3
    made = unit(rows)
    assert made.dtype == np.float32
    for row, scaled in zip(rows.astype(np.float64), made, strict=True):
        assert scaled == pytest.approx(row / np.sqrt((row**2).sum()), abs=1e-6)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_nan_is_refused_with_its_row(value: float) -> None:
    rows = np.ones((4, 3))
    rows[2, 1] = value
    with pytest.raises(FeaturesInvalid, match=r"the pictures hold NaN or infinity in 1 of 4 rows, first in row 2"):
        unit(rows, "the pictures")


@pytest.mark.parametrize("rows", [np.ones(3), np.ones((2, 0)), np.array([["a"]]), np.ones((2, 2, 2))])
def test_what_is_no_table_is_refused(rows: np.ndarray) -> None:
    with pytest.raises(FeaturesInvalid, match="table of numbers"):
        unit(rows)


def test_zero_rows_and_other_lengths_are_refused() -> None:
    with pytest.raises(FeaturesInvalid, match="zero in 1 of 2"):
        unit([[0.0, 0.0], [1.0, 0.0]])
    with pytest.raises(FeaturesInvalid, match="2 and 3"):
        alike(unit(np.ones((1, 2))), unit(np.ones((1, 3))))


def test_labels_must_be_classes() -> None:
    assert indices([0, 2], 3, 2).tolist() == [0, 2]
    for labels in ([0, 3], [-1, 0], [0.5, 1], [0]):
        with pytest.raises(FeaturesInvalid):
            indices(labels, 3, 2)
