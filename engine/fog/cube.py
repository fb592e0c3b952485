"""Fog cubes: half-hourly satellite fields over a sea region, one variable per element under its physical name."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Literal, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid, CubeNotFound
from engine.fog.regions import STEP
from engine.fog.sun import solar_zenith
from engine.fog.view import satellite_zenith
from engine.types import Bounds

if TYPE_CHECKING:
    import xarray as xr

FloatField = NDArray[np.float32]
Light = Literal["day", "twilight", "night"]

UNITS: Final = {"R": ("%", "percent"), "BT": ("K", "kelvin"), "SST": ("K", "kelvin")}
"""Units that an element may be given in, by the beginning of its name."""


class Cube:
    """A fog cube on disk; frames are read when they are asked for.

    Rows run from north to south whatever the file's order. Use :meth:`open`.

    Attributes:
        path: The Zarr store.
        times: Scan times in order, UTC.
        lat: (n,) cell centres, degrees, descending.
        lon: (m,) cell centres, degrees east, ascending; beyond 180 where the cube crosses the antimeridian.
        elements: Names of the physical fields, for example BT1120.
        attrs: The store's attributes.
    """

    def __init__(self, path: Path, dataset: xr.Dataset) -> None:
        self.path = path
        self._data = dataset
        self.attrs: Mapping[str, Any] = dict(dataset.attrs)
        self.times = _times(self.name, dataset)
        lat, lon = _axis(self.name, dataset, "lat"), _axis(self.name, dataset, "lon")
        self._flipped = lat.size > 1 and lat[0] < lat[-1]
        self.lat = lat[::-1].copy() if self._flipped else lat
        self.lon = lon
        self._check_grid()
        fields = [str(key) for key, value in dataset.data_vars.items() if value.dims in (("time", "lat", "lon"), ("lat", "lon"))]
        self.elements = tuple(key for key in fields if any(_is(key, kind) for kind in UNITS))
        self._check_units()

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a cube.

        Raises:
            CubeNotFound: If there is nothing at the path.
            CubeInvalid: If it is no fog cube, or its times, grid or units are wrong.
        """
        import xarray as xr

        path = Path(path)
        if not path.is_dir():
            raise CubeNotFound(path.stem, [other.stem for other in path.parent.glob("*.zarr")] if path.parent.is_dir() else [])
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", RuntimeWarning)  # stores without consolidated metadata are slower, not wrong
                dataset = xr.open_dataset(path, engine="zarr", mask_and_scale=False, chunks=None)
        except Exception as error:  # zarr raises many kinds for stores that are none
            raise CubeInvalid(path.stem, f"it is no readable Zarr store ({type(error).__name__}).") from None
        return cls(path, dataset)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the store."""
        self._data.close()

    @property
    def name(self) -> str:
        """The store's name without its ending."""
        return self.path.stem

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of a frame."""
        return self.lat.size, self.lon.size

    @property
    def step(self) -> tuple[float, float]:
        """Size of a cell in latitude and longitude, degrees, positive."""
        return _spacing(self.lat), _spacing(self.lon)

    @property
    def bounds(self) -> Bounds:
        """The box around all cells, edges included."""
        down, across = self.step
        west, east = float(self.lon[0]) - across / 2, float(self.lon[-1]) + across / 2
        return Bounds(
            round((west + 180) % 360 - 180, 9),
            round(float(self.lat[-1]) - down / 2, 9),
            round(east - 360 if east > 180 else east, 9),
            round(float(self.lat[0]) + down / 2, 9),
        )

    @property
    def synthetic(self) -> bool:
        """Whether the data are made up."""
        return bool(int(self.attrs.get("synthetic", 0)))

    @property
    def title(self) -> str:
        """What a person calls it."""
        return str(self.attrs.get("title") or self.name)

    @property
    def satellite_longitude(self) -> float | None:
        """Longitude under the geostationary satellite, degrees east, if known."""
        value = self.attrs.get("sub_satellite_lon")
        return None if value is None else float(value)

    @property
    def version(self) -> str:
        """Short name of this state of the store, for addresses that a browser may keep."""
        changed = max(entry.stat().st_mtime_ns for entry in self.path.iterdir())
        return hashlib.sha256(f"{self.path.name} {changed}".encode()).hexdigest()[:12]

    def light(self, index: int) -> Light:
        """Light in the middle of the cube at a frame: day up to a solar zenith angle of 80°, night from 90°, twilight between."""
        south, north = float(self.lat[-1]), float(self.lat[0])
        middle = solar_zenith(self.times[index], np.array((south + north) / 2), np.array(float(self.lon.mean())))
        return "day" if middle < 80 else "twilight" if middle < 90 else "night"

    @cached_property
    def view_zenith(self) -> FloatField | None:
        """(n, m) zenith angle of the satellite, degrees, if its place is known."""
        if self.satellite_longitude is None:
            return None
        return satellite_zenith(self.lat[:, None], self.lon[None, :], self.satellite_longitude).astype(np.float32)

    def nearest(self, when: datetime) -> int:
        """Index of the frame nearest in time."""
        return min(range(len(self.times)), key=lambda index: abs(self.times[index] - when))

    def element(self, name: str, index: int) -> FloatField:
        """One field at one time.

        Args:
            name: Element, for example BT0390.
            index: Frame, from 0.

        Returns:
            (n, m) float32 in % (R…) or K (BT…, SST); NaN where there is no value.

        Raises:
            CubeInvalid: If the cube lacks the element or the frame, or a chunk can't be read.
        """
        if name not in self.elements:
            raise CubeInvalid(self.name, f"it lacks the element {name}; it holds {', '.join(self.elements) or 'none'}.")
        raw, attributes = self._read(name, index)
        values = raw.astype(np.float32)
        for key in ("_FillValue", "missing_value"):
            if key in attributes:
                values[raw == attributes[key]] = np.nan
        if "scale_factor" in attributes or "add_offset" in attributes:
            values *= np.float32(attributes.get("scale_factor", 1))
            values += np.float32(attributes.get("add_offset", 0))
        return values

    def label(self, index: int) -> NDArray[np.int8] | None:
        """The cube's own fog labels at one time, (n, m) int8: −1 unlabelled, 0 not fog, 1 fog, 2 fog below higher cloud; or ``None``."""
        return self._read("fog_label", index)[0].astype(np.int8) if "fog_label" in self._data else None

    @property
    def land(self) -> NDArray[np.bool_] | None:
        """(n, m) land, if the cube knows it."""
        return self._read("land", 0)[0] == 1 if "land" in self._data else None

    def _read(self, name: str, index: int) -> tuple[NDArray[Any], Mapping[str, Any]]:
        if not 0 <= index < len(self.times):
            raise CubeInvalid(self.name, f"it has {len(self.times)} frames; there is no frame {index}.")
        variable = self._data[name]
        try:
            values = variable[index].values if variable.dims[0] == "time" else variable.values
        except Exception as error:  # a missing or broken chunk: zarr and its codecs raise many kinds
            raise CubeInvalid(self.name, f"frame {index} of {name} can't be read ({type(error).__name__}).") from None
        # scale and fill live in the attributes because the store is opened undecoded
        return (values[::-1] if self._flipped else values), {**variable.encoding, **variable.attrs}

    def _check_grid(self) -> None:
        for words, axis, sign in (("latitudes", self.lat, -1.0), ("longitudes", self.lon, 1.0)):
            steps = np.diff(axis) * sign
            if axis.size == 0 or not np.isfinite(axis).all() or (steps <= 0).any():
                raise CubeInvalid(self.name, f"its {words} are not in order.")
            if steps.size and np.ptp(steps) > 0.02 * float(steps.mean()):
                raise CubeInvalid(self.name, f"its {words} are not evenly spaced; bring it onto a latitude–longitude grid first.")
        if np.abs(self.lat).max() > 90 or self.lon[0] < -180 or self.lon[-1] > 540:
            raise CubeInvalid(self.name, "its grid leaves the Earth.")

    def _check_units(self) -> None:
        for name in self.elements:
            units = self._data[name].attrs.get("units")
            good = next(known for kind, known in UNITS.items() if _is(name, kind))
            if units is not None and str(units) not in good:
                raise CubeInvalid(self.name, f"{name} is given in “{units}”; {good[0]} is needed.")


