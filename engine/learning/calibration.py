"""From margins to words: where a hit of an encoder becomes fair, and where strong."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.encoders import Encoder
from engine.learning.sources import CaptionedSource

FAIR: float = 0.5
STRONG: float = 0.8


def calibrated(encoder: Encoder, source: CaptionedSource) -> tuple[float, float]:
    """The margins from which a hit is fair and strong, on the held-out part of a source.

    Each class is asked for by its natural name; a margin is the score minus the mean score of the neutral prompts.

    Returns:
        (fair, strong): the margins above which half and four fifths of the tiles are of the class that was asked for, where
        all classes are equally frequent.
    """
    held_out = source.parts.held_out
    vectors = encoder.images(list(np.moveaxis(source.pictures[held_out], 1, -1)))
    queries = np.stack([encoder.query(name) for name in source.phrases.names])
    margins = vectors @ queries.T - (vectors @ encoder.neutral.T).mean(axis=1, keepdims=True)
    fair, strong = (threshold(margins, source.labels[held_out], precision) for precision in (FAIR, STRONG))
    return fair, strong


def threshold(margins: NDArray[np.float32], labels: NDArray[np.int64], precision: float) -> float:
    """The smallest margin from which answers have a precision, classes weighted to be equally frequent.

    Args:
        margins: (N, L) of N pictures under L class queries.
        labels: (N,) the class of each picture, 0 to L − 1.
        precision: Wanted share of right answers, 0–1.

    Returns:
        A margin; the largest of all if the precision is never reached.
    """
    weight = 1 / np.bincount(labels, minlength=margins.shape[1])[labels]
    right = labels[:, None] == np.arange(margins.shape[1])[None, :]
    order = np.argsort(-margins, axis=None, kind="stable")
    mass = np.broadcast_to(weight[:, None], margins.shape).ravel()[order]
    reached = np.cumsum(mass * right.ravel()[order]) / np.cumsum(mass) >= precision
    last = int(np.flatnonzero(reached)[-1]) if reached.any() else 0
    return float(margins.ravel()[order][last])
