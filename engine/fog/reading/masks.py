"""Fog masks as pictures: labels for the frames of a cube."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid
from engine.fog.grid import Grid
from engine.fog.labels import Label, Labels
from engine.fog.reading.regrid import Regrid
from engine.fog.series import Frame, Series
from engine.types import Bounds

MOST_PIXELS: Final = 100_000_000
TWO_CLASSES: Final[Mapping[int, Label]] = {0: Label.NOT_FOG, 1: Label.FOG, 255: Label.FOG}
"""0 other, 255 (or 1) fog."""
YELLOW_SEA: Final[Mapping[int, Label]] = {0: Label.UNLABELLED, 1: Label.NOT_FOG, 2: Label.FOG, 3: Label.UNCERTAIN}
"""The masks of the Yellow and Bohai Seas (Tang 2022): 0 land, 1 clear, 2 fog, 3 other cloud, below which nothing is known."""
YELLOW_SEA_BOUNDS: Final = Bounds(117.0, 34.0, 127.0, 42.0)

_STAMP: Final = re.compile(r"(?<!\d)(\d{8})[_T-]?(\d{4})(?!\d)")


@dataclass(frozen=True, slots=True)
class Masks:
    """A folder of masks named by their time.

    Attributes:
        name: What it is called.
        files: Time, UTC → picture.
        bounds: Where they lie; ``None`` if they lie on the cube's own grid.
        codes: Grey level → label.
    """

    name: str
    files: Mapping[datetime, Path]
    bounds: Bounds | None = None
    codes: Mapping[int, Label] | None = None

    @classmethod
    def find(cls, folder: Path, bounds: Bounds | None = None, codes: Mapping[int, Label] | None = None) -> Masks:
        """All masks of a folder and the folders in it.

        Raises:
            SourceInvalid: If there is none, or a time stands twice.
        """
        files: dict[datetime, Path] = {}
        for path in sorted(folder.rglob("*.png")) if folder.is_dir() else []:
            stamp = _STAMP.search(path.stem)
            if stamp is None:
                continue
            try:
                when = datetime.strptime("".join(stamp.groups()), "%Y%m%d%H%M").replace(tzinfo=UTC)
            except ValueError:
                raise SourceInvalid(path.name, f"“{stamp[0]}” in its name is no time.") from None
            if when in files:
                raise SourceInvalid(folder.name, f"the time {when:%Y-%m-%d %H:%M} UTC stands twice ({files[when].name}, {path.name}).")
            files[when] = path
        if not files:
            raise SourceInvalid(folder.name, "it holds no masks named by their time, such as 202003080100_label.png.")
        return cls(folder.name, files, bounds, codes)

    def read(self, when: datetime) -> Labels:
        """(n, m) codes of :class:`Label` as the picture has its pixels.

        Raises:
            SourceInvalid: If it is no picture, or has a grey level without a meaning.
        """
        path = self.files[when]
        return decoded(path.name, _grey(path), self.codes or TWO_CLASSES)

    def on(self, grid: Grid, when: datetime, within: timedelta = timedelta(minutes=10)) -> Labels | None:
        """The labels of a frame on a cube's grid, or ``None`` where no mask is near enough in time.

        Raises:
            SourceInvalid: If the mask has another shape and it is not known where it lies, or it lies elsewhere.
        """
        near = min(self.files, key=lambda other: abs(other - when))
        if abs(near - when) > within:
            return None
        label = self.read(near)
        if self.bounds is None:
            if label.shape != grid.shape:
                raise SourceInvalid(
                    self.files[near].name,
                    f"the label has {label.shape} cells, the picture {grid.shape}. They do not belong together.",
                )
            return label
        own = Grid.of_shape(self.bounds, (label.shape[0], label.shape[1]))
        regrid = Regrid.from_axes(grid, own.lat, own.lon)
        if not regrid.inside.any():
            raise SourceInvalid(self.name, f"its masks lie at {self.bounds.words()}, outside {grid.bounds.words()}.")
        return np.where(regrid.inside, np.nan_to_num(regrid.of(label)), Label.UNLABELLED).astype(np.int8)


class Labelled(Series):
    """Another series with labels from masks; frames without a mask stay unlabelled.

    Raises:
        SourceInvalid: If no mask is near any frame in time.
    """

    labelled = True

    def __init__(self, series: Series, masks: Masks) -> None:
        self._series, self._masks = series, masks
        self.name, self.grid, self.times, self.elements = series.name, series.grid, series.times, series.elements
        self.land, self.provenance = series.land, series.provenance
        gaps = [min(abs(when - other) for other in masks.files) for when in series.times]
        if min(gaps) > timedelta(minutes=10):
            first, last = min(masks.files), max(masks.files)
            raise SourceInvalid(
                masks.name,
                f"no mask lies within 10 minutes of a frame; masks run from {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC, "
                f"frames from {series.times[0]:%Y-%m-%d %H:%M} to {series.times[-1]:%Y-%m-%d %H:%M}.",
            )

    def frame(self, index: int) -> Frame:
        """A frame of the series with the labels of its time."""
        frame = self._series.frame(index)
        label = self._masks.on(self.grid, self.times[index])
        return frame if label is None else replace(frame, label=label)


def read_label(path: Path) -> NDArray[np.bool_]:
    """(n, m) fog, from a two-class picture: 0/255 → fog from one half on, 0/1 likewise.

    Raises:
        SourceInvalid: If it is no picture.
    """
    grey = _grey(path)
    return np.asarray(grey >= (1 if grey.max(initial=0) == 1 else 128))


def decoded(name: str, grey: NDArray[Any], codes: Mapping[int, Label]) -> Labels:
    """Grey levels as label codes.

    Raises:
        SourceInvalid: If a level has no meaning.
    """
    levels = np.unique(grey)
    unknown = [int(level) for level in levels if int(level) not in codes]
    if unknown:
        known = ", ".join(f"{level} {label.words}" for level, label in codes.items())
        raise SourceInvalid(name, f"its grey level {unknown[0]} has no meaning; known are {known}.")
    table = np.full(256, Label.UNLABELLED, dtype=np.int8)
    for level, label in codes.items():
        table[level] = label
    return np.asarray(table[grey])


def _grey(path: Path) -> NDArray[np.uint8]:
    from PIL import Image

    try:
        with Image.open(path) as picture:
            if picture.width * picture.height > MOST_PIXELS:
                raise SourceInvalid(path.name, f"it has {picture.width:,} × {picture.height:,} pixels; at most {MOST_PIXELS:,} are read.")
            return np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
        raise SourceInvalid(path.name, f"it is no readable picture ({type(error).__name__}).") from None


def yellow_sea(masks: Masks) -> bool:
    """Whether the first mask has the size and the levels of the Yellow and Bohai Seas' set."""
    grey = _grey(next(iter(masks.files.values())))
    return grey.shape == (1600, 2000) and int(grey.max()) <= 3
