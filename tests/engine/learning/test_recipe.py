"""Recipes say exactly what is done, and what can't be done is said in one line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from engine.errors import RecipeInvalid
from engine.learning.phrases import PhraseTable
from engine.learning.recipe import Recipe, located
from engine.settings import ASSETS

RECIPES = sorted(path for path in (ASSETS / "recipes").rglob("*.yaml") if "model" in yaml.safe_load(path.read_text()))


AID = {"kind": "aid_rsicd", "root": "anywhere", "phrases": "phrases.yaml"}


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid_and_name_files_that_exist(path: Path) -> None:
    recipe = Recipe.read(path)
    assert located(recipe.model).is_file()
    for part in recipe.data:
        if hasattr(part, "phrases"):
            assert PhraseTable.read(located(part.phrases)).classes


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"epoch": 3}, "“epoch”: is no key"),
        ({"optimiser": {"rate": 1e-3}}, "“optimiser.rate”: is no key"),
        ({"epochs": 0}, "“epochs”"),
        ({"batch": 1}, "“batch”"),
        ({"name": "../elsewhere"}, "“name”"),
        ({"sizes": {1: 16}}, "epoch 0"),
        ({"data": []}, "“data”"),
        ({"augmentation": {"areas": [[0.5, 0.1, 0.2]]}}, "must sum to 1"),
        ({"augmentation": {"areas": [[1.0, 0.9, 0.2]]}}, "smallest area"),
        ({"objective": {"kind": "infonce"}}, "“objective”: is no key"),
        ({"objectives": []}, "“objectives”"),
        ({"objectives": [{"kind": "magic"}]}, "'magic'"),
        ({"objectives": [{"kind": "infonce", "bias_start": 1.0}]}, "bias_start”: is no key"),
        ({"objectives": [{"kind": "infonce", "weight": 0}]}, "weight”"),
        ({"objectives": [{"kind": "protoclip"}]}, "add one, for example infonce"),
        ({"objectives": [{"kind": "infonce"}, {"kind": "protoclip", "plain": 2}]}, "needs 4 epochs"),
        ({"objectives": [{"kind": "infonce"}, {"kind": "satmips"}]}, "needs metadata"),
        ({"data": [AID, AID], "objectives": [{"kind": "dcl", "sources": [0]}]}, "no objective looks at source 1"),
        ({"optimiser": {"held": 2}}, "name a “backbone” or a “start”"),
        ({"optimiser": {"steady": True}}, "“steady” keeps statistics of a network that begins with weights"),
        ({"early_stop": {"figure": "beauty", "patience": 2}}, "watches “beauty”; what is held out tells zero_shot"),
        ({"early_stop": {"figure": "zero_shot", "patience": 0}}, "patience"),
        ({"objectives": [{"kind": "dcl", "sources": [1]}]}, "“dcl” asks for source 1"),
    ],
)
def test_what_cannot_be_is_named(recipe: Callable[..., Path], changes: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeInvalid) as caught:
        Recipe.read(recipe(**changes))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", ["", "- a\n- b\n", "a: [1", "\x00"])
def test_files_that_are_no_recipe(tmp_path: Path, content: str) -> None:
    path = tmp_path / "broken.yaml"
    path.write_text(content)
    with pytest.raises(RecipeInvalid, match=r"broken\.yaml"):
        Recipe.read(path)


def test_a_missing_file_is_said_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(RecipeInvalid) as caught:
        Recipe.read(tmp_path / "none.yaml")
    assert str(tmp_path) not in str(caught.value)


def test_sizes_hold_until_the_next_one(recipe: Callable[..., Path]) -> None:
    read = Recipe.read(recipe(sizes={0: 16, 2: 24}))
    assert [read.size_at(epoch) for epoch in range(4)] == [16, 16, 24, 24]


def test_the_fingerprint_follows_every_value(recipe: Callable[..., Path]) -> None:
    base = Recipe.read(recipe()).fingerprint
    assert Recipe.read(recipe()).fingerprint == base
    assert Recipe.read(recipe(optimiser={"clip": 4.0})).fingerprint != base
    assert Recipe.read(recipe(seed=6)).fingerprint != base
