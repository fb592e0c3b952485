from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import balanced_accuracy_score, confusion_matrix

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation import suites
from engine.evaluation.zero_shot import Classification, classify, ensemble


@given(st.integers(0, 2**32 - 1), st.integers(1, 30), st.integers(2, 6))
def test_classes_agree_with_loops(seed: int, n: int, c: int) -> None:
    random = np.random.default_rng(seed)
    images, classes, truth = random.normal(size=(n, 5)), random.normal(size=(c, 5)), random.integers(0, c, n)
    found = classify(images, classes, truth, [f"c{i}" for i in range(c)])
    expected = []
    for image in images:
        cosines = [float(image @ each / np.linalg.norm(image) / np.linalg.norm(each)) for each in classes]
        expected.append(cosines.index(max(cosines)))
    assert found.predicted.tolist() == expected
    assert found.accuracy == pytest.approx(sum(e == t for e, t in zip(expected, truth, strict=True)) / n)
    assert (found.confusion == confusion_matrix(truth, expected, labels=range(c))).all()
    assert found.confusion.sum() == n


def test_figures_of_classes() -> None:
    found = Classification(("a", "b", "none"), np.array([0, 0, 0, 1]), np.array([0, 1, 1, 1]))
    assert found.per_class == {"a": pytest.approx(1 / 3), "b": 1.0, "none": None}
    assert found.mean_per_class == pytest.approx(balanced_accuracy_score([0, 0, 0, 1], [0, 1, 1, 1]))
    assert found.worst() == [("a", "b", 2)]
    assert found.record()["accuracy"] == 0.5


def test_equal_classes_give_the_first() -> None:
    assert classify([[1.0, 0]], [[0, 1.0], [1, 0], [1, 0]], [2], "abc").predicted.tolist() == [1]


def test_ensemble_is_the_renormalised_mean_of_unit_sentences() -> None:
    sentences = np.random.default_rng(0).normal(size=(4, 3, 6)) * 5
    made = ensemble(sentences.astype(np.float32))
    for c in range(3):
        mean = np.mean([s / np.linalg.norm(s) for s in sentences[:, c]], axis=0)
        assert made[c] == pytest.approx(mean / np.linalg.norm(mean), abs=1e-6)
    with pytest.raises(FeaturesInvalid, match="templates × classes"):
        ensemble(np.ones((2, 3)))


def test_nothing_and_mismatches_are_refused() -> None:
    with pytest.raises(EvaluationInvalid, match="no picture"):
        classify(np.empty((0, 2)), np.eye(2), [], "ab")
    with pytest.raises(FeaturesInvalid, match="2 class vectors and 3 class names"):
        classify(np.eye(2), np.eye(2), [0, 1], "abc")
    with pytest.raises(FeaturesInvalid, match="2 and 3"):
        classify(np.eye(2), np.eye(3), [0, 1], "abc")


@pytest.mark.shared_data
@pytest.mark.parametrize(("model", "single", "whole"), [("RemoteCLIP", 0.945, 0.952), ("CLIP", 0.761, 0.813)])
def test_published_embeddings_give_published_accuracy(shared_data: Path, model: str, single: float, whole: float) -> None:
    """ViT-B-32 on WHU-RS19 (El Khoury et al. 2024), to three digits."""
    report = suites.embeddings(shared_data / "whu_rs19_embeddings" / f"{model}_ViT-B-32_WHURS19.npz")
    assert round(report.figures["accuracy_single"], 3) == single
    assert round(report.figures["accuracy_ensemble"], 3) == whole
    assert report.figures["n"] == 1005
    (table,) = report.published
    (theirs,) = [entry for entry in table.figures if entry["model"] == f"{model} ViT-B-32"]
    assert (theirs["accuracy_single"], theirs["accuracy_ensemble"]) == (single, whole)
