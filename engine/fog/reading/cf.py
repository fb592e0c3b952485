"""Plain CF files: NetCDF or Zarr with latitudes and longitudes, a map projection, or one place a pixel."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import ExtraMissing, SourceInvalid, TimeInvalid
from engine.fog import angles
from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.instruments import instruments
from engine.fog.provenance import Provenance, fingerprint, marked_synthetic
from engine.fog.reading.options import Options
from engine.fog.reading.regrid import Regrid
from engine.fog.reading.units import converted
from engine.fog.regions import STEP
from engine.fog.series import Frame, Series
from engine.types import Bounds, utc

if TYPE_CHECKING:
    import xarray as xr

Floats = NDArray[np.float64]

_SUFFIXES: Final = (".nc", ".nc4", ".cdf", ".h5", ".hdf", ".zarr")
_NAMES: Final = {
    "sst": "SST",
    "analysed_sst": "SST",
    "sea_surface_temperature": "SST",
    "t2m": "T2M",
    "d2m": "D2M",
    "u10": "U10",
    "v10": "V10",
    "msl": "MSLP",
}
_TIME_ATTRIBUTES: Final = ("time_coverage_start", "start_time", "nominal_time", "time", "date")
_REFLECTED: Final = ("reflect", "albedo")
_EMITTED: Final = ("brightness_temperature", "toa_brightness")


class CfSeries(Series):
    """The bands of a CF file, on the cells of a region or, without one, on the file's own extent.

    Variables become elements by the name that was given for them, by their own name (BT1120, SST or a band of a known imager such as
    IR_108), or by their wavelength attribute. The nearest pixel fills a cell.

    Raises:
        SourceInvalid: If it is no such file, has no known element, no place or no time, or a time twice.
        ExtraMissing: If a package for its format is missing.
    """

    def __init__(self, path: Path, options: Options) -> None:
        self.name, self._path = path.stem, path
        self._data = _squeezed(_open(path))
        self._variables = _elements(self._data, options)
        self.elements = options.chosen(self.name, tuple(self._variables))
        self._first = self._data[self._variables[self.elements[0]]]
        self._order, self.times, notes = self._times(options)
        self.grid, self._regrid, place = self._place(options)
        self._notes = (*notes, *place)
        self._pixels = tuple(str(dim) for dim in self._first.dims if str(dim) != self._time_dim)
        self._check_dims()
        units = {name: self._converted(name, 0)[1] for name in self.elements}
        self.provenance = self._about(options, units)

    @property
    def _time_dim(self) -> str:
        return next((str(dim) for dim in self._first.dims if str(dim).casefold() in {"time", "t"}), "")

    def _check_dims(self) -> None:
        if len(self._pixels) != 2:
            raise SourceInvalid(
                self.name, f"{self._first.name} has the axes {', '.join(map(str, self._first.dims))}; time, rows and columns are read."
            )
        for name in self.elements:
            variable = self._data[self._variables[name]]
            if tuple(str(dim) for dim in variable.dims if str(dim) != self._time_dim) != self._pixels:
                raise SourceInvalid(
                    self.name, f"{variable.name} and {self._first.name} lie on different grids. Convert them apart with --element."
                )

    def _times(self, options: Options) -> tuple[NDArray[np.intp], tuple[datetime, ...], tuple[str, ...]]:
        """Order of the frames, their times and what had to be done."""
        if not self._time_dim:
            return np.zeros(1, dtype=np.intp), (self._single_time(options),), ()
        stamps = np.asarray(self._data[self._time_dim].values)
        if not np.issubdtype(stamps.dtype, np.datetime64) or np.isnat(stamps).any():
            raise SourceInvalid(self.name, "its times can't be read; give them CF units such as “minutes since 2000-01-01”.")
        order = np.argsort(stamps, kind="stable")
        micros = stamps[order].astype("datetime64[us]").astype(np.int64)
        times = tuple(datetime.fromtimestamp(int(value) / 1e6, tz=UTC) for value in micros)
        twice = np.flatnonzero(np.diff(micros) == 0)
        if twice.size:
            raise SourceInvalid(self.name, f"the time {times[int(twice[0])]:%Y-%m-%d %H:%M} UTC stands twice. Keep one of the two.")
        return order, times, () if (np.diff(order) > 0).all() else ("frames were not in order of time; they were sorted",)

    def _single_time(self, options: Options) -> datetime:
        if options.start is not None:
            return options.start
        if "time" in self._data.coords and self._data["time"].ndim == 0:
            with suppress(TypeError, ValueError):
                return datetime.fromtimestamp(int(self._data["time"].values.astype("datetime64[us]").astype(np.int64)) / 1e6, tz=UTC)
        for attributes in (self._first.attrs, self._data.attrs):
            for key in _TIME_ATTRIBUTES:
                with suppress(TimeInvalid):
                    if key in attributes:
                        return utc(str(attributes[key]).replace("Z", "+00:00"))
        stamp = re.search(r"(?<!\d)(\d{8})[_T-]?(\d{4})(?!\d)", self._path.stem)
        if stamp:
            with suppress(ValueError):
                return datetime.strptime("".join(stamp.groups()), "%Y%m%d%H%M").replace(tzinfo=UTC)
        raise SourceInvalid(self.name, "it tells no time. Give it with --start, for example --start 2019-07-01T12:00Z.")

    def _place(self, options: Options) -> tuple[Grid, Regrid, tuple[str, ...]]:
        lat, lon = (_coordinate(self._data, self._first, axis) for axis in ("lat", "lon"))
        if lat is not None and lon is not None and lat.ndim == lon.ndim == 1:
            return self._from_axes(lat, lon, options)
        if lat is not None and lon is not None and lat.ndim == 2 and not self._projected():
            grid = self._grid(options, lambda: _extent(lat, lon))
            return grid, Regrid.from_points(grid, lat, lon), ("brought from pixels with a place each onto even latitudes and longitudes",)
        crs, x, y = self._projection()
        grid = self._grid(options, lambda: _projected_extent(self.name, crs, x, y))
        return (
            grid,
            Regrid.from_projection(grid, crs, x, y),
            (f"brought from {crs.name} onto even latitudes and longitudes, nearest pixel",),
        )

    def _grid(self, options: Options, extent: Callable[[], Bounds]) -> Grid:
        return options.onto or Grid.over(options.box or extent(), options.step or STEP)

    def _from_axes(self, lat: Floats, lon: Floats, options: Options) -> tuple[Grid, Regrid, tuple[str, ...]]:
        steps = [np.abs(np.diff(axis)) for axis in (lat, lon)]
        even = all(each.size == 0 or float(np.ptp(np.minimum(each, 360 - each))) <= 0.02 * float(np.median(each)) for each in steps)
        if options.box is None and options.onto is None and even:
            turned = np.sort(_unwrapped(lon))
            grid = Grid(np.sort(lat)[::-1], turned)
            return grid, Regrid.from_axes(grid, lat, lon), ()
        grid = self._grid(options, lambda: _extent(*np.meshgrid(lat, lon, indexing="ij")))
        return grid, Regrid.from_axes(grid, lat, lon), ("brought onto an even grid, nearest pixel",)

    def _projected(self) -> bool:
        """Whether it has a map projection with coordinates along both axes; that is exact and quicker than a place for each pixel."""
        named = str(self._first.attrs.get("grid_mapping") or self._first.encoding.get("grid_mapping") or "")
        return named in self._data.variables and all(str(dim) in self._data.variables for dim in self._first.dims)

    def _projection(self) -> tuple[Any, Floats, Floats]:
        from pyproj import CRS

        named = str(self._first.attrs.get("grid_mapping") or self._first.encoding.get("grid_mapping") or "")
        candidates = (
            [named]
            if named in self._data.variables
            else [str(v) for v in self._data.variables if "grid_mapping_name" in self._data[v].attrs]
        )
        if not candidates:
            raise SourceInvalid(self.name, "it tells no place: neither latitudes and longitudes nor a map projection (grid_mapping).")
        attributes = dict(self._data[candidates[0]].attrs)
        try:
            crs = CRS.from_cf(attributes)
        except Exception as error:  # pyproj raises many kinds for a projection that it does not know
            raise SourceInvalid(self.name, f"its map projection “{candidates[0]}” is not understood ({type(error).__name__}).") from None
        rows, columns = (str(dim) for dim in self._first.dims if str(dim) != self._time_dim)
        y, x = (self._axis(dim, attributes, crs) for dim in (rows, columns))
        return crs, x, y

    def _axis(self, dim: str, attributes: dict[Hashable, Any], crs: Any) -> Floats:  # noqa: ANN401 - a pyproj CRS
        if dim not in self._data.variables:
            raise SourceInvalid(self.name, f"its axis {dim} has no coordinates.")
        values = np.asarray(self._data[dim].values, dtype=np.float64)
        unit = str(self._data[dim].attrs.get("units", "")).casefold()
        if unit.startswith("rad"):  # a scan angle: times the height of the satellite it is metres of the projection
            return values * float(attributes.get("perspective_point_height", 35785831.0))
        return values * 1000 if unit in {"km", "kilometer", "kilometre"} else values

    def _about(self, options: Options, units: dict[str, str]) -> Provenance:
        attrs = self._data.attrs
        files, digest = fingerprint([self._path] if self._path.is_file() else sorted(self._path.rglob(".z*")))
        longitude = attrs.get("sub_satellite_lon", attrs.get("subsatellite_longitude"))
        said = str(attrs.get("synthetic", "")) in {"1", "True", "true"} or marked_synthetic(self._path.absolute())
        waves = {name: self._data[self._variables[name]].attrs.get("wavelength_um") for name in self.elements}
        return Provenance(
            synthetic=said if options.synthetic is None else options.synthetic,
            title=str(attrs.get("title") or self.name),
            source=str(attrs.get("source") or self._path.name),
            layout="cf",
            platform=str(attrs.get("platform") or attrs.get("platform_name") or ""),
            instrument=str(attrs.get("instrument") or attrs.get("sensor") or ""),
            satellite_longitude=None if longitude is None else float(longitude),
            region=options.region_id,
            units_detected=units,
            wavelengths={name: float(value) for name, value in waves.items() if isinstance(value, (int, float))},
            files=files,
            files_sha256=digest,
            sun_normalised=bool(int(attrs.get("sun_normalised", 1))),
            licence=str(attrs.get("license") or ""),
            notes=self._notes,
        )

    def _converted(self, name: str, index: int) -> tuple[NDArray[np.float32], str]:
        variable = self._data[self._variables[name]]
        down, across = self._regrid.window
        part = variable.isel({self._time_dim: int(self._order[index])}) if self._time_dim in variable.dims else variable
        try:
            pixels = part.transpose(*self._pixels)[down, across].values.astype(np.float32)
        except Exception as error:  # libraries of formats raise many kinds for broken files
            raise SourceInvalid(self.name, f"{variable.name} can't be read ({type(error).__name__}).") from None
        values = self._regrid.cells(pixels)
        sun = float(angles.sun_zenith(self.grid, self.times[index])[::8, ::8].min())
        return converted(str(variable.name), Element.named(name), values, str(variable.attrs.get("units", "")), sun)

    def frame(self, index: int) -> Frame:
        """One time; values in each element's unit."""
        return Frame({name: self._converted(name, index)[0] for name in self.elements})


