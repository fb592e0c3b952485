"""All that is above the sea at one time, and the exact labels that follow from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.fog import angles
from engine.fog.labels import Label, Labels
from engine.world.noise import FloatImage
from engine.world.weather.layers import Cirrus, Deck, Dust, FogBank, Layer, MidCloud
from engine.world.weather.scenario import Scenario
from engine.world.weather.sea import Sea

HIDDEN_FROM: Final = 0.2
"""Share of the 11 µm light that higher cloud must take away so that it hides what is below."""
VERY_LOW_M: Final = 300.0
"""A deck with its base below this is low stratus."""
_TAKES: Final = {"drops": 0.62, "ice": 0.50}
"""Absorption at 11 µm for each unit of visible optical depth."""


@dataclass(frozen=True, slots=True, eq=False)
class Sky:
    """One time.

    Attributes:
        when: UTC.
        cos_sza: (n, m) cosine of the sun's zenith angle.
        fog: The fog.
        surface_fog: (n, m) where one sees less than 1 km at the surface.
        dust: Dust.
        deck: Stratus or stratocumulus.
        mid: Mid cloud.
        cirrus: Ice cloud.
    """

    when: datetime
    cos_sza: FloatImage
    fog: Layer
    surface_fog: NDArray[np.bool_]
    dust: Layer | None
    deck: Layer | None
    mid: Layer | None
    cirrus: Layer | None

    @property
    def higher(self) -> FloatImage:
        """(n, m) share of the light at 11 µm that clouds above the fog take away, 0–1."""
        passed = self._passed(self.mid, "drops") * self._passed(self.cirrus, "ice")
        return np.asarray(1 - passed * self._passed(self.deck, "drops"), dtype=np.float32)

    def _passed(self, layer: Layer | None, kind: str) -> FloatImage:
        if layer is None:
            return np.ones_like(self.cos_sza)
        return np.asarray(np.exp(np.float32(-_TAKES[kind]) * layer.depth), dtype=np.float32)

    def labels(self, land: NDArray[np.bool_]) -> Labels:
        """(n, m) codes of :class:`engine.fog.labels.Label`: exact, from what the sky is made of and not from what is seen.

        Fog is fog at the surface; it is below higher cloud where that takes away a fifth of the 11 µm light. Low stratus is a deck
        with its base below 300 m, no fog under it and nothing hiding it. Land is unlabelled.
        """
        hidden = self.higher >= HIDDEN_FROM
        out = np.where(self.surface_fog, np.where(hidden, Label.FOG_BELOW_CLOUD, Label.FOG), Label.NOT_FOG)
        if self.deck is not None and self.deck.base < VERY_LOW_M:
            seen = self._passed(self.mid, "drops") * self._passed(self.cirrus, "ice") > 1 - HIDDEN_FROM
            here = self._passed(self.deck, "drops") < 1 - HIDDEN_FROM
            out = np.where(here & seen & ~self.surface_fog, Label.LOW_STRATUS, out)
        return np.where(land, Label.UNLABELLED, out).astype(np.int8)


class Weather:
    """The layers of a scenario; :meth:`at` gives the sky of a time."""

    def __init__(self, sea: Sea, scenario: Scenario, times: tuple[datetime, ...]) -> None:
        start = times[0]
        self.sea = sea
        self.fog = FogBank(sea, scenario, times)
        self.dust = Dust(sea, scenario, start) if scenario.dust_depth > 0 else None
        self.deck = Deck(sea, scenario, start) if scenario.deck_cover > 0 else None
        self.mid = MidCloud(sea, scenario, start) if scenario.mid_cover > 0 else None
        self.cirrus = Cirrus(sea, scenario, start) if scenario.cirrus_cover > 0 else None

    def at(self, when: datetime) -> Sky:
        """The sky at one of the series' times."""
        fog, surface_fog = self.fog.at(when)
        return Sky(
            when=when,
            cos_sza=angles.cos_sun_zenith(self.sea.place.grid, when),
            fog=fog,
            surface_fog=surface_fog,
            dust=None if self.dust is None else self.dust.at(when),
            deck=None if self.deck is None else self.deck.at(when),
            mid=None if self.mid is None else self.mid.at(when),
            cirrus=None if self.cirrus is None else self.cirrus.at(when),
        )
