"""What every reader hands over: frames on one grid, read one at a time, with what is known of their origin."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from engine.errors import SourceInvalid
from engine.fog.grid import Grid
from engine.fog.labels import Labels
from engine.fog.provenance import Provenance

FloatField = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Frame:
    """One time of a series.

    Attributes:
        fields: Element name → (n, m) float32 in the element's unit, NaN where there is no value. An element of the series that is
            not here has no value at this time.
        label: (n, m) int8 codes of :class:`engine.fog.labels.Label`, or ``None``.
        notes: What is wrong with this frame alone.
        sst_age: How old its sea surface temperature is.
    """

    fields: Mapping[str, FloatField]
    label: Labels | None = None
    notes: tuple[str, ...] = field(default=())
    sst_age: timedelta = timedelta(0)


class Series(ABC):
    """Frames from files of some layout; only :meth:`frame` reads pixels.

    Attributes:
        name: What the source is called.
        grid: Where the cells lie.
        times: Scan times, UTC, ascending, without doubles.
        elements: Names of the elements.
        provenance: Where it comes from.
        labelled: Whether frames bring labels.
        land: (n, m) land, or ``None``.
    """

    labelled: bool = False
    name: str
    grid: Grid
    times: tuple[datetime, ...]
    elements: tuple[str, ...]
    provenance: Provenance
    land: NDArray[np.bool_] | None = None

    @abstractmethod
    def frame(self, index: int) -> Frame:
        """Read one frame.

        Raises:
            SourceInvalid: If a file is broken, of another shape, or not in the unit of the others.
        """


def in_order(name: str, times: tuple[datetime, ...]) -> None:
    """Stop at times that are out of order or stand twice.

    Raises:
        SourceInvalid: At the first such time.
    """
    for before, after in pairwise(times):
        if after == before:
            raise SourceInvalid(name, f"the time {after:%Y-%m-%d %H:%M} UTC stands twice. Keep one of the two.")
        if after < before:
            raise SourceInvalid(name, f"{after:%Y-%m-%d %H:%M} UTC comes after {before:%Y-%m-%d %H:%M}. Sort the frames by time.")
