"""M4Fog's tracks A (static) and B (dynamic): one ``.npy`` a time with its label as a picture beside it."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid, UnitsUnclear
from engine.fog import angles
from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.instruments import Instrument, instruments
from engine.fog.labels import Label, Labels
from engine.fog.provenance import Provenance, fingerprint, marked_synthetic
from engine.fog.reading.masks import read_label
from engine.fog.reading.options import Options
from engine.fog.reading.regrid import Regrid
from engine.fog.reading.units import System, system_of
from engine.fog.regions import sea_regions
from engine.fog.series import FloatField, Frame, Series

CHANNELS: Final = (3, 12, 14, 15, 16, 17, 18, 32)
"""Lengths that mark the axis of channels, sea surface temperature and land mask included."""
BY_CHANNELS: Final = {12: "SEVIRI", 14: "AGRI", 15: "AGRI-B"}
"""Imager by its number of channels; sixteen are AHI or ABI, told apart by their values."""

_STAMP: Final = re.compile(r"(?<!\d)(\d{8})[_T-]?(\d{4})(?!\d)")
_BESIDE: Final = re.compile(r"^(land_mask|sst|U_|V_|gridX_|gridY_|conn_)", re.IGNORECASE)
_LAYERS: Final = 4096
"""Most files that are opened to learn what they hold."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One cube file.

    Attributes:
        path: The ``.npy``.
        time: UTC.
        region: Id of a sea region in its name, or empty.
        first: Its first channel in the file: pairs hold two frames.
    """

    path: Path
    time: datetime
    region: str = ""
    first: int = 0

    @property
    def label(self) -> Path | None:
        """The label beside it, in either of the two names."""
        known = [self.path.with_name(f"conn_{self.path.stem}_300_sp.png"), self.path.with_name(f"{self.path.stem}.png")]
        return next((path for path in known if path.is_file()), None) if self.first == 0 else None


@dataclass(frozen=True, slots=True)
class Layout:
    """How the channels of a file lie.

    Attributes:
        axis: Which axis the channels are on.
        bands: Channels of the imager.
        pairs: Whether two frames are stacked.
        sst: Channel of the sea surface temperature, or ``None``.
        land: Channel of the land mask, or ``None``.
        shape: Rows and columns.
    """

    axis: int
    bands: int
    pairs: bool
    sst: int | None
    land: int | None
    shape: tuple[int, int]

    @classmethod
    def of(cls, path: Path) -> Layout:
        """From one file.

        Raises:
            SourceInvalid: If no axis can be that of the channels.
        """
        array = opened(path)
        axis = _channel_axis(path.name, array)
        count = array.shape[axis]
        shape = tuple(size for place, size in enumerate(array.shape) if place != axis)
        if count == 32:
            return cls(axis, 16, True, None, None, (shape[0], shape[1]))
        last = _channel(array, axis, count - 1)
        land = count - 1 if _is_mask(last) else None
        before = count - 2 if land is not None else count - 1
        sst = before if _is_scaled_sst(_channel(array, axis, before)) else None
        bands = count - (land is not None) - (sst is not None)
        if bands not in {*BY_CHANNELS, 16} and count in {*BY_CHANNELS, 16}:
            bands, land, sst = count, None, None
        if bands not in {*BY_CHANNELS, 16}:
            raise SourceInvalid(path.name, f"it has {bands} bands besides sea surface temperature and land; 12, 14, 15 or 16 are known.")
        return cls(axis, bands, False, sst, land, (shape[0], shape[1]))


class M4FogSeries(Series):
    """A folder of M4Fog's track A or B, for one region, as frames in per cent and kelvin or, where only greys were kept, as greys.

    Files are ``root/*.npy`` or ``root/<split>/*.npy``. Three systems of values are told apart by what the brightest daylight picture
    holds. Sea surface temperature comes as a channel, scaled (T + 2 °C) / 32 with −1 over land, or as ``sst_YYYYMMDD.npz`` in °C.
    GOES pictures have Mercator rows and are brought onto even latitudes.
    """

    labelled = True

    def __init__(self, root: Path, options: Options, track: str = "m4fog-a") -> None:
        self.name = root.name or str(root)
        self._root, self._options = root, options
        samples = self._of_region(_samples(root))
        self._layout = Layout.of(samples[0].path)
        self._samples = _in_time(self.name, _with_pairs(samples, options.lag_minutes) if self._layout.pairs else samples)
        self.times = tuple(sample.time for sample in self._samples)
        self.grid, self._placed = self._place()
        self.system, self._instrument = self._detect()
        self._mercator = Regrid.from_mercator_rows(self.grid) if self._instrument.id == "ABI" else None
        self._flows = _beside(root, "U_") if track == "m4fog-b" else {}
        self._sst_files = {path.stem[4:12]: path for path in _neighbours(root, "sst_*.npz")}
        self.land = self._read_land()
        self._available = self._elements()
        self.elements = options.chosen(self.name, self._available)
        self.provenance = self._about(track)

    def _of_region(self, samples: list[Sample]) -> list[Sample]:
        """The samples of the one region that was asked for or that there is."""
        wanted, found = self._options.region_id, sorted({sample.region for sample in samples if sample.region})
        if len(found) < 2:
            return samples
        if not wanted:
            raise SourceInvalid(self.name, f"it holds several regions ({', '.join(found)}). Choose one with --region.")
        kept = [sample for sample in samples if sample.region == wanted]
        if not kept:
            raise SourceInvalid(self.name, f"it holds nothing of {wanted}, only {', '.join(found)}.")
        return kept

    def _place(self) -> tuple[Grid, str]:
        """Where the pictures lie, and how that is known."""
        box, own = self._options.box, self._samples[0].region
        if box is not None:
            return Grid.of_shape(box, self._layout.shape), "said by the person who converted it"
        region = own or "YB"
        known = "by the file names" if own else "assumed: Yellow and Bohai Seas, the region of M4Fog's sets of this kind"
        return Grid.of_shape(sea_regions()[region].bounds, self._layout.shape), known

    def _detect(self) -> tuple[System, Instrument]:
        """The system of values, from the picture with the highest sun; and the imager."""
        middle = Grid(self.grid.lat[len(self.grid.lat) // 2 :][:1], self.grid.lon[len(self.grid.lon) // 2 :][:1])
        zenith = [float(angles.sun_zenith(middle, when)[0, 0]) for when in self.times[:_LAYERS]]
        brightest = int(np.argmin(zenith))
        sample, bands = self._samples[brightest], self._layout.bands
        guess = instruments()[self._options.instrument or BY_CHANNELS.get(bands, "AHI")] if self._known_instrument() else None
        if guess is None:
            raise SourceInvalid(self._options.instrument, f"there is no such imager; known: {', '.join(instruments())}.")
        stack = self._stack(sample)
        system = system_of(sample.path.name, *_split(stack, guess), zenith[brightest])
        if system is None:
            self._dark = True
            system = System.PERCENT if bands == 16 else System.FRACTION  # what M4Fog's sets of this imager use; all of it is night
        else:
            self._dark = False
        return system, self._imager(system, bands)

    def _known_instrument(self) -> bool:
        return not self._options.instrument or self._options.instrument in instruments()

    def _imager(self, system: System, bands: int) -> Instrument:
        known = instruments()
        if self._options.instrument:
            imager = known[self._options.instrument]
            if len(imager.bands) != bands:
                raise SourceInvalid(self.name, f"its pictures have {bands} bands; {imager.name} has {len(imager.bands)}.")
            return imager
        if bands in BY_CHANNELS:
            return known[BY_CHANNELS[bands]]
        series = sea_regions()[self._samples[0].region].satellites if self._samples[0].region else ()
        return known["ABI" if "GOES" in series or (system is System.PERCENT and self._layout.axis == 0) else "AHI"]

    def _elements(self) -> tuple[str, ...]:
        names = [_grey(band.element) if self.system is System.GREY else band.element for band in self._instrument.bands if band.element]
        sst = ["SST"] if self._layout.sst is not None or self._sst_files else []
        return (*names, *sst, *(["FLOWX", "FLOWY"] if self._flows else []))

    def _about(self, track: str) -> Provenance:
        files = [sample.path for sample in self._samples if sample.first == 0]
        count, digest = fingerprint(files)
        platform = next((each for each in self._instrument.platforms if each.serves(self.times[0])), self._instrument.platforms[0])
        notes = [f"place: {self._placed}"]
        if self.system is System.GREY:
            notes.append("only grey levels of a stretched picture were kept: good for texture and motion, not for temperature")
        else:
            notes.append("reflectances are not divided by the cosine of the solar zenith angle in the files; the cube does it on reading")
        if self._dark:
            notes.append("no picture by day: the unit of reflectance can't be told and does not matter")
        if "SST" not in self._available:
            notes.append("no sea surface temperature: height above the sea is judged by 11 µm alone")
        if self._mercator is not None:
            notes.append("rows were even in Mercator's projection; the nearest row of each latitude was taken")
        if self._layout.pairs:
            notes.append(f"pairs: the first sixteen channels are the frame of the name, the others {self._options.lag_minutes} min before")
        if self._flows:
            notes.append("apparent motion: sign turned to point where things go; Horn–Schunck's magnitudes are 30–60 % too small")
        synthetic = self._options.synthetic if self._options.synthetic is not None else marked_synthetic(self._root.absolute())
        return Provenance(
            synthetic=synthetic,
            title=f"M4Fog {self._instrument.name}, {self.name}",
            source="M4Fog cubes and labels",
            layout=track,
            platform=platform.name,
            instrument=self._instrument.name,
            satellite_longitude=platform.longitude,
            region=self._options.region_id or self._samples[0].region,
            units_detected={name: self._unit(name) for name in self.elements},
            wavelengths={band.element: band.wavelength for band in self._instrument.bands if band.element in self.elements},
            files=count,
            files_sha256=digest,
            sun_normalised=self.system is System.GREY,
            label_provenance="M4Fog: drawn by people on the pictures, two classes: sea fog and other",
            notes=tuple(notes),
        )

    def _unit(self, name: str) -> str:
        if name == "SST":
            return "(°C + 2) / 32" if self._layout.sst is not None else "°C"
        if name.startswith("FLOW"):
            return "cells a frame pair, sign turned"
        return self.system.unit(Element.named(name))

    def frame(self, index: int) -> Frame:
        """Read one frame; labels are 1 fog, 0 other, −1 land or unlabelled.

        Raises:
            SourceInvalid: If the file is broken, of another shape or in other units than the rest.
        """
        sample = self._samples[index]
        stack = self._stack(sample)
        notes = self._check_system(sample, stack, index)
        fields = self._bands(stack, index)
        if "SST" in self.elements:
            sst = self._sst(sample)
            if sst is None:
                notes += ("no sea surface temperature for this day",)
            else:
                fields["SST"] = sst
        flow = self._flow(sample)
        fields |= {name: values for name, values in flow.items() if name in self.elements}
        label = self._label(sample)
        if self._mercator is not None:
            fields = {name: self._mercator.of(values) for name, values in fields.items()}
        return Frame(fields, label, notes)

    def _check_system(self, sample: Sample, stack: NDArray[Any], index: int) -> tuple[str, ...]:
        if not np.isfinite(stack).any():
            return ()
        zenith = float(angles.sun_zenith(self.grid, self.times[index])[:: max(1, self.grid.shape[0] // 8)].min())
        try:
            system = system_of(sample.path.name, *_split(stack, self._instrument), zenith)
        except UnitsUnclear:
            if not np.any(stack[[place for place, band in enumerate(self._instrument.bands) if band.wavelength > 3]]):
                return ("its infrared bands hold no value",)
            raise
        if system is not None and system is not self.system:
            raise SourceInvalid(
                sample.path.name, f"it is written as {system.value}, the others as {self.system.value}. Convert them apart."
            )
        return ()

    def _bands(self, stack: NDArray[Any], index: int) -> dict[str, FloatField]:
        grey = self.system is System.GREY
        nothing = ~np.isfinite(stack).all(0) | (stack == 0).all(0)
        if not grey:  # counts beyond the table were written as 0 in the infrared
            infrared = [place for place, band in enumerate(self._instrument.bands) if band.wavelength > 3]
            nothing = nothing | (stack[infrared] == 0).all(0)
        lit = angles.cos_sun_zenith(self.grid, self.times[index]) > np.cos(np.deg2rad(angles.DUSK_DEG))
        out = {}
        for place, band in enumerate(self._instrument.bands):
            name = _grey(band.element) if grey and band.element else band.element
            if not name or name not in self.elements:
                continue
            values = stack[place].astype(np.float32)
            hidden = nothing | ~lit if band.wavelength < 3 else nothing | ((values == 0) & (not grey))
            if self.system is System.FRACTION and band.wavelength < 3:
                values = values * np.float32(100)
            out[name] = np.where(hidden, np.float32(np.nan), values).astype(np.float32)
        return out

    def _stack(self, sample: Sample) -> NDArray[Any]:
        """(bands, n, m) values as they are in the file."""
        array, layout = opened(sample.path), self._layout
        shape = tuple(size for place, size in enumerate(array.shape) if place != layout.axis) if array.ndim == 3 else array.shape
        if shape != layout.shape:
            raise SourceInvalid(sample.path.name, f"it has {shape} cells, the others {layout.shape}.")
        moved = np.moveaxis(array, layout.axis, 0)
        if len(moved) < sample.first + layout.bands:
            raise SourceInvalid(sample.path.name, f"it has {len(moved)} channels, the others {layout.bands} bands.")
        return np.asarray(moved[sample.first : sample.first + layout.bands])

    def _sst(self, sample: Sample) -> FloatField | None:
        if self._layout.sst is not None:
            scaled = _channel(opened(sample.path), self._layout.axis, self._layout.sst).astype(np.float32)
            return np.where(scaled <= -0.5, np.nan, scaled * 32 - 2 + 273.15).astype(np.float32)
        path = self._sst_files.get(f"{sample.time:%Y%m%d}")
        return None if path is None else _sst_of(path, self.grid.shape)[0]

    def _read_land(self) -> NDArray[np.bool_] | None:
        """Land, if the set has a mask; which of its two values is land is seen from where the sea has a temperature."""
        mask: NDArray[np.bool_] | None = None
        if self._layout.land is not None:
            mask = _channel(opened(self._samples[0].path), self._layout.axis, self._layout.land) > 0.5
        else:
            path = next(iter(_neighbours(self._root, "land_mask.npy")), None)
            if path is not None:
                values = np.squeeze(opened(path))
                if values.shape != self.grid.shape:
                    raise SourceInvalid(path.name, f"it has {values.shape} cells, the pictures {self.grid.shape}.")
                mask = values > 0.5
        if mask is None:
            return None
        sea = self._sea_by_temperature()
        if sea is not None and (mask == sea).mean() > 0.5:
            mask = ~mask
        return mask if self._mercator is None else self._mercator.of(mask) > 0.5

    def _sea_by_temperature(self) -> NDArray[np.bool_] | None:
        if self._layout.sst is None and not self._sst_files:
            return None
        sst = self._sst(self._samples[0])
        if sst is None:
            sst = _sst_of(next(iter(self._sst_files.values())), self.grid.shape)[0]
        sea = np.isfinite(sst)
        return None if sea.all() or not sea.any() else sea

    def _flow(self, sample: Sample) -> dict[str, FloatField]:
        """Apparent motion of the pair, brought onto the full grid; its unit is already cells of the full grid, so it is not scaled."""
        across = self._flows.get(sample.path.stem)
        down = across.with_name(across.name.replace("U_", "V_", 1)) if across is not None else None
        if across is None or down is None or not down.is_file():
            return {}
        rows, columns = self.grid.shape
        out = {}
        for name, path in (("FLOWX", across), ("FLOWY", down)):
            coarse = np.asarray(opened(path), dtype=np.float32)
            if coarse.ndim != 2:
                raise SourceInvalid(path.name, f"a field of motion has two axes, this one {coarse.ndim}.")
            places = [np.minimum(np.arange(n) * size // n, size - 1) for n, size in zip((rows, columns), coarse.shape, strict=True)]
            out[name] = -coarse[places[0]][:, places[1]]
        return out

    def _label(self, sample: Sample) -> Labels | None:
        path = sample.label
        if path is None:
            return None
        fog = read_label(path)
        if fog.shape != self._layout.shape:
            raise SourceInvalid(
                path.name, f"the label has {fog.shape} cells, the picture {self._layout.shape}. They do not belong together."
            )
        label = np.where(fog, Label.FOG, Label.NOT_FOG).astype(np.int8)
        if self._mercator is not None:
            label = self._mercator.of(label).astype(np.int8)
        if self.land is not None:
            label[self.land] = Label.UNLABELLED
        return label


def is_m4fog(root: Path) -> bool:
    """Whether a folder looks like track A or B."""
    try:
        Layout.of(_samples(root)[0].path)
    except SourceInvalid:
        return False
    return True


def opened(path: Path) -> NDArray[Any]:
    """A ``.npy`` file, mapped and not read; never one that holds objects.

    Raises:
        SourceInvalid: If it is none.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise SourceInvalid(path.name, f"it is no readable .npy array ({type(error).__name__}).") from None
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "uif" or array.size == 0:
        raise SourceInvalid(path.name, "it holds no numbers.")
    return array


def _samples(root: Path) -> list[Sample]:
    """The cube files of a folder and of the folders in it (the splits)."""
    if not root.is_dir():
        raise SourceInvalid(root.name, "it is no folder.")
    regions = sea_regions()
    found = []
    for path in _neighbours(root, "*.npy", above=False):
        stamp = _STAMP.search(path.stem)
        if _BESIDE.match(path.name) or stamp is None:
            continue
        try:
            when = datetime.strptime("".join(stamp.groups()), "%Y%m%d%H%M").replace(tzinfo=UTC)
        except ValueError:
            raise SourceInvalid(path.name, f"“{stamp[0]}” in its name is no time.") from None
        first = path.stem.split("_")[0].upper()
        found.append(Sample(path, when, first if first in regions else ""))
    if not found:
        raise SourceInvalid(root.name, "it holds no cubes named by their time, such as 20200101_0130.npy.")
    return sorted(found, key=lambda sample: (sample.time, sample.path.name))


def _with_pairs(samples: Sequence[Sample], lag_minutes: int) -> list[Sample]:
    """Both frames of each pair, each time once; a frame under its own name goes before one that stands as another's past."""
    own = {(sample.time, sample.region) for sample in samples}
    past = {}
    for sample in samples:
        before = sample.time - timedelta(minutes=lag_minutes)
        if (before, sample.region) not in own:
            past[before] = Sample(sample.path, before, sample.region, first=16)
    return sorted([*samples, *past.values()], key=lambda sample: sample.time)


def _in_time(name: str, samples: Sequence[Sample]) -> list[Sample]:
    for before, after in pairwise(samples):
        if before.time == after.time:
            raise SourceInvalid(
                name, f"the time {after.time:%Y-%m-%d %H:%M} UTC stands twice ({before.path.name}, {after.path.name}). Keep one of the two."
            )
    return list(samples)


def _neighbours(root: Path, pattern: str, *, above: bool = True) -> Iterator[Path]:
    """Files of a folder, of the folders in it and, for what belongs to all splits, of the one around it."""
    places = [root, *sorted(path for path in root.iterdir() if path.is_dir()), *([root.parent] if above else [])]
    for place in places:
        yield from sorted(place.glob(pattern))


def _beside(root: Path, prefix: str) -> dict[str, Path]:
    return {path.stem.removeprefix(prefix): path for path in _neighbours(root, f"{prefix}*.npy")}


def _channel_axis(name: str, array: NDArray[Any]) -> int:
    if array.ndim != 3:
        raise SourceInvalid(name, f"a cube has three axes (bands, rows and columns), this one has {array.ndim}.")
    fitting = [axis for axis in (0, 2) if array.shape[axis] in CHANNELS[1:]]
    square = [axis for axis in fitting if len({size for place, size in enumerate(array.shape) if place != axis}) == 1]
    chosen = square if len(square) == 1 else fitting
    if len(chosen) != 1:
        raise SourceInvalid(
            name, f"its shape {array.shape} does not tell which axis is that of the bands; {', '.join(map(str, CHANNELS[1:]))} are known."
        )
    return chosen[0]


def _channel(array: NDArray[Any], axis: int, index: int) -> NDArray[Any]:
    return np.asarray(array[index] if axis == 0 else array[..., index])


def _is_mask(values: NDArray[Any]) -> bool:
    """Zeros and ones, both of them; a dark band has no ones."""
    return bool(((values == 0) | (values == 1)).all() and (values == 1).any())


def _is_scaled_sst(values: NDArray[Any]) -> bool:
    """(T + 2 °C) / 32, −1 over land: between 0 and 1.2, and never an integer count."""
    if values.dtype.kind != "f":
        return False
    finite = values[np.isfinite(values)]
    sea = finite[finite > -0.5]
    land = finite[finite <= -0.5]
    near = sea.size > 0 and float(sea.min()) >= -0.1 and float(sea.max()) <= 1.25
    return bool(near and (land == -1).all() and (land.size > 0 or float(np.ptp(sea)) > 0))


def _split(stack: NDArray[Any], imager: Instrument) -> tuple[NDArray[Any], NDArray[Any]]:
    """Bands of reflected and of emitted light."""
    sunlit = [place for place, band in enumerate(imager.bands) if band.wavelength < 3]
    infrared = [place for place, band in enumerate(imager.bands) if band.wavelength > 3]
    return stack[sunlit], stack[infrared]


def _sst_of(path: Path, shape: tuple[int, int]) -> tuple[FloatField, NDArray[np.bool_]]:
    """Sea surface temperature in K with NaN over land, and the land, from ``data`` (°C) and ``mask`` (true over land)."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            data, mask = np.squeeze(archive["data"]), np.squeeze(archive["mask"]).astype(bool)
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise SourceInvalid(path.name, f"it is no sea surface temperature file with data and mask ({type(error).__name__}).") from None
    if data.shape != shape:
        raise SourceInvalid(path.name, f"it has {data.shape} cells, the pictures {shape}.")
    mask = np.broadcast_to(mask, shape)
    values = np.asarray(data, dtype=np.float32)
    sea = values[~mask & np.isfinite(values)]
    if sea.size and not -3 <= float(np.median(sea)) <= 40:
        raise UnitsUnclear(path.name, f"its median is {float(np.median(sea)):.1f}; °C between −3 and 40 are expected.")
    return np.where(mask, np.nan, values + 273.15).astype(np.float32), mask


def _grey(element: str) -> str:
    return "G" + element.removeprefix("BT").removeprefix("R")
