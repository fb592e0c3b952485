"""What every objective is given, and what it is."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from pydantic import Field
from torch import Tensor, nn

from engine.learning.draws import Draw, class_matches, matches
from engine.learning.part import Part, Positive

if TYPE_CHECKING:
    from engine.learning.recipe import Recipe
    from engine.learning.towers import Towers
    from engine.learning.training import Training


@dataclass(frozen=True, slots=True)
class Batch:
    """One source's part of a step, as an objective sees it.

    Attributes:
        draw: What was drawn: texts, labels, sensor, metadata.
        pictures: (B, C, h, w) float 0–1, varied, as the tower saw it.
        again: Another random view of the same pictures at each call, of the same shape; the calls of a step repeat with the step.
        image: (B, D) float, unit rows.
        text: (B, D) float, unit rows; row i belongs to image i.
        names: (N, D) float, unit rows, words for each class, once or more; (0, D) if no objective asks for them.
        towers: What encodes, and its inverse temperature.
        source: Number of the source in the recipe's ``data``.
        order: (B,) int64, places of the pairs in the epoch's order of this source, from 0.
    """

    draw: Draw
    pictures: Tensor
    again: Callable[[], Tensor]
    image: Tensor
    text: Tensor
    names: Tensor
    towers: Towers
    source: int
    order: Tensor

    def images(self, pictures: Tensor) -> Tensor:
        """Encode other views of the pictures by the tower of their sensor, in the step's precision: (B, C, h, w) → (B, D) unit rows."""
        with precision(self.image.device):
            return self.towers.images(pictures, self.draw.sensor).to(self.image.dtype)

    def matches(self) -> tuple[Tensor, Tensor]:
        """Which images and texts belong together, and which pairs are ignored: each (B, B) bool."""
        positive, ignored = matches(self.draw)
        return positive.to(self.image.device), ignored.to(self.image.device)

    def class_matches(self) -> tuple[Tensor, Tensor]:
        """Which images and class names belong together, and which pairs are ignored: each (B, N) bool."""
        positive, ignored = class_matches(self.draw, self.draw.names)
        return positive.to(self.image.device), ignored.to(self.image.device)

    def amounts(self) -> Tensor | None:
        """(B, N) float 0–1, how much of each picture words for the classes say; None if that is not known."""
        if self.draw.amounts is None:
            return None
        holds = torch.from_numpy(np.stack([text.holds for text in self.draw.names])).to(self.image)
        return (torch.from_numpy(self.draw.amounts).to(self.image) @ holds.T).clamp(max=1)

    def labels(self) -> Tensor:
        """(B, C) float, 1 for the classes of each picture."""
        return torch.from_numpy(self.draw.labels).to(self.image)


class ObjectivePart(Part):
    """What a recipe says of one objective.

    Attributes:
        kind: Its name in the registry.
        weight: Factor of its loss.
        sources: Numbers of the sources in ``data``, from 0, to which it applies; all of them if left out.
    """

    kind: str
    weight: Positive = 1.0
    sources: tuple[int, ...] | None = Field(default=None, min_length=1)

    def applies(self, source: int) -> bool:
        """Whether the objective looks at a source."""
        return self.sources is None or source in self.sources

    def check(self, recipe: Recipe) -> None:
        """Refuse what can't be.

        Raises:
            ValueError: With a sentence, if the rest of the recipe doesn't give what the objective needs.
        """


class Objective(nn.Module):
    """Something to minimise; its own parameters learn with the towers and are kept with them.

    Attributes:
        part: What a recipe may say of it.
        how: What the recipe says.
    """

    part: ClassVar[type[ObjectivePart]]

    def __init__(self, how: Any, dim: int) -> None:  # noqa: ANN401 – each class has a part of its own
        """Begin.

        Args:
            how: The recipe's part, of the class's own kind.
            dim: Width D of the towers' common space; random starts come from torch's global generator.
        """
        super().__init__()
        self.how = how
        self.dim = dim

    @property
    def asks_names(self) -> bool:
        """Whether it needs ``Batch.names``."""
        return False

    def begin(self, epoch: int, training: Training) -> None:
        """Get ready for an epoch, counted from 0; must depend on the training's state, the recipe's seed and the epoch alone."""

    def freezes(self, epoch: int, epochs: int) -> bool:
        """Whether the image towers stay as they are in an epoch."""
        return False

    def forward(self, batch: Batch) -> Tensor:
        """The loss of a batch: () float, nats."""
        raise NotImplementedError


def precision(device: torch.device) -> contextlib.AbstractContextManager[Any]:
    """bf16 on a GPU, fp32 on a CPU."""
    return torch.autocast("cuda", torch.bfloat16) if device.type == "cuda" else contextlib.nullcontext()
