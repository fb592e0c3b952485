"""What each objective adds: small trainings from several seeds, and the table that docs/ablation.md is.

Runs that are finished are taken as they are, broken ones go on from their last checkpoint. A run is a recipe of
assets/recipes/ablation and a seed; what is held out is the same for all. Each recipe takes some minutes on two CPU cores.

Run with: python -m engine bench ablation, or for some of it: python -m benchmarks.ablation --recipes infonce teacher --seeds 1 2
"""

from __future__ import annotations

import argparse
import json
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any, Final

import yaml

from engine.learning import train
from engine.learning.recipe import Recipe
from engine.settings import ROOT, settings

RECIPES: Final = ROOT / "assets" / "recipes" / "ablation"
TABLE: Final = ROOT / "docs" / "ablation.md"
SEEDS: Final = (1, 2, 3)
STUDENT: Final = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36}
"""Number of seeds → 97.5 % quantile of Student's t with one less degrees of freedom."""


@dataclass(frozen=True, slots=True)
class Group:
    """Recipes that are compared.

    Attributes:
        title: Of the table.
        says: What is measured on what.
        recipes: Names of files; the first is what the others are measured against.
        figures: Names of the columns.
    """

    title: str
    says: str
    recipes: tuple[str, ...]
    figures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """A finished run.

    Attributes:
        metrics: Figures of its last validation.
        seconds: Time spent on its steps.
    """

    metrics: dict[str, float]
    seconds: float


def groups() -> tuple[Group, ...]:
    """What is compared."""
    content = yaml.safe_load((RECIPES / "groups.yaml").read_text(encoding="utf-8"))
    return tuple(Group(row["title"], row["says"].strip(), tuple(row["recipes"]), tuple(row["figures"])) for row in content)


def folder(name: str, seed: int) -> Path:
    """Where a run is kept."""
    return settings().data_dir / "runs" / "ablation" / f"{name}-seed{seed}"


