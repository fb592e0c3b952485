"""How a picture of an island was taken: the facts that come with a satellite's scene, all of them exact."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.geometry import WGS84, Window, transformer
from engine.types import Bounds
from engine.world.classes import LandCover
from engine.world.noise import stream
from engine.world.season import Season

GSD_M: Final = 10.0
CENTRE: Final = (-31.5, 43.5)
"""Longitude and latitude of the demo's middle: 400 km north of the Azores, over the deep sea."""
CRS: Final = "EPSG:32625"
"""Of the demo."""

STEEPEST_VIEW_DEG: Final = 11.0
"""Zenith angle of the line of sight at the edge of Sentinel-2's swath: 10.3° at the satellite, a little more on the curved Earth."""

SEASONS: Final = ("winter", "spring", "summer", "autumn")


@dataclass(frozen=True, slots=True)
class Place:
    """Where an island lies.

    Attributes:
        lon: Of its middle, degrees east.
        lat: Of its middle, degrees north.
        transform: Affine pixel → ``crs`` coefficients a, b, c, d, e, f; corners lie on whole 10 m.
    """

    lon: float
    lat: float
    transform: tuple[float, float, float, float, float, float]

    @classmethod
    def around(cls, lon: float, lat: float, size: int) -> Place:
        """The place of a scene of ``size`` by ``size`` pixels.

        Raises:
            ValueError: Poleward of 70°, where these islands' plants and sun make no sense.
        """
        if not (-180 <= lon <= 180 and -70 <= lat <= 70):
            raise ValueError(f"An island can't lie at {lon}° E {lat}° N: choose a longitude within ±180° and a latitude within ±70°.")
        x, y = transformer(WGS84, _utm(lon, lat))(np.array(lon), np.array(lat))
        west = round(float(x) / GSD_M) * GSD_M - size // 2 * GSD_M
        north = round(float(y) / GSD_M) * GSD_M + size // 2 * GSD_M
        return cls(lon, lat, (GSD_M, 0.0, west, 0.0, -GSD_M, north))

    @property
    def crs(self) -> str:
        """UTM on WGS 84, as an EPSG code."""
        return _utm(self.lon, self.lat)

    def bounds(self, window: Window) -> Bounds:
        """Box around a part of the scene, degrees."""
        a, _, west, _, e, north = self.transform
        columns = window.column + np.linspace(0, window.width, 9)
        rows = window.row + np.linspace(0, window.height, 9)
        x, y = np.meshgrid(west + a * columns, north + e * rows)
        lon, lat = transformer(self.crs, WGS84)(x.ravel(), y.ravel())
        if np.ptp(lon) > 180:  # across the antimeridian
            lon = lon % 360
        west, east = ((float(side) + 180) % 360 - 180 for side in (lon.min(), lon.max()))
        return Bounds(west, float(lat.min()), east, float(lat.max()))


def _utm(lon: float, lat: float) -> str:
    return f"EPSG:{(32600 if lat >= 0 else 32700) + int((lon + 180) // 6) % 60 + 1}"


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
    def of(cls, season: Season, seed: int, place: Place, truth: NDArray[np.uint8], window: Window) -> Acquisition:
        """The facts of a part of a picture.

        Args:
            season: The date.
            seed: Of the island: its dates each have an orbit.
            place: Where the island lies.
            truth: (height, width) uint8 LandCover of the whole picture.
            window: The part, pixels.
        """
        part = truth[window.row : window.row + window.height, window.column : window.column + window.width]
        zenith, azimuth = line_of_sight(season, seed)
        return cls(
            when=season.when,
            season=season_name(season.when, place.lat),
            sun_elevation_deg=90.0 - season.sun_zenith,
            sun_azimuth_deg=season.sun_azimuth,
            view_zenith_deg=zenith,
            cloud_cover=float((part == LandCover.CLOUD).mean()),
            gsd_m=GSD_M,
            bounds=place.bounds(window),
            view_azimuth_deg=azimuth,
        )

    def tags(self) -> dict[str, str]:
        """As text, for a file's metadata."""
        return {
            "PHAROS_SEASON": self.season,
            "PHAROS_SUN_ELEVATION_DEG": f"{self.sun_elevation_deg:.4f}",
            "PHAROS_SUN_AZIMUTH_DEG": f"{self.sun_azimuth_deg:.4f}",
            "PHAROS_VIEW_ZENITH_DEG": f"{self.view_zenith_deg:.4f}",
            "PHAROS_VIEW_AZIMUTH_DEG": f"{self.view_azimuth_deg:.4f}",
            "PHAROS_CLOUD_COVER": f"{self.cloud_cover:.6f}",
            "PHAROS_GSD_M": f"{self.gsd_m:g}",
        }


def season_name(when: datetime, lat: float) -> str:
    """The meteorological season: March, April and May are spring in the north and autumn in the south."""
    quarter = when.month % 12 // 3
    return SEASONS[quarter if lat >= 0 else (quarter + 2) % 4]


def overpass(day: date, lon: float) -> datetime:
    """When a satellite on Sentinel-2's orbit passes a longitude (degrees east): 10:30 mean local solar time, in UTC."""
    return datetime.combine(day, time(10, 30), UTC) - timedelta(hours=lon / 15)


def line_of_sight(season: Season, seed: int) -> tuple[float, float]:
    """Zenith angle and azimuth of the satellite, degrees: east or west of its track, on a descending orbit."""
    rng = stream(seed, f"line of sight {season.when:%Y%m%d}")
    azimuth = float(rng.choice([104.0, 284.0]))
    return float(rng.uniform(1.5, STEEPEST_VIEW_DEG)), azimuth
