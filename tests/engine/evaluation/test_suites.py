from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import Cancelled, DatasetInvalid, EvaluationInvalid
from engine.evaluation.suites import Bench, order_named, probe_named
from engine.progress import Cancel
from tests.engine.evaluation.squares import write_folders, write_square
from tests.engine.index.colour_encoder import ColourEncoder


@pytest.fixture
def bench() -> Bench:
    encoder: Any = ColourEncoder()
    return Bench(encoder, batch=3)


def test_zero_shot_of_colours(tmp_path: Path, bench: Bench) -> None:
    """Two reds stand in the blue folder: known confusion, accuracy and pictures."""
    root = write_folders(tmp_path, {"Red Things": ["red", "red"], "blue": ["blue", "red", "red"], "one": ["green"], "empty": []})
    (root / "one" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    report = bench.zero_shot(root, labels=["red", "blue", "nothing", "green"])
    record = report.record()
    assert record["accuracy"] == pytest.approx(4 / 6, abs=1e-6)
    assert record["per_class"] == {"red": 1.0, "blue": pytest.approx(1 / 3, abs=1e-6), "green": 1.0}
    assert record["worst"][0] == {"truth": "blue", "said": "red", "count": 2, "pictures": ["blue/01.png", "blue/02.png"]}
    json.dumps(record, allow_nan=False)


def test_zero_shot_record_carries_everything_to_repeat_it(tmp_path: Path, bench: Bench) -> None:
    root = write_folders(tmp_path / "colours_synthetic", {"red": ["red", "red"], "blue": ["blue", "red"], "empty": []})
    (root / "blue" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    record = bench.zero_shot(root, templates="plain").record()
    assert record["accuracy"] == 0.75
    assert record["per_class"] == {"blue": 0.5, "red": 1.0}
    assert record["confusion"] == [[1, 1], [0, 2]]
    assert record["worst"] == [{"truth": "blue", "said": "red", "count": 1, "pictures": ["blue/01.png"]}]
    assert (record["model"], record["model_hash"]) == ("colours", "c0105c0105c0")
    assert (record["templates"], record["prompts"]) == ("plain-1", ["a satellite photo of {}."])
    assert record["settings"] == {"labels": ["blue", "red"]}
    assert record["synthetic"] is True
    assert record["measured"].endswith("+00:00")
    assert sorted(entry["name"] for entry in record["skipped"]) == ["blue/broken.png", "empty"]
    assert record["reliability"]["n"] == 4
    assert record["published"] == []


def test_a_class_whose_pictures_are_all_unreadable_is_left_out(tmp_path: Path, bench: Bench) -> None:
    root = write_folders(tmp_path, {"red": ["red"], "blue": []})
    (root / "blue" / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    record = bench.zero_shot(root).record()
    assert record["per_class"] == {"red": 1.0}
    assert {"name": "blue", "why": "none of its pictures could be used."} in record["skipped"]


@pytest.fixture
def captioned(tmp_path: Path) -> tuple[Path, Path]:
    for colour in ("red", "green", "blue"):
        write_square(tmp_path / "images" / f"{colour}.png", colour)
    rows = [
        {"file": "red.png", "captions": ["a red field", "a red field"]},
        {"file": "green.png", "captions": ["green on white"]},
        {"file": "blue.png", "captions": ["red over there"]},
        {"file": "gone.png", "captions": ["black"]},
    ]
    (tmp_path / "captions.json").write_text(json.dumps(rows))
    return tmp_path / "images", tmp_path / "captions.json"


def test_retrieval_of_colours(captioned: tuple[Path, Path], bench: Bench) -> None:
    record = bench.retrieval(*captioned).record()
    # Sorted pictures: blue, green, red. “Red over there” belongs to blue but finds red; both other sentences find theirs.
    assert record["t2i"]["r1"] == 0.75
    assert record["t2i"]["r5"] == 1.0
    # Red's captions tie with blue's, which comes first; to blue all sentences are equal, and its own is the first.
    assert record["i2t"]["r1"] == pytest.approx(2 / 3, abs=1e-6)
    assert (record["n_images"], record["n_captions"], record["protocol"]) == (3, 4, "P1")
    assert record["skipped"] == [{"name": "gone.png", "why": "the picture is not there."}]
    p2 = bench.retrieval(*captioned, protocol="P2").record()
    assert (p2["n_captions"], p2["settings"]["protocol"]) == (3, "P2")


@pytest.mark.parametrize("kind", ["knn", "linear", "fewshot"])
def test_probes_of_colours(tmp_path: Path, bench: Bench, kind: str) -> None:
    root = write_folders(tmp_path, {name: [name] * 6 for name in ("red", "green", "blue")})
    report = bench.probe(root, kind=probe_named(kind), counts=(1, 2), seeds=2)
    record = report.record()
    assert (record["accuracy"], record["std"], record["seeds"], record["n"]) == (1.0, 0.0, 2, 9)
    if kind == "fewshot":
        assert list(record["by_shots"]) == ["1", "2"]
    else:
        assert record["values"] == [1.0, 1.0]
        assert record["confusion"] == [[6, 0, 0], [0, 6, 0], [0, 0, 6]]  # both runs together


@pytest.mark.parametrize("kind", ["knn", "linear", "fewshot"])
def test_a_class_with_one_picture_teaches_and_is_not_measured(tmp_path: Path, bench: Bench, kind: str) -> None:
    root = write_folders(tmp_path, {"Red Things": ["red"], "green": ["green"] * 4, "BlueThings": ["blue"] * 4, "none": []})
    record = bench.probe(root, kind=probe_named(kind), counts=(1, 4), seeds=2).record()
    assert (record["accuracy"], record["n"]) == (1.0, 4)
    assert {entry["name"] for entry in record["skipped"]} == {"none"}
    if kind == "fewshot":
        assert record["classes_with_fewer"] == ["blue things", "Red Things", "green"]
    else:
        assert record["per_class"] == {"blue things": 1.0, "Red Things": None, "green": 1.0}


@pytest.mark.parametrize("kind", ["knn", "linear", "fewshot"])
def test_classes_with_one_picture_each_leave_nothing_to_measure(tmp_path: Path, bench: Bench, kind: str) -> None:
    with pytest.raises(EvaluationInvalid, match="single picture"):
        bench.probe(write_folders(tmp_path, {"red": ["red"], "blue": ["blue"]}), kind=probe_named(kind))


def test_zero_shot_takes_classes_with_one_picture(tmp_path: Path, bench: Bench) -> None:
    record = bench.zero_shot(write_folders(tmp_path / "x", {"red": ["red"], "blue": ["blue"]})).record()
    assert (record["accuracy"], record["n"]) == (1.0, 2)
    alone = bench.zero_shot(write_folders(tmp_path / "y", {"red": ["red"]})).record()
    assert (alone["accuracy"], alone["reliability_calibrated"]) == (1.0, None)


def test_only_some_pictures(tmp_path: Path, bench: Bench) -> None:
    root = write_folders(tmp_path / "x", {"red": ["red", "blue"], "blue": ["blue", "blue"]})
    assert bench.zero_shot(root, only=frozenset({"red/00.png", "blue/01.png"})).record()["accuracy"] == 1.0
    assert bench.zero_shot(root, only=frozenset({"red/01.png", "blue/01.png"})).record()["accuracy"] == 0.5
    with pytest.raises(DatasetInvalid, match="names a picture"):
        bench.zero_shot(root, only=frozenset({"green/00.png"}))


def test_probe_uses_the_division_of_the_data(tmp_path: Path, bench: Bench) -> None:
    """The train folders call red blue and blue red: whoever learns from them is always wrong."""
    write_folders(tmp_path / "train", {"red": ["blue"] * 3, "blue": ["red"] * 3})
    write_folders(tmp_path / "val", {"red": ["red"] * 2, "blue": ["blue"] * 2})
    record = bench.probe(tmp_path, kind="knn").record()
    assert (record["accuracy"], record["n"]) == (0.0, 4)
    assert record["settings"]["division"] == "given"


def test_counting_and_its_record(tmp_path: Path, bench: Bench) -> None:
    write_square(tmp_path / "a.png", "red")
    (tmp_path / "counts.csv").write_text("file,caption,count\na.png,{} red planes,1\na.png,{} red planes,4\n")
    record = bench.counting(tmp_path / "counts.csv").record()
    # The colour encoder can't count: all ten captions tie, and the smallest is said.
    assert (record["accuracy"], record["n"], record["seeds"]) == (0.5, 2, 1)
    assert record["top_k"][3] == 1.0
    assert len(record["confusion"]) == len(record["classes"]) == 10


def test_ndcg_of_colours(tmp_path: Path, bench: Bench) -> None:
    root = write_folders(tmp_path, {"red": ["red", "blue"], "blue": ["blue"]})
    record = bench.ndcg(root).record()
    # Asked for red: red first, then the two blues tie in the order blue/00, red/01. Asked for blue: blue/00, then red/01.
    assert record["per_query"][0] == {"query": "blue", "jaccard": 1.0, "overlap": 1.0}
    assert record["per_query"][1]["jaccard"] == pytest.approx((1 + 1 / 2) / (1 + 0.6309297536), abs=1e-6)
    assert record["ndcg"] == record["ndcg_jaccard"]
    with pytest.raises(EvaluationInvalid, match="no picture has the label “snow”"):
        bench.ndcg(root, queries=[["Snow"]])
    assert len(bench.ndcg(root, queries=[["Red "]]).record()["per_query"]) == 1


@pytest.mark.parametrize(("kind", "seeds"), [("swap", 1), ("shuffle", 3)])
def test_word_order_of_a_bag_of_words_is_chance(captioned: tuple[Path, Path], bench: Bench, kind: str, seeds: int) -> None:
    record = bench.word_order(*captioned, kind=order_named(kind)).record()
    assert (record["accuracy"], record["seeds"], record["std"]) == (0.5, seeds, 0.0)
    assert record["ties"] == record["n"] > 0
    assert record["examples"][0]["caption"] != record["examples"][0]["other"]


def test_word_order_of_given_pairs(tmp_path: Path, bench: Bench) -> None:
    write_square(tmp_path / "a.png", "red")
    rows = [{"file": "a.png", "caption": "a red one", "swapped": "a blue one"}, {"file": "b.png", "caption": "x", "swapped": "y"}]
    (tmp_path / "pairs.json").write_text(json.dumps(rows))
    record = bench.word_order(tmp_path, tmp_path / "pairs.json", kind="given").record()
    assert (record["accuracy"], record["n"], len(record["skipped"])) == (1.0, 1, 1)


def test_cancel_reaches_every_suite(tmp_path: Path, captioned: tuple[Path, Path]) -> None:
    cancel = Cancel()
    cancel.set()
    encoder: Any = ColourEncoder()
    stopped = Bench(encoder, cancel=cancel)
    with pytest.raises(Cancelled):
        stopped.retrieval(*captioned)
    with pytest.raises(Cancelled):
        stopped.zero_shot(write_folders(tmp_path / "x", {"red": ["red"]}))


def test_unknown_kinds_are_refused() -> None:
    with pytest.raises(EvaluationInvalid, match="knn, linear, fewshot"):
        probe_named("svm")
    with pytest.raises(EvaluationInvalid, match="swap, shuffle, given"):
        order_named("reverse")