def is_cf(path: Path) -> bool:
    """Whether a path looks like NetCDF or Zarr."""
    return path.suffix.casefold() in _SUFFIXES or (path.is_dir() and any((path / mark).exists() for mark in (".zgroup", "zarr.json")))


def _open(path: Path) -> xr.Dataset:
    import importlib.util

    import xarray as xr

    options: dict[str, Any] = {"chunks": None, "decode_timedelta": False}
    if path.is_dir():
        options["engine"] = "zarr"
    else:
        with path.open("rb") as stream:
            classic = stream.read(3) == b"CDF"
        options["engine"] = "scipy" if classic else "h5netcdf"
        if not classic and importlib.util.find_spec("h5netcdf") is None:
            raise ExtraMissing("NetCDF 4", "h5netcdf")
    try:
        return xr.open_dataset(path, **options)
    except Exception as error:  # each format raises kinds of its own
        raise SourceInvalid(
            path.name, f"it is no readable {'Zarr store' if path.is_dir() else 'NetCDF file'} ({type(error).__name__})."
        ) from None


def _squeezed(data: xr.Dataset) -> xr.Dataset:
    """Without axes of length 1 that are neither time nor place, such as the depth of a sea surface temperature."""
    kept = {"time", "t", "lat", "lon", "latitude", "longitude", "y", "x"}
    lone = [dim for dim, size in data.sizes.items() if size == 1 and str(dim).casefold() not in kept]
    return data.squeeze(lone, drop=True)


