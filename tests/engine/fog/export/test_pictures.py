"""Masks as plates and animations."""

from __future__ import annotations

import io
import threading
from datetime import timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from engine.errors import Cancelled, CubeInvalid, ExportInvalid, LayerNotFound
from engine.fog.export import Shot, lettering, mask_picture, reel, write_animation
from engine.fog.export.plate import MARK, heading, lines, wrapped
from engine.fog.mask import FogMask, State
from engine.fog.moments import Moment, moments
from tests.engine.fog.seas import NIGHT, mask_of, open_sea

SHAPE = (12, 12)
HALF = timedelta(minutes=30)


def near(picture: Image.Image, colour: tuple[int, int, int]) -> int:
    """How many pixels have about this colour."""
    return int((np.abs(np.asarray(picture.convert("RGB")).astype(int) - colour).max(axis=-1) < 8).sum())


def test_a_plate_says_what_it_shows_and_marks_made_up_data() -> None:
    mask = mask_of(np.full(SHAPE, State.FOG))
    made, measured = (
        Image.open(io.BytesIO(mask_picture(mask_of(mask.state, synthetic=synthetic), width=400))) for synthetic in (True, False)
    )
    assert made.format == "PNG"
    assert made.text["Title"] == "Fog or very low stratus  2021-09-14 01:00 UTC"
    assert made.text["Method"] == "a test"
    assert made.text["Synthetic"] == "1"
    assert near(made, MARK) > 100
    assert near(measured, MARK) == 0
    assert measured.text["Synthetic"] == "0"
    assert made.height > 400  # the map, and below it legend and text


def test_title_and_lines_carry_time_method_and_words() -> None:
    mask = mask_of(np.full(SHAPE, State.FOG))
    assert "very low stratus" in heading(mask)
    text = " ".join(lines(mask, "infrared"))
    for words in ("a test", "sea", "night 100%", "can't be told apart", "infrared"):
        assert words in text
    assert "Nothing could be judged" in " ".join(lines(mask_of(np.full(SHAPE, State.NO_DATA))))


def test_long_lines_are_wrapped_within_the_sheet() -> None:
    parts = wrapped("word " * 60, 200)
    assert len(parts) > 3
    assert all(lettering.font(13).getlength(part) <= 200 for part in parts)
    assert wrapped("", 200) == [""]


def test_letters_that_a_machine_lacks_are_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    assert lettering.legible("3.9 − 11 µm, Lüderitz") == "3.9 − 11 µm, Lüderitz"
    monkeypatch.setattr(lettering, "_dejavu", lambda: None)
    assert lettering.legible("3.9 − 11 µm, Lüderitz") == "3.9 - 11 um, Luderitz"


def shots(count: int = 3, size: tuple[int, int] = (61, 41)) -> list[Shot]:
    return [Shot(Image.new("RGB", size, (40 * step, 200 - 40 * step, 90))) for step in range(count)]


def test_a_gif_holds_every_frame_and_plays_for_ever() -> None:
    body = write_animation([*shots(), Shot(Image.new("RGB", (61, 41), (255, 0, 0)), hold=4)], "gif", rate=10)
    film = Image.open(io.BytesIO(body))
    assert (film.n_frames, film.size, film.info["loop"]) == (4, (61, 41), 0)
    durations = []
    for step in range(4):
        film.seek(step)
        durations.append(film.info["duration"])
    assert durations == [100, 100, 100, 400]
    film.seek(1)
    assert near(film, (40, 160, 90)) == 61 * 41


def test_an_mp4_is_read_by_opencv(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(write_animation(shots(5), "mp4", rate=8))
    film = cv2.VideoCapture(str(path))
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(8)
    frames = []
    while True:
        there, frame = film.read()
        if not there:
            break
        frames.append(frame)
    assert len(frames) == 5
    assert frames[0].shape == (40, 60, 3)  # codecs take even sides only
    np.testing.assert_allclose(frames[2][20, 30], (90, 120, 80), atol=12)


def test_an_mp4_is_vp9_which_browsers_play(monkeypatch: pytest.MonkeyPatch) -> None:
    """And where the encoder is absent that is told, with what to take, in the place of a file that no browser plays."""
    assert b"vp09" in write_animation(shots(2), "mp4")
    monkeypatch.setattr("engine.fog.export.animation.CODEC", "none")
    with pytest.raises(ExportInvalid, match="Take a GIF"):
        write_animation(shots(2), "mp4")


def test_what_is_no_animation_is_refused() -> None:
    with pytest.raises(ExportInvalid, match="gif or mp4"):
        write_animation(shots(), "avi")
    for form in ("gif", "mp4"):
        with pytest.raises(ExportInvalid, match="no frame"):
            write_animation([], form)


def test_an_animation_can_be_stopped() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Cancelled):
        write_animation(shots(), "gif", cancel=stop)


def test_a_reel_shows_gaps_broken_frames_and_forecasts(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", [NIGHT, NIGHT + HALF, NIGHT + 3 * HALF, NIGHT + 4 * HALF], shape=SHAPE)
    ahead = Moment(NIGHT + 5 * HALF, None, "night", lead=30)

    def find(moment: Moment) -> FogMask | None:
        if moment.index == 1:
            raise CubeInvalid("sea", "BT1120 holds no value.")
        return mask_of(np.full(SHAPE, State.FOG))

    made = [shot.picture for shot in reel(cube, (*moments(cube), ahead), find, method="a test", width=360)]
    assert len({picture.size for picture in made}) == 1
    assert len(made) == 6
    box = (100, 80, 200, 180)
    seen, broken, gap, forecast = (np.asarray(made[place].crop(box)) for place in (0, 1, 2, 5))
    assert (gap == gap[0, 0]).all()
    assert (broken == gap).all()
    assert not (seen == gap).all()
    assert not (forecast == gap).all()
    with pytest.raises(CubeInvalid, match="needs BT1230"):
        next(reel(open_sea(tmp_path / "b.zarr", shape=SHAPE, without=("BT1230",)), moments(cube), find, layer="night"))
    with pytest.raises(LayerNotFound, match="fog, probability, state"):
        next(reel(cube, moments(cube), find, over="truth"))
