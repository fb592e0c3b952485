from __future__ import annotations

import io
import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import shapely
from PIL import Image

from engine import imagery
from engine.imagery.maptile import tile_bounds
from engine.serving.mosaic import CELL, MOST_SCENES, Mosaic
from engine.types import Scene
from tests.scenes import write_scene


def pixels(body: bytes | None) -> np.ndarray:
    assert body is not None
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA"))


def tile_of(scene: Scene, z: int) -> tuple[int, int, int]:
    lon, lat = scene.bounds.centre
    side = 2**z
    return z, int((lon + 180) / 360 * side), int((1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * side)


@pytest.fixture
def scenes(tmp_path: Path) -> tuple[Scene, ...]:
    for name, west in (("a", 500_000), ("b", 501_280)):  # b covers the right half of a
        write_scene(tmp_path / f"{name}_20200101.tif", seed=ord(name), west=west)
    return imagery.find_scenes([tmp_path]).scenes


def test_the_first_lies_on_top_and_the_rest_fills_up(scenes: tuple[Scene, ...]) -> None:
    z, x, y = tile_of(scenes[0], 12)
    both, top, below = (pixels(Mosaic(each).draw(z, x, y)) for each in (scenes, scenes[:1], scenes[1:]))
    upper, lower = top[..., 3] > 0, below[..., 3] > 0
    assert (both[..., 3] > 0).tolist() == (upper | lower).tolist()
    assert (both[upper] == top[upper]).all()
    assert (both[lower & ~upper] == below[lower & ~upper]).all()


def test_what_is_covered_is_not_read_and_what_cant_be_read_is_left_out(scenes: tuple[Scene, ...], caplog: pytest.LogCaptureFixture) -> None:
    z, x, y = tile_of(scenes[0], 18)
    first = scenes[0]
    gone = replace(first, id="gone", source=str(Path(first.source).with_name("gone.tif")))
    with caplog.at_level(logging.WARNING):
        covered = Mosaic([first, gone]).draw(z, x, y)
        assert caplog.text == ""
        mosaic = Mosaic([gone, first])
        assert mosaic.draw(z, x, y) == covered
        assert mosaic.draw(z, x, y) == covered
    assert caplog.text.count("gone is left out of the map") == 1


def test_too_many_to_read_are_shown_as_cells() -> None:
    """A row of cells across the middle of a zoom-10 tile; none of their files exists."""
    z, x, y = 10, 512, 511
    west, south, east, north = tile_bounds(z, x, y)
    step = (east - west) / (MOST_SCENES + 1)
    crowd = [
        Scene(
            id=str(place),
            source=f"/nowhere/{place}.png",
            sensor="rgb",
            datetime=None,
            gsd_m=None,
            width=8,
            height=8,
            footprint=shapely.box(
                west + place * step, south + (north - south) / 4, west + (place + 0.5) * step, north - (north - south) / 4
            ),
            georeferenced=False,
        )
        for place in range(MOST_SCENES + 1)
    ]
    drawn = pixels(Mosaic(crowd).draw(z, x, y))
    assert tuple(drawn[128, 0]) == CELL
    assert drawn[:60, :, 3].max() == drawn[200:, :, 3].max() == 0
    assert 0.4 < (drawn[128, :, 3] > 0).mean() < 0.9
    assert Mosaic(crowd[:MOST_SCENES]).draw(z, x, y) is None
