"""What a geostationary imager sees of a sky: layers that emit, pass and reflect, summed in radiance, with noise."""

from __future__ import annotations

from typing import Final

import numpy as np

from engine.fog import angles
from engine.fog.elements import Element
from engine.fog.instruments import Instrument
from engine.fog.planck import radiance, temperature
from engine.world.noise import FloatImage, stream
from engine.world.weather.glint import glint
from engine.world.weather.layers import Layer
from engine.world.weather.optics import NATIVE_KM, SOLAR, THERMAL, Solar, Thermal, mirror, opaque_emissivity
from engine.world.weather.scenario import Scenario
from engine.world.weather.sea import Sea
from engine.world.weather.sky import Sky

_COLDEST_K: Final = 170.0
_HOTTEST_K: Final = 327.0
"""Where the stored counts, and about where 3.9 µm detectors, end."""
_DARK: Final = float(np.cos(np.deg2rad(angles.DUSK_DEG)))
_ABOVE: Final = {"fog": (0.75, 0.95), "dust": (0.5, 0.75), "deck": (0.45, 0.85), "mid": (0.1, 0.5), "cirrus": (0.0, 0.15)}
"""Share of the vapour and of the carbon dioxide that lie above a layer."""


class Imager:
    """One imager over one sea.

    Simplifications: one temperature a layer, no scattering between layers in the infrared, plane-parallel clouds, vapour as a loss of
    temperature, no parallax and no shadows: what is labelled and what is seen lie on the same line of sight.
    """

    def __init__(self, instrument: Instrument, satellite_longitude: float, sea: Sea, scenario: Scenario) -> None:
        self.instrument, self.longitude, self.sea, self.scenario = instrument, satellite_longitude, sea, scenario
        bands = instrument.elements
        self.solar: dict[str, Solar] = {name: SOLAR[name] for name in SOLAR if name in bands}
        self.thermal: dict[str, Thermal] = {name: Thermal.of(bands[name], instrument.id) for name in THERMAL if name in bands}
        slant = np.deg2rad(np.minimum(angles.view_zenith(sea.place.grid, satellite_longitude), 75))
        self.slant = np.asarray(1 / np.cos(slant), dtype=np.float32)
        self.roughness = float(np.hypot(*scenario.wind))

    @property
    def elements(self) -> tuple[str, ...]:
        """Bands that it has and that are modelled."""
        return (*self.solar, *self.thermal)

    def view(self, sky: Sky, index: int, elements: tuple[str, ...]) -> dict[str, FloatImage]:
        """What it measures.

        Args:
            sky: The sky.
            index: Number of the frame: its noise depends on nothing else.
            elements: Which bands.

        Returns:
            Element → (n, m) float32: reflectance in %, sun-normalised, NaN where the sun is lower than 2°; brightness temperature in K.
        """
        rng = stream(self.scenario.seed, f"noise {index}")
        seeds = {name: rng.integers(2**63) for name in (*SOLAR, *THERMAL)}  # each band keeps its noise whichever others are asked for
        ground = self.sea.ground_temperature(sky.when)
        sun = np.maximum(sky.cos_sza, 0)
        lit = bool((sky.cos_sza > _DARK).any())
        shine = glint(self.sea.place.grid, sky.when, self.longitude, self.roughness) if bool((sun > 0).any()) else np.zeros_like(sun)
        out: dict[str, FloatImage] = {}
        for name in elements:
            own = np.random.default_rng(seeds[name])
            if Element.named(name).is_reflectance:
                dark = np.full_like(sun, np.nan)
                out[name] = self._reflectance(self.solar[name], sky, shine, own) if lit else dark
            else:
                out[name] = self._temperature(self.thermal[name], sky, ground, sun, shine, own)
        return out

    def _temperature(
        self, band: Thermal, sky: Sky, ground: FloatImage, sun: FloatImage, shine: FloatImage, rng: np.random.Generator
    ) -> FloatImage:
        vapour = ((band.vapour + band.vapour_cm * self.sea.vapour) * self.slant).astype(np.float32)

        def above(name: str) -> FloatImage:
            wet, dry = _ABOVE[name]
            return np.asarray(vapour * np.float32(wet) + np.float32(band.dioxide * dry), dtype=np.float32)

        sunlight = np.float32(band.sunlight / np.pi) * sun
        light = self._surface(band, ground, vapour + np.float32(band.dioxide), sunlight, shine)
        light = _droplets(light, sky.fog, band, above("fog"), sunlight)
        if sky.dust is not None:
            light = _absorber(light, sky.dust, band.dust, band, above("dust"), 0.015 * sunlight)
        for layer, name in ((sky.deck, "deck"), (sky.mid, "mid")):
            if layer is not None:
                light = _droplets(light, layer, band, above(name), sunlight)
        if sky.cirrus is not None:
            light = _absorber(light, sky.cirrus, band.ice, band, None, 0.02 * sunlight)
        light = self._seen(light, band.spread, 1, rng)
        return np.clip(temperature(light, band.wavelength), _COLDEST_K, _HOTTEST_K)

    def _surface(self, band: Thermal, ground: FloatImage, loss: FloatImage, sunlight: FloatImage, shine: FloatImage) -> FloatImage:
        sea = self.sea
        land = np.asarray(band.snow if sea.snow else band.bush + (band.sand - band.bush) * sea.sand, dtype=np.float32)
        # the sea emits a little less than a black body and mirrors the sky's own warmth, which makes up for most of it
        water = np.float32(1 - 0.4 * (1 - band.water))
        own = np.where(sea.place.land, ground, sea.sst) - loss
        emitted = np.asarray(np.where(sea.place.land, land, water) * radiance(own, band.wavelength), dtype=np.float32)
        if band.sunlight:
            emitted += np.where(sea.place.land, 1 - land, 0.006 + 1.1 * shine) * sunlight
        return emitted

    def _reflectance(self, band: Solar, sky: Sky, shine: FloatImage, rng: np.random.Generator) -> FloatImage:
        sea = self.sea
        land = np.float32(band.snow) if sea.snow else np.float32(band.bush) + np.float32(band.sand - band.bush) * sea.sand
        land = land * (1 + 0.10 * sea.ground)
        light = np.where(sea.place.land, land, band.water + band.silt * sea.turbid + shine)
        air = band.air * np.minimum(0.5 * (self.slant + 1 / np.maximum(sky.cos_sza, 0.12)), 4) / 1.2
        cut, slope = band.drops_limit
        layers = [(sky.fog, band.drops, cut + slope * sky.fog.radius)]
        layers += [(sky.dust, 0.08, band.dust_limit)] if sky.dust is not None else []
        layers += [(layer, band.drops, cut + slope * layer.radius) for layer in (sky.deck, sky.mid) if layer is not None]
        layers += [(sky.cirrus, band.ice, band.ice_limit)] if sky.cirrus is not None else []
        light = np.asarray(light, dtype=np.float32)
        for layer, strength, limit in layers:
            assert layer is not None
            light = _scatter(light, layer.depth, strength, limit)
        light = light + air * (1 - light) ** 2
        spread = np.asarray(0.25 / np.maximum(sky.cos_sza, 0.03), dtype=np.float32)
        noisy = self._seen(np.asarray(100 * light, dtype=np.float32), spread, 0, rng)
        return np.where(sky.cos_sza > _DARK, noisy, np.nan).astype(np.float32)

    def _seen(self, light: FloatImage, spread: FloatImage | np.float32, kind: int, rng: np.random.Generator) -> FloatImage:
        """Noise, and the blur where the sensor's pixels are larger than the cells: then neighbours share their noise, too."""
        from scipy.ndimage import gaussian_filter1d

        noise = rng.standard_normal(light.shape, dtype=np.float32) * spread
        for axis, cell in enumerate(self.sea.place.cell_km):
            width = 0.42 * NATIVE_KM[self.instrument.id][kind] / cell  # a box as wide as a pixel has about this deviation
            if width > 0.35:
                light, noise = (gaussian_filter1d(part, width, axis=axis, truncate=2.5, mode="nearest") for part in (light, noise))
                noise = noise * np.float32(np.sqrt(max(1.0, 2 * np.sqrt(np.pi) * width)))
        return np.asarray(light + noise, dtype=np.float32)


