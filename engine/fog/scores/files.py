"""Masks and labels from files: cubes and other CF stores, GeoTIFF, pictures and NumPy arrays."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import ScoresInvalid
from engine.fog.labels import Label
from engine.fog.mask import State
from engine.fog.scores.events import events
from engine.fog.scores.pairs import Pair, Said, Truth, words
from engine.fog.sun import solar_zenith

if TYPE_CHECKING:
    import xarray as xr

Kind = Literal["state", "label", "probability", "mask"]
Values = NDArray[np.float32]

NAMES: Final[dict[Kind, tuple[str, ...]]] = {
    "state": ("state", "fog_state"),
    "label": ("fog_label", "label", "labels"),
    "probability": ("fog_prob", "fog_probability", "probability"),
    "mask": ("fog", "fog_mask", "mask"),
}
"""Variables that are understood, by what they hold."""
SAME_TIME: Final = timedelta(minutes=1)
MOST_PIXELS: Final = 200_000_000
"""Largest picture or array that is read, values."""
_THRESHOLD: Final = 0.5
_CODES: Final = np.array([int(state) for state in State])


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """Frames of one kind.

    Attributes:
        kind: What the values mean: state codes, label codes, a probability, or fog and not.
        read: Index → (n, m) float32, NaN where there is no value.
    """

    kind: Kind
    read: Callable[[int], Values]


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """A file of masks or labels.

    Attributes:
        name: What it is called.
        count: How many frames.
        layers: What it holds.
        times: Of the frames, UTC, if known.
        lat: (n,) cell centres in degrees, if known, descending.
        lon: (m,) cell centres in degrees east, if known.
        region: Where, if known.
        synthetic: Whether it is made up.
    """

    name: str
    count: int
    layers: tuple[Layer, ...]
    times: tuple[datetime, ...] | None = None
    lat: NDArray[np.float64] | None = None
    lon: NDArray[np.float64] | None = None
    region: str = "unknown"
    synthetic: bool = False

    @classmethod
    def open(cls, path: Path) -> Frames:
        """Open a file.

        Args:
            path: A Zarr store or NetCDF file with one of :data:`NAMES`, a GeoTIFF (one band a frame), a picture of 0 and 255, or
                a ``.npy`` array (n, m) or (T, n, m).

        Raises:
            ScoresInvalid: If there is nothing, or nothing that can be read.
        """
        path = path if path.exists() else path.with_name(f"SYNTHETIC_{path.name}")  # what was made of made-up data was named so
        if not path.exists():
            raise ScoresInvalid(f"there is no “{path.with_name(path.name.removeprefix('SYNTHETIC_'))}”.")
        ending = path.suffix.lower()
        try:
            if ending == ".npy":
                return _of_array(path.stem, np.load(path, mmap_mode="r", allow_pickle=False))
            if ending in (".tif", ".tiff"):
                return _of_geotiff(path)
            if ending in (".png", ".gif", ".bmp"):
                return _of_array(path.stem, _picture(path))
            return _of_store(path)
        except (OSError, ValueError) as error:
            raise ScoresInvalid(
                f"“{path.name}” can't be read ({type(error).__name__}). Give a cube, a NetCDF file, a GeoTIFF, a PNG or .npy."
            ) from None

    def said(self, index: int) -> Said:
        """What a frame says as a mask: its states, else its probability from 0.5, its mask or its labels."""
        probability = self._values("probability", index)
        for kind in ("state", "mask", "label"):
            values = self._values(kind, index)
            if values is not None:
                return Said(_states(kind, values), probability)
        return Said(_states("probability", probability if probability is not None else np.empty((0, 0), np.float32)), probability)

    def truth(self, index: int, *, stratus_counts: bool = False) -> Truth:
        """What a frame says as labels: its labels, else its mask or its states, obscured being unknown."""
        for kind in ("label", "mask", "state", "probability"):
            values = self._values(kind, index)
            if values is not None:
                return Truth(_labels(kind, values), stratus_counts)
        return Truth(np.empty((0, 0), np.int8))

    def zenith(self, index: int) -> NDArray[np.float64] | None:
        """(n, m) solar zenith angle of a frame, degrees, where time and place are known."""
        if self.times is None or self.lat is None or self.lon is None:
            return None
        return solar_zenith(self.times[index], self.lat[:, None], self.lon[None, :])

    def _values(self, kind: str, index: int) -> Values | None:
        return next((layer.read(index) for layer in self.layers if layer.kind == kind), None)


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Frames of a mask and of labels that belong together.

    Attributes:
        mask: The mask.
        truth: The labels.
        matches: Indices into both.
        stratus_counts: Whether low stratus counts as the event too.
    """

    mask: Frames
    truth: Frames
    matches: tuple[tuple[int, int], ...]
    stratus_counts: bool = False

    @classmethod
    def of(cls, mask: Frames, truth: Frames, *, stratus_counts: bool = False) -> Comparison:
        """Join frames by their times; where either has none, in their order.

        Raises:
            ScoresInvalid: If no time is in both, the numbers of frames differ, or the grids are not the same.
        """
        if mask.times is None or truth.times is None:
            if mask.count != truth.count:
                why = f"“{mask.name}” has {mask.count} frames, “{truth.name}” {truth.count}, and not both have times to join them by."
                raise ScoresInvalid(why)
            matches = tuple((index, index) for index in range(mask.count))
        else:
            matches = tuple(_by_time(mask.times, truth.times))
            if not matches:
                spans = " and ".join(f"{times[0]:%Y-%m-%d %H:%M} to {times[-1]:%Y-%m-%d %H:%M} UTC" for times in (mask.times, truth.times))
                raise ScoresInvalid(f"no frame of the mask has the time of one of the truth: they cover {spans}.")
        _same_place(mask, truth)
        return cls(mask, truth, matches, stratus_counts)

    @property
    def skipped(self) -> int:
        """Frames of the mask without a counterpart."""
        return self.mask.count - len(self.matches)

    def pairs(self) -> Iterator[Pair]:
        """The frames, one after the other."""
        place = self.mask if self.mask.lat is not None else self.truth
        numbers = self._events()
        for (one, two), number in zip(self.matches, numbers, strict=True):
            clock = self.mask if self.mask.times is not None else self.truth
            where = one if clock is self.mask else two
            when = None if clock.times is None else clock.times[where]
            said, truth = self.mask.said(one), self.truth.truth(two, stratus_counts=self.stratus_counts)
            zenith = None
            if when is not None and place.lat is not None and place.lon is not None:
                zenith = solar_zenith(when, place.lat[:, None], place.lon[None, :])
            region = self.truth.region if self.truth.region != "unknown" else self.mask.region
            yield Pair(said, truth, zenith, when, region, f"{self.truth.name} {number}")

    def _events(self) -> Sequence[int]:
        times = self.truth.times or self.mask.times
        if times is None:
            return range(len(self.matches))  # nothing joins them: each is its own
        side = 1 if self.truth.times is not None else 0
        foggy = [bool(self.truth.truth(two, stratus_counts=self.stratus_counts).fog.any()) for _, two in self.matches]
        return events([times[match[side]] for match in self.matches], foggy)


