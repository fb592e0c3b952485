"""Masks become labels of the frames that they belong to, and of no others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import SourceInvalid
from engine.fog import Cube
from engine.fog.grid import Grid
from engine.fog.labels import Label
from engine.fog.reading import convert
from engine.fog.reading.masks import YELLOW_SEA, YELLOW_SEA_BOUNDS, Masks, decoded, read_label
from engine.types import Bounds

from . import layouts
from .test_described import save

WHEN = datetime(2021, 6, 21, 12, tzinfo=UTC)


def picture(path: Path, grey: np.ndarray) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(grey.astype(np.uint8)).save(path)
    return path


def test_a_mask_on_the_cubes_own_grid_is_its_label(tmp_path: Path) -> None:
    picture(tmp_path / "masks" / "202106211205.png", np.repeat([[0], [255]], 3, 0) * np.ones((1, 8)))
    cube = Cube.open(convert(save(tmp_path), tmp_path / "o.zarr", masks=tmp_path / "masks").written.path)
    label = cube.label(0)
    assert label is not None
    assert (label[:3] == Label.NOT_FOG).all()
    assert (label[3:] == Label.FOG).all()


def test_a_mask_of_another_shape_or_time_is_refused(tmp_path: Path) -> None:
    picture(tmp_path / "shape" / "202106211200.png", np.zeros((5, 5)))
    with pytest.raises(SourceInvalid, match=r"label has \(5, 5\) cells, the picture \(6, 8\)"):
        convert(save(tmp_path), tmp_path / "o.zarr", masks=tmp_path / "shape")
    picture(tmp_path / "time" / "202106211230.png", np.zeros((6, 8)))
    with pytest.raises(SourceInvalid, match="no mask lies within 10 minutes of a frame"):
        convert(save(tmp_path), tmp_path / "o.zarr", masks=tmp_path / "time")
    with pytest.raises(SourceInvalid, match="no masks named by their time"):
        convert(save(tmp_path), tmp_path / "o.zarr", masks=tmp_path / "none")


def test_a_mask_with_a_place_of_its_own_is_brought_onto_the_grid(tmp_path: Path) -> None:
    grey = np.ones((80, 100))
    grey[:40] = 2  # the north half is fog
    picture(tmp_path / "202106211200_label.png", grey)
    masks = Masks.find(tmp_path, Bounds(117.0, 34.0, 127.0, 42.0), YELLOW_SEA)
    grid = Grid.over(Bounds(125.0, 37.0, 129.0, 39.0), 0.25)
    label = masks.on(grid, WHEN)
    assert label is not None
    inside = grid.lon < 127
    assert (label[:, ~inside] == Label.UNLABELLED).all()
    assert (label[:4][:, inside] == Label.FOG).all()
    assert (label[4:][:, inside] == Label.NOT_FOG).all()
    with pytest.raises(SourceInvalid, match="outside"):
        masks.on(Grid.over(Bounds(0.0, 37.0, 4.0, 39.0), 0.5), WHEN)
    assert masks.on(grid, WHEN + timedelta(hours=1)) is None


def test_levels_without_a_meaning_are_refused() -> None:
    with pytest.raises(SourceInvalid, match="grey level 7 has no meaning"):
        decoded("a.png", np.array([[0, 7]], np.uint8), YELLOW_SEA)


def test_two_class_pictures_count_from_one_half(tmp_path: Path) -> None:
    assert read_label(picture(tmp_path / "a.png", np.array([[0, 127, 128, 255]]))).tolist() == [[False, False, True, True]]
    assert read_label(picture(tmp_path / "b.png", np.array([[0, 1]]))).tolist() == [[False, True]]
    np.testing.assert_array_equal(read_label(layouts.label(tmp_path / "c.png")), layouts.fog())
    (tmp_path / "d.png").write_bytes(b"no picture")
    with pytest.raises(SourceInvalid, match="no readable picture"):
        read_label(tmp_path / "d.png")


@pytest.mark.shared_data
def test_real_masks_of_the_yellow_sea_lie_on_their_coast(shared_data: Path) -> None:
    masks = Masks.find(shared_data / "ybsf_seafog_masks", YELLOW_SEA_BOUNDS, YELLOW_SEA)
    assert len(masks.files) == 23
    when = min(masks.files)
    assert when == datetime(2020, 1, 23, 1, tzinfo=UTC)
    grid = Grid.over(Bounds(117.0, 34.0, 127.0, 42.0), 0.1)
    label = masks.on(grid, when)
    assert label is not None
    for lat, lon, land in ((36.3, 118.0, True), (35.5, 122.5, False), (41.5, 121.0, True), (37.2, 126.8, True), (38.6, 120.0, False)):
        cell = label[int((42 - lat) / 0.1), int((lon - 117) / 0.1)]
        assert (cell == Label.UNLABELLED) == land, (lat, lon)
    assert {Label.FOG, Label.UNCERTAIN} <= set(np.unique(label).tolist())
