"""How a geostationary satellite looks at a place, and where the sea mirrors the sun into it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.sun import solar_azimuth, solar_zenith

FloatArray = NDArray[np.float64]

_EARTH_KM: Final = 6378.137
_ORBIT_KM: Final = 42164.0


def satellite_zenith(lat: FloatArray, lon: FloatArray, satellite_lon: float) -> FloatArray:
    """Zenith angle of a geostationary satellite over a spherical Earth, degrees; 90 at the limb.

    Args:
        lat: Latitudes, degrees.
        lon: Longitudes, degrees east; broadcast with ``lat``.
        satellite_lon: Longitude under the satellite, degrees east.
    """
    cos_arc = np.cos(np.deg2rad(lat)) * np.cos(np.deg2rad(lon - satellite_lon))
    return np.asarray(np.rad2deg(np.arctan2(np.sqrt(1 - cos_arc**2), cos_arc - _EARTH_KM / _ORBIT_KM)))


def satellite_azimuth(lat: FloatArray, lon: FloatArray, satellite_lon: float) -> FloatArray:
    """Azimuth of the satellite, degrees clockwise from north; arguments as :func:`satellite_zenith`."""
    phi, turn = np.deg2rad(lat), np.deg2rad(satellite_lon - lon)
    return np.asarray(np.rad2deg(np.arctan2(np.sin(turn), -np.sin(phi) * np.cos(turn))) % 360)


def glint_angle(when: datetime, lat: FloatArray, lon: FloatArray, satellite_lon: float) -> FloatArray:
    """Angle between the line of sight and the mirrored sun on a flat sea, degrees; below 25 to 30 the sea glitters.

    cos g = cos θs cos θv − sin θs sin θv cos(φs − φv), with azimuths of sun and satellite as seen from the place.
    """
    sun, sight = np.deg2rad(solar_zenith(when, lat, lon)), np.deg2rad(satellite_zenith(lat, lon, satellite_lon))
    turn = np.deg2rad(solar_azimuth(when, lat, lon) - satellite_azimuth(lat, lon, satellite_lon))
    cosine = np.cos(sun) * np.cos(sight) - np.sin(sun) * np.sin(sight) * np.cos(turn)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))
