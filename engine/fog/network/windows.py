"""Windows of simulated weather to learn from, kept as counts like a cube's. All of them are SYNTHETIC."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.elements import FILL, Element
from engine.fog.labels import Label
from engine.fog.network.course import windows_folder
from engine.fog.network.features import BANDS, Sight, dioxide_of, glint_of, slant_of
from engine.fog.network.recipe import Windows as How
from engine.progress import Progress, silent
from engine.world.noise import stream
from engine.world.weather import TRAINING, Simulation, simulate

_EDITION: Final = 1
"""Raised when the simulator or the planes change: older windows are then made again."""
_SUN, _GLINT, _HIGHER, _LABEL, _LAND = range(len(BANDS), len(BANDS) + 5)
PLANES: Final = len(BANDS) + 5
_UNIT: Final = 1e-4
"""Count of a cosine or share."""


@dataclass(frozen=True, slots=True)
class Window:
    """One frame of a window.

    Attributes:
        sight: What is seen.
        labels: (n, m) codes of :class:`engine.fog.labels.Label`.
        higher: (n, m) share of the 11 µm light that cloud above the fog takes away, 0–1.
    """

    sight: Sight
    labels: NDArray[np.int8]
    higher: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Windows on disk.

    Attributes:
        planes: (N, PLANES, n, m) int16.
        about: (N, 4) float64: cell in degrees, slant, centre of the 3.9 µm band in µm, its loss to carbon dioxide in K.
    """

    planes: NDArray[np.int16]
    about: NDArray[np.float64]

    @classmethod
    def of(cls, how: How, cache: Path, *, validation: bool = False, progress: Progress = silent) -> Self:
        """Make the windows now, or take those that were kept.

        Args:
            how: Which.
            cache: Folder of what can be made again.
            validation: The others, that are validated on.
            progress: Told of each series.

        Raises:
            WeatherInvalid: If there is no such region or imager.
        """
        folder = windows_folder(how, cache, "fog", _EDITION, validation=validation)
        if not folder.is_dir():
            _make(how, folder, validation, progress)
        return cls(np.load(folder / "planes.npy", mmap_mode="r"), np.load(folder / "about.npy"))

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, index: int) -> Window:
        planes, (cell, slant, near_um, dioxide) = np.asarray(self.planes[index]), self.about[index]
        values = np.where(planes == FILL, np.float32(np.nan), planes * np.float32(0.01))
        angles = planes * np.float32(_UNIT)
        sight = Sight(
            bands={name: values[plane] for plane, name in enumerate(BANDS)},
            sun=angles[_SUN],
            glint=values[_GLINT],
            slant=np.full(planes.shape[1:], slant, np.float32),
            land=planes[_LAND] > 0,
            cell=float(cell),
            near_um=float(near_um),
            dioxide=float(dioxide),
        )
        return Window(sight, planes[_LABEL].astype(np.int8), angles[_HIGHER])


def _make(how: How, folder: Path, validation: bool, progress: Progress) -> None:
    """Simulate and write, at once or not at all."""
    count = how.validation if validation else how.series
    partial = folder.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    shape = (count * how.frames, PLANES, how.size, how.size)
    planes = np.lib.format.open_memmap(partial / "planes.npy", mode="w+", dtype=np.int16, shape=shape)
    about = np.zeros((shape[0], 4))
    first = how.seed + (0 if not validation else 50_000)
    for number in range(count):
        at = number * how.frames
        _series(how, first + number, validation, planes[at : at + how.frames], about[at : at + how.frames])
        progress("simulating SYNTHETIC windows", number + 1, count)
    planes.flush()
    np.save(partial / "about.npy", about)
    partial.rename(folder)


def _series(how: How, seed: int, validation: bool, planes: NDArray[np.int16], about: NDArray[np.float64]) -> None:
    """Draw one series and put some of its frames where they belong."""
    dice = stream(seed, "fog window")
    region = str(dice.choice(sorted(how.regions)))
    sensor = str(dice.choice(how.regions[region]))
    shares = np.array(list(how.cells.values()))
    cell = float(dice.choice(list(how.cells), p=shares / shares.sum()))
    regime = TRAINING if validation else TRAINING.at_rate(TRAINING.fog_rate, foggy=how.foggy)
    series = simulate(region, seed, size=how.size, step=min(cell, 12.7 / how.size), sensor=sensor, regime=regime)
    for number, index in enumerate(_frames(how, series, dice)):
        planes[number] = _counts(series, index)
        about[number] = _about(series)


def _frames(how: How, series: Simulation, dice: np.random.Generator) -> list[int]:
    """Frames spread over the day, some moved to where the sun rises or sets."""
    count = len(series.times)
    middle = (np.array(series.grid.lat.mean()), np.array(series.grid.lon.mean()))
    from engine.fog.sun import solar_zenith

    zenith = np.array([float(solar_zenith(when, *middle)) for when in series.times])
    dim = np.flatnonzero(np.abs(zenith - 85) < 7)
    picked = (np.arange(how.frames) + dice.random(how.frames)) * count / how.frames
    moved = dice.random(how.frames) < how.twilight
    return [int(dice.choice(dim)) if move and dim.size else int(at) for at, move in zip(picked, moved, strict=True)]


def _counts(series: Simulation, index: int) -> NDArray[np.int16]:
    """(PLANES, n, m) of a frame."""
    when, frame, sky = series.times[index], series.frame(index), series.sky(index)
    planes = np.full((PLANES, *series.grid.shape), FILL, np.int16)
    for plane, name in enumerate(BANDS):
        if name in frame.fields:
            planes[plane] = Element.named(name).packed(frame.fields[name])
    planes[_SUN] = np.round(sky.cos_sza / _UNIT)
    longitude = series.provenance.satellite_longitude
    planes[_GLINT] = 9000 if longitude is None else np.round(100 * glint_of(series.grid, when, longitude))
    planes[_HIGHER] = np.round(sky.higher / _UNIT)
    planes[_LABEL] = Label.UNLABELLED if frame.label is None else frame.label
    planes[_LAND] = series.place.land
    return planes


def _about(series: Simulation) -> tuple[float, float, float, float]:
    from engine.fog.angles import view_zenith

    instrument, longitude = series.provenance.instrument, series.provenance.satellite_longitude or 0.0
    slant = float(slant_of(view_zenith(series.grid, longitude)).mean())
    return float(np.mean(series.grid.step)), slant, series.provenance.wavelengths.get("BT0390", 3.9), dioxide_of(instrument)
