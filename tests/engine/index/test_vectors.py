"""The store against numpy: the same rounding, nothing left out."""

from __future__ import annotations

import numpy as np
import pytest

from engine.index import FlatStore
from engine.index.rows import BLOCK, Rows
from engine.index.vectors import GROUP, leading


def unit_vectors(count: int, dim: int = 32, seed: int = 0) -> np.ndarray:
    drawn = np.random.default_rng(seed).standard_normal((count, dim)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.mark.parametrize("count", [1, BLOCK - 1, BLOCK, 3 * BLOCK + 7])
def test_scores_are_those_of_numpy(count: int) -> None:
    vectors, query = unit_vectors(count), unit_vectors(1, seed=1)[0]
    np.testing.assert_allclose(FlatStore.of(vectors).scores(query), vectors.astype(np.float16).astype(np.float32) @ query, atol=2e-6)


@pytest.mark.parametrize("share", [0.0, 0.002, 0.3, 1.0])
def test_selected_scores_come_in_the_order_of_the_rows(share: float) -> None:
    vectors, query = unit_vectors(5000), unit_vectors(1, seed=1)[0]
    rows = Rows.where(np.random.default_rng(2).random(5000) < share)
    expected = (vectors.astype(np.float16).astype(np.float32) @ query)[rows.index]
    np.testing.assert_allclose(FlatStore.of(vectors).scores(query, rows), expected, atol=2e-6)


def test_many_rows_on_many_threads_give_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    vectors, query = unit_vectors(5000), unit_vectors(1, seed=1)[0]
    store = FlatStore.of(vectors)
    alone = store.scores(query)
    monkeypatch.setattr("engine.index.vectors.PARALLEL_FROM", 10)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    some = Rows.where(np.arange(5000) % 3 > 0)
    np.testing.assert_array_equal(store.scores(query), alone)
    np.testing.assert_array_equal(store.scores(query, some), alone[some.index])


def test_nearest_has_the_recall_of_brute_force() -> None:
    vectors = unit_vectors(4000)
    store = FlatStore.of(vectors)
    stored = vectors.astype(np.float16).astype(np.float64)
    rows = Rows.where(np.random.default_rng(3).random(4000) < 0.05)
    for query in unit_vectors(20, seed=4):
        expected = rows.index[np.argsort(-(stored[rows.index] @ query))[:10]]
        assert store.nearest(query, 10, rows)[0].tolist() == expected.tolist()


def test_nearest_orders_equal_vectors_by_row() -> None:
    store = FlatStore.of(np.repeat(unit_vectors(1), 700, axis=0))
    rows, scores = store.nearest(unit_vectors(1)[0], 5)
    assert rows.tolist() == [0, 1, 2, 3, 4]
    assert len(set(scores.tolist())) == 1


def test_rows_can_be_written_in_any_order_and_taken_back() -> None:
    vectors = unit_vectors(1500)
    store = FlatStore(32, 1500)
    shuffled = np.random.default_rng(5).permutation(1500)
    for part in np.array_split(shuffled, 7):
        store.write(part, vectors[part])
    np.testing.assert_array_equal(store.take(np.array([1499, 0, 512])), vectors[[1499, 0, 512]].astype(np.float16).astype(np.float32))
    assert len(store) == 1500


def test_an_empty_store_answers_with_nothing() -> None:
    assert FlatStore(8, 0).scores(np.ones(8, np.float32)).shape == (0,)
    assert FlatStore(8, 0).nearest(np.ones(8, np.float32), 3)[0].tolist() == []


@pytest.mark.parametrize("total", [1, 40, 40 * GROUP - 1, 40 * GROUP, 5000])
@pytest.mark.parametrize("kinds", [7, 10**6])
def test_the_leading_are_the_highest_and_all_that_tie_with_the_last(total: int, kinds: int) -> None:
    scores = np.random.default_rng(3).integers(0, kinds, total).astype(np.float32)
    last = np.sort(scores)[-min(40, total)]
    assert leading(scores, 40).tolist() == np.flatnonzero(scores >= last).tolist()
