"""Where the sun stands: NOAA's low-accuracy formulas, good to about 0.1° between 1900 and 2100."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

_J2000 = datetime(2000, 1, 1, 12, tzinfo=UTC)


def _declination_and_time(when: datetime) -> tuple[float, float]:
    """Declination (radians) and equation of time (minutes)."""
    century = (when - _J2000).total_seconds() / 86400 / 36525
    mean_longitude = np.deg2rad((280.46646 + century * (36000.76983 + 0.0003032 * century)) % 360)
    anomaly = np.deg2rad(357.52911 + century * (35999.05029 - 0.0001537 * century))
    eccentricity = 0.016708634 - century * (0.000042037 + 0.0000001267 * century)
    centre = np.deg2rad(
        np.sin(anomaly) * (1.914602 - century * (0.004817 + 0.000014 * century))
        + np.sin(2 * anomaly) * (0.019993 - 0.000101 * century)
        + np.sin(3 * anomaly) * 0.000289
    )
    node = np.deg2rad(125.04 - 1934.136 * century)
    longitude = mean_longitude + centre - np.deg2rad(0.00569 + 0.00478 * np.sin(node))
    tilt = 23 + (26 + (21.448 - century * (46.815 + century * (0.00059 - 0.001813 * century))) / 60) / 60
    tilt = np.deg2rad(tilt + 0.00256 * np.cos(node))
    declination = np.arcsin(np.sin(tilt) * np.sin(longitude))
    y = np.tan(tilt / 2) ** 2
    minutes = 4 * np.rad2deg(
        y * np.sin(2 * mean_longitude)
        - 2 * eccentricity * np.sin(anomaly)
        + 4 * eccentricity * y * np.sin(anomaly) * np.cos(2 * mean_longitude)
        - 0.5 * y * y * np.sin(4 * mean_longitude)
        - 1.25 * eccentricity**2 * np.sin(2 * anomaly)
    )
    return float(declination), float(minutes)


def _hour_angle(when: datetime, lon: FloatArray, minutes: float) -> FloatArray:
    clock = when.astimezone(UTC)
    of_day = clock.hour * 60 + clock.minute + (clock.second + clock.microsecond / 1e6) / 60
    return np.asarray(np.deg2rad((of_day + minutes + 4 * lon) / 4 - 180))


def cos_solar_zenith(when: datetime, lat: FloatArray, lon: FloatArray) -> FloatArray:
    """Cosine of the sun's zenith angle, without refraction.

    Args:
        when: UTC-aware time.
        lat: Latitudes, degrees, any shape that broadcasts with ``lon``.
        lon: Longitudes, degrees east.

    Returns:
        float64, −1 to 1; negative below the horizon.

    Source: NOAA Global Monitoring Laboratory, "Solar Calculation Details" (after Meeus, Astronomical Algorithms).
    """
    return np.asarray(np.clip(sun_direction(when, lat, lon)[2], -1, 1))


def solar_zenith(when: datetime, lat: FloatArray, lon: FloatArray) -> FloatArray:
    """Zenith angle of the sun in degrees, 0 overhead, 90 at the geometric horizon; arguments as :func:`cos_solar_zenith`."""
    return np.asarray(np.rad2deg(np.arccos(cos_solar_zenith(when, lat, lon))))


def sun_direction(when: datetime, lat: FloatArray, lon: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Unit vector towards the sun: east, north and up; arguments as :func:`cos_solar_zenith`."""
    declination, minutes = _declination_and_time(when)
    phi, h = np.deg2rad(lat), _hour_angle(when, lon, minutes)
    east = np.asarray(-np.cos(declination) * np.sin(h))
    north = np.asarray(np.sin(declination) * np.cos(phi) - np.cos(declination) * np.sin(phi) * np.cos(h))
    up = np.asarray(np.sin(phi) * np.sin(declination) + np.cos(phi) * np.cos(declination) * np.cos(h))
    return east, north, up


def solar_azimuth(when: datetime, lat: FloatArray, lon: FloatArray) -> FloatArray:
    """Azimuth of the sun in degrees clockwise from north; arguments as :func:`cos_solar_zenith`."""
    east, north, _ = sun_direction(when, lat, lon)
    return np.asarray(np.rad2deg(np.arctan2(east, north)) % 360)
