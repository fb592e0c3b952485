"""Streams of pairs that a step draws from; each is a pure function of the seed and the step, so any step can be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learning.pairs import Captioned, Split, decoded, read_captioned, split
from engine.learning.phrases import PhraseTable, Text
from engine.learning.recipe import CaptionedPictures, located
from engine.progress import Progress, silent


@dataclass(frozen=True, slots=True)
class Draw:
    """Some pairs of one source.

    Attributes:
        pictures: (B, 3, H, W) uint8.
        texts: B texts.
        labels: (B, C) bool, the classes of the pictures.
        unsure: (B, C) bool, classes that may or may not be in the pictures.
        names: C texts, words for each class: every picture is told from all classes, not only from those of its batch.
    """

    pictures: Tensor
    texts: tuple[Text, ...]
    labels: NDArray[np.bool_]
    unsure: NDArray[np.bool_]
    names: tuple[Text, ...]


class Source(Protocol):
    """Where pairs come from."""

    def __len__(self) -> int:
        """How many pictures it has to learn from."""
        ...

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """The pairs at some places of the source, with random texts."""
        ...

    def vocabulary(self) -> Iterator[str]:
        """Texts that hold every word that can be drawn."""
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
    """

    pictures: NDArray[np.uint8]
    records: tuple[Captioned, ...]
    labels: NDArray[np.int64]
    phrases: PhraseTable
    parts: Split
    class_prompts: float

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
        return cls(pictures, records, labels, phrases, split(records, recipe.held_out, seed), recipe.class_prompts)

    def __len__(self) -> int:
        return len(self.parts.train)

    def draw(self, places: NDArray[np.int64], random: np.random.Generator) -> Draw:
        """Pictures with one sentence each, or with words of their class."""
        indices = self.parts.train[places]
        texts = tuple(self._text(int(index), random) for index in indices)
        one_hot = np.eye(len(self.phrases.classes), dtype=bool)[self.labels[indices]]
        return Draw(torch.from_numpy(self.pictures[indices]), texts, one_hot, np.zeros_like(one_hot), self.phrases.draw_all(random))

    def vocabulary(self) -> Iterator[str]:
        """All sentences that are learned from, all phrases and all templates."""
        for index in self.parts.train:
            yield from self.records[index].captions
        yield from self.phrases.templates
        yield from {phrase.words for phrases in self.phrases.by_class for phrase in phrases}

    def _text(self, index: int, random: np.random.Generator) -> Text:
        """Something true of one picture."""
        if random.random() < self.class_prompts:
            return self.phrases.draw(int(self.labels[index]), random)
        captions = self.records[index].captions
        return self.phrases.sentence(captions[random.integers(len(captions))])


def matches(draw: Draw) -> tuple[Tensor, Tensor]:
    """Which pictures and texts of a draw belong together.

    A text belongs to its own picture, to the pictures of equal sentences, and class words belong to every picture of
    their classes; where class words are open about a class, the pair is ignored.

    Returns:
        positive, ignored: each (B, B) bool, picture × text.
    """
    _, same = np.unique([text.words for text in draw.texts], return_inverse=True)
    sentence = np.array([not text.holds.any() for text in draw.texts])
    own = (same[:, None] == same[None, :]) & sentence | np.eye(len(same), dtype=bool)
    positive, ignored = class_matches(draw, draw.texts)
    return positive | torch.from_numpy(own), ignored & ~torch.from_numpy(own)


def class_matches(draw: Draw, texts: Sequence[Text]) -> tuple[Tensor, Tensor]:
    """Which pictures of a draw class words hold for, and for which they are open.

    Returns:
        positive, ignored: each (B, T) bool, picture × text.
    """
    holds = np.stack([text.holds for text in texts])
    maybe = np.stack([text.open for text in texts])
    positive = _meet(draw.labels, holds)
    ignored = (_meet(draw.labels, maybe) | _meet(draw.unsure, holds)) & ~positive
    return torch.from_numpy(positive), torch.from_numpy(ignored)


def _meet(labels: NDArray[np.bool_], classes: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether a picture has any class of a text: (B, C), (T, C) → (B, T)."""
    return np.asarray(labels.astype(np.uint8) @ classes.T.astype(np.uint8) > 0)


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
