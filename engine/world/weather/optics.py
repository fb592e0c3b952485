"""How surfaces, droplets, ice, dust and vapour look at each wavelength: typical published magnitudes, not a line-by-line model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Self

import numpy as np

from engine.fog.instruments import Band
from engine.fog.planck import SOLAR_39, radiance

Limit = tuple[float, float]
"""Reflectance of an endless cloud: value at a radius of 0 µm and its change for each µm."""


@dataclass(frozen=True, slots=True)
class Solar:
    """A band of reflected sunlight; reflectances 0–1.

    Attributes:
        air: Of the clear air.
        water: Of the sea without glint.
        silt: Added by turbid water.
        bush: Of overgrown land.
        sand: Of bare land.
        snow: Of snow.
        drops: Reflectance for each unit of optical depth of a thin water cloud.
        drops_limit: Of an endless water cloud.
        ice: As ``drops``, for ice.
        ice_limit: Of endless ice.
        dust_limit: Of endless dust.
    """

    air: float
    water: float
    silt: float
    bush: float
    sand: float
    snow: float
    drops: float
    drops_limit: Limit
    ice: float
    ice_limit: float
    dust_limit: float


SOLAR: Final = {
    "R0047": Solar(0.080, 0.020, 0.030, 0.035, 0.12, 0.75, 0.130, (0.96, 0.0), 0.110, 0.95, 0.16),
    "R0051": Solar(0.060, 0.018, 0.050, 0.050, 0.17, 0.75, 0.130, (0.96, 0.0), 0.110, 0.95, 0.22),
    "R0064": Solar(0.028, 0.012, 0.080, 0.050, 0.29, 0.76, 0.130, (0.96, 0.0), 0.110, 0.95, 0.33),
    "R0086": Solar(0.012, 0.010, 0.012, 0.310, 0.36, 0.70, 0.128, (0.95, 0.0), 0.108, 0.92, 0.38),
    "R0160": Solar(0.003, 0.008, 0.000, 0.220, 0.44, 0.09, 0.115, (0.80, -0.014), 0.060, 0.38, 0.40),
    "R0225": Solar(0.001, 0.006, 0.000, 0.120, 0.38, 0.05, 0.100, (0.55, -0.014), 0.040, 0.24, 0.38),
}
"""After the table of typical signatures of marine scenes."""

_WINDOW_UM: Final = (8.6, 10.4, 11.2, 12.3)
_WINDOW: Final = {
    # constant and slope of the loss to vapour, K and K/cm
    "vapour": (0.75, 0.30, 0.35, 0.55),
    "vapour_cm": (0.46, 0.22, 0.28, 0.56),
    "drops": (0.60, 0.55, 0.62, 0.67),
    "ice": (0.42, 0.47, 0.50, 0.60),
    "dust": (0.16, 0.14, 0.12, 0.07),
    "bush": (0.980, 0.984, 0.985, 0.985),
    "sand": (0.870, 0.970, 0.972, 0.982),
    "snow": (0.990, 0.995, 0.992, 0.980),
    "water": (0.985, 0.991, 0.990, 0.985),
}
_NEAR: Final = {
    "vapour": 0.25, "vapour_cm": 0.13, "drops": 0.45, "ice": 0.38, "dust": 0.05,
    "bush": 0.965, "sand": 0.80, "snow": 0.985, "water": 0.978,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Thermal:
    """An infrared band.

    Attributes:
        wavelength: Centre, µm.
        vapour: Loss of clear sky to vapour, K.
        vapour_cm: The same for each centimetre of precipitable water, K.
        dioxide: Loss to carbon dioxide at the surface, K.
        drops: Absorption for each unit of visible optical depth of a water cloud.
        ice: The same of ice.
        dust: The same of dust.
        bush: Emissivity of overgrown land.
        sand: Of bare land.
        snow: Of snow.
        water: Of the sea.
        noise: Noise at 300 K, K.
        sunlight: Sun above the air, W m⁻² µm⁻¹; 0 where it does not matter.
    """

    wavelength: float
    vapour: float
    vapour_cm: float
    dioxide: float
    drops: float
    ice: float
    dust: float
    bush: float
    sand: float
    snow: float
    water: float
    noise: float
    sunlight: float

    @classmethod
    def of(cls, band: Band, instrument: str) -> Self:
        """The optics of a sensor's band: window bands by their wavelength, so that 10.5 and 11.2 µm differ."""
        wave = band.wavelength
        if wave < 5:
            sun = SOLAR_39 * float(radiance(5800.0, wave) / radiance(5800.0, 3.9))
            dioxide = {"SEVIRI": 2.0, "FCI": 0.4}.get(instrument, 0.5 if wave > 3.8 else 0.1)
            return cls(wavelength=wave, dioxide=dioxide, noise=_NOISE.get(instrument, 1.0) * 0.1, sunlight=sun, **_NEAR)
        at = {name: float(np.interp(wave, _WINDOW_UM, values)) for name, values in _WINDOW.items()}
        return cls(wavelength=wave, dioxide=0.0, noise=_NOISE.get(instrument, 1.0) * 0.06, sunlight=0.0, **at)

    @property
    def spread(self) -> np.float32:
        """Noise as radiance."""
        return np.float32(self.noise * float(radiance(300.5, self.wavelength) - radiance(299.5, self.wavelength)))


_NOISE: Final = {"ABI": 0.8, "AHI": 1.0, "SEVIRI": 1.2, "FCI": 0.8, "AGRI": 2.0, "AGRI-B": 1.6}
NATIVE_KM: Final = {"ABI": (1.0, 2.0), "AHI": (1.0, 2.0), "AGRI": (2.0, 4.0), "AGRI-B": (2.0, 4.0), "SEVIRI": (3.0, 3.0), "FCI": (1.0, 2.0)}
"""Size of a pixel below the satellite, km, of reflected and of emitted light; on finer grids the picture is oversampled."""
THERMAL: Final = ("BT0390", "BT0860", "BT1040", "BT1120", "BT1230")


def opaque_emissivity(radius: float) -> float:
    """3.9 µm emissivity of an opaque water cloud: 0.80 at droplets of 5 µm, 0.88 at 10 µm, 0.93 at 15 µm."""
    return float(np.interp(radius, (3, 5, 10, 15, 20), (0.77, 0.81, 0.88, 0.93, 0.95)))


def mirror(radius: float) -> float:
    """3.9 µm reflectance of an opaque water cloud in sunlight: 0.15 at droplets of 6 µm, 0.10 at 10 µm."""
    return float(np.clip(0.225 - 0.0125 * radius, 0.03, 0.18))
