from __future__ import annotations

import os
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

import engine.fog
from engine.errors import CubeNotFound
from engine.fog.sun import solar_zenith
from engine.serving import Engine
from engine.settings import Settings
from tests.engine.fog import skies

WHEN = datetime(2021, 6, 1, 11, tzinfo=UTC)
LAT, LON = np.arange(55.75, 49.75, -0.5), np.arange(-9.75, -3.75, 0.5)


def test_a_frame_is_drawn_once_and_again_when_its_cube_has_changed(own_data: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    zenith = solar_zenith(WHEN, LAT[:, None], LON[None, :])
    fields = {name: values[None] for name, values in skies.clear_sea(zenith, np.random.default_rng(0)).items()}
    own_data.cubes_dir.mkdir(parents=True)
    path = skies.write_cube(own_data.cubes_dir / "sea.zarr", fields, [WHEN], LAT, LON)
    drawn, real = [], engine.fog.draw_frame

    def draw(cube: Any, layer: str, index: int, **more: Any) -> Any:
        drawn.append(cube)
        return real(cube, layer, index, **more)

    monkeypatch.setattr(engine.fog, "draw_frame", draw)
    machine = Engine(own_data)
    assert machine.fog.frame("sea", "infrared", 0) == machine.fog.frame("sea", "infrared", 0)
    assert len(drawn) == 1
    assert machine.cube("sea") is drawn[0]
    for entry in path.iterdir():
        os.utime(entry, ns=(2**61, 2**61))
    assert machine.cube("sea") is not drawn[0]
    machine.fog.frame("sea", "infrared", 0)
    assert len(drawn) == 2
    path.rename(path.with_name("other.zarr"))
    with pytest.raises(CubeNotFound):
        machine.fog.frame("sea", "infrared", 0)
