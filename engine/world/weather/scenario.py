"""One draw of a regime: the numbers that decide a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Self

import numpy as np

from engine.world.noise import stream
from engine.world.weather.regime import Range, Regime

Wind = tuple[float, float]
"""Metres a second to the east and to the north."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """What a series has, in the units of :class:`Regime`; 0 depth, rate or cover means that it is absent.

    Attributes:
        seed: Of all noise.
        regime: What it was drawn from.
        fog_rate: Share of the sea's cells and frames with fog.
        fog_water: Liquid water, g m⁻³.
        fog_depth: Depth, m.
        fog_radius: Effective radius, µm.
        fog_top: Top over sea, K.
        fog_swing: Growth over a day.
        fog_burn: Loss to the sun.
        fog_peak: Hours to the largest extent.
        deck_cover: Cover of stratocumulus.
        deck_top: Its top, m.
        deck_path: Its water path, g m⁻².
        deck_radius: Its effective radius, µm.
        deck_broken: How cellular it is.
        mid_cover: Cover of mid cloud.
        mid_top: Its temperature, K.
        cirrus_cover: Cover of ice cloud.
        cirrus_depth: Its optical depth.
        cirrus_top: Its temperature, K.
        dust_depth: Optical depth of dust.
        turbid: Turbid water along the coast, 0–1.
        snow: Whether snow lies.
        sand: How much of the dry land is bare.
        vapour: Water vapour relative to the usual.
        front: Contrast of fronts, K.
        sst_bias: Error of the product, K.
        sst_error: Structured error of the product, K.
        wind: Near the sea.
        deck_wind: At the deck.
        mid_wind: At mid cloud.
        cirrus_wind: At the ice cloud.
    """

    seed: int
    regime: str
    fog_rate: float
    fog_water: float
    fog_depth: float
    fog_radius: float
    fog_top: float
    fog_swing: float
    fog_burn: float
    fog_peak: float
    deck_cover: float
    deck_top: float
    deck_path: float
    deck_radius: float
    deck_broken: float
    mid_cover: float
    mid_top: float
    cirrus_cover: float
    cirrus_depth: float
    cirrus_top: float
    dust_depth: float
    turbid: float
    snow: bool
    sand: float
    vapour: float
    front: float
    sst_bias: float
    sst_error: float
    wind: Wind
    deck_wind: Wind
    mid_wind: Wind
    cirrus_wind: Wind

    @classmethod
    def draw(cls, regime: Regime, seed: int, *, lat: float, when: datetime) -> Self:
        """Draw one.

        Args:
            regime: The ranges.
            seed: Decides everything.
            lat: Latitude of the middle, degrees: snow lies in winter only.
            when: First frame.
        """
        dice = _Dice(stream(seed, "scenario"))
        foggy = dice.falls(regime.foggy)
        cloudy = not dice.falls(regime.empty)
        heading = dice.of((0.0, 2 * np.pi))
        deck = cloudy & dice.falls(regime.deck)
        low = dice.falls(regime.deck_low)
        top = dice.of(regime.deck_low_top) if low else dice.of(regime.deck_top)
        return cls(
            seed=seed,
            regime=regime.name,
            fog_rate=dice.log(regime.fog_rate) * foggy,
            fog_water=dice.of(regime.fog_water),
            fog_depth=dice.of(regime.fog_depth),
            fog_radius=dice.of(regime.fog_radius),
            fog_top=dice.of(regime.fog_top),
            fog_swing=dice.of(regime.fog_swing),
            fog_burn=dice.of(regime.fog_burn),
            fog_peak=dice.of(regime.fog_peak),
            deck_cover=dice.of(regime.deck_cover) * deck,
            deck_top=top,
            deck_path=dice.of(regime.deck_path),
            deck_radius=dice.of(regime.deck_radius),
            deck_broken=dice.of(regime.deck_broken) * (0.5 if low else 1.0),
            mid_cover=dice.of(regime.mid_cover) * (cloudy & dice.falls(regime.mid)),
            mid_top=dice.of(regime.mid_top),
            cirrus_cover=dice.of(regime.cirrus_cover) * (cloudy & dice.falls(regime.cirrus)),
            cirrus_depth=dice.log(regime.cirrus_depth),
            cirrus_top=dice.of(regime.cirrus_top),
            dust_depth=dice.of(regime.dust_depth) * dice.falls(regime.dust),
            turbid=dice.of((0.4, 1.0)) * dice.falls(regime.turbid),
            snow=dice.falls(regime.snow) and abs(lat) > 36 and winter(lat, when) > 0.7,
            sand=dice.of(regime.sand),
            vapour=dice.of(regime.vapour),
            front=dice.of(regime.front),
            sst_bias=dice.of(regime.sst_bias),
            sst_error=regime.sst_error,
            wind=_vector(dice.of(regime.wind), heading),
            deck_wind=_vector(dice.of((5, 12)), heading + dice.of((-0.5, 0.5))),
            mid_wind=_vector(dice.of((8, 20)), dice.of((0, 2 * np.pi))),
            cirrus_wind=_vector(dice.of((20, 50)), dice.of((-0.7, 0.7))),
        )


def winter(lat: float, when: datetime) -> float:
    """1 in the middle of winter, −1 in the middle of summer, about six weeks after the solstices as the sea has it."""
    day = when.timetuple().tm_yday
    return float(np.cos(2 * np.pi * (day - 38) / 365.25) * (1 if lat >= 0 else -1))


class _Dice:
    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def of(self, between: Range) -> float:
        return float(self.rng.uniform(*between))

    def log(self, between: Range) -> float:
        return float(np.exp(self.rng.uniform(*np.log(between))))

    def falls(self, share: float) -> bool:
        return bool(self.rng.random() < share)


def _vector(speed: float, heading: float) -> Wind:
    return speed * float(np.cos(heading)), speed * float(np.sin(heading))
