from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
import rasterio

from engine.errors import DataMissing
from engine.geometry import Window
from engine.imagery.reader import open_scene, scene_at
from engine.world import BANDS, DATES, POLARISATIONS, Island, World, make_world


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


@pytest.fixture(scope="module")
def twins(tmp_path_factory: pytest.TempPathFactory) -> World:
    return make_world(tmp_path_factory.mktemp("twins"), 7, size=256, fog=False, bands=True, radar=True)


def test_bands_and_radar_are_written_only_when_asked_for(world: World, twins: World, folder: Path) -> None:
    assert world.bands == world.radar == ()
    assert not (folder / "bands").exists()
    assert [path.name for path in twins.bands] == [f"SYNTHETIC_island_{when:%Y%m%d}_bands.tif" for when in DATES]
    assert [path.name for path in twins.radar] == [f"SYNTHETIC_island_{when:%Y%m%d}_radar.tif" for when in DATES]
    for before, after in zip(world.scenes, twins.scenes, strict=True):
        assert before.read_bytes() == after.read_bytes()


def test_the_files_hold_what_the_views_show(twins: World) -> None:
    view = Island(7, 256).at(DATES[2])
    with rasterio.open(twins.bands[2]) as file:
        assert file.descriptions == BANDS
        assert file.dtypes == ("uint16",) * 12
        assert np.abs(file.read() * file.scales[0] - view.bands).max() <= 0.00011
        tags = file.tags()
        assert tags["PHAROS_SYNTHETIC"] == "1"
        assert float(tags["PHAROS_CLOUD_COVER"]) == pytest.approx(view.acquisition.cloud_cover, abs=1e-6)
        assert float(tags["PHAROS_SUN_ELEVATION_DEG"]) == pytest.approx(view.acquisition.sun_elevation_deg, abs=1e-3)
        assert tags["PHAROS_SEASON"] == "autumn"
        assert (file.read_masks(1) == 255).all()
    with rasterio.open(twins.radar[2]) as file, rasterio.open(twins.truth[2]) as truth:
        assert file.descriptions == POLARISATIONS
        assert file.dtypes == ("float32",) * 2
        assert (file.read() == view.radar).all()
        assert file.tags()["PHAROS_SYNTHETIC"] == "1"
        assert file.transform == truth.transform


def test_the_imagery_reader_opens_them_and_shows_a_picture(twins: World) -> None:
    shown = []
    for path, sensor in (
        (twins.scenes[1], "pharos_island"),
        (twins.bands[1], "pharos_island_bands"),
        (twins.radar[1], "pharos_island_radar"),
    ):
        scene = scene_at(path)
        assert scene.sensor == sensor
        assert scene.synthetic
        assert scene.gsd_m == 10
        with open_scene(scene) as reader:
            shown.append(reader.read(Window(0, 0, 256, 256), 256).rgb.astype(float))
    four, twelve, radar = shown
    for channel in range(3):  # the same colours in the same places
        assert np.corrcoef(four[..., channel].ravel(), twelve[..., channel].ravel())[0, 1] > 0.97
    assert twelve.std() > 35
    assert np.percentile(twelve, 99) > 200
    assert (radar[..., 0] == radar[..., 2]).all()
    assert 20 < radar.mean() < 200