def _by_time(one: Sequence[datetime], two: Sequence[datetime]) -> Iterator[tuple[int, int]]:
    seconds = np.array([when.timestamp() for when in two])
    for index, when in enumerate(one):
        near = int(np.argmin(np.abs(seconds - when.timestamp())))
        if abs(two[near] - when) <= SAME_TIME:
            yield index, near


def _same_place(mask: Frames, truth: Frames) -> None:
    for axis, other in ((mask.lat, truth.lat), (mask.lon, truth.lon)):
        if axis is None or other is None:
            continue
        if axis.shape != other.shape:
            sizes = [words((f.lat.size, f.lon.size)) for f in (mask, truth) if f.lat is not None and f.lon is not None]
            raise ScoresInvalid(f"the mask has {sizes[0]} cells, the truth {sizes[-1]}. Bring both onto one grid.")
        half = 0.5 * abs(axis[-1] - axis[0]) / max(axis.size - 1, 1) if axis.size > 1 else 0.01
        if np.abs((axis - other + 180) % 360 - 180).max() > half:
            raise ScoresInvalid("mask and truth lie in different places. Bring both onto one grid.")


def _states(kind: str, values: Values) -> NDArray[np.uint8]:
    known = np.isfinite(values)
    filled = np.where(known, values, 0)
    if kind == "state":
        codes = filled.astype(np.int64)
        if not np.isin(codes, _CODES).all():
            raise ScoresInvalid(
                f"the states hold the code {int(codes[~np.isin(codes, _CODES)][0])}; known are {', '.join(map(str, _CODES))}."
            )
        return np.where(known, codes, State.NO_DATA).astype(np.uint8)
    if kind == "label":
        states = np.where(filled == Label.FOG, State.FOG, np.where(filled == Label.FOG_BELOW_CLOUD, State.OBSCURED, State.CLEAR))
        return np.where(known & (filled != Label.UNLABELLED) & (filled != Label.UNCERTAIN), states, State.NO_DATA).astype(np.uint8)
    return np.where(known, np.where(filled >= _THRESHOLD, State.FOG, State.CLEAR), State.NO_DATA).astype(np.uint8)


def _labels(kind: str, values: Values) -> NDArray[np.int8]:
    if kind == "label":
        return np.where(np.isfinite(values), values, Label.UNLABELLED).astype(np.int8)
    states = _states(kind, values)
    named = np.where(states == State.FOG, Label.FOG, np.where(states == State.CLEAR, Label.NOT_FOG, Label.UNLABELLED))
    return named.astype(np.int8)


