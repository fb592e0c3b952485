"""Synthetic pairs: windows of made-up islands as one sensor sees them, named from their exact truth."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.geometry import Window
from engine.imagery.preview import with_infrared
from engine.learning.draws import Draw
from engine.learning.files import written
from engine.learning.metadata import Metadata
from engine.learning.phrases import PhraseTable, Text
from engine.learning.recipe import Islands, located
from engine.learning.sensors import S1, S2
from engine.progress import Progress, silent
from engine.world.acquisition import overpass
from engine.world.classes import LandCover
from engine.world.island import Island, View

if TYPE_CHECKING:
    from engine.learning.towers import Towers

PRESENT: Final = {
    LandCover.SEA: 0.5,
    LandCover.LAKE: 0.25,
    LandCover.RIVER: 0.05,
    LandCover.BEACH: 0.08,
    LandCover.HARBOUR: 0.12,
    LandCover.AIRPORT: 0.12,
    LandCover.INDUSTRIAL: 0.15,
    LandCover.PARKING: 0.08,
    LandCover.STORAGE_TANKS: 0.05,
    LandCover.RESIDENTIAL: 0.25,
    LandCover.WETLAND: 0.2,
    LandCover.ORCHARD: 0.2,
    LandCover.BARE: 0.25,
    LandCover.ROAD: 0.06,
}
"""Share of a window from which a class is said to be there; for the others it is a third."""
_A_THIRD: Final = 1 / 3
_TRACE: Final = 0.15
"""Below this part of its share of presence a class is said not to be there; between them nobody asks."""
_POLEWARD: Final = 55.0
"""Latitude beyond which no island is put: the sun would be too low for a picture in winter."""
_APART: Final = 55
"""Keeps the draws of an island's place apart from those of its windows."""
_EDITION: Final = 3
"""Of how windows are cut: raised when other windows come out, so that old ones are cut again."""

Pixels = NDArray[np.uint8] | NDArray[np.float16]


@dataclass(frozen=True, slots=True)
class Windows:
    """What was cut out of islands.

    Attributes:
        pictures: (N, C, P, P), uint8 RGB or float16 0–1 of another sensor.
        shares: (N, 256) float32, how much of a window each value of the truth covers.
        metadata: N records of how the windows were seen.
    """

    pictures: Pixels
    shares: NDArray[np.float32]
    metadata: tuple[Metadata, ...]

    @classmethod
    def of(cls, how: Islands, islands: Sequence[int], seed: int, cache: Path, progress: Progress = silent) -> Self:
        """Windows of some islands, made now or found where they were kept."""
        said = how.model_dump(mode="json", include={"dates", "windows", "window", "scales", "sensor", "apart", "infrared"})
        content = json.dumps([said, list(islands), seed, _EDITION])
        path = cache / f"synthetic-islands-{hashlib.sha256(content.encode()).hexdigest()[:12]}.npz"
        if not path.is_file():
            cut(how, islands, seed, progress)._keep(path)
        with np.load(path) as held:
            records = tuple(Metadata.from_row(json.loads(row)) for row in held["metadata"])
            return cls(held["pictures"], held["shares"], records)

    def _keep(self, path: Path) -> None:
        """Write to a file, at once or not at all."""
        with written(path) as partial, partial.open("wb") as file:
            rows = np.array([json.dumps(record.row()) for record in self.metadata])
            np.savez(file, pictures=self.pictures, shares=self.shares, metadata=rows)


