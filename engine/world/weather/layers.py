"""Clouds, each a noise field that its wind carries: fog, stratocumulus, mid cloud, ice cloud and dust."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.world.noise import FloatImage, ramp, stream
from engine.world.weather.drift import Drift, noise
from engine.world.weather.scenario import Scenario
from engine.world.weather.sea import Sea

VISIBILITY_KM: Final = 1.0
"""Fog is a cloud at the surface in which one sees less far than this."""
_EXTINCTION: Final = 3.912 / VISIBILITY_KM
"""Extinction at that visibility, 1/km (Koschmieder, contrast 2 %)."""
_LAPSE: Final = 6.3
"""Fall of a low deck's top below the sea's temperature, K for each km of height."""


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A cloud at one time.

    Attributes:
        depth: (n, m) optical depth in the visible.
        top: (n, m) temperature, K.
        radius: Effective radius of its droplets, µm; 0 for ice and dust.
        base: Height of its base, m.
    """

    depth: FloatImage
    top: FloatImage
    radius: float
    base: float

    @property
    def is_there(self) -> bool:
        """Whether any cell has it."""
        return bool((self.depth > 0).any())


class FogBank:
    """Fog: it lies where warm air crosses cold water, drifts with the wind, and the sun eats it from its edges.

    How much there is, is set beforehand: the threshold of the field that decides is found so that the share of the sea's cells with
    fog over all frames is the scenario's base rate.
    """

    def __init__(self, sea: Sea, scenario: Scenario, times: tuple[datetime, ...]) -> None:
        place = sea.place
        rng = stream(scenario.seed, "fog")
        self.place, self.sea, self.scenario, self.start = place, sea, scenario, times[0]
        wind = (0.6 * scenario.wind[0], 0.6 * scenario.wind[1])  # the bank moves slower than the air: it forms anew over cold water
        self.bank = Drift(place, rng, beta=4.0, longest=650, wind=wind, life=40)
        self.curl = Drift(place, rng, beta=3.0, longest=90, wind=scenario.wind, life=12)
        self.thick = Drift(place, rng, beta=3.6, longest=140, wind=scenario.wind, life=24)
        self.rough = noise(place, rng, beta=2.2, longest=30)
        cold = sea.smooth.mean() - sea.smooth
        shore = np.exp(-np.maximum(place.offshore, 0) / 120)
        still = 0.8 * cold / max(float(cold.std()), 0.3) + 0.7 * shore - np.maximum(-place.offshore, 0) / 12
        self.still = still.astype(np.float32)
        self.coast = np.exp(-np.abs(place.offshore) / 60).astype(np.float32)
        self.burned = self._burned(times)
        self.edge = self._edge(times)

    @property
    def _full(self) -> float:
        """Extinction in the middle of the bank, 1/km: 3 LWC / (2 ρ r)."""
        return 1500 * self.scenario.fog_water / self.scenario.fog_radius

    def _burned(self, times: tuple[datetime, ...]) -> dict[datetime, float]:
        """How much the sun has eaten so far, in hours of overhead sun; half of it comes back within 8 hours of night."""
        lat, lon = self.place.grid.lat.mean(), self.place.grid.lon.mean()
        from engine.fog.sun import cos_solar_zenith

        total, out, before = 0.0, {}, times[0] - timedelta(hours=12)
        step = timedelta(minutes=30)
        clock = before
        for when in times:
            while clock < when:
                clock += step
                sun = max(float(cos_solar_zenith(clock, np.array(lat), np.array(lon))), 0.0)
                total += 0.5 * sun - 0.5 * 0.0866 * total
            out[when] = total
        return out

    def _favour(self, when: datetime) -> FloatImage:
        """(n, m) field that decides where fog is."""
        hours, scenario = _hours(self.start, when), self.scenario
        swing = scenario.fog_swing * np.cos(2 * np.pi * (hours - scenario.fog_peak) / 24)
        loss = np.float32(scenario.fog_burn * self.burned[when]) * (0.25 + 0.75 * self.coast)
        return np.asarray(self.still + 0.8 * self.bank.at(hours) + 0.09 * self.curl.at(hours) + np.float32(swing) - loss, dtype=np.float32)

    def _water(self, favour: NDArray[np.float32], edge: float) -> NDArray[np.float32]:
        """Share of the full water content, 0–1: thin at the edge."""
        t = np.clip((favour - np.float32(edge)) / np.float32(0.7), 0, 1)
        return np.asarray(t * (2 - t), dtype=np.float32)

    def _edge(self, times: tuple[datetime, ...]) -> float:
        """Threshold of the field that gives the base rate, by bisection on a sample of frames and cells."""
        rate = self.scenario.fog_rate
        sea = self.place.sea
        skip = max(1, max(sea.shape) // 64)
        sea = sea[::skip, ::skip]
        if rate <= 0 or not sea.any():
            return float("inf")
        picked = times[:: max(1, len(times) // 12)]
        samples = []
        for when in picked:
            hours = _hours(self.start, when)
            samples.append((self._favour(when)[::skip, ::skip][sea], self._patchy(hours)[::skip, ::skip][sea]))
        favour, patchy = (np.concatenate(parts) for parts in zip(*samples, strict=True))
        low, high = float(favour.min()) - 1, float(favour.max())
        for _ in range(24):
            middle = (low + high) / 2
            share = float((self._full * self._water(favour, middle) * patchy >= _EXTINCTION).mean())
            low, high = (middle, high) if share > rate else (low, middle)
        return (low + high) / 2

    def _patchy(self, hours: float) -> FloatImage:
        return np.asarray(np.exp(np.float32(0.15) * self.thick.at(hours)), dtype=np.float32)

    def at(self, when: datetime) -> tuple[Layer, NDArray[np.bool_]]:
        """The fog, and (n, m) where one sees less than 1 km at the surface."""
        scenario, shape = self.scenario, self.place.grid.shape
        if not np.isfinite(self.edge):
            nothing = np.zeros(shape, dtype=np.float32)
            return Layer(nothing, self.sea.sst, scenario.fog_radius, 0.0), nothing > 0
        hours = _hours(self.start, when)
        water = self._water(self._favour(when), self.edge)
        extinction = np.float32(self._full) * water * self._patchy(hours)
        depth = extinction * np.float32(scenario.fog_depth / 1000) * (0.5 + 0.5 * water)
        top = 0.5 * (self.sea.sst + self.sea.smooth) + np.float32(scenario.fog_top) + 0.2 * self.bank.at(hours) + 0.12 * self.rough
        fog = extinction >= _EXTINCTION
        return Layer(np.asarray(depth, dtype=np.float32), np.asarray(top, dtype=np.float32), scenario.fog_radius, 0.0), fog


class Deck:
    """Stratus or stratocumulus: a sheet or closed cells, thick within and thin along their borders; mostly over warmer water."""

    def __init__(self, sea: Sea, scenario: Scenario, start: datetime) -> None:
        rng, place, wind = stream(scenario.seed, "deck"), sea.place, scenario.deck_wind
        self.sea, self.scenario, self.start = sea, scenario, start
        self.cover = Drift(place, rng, beta=3.8, longest=800, wind=wind, life=30)
        self.cells = Drift(place, rng, beta=4.2, longest=60, wind=wind, life=8)
        self.rough = Drift(place, rng, beta=2.4, longest=25, wind=wind, life=6)
        warm = sea.smooth - sea.smooth.mean()
        self.still = np.asarray(0.7 * warm / max(float(warm.std()), 0.3), dtype=np.float32)
        self.from_ = float(np.quantile(self.cover.at(0) + self.still, 1 - scenario.deck_cover))

    def at(self, when: datetime) -> Layer:
        """The deck at a time."""
        hours, scenario = _hours(self.start, when), self.scenario
        full = 1.5 * scenario.deck_path / scenario.deck_radius
        cover = ramp(self.cover.at(hours) + self.still, self.from_ - 0.1, self.from_ + 0.3)
        cells = self.cells.at(hours)
        broken = np.float32(scenario.deck_broken)
        thick = 1 - broken + broken * (2.2 * np.abs(cells) ** np.float32(0.8) - 0.35)
        depth = np.maximum(full * cover * thick, 0)
        rough = (0.15 + 0.45 * broken) * (0.7 * self.rough.at(hours) - 0.5 * np.abs(cells))
        top = self.sea.smooth - np.float32(_LAPSE * scenario.deck_top / 1000) + rough
        base = max(0.45 * scenario.deck_top, scenario.deck_top - 450)
        return Layer(np.asarray(depth, dtype=np.float32), np.asarray(top, dtype=np.float32), scenario.deck_radius, base)


class MidCloud:
    """Patches of water and mixed cloud between 3 and 6 km."""

    def __init__(self, sea: Sea, scenario: Scenario, start: datetime) -> None:
        rng, place, wind = stream(scenario.seed, "mid"), sea.place, scenario.mid_wind
        self.scenario, self.start = scenario, start
        self.cover = Drift(place, rng, beta=3.0, longest=400, wind=wind, life=10)
        self.from_ = _threshold(scenario.mid_cover)

    def at(self, when: datetime) -> Layer:
        """The cloud at a time."""
        cover = self.cover.at(_hours(self.start, when))
        depth = 12 * ramp(cover, self.from_ - 0.1, self.from_ + 0.9)
        top = np.float32(self.scenario.mid_top) - 3 * np.maximum(cover - np.float32(self.from_), 0)
        return Layer(depth, np.asarray(top, dtype=np.float32), 13.0, 3500.0)


class Cirrus:
    """Streaks of ice along the wind, from a veil to an opaque shield."""

    def __init__(self, sea: Sea, scenario: Scenario, start: datetime) -> None:
        rng, place, wind = stream(scenario.seed, "cirrus"), sea.place, scenario.cirrus_wind
        angle = float(np.arctan2(wind[1], wind[0]))
        self.scenario, self.start = scenario, start
        self.cover = Drift(place, rng, beta=3.7, longest=800, wind=wind, life=14, stretch=2.0, angle=angle)
        self.wisps = Drift(place, rng, beta=3.0, longest=160, wind=wind, life=8, stretch=6.0, angle=angle + 0.25)
        self.from_ = _threshold(scenario.cirrus_cover)

    def at(self, when: datetime) -> Layer:
        """The cloud at a time."""
        hours, scenario = _hours(self.start, when), self.scenario
        cover = self.cover.at(hours) + 0.35 * self.wisps.at(hours)
        depth = np.float32(scenario.cirrus_depth) * np.maximum(cover - np.float32(self.from_ * 1.06), 0) * 1.2
        return Layer(np.asarray(depth, dtype=np.float32), np.full(depth.shape, scenario.cirrus_top, np.float32), 0.0, 9000.0)


class Dust:
    """A plume of dust or haze at 2 km."""

    def __init__(self, sea: Sea, scenario: Scenario, start: datetime) -> None:
        rng, place = stream(scenario.seed, "dust"), sea.place
        self.sea, self.scenario, self.start = sea, scenario, start
        self.plume = Drift(place, rng, beta=3.4, longest=450, wind=scenario.deck_wind, life=36)

    def at(self, when: datetime) -> Layer:
        """The plume at a time."""
        depth = np.float32(self.scenario.dust_depth) * ramp(self.plume.at(_hours(self.start, when)), -0.2, 1.6)
        return Layer(np.asarray(depth, dtype=np.float32), self.sea.smooth - np.float32(13.0), 0.0, 1000.0)


def _hours(start: datetime, when: datetime) -> float:
    return (when - start).total_seconds() / 3600


def _threshold(cover: float) -> float:
    """Value that a standard normal exceeds with a probability."""
    from scipy.special import ndtri

    return float(-ndtri(np.clip(cover, 1e-4, 1 - 1e-4)))
