"""The record of an acquisition; any part of it may be unknown."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, Self, get_args

from engine.types import utc

Field = Literal["gsd", "time", "location", "season", "sun", "view", "cloud"]
FIELDS: Final[tuple[Field, ...]] = get_args(Field)
"""What a record can say, in the order in which it is worth most: SatMIP's ablation puts GSD, time and location first."""

SEASONS: Final = ("winter", "spring", "summer", "autumn")

_NAMES: Final[dict[Field, tuple[str, ...]]] = {
    "gsd": ("gsd_m",),
    "time": ("when",),
    "location": ("lon", "lat"),
    "season": ("season",),
    "sun": ("sun_elevation_deg", "sun_azimuth_deg"),
    "view": ("view_zenith_deg",),
    "cloud": ("cloud_cover",),
}


@dataclass(frozen=True, slots=True)
class Metadata:
    """What is known of how a picture was taken; ``None`` is unknown.

    Attributes:
        gsd_m: Ground sampling distance, metres, > 0.
        when: Time of the picture; kept in UTC.
        lon: Longitude of the centre, degrees; kept within −180 … 180, and as 0 at a pole. Known with ``lat`` or not at all.
        lat: Latitude of the centre, −90 … 90 degrees.
        season: One of ``SEASONS``, of the place's own hemisphere.
        sun_elevation_deg: Height of the sun, −90 … 90. Known with the azimuth or not at all.
        sun_azimuth_deg: Clockwise from north.
        view_zenith_deg: 0 straight down, below 90.
        cloud_cover: Share of the picture, 0–1.

    Raises:
        ValueError: If a number isn't finite or is outside its range, or half of a pair is missing.
    """

    gsd_m: float | None = None
    when: datetime | None = None
    lon: float | None = None
    lat: float | None = None
    season: str | None = None
    sun_elevation_deg: float | None = None
    sun_azimuth_deg: float | None = None
    view_zenith_deg: float | None = None
    cloud_cover: float | None = None

    def __post_init__(self) -> None:
        for name, low, high in _RANGES:
            value = getattr(self, name)
            if value is not None and not (math.isfinite(value) and low <= value <= high):
                raise ValueError(f"{name} is {value}, not within {low} … {high}")
        if self.gsd_m == 0:
            raise ValueError("gsd_m is 0")
        if (self.lon is None) != (self.lat is None) or (self.sun_elevation_deg is None) != (self.sun_azimuth_deg is None):
            raise ValueError("half of a place or of the sun's position is missing")
        if self.season is not None and self.season not in SEASONS:
            raise ValueError(f"“{self.season}” is none of {', '.join(SEASONS)}")
        if self.lon is not None:
            object.__setattr__(self, "lon", (self.lon + 180) % 360 - 180 if abs(self.lat or 0.0) < 90 else 0.0)
        if self.when is not None:
            object.__setattr__(self, "when", utc(self.when))

    @property
    def known(self) -> tuple[Field, ...]:
        """The fields that are known, in the order of ``FIELDS``."""
        return tuple(field for field in FIELDS if getattr(self, _NAMES[field][0]) is not None)

    def row(self) -> dict[str, Any]:
        """What is known, as JSON."""
        known = {name: value for name, value in asdict(self).items() if value is not None}
        return {**known, **({"when": self.when.isoformat()} if self.when else {})}

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """A record that was written as JSON.

        Raises:
            ValueError: If it is none.
        """
        when = row.get("when")
        try:
            return cls(**{**row, "when": None if when is None else datetime.fromisoformat(when)})
        except TypeError as problem:
            raise ValueError(str(problem)) from None

    def only(self, fields: tuple[Field, ...]) -> Self:
        """The same record with everything else unknown."""
        return replace(self, **{name: None for field in FIELDS if field not in fields for name in _NAMES[field]})


_RANGES: Final = (
    ("gsd_m", 0, 1e7),
    ("lon", -360, 360),
    ("lat", -90, 90),
    ("sun_elevation_deg", -90, 90),
    ("sun_azimuth_deg", -360, 360),
    ("view_zenith_deg", 0, 90),
    ("cloud_cover", 0, 1),
)