def _of_store(path: Path) -> Frames:
    import xarray as xr

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # stores without consolidated metadata are slower, not wrong
        try:
            data = xr.open_dataset(path, engine="zarr" if path.is_dir() else None, chunks=None)
        except Exception as error:  # each back end raises its own kinds
            raise ScoresInvalid(f"“{path.name}” is no readable store ({type(error).__name__}).") from None
    found = [(kind, name) for kind, names in NAMES.items() for name in names if name in data and data[name].ndim in (2, 3)]
    if not found:
        known = ", ".join(name for names in NAMES.values() for name in names)
        raise ScoresInvalid(f"“{path.name}” holds no mask and no labels. Known variables: {known}.")
    lat, lon = (np.asarray(data[axis].values, dtype=np.float64) if axis in data.coords else None for axis in ("lat", "lon"))
    upward = lat is not None and lat.size > 1 and bool(lat[0] < lat[-1])
    times = _times(data)
    layers = tuple(Layer(kind, _reader(data[name], upward)) for kind, name in found)
    count = max(data[name].shape[0] if data[name].ndim == 3 else 1 for _, name in found)
    if times is not None and len(times) != count:
        times = None
    region = str(data.attrs.get("region_id") or "unknown")
    synthetic = bool(int(data.attrs.get("synthetic", 0)))
    return Frames(path.stem, count, layers, times, lat[::-1].copy() if upward and lat is not None else lat, lon, region, synthetic)


def _reader(variable: xr.DataArray, upward: bool) -> Callable[[int], Values]:
    def read(index: int) -> Values:
        values = np.asarray((variable[index] if variable.ndim == 3 else variable).values, dtype=np.float32)
        return values[::-1] if upward else values

    return read


def _times(data: xr.Dataset) -> tuple[datetime, ...] | None:
    if "time" not in data.coords or not np.issubdtype(data["time"].dtype, np.datetime64):
        return None
    stamps = np.atleast_1d(data["time"].values).astype("datetime64[us]").astype(np.int64)
    return tuple(datetime.fromtimestamp(int(stamp) / 1e6, tz=UTC) for stamp in stamps)


def _of_geotiff(path: Path) -> Frames:
    import rasterio

    with rasterio.open(path) as source:
        if source.width * source.height * source.count > MOST_PIXELS:
            raise ScoresInvalid(f"“{path.name}” has more than {MOST_PIXELS:,} values.")
        values = source.read(masked=True)
        stack = np.where(np.ma.getmaskarray(values), np.nan, values.data.astype(np.float32))
        described, scale = source.descriptions, np.float32(source.scales[-1])
        lat = lon = None
        if source.crs is not None and source.crs.to_epsg() == 4326 and source.transform.b == source.transform.d == 0:
            lat = source.transform.f + source.transform.e * (np.arange(source.height) + 0.5)
            lon = source.transform.c + source.transform.a * (np.arange(source.width) + 0.5)
    if described == ("state", "probability"):  # one frame, as `fog export` writes it
        state: Values = np.where(np.isnan(stack[0]), np.float32(State.NO_DATA), stack[0])
        probability: Values = stack[1] * scale
        layers = (Layer("state", lambda _: state), Layer("probability", lambda _: probability))
        return Frames(path.stem, 1, layers, None, lat, lon)
    frames = _of_array(path.stem, stack)
    return Frames(frames.name, frames.count, frames.layers, None, lat, lon)


def _picture(path: Path) -> NDArray[Any]:
    from PIL import Image

    with Image.open(path) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise ScoresInvalid(f"“{path.name}” has more than {MOST_PIXELS:,} pixels.")
        return np.asarray(picture if picture.mode in ("L", "P", "I", "I;16") else picture.convert("L"))


def _of_array(name: str, values: NDArray[Any]) -> Frames:
    if values.ndim not in (2, 3) or not values.size or values.size > MOST_PIXELS:
        raise ScoresInvalid(f"“{name}” has the shape {values.shape}; (rows, columns) or (frames, rows, columns) is needed.")
    stack: NDArray[np.float32] = np.asarray(values if values.ndim == 3 else values[None], dtype=np.float32)
    kind, divisor = _guess(name, stack)
    return Frames(name, len(stack), (Layer(kind, lambda index: stack[index] / np.float32(divisor)),))


def _guess(name: str, values: Values) -> tuple[Kind, float]:
    """What bare numbers mean, by which they are: 0 and 1 or 0 and 255 are a mask, whole numbers states or labels, others a probability."""
    finite = values[np.isfinite(values)]
    codes = np.unique(finite[:: max(1, finite.size // 1_000_000)])
    if np.isin(codes, [0, 1]).all():
        return "mask", 1
    if np.isin(codes, [0, 255]).all():
        return "mask", 255
    if np.isin(codes, _CODES).all():
        return "state", 1
    if np.isin(codes, [int(code) for code in Label]).all():
        return "label", 1
    if codes.min() >= 0 and codes.max() <= 1:
        return "probability", 1
    raise ScoresInvalid(
        f"the numbers of “{name}” ({codes.min():g} to {codes.max():g}) are no mask, no states, no labels and no probabilities."
    )
