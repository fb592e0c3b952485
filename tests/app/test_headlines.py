"""Ours and published figures in the same columns."""

from __future__ import annotations

from typing import Any

from app.panels.headlines import headline
from engine.evaluation.published import published
from engine.evaluation.report import Provenance, Report


def report(suite: str, model: str, figures: dict[str, Any], data: str = "rsscn7", facts: dict[str, Any] | None = None) -> Report:
    tables = published(suite, data, facts or {})
    return Report(suite, f"{model} on {data}", figures, Provenance(model, "abc", data, "f00"), published=tables)


def test_published_rows_stand_below_ours_and_say_their_table() -> None:
    facts = {"n": 2800, "classes": 7, "prompts": ["a satellite photo of {}."]}
    heads, rows, notes = headline("zeroshot", [report("zeroshot", "ours", {"accuracy": 0.7, "n": 2800}, facts=facts)])
    assert heads[0] == "accuracy"
    assert rows[0].name == "ours"
    assert rows[0].source == ""
    theirs = {row.name: row.cells[0] for row in rows[1:]}
    assert theirs["RemoteCLIP ViT-B-32"] == "0.686"
    assert all(row.source == "¹" for row in rows[1:])
    assert notes[0].startswith("¹ Published, same protocol: Liu et al. 2024 (RemoteCLIP)")


def test_another_protocol_brings_no_published_row() -> None:
    facts = {"n": 84, "classes": 7, "prompts": ["a satellite photo of {}."]}
    _, rows, notes = headline("zeroshot", [report("zeroshot", "ours", {"accuracy": 0.7, "n": 84}, facts=facts)])
    assert [row.name for row in rows] == ["ours"]
    assert notes == []


def test_recalls_of_a_paper_fall_into_our_columns() -> None:
    ours = {
        "t2i": {"r1": 0.1, "r5": 0.2, "r10": 0.3, "mean": 0.2},
        "i2t": {"r1": 0.1, "r5": 0.2, "r10": 0.3, "mean": 0.2},
        "mean_recall": 0.2,
    }
    facts = {"protocol": "P1", "n_images": 1093, "n_captions": 5465}
    heads, rows, _ = headline("retrieval-p1", [report("retrieval", "ours", ours, "rsicd", facts)])
    paper = next(row for row in rows if row.name == "RemoteCLIP ViT-B-32")
    cells = dict(zip(heads, paper.cells, strict=True))
    assert cells["T → I R@1"] == "0.137"
    assert cells["I → T R@10"] == "0.515"
    assert cells["mean recall"] == "0.353"


def test_the_best_of_ours_is_marked_and_a_tie_of_all_is_not() -> None:
    one = report("zeroshot", "one", {"accuracy": 0.7, "reliability": {"ece": 0.2}})
    both = [one, report("zeroshot", "two", {"accuracy": 0.8, "reliability": {"ece": 0.3}})]
    _, rows, _ = headline("zeroshot", both)
    assert (rows[0].best, rows[1].best) == ({3}, {0})
    _, rows, _ = headline("zeroshot", [both[0], both[0]])
    assert rows[0].best == rows[1].best == frozenset()


def test_every_number_of_shots_is_a_column() -> None:
    shots = {"1": {"accuracy": 0.5, "std": 0.1}, "16": {"accuracy": 0.9, "std": 0.01}}
    heads, rows, _ = headline("fewshot", [report("probe", "one", {"by_shots": shots, "n": 10})])
    assert heads == ["1 picture", "16 pictures", "measured on"]
    assert list(rows[0].cells) == ["0.500\u2009±\u20090.100", "0.900\u2009±\u20090.010", "10"]
