"""Angles between sun, satellite and sea for whole grids."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from engine.fog.grid import Grid
from engine.fog.sun import cos_solar_zenith, solar_azimuth
from engine.fog.view import satellite_direction, satellite_zenith

FloatField = NDArray[np.float32]

DUSK_DEG = 88.0
"""Beyond this a reflectance, divided by a tiny cosine, is noise."""


def sun_zenith(grid: Grid, when: datetime) -> FloatField:
    """(n, m) zenith angle of the sun, degrees."""
    return np.rad2deg(np.arccos(cos_sun_zenith(grid, when)))


def cos_sun_zenith(grid: Grid, when: datetime) -> FloatField:
    """(n, m) cosine of the sun's zenith angle, −1 to 1; negative below the horizon."""
    return cos_solar_zenith(when, grid.lat[:, None], grid.lon[None, :]).astype(np.float32)


def view_zenith(grid: Grid, satellite_longitude: float) -> FloatField:
    """(n, m) zenith angle of the satellite, degrees; beyond 90 it is below the horizon."""
    return satellite_zenith(grid.lat[:, None], grid.lon[None, :], satellite_longitude).astype(np.float32)


def relative_azimuth(grid: Grid, when: datetime, satellite_longitude: float) -> FloatField:
    """(n, m) angle between the azimuths of sun and satellite, degrees, 0 to 180; 0 where the satellite looks with the sun at its back."""
    east, north, _ = satellite_direction(grid.lat[:, None], grid.lon[None, :], satellite_longitude)
    sight = np.rad2deg(np.arctan2(east, north))
    turn = np.abs((solar_azimuth(when, grid.lat[:, None], grid.lon[None, :]) - sight + 180) % 360 - 180)
    return turn.astype(np.float32)


def sun_normalised(reflectance: FloatField, grid: Grid, when: datetime) -> FloatField:
    """Reflectance divided by the cosine of the sun's zenith angle, %; NaN where the sun stands below 88°."""
    cosine = cos_sun_zenith(grid, when)
    lit = cosine > np.cos(np.deg2rad(DUSK_DEG))
    return np.where(lit, reflectance / np.where(lit, cosine, 1), np.nan).astype(np.float32)