def finished(name: str, seed: int) -> Outcome | None:
    """A run that has come to its end with the recipe as it is now."""
    recipe = Recipe.read(RECIPES / f"{name}.yaml").seeded(seed)
    try:
        report = json.loads((folder(name, seed) / "report.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return Outcome(report["metrics"], report["seconds"]) if report["fingerprint"] == recipe.fingerprint else None


def run(name: str, seed: int) -> Outcome:
    """Train, or go on with what was begun."""
    recipe, out = Recipe.read(RECIPES / f"{name}.yaml").seeded(seed), folder(name, seed)
    begun = out / "fingerprint"
    same = begun.is_file() and begun.read_text(encoding="utf-8") == recipe.fingerprint
    out.mkdir(parents=True, exist_ok=True)
    begun.write_text(recipe.fingerprint, encoding="utf-8")
    last = [""]

    def tell(stage: str, done: int, total: int) -> None:
        if done in (1, total) or done % max(1, total // 10) == 0:
            line = f"{name}, seed {seed}: {stage} ({done} of {total})"
            if line != last[0]:
                print(line, flush=True)
            last[0] = line

    report = train(RECIPES / f"{name}.yaml", seed=seed, resume=same, out=out, progress=tell)
    record = {"fingerprint": recipe.fingerprint, "metrics": dict(report.metrics), "seconds": report.seconds}
    (out / "report.json").write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    return Outcome(dict(report.metrics), report.seconds)


def spread(values: Sequence[float]) -> str:
    """Mean ± standard deviation between seeds."""
    return f"{fmean(values):.3f} ± {stdev(values):.3f}" if len(values) > 1 else f"{values[0]:.3f}"


def verdict(gains: Sequence[float]) -> str:
    """Whether gains of the same seeds are more than chance, by a paired t test at 5 %."""
    if len(gains) < 2 or len(gains) not in STUDENT:
        return f"{fmean(gains):+.3f}"
    mean, reach = fmean(gains), STUDENT[len(gains)] * stdev(gains) / len(gains) ** 0.5
    words = "no difference shown" if abs(mean) <= reach else "better" if mean > 0 else "worse"
    return f"{mean:+.3f} ({words})"


def table(group: Group, outcomes: dict[tuple[str, int], Outcome]) -> str:
    """A group as Markdown; a recipe that wasn't run is left out."""
    names = [name for name in group.recipes if any(each == name for each, _ in outcomes)]
    seeds = {name: sorted(seed for each, seed in outcomes if each == name) for name in names}
    lines = [f"## {group.title}", "", group.says, ""]
    if not names:
        return "\n".join([*lines, "Not run yet.", ""])
    lines.append("| recipe | seeds | " + " | ".join(f"{figure} | against {group.recipes[0]}" for figure in group.figures) + " | minutes |")
    lines.append("|---|---|" + "---|---|" * len(group.figures) + "---|")
    for name in names:
        cells = [name, str(len(seeds[name]))]
        for figure in group.figures:
            value = {seed: outcomes[name, seed].metrics.get(figure) for seed in seeds[name]}
            known = {seed: number for seed, number in value.items() if number is not None}
            cells += [spread(list(known.values())) if known else "–", _gain(group, name, figure, known, outcomes)]
        cells.append(f"{fmean(outcomes[name, seed].seconds for seed in seeds[name]) / 60:.1f}")
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join([*lines, ""])


def _gain(group: Group, name: str, figure: str, known: dict[int, float], outcomes: dict[tuple[str, int], Outcome]) -> str:
    """How much better than the first recipe, over the seeds that both have."""
    first = group.recipes[0]
    if name == first:
        return ""
    both = [seed for seed in known if (first, seed) in outcomes and figure in outcomes[first, seed].metrics]
    return verdict([known[seed] - outcomes[first, seed].metrics[figure] for seed in both]) if both else "–"


def document(outcomes: dict[tuple[str, int], Outcome]) -> str:
    """docs/ablation.md."""
    head = [
        "# What each objective adds",
        "",
        "Written by `python -m engine bench ablation` from real runs of the recipes in `assets/recipes/ablation`. Their budget is small:",
        "the figures say what helps early in a training, not where it ends. Mean ± standard deviation between seeds, which change the",
        "weights at the start, the order, the variations and the words, but neither the data nor what is held out. “Against” is the mean",
        "gain over the first recipe with the same seeds; “no difference shown”: a paired t test at 5 % can't tell it from chance, which",
        f"with three seeds takes a large gain. Minutes are those of the steps, on {platform.machine()} with the cores that were free.",
        "",
    ]
    return "\n".join([*head, *(table(group, outcomes) for group in groups())])


def main(names: Sequence[str] = (), seeds: Sequence[int] = SEEDS, *, only_table: bool = False) -> dict[str, Any]:
    """Run what isn't finished, seed by seed, and write the table after each run.

    Args:
        names: Recipes; all of all groups if none.
        seeds: From which each is trained.
        only_table: Run nothing.
    """
    every = tuple(dict.fromkeys(name for group in groups() for name in group.recipes))
    outcomes = {(name, seed): done for name in every for seed in SEEDS for done in [finished(name, seed)] if done}
    for seed in () if only_table else seeds:
        for name in names or every:
            if (name, seed) not in outcomes:
                outcomes[name, seed] = finished(name, seed) or run(name, seed)
                TABLE.write_text(document(outcomes), encoding="utf-8")
    TABLE.write_text(document(outcomes), encoding="utf-8")
    return {f"{name}, seed {seed}": outcome.metrics for (name, seed), outcome in sorted(outcomes.items())}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recipes", nargs="*", default=(), help="names of files in assets/recipes/ablation; all if left out")
    parser.add_argument("--seeds", nargs="*", type=int, default=SEEDS)
    parser.add_argument("--table", action="store_true", help="run nothing, write the table of what is finished")
    asked = parser.parse_args()
    print(json.dumps(main(asked.recipes, asked.seeds, only_table=asked.table), indent=1))
