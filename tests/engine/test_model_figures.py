"""What the shipped model must score on pictures that it never learned from; tests/engine/test_ranking_figures.py has the maps."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine import encoders
from engine.evaluation.datasets.held_out import held_out
from engine.evaluation.suites import Bench

pytestmark = [pytest.mark.slow, pytest.mark.shared_data]
RSSCN7 = ("grass", "field", "industry", "river or lake", "forest", "residential area", "parking lot")


@pytest.fixture(scope="module")
def bench() -> Bench:
    return Bench(encoders.load(device="cpu"))


def test_another_data_set_by_natural_names(bench: Bench, shared_data: Path) -> None:
    """RSSCN7, seven classes in the order of its folders: at least RemoteCLIP ViT-B-32's published 0.686."""
    report = bench.zero_shot(shared_data / "rsscn7", labels=RSSCN7)
    assert report.figures["n"] == 2800
    assert report.figures["accuracy"] >= 0.686


def test_the_held_out_tenth(bench: Bench, shared_data: Path) -> None:
    """30 classes of AID at 0.80, and its sentences under protocol P1 at a mean recall of 0.20."""
    root = shared_data / "aid_rsicd"
    kept = held_out(root, "pharos-small")
    classes = bench.zero_shot(root, only=kept)
    assert classes.figures["n"] == 897
    assert classes.figures["accuracy"] >= 0.80
    sentences = bench.retrieval(root, root / "captions.json", only=kept)
    assert sentences.figures["mean_recall"] >= 0.20
