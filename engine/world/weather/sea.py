"""The sea and the land under the weather: temperatures, what a product says of them, and what the ground is made of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

import numpy as np

from engine.world.noise import FloatImage, ramp, stream
from engine.world.weather.drift import noise
from engine.world.weather.place import Place
from engine.world.weather.scenario import Scenario, winter

_FREEZING_K: Final = 271.4
_PRODUCT_KM: Final = 25.0
"""Resolution of a daily product, 0.25°."""


@dataclass(frozen=True, slots=True, eq=False)
class Sea:
    """(n, m) fields that stand still through a series.

    Attributes:
        place: Where.
        sst: True sea surface temperature, K; filled over land.
        smooth: The same without fronts: what the air above has taken on.
        product: What a daily product says: biased, coarse and wrong at fronts, K; NaN over land.
        vapour: Precipitable water above, cm.
        sand: How much of the land is bare, 0–1.
        ground: Hills and cover, standard deviation 1.
        turbid: Suspended matter in the water, 0–1.
        snow: Whether snow lies on the land.
        winter: 1 in the middle of winter, −1 in that of summer.
        warmth: The sea's mean temperature, K.
    """

    place: Place
    sst: FloatImage
    smooth: FloatImage
    product: FloatImage
    vapour: FloatImage
    sand: FloatImage
    ground: FloatImage
    turbid: FloatImage
    snow: bool
    winter: float
    warmth: float

    @classmethod
    def of(cls, place: Place, scenario: Scenario, when: datetime) -> Self:
        """The sea of a scenario on a day.

        Climate by latitude and season, a cold coast (upwelling, tides), meandering fronts and eddies.
        """
        rng = stream(scenario.seed, "sea")
        season = winter(place.latitude, when)
        lat = place.grid.lat[:, None].astype(np.float32)
        meander = noise(place, rng, beta=3.4, longest=220)
        swirl = noise(place, rng, beta=3.2, longest=90)
        sheet = noise(place, rng, beta=3.6, longest=500)
        climate = 273.15 + 28.5 - 0.0075 * lat**2 - season * np.minimum(4.0, 0.1 * np.abs(lat))
        coast = -0.7 * scenario.front * np.exp(-np.maximum(place.offshore + 30 * meander, 0) / 80)
        front = 0.5 * scenario.front * np.tanh(2.5 * (meander + 0.6 * sheet))
        sst = np.maximum(climate + coast + front + 0.3 * swirl, _FREEZING_K).astype(np.float32)
        smooth, product = _coarse(sst, place, 40.0), _coarse(sst, place, _PRODUCT_KM / 2)
        wrong = scenario.sst_bias + scenario.sst_error * noise(place, rng, beta=3.0, longest=200)
        warmth = float(sst[place.sea].mean()) if place.sea.any() else float(sst.mean())
        usual = 0.75 * np.exp(0.062 * (warmth - 273.15))
        vapour = np.clip(usual * scenario.vapour * (1 + 0.12 * noise(place, rng, beta=3.6, longest=600)), 0.3, 7.0)
        ground = noise(place, rng, beta=2.6, longest=150)
        dry = float(np.clip(1 - (abs(abs(place.latitude) - 25) - 8) / 6, 0, 1)) * scenario.sand
        silt = scenario.turbid * np.exp(-np.maximum(place.offshore, 0) / 30) * ramp(meander, -1.0, 1.0)
        return cls(
            place=place,
            sst=sst,
            smooth=smooth,
            product=np.where(place.land, np.nan, product + wrong).astype(np.float32),
            vapour=vapour.astype(np.float32),
            sand=np.asarray(dry * ramp(meander + 0.4 * ground, -2.0, 1.0), dtype=np.float32),
            ground=ground,
            turbid=silt.astype(np.float32),
            snow=scenario.snow,
            winter=season,
            warmth=warmth,
        )

    def ground_temperature(self, when: datetime) -> FloatImage:
        """(n, m) K: the land's, with its day and season; warmest two hours after noon by the sun."""
        place = self.place
        clock = when.hour + when.minute / 60 + place.grid.lon[None, :] / 15
        swing = np.cos(2 * np.pi * (clock - 14) / 24).astype(np.float32)
        size = (4.0 + 7.0 * self.sand) * (1 - 0.35 * max(self.winter, 0))
        inland = ramp(-place.offshore, 0, 250)
        away = min(abs(place.latitude) / 45, 1.0)
        mean = self.warmth + (2.0 - 2.0 * inland) - self.winter * away * (4 + 6 * inland) + 1.8 * self.ground
        warm = mean + size * swing
        return np.asarray(np.minimum(warm, 272.8) if self.snow else warm, dtype=np.float32)


def _coarse(field: FloatImage, place: Place, km: float) -> FloatImage:
    from scipy.ndimage import gaussian_filter

    down, across = place.cell_km
    return np.asarray(gaussian_filter(field, (km / down / 1.5, km / across / 1.5), mode="nearest"), dtype=np.float32)
