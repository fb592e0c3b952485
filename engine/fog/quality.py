"""What is wrong or weak about each cell of a frame, as bits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog.elements import Element
from engine.fog.grid import Grid
from engine.fog.sun import sun_direction
from engine.fog.view import glint_angle

QualityBits = NDArray[np.uint16]

GLINT_DEG: Final = 25.0
SLANT_DEG: Final = 65.0
COAST_CELLS: Final = 2
SST_FRESH: Final = timedelta(days=2)
_COLD_K, _SPLIT_K, _SATURATED_K = 240.0, 2.8, 325.0
_EQUINOX_DEG: Final = 12.0
"""Declination of the sun up to which it may shine past the Earth into a geostationary telescope."""


class Quality(IntFlag):
    """Conditions of a cell; several may hold."""

    MISSING = 1
    TWILIGHT = 2
    GLINT = 4
    SLANT = 8
    COAST = 16
    COLD_TOP = 32
    THIN_CIRRUS = 64
    SATURATED = 128
    STRAY_LIGHT = 256
    SST_OLD = 512

    @property
    def words(self) -> str:
        """How a person calls it."""
        return _WORDS[Quality(self)]


_WORDS: Final = {
    Quality.MISSING: "a band has no value",
    Quality.TWILIGHT: "twilight: sun 80–90° from the zenith",
    Quality.GLINT: f"sun glint: within {GLINT_DEG:.0f}° of the mirrored sun",
    Quality.SLANT: f"view angle beyond {SLANT_DEG:.0f}°",
    Quality.COAST: f"within {COAST_CELLS} cells of the coast",
    Quality.COLD_TOP: "cold top: 3.9 µm is noise",
    Quality.THIN_CIRRUS: "thin ice cloud",
    Quality.SATURATED: "3.9 µm is saturated",
    Quality.STRAY_LIGHT: "the sun may shine into the telescope",
    Quality.SST_OLD: "sea surface temperature older than two days",
}

ATTRIBUTES: Final[dict[str, object]] = {
    "long_name": "conditions of a cell",
    "flag_masks": [int(bit) for bit in Quality],
    "flag_meanings": " ".join(str(bit.name).lower() for bit in Quality),
    "grid_mapping": "crs",
}
"""CF attributes of the quality variable."""


def assess(
    fields: Mapping[str, NDArray[np.float32]],
    when: datetime,
    grid: Grid,
    *,
    zenith: NDArray[np.float32] | None,
    satellite_longitude: float | None,
    view_zenith: NDArray[np.float32] | None,
    land: NDArray[np.bool_] | None,
    sst_age: timedelta = timedelta(0),
) -> QualityBits:
    """Quality bits of one frame.

    Args:
        fields: Element name → (n, m) float32, NaN where there is no value.
        when: Time of the frame, UTC.
        grid: Its grid.
        zenith: (n, m) solar zenith angle, degrees; ``None`` where the time is not known.
        satellite_longitude: Longitude under the geostationary satellite, degrees east, if known.
        view_zenith: (n, m) zenith angle of the satellite, degrees, if known.
        land: (n, m) land, if known.
        sst_age: How old the sea surface temperature is.

    Returns:
        (n, m) uint16 bits of :class:`Quality`. What can't be told is not set: stray light needs the satellite, the coast needs land.
    """
    bits = np.zeros(grid.shape, dtype=np.uint16)

    def put(bit: Quality, where: NDArray[np.bool_]) -> None:
        bits[where] |= np.uint16(bit)

    put(Quality.MISSING, _missing(fields, grid, zenith))
    if view_zenith is not None:
        put(Quality.SLANT, view_zenith > SLANT_DEG)
    if zenith is not None:
        put(Quality.TWILIGHT, (zenith >= 80) & (zenith < 90))
        if satellite_longitude is not None:
            put(Quality.GLINT, _glint(when, grid, satellite_longitude) & (zenith < 90))
            if stray_light(when, satellite_longitude):
                put(Quality.STRAY_LIGHT, zenith >= 90)
    if land is not None:
        put(Quality.COAST, near_coast(land))
    for bit, where in _seen(fields, sst_age):
        put(bit, where)
    return bits


def _seen(fields: Mapping[str, NDArray[np.float32]], sst_age: timedelta) -> Iterator[tuple[Quality, NDArray[np.bool_]]]:
    """What the values themselves show."""
    window, near, far = (fields.get(name) for name in ("BT1120", "BT0390", "BT1230"))
    if window is not None:
        yield Quality.COLD_TOP, window < _COLD_K
        if far is not None:
            yield Quality.THIN_CIRRUS, window - far > _SPLIT_K
    if near is not None:
        yield Quality.SATURATED, near >= _SATURATED_K
    if "SST" in fields and sst_age > SST_FRESH:
        yield Quality.SST_OLD, np.isfinite(fields["SST"])


def stray_light(when: datetime, satellite_longitude: float) -> bool:
    """Whether the sun stands behind the Earth, near the equinoxes around the satellite's midnight, and may leak into 3.9 µm."""
    east, north, up = (float(part) for part in sun_direction(when, np.array(0.0), np.array(satellite_longitude)))
    return abs(np.rad2deg(np.arcsin(north))) < _EQUINOX_DEG and up < 0 and abs(np.rad2deg(np.arctan2(east, -up))) < 15


def near_coast(land: NDArray[np.bool_], cells: int = COAST_CELLS) -> NDArray[np.bool_]:
    """Cells of sea with land, and of land with sea, at most so many cells away."""
    if land.all() or not land.any():
        return np.zeros_like(land)
    from scipy.ndimage import binary_dilation

    return np.asarray(binary_dilation(land, iterations=cells) & binary_dilation(~land, iterations=cells))


def _missing(fields: Mapping[str, NDArray[np.float32]], grid: Grid, zenith: NDArray[np.float32] | None) -> NDArray[np.bool_]:
    """Where an infrared or grey band has no value, or by day a reflectance."""
    missing = np.zeros(grid.shape, dtype=bool)
    lit = np.ones(grid.shape, dtype=bool) if zenith is None else zenith < 80
    bands = 0
    for name, values in fields.items():
        element = Element.find(name)
        if element is None or element.wavelength is None:
            continue
        bands += 1
        sun_only = element.is_reflectance or (element.is_grey and element.wavelength < 3)
        missing |= np.isnan(values) & lit if sun_only else np.isnan(values)
    return missing if bands else ~missing


def _glint(when: datetime, grid: Grid, satellite_longitude: float, step: int = 8) -> NDArray[np.bool_]:
    """The angle changes slowly, so every eighth cell is enough."""
    coarse = glint_angle(when, grid.lat[::step, None], grid.lon[None, ::step], satellite_longitude) < GLINT_DEG
    rows, columns = grid.shape
    return np.asarray(coarse.repeat(step, 0)[:rows].repeat(step, 1)[:, :columns])