def _elements(data: xr.Dataset, options: Options) -> dict[str, str]:
    """Element → variable."""
    bands = {band.name: band.element for imager in instruments().values() for band in imager.bands if band.element and "_" in band.name}
    bands |= {band.name: band.element for band in instruments()["SEVIRI"].bands if band.element}
    out: dict[str, str] = {}
    for variable in map(str, data.data_vars):
        element = options.names.get(variable) or _by_name(variable, bands) or _by_wavelength(data[variable])
        if not element:
            continue
        Element.named(element)  # a name that a person gave may be none
        if element in out:
            raise SourceInvalid(variable, f"it and {out[element]} are both {element}. Say which with --name {variable}={element}.")
        out[element] = variable
    lacking = [variable for variable in options.names if variable not in data.data_vars]
    if lacking:
        raise SourceInvalid(lacking[0], f"there is no such variable; there are {', '.join(map(str, data.data_vars))}.")
    return out


def _by_name(variable: str, bands: dict[str, str]) -> str:
    if Element.find(variable) is not None:
        return variable
    return bands.get(variable) or bands.get(variable.upper()) or _NAMES.get(variable.casefold(), "")


def _by_wavelength(variable: xr.DataArray) -> str:
    wavelength = variable.attrs.get("wavelength_um", variable.attrs.get("central_wavelength", variable.attrs.get("wavelength")))
    standard = str(variable.attrs.get("standard_name", "")).casefold()
    if not isinstance(wavelength, (int, float, np.floating)) or variable.ndim < 2:
        return ""
    known = [band for imager in instruments().values() for band in imager.bands if band.element]
    nearest = min(known, key=lambda band: abs(band.wavelength - float(wavelength)))
    if abs(nearest.wavelength - float(wavelength)) > 0.06 * float(wavelength):
        return ""
    emitted = any(word in standard for word in _EMITTED) or float(wavelength) > 3
    reflected = any(word in standard for word in _REFLECTED) or float(wavelength) < 3
    return nearest.element if emitted != reflected else ""