@dataclass(frozen=True, slots=True)
class IslandSource:
    """Windows of synthetic islands.

    Attributes:
        pictures: (N, C, P, P), uint8 RGB or float16 0–1 of another sensor.
        present: (N, C) bool, what is there, in the order of ``phrases.classes``.
        traces: (N, C) bool, what is there too little to say so and too much to deny it.
        rarity: (C,) weight of each class when one is named.
        phrases: Words of the classes.
        metadata: N records of how the windows were seen.
        sensor: What took them.
        captions: Share of the texts that list all that is there.
        held_out: Windows of other islands, only measured on; None without.
        amounts: (N, C) float32 0–1, share of a window over twice the class's share of presence: half a tile of lake is a lake, a
            runway needs less.
    """

    pictures: Pixels
    present: NDArray[np.bool_]
    traces: NDArray[np.bool_]
    rarity: NDArray[np.float64]
    phrases: PhraseTable
    metadata: tuple[Metadata, ...]
    sensor: str = "rgb"
    captions: float = 0.0
    held_out: IslandSource | None = None
    amounts: NDArray[np.float32] | None = None

    @classmethod
    def read(cls, recipe: Islands, seed: int, cache: Path, progress: Progress = silent) -> IslandSource:
        """Make the islands, or take the windows that were cut before.

        Raises:
            RecipeInvalid: If the phrases can't be read.
        """
        phrases = PhraseTable.read(located(recipe.phrases))
        held_out = None
        if recipe.held_out:
            held_out = cls.told(Windows.of(recipe, recipe.held_out, 0, cache, progress), phrases, recipe)
        return cls.told(Windows.of(recipe, recipe.seeds, seed, cache, progress), phrases, recipe, held_out)

    @classmethod
    def told(cls, windows: Windows, phrases: PhraseTable, how: Islands, held_out: IslandSource | None = None) -> IslandSource:
        """Say what is in windows; those of which nothing can be said are left out."""
        columns = [LandCover[name.upper()] for name in phrases.classes]
        bar = np.array([PRESENT.get(cover, _A_THIRD) for cover in columns])
        of_class = windows.shares[:, [int(cover) for cover in columns]]
        present = of_class >= bar
        told = present.any(axis=1)
        traces = ~present & (of_class >= _TRACE * bar)
        rarity = 1 / np.sqrt(np.maximum(present.sum(axis=0), 1))
        metadata = tuple(windows.metadata[place] for place in np.flatnonzero(told))
        amounts = np.clip(of_class / (2 * bar), 0, 1).astype(np.float32)[told]
        windows_told = (windows.pictures[told], present[told], traces[told])
        return cls(*windows_told, rarity, phrases, metadata, how.sensor, how.captions, held_out, amounts)

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """Windows, each with words for one of the things that are in it, the rare ones oftener, or for all of them."""
        texts = tuple(self._text(int(place), random) for place in places)
        return Draw(
            pictures=torch.from_numpy(self.pictures[places]),
            texts=texts,
            labels=self.present[places],
            unsure=self.traces[places],
            names=self.phrases.draw_all(random),
            places=places,
            metadata=tuple(self.metadata[place] for place in places),
            sensor=self.sensor,
            amounts=self.amounts[places] if self.amounts is not None else None,
        )

    def seen(self, draw: Draw, windows: Tensor, size: int) -> Draw:
        """What was drawn: crops of islands stay so large that their truth hardly changes."""
        return draw

    def vocabulary(self) -> Iterator[str]:
        """All phrases and templates."""
        yield from self.phrases.templates
        yield from {phrase.words for phrases in self.phrases.by_class for phrase in phrases}

    def figures(self, towers: Towers) -> dict[str, float]:
        """How well windows of the held-out islands are found by words, see :mod:`engine.learning.island_validation`."""
        from engine.learning.island_validation import measured  # it knows this module

        return {} if self.held_out is None else measured(towers, self.held_out)

    def caption(self, present: NDArray[np.bool_]) -> str:
        """All classes that are there, (C,) bool, in their order: “a beach. the sea”."""
        return ". ".join(name for name, there in zip(self.phrases.names, present, strict=True) if there)

    def _text(self, place: int, random: np.random.Generator) -> Text:
        """Words for something in one window, or for everything."""
        if self.captions and random.random() < self.captions:
            return self.phrases.sentence(self.caption(self.present[place]))
        weight = self.rarity * self.present[place]
        return self.phrases.draw(int(random.choice(len(weight), p=weight / weight.sum())), random)


