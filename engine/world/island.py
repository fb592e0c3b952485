"""A made-up island in the open Atlantic: what it looks like from space on any of its dates, and what is really there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.geometry import Window
from engine.types import TimeLike, utc
from engine.world import light, optical, radar
from engine.world.acquisition import CENTRE, Acquisition, Place
from engine.world.canvas import Canvas
from engine.world.classes import LandCover
from engine.world.cover import Cover
from engine.world.moment import Daylight, Moment
from engine.world.palette import Palette
from engine.world.plan import Plan
from engine.world.season import Season
from engine.world.settlement import Settlement
from engine.world.terrain import Terrain

DATES: Final = (
    datetime(2021, 3, 5, 13, 52, tzinfo=UTC),
    datetime(2022, 6, 18, 13, 51, tzinfo=UTC),
    datetime(2023, 9, 2, 13, 52, tzinfo=UTC),
    datetime(2024, 11, 12, 13, 51, tzinfo=UTC),
)

LOWEST_SUN_ZENITH: Final = 80.0


@dataclass(frozen=True)
class View:
    """An island on one date.

    Attributes:
        season: The date and what follows from it.
        counts: (4, size, size) uint8 red, green, blue, near infrared; 255 stands for ``light.FULL_SCALE``.
        truth: (size, size) uint8 LandCover, clouds included.
        ground: (size, size) uint8 LandCover below the clouds: what radar sees.
        place: Where it lies.
        moment: The island that was looked at.
    """

    season: Season
    counts: NDArray[np.uint8]
    truth: NDArray[np.uint8]
    ground: NDArray[np.uint8]
    place: Place
    moment: Moment = field(repr=False, compare=False)

    @property
    def rgb(self) -> NDArray[np.uint8]:
        """(size, size, 3) uint8."""
        return np.ascontiguousarray(np.moveaxis(self.counts[:3], 0, -1))

    @cached_property
    def bands(self) -> NDArray[np.float32]:
        """(12, size, size) float32 surface reflectance 0–1 in the order of ``spectra.BANDS``; drawn when first asked for."""
        return optical.reflectance(self.moment)

    @cached_property
    def radar(self) -> NDArray[np.float32]:
        """(2, size, size) float32 backscatter in dB, VV and VH, with speckle and without clouds; drawn when first asked for."""
        return radar.backscatter(self.moment)

    @cached_property
    def acquisition(self) -> Acquisition:
        """How and when the whole picture was taken."""
        return self.acquired()

    def acquired(self, window: Window | None = None) -> Acquisition:
        """How and when a part of the picture was taken; cloud cover and bounds are the part's own.

        Args:
            window: In pixels, inside the scene; by default all of it.
        """
        window = window or Window(0, 0, self.truth.shape[1], self.truth.shape[0])
        return Acquisition.of(self.season, self.moment.terrain.plan.seed, self.place, self.truth, window)


class Island:
    """A made-up island.

    Args:
        seed: Decides everything: the same seed gives the same bits.
        size: Side of the scene, pixels of 10 m.
        dates: When pictures were taken, in order; the series' first and last set the pace of growth.
        centre: Longitude and latitude of the scene's middle, degrees. They set the sun and, south of the equator, turn the seasons
            round; the plants are those of the middle latitudes everywhere.

    Raises:
        ValueError: If ``centre`` lies poleward of 70° or is no place.
    """

    def __init__(self, seed: int = 7, size: int = 1344, dates: Sequence[TimeLike] = DATES, *, centre: tuple[float, float] = CENTRE) -> None:
        self.seed, self.size = seed, size
        self.place = Place.around(*centre, size)
        self.dates = tuple(sorted(utc(when) for when in dates))

    @cached_property
    def terrain(self) -> Terrain:
        """Shape of the ground."""
        return Terrain.grown(Plan.drawn(self.size, self.seed))

    @cached_property
    def cover(self) -> Cover:
        """What grows there."""
        return Cover.grown(self.terrain)

    @cached_property
    def settlement(self) -> Settlement:
        """What has been built there."""
        return Settlement.founded(self.terrain, self.cover)

    @cached_property
    def palette(self) -> Palette:
        """The island's colours."""
        return Palette.drawn(self.seed)

    @property
    def transform(self) -> tuple[float, float, float, float, float, float]:
        """Affine pixel → CRS coefficients a, b, c, d, e, f; corners lie on whole 10 m."""
        return self.place.transform

    def at(self, when: TimeLike) -> View:
        """The island on one of its dates.

        Raises:
            ValueError: If it is none of ``dates``, or the sun stood below 10°.
        """
        season = Season.of(self.dates, self.dates.index(utc(when)), self.seed, self.place.lat, self.place.lon)
        if season.sun_zenith > LOWEST_SUN_ZENITH:
            low = 90 - season.sun_zenith
            raise ValueError(f"On {season.when:%Y-%m-%d %H:%M} UTC the sun stands at {low:.0f}° there: choose another hour.")
        moment = Moment(self.terrain, self.cover, self.settlement, self.palette, season, self._kinds(season))
        canvas = Canvas(self.size)
        picture, built = moment.painted(self.palette, canvas)
        day = Daylight.of(moment)
        day.fall(picture, built, canvas.labels, self.palette["cloud"])
        ground = np.where(canvas.labels > 0, canvas.labels, moment.kind).astype(np.uint8)
        truth = np.where(day.opacity > 0.5, np.uint8(LandCover.CLOUD), ground).astype(np.uint8)
        return View(season, light.sensed(picture, season, self.seed), truth, ground, self.place, moment)

    def _kinds(self, season: Season) -> NDArray[np.uint8]:
        """Natural cover on a date: fellings, fire, quarry, water level, snow."""
        terrain, cover = self.terrain, self.cover
        kind = cover.kind.copy()
        gone = cover.felled > 0
        kind[gone & (cover.felled <= 1 + 2 * season.share) & (season.share > 0)] = LandCover.BARE
        if season.share > 0.45:
            kind[cover.burnt > (0.35 if season.share < 0.9 else 0.55)] = LandCover.BARE
        kind[self._quarry(season)] = LandCover.BARE
        if terrain.reservoir is not None:
            depth, deepest = terrain.reservoir.depth, terrain.reservoir.deepest
            kind[depth > 0] = LandCover.BARE
            kind[depth > (1 - season.level) * deepest] = LandCover.LAKE
        high = np.isin(kind, [LandCover.MOUNTAIN, LandCover.MEADOW, LandCover.FOREST])
        kind[high & (season.snow(terrain.height + 25 * cover.mottle) > 0.25)] = LandCover.SNOW
        return kind

    def _quarry(self, season: Season) -> NDArray[np.bool_]:
        site = self.terrain.plan.sites["quarry"]
        y, x = np.ogrid[: self.size, : self.size]
        distance = np.hypot(x - site.x, y - site.y) / site.radius + 0.18 * self.cover.mottle
        dry = (self.terrain.lake < 0.1) & (self.terrain.river < 0.1)
        return np.asarray(self.terrain.land & dry & (distance < 0.45 + 0.65 * season.share))
