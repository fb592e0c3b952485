"""Windows of simulated weather to learn nowcasts from: four half hours, and the four that came. All of them are SYNTHETIC."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from engine.fog.detection import detect
from engine.fog.elements import Element
from engine.fog.network.course import windows_folder
from engine.fog.nowcast.history import FOG, History
from engine.fog.nowcast.motion import Motion, fine
from engine.fog.nowcast.network.recipe import Windows as How
from engine.fog.nowcast.network.sight import FRAMES, Sight
from engine.progress import Progress, silent
from engine.world.noise import stream
from engine.world.weather import TRAINING, Simulation, simulate

_EDITION: Final = 1
"""Raised when the simulator or what is kept changes: older windows are then made again."""
_LIGHT: Final = 0.2
"""Cosine of the sun's zenith angle from which reflectances are looked at."""
_LEAST_FOG: Final = 0.005
"""Share of cells with a probability above one half, before or after, from which a mask is worth learning from."""
_QUANTITIES: Final = 3


@dataclass(frozen=True, slots=True, eq=False)
class Window:
    """One quantity from one moment.

    Attributes:
        frames: (4, n, m) float32, see :class:`Sight`.
        came: (4, n, m) float32, what came, on the same scale.
        displacements: (4, 2, n, m) float32, of the four leads.
        probability: Whether it is a mask's.
    """

    frames: NDArray[np.float32]
    came: NDArray[np.float32]
    displacements: NDArray[np.float32]
    probability: bool

    @property
    def speed(self) -> NDArray[np.float32]:
        """(n, m) cells in half an hour."""
        return np.asarray(np.hypot(self.displacements[0, 0], self.displacements[0, 1]))


@dataclass(frozen=True, slots=True, eq=False)
class Store:
    """Windows on disk.

    Attributes:
        planes: (N, 8, n, m) float16: frames and what came.
        shifts: (N, 4, 2, …, …) float32: displacements at every eighth cell.
        probability: (N,) bool.
    """

    planes: NDArray[np.float16]
    shifts: NDArray[np.float32]
    probability: NDArray[np.bool_]

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
        folder = windows_folder(how, cache, "nowcast", _EDITION, validation=validation)
        if not folder.is_dir():
            _make(how, folder, validation, progress)
        return cls(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in ("planes", "shifts", "probability")))

    def __len__(self) -> int:
        return len(self.planes)

    def __getitem__(self, index: int) -> Window:
        planes = np.asarray(self.planes[index], np.float32)
        displacements = fine(self.shifts[index], planes.shape[1:]).astype(np.float32)
        return Window(planes[:FRAMES], planes[FRAMES:], displacements, bool(self.probability[index]))


def _make(how: How, folder: Path, validation: bool, progress: Progress) -> None:
    """Simulate and write, at once or not at all."""
    count = how.validation if validation else how.series
    partial = folder.with_suffix(".partial")
    partial.mkdir(parents=True, exist_ok=True)
    first = how.seed + (50_000 if validation else 0)
    made = 0
    shape = (count * _QUANTITIES, 2 * FRAMES, how.size, how.size)
    planes = np.lib.format.open_memmap(partial / "all.npy", mode="w+", dtype=np.float16, shape=shape)
    shifts, probability = [], []
    for number in range(count):
        for window in _series(how, first + number):
            planes[made] = window[0]
            shifts.append(window[1])
            probability.append(window[2])
            made += 1
        progress("simulating SYNTHETIC windows", number + 1, count)
    np.save(partial / "planes.npy", planes[:made])
    (partial / "all.npy").unlink()
    np.save(partial / "shifts.npy", np.array(shifts, np.float32))
    np.save(partial / "probability.npy", np.array(probability, bool))
    partial.rename(folder)


def _series(how: How, seed: int) -> Iterator[tuple[NDArray[np.float16], NDArray[np.float32], bool]]:
    """Draw one series and look at its quantities from one moment."""
    dice = stream(seed, "nowcast window")
    region = str(dice.choice(sorted(how.regions)))
    sensor = str(dice.choice(how.regions[region]))
    shares = np.array(list(how.cells.values()))
    cell = float(dice.choice(list(how.cells), p=shares / shares.sum()))
    regime = TRAINING.at_rate(TRAINING.fog_rate, foggy=how.foggy)
    series = simulate(region, seed, size=how.size, step=min(cell, 12.7 / how.size), sensor=sensor, regime=regime)
    begin = int(dice.integers(len(series.times) - 2 * FRAMES))
    series.times = series.times[begin : begin + 2 * FRAMES]
    for history in histories(series, dice):
        found = windowed(history)
        if found is not None:
            yield found


def histories(series: Simulation, dice: np.random.Generator) -> Iterator[History]:
    """The quantities of a series that are worth looking at: the mask where there is fog, an infrared band, a reflectance by day."""
    cube = series.cube()
    masks = np.stack([detect(cube, index).probability for index in range(len(cube.times))])
    if (masks >= FOG.event.threshold).mean() >= _LEAST_FOG:
        yield History.of_frames(FOG, cube.times, masks, synthetic=True)
    sun = min(float(series.sky(index).cos_sza.min()) for index in (0, len(cube.times) - 1))
    bands = [name for name in cube.elements if Element.named(name).wavelength is not None]
    for warm in (True, False):
        some = [name for name in bands if Element.named(name).is_infrared == warm]
        if some and (warm or sun > _LIGHT):
            yield History.of_cube(cube, str(dice.choice(some)))


def windowed(history: History) -> tuple[NDArray[np.float16], NDArray[np.float32], bool] | None:
    """(8, n, m) planes, shifts and whether it is a probability, from the middle of eight frames; ``None`` where no motion is seen."""
    motion = Motion.track(history, FRAMES - 1)
    sight = None if motion is None else Sight.of(history, FRAMES - 1, motion)
    if motion is None or sight is None:
        return None
    came = sight.scale.scaled(np.stack([history.frame(FRAMES + step) for step in range(FRAMES)]))
    planes = np.clip(np.concatenate([sight.frames, came]), -8, 8).astype(np.float16)
    return planes, motion.coarse([(step + 1) / 2 for step in range(FRAMES)]).astype(np.float32), sight.probability
