"""Metadata as numbers: cyclic where the world is, logarithmic where scales are, with a mask of what is known."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import torch
from torch import Tensor

from engine.learning.metadata.record import FIELDS, SEASONS, Field, Metadata

WIDTHS: Final[dict[Field, int]] = {"gsd": 1, "time": 5, "location": 7, "season": 0, "sun": 3, "view": 1, "cloud": 1}
"""Numbers of each field; the season is no number but one of a few words."""


@dataclass(frozen=True, slots=True)
class Table:
    """Metadata of B pictures.

    Attributes:
        values: (B, J) float32, about −1 … 1; 0 where unknown.
        known: (B, J) bool.
        season: (B,) int64 index into ``SEASONS`` counted from 1; 0 is unknown.
    """

    values: Tensor
    known: Tensor
    season: Tensor

    @classmethod
    def of(cls, records: Sequence[Metadata], fields: Sequence[Field] = FIELDS) -> Table:
        """The numbers of some fields, in the order of ``FIELDS``."""
        asked = [field for field in FIELDS if field in fields]
        rows = [[number for field in asked for number in _numbers(record, field)] for record in records]
        values = torch.tensor(rows, dtype=torch.float64).reshape(len(records), sum(WIDTHS[field] for field in asked))
        known = values.isfinite()
        seasons = [SEASONS.index(record.season) + 1 if record.season and "season" in asked else 0 for record in records]
        return cls(values.nan_to_num(nan=0.0).float(), known, torch.tensor(seasons, dtype=torch.int64))

    def to(self, device: torch.device) -> Table:
        """The same table elsewhere."""
        return Table(self.values.to(device), self.known.to(device), self.season.to(device))


def equal(records: Sequence[Metadata]) -> Tensor:
    """Which records say the same: (B, B) bool."""
    number = {record: place for place, record in enumerate(records)}
    places = torch.tensor([number[record] for record in records], dtype=torch.int64)
    return places[:, None] == places[None, :]


def _numbers(record: Metadata, field: Field) -> list[float]:
    """The numbers of one field; NaN where it is unknown."""
    return _ENCODED[field](record) if field in record.known else [math.nan] * WIDTHS[field]


def _circle(share: float) -> list[float]:
    """A point on a circle: the end of the year is next to its beginning."""
    return [math.sin(2 * math.pi * share), math.cos(2 * math.pi * share)]


def _time(when: datetime) -> list[float]:
    """Day of the year and time of the day on circles, and decades from 2020."""
    hours = when.hour + when.minute / 60 + when.second / 3600
    day = when.timetuple().tm_yday - 1 + hours / 24
    return [*_circle(day / 365.2425), *_circle(hours / 24), (when.year + day / 366 - 2020) / 10]


def _place(lon: float, lat: float) -> list[float]:
    """A point on the unit sphere, and the place within its degree: no seam at ±180°, and a pole is one place."""
    east, north = math.radians(lon), math.radians(lat)
    sphere = [math.cos(north) * math.cos(east), math.cos(north) * math.sin(east), math.sin(north)]
    # a scene is a thousandth of the sphere, in which a network that reads the sphere alone sees one place
    return [*sphere, *_circle(lat), *(math.cos(north) * part for part in _circle(lon))]


_ENCODED: Final[dict[Field, Callable[[Metadata], list[float]]]] = {
    "gsd": lambda record: [math.log10(record.gsd_m or 1.0) / 2],  # 0.1–100 m → −0.5 … 1
    "time": lambda record: _time(record.when) if record.when else [],
    "location": lambda record: _place(record.lon or 0.0, record.lat or 0.0),
    "season": lambda record: [],
    "sun": lambda record: [math.sin(math.radians(record.sun_elevation_deg or 0.0)), *_circle((record.sun_azimuth_deg or 0.0) / 360)],
    "view": lambda record: [(record.view_zenith_deg or 0.0) / 90],
    "cloud": lambda record: [record.cloud_cover or 0.0],
}
