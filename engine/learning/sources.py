"""Streams of pairs that a step draws from; each is a pure function of the seed and the step, so any step can be repeated."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learning.draws import Draw
from engine.learning.pairs import Captioned, Split, decoded, read_captioned, split
from engine.learning.phrases import PhraseTable, Text
from engine.learning.recipe import CaptionedPictures, located
from engine.learning.views import Views
from engine.progress import Progress, silent

if TYPE_CHECKING:
    from engine.learning.towers import Towers


class Source(Protocol):
    """Where pairs come from."""

    @property
    def phrases(self) -> PhraseTable:
        """Words for its classes."""
        ...

    def __len__(self) -> int:
        """How many pictures it has to learn from."""
        ...

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """The pairs at some places of the source, with random texts."""
        ...

    def seen(self, draw: Draw, windows: Tensor, size: int) -> Draw:
        """What holds of views of some pairs: (B, 2, 3) windows of :func:`engine.learning.augmentation.draw_windows`, pixels of a side."""
        ...

    def vocabulary(self) -> Iterator[str]:
        """Texts that hold every word that can be drawn."""
        ...

    def figures(self, towers: Towers) -> dict[str, float]:
        """How good towers are on what was held out, fractions from 0 to 1 by name; nothing if nothing was held out."""
        ...


@dataclass(frozen=True, slots=True)
class CaptionedSource:
    """Class folders of pictures with sentences.

    Attributes:
        pictures: (N, 3, H, W) uint8, all pictures, the held-out ones too.
        records: N records.
        labels: (N,) index of each picture's class in ``phrases.classes``.
        phrases: Words of the classes.
        parts: What is learned from and what is held out.
        class_prompts: Share of class words among the texts.
        views: What holds of parts of the pictures; None if a part is taken for the whole.
    """

    pictures: NDArray[np.uint8]
    records: tuple[Captioned, ...]
    labels: NDArray[np.int64]
    phrases: PhraseTable
    parts: Split
    class_prompts: float
    views: Views | None = None

    @classmethod
    def read(cls, recipe: CaptionedPictures, seed: int, cache: Path, progress: Progress = silent) -> CaptionedSource:
        """Read what a recipe names.

        Raises:
            DataMissing: If pictures or captions are not there.
            RecipeInvalid: If the phrases can't be read.
        """
        root = located(recipe.root)
        phrases = PhraseTable.read(located(recipe.phrases))
        records = tuple(record for record in read_captioned(root) if record.label in phrases.classes)
        labels = np.array([phrases.classes.index(record.label) for record in records], dtype=np.int64)
        pictures = decoded(root, records, recipe.size, cache, progress)
        parts = split(records, recipe.held_out, seed)
        views = None
        if recipe.views is not None:
            views = Views.of(recipe.views, pictures, labels, parts.train, phrases.classes, cache, progress)
        return cls(pictures, records, labels, phrases, parts, recipe.class_prompts, views)

    def __len__(self) -> int:
        return len(self.parts.train)

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """Pictures with one sentence each, or with words of their class."""
        indices = self.parts.train[places]
        texts = tuple(self._text(int(index), random) for index in indices)
        one_hot = np.eye(len(self.phrases.classes), dtype=bool)[self.labels[indices]]
        unsure = np.zeros_like(one_hot)
        draw = Draw(torch.from_numpy(self.pictures[indices]), texts, one_hot, unsure, self.phrases.draw_all(random), indices)
        return draw if self.views is None else self.views.coloured(draw, random)

    def seen(self, draw: Draw, windows: Tensor, size: int) -> Draw:
        """What holds of views, as far as the recipe says how to tell."""
        return draw if self.views is None else self.views.seen(draw, windows, size)

    def vocabulary(self) -> Iterator[str]:
        """All sentences that are learned from, all phrases and all templates."""
        for index in self.parts.train:
            yield from self.records[index].captions
        yield from self.phrases.templates
        yield from {phrase.words for phrases in self.phrases.by_class for phrase in phrases}

    def figures(self, towers: Towers) -> dict[str, float]:
        """Zero-shot and retrieval on the held-out part, see :func:`engine.learning.validation.validate`."""
        from engine.learning.validation import validate  # it knows this module

        return validate(towers, self)

    def _text(self, index: int, random: np.random.Generator) -> Text:
        """Something true of one picture."""
        if random.random() < self.class_prompts:
            return self.phrases.draw(int(self.labels[index]), random)
        captions = self.records[index].captions
        return self.phrases.sentence(captions[random.integers(len(captions))])


def places(count: int, length: int, step: int, seed: int) -> NDArray[np.int64]:
    """Which places of a source a step takes: endless passes, each in a new order, nothing left out or taken twice in a pass.

    Args:
        count: How many to take.
        length: How many there are; at least 1.
        step: From 0.
        seed: Decides the orders.
    """
    first = step * count
    taken = np.arange(first, first + count)
    orders = {turn: np.random.default_rng([seed, turn]).permutation(length) for turn in np.unique(taken // length)}
    return np.array([orders[place // length][place % length] for place in taken], dtype=np.int64)