def cut(how: Islands, islands: Sequence[int], seed: int, progress: Progress = silent) -> Windows:
    """Cut windows out of islands on some of their dates, around pixels that are drawn evenly over the classes."""
    pictures: list[Pixels] = []
    shares, metadata = [], []
    for done, island_seed in enumerate(islands, start=1):
        island = _apart(island_seed) if how.apart else Island(island_seed)
        random = np.random.default_rng([seed, island_seed])
        for when in random.permutation(len(island.dates))[: how.dates]:
            view = island.at(island.dates[when])
            for window in _spread(view.truth, how, random):
                scale = window.width // how.window
                pictures.append(_seen(view, window, scale, how))
                part = view.truth[window.row : window.row + window.height, window.column : window.column + window.width]
                shares.append(np.bincount(part.ravel(), minlength=256) / part.size)
                metadata.append(_record(view, window, scale))
        progress("making synthetic islands", done, len(islands))
    return Windows(cast("Pixels", np.stack(pictures)), np.stack(shares).astype(np.float32), tuple(metadata))


def _apart(seed: int) -> Island:
    """An island at a place of its own, seen on a day of each of four years, at the hour of Sentinel-2's overpass."""
    random = np.random.default_rng([seed, _APART])
    lon = float(random.uniform(-180, 180))
    lat = float(np.rad2deg(np.arcsin(random.uniform(-1, 1) * np.sin(np.deg2rad(_POLEWARD)))))  # evenly over the area
    days = [date(year, 1, 1) + timedelta(days=int(random.integers(365))) for year in range(2021, 2025)]
    return Island(seed, dates=[overpass(day, lon) for day in days], centre=(lon, lat))


def _spread(truth: NDArray[np.uint8], how: Islands, random: np.random.Generator) -> Iterator[Window]:
    """The windows of one date, shared among the scales."""
    for number, scale in enumerate(how.scales):
        side = how.window * scale
        count = len(range(number, how.windows, len(how.scales)))
        yield from (Window(x, y, side, side) for y, x in _spots(truth, side, count, random))


def _seen(view: View, window: Window, scale: int, how: Islands) -> Pixels:
    """What a sensor sees in a window: (C, P, P), each pixel the mean of scale × scale finer ones."""
    rows, columns = slice(window.row, window.row + window.height), slice(window.column, window.column + window.width)
    if how.sensor == "s1":
        power = 10 ** (view.radar[:, rows, columns].astype(np.float64) / 10)  # powers have a mean, decibels have none
        return S1.scaled(10 * np.log10(_mean(power, scale)))
    if how.sensor == "s2":
        return S2.scaled(_mean(view.bands[:, rows, columns], scale))
    part = view.counts[:, rows, columns]
    colours = part[:3]
    if how.infrared:
        colours = np.moveaxis(with_infrared(np.moveaxis(colours, 0, -1), part[3]), -1, 0)
    return np.asarray(np.rint(_mean(colours, scale)), dtype=np.uint8)


def _mean(values: NDArray[Any], scale: int) -> NDArray[Any]:
    """(C, H, W) → (C, H / scale, W / scale), means of squares."""
    if scale == 1:
        return values
    bands, height, width = values.shape
    return np.asarray(values.reshape(bands, height // scale, scale, width // scale, scale).mean(axis=(2, 4)))


def _record(view: View, window: Window, scale: int) -> Metadata:
    """How a window was seen."""
    known = view.acquired(window)
    lon, lat = known.bounds.centre
    return Metadata(
        gsd_m=known.gsd_m * scale,
        when=known.when,
        lon=lon,
        lat=lat,
        season=known.season,
        sun_elevation_deg=known.sun_elevation_deg,
        sun_azimuth_deg=known.sun_azimuth_deg,
        view_zenith_deg=known.view_zenith_deg,
        cloud_cover=known.cloud_cover,
    )


def _spots(truth: NDArray[np.uint8], window: int, count: int, random: np.random.Generator) -> list[tuple[int, int]]:
    """Upper left corners of windows around pixels that are drawn evenly over the classes, not over the area."""
    values = [value for value in np.unique(truth) if value]
    spots = []
    pixels = {value: np.flatnonzero(truth == value) for value in values}
    for _ in range(count):
        mine = pixels[values[random.integers(len(values))]]
        y, x = divmod(int(mine[random.integers(len(mine))]), truth.shape[1])
        jitter = random.integers(window // 4, 3 * window // 4, size=2)
        spots.append((int(np.clip(y - jitter[0], 0, truth.shape[0] - window)), int(np.clip(x - jitter[1], 0, truth.shape[1] - window))))
    return spots
