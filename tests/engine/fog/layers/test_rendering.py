from __future__ import annotations

import io
import math
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import CubeInvalid, LayerNotFound
from engine.fog import Cube, FogMask, State, Validity, all_layers, layer_named, render_frame, render_mask
from engine.fog.sun import solar_zenith
from engine.types import Bounds
from tests.engine.fog import skies
from tests.engine.fog.skies import write_cube

WHEN = datetime(2021, 6, 1, 11, tzinfo=UTC)
LAT, LON = np.arange(69.75, 39.75, -0.5), np.arange(-9.75, 10.25, 0.5)
BOUNDS = Bounds(-10, 40, 10, 70)


def opened(png: bytes) -> np.ndarray:
    picture = Image.open(io.BytesIO(png))
    assert picture.format == "PNG"
    return np.asarray(picture.convert("RGBA"))


def mask_of(state: np.ndarray, *, probability: float = 0.9, validity: int = Validity.DAY, bounds: Bounds = BOUNDS) -> FogMask:
    sure = np.where(state == State.FOG, np.float32(probability), np.float32(np.nan))
    return FogMask(sure, state.astype(np.uint8), np.full(state.shape, validity, np.uint8), WHEN, bounds, "test", "test", True)


def day_cube(path: Path) -> Cube:
    zenith = solar_zenith(WHEN, LAT[:, None], LON[None, :])
    fields = {name: values[None] for name, values in skies.clear_sea(zenith, np.random.default_rng(0)).items()}
    return Cube.open(write_cube(path / "day.zarr", fields, [WHEN], LAT, LON))


def test_the_picture_has_the_shape_of_its_bounds_in_web_mercator(tmp_path: Path) -> None:
    picture = opened(render_frame(day_cube(tmp_path), "infrared", 0, width=300))
    top, bottom = (math.asinh(math.tan(math.radians(side))) for side in (70, 40))
    assert picture.shape == (round(300 * (top - bottom) / math.radians(20)), 300, 4)
    assert (picture[..., 3] == 255).all()


def test_rows_lie_where_mercator_puts_their_latitude() -> None:
    """Fog north of 60°: the edge in the picture is at the Mercator height of 60°, not at the plain third."""
    state = np.zeros((60, 40), dtype=np.uint8)
    state[:20] = State.FOG
    picture = opened(render_mask(mask_of(state), width=800))
    edge = int((picture[:, 400, 3] > 0).sum()) / picture.shape[0]
    y = [math.asinh(math.tan(math.radians(side))) for side in (70, 60, 40)]
    assert edge == pytest.approx((y[0] - y[1]) / (y[0] - y[2]), abs=0.002)
    assert edge > 0.40


def test_fog_runs_from_amber_to_rose_with_rising_opacity() -> None:
    state = np.full((60, 40), State.FOG)
    low, high = (opened(render_mask(mask_of(state, probability=p)))[5, 5] for p in (0.5, 1.0))
    assert tuple(low[:3]) == (255, 190, 60)
    assert low[3] == round(0.35 * 255)
    assert tuple(high[:3]) == (255, 80, 120)
    assert high[3] > 2 * low[3]


def test_twilight_is_visibly_paler() -> None:
    state = np.full((60, 40), State.FOG)
    day, dusk = (int(opened(render_mask(mask_of(state, validity=v)))[5, 5, 3]) for v in (Validity.DAY, Validity.TWILIGHT))
    assert dusk < 0.7 * day


def test_obscured_is_hatched_no_data_is_checked_clear_and_land_are_free() -> None:
    shape = (60, 40)
    hatched = opened(render_mask(mask_of(np.full(shape, State.OBSCURED))))[..., 3] > 0
    assert 0.2 < hatched.mean() < 0.5
    checked = opened(render_mask(mask_of(np.full(shape, State.NO_DATA))))[..., 3] > 0
    assert 0.4 < checked.mean() < 0.6
    assert not (hatched == checked).all()
    assert opened(render_mask(mask_of(np.full(shape, State.CLEAR))))[..., 3].max() == 0
    land = mask_of(np.full(shape, State.NO_DATA), validity=Validity.LAND | Validity.DAY)
    assert opened(render_mask(land))[..., 3].max() == 0


def test_natural_colour_is_there_by_day_and_transparent_by_night(tmp_path: Path) -> None:
    assert opened(render_frame(day_cube(tmp_path), "natural", 0))[..., 3].min() > 200
    midnight = datetime(2021, 12, 1, 0, tzinfo=UTC)
    fields = {n: v[None] for n, v in skies.clear_sea(np.full((LAT.size, LON.size), 120.0), np.random.default_rng(0)).items()}
    night = Cube.open(write_cube(tmp_path / "night.zarr", fields, [midnight], LAT, LON))
    assert opened(render_frame(night, "natural", 0))[..., 3].max() == 0


def test_cold_tops_are_white_in_the_infrared(tmp_path: Path) -> None:
    fields = {n: v[None] for n, v in skies.clear_sea(np.full((LAT.size, LON.size), 120.0), np.random.default_rng(0)).items()}
    fields["BT1120"][0, :, :20] = 210
    picture = opened(render_frame(Cube.open(write_cube(tmp_path / "c.zarr", fields, [WHEN], LAT, LON)), "infrared", 0))
    assert picture[:, :19, 0].min() > picture[:, 21:, 0].max() + 60


def test_every_layer_has_a_legend_and_others_are_refused(tmp_path: Path) -> None:
    assert all(layer.legend.title for layer in all_layers().values())
    assert layer_named("fog").title == "Fog or very low stratus"
    with pytest.raises(LayerNotFound, match="infrared, natural, night"):
        render_frame(day_cube(tmp_path), "sst", 0)


def test_a_layer_says_which_element_the_cube_lacks(tmp_path: Path) -> None:
    zenith = solar_zenith(WHEN, LAT[:, None], LON[None, :])
    fields = {name: values[None] for name, values in skies.clear_sea(zenith, np.random.default_rng(0)).items() if name != "BT0390"}
    cube = Cube.open(write_cube(tmp_path / "part.zarr", fields, [WHEN], LAT, LON))
    with pytest.raises(CubeInvalid, match="needs BT0390"):
        render_frame(cube, "difference", 0)
    with pytest.raises(CubeInvalid, match="no labels"):
        render_frame(cube, "truth", 0)


@pytest.mark.parametrize("layer", ["infrared", "natural", "difference", "fog", "probability", "state"])
def test_every_layer_is_drawn_at_the_size_that_is_asked(tmp_path: Path, layer: str) -> None:
    assert opened(render_frame(day_cube(tmp_path), layer, 0, width=64)).shape[1] == 64
