"""How a picture of an island was taken: the facts that come with a satellite's scene, all of them exact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.geometry import WGS84, Window, transformer
from engine.types import Bounds
from engine.world.classes import LandCover
from engine.world.noise import stream
from engine.world.season import Season

GSD_M: Final = 10.0
CRS: Final = "EPSG:32625"
CENTRE: Final = (-31.5, 43.5)
"""Longitude and latitude of the scene's middle: 400 km north of the Azores, over the deep sea."""

STEEPEST_VIEW_DEG: Final = 11.0
"""Zenith angle of the line of sight at the edge of Sentinel-2's swath: 10.3° at the satellite, a little more on the curved Earth."""

SEASONS: Final = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True, slots=True)
class Acquisition:
    """What is known of a picture besides its pixels.

    Attributes:
        when: Time, UTC.
        season: winter, spring, summer or autumn where the picture was taken.
        sun_elevation_deg: Sun above the horizon at the island's middle, without refraction.
        sun_azimuth_deg: Of the sun, clockwise from north.
        view_zenith_deg: Angle between the line of sight and the vertical.
        cloud_cover: Share of the picture's pixels whose truth is cloud, 0–1.
        gsd_m: Side of a pixel on the ground, metres.
        bounds: Box around the picture, degrees.
        view_azimuth_deg: Where the satellite stood, clockwise from north.
    """

    when: datetime
    season: str
    sun_elevation_deg: float
    sun_azimuth_deg: float
    view_zenith_deg: float
    cloud_cover: float
    gsd_m: float
    bounds: Bounds
    view_azimuth_deg: float

    @classmethod
    def of(
        cls, season: Season, seed: int, truth: NDArray[np.uint8], transform: tuple[float, float, float, float, float, float], window: Window
    ) -> Acquisition:
        """The facts of a part of a picture.

        Args:
            season: The date.
            seed: Of the island: its dates each have an orbit.
            truth: (height, width) uint8 LandCover of the whole picture.
            transform: Affine pixel → ``CRS`` coefficients a, b, c, d, e, f.
            window: The part, pixels.
        """
        part = truth[window.row : window.row + window.height, window.column : window.column + window.width]
        zenith, azimuth = line_of_sight(season, seed)
        return cls(
            when=season.when,
            season=season_name(season.when, CENTRE[1]),
            sun_elevation_deg=90.0 - season.sun_zenith,
            sun_azimuth_deg=season.sun_azimuth,
            view_zenith_deg=zenith,
            cloud_cover=float((part == LandCover.CLOUD).mean()),
            gsd_m=GSD_M,
            bounds=_bounds(transform, window),
            view_azimuth_deg=azimuth,
        )


def season_name(when: datetime, lat: float) -> str:
    """The meteorological season: March, April and May are spring in the north and autumn in the south."""
    quarter = when.month % 12 // 3
    return SEASONS[quarter if lat >= 0 else (quarter + 2) % 4]


def line_of_sight(season: Season, seed: int) -> tuple[float, float]:
    """Zenith angle and azimuth of the satellite, degrees: east or west of its track, on a descending orbit."""
    rng = stream(seed, f"line of sight {season.when:%Y%m%d}")
    azimuth = float(rng.choice([104.0, 284.0]))
    return float(rng.uniform(1.5, STEEPEST_VIEW_DEG)), azimuth


def _bounds(transform: tuple[float, float, float, float, float, float], window: Window) -> Bounds:
    a, _, west, _, e, north = transform
    columns = window.column + np.linspace(0, window.width, 9)
    rows = window.row + np.linspace(0, window.height, 9)
    x, y = np.meshgrid(west + a * columns, north + e * rows)
    lon, lat = transformer(CRS, WGS84)(x.ravel(), y.ravel())
    return Bounds(float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max()))
