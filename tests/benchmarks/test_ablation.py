"""The table of the ablation: what is averaged, what is compared, what is run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import ablation
from benchmarks.ablation import Group, Outcome, document, finished, groups, spread, table, verdict
from engine.learning.recipe import Recipe
from engine.learning.report import TrainReport

GROUP = Group("Title", "Says.", ("first", "other"), ("zero_shot",))


def test_every_recipe_of_a_group_is_there_and_alike_but_for_what_is_compared() -> None:
    for group in groups():
        read = [Recipe.read(ablation.RECIPES / f"{name}.yaml") for name in group.recipes]
        assert len({recipe.name for recipe in read}) == len(read)
        assert {recipe.name for recipe in read} == {f"ablation-{name}" for name in group.recipes}
        assert len({recipe.of_data for recipe in read}) == 1
        for figure in group.figures:
            assert all(figure in [name for part in recipe.data for name in part.figures] for recipe in read)


def test_verdicts_by_hand() -> None:
    """Gains 0.02, 0.03, 0.04: mean 0.03, sd 0.01, reach 4.30 · 0.01 / √3 = 0.0248."""
    assert verdict([0.02, 0.03, 0.04]) == "+0.030 (better)"
    assert verdict([-0.02, -0.03, -0.04]) == "-0.030 (worse)"
    assert verdict([0.00, 0.03, 0.06]) == "+0.030 (no difference shown)"
    assert verdict([0.03]) == "+0.030"
    assert spread([0.1, 0.2, 0.3]) == "0.200 ± 0.100"


def test_the_table_compares_equal_seeds() -> None:
    outcomes = {("first", seed): Outcome({"zero_shot": 0.5 + seed / 100}, 60.0) for seed in (1, 2, 3)}
    outcomes |= {("other", seed): Outcome({"zero_shot": 0.6 + seed / 100}, 120.0) for seed in (1, 2)}
    lines = table(GROUP, outcomes).splitlines()
    assert lines[-2] == "| first | 3 | 0.520 ± 0.010 |  | 1.0 |"
    assert lines[-1] == "| other | 2 | 0.615 ± 0.007 | +0.100 (better) | 2.0 |"
    assert "Not run yet" in table(GROUP, {})
    assert document({}).startswith("# What each objective adds")


def test_finished_runs_are_not_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A run counts as finished while its recipe stays as it is; one that was begun goes on."""
    monkeypatch.setattr(ablation, "folder", lambda name, seed: tmp_path / f"{name}-{seed}")
    monkeypatch.setattr(ablation, "TABLE", tmp_path / "table.md")
    ran: list[tuple[str, int, bool]] = []

    def train(path: Path, *, seed: int, resume: bool, out: Path, progress: object) -> TrainReport:
        ran.append((path.stem, seed, resume))
        if len(ran) == 2:
            raise KeyboardInterrupt
        return TrainReport(out / "weights", 6, {"zero_shot": 0.5}, 60.0)

    monkeypatch.setattr(ablation, "train", train)
    with pytest.raises(KeyboardInterrupt):
        ablation.main(["infonce", "dcl"], [1])
    assert finished("infonce", 1) == Outcome({"zero_shot": 0.5}, 60.0)
    assert "| infonce | 1 | 0.500 |" in (tmp_path / "table.md").read_text()
    ablation.main(["infonce", "dcl"], [1])
    assert ran == [("infonce", 1, False), ("dcl", 1, False), ("dcl", 1, True)]
    report = tmp_path / "infonce-1" / "report.json"
    report.write_text(json.dumps({**json.loads(report.read_text()), "fingerprint": "other"}))
    assert finished("infonce", 1) is None
