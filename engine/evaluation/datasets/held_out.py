"""The pictures that a recipe keeps from training: what a model that was trained by it may be measured on."""

from __future__ import annotations

from collections import Counter
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from engine.errors import DataMissing, EvaluationInvalid, RecipeInvalid
from engine.learning.pairs import read_captioned, split
from engine.settings import ASSETS


def held_out(root: Path, recipe: str) -> frozenset[str]:
    """Names of the pictures of a captioned data set that a recipe holds out, with and without the folders above them.

    Args:
        root: The data set, known in the recipe by the name of its folder; holds ``captions.json``.
        recipe: Name of a recipe in ``assets/recipes``, or a YAML file.

    Raises:
        DataMissing: If recipe, data set or captions aren't there.
        RecipeInvalid: If the recipe can't be understood.
        EvaluationInvalid: If it holds out nothing of this data set.
    """
    path = Path(recipe) if Path(recipe).suffix in (".yaml", ".yml") else ASSETS / "recipes" / f"{recipe}.yaml"
    seed, shares = _shares(path)
    share = shares.get(root.resolve().name, 0.0)
    if not share:
        raise EvaluationInvalid(
            f"the recipe {path.stem} holds out nothing of {root.name}. It holds out parts of: {', '.join(shares) or '–'}."
        )
    records = read_captioned(root)
    files = [PurePosixPath(records[index].file) for index in split(records, share, seed).held_out]
    shared = Counter(PurePosixPath(record.file).name for record in records)
    names = {"/".join(file.parts[start:]) for file in files for start in range(len(file.parts) - 1)}
    return frozenset(names | {file.name for file in files if shared[file.name] == 1})


def _shares(path: Path) -> tuple[int, dict[str, float]]:
    """Seed, and of each data set, by the name of its folder, the share that is held out."""
    if not path.is_file():
        raise DataMissing("The recipe", str(path))
    try:
        content: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
        parts = [(Path(part["root"]).name, float(part["held_out"])) for part in content["data"] if part.get("held_out") and "root" in part]
        return int(content["seed"]), dict(parts)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError, AttributeError) as problem:
        raise RecipeInvalid(path.name, f"seed and held-out parts can't be read from it ({type(problem).__name__}: {problem}).") from None
