"""Which weather may be drawn: ranges of parameters for training, and others that are held out for testing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final, Self

Range = tuple[float, float]
"""Lowest and highest value; equal where nothing is drawn."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """Ranges from which a series is drawn. Shares are probabilities from 0 to 1.

    Attributes:
        name: What it is called.
        foggy: Share of the series that have fog at all.
        empty: Share of the series without any cloud but fog.
        fog_rate: Share of the sea's cells and frames with fog, in a series that has fog; drawn evenly in its logarithm.
        fog_water: Liquid water in fog, g m⁻³.
        fog_depth: Depth of fog, m.
        fog_radius: Effective radius of fog droplets, µm.
        fog_top: Temperature of the fog's top over that of the sea, K; above 0 under an inversion.
        fog_swing: How much fog grows and shrinks over a day.
        fog_burn: How much the sun eats away, most along coasts.
        fog_peak: Hours from the first frame to the largest extent.
        deck: Share of the series with stratocumulus.
        deck_cover: Cover of the deck.
        deck_top: Height of its top, m.
        deck_low: Share of the decks that are low stratus, with tops within ``deck_low_top``.
        deck_low_top: Height of the top of low stratus, m; it overlaps fog in everything but height.
        deck_path: Liquid water path of the deck, g m⁻².
        deck_radius: Effective radius of its droplets, µm.
        deck_broken: How cellular it is, from 0 (a sheet) to 1.
        mid: Share with mid cloud.
        mid_cover: Its cover.
        mid_top: Its temperature, K.
        cirrus: Share with ice cloud.
        cirrus_cover: Its cover.
        cirrus_depth: Its optical depth, drawn evenly in its logarithm.
        cirrus_top: Its temperature, K.
        dust: Share with dust or haze.
        dust_depth: Its optical depth.
        turbid: Share with turbid water along the coast.
        snow: Share of winters with snow on land poleward of 36°.
        sand: How much of the land between 13° and 38° is bare.
        vapour: Water vapour relative to what is usual above such a sea.
        front: Contrast of fronts in the sea surface temperature, K.
        sst_bias: Error of the sea surface temperature product, the same everywhere, K.
        sst_error: Structured error of that product, standard deviation, K.
        wind: Wind near the sea, m s⁻¹: drift of fog and width of the glint.
    """

    name: str
    foggy: float = 0.4
    empty: float = 0.15
    fog_rate: Range = (0.02, 0.40)
    fog_water: Range = (0.08, 0.30)
    fog_depth: Range = (100.0, 400.0)
    fog_radius: Range = (5.0, 10.0)
    fog_top: Range = (-2.5, 0.8)
    fog_swing: Range = (0.0, 0.6)
    fog_burn: Range = (0.0, 0.35)
    fog_peak: Range = (0.0, 24.0)
    deck: float = 0.6
    deck_cover: Range = (0.08, 0.75)
    deck_top: Range = (700.0, 1800.0)
    deck_low: float = 0.06
    deck_low_top: Range = (350.0, 650.0)
    deck_path: Range = (30.0, 140.0)
    deck_radius: Range = (8.0, 15.0)
    deck_broken: Range = (0.2, 1.0)
    mid: float = 0.25
    mid_cover: Range = (0.04, 0.30)
    mid_top: Range = (248.0, 270.0)
    cirrus: float = 0.45
    cirrus_cover: Range = (0.08, 0.5)
    cirrus_depth: Range = (0.2, 8.0)
    cirrus_top: Range = (206.0, 236.0)
    dust: float = 0.08
    dust_depth: Range = (0.4, 2.5)
    turbid: float = 0.3
    snow: float = 0.5
    sand: Range = (0.2, 1.0)
    vapour: Range = (0.6, 1.4)
    front: Range = (1.0, 5.5)
    sst_bias: Range = (-0.8, 0.8)
    sst_error: float = 0.25
    wind: Range = (2.0, 8.0)

    def at_rate(self, rate: float | Range, foggy: float | None = None) -> Self:
        """The same weather with another base rate within the series that have fog, and another share of them."""
        low, high = rate if isinstance(rate, tuple) else (rate, rate)
        return replace(self, fog_rate=(low, high), foggy=self.foggy if foggy is None else foggy)


TRAINING: Final = Regime(name="training")
"""The mix that networks learn from and physics is tuned on."""

_HELD_OUT: Final = (
    Regime(name="thin", fog_water=(0.05, 0.12), fog_depth=(80, 220), fog_radius=(4, 7), cirrus_depth=(0.1, 2.0), cirrus=0.6),
    Regime(
        name="cool",
        fog_top=(-3.2, -1.2),
        fog_radius=(8, 12),
        deck_top=(650, 1200),
        deck_radius=(7, 11),
        deck_broken=(0, 0.6),
        sand=(0, 0.3),
    ),
    Regime(name="moist", vapour=(1.3, 1.9), sst_bias=(-1.5, 1.5), sst_error=0.4, fog_radius=(7, 12), cirrus_top=(198, 215), mid=0.4),
    Regime(name="murky", dust=0.5, dust_depth=(0.6, 3.5), turbid=0.8, snow=0.9, sand=(0.7, 1.0), wind=(5, 13), front=(3, 7)),
)
HELD_OUT: Final = {regime.name: regime for regime in _HELD_OUT}
"""For testing only: each leaves the ranges of training on some side."""

DEMO: Final = Regime(
    name="demo",
    foggy=1.0,
    empty=0.0,
    fog_rate=(0.24, 0.24),
    fog_water=(0.18, 0.18),
    fog_depth=(250, 250),
    fog_radius=(6.5, 6.5),
    fog_top=(-1.3, -1.3),
    fog_swing=(0.25, 0.25),
    fog_burn=(0.9, 0.9),
    fog_peak=(3.0, 3.0),
    deck=1.0,
    deck_cover=(0.3, 0.3),
    deck_low=0.0,
    deck_top=(1450, 1450),
    deck_path=(90, 90),
    deck_radius=(9.5, 9.5),
    deck_broken=(0.8, 0.8),
    mid=0.0,
    cirrus=1.0,
    cirrus_cover=(0.12, 0.12),
    cirrus_depth=(2.0, 2.0),
    cirrus_top=(221, 221),
    dust=0.0,
    turbid=0.0,
    sand=(1.0, 1.0),
    vapour=(1.0, 1.0),
    front=(5.0, 5.0),
    sst_bias=(0.3, 0.3),
    wind=(4.0, 4.0),
)
"""One night and morning that shows everything; not for measuring."""

REGIMES: Final = {regime.name: regime for regime in (TRAINING, *_HELD_OUT, DEMO)}
