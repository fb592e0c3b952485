"""How a window varies each time that it is seen: what is wrong with real data, and the eight ways to lay a square."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from engine.fog.network.features import BANDS, Sight
from engine.fog.network.recipe import Variation


def varied(sight: Sight, how: Variation, dice: np.random.Generator) -> Sight:
    """A window with errors of calibration, of the sea's temperature, more noise, and some bands missing."""
    bands = dict(sight.bands)
    noise = dice.uniform(0, how.noise)
    for name, values in bands.items():
        if name == "SST":
            even = dice.random() < how.sea_wrong
            bias = dice.uniform(-how.sea_most, how.sea_most) if even else dice.normal(0, how.sea_bias)
            bands[name] = values + np.float32(bias)
        elif name.startswith("BT"):
            bias = dice.normal(0, how.near_bias) if name == "BT0390" else 0.0
            grain = np.float32(noise) * dice.standard_normal(values.shape, dtype=np.float32)
            bands[name] = values + grain + np.float32(bias)
        else:
            bands[name] = values * np.float32(1 + dice.uniform(-how.gain, how.gain))
    dark = dice.random() < how.dark
    gone = {name for name in BANDS if dice.random() < how.without.get(name, 0.0) or (dark and name.startswith("R"))}
    return replace(sight, bands={name: values for name, values in bands.items() if name not in gone})


def laid(fields: NDArray[np.float32], way: int) -> NDArray[np.float32]:
    """(…, n, n) in one of eight ways: turned by multiples of 90° and mirrored."""
    turned = np.rot90(fields, way % 4, axes=(-2, -1))
    return np.ascontiguousarray(turned[..., ::-1] if way >= 4 else turned)
