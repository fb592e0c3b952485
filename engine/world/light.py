"""From reflectance to a picture: sun and shade, dunes and waves, clouds, haze, optics and noise."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.world.classes import LandCover
from engine.world.cover import Cover
from engine.world.noise import FloatImage, enlarged, fractal, ramp, shrunk, stream
from engine.world.season import Season
from engine.world.surface import Paint
from engine.world.terrain import Terrain

FULL_SCALE = (0.28, 0.28, 0.28, 0.60)
"""Reflectance that the value 255 stands for: red, green, blue, near infrared."""


def sun_vector(season: Season) -> tuple[float, float, float]:
    """Towards the sun: x east, y south (down the rows), z up."""
    zenith, azimuth = np.deg2rad(season.sun_zenith), np.deg2rad(season.sun_azimuth)
    return float(np.sin(zenith) * np.sin(azimuth)), float(-np.sin(zenith) * np.cos(azimuth)), float(np.cos(zenith))


def shade(terrain: Terrain, cover: Cover, kind: NDArray[np.uint8], season: Season) -> FloatImage:
    """(size, size) brightness of the ground against flat ground, by slope, dunes, tree crowns and waves."""
    sx, sy, sz = sun_vector(season)
    height = terrain.height + dunes(terrain, cover, kind) + np.where(kind == LandCover.FOREST, 1.3 * cover.grain, 0)
    gy, gx = np.gradient(height, 10.0)
    lit = (-gx * sx - gy * sy + sz) / np.sqrt(1 + gx * gx + gy * gy)
    ambient = 0.32
    out = ambient + (1 - ambient) * np.maximum(lit, 0) / sz
    out *= 1 - 0.55 * _cast(terrain, season)
    water = (kind == LandCover.SEA) | (kind == LandCover.LAKE) | (kind == LandCover.RIVER)
    return np.asarray(np.where(water, 1, np.clip(out, 0.12, 1.75)), dtype=np.float32)


def dunes(terrain: Terrain, cover: Cover, kind: NDArray[np.uint8]) -> FloatImage:
    """Transverse dunes: asymmetric ridges across the wind, bent and broken, some metres high."""
    plan = terrain.plan
    rng = stream(plan.seed, "dunes")
    wind = float(rng.uniform(0, 2 * np.pi))
    y, x = np.mgrid[: plan.size, : plan.size].astype(np.float32)
    along = x * np.float32(np.cos(wind)) + y * np.float32(np.sin(wind)) + 1.6 * cover.mottle + 26 * cover.drift
    phase = (along / np.float32(rng.uniform(9, 13))) % 1
    wave = np.where(phase < 0.72, phase / 0.72, (1 - phase) / 0.28)
    crest = np.clip(0.75 + 0.5 * cover.drift + 0.35 * cover.mottle, 0.1, 1.6)
    return np.asarray(np.where(kind == LandCover.DESERT, wave * 13 * crest, 0), dtype=np.float32)


def _cast(terrain: Terrain, season: Season, steps: int = 28) -> FloatImage:
    """Share of cast shadow, by walking towards the sun on every second pixel."""
    from scipy.ndimage import gaussian_filter

    sx, sy, sz = sun_vector(season)
    flat = float(np.hypot(sx, sy))
    if flat < 0.3:
        return np.zeros_like(terrain.height)
    height = terrain.height[::2, ::2]
    rise = 20.0 * sz / flat
    dark = np.zeros_like(height)
    for step in range(1, steps, 1 if flat > 0.8 else 2):
        dx, dy = round(sx / flat * step), round(sy / flat * step)
        towards = np.roll(height, (-dy, -dx), axis=(0, 1))
        dark = np.maximum(dark, np.clip((towards - height - rise * step) / 12, 0, 1))
    soft = gaussian_filter(dark, 0.7)
    size = terrain.height.shape[0]
    return np.asarray(np.repeat(np.repeat(soft, 2, 0), 2, 1)[:size, :size], dtype=np.float32)


def waves(
    picture: Paint, terrain: Terrain, cover: Cover, kind: NDArray[np.uint8], season: Season, foam: NDArray[np.float32], swell_in: int = 3
) -> None:
    """Draw swell, surf and glitter on the sea, in place; ``picture`` is (size, size, 4), swell shows in its first ``swell_in`` channels."""
    size = terrain.plan.size
    rng = stream(terrain.plan.seed, f"waves {season.when:%Y%m%d}")
    sea = kind == LandCover.SEA
    y, x = np.mgrid[:size, :size].astype(np.float32)
    bend = 4 * cover.drift
    along = x * np.float32(np.cos(season.swell)) + y * np.float32(np.sin(season.swell)) + bend
    chop = fractal(size, rng, beta=1.2, longest=14)
    swell = np.sin(along * np.float32(2 * np.pi / rng.uniform(7, 11)) + 0.9 * chop) * 0.5 + 0.6 * chop
    strength = np.float32(rng.uniform(0.0012, 0.0028))
    offshore = -terrain.shore
    gy, gx = (np.asarray(part) for part in np.gradient(_smooth(terrain.shore)))
    facing = ramp(np.asarray(-gx * np.cos(season.swell) - gy * np.sin(season.swell)), -0.7, 0.8)
    picture[..., :swell_in] += np.where(sea, strength * swell * (1 + 0.3 * cover.drift) * ramp(offshore, 1, 12), 0)[..., None]
    breaking = ramp(offshore, 1.2 + 2.2 * facing, 0.3) * ramp(0.8 * chop + 0.7 * cover.mottle + 1.6 * facing - 0.9, 0.0, 1.6)
    second = np.exp(-(((offshore - 6.5 - 1.5 * cover.mottle) / 0.9) ** 2)) * ramp(chop + 0.6 * cover.mottle, 0.6, 1.6) * 0.7 * facing
    caps = ramp(chop + 0.25 * cover.drift, 3.2, 4.0) * 0.25
    share = np.where(sea, np.clip(np.maximum(np.maximum(breaking, second) * 0.85, caps), 0, 1), 0).astype(np.float32)
    picture += (foam - picture) * share[..., None]


def _smooth(shore: FloatImage) -> FloatImage:
    """Distance to the coast on a coarse grid and back: its gradient is the way the coast faces."""
    size = shore.shape[0]
    return enlarged(shrunk(shore, max(8, size // 12)), size)


def clouds(terrain: Terrain, season: Season) -> tuple[FloatImage, FloatImage]:
    """Fair-weather cumulus: opacity and shadow, each (size, size) 0–1; nothing on clear dates."""
    size, seed = terrain.plan.size, terrain.plan.seed
    nothing = np.zeros((size, size), dtype=np.float32)
    if not season.cloudy:
        return nothing, nothing
    from scipy.ndimage import gaussian_filter

    rng = stream(seed, f"clouds {season.when:%Y%m%d}")
    field = 0.9 * fractal(size, rng, beta=2.9, longest=65) + 0.75 * fractal(size, rng, beta=3.5, longest=size / 2.5, shortest=24)
    field += 0.9 * terrain.plan.near("mountain", 1.7) + 0.5 * (terrain.shore < -60) - 1.1 * terrain.plan.near("airport")
    cut = float(np.quantile(field[::4, ::4], 0.968))
    opacity = ramp(field, cut - 0.1, cut + 0.75)
    sx, sy, sz = sun_vector(season)
    shift = 95.0  # cloud base near 950 m: pixels of 10 m by the tangent of the zenith angle
    dx, dy = -round(sx / sz * shift), -round(sy / sz * shift)
    shadow = np.roll(opacity, (dy, dx), axis=(0, 1))
    return opacity, np.asarray(gaussian_filter(shadow, 1.2), dtype=np.float32)


def sensed(picture: Paint, season: Season, seed: int) -> NDArray[np.uint8]:
    """What the sensor writes: haze, point spread and noise; (size, size, 4) reflectance → (4, size, size) uint8, 1–255."""
    from scipy.ndimage import gaussian_filter

    rng = stream(seed, f"sensor {season.when:%Y%m%d}")
    path = np.array([0.014, 0.018, 0.025, 0.004]) * (0.55 + 0.6 * season.haze)
    bands = np.empty((4, *picture.shape[:2]), dtype=np.uint8)
    for band in range(4):
        light = gaussian_filter(picture[..., band], 0.55) * (1 - 0.09 * season.haze) + path[band]
        counts = light * np.float32(255 / FULL_SCALE[band]) + rng.standard_normal(light.shape, dtype=np.float32) * np.float32(0.75)
        bands[band] = np.clip(np.rint(counts), 1, 255).astype(np.uint8)
    return bands
