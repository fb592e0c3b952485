"""Files, folders and addresses become scenes; what is left out is named; one bad file costs the others nothing."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageWithoutPlace, NothingToIndex, SourceForbidden
from engine.imagery import find_scenes
from engine.types import Bounds

from .conftest import Write
from .rasters import scenery


def test_a_folder_with_everything_in_it(write: Write, tmp_path: Path) -> None:
    good = write("set/b_20140720.tif")
    write("set/deep/c_20200831.tif")
    write("set/no_place.tif", crs=None)
    write("set/empty.tif", np.zeros((3, 20, 20), np.uint8), nodata=0)
    (tmp_path / "set/text.tif").write_text("hello")
    (tmp_path / "set/notes.txt").write_text("hello")
    (tmp_path / "set/.hidden.tif").write_text("hello")
    (tmp_path / "set/b_20140720.tif.aux.xml").write_text("<PAMDataset/>")
    (tmp_path / "set/mosaic.vrt").write_text("<VRTDataset/>")
    Image.new("RGB", (30, 20), (200, 10, 10)).save(tmp_path / "set/picture.png")
    found = find_scenes([tmp_path / "set"])
    assert [scene.id for scene in found.scenes] == ["b_20140720", "picture.png", "c_20200831"]
    assert found.scenes[0].source == str(good)
    reasons = dict(found.skipped)
    assert set(reasons) == {"no_place.tif", "empty.tif", "text.tif", "notes.txt", "mosaic.vrt"}
    assert "--place" in reasons["no_place.tif"]
    assert "nodata" in reasons["empty.tif"]
    assert "no image" in reasons["text.tif"]


def test_several_dates_of_one_footprint_have_their_times(write: Write) -> None:
    paths = [write(f"m_4709963_se_14_1_{day}.tif", scenery(4)) for day in ("20090818", "20140720", "20200831")]
    scenes = find_scenes(paths).scenes
    assert [f"{scene.datetime:%Y-%m-%d}" for scene in scenes] == ["2009-08-18", "2014-07-20", "2020-08-31"]
    assert len({scene.footprint.wkt for scene in scenes}) == 1
    assert {scene.sensor for scene in scenes} == {"naip"}


def test_same_names_get_ids_of_their_own(write: Write, tmp_path: Path) -> None:
    for folder in ("s/a", "s/b", "t/b"):
        write(f"{folder}/x.tif")
    found = find_scenes([tmp_path / "s", tmp_path / "t", tmp_path / "s/a/x.tif"])
    assert [scene.id for scene in found.scenes] == ["x", "b/x", "x-2"]


def test_a_file_given_twice_counts_once(write: Write, tmp_path: Path) -> None:
    path = write("x.tif")
    (tmp_path / "link.tif").symlink_to(path)
    assert len(find_scenes([path, tmp_path, str(path)]).scenes) == 1


def test_order_is_sorted_and_repeatable(write: Write, tmp_path: Path) -> None:
    for name in ("c", "a", "b"):
        write(f"{name}.tif")
    ids = [scene.id for scene in find_scenes([tmp_path]).scenes]
    assert ids == ["a", "b", "c"] == [scene.id for scene in find_scenes([str(tmp_path)]).scenes]


def test_progress_is_told(write: Write, tmp_path: Path) -> None:
    write("a.tif")
    write("b.tif")
    told: list[tuple[str, int, int]] = []
    find_scenes([tmp_path], progress=lambda *step: told.append(step))
    assert told == [("looking at files", 0, 2), ("looking at files", 1, 2), ("looking at files", 2, 2)]


def test_nothing_at_all(tmp_path: Path, write: Write) -> None:
    with pytest.raises(NothingToIndex, match="no file or folder"):
        find_scenes([])
    with pytest.raises(NothingToIndex, match="no image in the folder"):
        find_scenes([tmp_path])
    write("a.tif", crs=None)
    with pytest.raises(ImageWithoutPlace):
        find_scenes([tmp_path])
    write("b.tif", crs=None)
    with pytest.raises(NothingToIndex, match=r"none of 2 files.*--unplaced"):
        find_scenes([tmp_path])


def test_a_forbidden_path_beside_a_good_one_is_skipped(write: Write) -> None:
    found = find_scenes([write("a.tif"), "/vsicurl/http://example.com/x.tif"])
    assert [scene.id for scene in found.scenes] == ["a"]
    assert "virtual paths" in found.skipped[0][1]
    with pytest.raises(SourceForbidden):
        find_scenes(["/vsicurl/http://example.com/x.tif"])


def test_pictures_and_rasters_without_a_place_can_be_placed_or_not(write: Write, tmp_path: Path) -> None:
    write("a.tif", crs=None)
    Image.new("RGB", (30, 20), (200, 10, 10)).save(tmp_path / "b.png")
    loose = find_scenes([tmp_path], unplaced=True).scenes
    assert [(scene.id, scene.georeferenced) for scene in loose] == [("a", False), ("b.png", False)]
    assert not loose[0].footprint.intersects(loose[1].footprint)
    placed = find_scenes([tmp_path], place=Bounds(5, 50, 6, 51)).scenes
    assert [(scene.id, scene.georeferenced) for scene in placed] == [("a", True), ("b", True)]


def test_a_picture_with_a_description_of_its_place_is_placed(write: Write, tmp_path: Path) -> None:
    write("a.png", scenery(), driver="PNG")
    assert (tmp_path / "a.png.aux.xml").is_file()
    (scene,) = find_scenes([tmp_path / "a.png"]).scenes
    assert (scene.georeferenced, scene.crs) == (True, "EPSG:32631")
    shutil.move(tmp_path / "a.png.aux.xml", tmp_path / "elsewhere.xml")
    assert not find_scenes([tmp_path / "a.png"]).scenes[0].georeferenced
