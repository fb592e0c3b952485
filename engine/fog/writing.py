"""A series becomes a cube on disk, one frame at a time, so that its length does not matter."""

from __future__ import annotations

import errno
import shutil
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import CubeInvalid, SourceInvalid
from engine.fog import angles, labels, quality
from engine.fog.elements import FILL, Element
from engine.fog.observations import Observations
from engine.fog.series import FloatField, Frame, Series, in_order
from engine.progress import Cancel, Progress, silent, stop_if

CHUNK: Final = 256
"""Cells a side of a chunk: one map tile; a chunk holds one time of one element."""
COMPLETE: Final = "chunks_complete"
"""Attribute of stores that hold every chunk, so that an absent one is a loss and no empty patch."""

_STATIC: Final = ("lat", "lon")
_MOVING: Final = ("time", "lat", "lon")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Written:
    """What became of a series.

    Attributes:
        path: The store.
        frames: How many frames it has.
        empty: Times of frames without any value.
        notes: What was assumed or left out, as it stands in the store.
    """

    path: Path
    frames: int
    empty: tuple[datetime, ...]
    notes: tuple[str, ...]


def write_cube(
    path: Path,
    series: Series,
    *,
    observations: Observations | None = None,
    geometry: bool = True,
    progress: Progress = silent,
    cancel: Cancel | None = None,
) -> Written:
    """Write a series as a cube: Zarr 2, CF attributes, int16 with fill values, chunks of one time and 256 × 256 cells.

    Besides its elements the cube holds labels and land where the series has them, quality bits, the angles of sun and satellite, and
    the observations that lie in its box and time. It is written beside its place and moved there when it is whole.

    Args:
        path: Where to; a cube that is there is replaced.
        series: What to write; read frame by frame.
        observations: Ships and stations.
        geometry: Whether to store the angles of sun and satellite; they can be computed again.
        progress: Told of each frame.
        cancel: Stops between two frames; nothing is left behind.

    Raises:
        SourceInvalid: If times are out of order, or a frame can't be read or has another shape.
        CubeInvalid: If the grid is none, the series has no frame, or the store can't be written.
        Cancelled: If the person stopped it.
    """
    if not series.times:
        raise CubeInvalid(series.name, "it has no frame.")
    in_order(series.name, series.times)
    series.grid.check(series.name)
    if path.exists() and not any((path / mark).exists() for mark in (".zgroup", "zarr.json")):
        raise CubeInvalid(path.name, "something that is no cube lies there, and is not replaced. Choose another name.")
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.part")
    try:
        store = _Store(part, series, geometry)
        for index in range(len(series.times)):
            stop_if(cancel, "Writing the cube")
            progress("Writing the cube", index, len(series.times))
            store.put(index, series.frame(index))
        if observations is not None:
            store.observe(observations)
        written = replace(store.close(), path=path)
        _settle(part, path)
    except OSError as error:
        why = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else error.strerror or type(error).__name__
        raise CubeInvalid(path.name, f"it can't be written ({why.lower()}). Nothing was left behind.") from None
    finally:
        shutil.rmtree(part, ignore_errors=True)
    progress("Writing the cube", len(series.times), len(series.times))
    return written


