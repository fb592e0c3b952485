"""How a geostationary satellite looks at a place, and where the sea mirrors the sun into it."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.sun import sun_direction

FloatArray = NDArray[np.float64]

_EARTH_KM: Final = 6378.137
_ORBIT_KM: Final = 42164.0


def satellite_direction(lat: FloatArray, lon: FloatArray, satellite_lon: float) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vector from a place on a spherical Earth to a geostationary satellite: east, north and up.

    Args:
        lat: Latitudes, degrees.
        lon: Longitudes, degrees east; broadcast with ``lat``.
        satellite_lon: Longitude under the satellite, degrees east.
    """
    phi, turn = np.deg2rad(lat), np.deg2rad(satellite_lon - lon)
    cos_arc = np.cos(phi) * np.cos(turn)
    reach = np.sqrt(1 + (_EARTH_KM / _ORBIT_KM) ** 2 - 2 * (_EARTH_KM / _ORBIT_KM) * cos_arc)
    return np.sin(turn) / reach, -np.sin(phi) * np.cos(turn) / reach, (cos_arc - _EARTH_KM / _ORBIT_KM) / reach


def satellite_zenith(lat: FloatArray, lon: FloatArray, satellite_lon: float) -> FloatArray:
    """Zenith angle of a geostationary satellite, degrees; beyond 90 it is below the horizon. Arguments as above."""
    up = satellite_direction(lat, lon, satellite_lon)[2]
    return np.asarray(np.rad2deg(np.arccos(np.clip(up, -1, 1))))


def glint_angle(when: datetime, lat: FloatArray, lon: FloatArray, satellite_lon: float) -> FloatArray:
    """Angle between the line of sight and the sun mirrored by a flat sea, degrees; within 25 to 30 the sea glitters.

    The mirrored beam keeps its horizontal direction: with s and v towards sun and satellite,
    cos g = v_up s_up − v_east s_east − v_north s_north.
    """
    sun, sight = sun_direction(when, lat, lon), satellite_direction(lat, lon, satellite_lon)
    cosine = sun[2] * sight[2] - sun[0] * sight[0] - sun[1] * sight[1]
    return np.asarray(np.rad2deg(np.arccos(np.clip(cosine, -1, 1))))
