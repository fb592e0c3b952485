"""Trainings of several sensors and with metadata, on a few made-up windows: what learns, what is kept, what is refused."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file

from engine.errors import Cancelled, RecipeInvalid
from engine.learning import islands, train
from engine.learning.islands import Windows
from engine.learning.metadata import Metadata
from engine.learning.recipe import Islands, Recipe
from engine.settings import ASSETS
from engine.world.classes import LandCover

Recipes = Callable[..., Path]
PHRASES = {"templates": ["{}", "a photo of {}"], "names": {"forest": ["a forest", "woods"], "lake": ["a lake"], "sea": ["the sea"]}}
BANDS = {"rgb": 3, "s1": 2, "s2": 12}


def made(how: Islands, seeds: tuple[int, ...], seed: int, progress: object) -> Windows:
    """24 windows an island: each class has a level of its own in each band, and its places and times."""
    random = np.random.default_rng([seed, *seeds])
    count = 24 * len(seeds)
    kinds = random.integers(3, size=count)
    levels = np.random.default_rng(len(how.sensor)).uniform(0.1, 0.9, (3, BANDS[how.sensor]))
    noise = random.normal(0, 0.05, (count, BANDS[how.sensor], 16, 16))
    pictures = (levels[kinds][:, :, None, None] + noise).clip(0, 1)
    shares = np.zeros((count, 256), dtype=np.float32)
    shares[np.arange(count), np.array([LandCover.FOREST, LandCover.LAKE, LandCover.SEA])[kinds]] = 1
    records = tuple(
        Metadata(
            gsd_m=10.0 * 2.0**kind, when=datetime(2022, 1 + 4 * int(kind), 1 + number % 25, tzinfo=UTC), lon=40.0 * kind, lat=float(number)
        )
        for number, kind in enumerate(kinds)
    )
    return Windows((pictures * 255).astype(np.uint8) if how.sensor == "rgb" else pictures.astype(np.float16), shares, records)


@pytest.fixture
def island(recipe: Recipes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Recipes:
    """Writes a recipe whose sources are islands of some sensors."""
    monkeypatch.setattr(islands, "cut", made)
    (tmp_path / "island.yaml").write_text(yaml.safe_dump(PHRASES))

    def write(*sensors: str, source: dict[str, Any] | None = None, **changes: Any) -> Path:
        common = {"kind": "island", "phrases": str(tmp_path / "island.yaml"), "seeds": [100], "held_out": [90], "weight": 1.0}
        data = [{**common, "sensor": sensor, **(source or {})} for sensor in sensors]
        return recipe(**{"data": data, "optimiser": {"average": 0.5}, "epochs": 2, **changes})

    return write


CLOSP = [{"kind": "closp"}]
GEOCLOSP = [*CLOSP, {"kind": "location", "width": 16, "degrees": 3}]
SATMIPS = [{"kind": "infonce"}, {"kind": "satmips", "width": 8, "layers": 1, "heads": 2, "projected": 8}]


def test_two_sensors_meet_in_the_words(island: Recipes, tmp_path: Path) -> None:
    report = train(island("s1", "s2", objectives=CLOSP, epochs=16, source={"captions": 0.5}), out=tmp_path / "run")
    assert set(report.metrics) == {"s1_presence", "s1_ndcg", "s2_presence", "s2_ndcg"}
    assert report.metrics["s1_presence"] > 0.8
    assert report.metrics["s2_presence"] > 0.8


def test_each_tower_is_exported_beside_the_model(island: Recipes, tmp_path: Path) -> None:
    report = train(island("s1", "rgb", objectives=CLOSP), out=tmp_path / "run")
    assert sorted(path.name for path in (tmp_path / "run").glob("*.safetensors")) == ["tiny-s1.safetensors", "tiny.safetensors"]
    s1 = load_file(tmp_path / "run" / "tiny-s1.safetensors")
    assert s1["trunk.conv1.weight"].shape[1] == 2
    assert s1["mean"].shape == (2, 1, 1)
    assert not any(name.startswith(("others", "trunk", "mean")) for name in load_file(report.checkpoint))


def test_a_model_of_rgb_alone_is_one_file(island: Recipes, tmp_path: Path) -> None:
    train(island("rgb"), out=tmp_path / "run")
    assert [path.name for path in (tmp_path / "run").glob("*.safetensors")] == ["tiny.safetensors"]


@pytest.mark.parametrize("objectives", [GEOCLOSP, SATMIPS], ids=["geoclosp", "satmips"])
def test_a_resumed_run_ends_where_an_uninterrupted_one_does(island: Recipes, tmp_path: Path, objectives: list[dict[str, Any]]) -> None:
    """The towers of all sensors, and what the objectives have learnt, which steers them."""
    how = {"objectives": objectives}
    train(island("s1", "s2", **how), out=tmp_path / "whole")
    cancel = threading.Event()

    def tell(stage: str, done: int, total: int) -> None:
        if stage.startswith("training") and done == 3:
            cancel.set()

    with pytest.raises(Cancelled):
        train(island("s1", "s2", **how), progress=tell, cancel=cancel, out=tmp_path / "parts")
    train(island("s1", "s2", **how), resume=True, out=tmp_path / "parts")
    for file in ("tiny", "tiny-s1", "tiny-s2"):
        first, second = (load_file(tmp_path / run / f"{file}.safetensors") for run in ("whole", "parts"))
        assert all(torch.equal(first[name], second[name]) for name in first)


def test_what_is_shown_moves_its_tower_and_what_is_not_stays(island: Recipes, tmp_path: Path) -> None:
    """The towers of both sensors learn; RGB's, which no source shows, is as random as at the start."""
    train(island("s1", "s2", objectives=CLOSP, epochs=1), out=tmp_path / "one")
    train(island("s1", "s2", objectives=CLOSP, epochs=2), out=tmp_path / "two")
    for file, moves in (("tiny-s1", True), ("tiny-s2", True), ("tiny", False)):
        first, second = (load_file(tmp_path / run / f"{file}.safetensors") for run in ("one", "two"))
        names = [name for name in first if file != "tiny" or name.startswith("visual.")]
        assert all(torch.equal(first[name], second[name]) for name in names) is not moves


