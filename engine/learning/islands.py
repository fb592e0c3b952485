"""Synthetic pairs: windows of made-up islands, named from their exact truth."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from numpy.typing import NDArray

from engine.learning.draws import Draw
from engine.learning.phrases import PhraseTable, Text
from engine.learning.recipe import Islands, located
from engine.progress import Progress, silent
from engine.world.classes import LandCover
from engine.world.island import Island

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


@dataclass(frozen=True, slots=True)
class IslandSource:
    """Windows of synthetic islands.

    Attributes:
        pictures: (N, 3, P, P) uint8.
        present: (N, C) bool, what is there, in the order of ``phrases.classes``.
        traces: (N, C) bool, what is there too little to say so and too much to deny it.
        rarity: (C,) weight of each class when one is named.
        phrases: Words of the classes.
    """

    pictures: NDArray[np.uint8]
    present: NDArray[np.bool_]
    traces: NDArray[np.bool_]
    rarity: NDArray[np.float64]
    phrases: PhraseTable

    @classmethod
    def read(cls, recipe: Islands, seed: int, cache: Path, progress: Progress = silent) -> IslandSource:
        """Make the islands, or take the windows that were cut before.

        Raises:
            RecipeInvalid: If the phrases can't be read.
        """
        phrases = PhraseTable.read(located(recipe.phrases))
        key = hashlib.sha256(f"{recipe.model_dump_json(exclude={'weight', 'phrases', 'sensor'})}|{seed}|2".encode()).hexdigest()[:12]
        path = cache / f"synthetic-islands-{key}.npz"
        if not path.is_file():
            pictures, shares = _cut(recipe, seed, progress)
            cache.mkdir(parents=True, exist_ok=True)
            partial = path.with_suffix(".partial")
            with partial.open("wb") as file:
                np.savez(file, pictures=pictures, shares=shares)
            partial.replace(path)
        with np.load(path) as held:
            pictures, shares = held["pictures"], held["shares"]
        columns = [LandCover[name.upper()] for name in phrases.classes]
        bar = np.array([PRESENT.get(cover, _A_THIRD) for cover in columns])
        of_class = shares[:, [int(cover) for cover in columns]]
        present = of_class >= bar
        told = present.any(axis=1)
        traces = ~present & (of_class >= _TRACE * bar)
        rarity = 1 / np.sqrt(np.maximum(present.sum(axis=0), 1))
        return cls(pictures[told], present[told], traces[told], rarity, phrases)

    def __len__(self) -> int:
        return len(self.pictures)

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """Windows, each with words for one of the things that are in it, the rare ones oftener."""
        texts = tuple(self._text(int(place), random) for place in places)
        names = self.phrases.draw_all(random)
        return Draw(torch.from_numpy(self.pictures[places]), texts, self.present[places], self.traces[places], names, places)

    def vocabulary(self) -> Iterator[str]:
        """All phrases and templates."""
        yield from self.phrases.templates
        yield from {phrase.words for phrases in self.phrases.by_class for phrase in phrases}

    def figures(self, towers: Towers) -> dict[str, float]:
        """Nothing: no window is held out."""
        return {}

    def _text(self, place: int, random: np.random.Generator) -> Text:
        """Words for something in one window."""
        weight = self.rarity * self.present[place]
        return self.phrases.draw(int(random.choice(len(weight), p=weight / weight.sum())), random)


def _cut(recipe: Islands, seed: int, progress: Progress) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
    """Windows of all islands and dates, rare classes oftener: (N, 3, P, P), (N, 256) shares of the truth's values."""
    pictures, shares = [], []
    for done, island_seed in enumerate(recipe.seeds, start=1):
        island = Island(island_seed)
        random = np.random.default_rng([seed, island_seed])
        for when in random.permutation(len(island.dates))[: recipe.dates]:
            view = island.at(island.dates[when])
            rgb = np.moveaxis(view.rgb, -1, 0)
            for y, x in _spots(view.truth, recipe.window, recipe.windows, random):
                part = (slice(y, y + recipe.window), slice(x, x + recipe.window))
                pictures.append(rgb[:, part[0], part[1]].copy())  # a view would keep the whole scene alive
                shares.append(np.bincount(view.truth[part].ravel(), minlength=256) / recipe.window**2)
        progress("making synthetic islands", done, len(recipe.seeds))
    return np.stack(pictures), np.stack(shares).astype(np.float32)


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
