"""Masks as GeoTIFF, GeoJSON and NetCDF, read back by other means."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import rasterio
import shapely
import xarray as xr
from rasterio.io import MemoryFile
from shapely.geometry import shape

from engine.errors import ExportInvalid
from engine.fog.export import file_name, mask_geojson, mask_geotiff, masks_netcdf
from engine.fog.mask import State
from engine.fog.scores.files import Frames
from engine.geometry import area_km2
from engine.types import Bounds
from tests.engine.fog.seas import BOX, mask_of, open_sea

SHAPE = (12, 12)


def state() -> np.ndarray:
    """Fog with a hole, what is obscured, and no data."""
    cells = np.zeros(SHAPE, np.uint8)
    cells[1:6, 1:6], cells[3, 3] = State.FOG, State.CLEAR
    cells[8:10, 2:4], cells[0] = State.OBSCURED, State.NO_DATA
    return cells


def test_a_geotiff_holds_categories_and_probability() -> None:
    mask = mask_of(state(), probability=0.75)
    with MemoryFile(mask_geotiff(mask)) as file, file.open() as found:
        assert found.crs.to_epsg() == 4326
        assert tuple(found.bounds) == pytest.approx((BOX.west, BOX.south, BOX.east, BOX.north))
        assert (found.read(1) == mask.state).all()
        probability = found.read(2) * found.scales[1]
        assert probability[2, 2] == pytest.approx(0.75, abs=0.003)
        assert (found.read(2)[mask.state == State.OBSCURED] == 255).all()
        assert found.tags(ns="IMAGE_STRUCTURE")["LAYOUT"] == "COG"
        assert found.tags(1)["STATE_1"] == "fog or very low stratus"
        tags = found.tags()
    assert tags["PHAROS_METHOD"] == "a test"
    assert tags["PHAROS_TIME"] == "2021-09-14T01:00:00+00:00"
    assert tags["PHAROS_SYNTHETIC"] == "true"
    assert "SYNTHETIC" in tags["TIFFTAG_IMAGEDESCRIPTION"]
    assert json.loads(tags["PHAROS_STATES"])["2"] == "obscured by higher cloud"


def test_an_exported_geotiff_can_be_scored(tmp_path: Path) -> None:
    mask = mask_of(state(), probability=0.75)
    (tmp_path / "mask.tif").write_bytes(mask_geotiff(mask))
    frames = Frames.open(tmp_path / "mask.tif")
    said = frames.said(0)
    assert frames.count == 1
    assert (said.state == mask.state).all()
    assert said.probability is not None
    np.testing.assert_allclose(said.probability, mask.probability, atol=0.003)


def test_a_geotiff_across_the_antimeridian_runs_on() -> None:
    with MemoryFile(mask_geotiff(mask_of(state(), bounds=Bounds(175, -6, -173, 6)))) as file, file.open() as found:
        assert tuple(found.bounds) == pytest.approx((175, -6, 187, 6))


def test_polygons_follow_the_cells_and_keep_their_holes() -> None:
    found = mask_geojson(mask_of(state(), probability=0.75))
    fog, hidden = (shape(feature["geometry"]) for feature in found["features"])
    ring = shapely.box(5, -20, 10, -15).difference(shapely.box(7, -18, 8, -17))
    assert fog.symmetric_difference(ring).area < 1e-9
    assert len(fog.interiors) == 1
    assert hidden.equals(shapely.box(6, -24, 8, -22))
    assert shapely.is_ccw(fog.exterior)
    assert not shapely.is_ccw(fog.interiors[0])
    about, properties = found["pharos"], found["features"][0]["properties"]
    assert properties["area_km2"] == pytest.approx(area_km2(ring), abs=0.01)
    assert properties["probability_mean"] == pytest.approx(0.75, abs=1e-4)
    assert properties["words"] == about["words"] == "fog or very low stratus"
    assert found["features"][1]["properties"]["words"] == "obscured by higher cloud"
    assert about["time"] == "2021-09-14T01:00:00+00:00"
    assert "SYNTHETIC" in found["name"]
    json.dumps(found, allow_nan=False)


def test_patches_that_touch_in_a_corner_are_two() -> None:
    cells = np.zeros(SHAPE, np.uint8)
    cells[2, 2] = cells[3, 3] = State.FOG
    assert len(mask_geojson(mask_of(cells))["features"]) == 2


def test_polygons_across_the_antimeridian_are_split() -> None:
    cells = np.zeros(SHAPE, np.uint8)
    cells[5, 3:9] = State.FOG
    (feature,) = mask_geojson(mask_of(cells, bounds=Bounds(174, -6, -174, 6)))["features"]
    assert feature["geometry"]["type"] == "MultiPolygon"
    parts = sorted(part.bounds for part in shape(feature["geometry"]).geoms)
    assert parts == [(-180, 0, -177, 1), (177, 0, 180, 1)]


def test_a_clear_mask_gives_no_polygon() -> None:
    assert mask_geojson(mask_of(np.zeros(SHAPE, np.uint8)))["features"] == []


def test_a_netcdf_is_read_by_xarray(tmp_path: Path) -> None:
    cube = open_sea(tmp_path / "a.zarr", shape=SHAPE)
    mask = mask_of(state(), probability=0.75)
    path = tmp_path / "mask.nc"
    path.write_bytes(masks_netcdf(cube, [mask]))
    with xr.open_dataset(path) as found:
        assert found.attrs["Conventions"] == "CF-1.11"
        assert found.attrs["words"] == "fog or very low stratus"
        assert found.attrs["synthetic"] == 1
        assert (found.fog_state[0].values == mask.state).all()
        np.testing.assert_allclose(found.fog_prob[0].values, mask.probability, atol=0.003)
        assert found.fog_state.attrs["flag_meanings"].split()[1] == "fog_or_very_low_stratus"
        assert list(found.fog_state.attrs["flag_values"]) == [0, 1, 2, 255]
        assert str(found.time.values[0]).startswith("2021-09-14T01:00:00")
        assert str(found.method.values[0]) == "a test"
        np.testing.assert_allclose(found.lat.values, cube.lat)
    with pytest.raises(ExportInvalid, match="no frame"):
        masks_netcdf(cube, [])


def test_names_of_files_carry_time_method_and_synthetic() -> None:
    made = file_name("SYNTHETIC_fog_BE", "20210914T010000Z", "physics", "tif", synthetic=True)
    assert made == "SYNTHETIC_fog-or-very-low-stratus_fog-BE_20210914T010000Z_physics.tif"
    odd = file_name('a"b\r\n/../c', "now", "", "png", synthetic=False)
    assert odd == "fog-or-very-low-stratus_a-b-..-c_now.png"


def test_rasterio_writes_no_side_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    mask_geotiff(mask_of(state()))
    assert not list(tmp_path.iterdir())
    assert rasterio.__version__
