from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from engine.errors import CubeInvalid, CubeNotFound
from engine.fog import Cube, cubes, open_cube
from engine.settings import settings

from .skies import hours, write_cube

LAT, LON = np.arange(59.5, 49.5, -1.0), np.arange(-4.5, 7.5, 1.0)


def fields(frames: int = 3) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    shape = (frames, LAT.size, LON.size)
    return {"BT1120": rng.uniform(270, 290, shape), "BT0390": rng.uniform(270, 290, shape), "SST": rng.uniform(280, 290, shape[1:])}


def test_a_cube_gives_back_what_was_stored(tmp_path: Path) -> None:
    data = fields()
    data["BT0390"][1, 2, 3] = np.nan
    with Cube.open(write_cube(tmp_path / "a.zarr", data, hours(3), LAT, LON)) as cube:
        assert cube.times == tuple(hours(3))
        assert cube.shape == (10, 12)
        assert set(cube.elements) == {"BT1120", "BT0390", "SST"}
        assert cube.synthetic
        assert np.allclose(cube.element("BT1120", 2), data["BT1120"][2], atol=0.0051)
        assert np.allclose(cube.element("SST", 1), data["SST"], atol=0.0051)  # a field without time is the same in every frame
        gap = np.isnan(cube.element("BT0390", 1))
        assert gap[2, 3]
        assert gap.sum() == 1


def test_bounds_reach_the_edges_of_the_cells(tmp_path: Path) -> None:
    box = Cube.open(write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON)).bounds
    assert (box.west, box.south, box.east, box.north) == (-5.0, 50.0, 7.0, 60.0)


def test_rows_run_south_whatever_the_file_says(tmp_path: Path) -> None:
    data = fields()
    upside = {name: values[..., ::-1, :] for name, values in data.items()}
    cube = Cube.open(write_cube(tmp_path / "a.zarr", upside, hours(3), LAT[::-1], LON))
    assert cube.lat[0] > cube.lat[-1]
    assert np.allclose(cube.element("BT1120", 0), data["BT1120"][0], atol=0.0051)


def test_a_cube_across_the_antimeridian_has_bounds_that_cross_it(tmp_path: Path) -> None:
    cube = Cube.open(write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON + 180))
    assert cube.bounds.west == 175.0
    assert cube.bounds.east == -173.0


def test_the_nearest_frame_is_found(tmp_path: Path) -> None:
    cube = Cube.open(write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON))
    assert cube.nearest(hours(1)[0]) == 0
    assert cube.nearest(hours(3, minutes=31)[2]) == 2


@pytest.mark.parametrize("order", [[0, 2, 1], [0, 1, 1]])
def test_unsorted_or_doubled_times_are_refused(tmp_path: Path, order: list[int]) -> None:
    path = write_cube(tmp_path / "a.zarr", fields(), [hours(3)[index] for index in order], LAT, LON)
    with pytest.raises(CubeInvalid, match="times are not in order"):
        Cube.open(path)


def test_kelvin_where_per_cent_is_needed_is_refused(tmp_path: Path) -> None:
    data = fields() | {"R0064": np.full((3, LAT.size, LON.size), 0.3)}
    path = write_cube(tmp_path / "a.zarr", data, hours(3), LAT, LON, units={"R0064": "1"})
    with pytest.raises(CubeInvalid, match=r"R0064 is given in “1”; % is needed"):
        Cube.open(path)


def test_an_uneven_grid_is_refused(tmp_path: Path) -> None:
    mercator = np.rad2deg(np.arctan(np.sinh(np.linspace(1.3, 1.0, LAT.size))))
    with pytest.raises(CubeInvalid, match="not evenly spaced"):
        Cube.open(write_cube(tmp_path / "a.zarr", fields(), hours(3), mercator, LON))


def test_what_is_no_cube_is_refused_with_a_reason(tmp_path: Path) -> None:
    (tmp_path / "b.zarr").mkdir()
    with pytest.raises(CubeInvalid, match=r"no readable Zarr store|no time axis"):
        Cube.open(tmp_path / "b.zarr")
    with pytest.raises(CubeNotFound, match="c"):
        Cube.open(tmp_path / "c.zarr")


def test_a_missing_element_or_frame_is_named(tmp_path: Path) -> None:
    cube = Cube.open(write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON))
    with pytest.raises(CubeInvalid, match="lacks the element BT0730"):
        cube.element("BT0730", 0)
    with pytest.raises(CubeInvalid, match="3 frames; there is no frame 3"):
        cube.element("BT1120", 3)


def test_a_broken_chunk_is_an_error_and_no_silent_field(tmp_path: Path) -> None:
    path = write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON)
    (chunk,) = (path / "BT1120").glob("0.0.0")
    chunk.write_bytes(b"torn")
    with pytest.raises(CubeInvalid, match="can't be read"):
        Cube.open(path).element("BT1120", 0)


def test_cubes_of_the_data_folder_are_opened_by_name_only(tmp_path: Path) -> None:
    folder = settings().cubes_dir
    folder.mkdir(parents=True)
    path = write_cube(tmp_path / "a.zarr", fields(), hours(3), LAT, LON)
    shutil.copytree(path, folder / "north.zarr")
    assert cubes() == ("north",)
    assert open_cube("north").shape == (10, 12)
    with pytest.raises(CubeNotFound, match=r"Known: north"):
        open_cube("../a")
