"""A batch as the loop hands it to an objective, without a loop."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor

from engine.learning.draws import Draw
from engine.learning.metadata import Metadata
from engine.learning.objectives import Batch
from engine.learning.phrases import Text


def rows(count: int, width: int, seed: int) -> Tensor:
    """Unit rows in float64."""
    drawn = torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
    return torch.nn.functional.normalize(drawn, dim=1)


@dataclass
class FlatTowers:
    """Towers that encode a picture as its first pixels and count how often they are asked."""

    scale: Tensor = field(default_factory=lambda: torch.tensor(7.0, dtype=torch.float64))
    passes: int = 0

    def images(self, pictures: Tensor, sensor: str = "rgb") -> Tensor:
        self.passes += 1
        return torch.nn.functional.normalize(pictures.flatten(1), dim=1)


def batch(
    image: Tensor,
    text: Tensor,
    *,
    labels: Sequence[Sequence[int]] | None = None,
    unsure: Sequence[Sequence[int]] | None = None,
    texts: Sequence[Text] | None = None,
    metadata: tuple[Metadata, ...] | None = None,
    second: Tensor | None = None,
    towers: FlatTowers | None = None,
) -> Batch:
    """A batch of B pictures; without words for them each has a sentence of its own."""
    count = len(image)
    told = np.array(labels if labels is not None else np.eye(count), dtype=bool)
    nothing = np.zeros(told.shape[1], dtype=bool)
    draw = Draw(
        pictures=torch.zeros(count, 3, 1, 1, dtype=torch.uint8),
        texts=tuple(texts or (Text(f"picture {number}", nothing, nothing) for number in range(count))),
        labels=told,
        unsure=np.array(unsure, dtype=bool) if unsure is not None else np.zeros_like(told),
        names=(),
        places=np.arange(count),
        metadata=metadata,
    )
    view = (second if second is not None else image).detach()[:, :, None, None]
    return Batch(
        draw=draw,
        pictures=image.detach()[:, :, None, None],
        again=lambda: view,
        image=image,
        text=text,
        names=text[:0],
        towers=cast("Any", towers or FlatTowers()),
        source=0,
        order=torch.arange(count),
    )
