"""Twelve optical bands of an island, as Sentinel-2's surface reflectance would show it.

They are painted with the same strokes, light and clouds as the island's picture in red, green, blue and near infrared, each band
with its own reflectances, and come before haze: an atmospheric correction that succeeded. SYNTHETIC.
"""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.world.acquisition import line_of_sight
from engine.world.canvas import Canvas
from engine.world.moment import Daylight, Moment
from engine.world.noise import stream
from engine.world.season import Season
from engine.world.spectra import BANDS, palette_of

NATIVE_M: Final = (60, 10, 10, 10, 20, 20, 20, 10, 20, 60, 20, 20)
"""Side of the pixels in which Sentinel-2 records ``BANDS``; coarse bands are softer on the grid of 10 m."""

NOISE: Final = 0.0012
"""Standard deviation of the sensor's noise in reflectance: a signal-to-noise ratio near 100 over vegetation in red."""

_SHEETS: Final = ((("B04", "B03", "B02", "B08"), 3), (("B01", "B05", "B06", "B07"), 2), (("B8A", "B09", "B11", "B12"), 0))
"""Four bands that are painted together, and how many of them show the slopes of the waves."""


def reflectance(moment: Moment) -> NDArray[np.float32]:
    """Surface reflectance of an island on a date.

    Returns:
        (12, size, size) float32, above 0 and at most 1, in the order of ``BANDS``.
    """
    from scipy.ndimage import gaussian_filter

    seed = moment.terrain.plan.seed
    rng = stream(seed, f"bands {moment.season.when:%Y%m%d}")
    day = Daylight.of(moment)
    tilt = np.where(moment.water, np.float32(1), np.float32(tilt_of_view(moment.season, seed)))[..., None]
    out = np.empty((len(BANDS), moment.size, moment.size), dtype=np.float32)
    for names, swell in _SHEETS:
        palette = palette_of(moment.palette, names)
        canvas = Canvas(moment.size)
        picture, built = moment.painted(palette, canvas, swell)
        picture *= tilt
        day.fall(picture, built, canvas.labels, palette["cloud"])
        for channel, name in enumerate(names):
            place = BANDS.index(name)
            out[place] = gaussian_filter(picture[..., channel], 0.055 * NATIVE_M[place])
    for band in out:
        band += NOISE * rng.standard_normal(band.shape, dtype=np.float32)
    return np.clip(out, 1e-4, 1, out=out)


def tilt_of_view(season: Season, seed: int) -> float:
    """How much brighter land is when it is seen from the sun's side than from straight above, as a factor near 1.

    A scene that is seen with the sun behind the sensor hides its shadows. The factor is one plus a quarter of
    sin(view zenith) · cos(azimuth between sun and sensor), ±5 % at the edge of the swath: the size that Roy et al. 2017,
    "Examination of Sentinel-2A multi-spectral instrument (MSI) reflectance anisotropy", report for vegetation.
    """
    zenith, azimuth = np.deg2rad(line_of_sight(season, seed))
    return float(1 + 0.25 * np.sin(zenith) * np.cos(azimuth - np.deg2rad(season.sun_azimuth)))
