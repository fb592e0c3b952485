"""Bare arrays come in by their description, the cube's own export among them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from engine.errors import SourceInvalid, UnitsUnclear
from engine.fog import Cube
from engine.fog.reading import convert, layout_of, open_series

from ..seviri import germany

ABOUT = {
    "axes": "lat, lon, element",
    "elements": ["BT1120", None, "R0064"],
    "units": {"R0064": "1"},
    "times": ["2021-06-21T12:00Z"],
    "bounds": [-8, 42, -4, 45],
    "synthetic": True,
}


def save(folder: Path, array: np.ndarray | None = None, **changes: Any) -> Path:
    rng = np.random.default_rng(0)
    layers = np.stack([rng.uniform(270, 290, (6, 8)), np.zeros((6, 8)), rng.uniform(0.05, 0.6, (6, 8))], axis=-1)
    np.save(folder / "a.npy", layers if array is None else array)
    about: Mapping[str, Any] = {key: value for key, value in {**ABOUT, **changes}.items() if value is not None}
    (folder / "a.yaml").write_text(yaml.safe_dump(dict(about)))
    return folder / "a.npy"


def test_a_described_array_is_read(tmp_path: Path) -> None:
    path = save(tmp_path)
    assert layout_of(path) == "array"
    cube = Cube.open(convert(path, tmp_path / "o.zarr").written.path)
    assert cube.elements == ("BT1120", "R0064")
    np.testing.assert_allclose(cube.element("R0064", 0), 100 * np.load(path)[..., 2], atol=0.006)
    assert cube.provenance.units_detected == {"BT1120": "K", "R0064": "fraction 0–1"}
    assert cube.bounds.west == -8


def test_the_export_comes_back_the_same(tmp_path: Path) -> None:
    cube = Cube.open(convert(save(tmp_path), tmp_path / "o.zarr").written.path)
    again = Cube.open(convert(cube.stack().save(tmp_path / "stack.npy"), tmp_path / "p.zarr").written.path)
    assert again.times == cube.times
    assert again.grid == cube.grid
    assert again.synthetic
    for name in cube.elements:
        np.testing.assert_allclose(again.element(name, 0), cube.element(name, 0), atol=1e-4)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"elements": ["BT1120", "R0064"]}, "names 2 layers, the array has 3"),
        ({"elements": ["BT1120", "COT", "R0064"]}, "COT is no element"),
        ({"axes": "lat, lon"}, "has the axes lat, lon"),
        ({"times": ["2021-06-21T12:00Z", "2021-06-21T12:30Z"]}, "names 2 times, the array has 1"),
        ({"times": ["noon"]}, "needs “times”"),
        ({"bounds": None}, "lacks “bounds”"),
        ({"synthetic": None}, "lacks “synthetic”"),
    ],
)
def test_a_description_that_does_not_fit_is_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(SourceInvalid, match=words):
        open_series(save(tmp_path, **changes))


def test_without_a_description_it_is_only_numbers(tmp_path: Path) -> None:
    path = save(tmp_path)
    path.with_suffix(".yaml").unlink()
    with pytest.raises(SourceInvalid, match=r"needs a description beside it \(a.yaml\)"):
        open_series(path)


def test_swapped_layers_are_caught(tmp_path: Path) -> None:
    with pytest.raises(UnitsUnclear, match="kelvin where per cent is expected"):
        open_series(save(tmp_path, elements=["R0064", None, "BT1120"], units={}))


@pytest.mark.shared_data
def test_the_real_scene_becomes_a_cube(shared_data: Path, tmp_path: Path) -> None:
    """By the data's reference low cloud has 0.64 µm near 0.50 and 3.9 − 10.8 µm of +4.7 K; clear ground is below 0 K."""
    scene = germany(shared_data, tmp_path)
    cube = scene.cube
    assert cube.shape == (141, 298)
    assert not cube.synthetic
    assert cube.wavelength("BT1120") == pytest.approx(10.8)
    zenith = cube.solar_zenith(0)
    assert zenith is not None
    assert 74 < zenith.mean() < 80
    difference = cube.element("BT0390", 0) - cube.element("BT1120", 0)
    low, clear = scene.low_cloud, scene.clear
    assert np.nanmean(difference[low]) == pytest.approx(4.7, abs=0.3)
    assert -2 < np.nanmean(difference[clear]) < 0
    assert np.nanmean(cube.element("R0064", 0)[low]) == pytest.approx(50, abs=6)
    np.testing.assert_allclose(
        cube.element("R0064", 0, as_stored=True),
        np.load(shared_data / "geostationary/seviri_germany/fog_testdata_old.npy")[..., 4],
        atol=0.006,
    )