def test_satmips_beside_captions_looks_where_something_is_known(island: Recipes, recipe: Recipes, tmp_path: Path) -> None:
    """The first source has no metadata, the second has."""
    path = recipe(epochs=1)
    content = yaml.safe_load(path.read_text())
    other = yaml.safe_load(island("rgb").read_text())["data"][0]
    content["data"] = [*content["data"], {**other, "weight": 0.5}]
    content["objectives"] = SATMIPS
    (tmp_path / "both.yaml").write_text(yaml.safe_dump(content))
    assert train(tmp_path / "both.yaml", out=tmp_path / "run").metrics["rgb_presence"] >= 0


@pytest.mark.parametrize(
    ("objectives", "says"),
    [
        ([{"kind": "satmip"}], "needs metadata, which none of “data” has"),
        ([{"kind": "satmips", "sources": [0]}], "needs metadata, which the source “aid_rsicd” doesn't have"),
        ([{"kind": "location"}], "needs places"),
    ],
)
def test_pictures_of_which_nothing_is_known_are_refused(recipe: Recipes, objectives: list[dict[str, Any]], says: str) -> None:
    with pytest.raises(RecipeInvalid, match=says):
        train(recipe(objectives=objectives))


@pytest.mark.parametrize(
    ("objective", "says"),
    [
        ({"kind": "satmip", "width": 10, "heads": 4}, "can't be shared by 4 heads"),
        ({"kind": "satmip", "fields": []}, "fields"),
        ({"kind": "satmip", "fields": ["altitude"]}, "fields"),
        ({"kind": "satmip", "views": 1.0}, "no key that is known"),
        ({"kind": "closp", "targets": "hard"}, "targets"),
        ({"kind": "location", "degrees": 0}, "degrees"),
    ],
)
def test_impossible_objectives_are_said(island: Recipes, objective: dict[str, Any], says: str) -> None:
    with pytest.raises(RecipeInvalid, match=says):
        train(island("s2", objectives=[objective]))


def test_a_single_sensor_is_an_ordinary_training(island: Recipes, tmp_path: Path) -> None:
    assert set(train(island("s1", objectives=CLOSP), out=tmp_path / "run").metrics) == {"s1_presence", "s1_ndcg"}


def ablation(name: str) -> Recipe:
    return Recipe.read(ASSETS / "recipes" / "ablation" / f"{name}.yaml")


def test_ablations_differ_in_nothing_but_the_method() -> None:
    """SatMIPS and its baseline in the objectives; CLOSP and its single sensors in the sources, with as many pictures of each a step."""
    base, satmips = ablation("satmips-base"), ablation("satmips")
    assert satmips.data == base.data
    assert satmips.objectives[0] == base.objectives[0]
    assert (satmips.batch, satmips.epochs, satmips.optimiser) == (base.batch, base.epochs, base.optimiser)
    s1, s2, closp, geoclosp = (ablation(name) for name in ("s1", "s2", "closp", "geoclosp"))
    assert closp.data == geoclosp.data == (*s1.data, *s2.data)
    assert closp.objectives == s1.objectives == s2.objectives == geoclosp.objectives[:1]
    assert closp.batch == s1.batch + s2.batch
    assert {recipe.epochs for recipe in (s1, s2, closp, geoclosp)} == {closp.epochs}


def test_ablations_never_learn_from_what_they_measure() -> None:
    """Nor do two sensors see one island: CLOSP's pictures are never paired."""
    for name in ("satmips-base", "satmips", "s1", "s2", "closp", "geoclosp"):
        parts = [part for part in ablation(name).data if isinstance(part, Islands)]
        assert all(part.held_out and set(part.held_out) <= set(range(90, 100)) for part in parts)
        seen = [seed for part in parts for seed in part.seeds]
        assert len(seen) == len(set(seen))
        assert not set(seen) & set(range(90, 100))
        assert 7 not in seen
