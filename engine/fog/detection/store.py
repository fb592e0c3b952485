"""Masks on disk, one frame at a time: a CF store with probability, state, reasons and validity, which ``fog score`` reads."""

from __future__ import annotations

import errno
import json
import shutil
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.errors import MaskUnwritable
from engine.fog.cube import Cube
from engine.fog.mask import WORDS, Check, FogMask, State, Validity
from engine.fog.provenance import marked_synthetic

CHUNK: Final = 256
"""Cells a side of a chunk, as in cubes."""
_MOVING: Final = ("time", "lat", "lon")
_EPOCH: Final = datetime(2000, 1, 1, tzinfo=UTC)
_NO_PROBABILITY: Final = 255
_ENDINGS: Final = (".zarr", ".nc")


def destination(path: Path, synthetic: bool) -> Path:
    """Where a mask goes: the names of those of made-up data say so.

    Raises:
        MaskUnwritable: If the ending is none that is written.
    """
    if path.suffix.lower() not in _ENDINGS:
        raise MaskUnwritable(path.name, f"give it the ending {' or '.join(_ENDINGS)}.")
    return path if not synthetic or marked_synthetic(path) else path.with_name(f"SYNTHETIC_{path.name}")


class MaskStore:
    """A store of masks that is being written: beside its place, and moved there when it is whole.

    Use as a context: what is not finished leaves nothing behind.
    """

    def __init__(self, path: Path, cube: Cube, frames: Sequence[int], method: str, *, experimental: bool = False) -> None:
        """Begin.

        Args:
            path: Zarr store or NetCDF file; one that is there is replaced.
            cube: What is judged.
            frames: Indices of the frames that will be put.
            method: Title of the detector.
            experimental: Whether it must be marked so.

        Raises:
            MaskUnwritable: If something that is no mask lies there.
        """
        self.path = destination(path, cube.synthetic)
        if self.path.is_dir() and not (self.path / ".zgroup").exists():
            raise MaskUnwritable(self.path.name, "something that is no store lies there, and is not replaced. Choose another name.")
        self.cube, self.frames = cube, tuple(frames)
        self.notes: list[str] = []
        self._part = self.path.with_name(f".{self.path.stem}.{uuid.uuid4().hex[:8]}.part")
        self._about = _about(cube, method, experimental)
        self._arrays: dict[str, Any] = {}

    def __enter__(self) -> Self:
        import zarr

        with _telling(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._group = zarr.open_group(store=str(self._part), mode="w", zarr_format=2)
            self._axes()
            for name, (kind, fill, attributes) in _VARIABLES.items():
                self._arrays[name] = self._array(name, _MOVING, kind, attributes, fill)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                with _telling(self.path):
                    self._finish()
        finally:
            shutil.rmtree(self._part, ignore_errors=True)

    def put(self, place: int, mask: FogMask) -> None:
        """Write the mask of a frame; its notes are kept with its time.

        Args:
            place: Which of the frames, from 0.
            mask: Its mask.
        """
        known = np.isfinite(mask.probability)
        steps = np.where(known, np.rint(np.nan_to_num(mask.probability) * 254), _NO_PROBABILITY).astype(np.uint8)
        reasons = np.zeros(mask.state.shape, np.uint32) if mask.reasons is None else mask.reasons
        with _telling(self.path):
            for name, values in (("fog_prob", steps), ("fog_state", mask.state), ("fog_reasons", reasons), ("fog_validity", mask.validity)):
                self._arrays[name][place] = values
        self._note(mask.time, mask.notes)

    def skip(self, place: int, why: str) -> None:
        """Write that a frame could not be judged, and why: no data all over."""
        shape = self.cube.shape
        with _telling(self.path):
            self._arrays["fog_prob"][place] = np.full(shape, np.uint8(_NO_PROBABILITY))
            self._arrays["fog_state"][place] = np.full(shape, np.uint8(State.NO_DATA))
            self._arrays["fog_reasons"][place] = np.zeros(shape, np.uint32)
            self._arrays["fog_validity"][place] = np.full(shape, np.uint16(Validity.MISSING))
        self._note(self.cube.times[self.frames[place]], (f"not judged: {why}",))

    def _note(self, when: datetime, notes: Sequence[str]) -> None:
        self.notes += [f"{when:%Y-%m-%d %H:%M} UTC: {note}" for note in notes]

    def _axes(self) -> None:
        seconds = [round((self.cube.times[frame] - _EPOCH).total_seconds()) for frame in self.frames]
        about = {"standard_name": "time", "units": "seconds since 2000-01-01", "calendar": "proleptic_gregorian"}
        self._array("time", ("time",), "int64", about)[:] = np.array(seconds, dtype=np.int64)
        self._array("lat", ("lat",), "float64", {"standard_name": "latitude", "units": "degrees_north"})[:] = self.cube.lat
        self._array("lon", ("lon",), "float64", {"standard_name": "longitude", "units": "degrees_east"})[:] = self.cube.lon

    def _array(self, name: str, dims: tuple[str, ...], kind: str, attributes: dict[str, Any], fill: int | None = None) -> Any:  # noqa: ANN401 - zarr
        sizes = {"time": len(self.frames), "lat": self.cube.shape[0], "lon": self.cube.shape[1]}
        shape = tuple(sizes[dim] for dim in dims)
        chunks = shape if len(dims) == 1 else (1, *(min(size, CHUNK) for size in shape[1:]))
        array = self._group.create_array(name, shape=shape, chunks=chunks, dtype=kind, fill_value=fill, config={"write_empty_chunks": True})
        array.attrs.update({**attributes, "_ARRAY_DIMENSIONS": list(dims)})
        return array

    def _finish(self) -> None:
        import zarr

        self._group.attrs.update(self._about | {"notes": json.dumps(self.notes[:_MOST_NOTES], ensure_ascii=False)})
        zarr.consolidate_metadata(str(self._part), zarr_format=2)
        if self.path.suffix.lower() == ".nc":
            self._as_netcdf()
            return
        old = self.path.with_name(f".{self.path.name}.{uuid.uuid4().hex[:8]}.old")
        with suppress(FileNotFoundError):
            self.path.rename(old)
        self._part.rename(self.path)
        shutil.rmtree(old, ignore_errors=True)

    def _as_netcdf(self) -> None:
        import xarray as xr

        beside = self.path.with_name(f".{self.path.stem}.{uuid.uuid4().hex[:8]}.nc")
        try:
            with xr.open_dataset(self._part, engine="zarr", mask_and_scale=False, decode_times=False, chunks=None) as data:
                data.to_netcdf(beside, engine="h5netcdf")
            beside.replace(self.path)
        finally:
            beside.unlink(missing_ok=True)


_MOST_NOTES: Final = 1000


def _flags(kind: type[Validity]) -> dict[str, Any]:
    return {"flag_masks": [int(flag) for flag in kind], "flag_meanings": " ".join(str(flag.name).lower() for flag in kind)}


_VARIABLES: Final[dict[str, tuple[str, int | None, dict[str, Any]]]] = {
    "fog_prob": (
        "uint8",
        None,
        {"long_name": f"probability of {WORDS}", "scale_factor": 1 / 254, "_FillValue": _NO_PROBABILITY},
    ),
    "fog_state": (
        "uint8",
        None,
        {
            "long_name": "state",
            "flag_values": [int(state) for state in State],
            "flag_meanings": " ".join(state.words.replace(" ", "_") for state in State),
        },
    ),
    "fog_reasons": (
        "uint32",
        None,
        {
            "long_name": "tests that were passed (lower half) and failed (upper half)",
            "flag_masks": [check.passed_bit for check in Check] + [check.failed_bit for check in Check],
            "flag_meanings": " ".join([check.name.lower() for check in Check] + [f"not_{check.name.lower()}" for check in Check]),
        },
    ),
    "fog_validity": ("uint16", None, {"long_name": "conditions under which a cell was judged", **_flags(Validity)}),
}
"""Name → type, fill and attributes."""


def _about(cube: Cube, method: str, experimental: bool) -> dict[str, Any]:
    names = ("region_id", "region_name", "platform", "instrument", "sub_satellite_lon")
    kept = {name: cube.attrs[name] for name in names if name in cube.attrs}
    return {
        **kept,
        "Conventions": "CF-1.11",
        "title": f"{'SYNTHETIC ' if cube.synthetic else ''}{WORDS}: {cube.title.removeprefix('SYNTHETIC ')}",
        "summary": f"{WORDS}; satellites see tops and not the base, so the two can't be told apart",
        "synthetic": int(cube.synthetic),
        "source": f"detected in the cube {cube.name}",
        "method": method,
        "experimental": int(experimental),
        "history": f"made by Pharos on {datetime.now(UTC):%Y-%m-%dT%H:%M}Z",
    }


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """What the disk says becomes an error that a person can read."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        why = "the disk is full" if full else (error.strerror or type(error).__name__).lower()
        raise MaskUnwritable(path.name, f"{why}. Nothing was left behind.") from None


def unpacked(values: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Stored steps of a probability as 0–1, NaN where there is none."""
    return np.where(values == _NO_PROBABILITY, np.float32(np.nan), values.astype(np.float32) / np.float32(254))
