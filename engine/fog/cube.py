"""Fog cubes: half-hourly satellite fields over a sea region, one variable an element under its physical name; written by `writing`."""

from __future__ import annotations

import hashlib
import warnings
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cached_property
from itertools import product
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid, CubeNotFound
from engine.fog import angles
from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.labels import Labels
from engine.fog.observations import Observations
from engine.fog.provenance import Provenance
from engine.fog.quality import QualityBits, assess
from engine.fog.sun import solar_zenith
from engine.fog.writing import COMPLETE
from engine.types import Bounds

if TYPE_CHECKING:
    import xarray as xr

    from engine.fog.stack import Stack

FloatField = NDArray[np.float32]
Light = Literal["day", "twilight", "night"]


def version_of(path: Path) -> str:
    """Short name of the state of a store, which need not be opened for it.

    Raises:
        OSError: If there is none.
    """
    changed = max(entry.stat().st_mtime_ns for entry in (path, *path.iterdir()))
    return hashlib.sha256(f"{path.name} {changed}".encode()).hexdigest()[:12]


class Cube:
    """A fog cube on disk; frames are read when they are asked for.

    Rows run from north to south whatever the file's order. Use :meth:`open`.

    Attributes:
        path: The Zarr store.
        times: Scan times in order, UTC.
        lat: (n,) cell centres, degrees, descending.
        lon: (m,) cell centres, degrees east, ascending; beyond 180 where the cube crosses the antimeridian.
        grid: Both axes together.
        elements: Names of the fields (see :class:`engine.fog.elements.Element`), for example BT1120.
        attrs: The store's attributes.
        provenance: What they say: origin, units as found, what is not known.
    """

    def __init__(self, path: Path, dataset: xr.Dataset) -> None:
        self.path = path
        self._data = dataset
        self.attrs: Mapping[str, Any] = dict(dataset.attrs)
        self._check_synthetic()
        self.times = _times(self.name, dataset)
        lat, lon = _axis(self.name, dataset, "lat"), _axis(self.name, dataset, "lon")
        self._flipped = lat.size > 1 and lat[0] < lat[-1]
        self.lat = lat[::-1].copy() if self._flipped else lat
        self.lon = lon
        self.grid = Grid(self.lat, self.lon)
        self.grid.check(self.name)
        fields = [str(key) for key, value in dataset.data_vars.items() if value.dims in (("time", "lat", "lon"), ("lat", "lon"))]
        self.elements = tuple(key for key in fields if Element.find(key) is not None)
        self._check_units()
        self.provenance = Provenance.from_attrs(self.attrs)

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
        return self.grid.step

    @property
    def bounds(self) -> Bounds:
        """The box around all cells, edges included."""
        return self.grid.bounds

    @property
    def synthetic(self) -> bool:
        """Whether the data are made up."""
        return self.provenance.synthetic

    @property
    def title(self) -> str:
        """What a person calls it."""
        return str(self.attrs.get("title") or self.name)

    @property
    def satellite_longitude(self) -> float | None:
        """Longitude under the geostationary satellite, degrees east, if known."""
        return self.provenance.satellite_longitude

    @property
    def time_known(self) -> bool:
        """Whether the times are real; nominal ones say nothing about day and night."""
        return self.provenance.time_known

    @property
    def place_known(self) -> bool:
        """Whether the cells lie where the axes say."""
        return self.provenance.place_known

    @property
    def grey(self) -> bool:
        """Whether it holds no physical band at all, only grey levels: texture and motion can be judged, temperature can't."""
        kinds = [Element.named(name) for name in self.elements]
        return any(kind.is_grey for kind in kinds) and not any(kind.is_infrared or kind.is_reflectance for kind in kinds)

    @property
    def version(self) -> str:
        """Short name of this state of the store, for addresses that a browser may keep."""
        return version_of(self.path)

    def light(self, index: int) -> Light:
        """Light in the middle of the cube at a frame: day up to a solar zenith angle of 80°, night from 90°, twilight between."""
        south, north = float(self.lat[-1]), float(self.lat[0])
        middle = solar_zenith(self.times[index], np.array((south + north) / 2), np.array(float(self.lon.mean())))
        return "day" if middle < 80 else "twilight" if middle < 90 else "night"

    @cached_property
    def view_zenith(self) -> FloatField | None:
        """(n, m) zenith angle of the satellite, degrees, if its place is known."""
        if self.satellite_longitude is None or not self.place_known:
            return None
        return angles.view_zenith(self.grid, self.satellite_longitude)

    def solar_zenith(self, index: int) -> FloatField | None:
        """(n, m) zenith angle of the sun at a frame, degrees; ``None`` where time or place is not known."""
        if not (self.time_known and self.place_known):
            return None
        return angles.sun_zenith(self.grid, self.times[index])

    def relative_azimuth(self, index: int) -> FloatField | None:
        """(n, m) angle between the azimuths of sun and satellite at a frame, degrees 0–180; ``None`` where either is not known."""
        if self.satellite_longitude is None or not (self.time_known and self.place_known):
            return None
        return angles.relative_azimuth(self.grid, self.times[index], self.satellite_longitude)

    def wavelength(self, name: str) -> float | None:
        """Centre of the band that fills an element, µm: 3.72 and 3.9 both fill BT0390."""
        if name not in self.elements:
            return None
        stored = self._data[name].attrs.get("wavelength_um")
        return Element.named(name).wavelength if stored is None else float(stored)

    def nearest(self, when: datetime) -> int:
        """Index of the frame nearest in time."""
        return min(range(len(self.times)), key=lambda index: abs(self.times[index] - when))

    def element(self, name: str, index: int, *, as_stored: bool = False) -> FloatField:
        """One field at one time.

        Args:
            name: Element, for example BT0390.
            index: Frame, from 0.
            as_stored: Hand out reflectances as they stand in the store, even where they were not divided by the cosine of the solar
                zenith angle.

        Returns:
            (n, m) float32 in the element's unit; NaN where there is no value.

        Raises:
            CubeInvalid: If the cube lacks the element or the frame, a chunk is lost or broken, or the values can't be in the unit.
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
        element = Element.named(name)
        doubt = element.doubt(values)
        if doubt:
            raise CubeInvalid(self.name, doubt)
        if as_stored or not element.is_reflectance or self.provenance.sun_normalised or not (self.time_known and self.place_known):
            return values
        return angles.sun_normalised(values, self.grid, self.times[index])

    def label(self, index: int) -> Labels | None:
        """The cube's own fog labels at one time, (n, m) int8 codes of :class:`engine.fog.labels.Label`; or ``None``."""
        return self._read("fog_label", index)[0].astype(np.int8) if "fog_label" in self._data else None

    def quality(self, index: int) -> QualityBits:
        """(n, m) uint16 bits of :class:`engine.fog.quality.Quality` at one time, as stored or, where the store has none, computed."""
        if "quality" in self._data:
            return self._read("quality", index)[0].astype(np.uint16)
        return assess(
            {name: self.element(name, index) for name in self.elements},
            self.times[index],
            self.grid,
            zenith=self.solar_zenith(index),
            satellite_longitude=self.satellite_longitude,
            view_zenith=self.view_zenith,
            land=self.land,
        )

    @property
    def labelled(self) -> bool:
        """Whether it brings labels."""
        return "fog_label" in self._data

    @property
    def land(self) -> NDArray[np.bool_] | None:
        """(n, m) land, if the cube knows it."""
        return self._read("land", 0)[0] == 1 if "land" in self._data else None

    @cached_property
    def observations(self) -> Observations | None:
        """Ships and stations in the cube's box and time, if it has any."""
        names = [str(name) for name in self._data.data_vars if str(name).startswith("obs_")]
        return Observations.from_variables({name: self._data[name].values for name in names}) if names else None

    def stack(self, elements: tuple[str, ...] = ()) -> Stack:
        """All fields as one (element, lat, lon, time) array that reads on indexing, as M4Fog has its cubes."""
        from engine.fog.stack import Stack

        return Stack(self, elements or self.elements)

    @property
    def dataset(self) -> xr.Dataset:
        """The store as a decoded, lazily read dataset with CF attributes, in its own order of rows."""
        import xarray as xr

        return xr.decode_cf(self._data)

    def _read(self, name: str, index: int) -> tuple[NDArray[Any], Mapping[str, Any]]:
        if not 0 <= index < len(self.times):
            raise CubeInvalid(self.name, f"it has {len(self.times)} frames; there is no frame {index}.")
        variable = self._data[name]
        self._check_whole(name, index)
        try:
            values = variable[index].values if variable.dims[0] == "time" else variable.values
        except Exception as error:  # a missing or broken chunk: zarr and its codecs raise many kinds
            raise CubeInvalid(self.name, f"frame {index} of {name} can't be read ({type(error).__name__}).") from None
        # scale and fill live in the attributes because the store is opened undecoded
        return (values[::-1] if self._flipped else values), {**variable.encoding, **variable.attrs}

    def _check_whole(self, name: str, index: int) -> None:
        """Stop at a chunk that is gone: Zarr reads it as if it were empty, and an empty SST patch would change the answer unsaid."""
        if not int(self.attrs.get(COMPLETE, 0)):
            return
        variable = self._data[name]
        chunks, dims = variable.encoding.get("chunks") or (), variable.dims
        if len(chunks) != len(dims):
            return
        counts = [-(-size // chunk) for size, chunk in zip(variable.shape, chunks, strict=True)]
        ranges = [
            range(index // chunk, index // chunk + 1) if dim == "time" else range(count)
            for dim, chunk, count in zip(dims, chunks, counts, strict=True)
        ]
        lost = [key for key in product(*ranges) if not (self.path / name / ".".join(map(str, key))).exists()]
        if lost:
            total = int(np.prod([len(each) for each in ranges]))
            raise CubeInvalid(
                self.name,
                f"{len(lost)} of {total} chunks of {name} at frame {index} are missing. The copy is not whole; copy or convert it again.",
            )

    def _check_synthetic(self) -> None:
        if str(self.attrs.get("synthetic")) not in {"0", "1", "True", "False"}:
            raise CubeInvalid(
                self.name, "it does not say whether its data are made up. Set its attribute “synthetic” to 0 (measured) or 1 (made up)."
            )

    def _check_units(self) -> None:
        for name in self.elements:
            units, element = self._data[name].attrs.get("units"), Element.named(name)
            if units is not None and not element.takes(str(units)):
                raise CubeInvalid(self.name, f"{name} is given in “{units}”; {element.kind.unit} is needed.")


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
