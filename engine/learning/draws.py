"""Some pairs of one source, and which of them belong together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.learning.phrases import Text

if TYPE_CHECKING:
    from engine.learning.metadata import Metadata


@dataclass(frozen=True, slots=True)
class Water:
    """What is known of inland water in some pictures.

    Attributes:
        classes: (C,) bool, what such water is called: without its shores nobody can tell a lake, a river and the sea apart.
        seen: (B,) bool, pictures of which it is known where their water is: there is their ground.
        beds: (B,) bool, pictures of land without water, on which some may be laid.
    """

    classes: NDArray[np.bool_]
    seen: NDArray[np.bool_]
    beds: NDArray[np.bool_]

    @classmethod
    def known(cls, classes: NDArray[np.bool_], count: int) -> Water:
        """What water is called, and nothing of any of some pictures."""
        none = np.zeros(count, dtype=bool)
        return cls(classes, none, none)

    def rows(self, part: slice) -> Water:
        """Of some of the pictures."""
        return Water(self.classes, self.seen[part], self.beds[part])


@dataclass(frozen=True, slots=True)
class Draw:
    """Some pairs of one source.

    Attributes:
        pictures: (B, C, H, W) uint8, or floating 0–1 for sensors with more to say than 256 steps.
        texts: B texts.
        labels: (B, C) bool, the classes of the pictures.
        unsure: (B, C) bool, classes that may or may not be in the pictures.
        names: C texts or a multiple, words for each class: every picture is told from all classes, not only from those of its batch.
        places: (B,) int64, which pictures of the source these are.
        metadata: B records of how the pictures were taken, or None if the source knows nothing of it.
        sensor: What took them: ``rgb`` goes to the model's own visual tower, others to towers of their own.
        ground: (B, 1, h, w) float 0–1, the part of each picture that shows its classes; all of it if None.
        amounts: (B, C) float32 0–1, how much of each class is in a picture; None if that is not known.
        water: What is known of their water; None if nothing.
    """

    pictures: Tensor
    texts: tuple[Text, ...]
    labels: NDArray[np.bool_]
    unsure: NDArray[np.bool_]
    names: tuple[Text, ...]
    places: NDArray[np.int64]
    metadata: tuple[Metadata, ...] | None = None
    sensor: str = "rgb"
    ground: Tensor | None = None
    amounts: NDArray[np.float32] | None = None
    water: Water | None = None

    def __len__(self) -> int:
        return len(self.texts)

    def rows(self, start: int, stop: int) -> Draw:
        """The pairs from ``start`` up to ``stop``."""
        part = slice(start, stop)
        return replace(
            self,
            pictures=self.pictures[part],
            texts=self.texts[part],
            labels=self.labels[part],
            unsure=self.unsure[part],
            places=self.places[part],
            metadata=self.metadata[part] if self.metadata is not None else None,
            ground=self.ground[part] if self.ground is not None else None,
            amounts=self.amounts[part] if self.amounts is not None else None,
            water=self.water.rows(part) if self.water is not None else None,
        )


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
