"""Plain CF files on any grid become even cells in the right units, or are refused with the reason."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr

from engine.errors import SourceInvalid, UnitsUnclear
from engine.fog import Cube
from engine.fog.grid import Grid
from engine.fog.reading import Options, convert, layout_of, open_series
from engine.types import Bounds

NOON = np.datetime64("2021-06-21T12:00", "ns")
LAT, LON = np.arange(45.875, 40.0, -0.25), np.arange(-9.875, -2.0, 0.25)


def sky(lat: np.ndarray = LAT, lon: np.ndarray = LON, frames: int = 2) -> dict[str, np.ndarray]:
    """Each field tells its own place: kelvin by latitude, per cent by longitude."""
    shape = (frames, lat.size, lon.size)
    return {
        "BT1120": np.broadcast_to(240 + lat[None, :, None], shape).astype(np.float32),
        "R0064": np.broadcast_to((30 + lon[None, None, :] % 360 / 10), shape).astype(np.float32),
    }


def save(
    path: Path,
    fields: Mapping[str, np.ndarray],
    times: list[Any] | None = None,
    lat: np.ndarray = LAT,
    lon: np.ndarray = LON,
    units: Mapping[str, str] | None = None,
    attrs: Mapping[str, Any] | None = None,
) -> Path:
    units = {"BT1120": "K", "R0064": "%"} if units is None else units
    stamps = np.array(times if times is not None else [NOON, NOON + np.timedelta64(30, "m")])
    data = xr.Dataset(
        {name: (("time", "lat", "lon"), values, {"units": units[name]} if units.get(name) else {}) for name, values in fields.items()},
        coords={"time": stamps, "lat": lat, "lon": lon},
        attrs={"synthetic": 1, **(attrs or {})},
    )
    if path.suffix == ".zarr":
        data.to_zarr(path, zarr_format=2, consolidated=True)
    else:
        data.to_netcdf(path, engine="scipy")
    return path


@pytest.mark.parametrize("name", ["a.nc", "a.zarr"])
def test_an_even_grid_comes_in_as_it_is(tmp_path: Path, name: str) -> None:
    path = save(tmp_path / name, sky())
    assert layout_of(path) == "cf"
    cube = Cube.open(convert(path, tmp_path / "out.zarr").written.path)
    assert cube.shape == (LAT.size, LON.size)
    assert cube.synthetic
    np.testing.assert_allclose(cube.element("BT1120", 1), sky()["BT1120"][1], atol=0.0051)
    np.testing.assert_allclose(cube.lat, LAT)


def test_rows_from_the_south_and_longitudes_to_360_make_no_difference(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nc", sky(LAT[::-1], LON + 360), lat=LAT[::-1], lon=LON + 360)
    cube = Cube.open(convert(path, tmp_path / "out.zarr").written.path)
    np.testing.assert_allclose(cube.lon, LON)
    np.testing.assert_allclose(cube.element("BT1120", 0), sky()["BT1120"][0], atol=0.0051)


def test_a_region_is_cut_with_its_own_cells(tmp_path: Path) -> None:
    cube = Cube.open(
        convert(save(tmp_path / "a.nc", sky()), tmp_path / "out.zarr", options=Options(region="-8,42,-6,44", step=0.1)).written.path
    )
    assert cube.shape == (20, 20)
    error = cube.element("BT1120", 0) - 240 - cube.lat[:, None]
    assert np.abs(error).max() <= 0.125 + 0.006  # the nearest pixel is at most half a pixel away


def test_a_region_across_the_antimeridian_joins_both_sides(tmp_path: Path) -> None:
    lon = np.arange(-179.5, 180, 1.0)
    lat = np.arange(59.5, 50, -1.0)
    cube = Cube.open(
        convert(
            save(tmp_path / "a.nc", sky(lat, lon), lat=lat, lon=lon), tmp_path / "o.zarr", options=Options(region="176,52,-175,58", step=1)
        ).written.path
    )
    assert cube.bounds == Bounds(176.0, 52.0, -175.0, 58.0)
    expected = 30 + (cube.lon % 360) / 10
    np.testing.assert_allclose(cube.element("R0064", 0)[0], expected, atol=0.06)


def test_a_projection_is_followed(tmp_path: Path) -> None:
    from pyproj import CRS, Transformer

    height = 35786023.0
    projection = {
        "grid_mapping_name": "geostationary",
        "perspective_point_height": height,
        "longitude_of_projection_origin": 0.0,
        "sweep_angle_axis": "y",
        "semi_major_axis": 6378137.0,
        "inverse_flattening": 298.257222101,
    }
    crs = CRS.from_cf(projection)
    x, y = np.linspace(-0.01, 0.02, 60), np.linspace(0.125, 0.105, 50)  # scan angles, radians
    across, up = np.meshgrid(x * height, y * height)
    _, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(across, up)
    data = xr.Dataset(
        {"IR_108": (("y", "x"), (240 + lat).astype(np.float32), {"units": "K", "grid_mapping": "geos"}), "geos": ((), 0, projection)},
        coords={"y": ("y", y, {"units": "rad"}), "x": ("x", x, {"units": "rad"})},
        attrs={"synthetic": 1, "time_coverage_start": "2021-06-21T12:00:00Z"},
    )
    data.to_netcdf(tmp_path / "a.nc", engine="scipy")
    series = open_series(tmp_path / "a.nc", options=Options(region="-2,45,4,48", step=0.1))
    values = series.frame(0).fields["BT1120"]
    assert series.times == (datetime(2021, 6, 21, 12, tzinfo=UTC),)
    assert np.isfinite(values).all()
    half_a_pixel = sum(np.nanmax(np.abs(np.diff(lat[:, 15:55], axis=axis))) / 2 for axis in (0, 1))
    assert np.abs(values - 240 - series.grid.lat[:, None]).max() < half_a_pixel


def test_one_place_a_pixel_is_followed(tmp_path: Path) -> None:
    lat = LAT[:, None] + 0.01 * np.arange(LON.size)
    lon = LON[None, :] + 0.02 * np.arange(LAT.size)[:, None]
    data = xr.Dataset(
        {"BT1120": (("y", "x"), (240 + lat).astype(np.float32), {"units": "K"})},
        coords={"lat": (("y", "x"), lat), "lon": (("y", "x"), lon)},
        attrs={"synthetic": 1},
    )
    data.to_netcdf(tmp_path / "scan_20210621_1200.nc", engine="scipy")
    series = open_series(tmp_path / "scan_20210621_1200.nc", options=Options(region="-20,41,-5,44", step=0.25))
    values = series.frame(0).fields["BT1120"]
    seen = np.isfinite(values)
    assert not seen[:, series.grid.lon < -11].any()  # beyond the picture there is nothing, not the last pixel
    assert seen[:, (series.grid.lon > -9) & (series.grid.lon < -6)].all()
    assert np.abs((values - 240 - series.grid.lat[:, None])[seen]).max() < 0.3


def test_fractions_and_celsius_are_converted(tmp_path: Path) -> None:
    fields = sky()
    path = save(
        tmp_path / "a.nc", {"BT1120": fields["BT1120"] - 273.15, "R0064": fields["R0064"] / 100}, units={"BT1120": "degC", "R0064": "1"}
    )
    cube = Cube.open(convert(path, tmp_path / "o.zarr").written.path)
    np.testing.assert_allclose(cube.element("BT1120", 0), fields["BT1120"][0], atol=0.006)
    np.testing.assert_allclose(cube.element("R0064", 0), fields["R0064"][0], atol=0.006)
    assert cube.provenance.units_detected == {"BT1120": "°C", "R0064": "fraction 0–1"}


def test_units_that_are_not_stated_are_seen_from_the_values(tmp_path: Path) -> None:
    fields = sky()
    path = save(tmp_path / "a.nc", {**fields, "R0064": fields["R0064"] / 100}, units={})
    assert open_series(path).provenance.units_detected == {"BT1120": "K", "R0064": "fraction 0–1"}


@pytest.mark.parametrize(
    ("name", "factor", "shift", "unit", "words"),
    [
        ("R0064", 0.01, 0, "%", "they are fractions"),
        ("R0064", 1, 0, "1", "they are per cent"),
        ("R0064", 1, 250, "%", "kelvin where per cent is expected"),
        ("R0064", 1, 0, "K", "no unit of reflectance"),
        ("BT1120", 0.1, 0, "K", "Per cent where kelvin is expected"),
        ("BT1120", 1, -273, "", "Per cent where kelvin is expected"),
        ("BT1120", 1, 0, "%", "no unit of temperature"),
    ],
)
def test_unit_mistakes_are_caught(tmp_path: Path, name: str, factor: float, shift: float, unit: str, words: str) -> None:
    fields = sky()
    fields[name] = fields[name] * factor + shift
    path = save(tmp_path / "a.nc", fields, units={"BT1120": "K", "R0064": "%", name: unit})
    with pytest.raises(UnitsUnclear, match=words):
        open_series(path)


def test_frames_out_of_order_are_sorted_and_said(tmp_path: Path) -> None:
    fields = sky(frames=2)
    fields["BT1120"] = fields["BT1120"] + np.array([0, 5], np.float32)[:, None, None]
    path = save(tmp_path / "a.nc", fields, times=[NOON + np.timedelta64(30, "m"), NOON])
    series = open_series(path)
    assert series.times[0] < series.times[1]
    np.testing.assert_allclose(series.frame(0).fields["BT1120"], fields["BT1120"][1])
    assert any("sorted" in note for note in series.provenance.notes)


def test_a_time_twice_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SourceInvalid, match="2021-06-21 12:00 UTC stands twice"):
        open_series(save(tmp_path / "a.nc", sky(), times=[NOON, NOON]))


def test_names_are_asked_for_where_nothing_tells_them(tmp_path: Path) -> None:
    path = save(tmp_path / "a.nc", {"tb": sky()["BT1120"]}, units={"tb": "K"})
    with pytest.raises(SourceInvalid, match="VARIABLE=ELEMENT"):
        open_series(path)
    assert open_series(path, options=Options(names={"tb": "BT1120"})).elements == ("BT1120",)
    with pytest.raises(SourceInvalid, match=r"lacks BT0390; it holds BT1120"):
        open_series(path, options=Options(names={"tb": "BT1120"}, elements=("BT0390",)))


def test_what_tells_no_place_or_time_or_is_broken_is_refused(tmp_path: Path) -> None:
    bare = xr.Dataset({"BT1120": (("y", "x"), np.full((4, 4), 280.0, np.float32), {"units": "K"})})
    bare.to_netcdf(tmp_path / "bare.nc", engine="scipy")
    with pytest.raises(SourceInvalid, match="tells no time"):
        open_series(tmp_path / "bare.nc")
    with pytest.raises(SourceInvalid, match="tells no place"):
        open_series(tmp_path / "bare.nc", options=Options(start=datetime(2021, 1, 1, tzinfo=UTC)))
    (tmp_path / "torn.nc").write_bytes(b"CDF\x01 torn")
    with pytest.raises(SourceInvalid, match="no readable NetCDF"):
        open_series(tmp_path / "torn.nc")


def test_a_grid_compares_by_its_cells() -> None:
    box = Bounds(0.0, 0.0, 2.0, 2.0)
    assert Grid.of_shape(box, (4, 4)) == Grid.over(box, 0.5)
    assert Grid.of_shape(box, (4, 4)) != Grid.over(box, 0.25)


@pytest.mark.shared_data
@pytest.mark.parametrize("name", ["msg_ir108_mercator.nc", "msg_ir108_stereographic.nc"])
def test_real_meteosat_pictures_lie_where_their_own_places_say(shared_data: Path, name: str) -> None:
    """The files bring a projection, which the reader follows, and the place of each pixel, which it does not need."""
    path = shared_data / "geostationary" / name
    series = open_series(path, options=Options(names={"data": "BT1120"}, region="-20,30,20,60", step=0.1))
    values = series.frame(0).fields["BT1120"]
    with xr.open_dataset(path, engine="h5netcdf") as data:
        lat, lon, truth = (np.asarray(data[key].values, dtype=np.float64) for key in ("lat", "lon", "data"))
    inside = (np.abs(lon) < 19) & (lat > 31) & (lat < 59) & np.isfinite(truth)
    rows = np.floor((60 - lat[inside]) / 0.1).astype(int)
    columns = np.floor((lon[inside] + 20) / 0.1).astype(int)
    apart = np.abs(values[rows, columns] - truth[inside])
    assert inside.sum() > 1000
    assert np.mean(apart < 1e-3) > 0.95  # a cell's centre may fall to the neighbour of the pixel that lies in it
    assert 220 < np.nanmedian(values) < 300


@pytest.mark.shared_data
def test_a_real_cube_without_place_or_time_is_refused(shared_data: Path) -> None:
    path = shared_data / "geostationary" / "seviri_ml_test_201907011200.nc"
    with pytest.raises(SourceInvalid, match="tells no place"):
        open_series(path)
