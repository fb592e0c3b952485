from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import DataMissing, DatasetInvalid, EvaluationInvalid, FeaturesInvalid
from engine.evaluation.datasets.folders import ClassFolders
from engine.evaluation.datasets.phrases import QueryPhrases
from engine.evaluation.precision import precision, precision_at
from engine.evaluation.suites import Bench
from tests.engine.evaluation.squares import write_folders
from tests.engine.index.colour_encoder import ColourEncoder


@given(st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=1, max_size=30), st.integers(1, 12))
def test_precision_agrees_with_a_loop(rows: list[tuple[int, bool]], k: int) -> None:
    """Ties stand in the order of the pictures; where fewer than k are right, only as many places are looked at."""
    found = precision_at([score for score, _ in rows], [right for _, right in rows], k)
    depth = min(k, sum(right for _, right in rows))
    order = sorted(range(len(rows)), key=lambda i: (-rows[i][0], i))[:depth]
    assert found == (sum(rows[i][1] for i in order) / depth if depth else None)


def test_queries_without_a_right_picture_are_skipped() -> None:
    right = np.array([[True, False], [False, False]])
    found = precision(np.eye(2), [[1, 0], [1, 1]], right, ["a", "b"])
    assert (found.values, found.mean) == ((1.0, None), 1.0)
    record = found.record()
    assert (record["precision"], record["queries"], record["skipped_queries"], record["n"]) == (1.0, 1, 1, 2)
    with pytest.raises(EvaluationInvalid, match="no query"):
        precision(np.eye(2), np.eye(2), np.zeros((2, 2), dtype=bool), ["a", "b"])
    with pytest.raises(EvaluationInvalid, match="depth"):
        precision(np.eye(2), np.eye(2), right, ["a", "b"], k=0)
    with pytest.raises(FeaturesInvalid, match="3 pictures"):
        precision(np.eye(2), [[1, 0]] * 3, right, ["a", "b"])
    with pytest.raises(FeaturesInvalid, match="NaN"):
        precision([[np.nan, 0], [0, 1]], np.eye(2), right, ["a", "b"])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "phrases.yaml"
    path.write_text("tuning:\n  something red: [RedThings]\n  blue or red: [RedThings, blue]\ntest:\n  the green one: [green]\n")
    return path


def test_parts_and_right_classes(tmp_path: Path, file: Path) -> None:
    folders = ClassFolders.open(write_folders(tmp_path / "x", {"RedThings": ["red"], "blue": ["blue"], "green": ["green"]}))
    asked = QueryPhrases.open(file, "tuning")
    assert [phrase.text for phrase in asked.phrases] == ["something red", "blue or red"]
    # Classes are sorted by their folders: RedThings, blue, green.
    assert asked.within(folders).tolist() == [[True, False, False], [True, True, False]]
    assert len(QueryPhrases.open(file).phrases) == 3
    assert len({QueryPhrases.open(file, part).fingerprint for part in ("tuning", "test", "all")}) == 3
    with pytest.raises(EvaluationInvalid, match=r"no part “val”\. It has: tuning, test"):
        QueryPhrases.open(file, "val")
    with pytest.raises(EvaluationInvalid, match="asks for the class “green”, which y lacks"):
        QueryPhrases.open(file, "test").within(ClassFolders.open(write_folders(tmp_path / "y", {"red": ["red"]})))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("tuning: [a, b]", "parts"),
        ("- a", "parts"),
        ("", "parts"),
        ("tuning: {a: [X]", "parts"),
        ("tuning: {a: X}", "no list of classes"),
        ("tuning: {a: []}", "no list of classes"),
        ("tuning: {3: [X]}", "no phrase"),
        ("tuning: {}", "holds no phrase"),
        ("tuning: {a: [X], a: [Y]}", "twice"),
        ("tuning: {a: [X]}\ntest: {A: [Y]}", "twice"),
        ("tuning: !!python/object/apply:os.system ['true']", "parts"),
    ],
)
def test_other_forms_are_refused(tmp_path: Path, text: str, says: str) -> None:
    (tmp_path / "p.yaml").write_text(text)
    with pytest.raises(DatasetInvalid, match=says):
        QueryPhrases.open(tmp_path / "p.yaml")
    with pytest.raises(DataMissing):
        QueryPhrases.open(tmp_path / "none.yaml")


def test_suite_of_colours(tmp_path: Path, file: Path) -> None:
    encoder: Any = ColourEncoder()
    root = write_folders(tmp_path / "x", {"RedThings": ["red", "blue", "red"], "blue": ["blue"], "green": ["red", "green"]})
    (root / "blue" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report = Bench(encoder, batch=2).phrases(root, file, half="tuning", k=3)
    record = report.record()
    # “Something red”: all three reds first, one of them in the green folder: 2 of 3. “Blue or red”: every one of those and the
    # blues tie, in the order of the folders: RedThings, RedThings, RedThings: 3 of 3.
    assert record["per_query"] == [
        {"query": "something red", "precision": pytest.approx(2 / 3)},
        {"query": "blue or red", "precision": 1.0},
    ]
    assert record["precision"] == pytest.approx(5 / 6, abs=1e-6)
    assert (record["n"], record["queries"], record["half"], record["settings"]["k"]) == (6, 2, "tuning", 3)
    assert [entry["name"] for entry in record["skipped"]] == ["blue/broken.png"]
    assert record["templates"].startswith("query-")
    json.dumps(record, allow_nan=False)


@pytest.mark.parametrize("half", ["test", "all"])
def test_single_phrases_of_the_test_half_stay_unseen(tmp_path: Path, file: Path, half: str) -> None:
    encoder: Any = ColourEncoder()
    root = write_folders(tmp_path / "x", {"RedThings": ["red"], "blue": ["blue"], "green": ["green"]})
    report = Bench(encoder).phrases(root, file, half=half)
    assert report.record()["precision"] == 1.0
    for written in (report.json(), report.csv(), report.html()):
        assert "green one" not in written
