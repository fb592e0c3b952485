from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import ndcg_score

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.ndcg import graded, ndcg, relevance


@given(st.integers(0, 2**32 - 1), st.integers(2, 20), st.integers(1, 25))
def test_agrees_with_loops_and_scikit_learn(seed: int, n: int, k: int) -> None:
    random = np.random.default_rng(seed)
    scores, gains = random.permutation(n).astype(float), random.integers(0, 4, n)
    found = ndcg(scores, gains, k)
    if gains.sum() == 0:
        assert found is None
        return
    ranked = [gains[i] for i in sorted(range(n), key=lambda i: -scores[i])][:k]
    dcg = sum(g / math.log2(i + 1) for i, g in enumerate(ranked, start=1))
    ideal = sum(g / math.log2(i + 1) for i, g in enumerate(sorted(gains, reverse=True)[:k], start=1))
    assert found == pytest.approx(dcg / ideal)
    assert found == pytest.approx(ndcg_score([gains], [scores], k=k))


@given(st.lists(st.booleans(), min_size=5, max_size=5), st.integers(0, 2**32 - 1))
def test_relevance_agrees_with_sets(query: list[bool], seed: int) -> None:
    labels = np.random.default_rng(seed).random((6, 5)) < 0.5
    wanted = {i for i, on in enumerate(query) if on}
    for row, jaccard, overlap in zip(
        labels, relevance(np.array(query), labels, "jaccard"), relevance(np.array(query), labels, "overlap"), strict=True
    ):
        has = set(np.flatnonzero(row).tolist())
        assert overlap == len(wanted & has)
        assert jaccard == pytest.approx(len(wanted & has) / len(wanted | has) if wanted | has else 0)


def test_ties_stand_in_the_order_of_the_corpus() -> None:
    assert ndcg([1, 1, 1], [0, 0, 1]) == pytest.approx(1 / math.log2(4))
    assert ndcg([1, 1, 1], [1, 0, 0]) == 1.0


def test_queries_without_relevant_pictures_are_skipped() -> None:
    labels = np.array([[True, False], [True, False]])
    found = graded(np.eye(2), np.eye(2), np.array([[True, False], [False, True]]), labels, ["trees", "snow"], k=5)
    assert found.values["jaccard"] == (1.0, None)
    record = found.record()
    assert (record["queries"], record["skipped_queries"], record["ndcg_jaccard"], record["k"]) == (1, 1, 1.0, 2)
    with pytest.raises(EvaluationInvalid, match="no query"):
        graded(np.eye(2)[:1], np.eye(2), np.array([[False, True]]), labels, ["snow"])


def test_shapes_are_checked() -> None:
    with pytest.raises(FeaturesInvalid, match="don't fit"):
        graded(np.eye(2), np.eye(2), np.ones((2, 3), bool), np.ones((2, 2), bool), ["a", "b"])
    with pytest.raises(EvaluationInvalid, match="depth"):
        graded(np.eye(2), np.eye(2), np.ones((2, 2), bool), np.ones((2, 2), bool), ["a", "b"], k=0)
