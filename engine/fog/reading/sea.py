"""Sea surface temperature from a file of its own, such as a daily analysis, laid beside the bands of another series."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np

from engine.errors import SourceInvalid
from engine.fog.reading.cf import CfSeries
from engine.fog.reading.options import Options
from engine.fog.series import FloatField, Frame, Series

OLDEST: Final = timedelta(days=7)
"""An analysis that is older says nothing about fronts and upwelling."""
REACH_DEG: Final = 0.5
"""How far the sea next to a coast takes the value of the nearest cell of a coarse analysis."""


class WithSeaTemperature(Series):
    """A series with SST from a CF file: of each frame the newest field that is not younger than half a day after it.

    Raises:
        SourceInvalid: If the file has no SST, lies elsewhere, or none of its days is near any frame.
    """

    def __init__(self, series: Series, path: Path) -> None:
        self._series = series
        self.name, self.grid, self.times = series.name, series.grid, series.times
        self.labelled, self.land = series.labelled, series.land
        self._sea = CfSeries(path, Options(elements=("SST",), onto=series.grid))
        ages = [self._age(index) for index in range(len(self.times))]
        if all(age is None for age in ages):
            first, last = self._sea.times[0], self._sea.times[-1]
            raise SourceInvalid(
                path.name,
                f"its days, {first:%Y-%m-%d} to {last:%Y-%m-%d}, are not within a week before any frame of {self.times[0]:%Y-%m-%d}.",
            )
        self._kept: tuple[int, FloatField] | None = None
        self.elements = tuple(dict.fromkeys((*series.elements, "SST")))
        about = series.provenance
        self.provenance = replace(
            about,
            units_detected={**about.units_detected, **self._sea.provenance.units_detected},
            synthetic=about.synthetic or self._sea.provenance.synthetic,
            notes=(
                *(note for note in about.notes if not note.startswith("no sea surface temperature")),
                f"sea surface temperature from {path.name}, nearest cell, along coasts up to {REACH_DEG:g}° away",
            ),
        )

    def frame(self, index: int) -> Frame:
        """A frame of the series with the temperature of the sea."""
        frame, age = self._series.frame(index), self._age(index)
        if age is None:
            return replace(frame, notes=(*frame.notes, "no sea surface temperature within a week"))
        return replace(frame, fields={**frame.fields, "SST": self._field(age[0])}, sst_age=age[1])

    def _age(self, index: int) -> tuple[int, timedelta] | None:
        """Which field serves a frame, and how old it is then."""
        when = self.times[index]
        known = [
            (day, max(when - at, timedelta(0))) for day, at in enumerate(self._sea.times) if -timedelta(hours=12) <= when - at <= OLDEST
        ]
        return known[-1] if known else None

    def _field(self, day: int) -> FloatField:
        if self._kept is None or self._kept[0] != day:
            self._kept = day, _to_the_coast(self._sea.frame(day).fields["SST"], max(self.grid.step))
        return self._kept[1]


def _to_the_coast(field: FloatField, step: float) -> FloatField:
    """Cells without a value take the nearest one within :data:`REACH_DEG`."""
    from scipy.ndimage import distance_transform_edt

    unknown = ~np.isfinite(field)
    if unknown.all() or not unknown.any():
        return field
    away, (rows, columns) = distance_transform_edt(unknown, return_indices=True)
    return np.where(away * step <= REACH_DEG, field[rows, columns], np.nan).astype(np.float32)