def _coordinate(data: xr.Dataset, variable: xr.DataArray, axis: str) -> Floats | None:
    standard, letters = ("latitude", ("lat", "latitude")) if axis == "lat" else ("longitude", ("lon", "longitude"))
    for name in data.variables:
        about = data[name].attrs
        if str(name).casefold() in letters or about.get("standard_name") == standard:
            values = np.asarray(data[name].values, dtype=np.float64)
            if set(data[name].dims) <= set(variable.dims):
                return values
    return None


def _unwrapped(lon: Floats) -> Floats:
    """Longitudes without a jump at ±180°."""
    turned = np.unwrap(lon, period=360)
    return np.asarray(turned - 360 if turned.min() >= 180 else turned + 360 if turned.min() < -180 else turned)


def _extent(lat: Floats, lon: Floats) -> Bounds:
    turned = _unwrapped(lon[np.isfinite(lon)])
    west, east = float(turned.min()), float(turned.max())
    return Bounds((west + 180) % 360 - 180, float(np.nanmin(lat)), (east + 180) % 360 - 180, float(np.nanmax(lat)))


def _projected_extent(name: str, crs: Any, x: Floats, y: Floats) -> Bounds:  # noqa: ANN401 - a pyproj CRS
    from pyproj import Transformer

    across, up = np.meshgrid(np.linspace(x.min(), x.max(), 41), np.linspace(y.min(), y.max(), 41))
    lon, lat = Transformer.from_crs(crs, "EPSG:4326", always_xy=True).transform(across, up)
    known = np.isfinite(lon) & np.isfinite(lat)
    if not known.any():
        raise SourceInvalid(name, "its pixels lie nowhere on the Earth.")
    return Bounds(float(lon[known].min()), float(lat[known].min()), float(lon[known].max()), float(lat[known].max()))
