"""Radiance and temperature of a black body at one wavelength."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

_C1: Final = 1.191042972e8
"""2hc² in W µm⁴ m⁻² sr⁻¹."""
_C2: Final = 1.438776877e4
"""hc/k in µm K."""

SOLAR_39: Final = 10.6
"""Sunlight at 3.9 µm outside the air, W m⁻² µm⁻¹ at 1 AU (Thuillier et al. 2003, rounded)."""


def radiance(kelvin: NDArray[np.float32] | float, wavelength: float) -> NDArray[np.float32]:
    """Planck's law: K → W m⁻² sr⁻¹ µm⁻¹ at a wavelength in µm."""
    return np.asarray(_C1 / wavelength**5 / np.expm1(_C2 / (wavelength * kelvin)), dtype=np.float32)


def temperature(light: NDArray[np.float32], wavelength: float) -> NDArray[np.float32]:
    """The inverse: radiance → brightness temperature, K; radiance at or below zero gives about 100 K."""
    return np.asarray(_C2 / wavelength / np.log1p(_C1 / wavelength**5 / np.maximum(light, 1e-12)), dtype=np.float32)
