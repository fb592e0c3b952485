"""Zero-shot labels: which of a set of names fits a tile best, and whether that can be said at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.labels.sets import LabelSet
from engine.types import LabelScores

if TYPE_CHECKING:
    from engine.encoders import Encoder

LOGIT_SCALE: Final = 100.0
"""Inverse temperature of CLIP and its descendants: their learned scale ends at its ceiling of 100 (Radford et al. 2021, §2.5)."""

_AT_ONCE: Final = 20_000

LEAST_LEAD: Final = 0.1
"""Probability by which the best label must lead the second."""


def label_tiles(
    vectors: NDArray[np.float32], tile_ids: Sequence[str], label_set: LabelSet, encoder: Encoder, *, least_lead: float = LEAST_LEAD
) -> list[LabelScores]:
    r"""Label tiles.

    .. math:: p_l(v) = \frac{\exp(s\, v \cdot t_l)}{\sum_k \exp(s\, v \cdot t_k)}

    with :math:`t_l` the mean of the label's sentences at unit length and s the inverse temperature, the encoder's
    ``logit_scale`` where it has one, else 100. Probabilities are relative to the set: they say which of these names
    fits best, not that any does. So a tile abstains

    - when the best label leads the second by less than ``least_lead``, or
    - when even the best label fits it no better than the neutral prompts do by the model's ``fair`` margin, for then
      nothing in the set looks like the tile.

    Args:
        vectors: (N, D) float32, unit length.
        tile_ids: N ids.
        label_set: The names and their templates.
        encoder: The encoder that made the vectors.
        least_lead: Probability, 0 to 1.

    Returns:
        One for each tile, in order.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", §3.1.
    """
    if not len(vectors):
        return []
    classes = encoder.labels(label_set.labels, label_set.templates)
    directions = np.vstack([classes, np.mean(encoder.neutral, axis=0, dtype=np.float64)]).astype(np.float64)
    products = np.vstack([part.astype(np.float64) @ directions.T for part in np.array_split(vectors, -(-len(vectors) // _AT_ONCE))])
    cosines, neutral = products[:, :-1], products[:, -1]
    probabilities = softmax(cosines * getattr(encoder, "logit_scale", LOGIT_SCALE))
    leading = np.sort(probabilities, axis=1)
    unclear = leading[:, -1] - leading[:, -2] < least_lead
    unlike = cosines.max(axis=1) - neutral < encoder.calibration.fair
    rows = zip(tile_ids, probabilities.tolist(), (unclear | unlike).tolist(), strict=True)
    return [LabelScores(tile, label_set.labels, tuple(row), abstained) for tile, row, abstained in rows]


def softmax(logits: NDArray[np.float64]) -> NDArray[np.float64]:
    """(N, L) logits to probabilities that sum to 1 along each row."""
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
