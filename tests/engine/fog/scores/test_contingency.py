from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from engine.errors import ScoresInvalid
from engine.fog.scores import Contingency

COUNT = st.integers(min_value=1, max_value=40)


def test_a_table_worked_out_by_hand() -> None:
    """Finley's tornado forecasts of 1884 (Wilks, ch. 9.2): 28 hits, 72 false alarms, 23 misses, 2680 correct nulls."""
    table = Contingency(28, 23, 72, 2680)
    assert table.n == 2803
    assert table.pod == pytest.approx(0.549, abs=5e-4)
    assert table.far == pytest.approx(0.720, abs=5e-4)
    assert table.csi == pytest.approx(0.228, abs=5e-4)
    assert table.bias == pytest.approx(1.96, abs=5e-3)
    assert table.pofd == pytest.approx(0.0262, abs=5e-5)
    assert table.hss == pytest.approx(0.355, abs=5e-4)
    assert table.kss == pytest.approx(0.523, abs=5e-4)
    assert table.ets == pytest.approx(0.216, abs=5e-4)
    assert table.accuracy == pytest.approx(0.966, abs=5e-4)


def masks(table: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    h, m, f, c = table
    said = np.repeat([True, False, True, False], [h, m, f, c])
    truth = np.repeat([True, True, False, False], [h, m, f, c])
    return said, truth


@settings(max_examples=10)
@given(st.tuples(COUNT, COUNT, COUNT, COUNT))
def test_ratios_are_those_of_scikit_learn(counts: tuple[int, int, int, int]) -> None:
    said, truth = masks(counts)
    table = Contingency.of(said, truth)
    assert (table.hits, table.misses, table.false_alarms, table.correct_nulls) == counts
    assert table.csi == pytest.approx(metrics.jaccard_score(truth, said))
    assert table.iou_mean == pytest.approx(metrics.jaccard_score(truth, said, average="macro"))
    assert table.f1 == pytest.approx(metrics.f1_score(truth, said))
    assert table.pod == pytest.approx(metrics.recall_score(truth, said))
    assert 1 - (table.far or 0) == pytest.approx(metrics.precision_score(truth, said))
    assert table.hss == pytest.approx(metrics.cohen_kappa_score(truth, said))
    assert table.mcc == pytest.approx(metrics.matthews_corrcoef(truth, said))


@settings(max_examples=10)
@given(st.tuples(COUNT, COUNT, COUNT, COUNT))
def test_ratios_are_those_of_pysteps(counts: tuple[int, int, int, int]) -> None:
    from pysteps.verification.detcatscores import det_cat_fct

    said, truth = masks(counts)
    table = Contingency.of(said, truth)
    other = det_cat_fct(said.astype(float), truth.astype(float), 0.5)
    for ours, theirs in {
        "csi": "CSI",
        "ets": "GSS",
        "bias": "BIAS",
        "kss": "HK",
        "hss": "HSS",
        "far": "FAR",
        "pod": "POD",
        "pofd": "FA",
    }.items():
        assert getattr(table, ours) == pytest.approx(float(other[theirs])), ours


def test_tables_of_parts_add_up_to_the_whole() -> None:
    rng = np.random.default_rng(1)
    said, truth, left = rng.random((3, 30, 20)) < 0.4
    whole = Contingency.of(said, truth)
    assert Contingency.of(said, truth, left) + Contingency.of(said, truth, ~left) == whole


def test_what_is_undefined_is_none_and_never_a_number() -> None:
    nothing = Contingency.of(np.zeros(5, bool), np.zeros(5, bool))
    assert nothing.csi is None
    assert nothing.pod is None
    assert nothing.far is None
    assert nothing.bias is None
    assert nothing.iou_mean is None
    assert nothing.accuracy == 1.0
    assert Contingency().record()["csi"] is None
    assert Contingency().hss is None
    assert Contingency().ets is None


def test_shapes_must_agree() -> None:
    with pytest.raises(ScoresInvalid, match=r"\(2, 3\).*\(3, 2\)"):
        Contingency.of(np.zeros((2, 3), bool), np.zeros((3, 2), bool))
