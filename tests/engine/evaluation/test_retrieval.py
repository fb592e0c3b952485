from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.retrieval import Matching, first_ranks, protocol_named, retrieve


def slow_recall(scores: np.ndarray, positives: list[list[int]], k: int) -> float:
    """Sort every query's answers one by one."""
    hits, asked = 0, 0
    for row, right in zip(scores, positives, strict=True):
        if right:
            asked += 1
            best = sorted(range(len(row)), key=lambda i: (-row[i], i))[:k]
            hits += any(i in right for i in best)
    return hits / asked if asked else 0.0


@given(st.integers(0, 2**32 - 1), st.integers(2, 12))
def test_recall_agrees_with_sorting(seed: int, pictures: int) -> None:
    random = np.random.default_rng(seed)
    images = random.normal(size=(3, 5))[random.integers(0, 3, pictures)]  # few different ones: many exact ties
    captions = [[f"say {random.integers(4)}" for _ in range(random.integers(0, 4))] for _ in range(pictures)]
    captions[0].append("say 9")
    for protocol in ("P1", "P2"):
        matching = Matching.of(captions, protocol_named(protocol))
        vectors = {text: random.normal(size=5) for text in dict.fromkeys(matching.texts)}
        texts = np.array([vectors[text] for text in matching.texts])
        found = retrieve(images, texts, matching)
        scores = _unit(images) @ _unit(texts).T
        owners = [list(owner) for owner in matching.owners]
        of = [[t for t, owner in enumerate(owners) if p in owner] for p in range(pictures)]
        for k in (1, 5, 10):
            assert found.i2t.at(k) == pytest.approx(slow_recall(np.round(scores, 5), of, k))
            assert found.t2i.at(k) == pytest.approx(slow_recall(np.round(scores.T, 5), owners, k))
        six = [direction.at(k) for direction in (found.t2i, found.i2t) for k in (1, 5, 10)]
        assert found.mean_recall == pytest.approx(sum(six) / 6)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


CAPTIONS = [["many Planes .", "an airport"], ["many Planes ."], [], ["a LAKE"]]


def test_p1_keeps_duplicates_and_capitalises() -> None:
    matching = Matching.of(CAPTIONS, "P1")
    assert matching.texts == ("Many planes .", "An airport", "Many planes .", "A lake")
    assert matching.owners == ((0,), (0,), (1,), (3,))
    assert matching.texts_of == ((0, 1), (2,), (), (3,))


def test_p2_merges_identical_captions_and_shares_their_pictures() -> None:
    matching = Matching.of(CAPTIONS, "P2")
    assert matching.texts == ("a satellite image. many Planes .", "a satellite image. an airport", "a satellite image. a LAKE")
    assert matching.owners == ((0, 1), (0,), (3,))
    assert matching.texts_of == ((0, 1), (0,), (), (2,))


def test_protocols_differ_on_shared_captions() -> None:
    """Two pictures, one sentence: under P1 one of the two askers must fail at 1, under P2 none does."""
    images, sentence = np.eye(2), [[1.0, 1.0]]
    p1 = retrieve(images, sentence * 2, Matching.of([["x"], ["x"]], "P1"))
    p2 = retrieve(images, sentence, Matching.of([["x"], ["x"]], "P2"))
    assert (p1.t2i.at(1), p2.t2i.at(1)) == (0.5, 1.0)
    assert (p1.i2t.at(1), p2.i2t.at(1)) == (0.5, 1.0)


def test_queries_without_right_answers_are_skipped_not_failed() -> None:
    matching = Matching.of([["a"], []], "P1")
    found = retrieve(np.eye(2), [[1.0, 0.0]], matching)
    assert found.i2t.ranks.tolist() == [0, -1]
    assert found.i2t.at(1) == 1.0
    record = found.record()
    assert (record["skipped_queries"], record["n_images"], record["n_captions"]) == (1, 2, 1)


def test_more_answers_asked_for_than_there_are() -> None:
    assert retrieve(np.eye(2), np.eye(2)[::-1], Matching.of([["a"], ["b"]], "P1")).t2i.at(10) == 1.0


def test_equal_vectors_tie_exactly_wherever_they_stand() -> None:
    random = np.random.default_rng(0)
    answer = random.normal(size=37)
    gallery = np.concatenate([random.normal(size=(50, 37)) * 0.01 - answer, np.repeat(answer[None], 41, axis=0)])
    assert first_ranks(answer[None], gallery, [[50]]).tolist() == [0]
    assert first_ranks(answer[None], gallery, [[90]]).tolist() == [40]


def test_bad_input_is_refused() -> None:
    with pytest.raises(EvaluationInvalid, match="no protocol"):
        protocol_named("P3")
    with pytest.raises(EvaluationInvalid, match="no caption"):
        Matching.of([[], [" "]], "P1")
    with pytest.raises(FeaturesInvalid, match="to match"):
        retrieve(np.eye(3), np.eye(3), Matching.of([["a"]], "P1"))
    with pytest.raises(FeaturesInvalid, match="NaN"):
        retrieve([[np.nan]], [[1.0]], Matching.of([["a"]], "P1"))
