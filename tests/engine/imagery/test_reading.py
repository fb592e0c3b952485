"""One cache of open scenes: shared, bounded, and never a file that was replaced."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from engine.errors import ImageUnreadable
from engine.geometry import Window
from engine.imagery import SceneReader, find_scenes, maptile, reading
from engine.types import Scene

WHOLE = Window(0, 0, 16, 16)


def grey(path: Path, value: int) -> Scene:
    Image.fromarray(np.full((16, 16, 3), value, np.uint8)).save(path)
    return find_scenes([path], unplaced=True).scenes[0]


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> maptile._Kept:
    fresh = maptile._Kept()
    monkeypatch.setattr(maptile, "_kept", fresh)
    return fresh


def test_a_scene_is_opened_once_and_a_replaced_file_again(tmp_path: Path, kept: maptile._Kept) -> None:
    scene = grey(tmp_path / "a.png", 40)
    with reading(scene) as one, reading(scene) as two:
        assert one is two
        assert one.read(WHOLE).rgb.max() == 40
    grey(tmp_path / "a.png", 90)
    os.utime(tmp_path / "a.png", ns=(2**60, 2**60))
    with reading(scene) as new:
        assert new.read(WHOLE).rgb.max() == 90


def test_decoded_pictures_are_let_go_but_not_while_they_are_read(
    tmp_path: Path, kept: maptile._Kept, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(maptile, "BYTES_KEPT", 2 * 4 * 16 * 16)
    scenes = [grey(tmp_path / f"{value}.png", value) for value in (10, 20, 30, 40)]
    with reading(scenes[0]) as held:
        for scene in scenes[1:]:
            with reading(scene) as reader:
                reader.read(WHOLE)
        assert len(kept._open) == 2
        with reading(scenes[0]) as again:
            assert again is held
    with reading(scenes[3]):
        assert len(kept._open) == 2


def test_what_cant_be_opened_is_not_kept(tmp_path: Path, kept: maptile._Kept) -> None:
    scene = grey(tmp_path / "a.png", 40)
    (tmp_path / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageUnreadable), reading(scene):
        pass
    assert len(kept._open) == 0


def test_opening_one_keeps_nobody_waiting_for_another(tmp_path: Path, kept: maptile._Kept, monkeypatch: pytest.MonkeyPatch) -> None:
    slow, quick = grey(tmp_path / "slow.png", 40), grey(tmp_path / "quick.png", 50)
    go, entered, real = threading.Event(), threading.Event(), maptile.open_scene

    def held(scene: Scene) -> SceneReader:
        if scene.id == slow.id:
            entered.set()
            assert go.wait(10)
        return real(scene)

    monkeypatch.setattr(maptile, "open_scene", held)

    def ask() -> None:
        with reading(replace(slow)):
            pass

    asker = threading.Thread(target=ask)
    asker.start()
    assert entered.wait(10)
    with reading(quick) as reader:
        assert reader.read(WHOLE).rgb.max() == 50
    go.set()
    asker.join(10)
    assert len(kept._open) == 2
