"""Sea surface temperature of a daily analysis is laid beside the bands, with its age."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xarray as xr

from engine.errors import CubeInvalid, SourceInvalid
from engine.fog import Cube
from engine.fog.quality import Quality
from engine.fog.reading import convert

from .test_described import save


def analysis(path: Path, *days: str) -> Path:
    """Quarter-degree °C with a depth axis, 0–360° E; west of 7° W there is land; each day is one degree warmer."""
    lat, lon = np.arange(30.125, 60, 0.25), np.arange(0.125, 360, 0.25)
    base = np.broadcast_to(lat[:, None] / 5, (lat.size, lon.size)).copy()
    base[:, (lon > 180) & (lon < 353)] = np.nan
    values = np.stack([base + day for day in range(len(days))])[:, None].astype(np.float32)
    data = xr.Dataset(
        {"sst": (("time", "zlev", "lat", "lon"), values, {"units": "degC"})},
        coords={"time": np.array(days, dtype="datetime64[ns]"), "zlev": [0.0], "lat": lat, "lon": lon},
        attrs={"synthetic": 1},
    )
    data.to_netcdf(path, engine="scipy")
    return path


def test_the_newest_day_serves_and_coasts_are_reached(tmp_path: Path) -> None:
    sea = analysis(tmp_path / "sst.nc", "2021-06-19T12:00", "2021-06-20T12:00", "2021-06-23T12:00")
    cube = Cube.open(convert(save(tmp_path), tmp_path / "o.zarr", sst=sea).written.path)  # a frame of 2021-06-21 12:00, 42–45 N, 8–4 W
    sst = cube.element("SST", 0)
    known = cube.lon > -7
    expected = cube.lat[:, None] / 5 + 1 + 273.15
    assert np.abs((sst - expected)[:, known]).max() < 0.25 / 5
    beyond = cube.lon < -7.5 - cube.step[1]
    assert np.isfinite(sst[:, (cube.lon > -7.5) & ~known]).all()
    assert np.isnan(sst[:, beyond]).all()
    assert ((cube.quality(0) & Quality.SST_OLD) == 0).all()
    assert cube.provenance.units_detected["SST"] == "°C"
    assert any("sst.nc" in note for note in cube.provenance.notes)


def test_an_old_analysis_is_marked_and_one_of_another_time_refused(tmp_path: Path) -> None:
    old = analysis(tmp_path / "old.nc", "2021-06-17T12:00")
    cube = Cube.open(convert(save(tmp_path), tmp_path / "o.zarr", sst=old).written.path)
    known = np.isfinite(cube.element("SST", 0))
    np.testing.assert_array_equal((cube.quality(0) & Quality.SST_OLD) > 0, known)
    for name, day in (("past.nc", "2021-06-01T12:00"), ("future.nc", "2021-06-23T12:00")):
        with pytest.raises(SourceInvalid, match="not within a week before any frame"):
            convert(save(tmp_path), tmp_path / "p.zarr", sst=analysis(tmp_path / name, day))
    without = convert(save(tmp_path), tmp_path / "q.zarr").written.path
    with pytest.raises(SourceInvalid, match="lacks SST"):
        convert(save(tmp_path), tmp_path / "p.zarr", sst=without)


def test_what_is_no_cube_is_never_replaced(tmp_path: Path) -> None:
    (tmp_path / "mine.zarr").mkdir()
    (tmp_path / "mine.zarr" / "thesis.txt").write_text("years")

    with pytest.raises(CubeInvalid, match="no cube lies there"):
        convert(save(tmp_path), tmp_path / "mine.zarr")
    assert (tmp_path / "mine.zarr" / "thesis.txt").read_text() == "years"