def _scatter(light: FloatImage, depth: FloatImage, strength: float, limit: float) -> FloatImage:
    """A scattering layer over a bright ground: R = c + (1 − c/limit)·(1 − c)·g / (1 − c·g), c = limit·γτ / (limit + γτ)."""
    thin = np.float32(strength) * depth
    cloud = np.float32(limit) * thin / (np.float32(limit) + thin)
    passed = (1 - cloud / np.float32(limit)) * (1 - cloud) if limit < 0.9 else (1 - cloud) ** 2
    return np.asarray(cloud + passed * light / (1 - cloud * light), dtype=np.float32)


def _absorber(light: FloatImage, layer: Layer, strength: float, band: Thermal, loss: FloatImage | None, sunlight: FloatImage) -> FloatImage:
    passed = np.exp(np.float32(-strength) * layer.depth)
    if loss is None:
        own: FloatImage | np.float32 = np.float32(radiance(float(layer.top.flat[0]), band.wavelength))
    else:
        own = radiance(layer.top - loss, band.wavelength)
    emitted = (1 - passed) * own
    if band.sunlight:
        emitted = emitted + sunlight * (1 - np.exp(np.float32(-0.4) * layer.depth))
    return np.asarray(light * passed + emitted, dtype=np.float32)


def _droplets(light: FloatImage, layer: Layer, band: Thermal, loss: FloatImage, sunlight: FloatImage) -> FloatImage:
    """A water cloud: black in the windows once it is thick; at 3.9 µm it also turns back light from below and from the sun."""
    depth = layer.depth
    if not layer.is_there:
        return light
    passed = np.exp(np.float32(-band.drops) * depth)
    own = radiance(layer.top - loss, band.wavelength)
    if not band.sunlight:
        return np.asarray(light * passed + (1 - passed) * own, dtype=np.float32)
    # multiple scattering builds up faster than linearly: 7, 17, 41, 72 and 97 % of the end value at τ = 0.5, 1, 2, 4 and 8
    back = np.float32(1 - opaque_emissivity(layer.radius)) * (1 - np.exp(np.float32(-0.186) * depth ** np.float32(1.387)))
    emitted = np.maximum(1 - passed - back, 0) * own
    shining = np.float32(mirror(layer.radius)) * (1 - np.exp(np.float32(-0.35) * depth)) * sunlight
    return np.asarray(light * passed + emitted + shining, dtype=np.float32)