class _Store:
    """The arrays of a cube that is being written."""

    def __init__(self, path: Path, series: Series, geometry: bool) -> None:
        import zarr

        self.path, self.series, self.geometry = path, series, geometry
        self.group = zarr.open_group(store=str(path), mode="w", zarr_format=2)
        self.arrays: dict[str, Any] = {}  # kept, for an array that is opened again forgets that empty chunks are written
        self.elements = [Element.named(name) for name in series.elements]
        self.empty: list[datetime] = []
        self.notes: list[str] = list(series.provenance.notes)
        self.frames, (self.rows, self.columns) = len(series.times), series.grid.shape
        about, grid = series.provenance, series.grid
        self.view = (
            None if about.satellite_longitude is None or not about.place_known else angles.view_zenith(grid, about.satellite_longitude)
        )
        self._check_view()
        self._axes()
        self._moving()
        self._still()

    def _check_view(self) -> None:
        if self.view is not None and float(self.view.min()) >= 90:
            name = self.series.provenance.platform or "the satellite"
            raise SourceInvalid(
                self.series.name, f"{name} does not see {self.series.grid.bounds.words()}. Pick another region or satellite."
            )
        if self.view is not None and float(self.view.max()) > quality.SLANT_DEG:
            share = float((self.view > quality.SLANT_DEG).mean())
            self.notes.append(f"{share:.0%} of the cells are seen from beyond 65°: weak")

    def _array(
        self,
        name: str,
        dims: tuple[str, ...],
        dtype: str,
        attributes: Mapping[str, Any],
        fill: float | int | None = None,
        length: int | None = None,
    ) -> Any:  # noqa: ANN401 - zarr gives no types
        sizes = {"time": self.frames, "lat": self.rows, "lon": self.columns, "obs": length or 0}
        chunks = {"time": 1, "lat": min(CHUNK, self.rows), "lon": min(CHUNK, self.columns), "obs": max(1, length or 1)}
        axis = len(dims) == 1
        array = self.group.create_array(
            name,
            shape=tuple(sizes[dim] for dim in dims),
            chunks=tuple(max(1, sizes[dim]) if axis else chunks[dim] for dim in dims),
            dtype=dtype,
            fill_value=fill,
            config={"write_empty_chunks": True},
        )
        array.attrs.update({"_ARRAY_DIMENSIONS": list(dims), **attributes})
        self.arrays[name] = array
        return array

    def _axes(self) -> None:
        grid, times = self.series.grid, self.series.times
        # whole seconds: scan mid times are no round minutes
        seconds = np.array([round((when - _EPOCH).total_seconds()) for when in times], dtype=np.int64)
        known = self.series.provenance.time_known
        words = "scan time, UTC" if known else "nominal: the source does not tell the times"
        about = {"standard_name": "time", "units": "seconds since 2000-01-01", "calendar": "proleptic_gregorian", "long_name": words}
        self._array("time", ("time",), "int64", about)[:] = seconds
        self._array("lat", ("lat",), "float64", {"standard_name": "latitude", "units": "degrees_north"})[:] = grid.lat
        self._array("lon", ("lon",), "float64", {"standard_name": "longitude", "units": "degrees_east"})[:] = grid.lon
        crs = {"grid_mapping_name": "latitude_longitude", "semi_major_axis": 6378137.0, "inverse_flattening": 298.257223563}
        self._array("crs", (), "int32", crs)[...] = 0

    def _moving(self) -> None:
        about = self.series.provenance
        for element in self.elements:
            extra: dict[str, object] = {"scale_factor": element.kind.step}
            if element.name in about.wavelengths:
                extra["wavelength_um"] = about.wavelengths[element.name]
            if element.name in about.units_detected:
                extra["unit_in_source"] = about.units_detected[element.name]
            self._array(element.name, _MOVING, "int16", element.attributes | extra, FILL)
        if self.series.labelled:
            self._array("fog_label", _MOVING, "int8", dict(labels.ATTRIBUTES))
        self._array("quality", _MOVING, "uint16", dict(quality.ATTRIBUTES))
        if self.geometry and about.time_known and about.place_known:
            sun = {"long_name": "cosine of the solar zenith angle", "units": "1", "scale_factor": 1e-4, "grid_mapping": "crs"}
            self._array("cos_sza", _MOVING, "int16", sun, FILL)
            if self.view is not None:
                turn = {"long_name": "azimuth between sun and satellite", "units": "degree", "scale_factor": 0.01, "grid_mapping": "crs"}
                self._array("rel_azimuth", _MOVING, "int16", turn, FILL)

    def _still(self) -> None:
        land = self.series.land
        if land is not None:
            if land.shape != self.series.grid.shape:
                raise SourceInvalid(self.series.name, f"its land mask has {land.shape} cells, its frames {self.series.grid.shape}.")
            about = {"long_name": "land", "flag_values": [0, 1], "flag_meanings": "sea land", "grid_mapping": "crs"}
            self._array("land", _STATIC, "int8", about)[:] = land.astype(np.int8)
        if self.geometry and self.view is not None:
            sight: dict[str, object] = {
                "standard_name": "sensor_zenith_angle",
                "units": "degree",
                "scale_factor": 0.01,
                "grid_mapping": "crs",
            }
            self._array("sat_zenith", _STATIC, "int16", sight, FILL)[:] = _counts(self.view, 0.01)

    def put(self, index: int, frame: Frame) -> None:
        """Write one frame."""
        when, shape = self.series.times[index], self.series.grid.shape
        known = {name: self._checked(name, values, when) for name, values in frame.fields.items() if name in self.series.elements}
        for element in self.elements:
            values = known.get(element.name)
            self.arrays[element.name][index] = np.full(shape, FILL, np.int16) if values is None else element.packed(values)
        if not any(np.isfinite(values).any() for values in known.values()):
            self.empty.append(when)
        self.notes += [f"{when:%Y-%m-%d %H:%M} UTC: {note}" for note in frame.notes]
        if self.series.labelled:
            self.arrays["fog_label"][index] = self._label(frame, when)
        self._conditions(index, when, known, frame.sst_age)

    def _conditions(self, index: int, when: datetime, known: Mapping[str, FloatField], sst_age: timedelta) -> None:
        about, grid = self.series.provenance, self.series.grid
        placed = about.time_known and about.place_known
        cosine = angles.cos_sun_zenith(grid, when) if placed else None
        lacking = {name: np.full(grid.shape, np.nan, np.float32) for name in self.series.elements if name not in known}
        self.arrays["quality"][index] = quality.assess(
            {**known, **lacking},
            when,
            grid,
            zenith=None if cosine is None else np.rad2deg(np.arccos(cosine)),
            satellite_longitude=about.satellite_longitude if placed else None,
            view_zenith=self.view,
            land=self.series.land,
            sst_age=sst_age,
        )
        if self.geometry and cosine is not None:
            self.arrays["cos_sza"][index] = _counts(cosine, 1e-4)
            if about.satellite_longitude is not None:
                self.arrays["rel_azimuth"][index] = _counts(angles.relative_azimuth(grid, when, about.satellite_longitude), 0.01)

    def _checked(self, name: str, values: FloatField, when: datetime) -> FloatField:
        if values.shape != self.series.grid.shape:
            raise SourceInvalid(
                self.series.name, f"{name} at {when:%Y-%m-%d %H:%M} UTC has {values.shape} cells, the grid {self.series.grid.shape}."
            )
        doubt = Element.named(name).doubt(values)
        if doubt:
            raise SourceInvalid(self.series.name, f"{when:%Y-%m-%d %H:%M} UTC: {doubt}")
        return values

    def _label(self, frame: Frame, when: datetime) -> labels.Labels:
        if frame.label is None:
            return np.full(self.series.grid.shape, labels.Label.UNLABELLED, dtype=np.int8)
        if frame.label.shape != self.series.grid.shape:
            raise SourceInvalid(
                self.series.name,
                f"the label of {when:%Y-%m-%d %H:%M} UTC has {frame.label.shape} cells, the picture {self.series.grid.shape}. "
                "They do not belong together.",
            )
        return frame.label

    def observe(self, observations: Observations) -> None:
        """Write the observations of the box and time, half an hour on both sides."""
        first, last = (int(self.series.times[end].timestamp()) for end in (0, -1))
        around = int(timedelta(minutes=30).total_seconds())
        here = observations.take((observations.seconds >= first - around) & (observations.seconds <= last + around)).inside(
            self.series.grid
        )
        self.notes.append(f"{len(here):,} of {len(observations):,} observations lie in its box and time")
        if not len(here):
            return
        for name, (values, attributes) in here.variables.items():
            stored = np.asarray(values)
            kind = f"<U{max(1, stored.dtype.itemsize // 4)}" if stored.dtype.kind == "U" else str(stored.dtype)
            self._array(name, ("obs",), kind, attributes, None, len(here))[:] = stored

    def close(self) -> Written:
        """Write what is known of the whole."""
        import zarr

        if len(self.empty) == self.frames:
            raise SourceInvalid(self.series.name, "none of its frames holds a value.")
        if self.empty:
            shown = ", ".join(f"{when:%Y-%m-%d %H:%M}" for when in self.empty[:5])
            self.notes.append(f"{len(self.empty)} frames without any value: {shown}{' …' if len(self.empty) > 5 else ''}")
        about = replace(self.series.provenance, notes=tuple(self.notes))
        self.group.attrs.update(about.attrs | {COMPLETE: 1, "history": f"made by Pharos, reader {about.layout or 'unknown'}"})
        zarr.consolidate_metadata(str(self.path), zarr_format=2)
        return Written(self.path, self.frames, tuple(self.empty), tuple(self.notes))


def _counts(values: FloatField, step: float) -> NDArray[np.int16]:
    return np.clip(np.round(values / np.float32(step)), -32767, 32767).astype(np.int16)


def _settle(part: Path, path: Path) -> None:
    """Put the whole store in its place; an older one goes only after the new one stands."""
    old = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.old")
    with suppress(FileNotFoundError):
        path.rename(old)
    part.rename(path)
    shutil.rmtree(old, ignore_errors=True)
