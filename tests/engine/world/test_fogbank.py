from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from engine.errors import DataMissing
from engine.fog import Cube, State, detect
from engine.fog.sun import solar_zenith
from engine.world import make_fog_cube

SIZE = 128


@pytest.fixture(scope="module")
def coast(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A straight coast along 13° E."""
    ring = [[0, 0], [200, 0], [0, 400], [-200, 0], [0, -400]]
    topology = {"transform": {"scale": [0.1, 0.1], "translate": [13, -40]}, "arcs": [ring],
                "objects": {"land": {"type": "Polygon", "arcs": [[0]]}}}  # fmt: skip
    path = tmp_path_factory.mktemp("coast") / "land.json"
    path.write_text(json.dumps(topology), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory, coast: Path) -> Cube:
    return Cube.open(make_fog_cube(tmp_path_factory.mktemp("cubes"), 7, size=SIZE, coastline=coast))


def test_the_cube_says_what_it_is(cube: Cube) -> None:
    assert cube.name == "SYNTHETIC_fog_BE"
    assert cube.synthetic
    assert cube.attrs["region_id"] == "BE"
    assert "SYNTHETIC" in cube.title
    box = cube.bounds
    assert (box.west, box.south, box.east, box.north) == (4.0, -26.8, 16.8, -14.0)
    assert {"R0064", "R0160", "BT0390", "BT1120", "BT1230", "SST"} <= set(cube.elements)


def test_twelve_half_hours_run_from_night_through_dawn_into_the_morning(cube: Cube) -> None:
    assert len(cube.times) == 12
    assert {after - before for before, after in zip(cube.times, cube.times[1:], strict=False)} == {timedelta(minutes=30)}
    zenith = [float(solar_zenith(when, np.array(-20.4), np.array(10.4))) for when in cube.times]
    assert zenith[0] > 110
    assert zenith[-1] < 65
    assert any(80 < angle < 90 for angle in zenith)


def test_the_same_seed_gives_the_same_cube(cube: Cube, tmp_path: Path, coast: Path) -> None:
    again = Cube.open(make_fog_cube(tmp_path, 7, size=SIZE, coastline=coast))
    for name in cube.elements:
        assert np.array_equal(cube.element(name, 8), again.element(name, 8), equal_nan=True)


def test_visible_light_is_missing_by_night_and_not_zero(cube: Cube) -> None:
    assert np.isnan(cube.element("R0064", 0)).all()
    assert np.isfinite(cube.element("R0064", 11)).all()


def test_signatures_follow_the_published_table(cube: Cube) -> None:
    """Night fog −1 to −5 K at 3.9 − 11 µm, clear sea −0.5 to +1; by day fog +8 to +25 at a high sun; tops near the sea's temperature."""
    night, day = 1, 11
    for frame, low, high in ((night, -5.0, -1.0), (day, 3.0, 20.0)):
        label, difference = cube.label(frame), cube.element("BT0390", frame) - cube.element("BT1120", frame)
        assert label is not None
        assert low < np.median(difference[label == 1]) < high
    label = cube.label(day)
    above = cube.element("BT1120", day) - cube.element("SST", day)
    assert label is not None
    assert -3.5 < np.median(above[label == 1]) < 1
    assert 20 < np.median(cube.element("R0064", day)[label == 1]) < 65
    land = cube.land
    assert land is not None
    assert (label[land] == -1).all()


def test_fog_grows_by_night_and_erodes_after_sunrise(cube: Cube) -> None:
    areas = [int((np.asarray(cube.label(index)) > 0).sum()) for index in range(12)]
    assert areas[5] >= areas[0]
    assert areas[11] < 0.85 * areas[6]


def test_the_detector_finds_most_of_it_and_calls_nothing_hidden_clear(cube: Cube) -> None:
    for index in (1, 7, 10):
        mask, label = detect(cube, index), cube.label(index)
        assert label is not None
        seen = label == 1
        assert (mask.fog & seen).sum() / (mask.fog | seen).sum() > 0.6
        hidden = label == 2
        assert (mask.state[hidden] == State.CLEAR).mean() < 0.1


def test_another_region_works_and_no_coastline_is_an_error(tmp_path: Path, coast: Path) -> None:
    path = make_fog_cube(tmp_path, 1, region="AG", size=64, frames=2, coastline=coast)
    assert Cube.open(path).attrs["region_id"] == "AG"
    with pytest.raises(DataMissing, match="coastline"):
        make_fog_cube(tmp_path, 1, size=64, coastline=tmp_path / "absent.json")
