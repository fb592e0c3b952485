from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from engine.errors import Cancelled, EvaluationInvalid
from engine.evaluation.neighbours import nearest_neighbours
from engine.evaluation.parts import Parts, parted, shots
from engine.evaluation.probe import few_shot, fit, linear_probe, shots_named
from engine.evaluation.vectors import unit
from engine.progress import Cancel


def clouds(seed: int, each: int = 20, classes: int = 3, spread: float = 0.4) -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(seed)
    centres = random.normal(size=(classes, 8))
    truth = np.repeat(np.arange(classes), each)
    return unit(centres[truth] + spread * random.normal(size=(len(truth), 8))), truth


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.floats(0.05, 1))
def test_neighbours_agree_with_loops(seed: int, k: int, temperature: float) -> None:
    random = np.random.default_rng(seed)
    train, test = unit(random.normal(size=(12, 4))), unit(random.normal(size=(6, 4)))
    train_truth, test_truth = random.integers(0, 3, 12), random.integers(0, 3, 6)
    found = nearest_neighbours(train, train_truth, test, test_truth, "abc", k=k, temperature=temperature)
    for row, said in zip(test, found.predicted, strict=True):
        order = sorted(range(12), key=lambda i: (-float(train[i] @ row), i))[:k]
        votes = [sum(np.exp(float(train[i] @ row) / temperature) for i in order if train_truth[i] == c) for c in range(3)]
        assert votes[said] == pytest.approx(max(votes), rel=1e-4)


def test_equal_neighbours_count_in_their_order() -> None:
    found = nearest_neighbours([[1.0, 0], [1, 0]], [1, 0], [[1.0, 0]], [1], "ab", k=1)
    assert found.predicted.tolist() == [1]


def test_neighbours_refuse_nonsense() -> None:
    with pytest.raises(EvaluationInvalid):
        nearest_neighbours(np.eye(2), [0, 1], np.eye(2), [0, 1], "ab", k=0)
    with pytest.raises(EvaluationInvalid):
        nearest_neighbours(np.empty((0, 2)), [], np.eye(2), [0, 1], "ab")


@pytest.mark.parametrize("strength", [1e-3, 1e-2])
def test_probe_agrees_with_scikit_learn(strength: float) -> None:
    rows, truth = clouds(0)
    ours = fit(rows, truth, 3, strength)
    theirs = LogisticRegression(C=1 / (strength * len(rows)), tol=1e-10, max_iter=5000).fit(rows.astype(np.float64), truth)
    assert ours.weight == pytest.approx(theirs.coef_, abs=2e-4)
    logits = ours.logits(rows)
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert powers / powers.sum(axis=1, keepdims=True) == pytest.approx(theirs.predict_proba(rows.astype(np.float64)), abs=1e-4)


def test_probe_learns_what_can_be_separated() -> None:
    rows, truth = clouds(1)
    found = linear_probe(rows, truth, "abc", parted(truth, 0.5, 0))
    assert found.accuracy > 0.9
    assert found.n == 30


def test_probe_of_random_labels_is_near_chance() -> None:
    random = np.random.default_rng(3)
    rows, truth = random.normal(size=(400, 6)), random.integers(0, 4, 400)
    assert linear_probe(rows, truth, "abcd", parted(truth, 0.5, 0)).accuracy < 0.4


def test_probe_needs_two_classes() -> None:
    rows, _ = clouds(0)
    with pytest.raises(EvaluationInvalid, match="two classes"):
        linear_probe(rows, np.zeros(60, dtype=int), "a", parted(np.zeros(60), 0.5, 0))


@given(st.lists(st.integers(0, 3), min_size=8, max_size=60), st.floats(0.05, 0.95), st.integers(0, 9))
def test_divisions_hold_everything_once_and_every_class(truth: list[int], share: float, seed: int) -> None:
    classes = np.array([*truth, 0, 0])
    parts = parted(classes, share, seed)
    assert sorted([*parts.train, *parts.test]) == list(range(len(classes)))
    assert set(classes[parts.train]) == set(classes)
    for each in set(classes.tolist()):
        if (classes == each).sum() > 1:
            assert (classes[parts.test] == each).any()
    again = parted(classes, share, seed)
    assert (again.train == parts.train).all()


def test_single_pictures_leave_nothing_to_measure() -> None:
    with pytest.raises(EvaluationInvalid, match="single picture"):
        parted([0, 1, 2], 0.5, 0)
    with pytest.raises(EvaluationInvalid, match="between 0 and 1"):
        parted([0, 0], 1.0, 0)


def test_shots_are_nested_and_short_classes_give_all() -> None:
    truth = np.array([0] * 10 + [1] * 2)
    pool = np.arange(12)
    one, four = shots(truth, pool, 1, 5), shots(truth, pool, 4, 5)
    assert set(one) <= set(four)
    assert np.bincount(truth[four]).tolist() == [4, 2]


def test_few_shot_learns_more_from_more() -> None:
    rows, truth = clouds(2, each=60, classes=4, spread=0.9)
    found = few_shot(rows, truth, "abcd", lambda seed: parted(truth, 0.5, seed), counts=(16, 1), seeds=(0, 1, 2))
    assert list(found.by_shots) == [1, 16]
    assert found.by_shots[16].mean > found.by_shots[1].mean + 0.05
    record = found.record()
    assert record["accuracy"] == pytest.approx(found.by_shots[16].mean, abs=1e-6)
    assert record["std"] > 0
    assert record["classes_with_fewer"] == []


def test_few_shot_names_short_classes_and_can_be_cancelled() -> None:
    rows, truth = clouds(2, each=4)
    parts = Parts(np.array([0, 1, 4, 5, 8]), np.array([2, 3, 6, 7, 9, 10, 11]))
    assert few_shot(rows, truth, "abc", lambda _: parts, counts=(2,), seeds=(0,)).short == ("c",)
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        few_shot(rows, truth, "abc", lambda _: parts, counts=(1,), seeds=(0,), cancel=cancel)


def test_shots_from_text() -> None:
    assert shots_named("1, 4,8") == (1, 4, 8)
    for text in ("", "0", "many", "1;2"):
        with pytest.raises(EvaluationInvalid, match="no numbers"):
            shots_named(text)
