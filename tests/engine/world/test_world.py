from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from engine.errors import DataMissing
from engine.world import DATES, World, make_world


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("world")


@pytest.fixture(scope="module")
def steps() -> list[tuple[str, int, int]]:
    return []


@pytest.fixture(scope="module")
def world(folder: Path, steps: list[tuple[str, int, int]]) -> World:
    return make_world(folder, 7, size=256, fog=False, progress=lambda *step: steps.append(step))


def test_names_say_synthetic_and_the_date(world: World, folder: Path) -> None:
    assert [path.name for path in world.scenes] == [f"SYNTHETIC_island_{when:%Y%m%d}.tif" for when in DATES]
    assert [path.name for path in world.truth] == [f"SYNTHETIC_island_{when:%Y%m%d}_truth.tif" for when in DATES]
    assert json.loads((folder / "truth" / "classes.json").read_text(encoding="utf-8"))["2"] == "lake"


def test_scenes_carry_place_time_and_the_synthetic_mark(world: World) -> None:
    for path, when in zip(world.scenes, DATES, strict=True):
        with rasterio.open(path) as file:
            assert file.crs.to_epsg() == 32625
            assert file.res == (10, 10)
            assert file.count == 4
            assert file.dtypes == ("uint8",) * 4
            assert file.descriptions == ("red", "green", "blue", "nir")
            assert "alpha" not in {meaning.name for meaning in file.colorinterp}
            assert file.block_shapes[0] == (256, 256)
            assert file.overviews(1)
            tags = file.tags()
            assert tags["PHAROS_SYNTHETIC"] == "1"
            assert tags["PHAROS_SENSOR"] == "pharos_island"
            assert tags["TIFFTAG_DATETIME"] == f"{when:%Y:%m:%d %H:%M:%S}"
            assert (file.read_masks(1) == 255).all()


def test_truth_lies_on_the_grid_of_its_scene(world: World) -> None:
    for scene, truth in zip(world.scenes, world.truth, strict=True):
        with rasterio.open(scene) as a, rasterio.open(truth) as b:
            assert a.transform == b.transform
            assert a.shape == b.shape
            assert len(np.unique(b.read(1))) >= 8


def test_the_same_seed_gives_the_same_files(world: World, tmp_path: Path) -> None:
    again = make_world(tmp_path, 7, size=256, fog=False)
    for before, after in zip((*world.scenes, *world.truth), (*again.scenes, *again.truth), strict=True):
        assert hashlib.sha256(before.read_bytes()).digest() == hashlib.sha256(after.read_bytes()).digest()


def test_progress_runs_to_its_end(world: World, steps: list[tuple[str, int, int]]) -> None:
    done = [step[1] for step in steps]
    assert done == sorted(done)
    assert steps[-1][1] == steps[-1][2]
    assert world.seconds > 0


def test_a_missing_coastline_is_told_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="make run"):
        make_world(tmp_path / "out", 7, size=256, coastline=tmp_path / "absent.json")
    assert not (tmp_path / "out").exists()
