from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.errors import PointOutside
from engine.fog.detection import detect
from engine.fog.look import cell_at, read_pixel
from engine.fog.mask import State, Validity
from engine.types import Bounds
from tests.engine.fog.seas import BOX, NIGHT, mask_of, open_sea

SHAPE = (12, 12)


def test_the_cell_of_a_place_is_the_one_that_holds_it(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    assert cell_at(cube, 4.01, -14.01) == (0, 0)
    assert cell_at(cube, 15.99, -25.99) == (11, 11)
    assert cell_at(cube, 7.2, -20.7) == (6, 3)
    for lon, lat in ((3.9, -20), (16.1, -20), (10, -13.9), (10, -26.1), (float("nan"), 0), (10, float("inf"))):
        with pytest.raises(PointOutside, match="A test sea"):
            cell_at(cube, lon, lat)


def test_places_beyond_the_antimeridian_are_found(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE, box=Bounds(174, -6, -174, 6))
    assert cell_at(cube, 179.5, 5.5) == (0, 5)
    assert cell_at(cube, -179.5, 5.5) == (0, 6)
    assert cell_at(cube, 180.5, 5.5) == (0, 6)


def test_a_pixel_tells_its_values_light_and_state(tmp_path: Path) -> None:
    fog = np.zeros(SHAPE, bool)
    fog[3:9, 3:9] = True
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE, fog=fog)
    mask = detect(cube, 0)
    record = read_pixel(cube, mask, 9.5, -19.5, 0).record()
    assert record["state"] == State(int(mask.state[5, 5])).name.lower()
    assert record["probability"] == pytest.approx(float(mask.probability[5, 5]), abs=1e-4, nan_ok=True)
    assert {finding["check"] for finding in record["findings"]} >= {"droplets", "low_top"}
    assert record["findings"][0].keys() >= {"words", "quantity", "value", "unit", "threshold", "passed", "weight"}
    assert record["light"] == "night"
    assert record["solar_zenith"] > 90
    values = {value["name"]: (value["value"], value["unit"]) for value in record["values"]}
    assert values["BT1120"] == (pytest.approx(float(cube.element("BT1120", 0)[5, 5]), abs=1e-3), "K")
    assert values["R0064"] == (None, "%")
    assert "night" in record["validity"]
    assert not record["forecast"]
    assert record["synthetic"]


def test_a_forecast_pixel_has_no_values_and_no_tests(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    mask = mask_of(np.full(SHAPE, State.FOG), validity=Validity.NIGHT | Validity.SLANT)
    record = read_pixel(cube, mask, 9.5, -19.5, None).record()
    assert record["forecast"]
    assert record["values"] == record["findings"] == []
    assert record["state"] == "fog"
    assert any("65°" in words for words in record["validity"])


def test_another_method_keeps_its_own_state(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    record = read_pixel(cube, mask_of(np.full(SHAPE, State.FOG), time=NIGHT, bounds=BOX), 9.5, -19.5, 0).record()
    assert record["state"] == "fog"
    assert record["method"] == "a test"
