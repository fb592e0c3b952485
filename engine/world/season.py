"""What a date does to an island: sun, greenness, harvest, snow, water level, and what has been built or lost by then."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np

from engine.world.noise import FloatImage, ramp, stream


@dataclass(frozen=True, slots=True)
class Season:
    """One acquisition date on one island.

    Attributes:
        when: Time of the picture, UTC.
        step: Number of the date in the island's series, from 0.
        share: How far the series has gone, 0 at its first date, 1 at its last.
        day: Day of the year, 1–366; south of the equator the day on which the north has the same season.
        sun_zenith: Degrees.
        sun_azimuth: Degrees clockwise from north.
        haze: Share of path radiance, 0–1.
        swell: Direction of the waves, radians.
        cloudy: Whether small clouds are about.
        level: How full the reservoir is, 0–1.
        snow_line: Height above which snow lies, metres; above 9000 without snow.
    """

    when: datetime
    step: int
    share: float
    day: int
    sun_zenith: float
    sun_azimuth: float
    haze: float
    swell: float
    cloudy: bool
    level: float
    snow_line: float

    @classmethod
    def of(cls, dates: tuple[datetime, ...], step: int, seed: int, lat: float, lon: float) -> Season:
        """The season of a date in a series."""
        from engine.fog.sun import solar_azimuth, solar_zenith

        when = dates[step]
        rng = stream(seed, f"season {when:%Y%m%d}")
        day = when.timetuple().tm_yday
        if lat < 0:
            day = (day + 181) % 365 + 1
        span = (dates[-1] - dates[0]).total_seconds()
        share = (when - dates[0]).total_seconds() / span if span else 1.0
        spring = float(np.cos(2 * np.pi * (day - 100) / 365))
        return cls(
            when=when,
            step=step,
            share=share,
            day=day,
            sun_zenith=float(solar_zenith(when, np.array(lat), np.array(lon))),
            sun_azimuth=float(solar_azimuth(when, np.array(lat), np.array(lon))),
            haze=float(rng.uniform(0.2, 0.9)),
            swell=float(rng.uniform(0, np.pi)),
            cloudy=step == len(dates) - 2,
            level=float(np.clip(0.64 + 0.32 * spring - 0.12 * share, 0.2, 1.0)),
            snow_line=float(430 + 4 * (day - 60)) if day < 110 else (float(900 - 6 * (day - 305)) if day > 305 else 9999.0),
        )

    @property
    def green(self) -> float:
        """How far deciduous leaves are out and green, 0–1."""
        return float(np.interp(self.day, [1, 85, 130, 250, 300, 330, 366], [0, 0.02, 1, 1, 0.35, 0.04, 0]))

    @property
    def gold(self) -> float:
        """How far deciduous leaves have turned, 0–1."""
        return float(np.interp(self.day, [245, 285, 318, 335], [0, 0.6, 1, 0]))

    @property
    def lush(self) -> float:
        """How fresh grass is, 0–1: green in spring, dry in late summer."""
        return float(np.interp(self.day, [1, 60, 130, 180, 245, 290, 366], [0.6, 0.65, 1, 0.8, 0.3, 0.6, 0.62]))

    def crops(self, kind: FloatImage) -> tuple[FloatImage, FloatImage, FloatImage]:
        """State of fields: kind 0–1 (what is sown there) → green cover, ripe gold, blossom, each 0–1.

        A third is winter grain, a quarter summer crops (maize, beet), an eighth rapeseed, the rest ley grass and fallow.
        """
        table = {  # last kind: days, green, gold
            0.36: (
                [1, 60, 130, 165, 195, 200, 290, 320, 366],
                [0.25, 0.45, 1, 0.75, 0.1, 0.0, 0.0, 0.2, 0.25],
                [0, 0, 0, 0.45, 1, 0.75, 0.3, 0, 0],
            ),
            0.62: ([1, 120, 150, 190, 245, 275, 290, 366], [0.0, 0.0, 0.15, 0.85, 1, 0.3, 0.0, 0.0], [0, 0, 0, 0, 0.1, 0.7, 0.3, 0.1]),
            0.74: (
                [1, 60, 105, 135, 170, 200, 240, 280, 366],
                [0.3, 0.6, 0.8, 0.6, 0.9, 0.1, 0.0, 0.4, 0.3],
                [0, 0, 0, 0, 0.1, 0.6, 0.2, 0, 0],
            ),
            0.92: ([1, 60, 130, 200, 245, 290, 366], [0.5, 0.6, 1, 0.7, 0.55, 0.7, 0.5], [0, 0, 0, 0.1, 0.2, 0, 0]),
            1.01: ([1, 366], [0.08, 0.08], [0.12, 0.12]),
        }
        green, gold, blossom = (np.zeros_like(kind) for _ in range(3))
        low = 0.0
        for high, (days, greens, golds) in table.items():
            here = (kind >= low) & (kind < high)
            green[here], gold[here] = np.interp(self.day, days, greens), np.interp(self.day, days, golds)
            low = high
        rape = (kind >= 0.62) & (kind < 0.74)
        blossom[rape] = np.interp(self.day, [95, 110, 130, 145], [0, 1, 1, 0])
        return green, gold, blossom

    def snow(self, height: FloatImage) -> FloatImage:
        """Snow cover by height, 0–1."""
        return ramp(height, self.snow_line, self.snow_line + 130)
