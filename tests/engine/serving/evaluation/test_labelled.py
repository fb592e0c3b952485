"""Pictures cut from scenes with label rasters, and what their lists say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from engine import imagery
from engine.errors import Cancelled, DatasetInvalid
from engine.progress import Cancel
from engine.serving.evaluation.labelled import cut, labelled, made, title
from engine.types import Scene
from tests.engine.serving.evaluation.labelled_scene import CLASSES, SIZE, layout, write_labelled
from tests.scenes import write_scene

TILE = 64


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Scene, ...]:
    return tuple(imagery.find_scenes([write_labelled(tmp_path / "world", tile=TILE)]).scenes)


def test_pictures_stand_in_the_folder_of_the_class_that_covers_them(tmp_path: Path, scenes: tuple[Scene, ...]) -> None:
    home = tmp_path / "cut"
    found = cut(home, "fields", labelled(scenes))
    classes = found.chosen(("classes",))
    assert classes is not None
    assert classes.names == ("forest", "lake", "town")
    for path in (home / "fields-classes").glob("*/*.png"):
        column, row = (int(part) for part in path.stem.split("-")[-2:])
        part = layout(TILE)[row : row + TILE, column : column + TILE]
        value = next(value for value, name in CLASSES.items() if name == path.parent.name)
        assert (part == value).mean() >= 0.6
        with Image.open(path) as picture:
            assert picture.size == (TILE, TILE)
    assert not found.synthetic


def test_captions_tell_what_lies_where_and_counts_how_many(tmp_path: Path, scenes: tuple[Scene, ...]) -> None:
    cut(tmp_path / "cut", "fields", labelled(scenes))
    captions = {each["file"]: each["captions"] for each in json.loads((tmp_path / "cut" / "fields-captions.json").read_text())}
    mixed = next(texts for file, texts in captions.items() if file.endswith("-320-128.png"))
    assert set(mixed) <= {"a lake and a forest.", "a forest and a lake.", "lake to the left of forest.", "forest to the right of lake."}
    assert len(mixed) == 2
    counts = {each["file"]: each for each in json.loads((tmp_path / "cut" / "fields-counts.json").read_text())}
    ponds = next((each for file, each in counts.items() if file.endswith("-384-192.png")), None)
    assert ponds is None or (ponds["caption"], ponds["count"]) == ("there are {} lakes.", 2)


def test_what_is_cut_once_is_not_cut_again_and_another_raster_makes_it_anew(tmp_path: Path, scenes: tuple[Scene, ...]) -> None:
    home = tmp_path / "cut"
    first = cut(home, "fields", labelled(scenes))
    marked = next((home / "fields-classes").glob("*/*.png"))
    marked.touch()
    stamp = marked.stat().st_mtime_ns
    assert cut(home, "fields", labelled(scenes)) == first == made(home, "fields")
    assert marked.stat().st_mtime_ns == stamp
    raster = next((tmp_path / "world" / "truth").glob("*_truth.tif"))
    with rasterio.open(raster, "r+") as out:
        out.write(np.where(np.arange(SIZE) < 256, 1, 2).astype(np.uint8)[:, None].repeat(SIZE, 1), 1)
    again = cut(home, "fields", labelled(scenes)).chosen(("classes",))
    assert again is not None
    assert again.names == ("forest", "lake")


def test_scenes_without_labels_are_left_and_wrong_rasters_are_told(tmp_path: Path, scenes: tuple[Scene, ...]) -> None:
    alone = imagery.find_scenes([write_scene(tmp_path / "alone_20200101.tif")]).scenes
    assert labelled(alone) == ()
    raster = next((tmp_path / "world" / "truth").glob("*_truth.tif"))
    raster.write_bytes(b"no raster")
    with pytest.raises(DatasetInvalid, match="can't be read"):
        cut(tmp_path / "cut", "fields", labelled(scenes))
    (raster.parent / "classes.json").write_text("[]")
    with pytest.raises(DatasetInvalid, match=r"classes\.json"):
        labelled(scenes)


def test_a_stopped_try_leaves_nothing(tmp_path: Path, scenes: tuple[Scene, ...]) -> None:
    cancel = Cancel()
    cancel.set()
    with pytest.raises(Cancelled):
        cut(tmp_path / "home" / "cut", "fields", labelled(scenes), cancel=cancel)
    assert list((tmp_path / "home").glob("*")) == []
    assert made(tmp_path / "home" / "cut", "fields").parts[0].count == 0


def test_made_up_scenes_are_called_so() -> None:
    assert title("island", synthetic=True) == "SYNTHETIC-island"
    assert made(Path("/nowhere"), "SYNTHETIC-island").synthetic
