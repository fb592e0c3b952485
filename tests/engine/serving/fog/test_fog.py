"""The fog of an Engine, on small cubes."""

from __future__ import annotations

import io
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import numpy as np
import pytest
from PIL import Image

import engine.fog.detection
from engine.errors import CubeInvalid, FrameNotFound, PointInvalid, PointOutside
from engine.fog.labels import Label
from engine.fog.look import Place
from engine.fog.mask import State
from engine.serving.fog import Fog
from engine.settings import Settings
from tests.engine.fog.seas import NIGHT, mask_of, sea_cube

HALF = timedelta(minutes=30)
SHAPE = (16, 16)
TIMES = [NIGHT, NIGHT + HALF, NIGHT + 3 * HALF, NIGHT + 4 * HALF]


@pytest.fixture
def fog(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[Fog]:
    """A cube of four frames with a gap, whose detector says fog in the north-west of each frame, one column more each time."""
    own_data.cubes_dir.mkdir(parents=True)
    sea_cube(own_data.cubes_dir / "sea.zarr", TIMES, shape=SHAPE, label=np.full(SHAPE, Label.FOG))

    def detect(cube: Any, index: int, method: str = "physics") -> Any:
        state = np.zeros(SHAPE, np.uint8)
        state[:8, : 6 + index] = State.FOG
        return mask_of(state, time=cube.times[index], bounds=cube.bounds)

    monkeypatch.setattr(engine.fog.detection, "detect", detect)
    made = Fog(own_data)
    yield made
    made.close()
    made._ahead.wait(5)


def picture(body: bytes) -> Image.Image:
    opened = Image.open(io.BytesIO(body))
    opened.load()
    return opened


def test_cubes_are_listed_with_what_a_page_needs(fog: Fog, own_data: Settings) -> None:
    (own_data.cubes_dir / "torn.zarr").mkdir()
    cards = {card.name: card for card in fog.cards()}
    sea = cards["sea"]
    assert (sea.frames, sea.shape, sea.region, sea.labelled, sea.synthetic, sea.step_minutes) == (4, SHAPE, "BE", True, True, 30)
    assert sea.record()["bounds"] == [4, -26, 16, -14]
    assert "torn" in cards["torn"].broken


def test_a_strip_marks_gaps_and_forecasts_and_its_files_are_frames(fog: Fog) -> None:
    strip = fog.strip("sea", "fog", forecast=True)
    assert [moment.index for moment in strip.moments] == [0, 1, None, 2, 3, *[None] * 6]
    assert [bool(file) for file in strip.files] == [True, True, False, *[True] * 8]
    assert strip.now == 4
    assert strip.moments[-1].lead == 180
    assert strip.files[0] == f"20210914T010000Z.png?v={fog.version('sea')}"
    bands = fog.strip("sea", "infrared", forecast=True)
    assert [bool(file) for file in bands.files] == [True, True, False, True, True, *[False] * 6]
    assert bands.files[0].split("?")[0].endswith(".webp")


def test_a_forecast_may_start_from_an_earlier_frame(fog: Fog) -> None:
    strip = fog.strip("sea", "forecast", forecast=True, issued=TIMES[2])
    assert [moment.index for moment in strip.moments] == [0, 1, None, 2, *[None] * 6]
    assert "issued=20210914T023000Z" in strip.files[-1]
    assert "ahead=1" in strip.files[-1]
    seen = fog.strip("sea", "infrared", forecast=True, issued=TIMES[2])
    assert [moment.time for moment in seen.moments] == [moment.time for moment in strip.moments]  # so that two layers play together
    assert [file.partition(".")[0] for file in seen.files[3:6]] == ["20210914T023000Z", "20210914T030000Z", ""]
    assert fog.strip("sea", "fog", start=TIMES[1], end=TIMES[2]).moments[0].time == TIMES[1]
    with pytest.raises(FrameNotFound, match="it covers 2021-09-14 01:00 to 2021-09-14 03:00 UTC"):
        fog.strip("sea", "fog", start=NIGHT + timedelta(days=3))


def test_a_frame_is_the_same_by_index_and_by_time_and_comes_in_both_formats(fog: Fog) -> None:
    assert fog.frame("sea", "fog", 2) == fog.frame("sea", "fog", TIMES[2])
    assert picture(fog.frame("sea", "fog", 0)).format == "PNG"
    assert picture(fog.frame("sea", "infrared", 0)).format == "WEBP"
    assert picture(fog.frame("sea", "infrared", 0, form="png", width=64)).size[0] == 64
    for at in (-1, 4, NIGHT + timedelta(minutes=7)):
        with pytest.raises(FrameNotFound):
            fog.frame("sea", "fog", at)


def test_every_layer_that_is_said_to_be_usable_is_drawn(fog: Fog) -> None:
    usable = {layer.id: why for layer, why in fog.layers("sea")}
    assert usable["truth"] == ""
    for name, why in usable.items():
        if not why and name not in ("forecast", "disagreement"):
            assert fog.frame("sea", name, 0)


def test_drawn_frames_survive_a_restart(fog: Fog, own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fog.frame("sea", "fog", 1)

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("drawn again")

    monkeypatch.setattr(engine.fog, "draw_frame", never)
    assert Fog(own_data).frame("sea", "fog", 1) == first


def test_frames_are_drawn_ahead_from_the_shown_one_on(fog: Fog, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[int] = []
    real = engine.fog.draw_frame

    def draw(cube: Any, layer: str, index: int, **more: Any) -> Any:
        drawn.append(index)
        return real(cube, layer, index, **more)

    monkeypatch.setattr(engine.fog, "draw_frame", draw)
    fog._ahead._workers = 1
    fog.prepare(fog.strip("sea", "infrared"), 3)
    assert fog._ahead.wait(10)
    assert drawn == [2, 3, 0, 1]


def test_forecast_frames_are_dashed_masks(fog: Fog) -> None:
    seen = np.asarray(picture(fog.frame("sea", "fog", 3, width=64)).convert("RGBA"))[..., 3] > 0
    ahead = np.asarray(picture(fog.frame("sea", "fog", TIMES[3] + HALF, width=64)).convert("RGBA"))[..., 3] > 0
    assert 0.3 < ahead.sum() / seen.sum() < 0.95
    with pytest.raises(FrameNotFound, match="no forecast"):
        fog.frame("sea", "fog", TIMES[3] + timedelta(minutes=31))
    with pytest.raises(FrameNotFound, match="observed"):
        fog.frame("sea", "forecast", 0)


def test_area_comes_at_once_without_waiting_and_is_filled_in_behind(fog: Fog) -> None:
    first = fog.area("sea", wait=False)
    assert first.pending == 4
    assert fog._ahead.wait(10)
    then = fog.area("sea", wait=False)
    assert then.pending == 0
    fogs = [frame.fog for frame in then.frames]
    assert fogs[2] is None  # the gap
    rising = [each for each in fogs if each is not None]
    assert rising == sorted(rising)
    assert rising[0] == pytest.approx(6 / 16 * sum(1 for _ in range(8)) / 16 * then.total, rel=0.05)
    assert fog.area("sea").frames == then.frames


def test_ports_of_the_region_are_followed_by_default(fog: Fog) -> None:
    names = [found.place.name for found in fog.points("sea")]
    assert "Walvis Bay" in names
    assert all(found.place.port for found in fog.points("sea"))
    (mine,) = fog.points("sea", [Place("Here", 9.1, -15.0)])
    assert [(spell.state, spell.frames) for spell in mine.spells] == [("clear", 1), ("fog", 1), ("gap", 1), ("fog", 2)]
    with pytest.raises(PointInvalid):
        fog.points("sea", [Place("x", 9, -15)] * 51)


def test_a_pixel_outside_is_told_before_anything_is_detected(fog: Fog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine.fog.detection, "detect", None)
    with pytest.raises(PointOutside):
        fog.pixel("sea", 50, 50, 0)


def test_the_fog_of_a_frame_is_a_region_to_search_in(fog: Fog) -> None:
    inside = fog.region("sea", TIMES[0])
    assert inside.bounds.array.tolist() == pytest.approx([4, -20, 4 + 12 * 6 / 16, -14])
    assert fog.region("sea", TIMES[0], "outside").area_km2 > inside.area_km2


@pytest.mark.parametrize("form", ["tif", "geojson", "nc", "png"])
def test_masks_are_exported_under_names_that_say_what_they_are(fog: Fog, form: str) -> None:
    kit = fog.exports.mask("sea", 0, form)
    assert kit.name == f"SYNTHETIC_fog-or-very-low-stratus_sea_20210914T010000Z_physics.{form}"
    assert kit.body
    assert kit.media


def test_a_span_is_exported_without_the_frames_that_cannot_be_judged(fog: Fog, monkeypatch: pytest.MonkeyPatch) -> None:
    real = engine.fog.detection.detect

    def detect(cube: Any, index: int, method: str = "physics") -> Any:
        if index == 1:
            raise CubeInvalid("sea", "BT1120 holds no value.")
        return real(cube, index, method)

    monkeypatch.setattr(engine.fog.detection, "detect", detect)
    import h5py

    with h5py.File(io.BytesIO(fog.exports.series("sea").body)) as found:
        assert found["fog_state"].shape == (3, *SHAPE)
    film = picture(fog.exports.animation("sea", "gif", width=200).body)
    assert film.n_frames == 5  # the gap and the broken frame are shown


def test_a_dynamic_method_hears_the_frames_before_and_judges_each_frame_once(fog: Fog, monkeypatch: pytest.MonkeyPatch) -> None:
    judged: list[int] = []
    real = engine.fog.detection.detect

    def detect(cube: Any, index: int, method: str = "physics") -> Any:
        judged.append(index)
        return real(cube, index, method)

    monkeypatch.setattr(engine.fog.detection, "detect", detect)
    masks = [fog.mask("sea", index, "physics-dynamic") for index in range(4)]
    assert sorted(judged) == [0, 1, 2, 3]
    assert all("dynamic" in mask.method for mask in masks)
    assert masks[0].fog.sum() == 8 * 6
    assert "physics-dynamic" in fog.methods()


def test_where_two_methods_disagree_is_drawn(fog: Fog) -> None:
    assert picture(fog.frame("sea", "disagreement", 1)).format == "PNG"
    assert fog.frame("sea", "disagreement", 1, other="physics-dynamic") == fog.frame("sea", "disagreement", 1, other="physics-dynamic")


def test_whether_the_network_is_offered_is_found_out_behind_the_page(fog: Fog) -> None:
    assert fog.offer("sea") is None
    assert fog._ahead.wait(60)
    assert fog.offer("sea") == fog.offer("sea", method="-learned") == "there is no motion to be seen"  # 16 × 16 cells are too few
    plain, learned = fog.forecast("sea"), fog.forecast("sea", method="physics-learned")
    assert (plain.nowcast.asked, learned.nowcast.asked) == ("blend", "network")
    assert fog.mask("sea", 0, "physics-learned") is fog.mask("sea", 0)  # the detector is the same


def test_what_cant_be_forecast_is_no_offer(fog: Fog, monkeypatch: pytest.MonkeyPatch) -> None:
    def nothing(*_: Any, **__: Any) -> Any:
        raise CubeInvalid("sea", "the newest frame is empty.")

    monkeypatch.setattr("engine.fog.nowcast.nowcast_mask", nothing)
    assert fog.offer("sea") is None
    assert fog._ahead.wait(60)
    assert "newest frame is empty" in (fog.offer("sea") or "")


def test_only_forecast_frames_carry_the_way_to_forecast(fog: Fog) -> None:
    plain, learned = (fog.strip("sea", "fog", method=method, forecast=True).files for method in ("physics", "physics-learned"))
    assert learned[0] == plain[0]
    assert "method=physics&" in plain[-1]
    assert "method=physics-learned&" in learned[-1]
    assert fog.frame("sea", "fog", 0, method="physics-learned") == fog.frame("sea", "fog", 0, method="physics")
    area = fog.area("sea", method="physics-learned", forecast=True)
    assert all(each.fog is not None for each in area.frames if not each.moment.gap)
