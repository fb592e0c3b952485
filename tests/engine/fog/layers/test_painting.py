from __future__ import annotations

import io
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.fog.labels import Label
from engine.fog.layers import Lattice, Painted, layer_named, paint_bands, paint_difference, paint_labels, paint_mask
from engine.fog.mask import State
from tests.engine.fog.seas import BOX, NIGHT, axes, mask_of, open_sea
from tests.engine.fog.skies import write_cube

NOON = datetime(2021, 9, 14, 11, tzinfo=UTC)
SHAPE = (12, 12)


def lattice() -> Lattice:
    return Lattice.of(BOX, SHAPE)


def test_night_microphysics_is_transparent_by_day(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", (NIGHT, NOON), shape=SHAPE)
    night, day = (paint_bands(cube, layer_named("night"), index, lattice()).rgba for index in (0, 1))
    assert (night[..., 3] == 255).all()
    assert (day == 0).all()


def test_natural_colour_is_transparent_by_night(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", (NIGHT, NOON), shape=SHAPE)
    night, day = (paint_bands(cube, layer_named("natural"), index, lattice()).rgba for index in (0, 1))
    assert (night == 0).all()
    assert (day[..., 3] == 255).all()


def test_day_and_night_are_not_guessed_where_times_are_nominal(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", (NOON,), shape=SHAPE, attrs={"time_known": 0})
    assert (paint_bands(cube, layer_named("night"), 0, lattice()).rgba[..., 3] == 255).all()


def flat(path: Path, **kelvin: float) -> np.ndarray:
    """The night RGB of one colour that such temperatures give."""
    lat, lon = axes(BOX, SHAPE)
    from engine.fog.cube import Cube

    fields = {name: np.full((1, *SHAPE), value) for name, value in kelvin.items()}
    cube = Cube.open(write_cube(path, fields, [NIGHT], lat, lon))
    return paint_bands(cube, layer_named("night"), 0, lattice()).rgba[0, 0]


def test_night_microphysics_follows_its_published_ranges(tmp_path: Path) -> None:
    """ABI: red 12.3 − 10.35 from −6.7 to 2.6 K, green 10.35 − 3.9 from −3.1 to 5.2 K, blue 10.35 from 243.6 to 292.7 K."""
    got = flat(tmp_path / "a.zarr", BT1230=280.0, BT1040=281.0, BT0390=278.0)
    wanted = [(-1 + 6.7) / 9.3, (3 + 3.1) / 8.3, (281 - 243.6) / 49.1]
    np.testing.assert_allclose(got[:3] / 255, wanted, atol=0.004)
    seviri = flat(tmp_path / "b.zarr", BT1230=280.0, BT1120=281.0, BT0390=278.0)
    np.testing.assert_allclose(seviri[:3] / 255, [(-1 + 4) / 6, 3 / 10, (281 - 243) / 50], atol=0.004)


def test_the_difference_takes_the_colours_of_its_legend(tmp_path: Path) -> None:
    lat, lon = axes(BOX, SHAPE)
    from engine.fog.cube import Cube

    near = np.full((1, *SHAPE), 280.0)
    near[0, :, :4], near[0, :, 4:8], near[0, 0] = 274.0, 300.0, np.nan
    path = write_cube(tmp_path / "a.zarr", {"BT0390": near, "BT1120": np.full((1, *SHAPE), 280.0)}, [NIGHT], lat, lon)
    got = paint_bands(Cube.open(path), layer_named("difference"), 0, lattice()).rgba
    assert tuple(got[-1, 0]) == (0x01, 0x66, 0x5E, 255)
    assert tuple(got[-1, 5]) == (0x8C, 0x51, 0x0A, 255)
    np.testing.assert_allclose(got[-1, -1, :3], 245, atol=2)
    assert (got[0] == 0).all()  # no value, no colour


def test_the_state_layer_tells_all_states_apart() -> None:
    state = np.zeros(SHAPE, np.uint8)
    state[:, 3:6], state[:, 6:9], state[:, 9:] = State.FOG, State.OBSCURED, State.NO_DATA
    drawn = paint_mask(mask_of(state), layer_named("state"), lattice()).rgba
    seen = [{tuple(int(v) for v in pixel) for pixel in drawn[:, part].reshape(-1, 4)} for part in np.split(np.arange(12), 4)]
    clear, fog, obscured, nothing = seen
    assert clear == {(0, 0, 0, 0)}
    assert len(fog) == 1
    assert not fog & (clear | obscured | nothing)
    assert len(obscured) == len(nothing) == 2
    assert obscured & nothing == {(0, 0, 0, 0)}


def test_probability_shows_what_stays_below_the_threshold_of_fog() -> None:
    mask = mask_of(np.zeros(SHAPE, np.uint8))  # clear, probability 0.1
    assert (paint_mask(mask, layer_named("probability"), lattice()).rgba[..., 3] > 0).all()
    assert (paint_mask(mask, layer_named("fog"), lattice()).rgba == 0).all()


def test_a_forecast_has_the_same_colours_with_gaps() -> None:
    mask = mask_of(np.full((40, 40), State.FOG))
    wide = Lattice.of(BOX, (40, 40))
    seen, ahead = (paint_mask(mask, layer_named(name), wide).rgba for name in ("fog", "forecast"))
    drawn = ahead[..., 3] > 0
    assert 0.5 < drawn.mean() < 0.8
    assert (ahead[drawn] == seen[drawn]).all()


def test_disagreement_says_who_says_fog() -> None:
    one, two = np.zeros(SHAPE, np.uint8), np.zeros(SHAPE, np.uint8)
    one[:, 0:6], two[:, 3:9] = State.FOG, State.FOG
    two[:, :1] = State.OBSCURED
    drawn = paint_difference(mask_of(one), mask_of(two), lattice()).rgba
    first, both, second, none = drawn[0, 2], drawn[0, 4], drawn[0, 7], drawn[0, 11]
    assert len({tuple(first), tuple(both), tuple(second), tuple(none)}) == 4
    assert none[3] == 0
    assert 0 < (drawn[:, 0, 3] > 0).mean() < 1  # hatched: the other could not judge


def test_labels_are_drawn_apart() -> None:
    labels = np.full(SHAPE, Label.NOT_FOG, np.int8)
    labels[:, 0:3], labels[:, 3:6], labels[:, 6:9] = Label.FOG, Label.FOG_BELOW_CLOUD, Label.UNLABELLED
    land = np.zeros(SHAPE, bool)
    land[:, 7:9] = True
    drawn = paint_labels(labels, land, lattice()).rgba[..., 3] > 0
    assert drawn[:, 0:3].all()
    assert 0 < drawn[:, 3:6].mean() < 1
    assert drawn[:, 6].any()
    assert not drawn[:, 7:].any()


@pytest.mark.parametrize("form", ["png", "webp"])
def test_both_formats_keep_the_picture(form: str) -> None:
    state = np.zeros((40, 40), np.uint8)
    state[:20] = State.FOG
    painted = paint_mask(mask_of(state), layer_named("fog"), Lattice.of(BOX, (40, 40)))
    body = painted.encoded("webp" if form == "webp" else "png")
    picture = Image.open(io.BytesIO(body))
    assert picture.format == form.upper()
    back = np.asarray(picture.convert("RGBA")).astype(int)
    np.testing.assert_allclose(back[..., 3], painted.rgba[..., 3], atol=0 if form == "png" else 30)
    if form == "png":
        assert picture.mode == "P"
        assert len(body) < 2000


def test_a_picture_of_colours_survives_png() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (5, 7, 4), dtype=np.uint8)
    assert (np.asarray(Image.open(io.BytesIO(Painted(pixels).encoded()))) == pixels).all()