def _is(name: str, kind: str) -> bool:
    return name == kind if kind == "SST" else name.startswith(kind) and name[len(kind) :].isdigit()


def _times(name: str, dataset: xr.Dataset) -> tuple[datetime, ...]:
    if "time" not in dataset.coords or dataset["time"].ndim != 1 or dataset["time"].size == 0:
        raise CubeInvalid(name, "it has no time axis.")
    stamps = dataset["time"].values
    if not np.issubdtype(stamps.dtype, np.datetime64) or np.isnat(stamps).any():
        raise CubeInvalid(name, "its times can't be read; give them CF units such as “minutes since 2000-01-01”.")
    if (np.diff(stamps) <= np.timedelta64(0)).any():
        raise CubeInvalid(name, "its times are not in order, or a time stands twice. Sort the frames and drop doubles.")
    microseconds = stamps.astype("datetime64[us]").astype(np.int64)
    return tuple(datetime.fromtimestamp(int(value) / 1e6, tz=UTC) for value in microseconds)


def _axis(name: str, dataset: xr.Dataset, axis: str) -> NDArray[np.float64]:
    if axis not in dataset.coords or dataset[axis].ndim != 1:
        raise CubeInvalid(name, f"it has no axis “{axis}”.")
    return np.asarray(dataset[axis].values, dtype=np.float64)


def _spacing(axis: NDArray[np.float64]) -> float:
    return STEP if axis.size < 2 else float(abs(axis[-1] - axis[0]) / (axis.size - 1))
