"""Which pictures teach a probe and which measure it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid
from engine.evaluation.vectors import Integers


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """Indices of pictures, ascending; no picture is in both.

    Attributes:
        train: What teaches.
        test: What measures.
    """

    train: Integers
    test: Integers


def parted(truth: ArrayLike, share: float, seed: int) -> Parts:
    """Divide every class by the same share, at random.

    Args:
        truth: (N,) classes.
        share: Part of each class that teaches, 0–1; at least one picture, and of two or more at least one measures.
        seed: Another seed, another division.

    Raises:
        EvaluationInvalid: If the share is not between 0 and 1, or nothing is left to measure on.
    """
    if not 0 < share < 1:
        raise EvaluationInvalid("the training share must lie between 0 and 1.")
    classes: NDArray[np.int64] = np.asarray(truth, dtype=np.int64)
    random = np.random.default_rng(seed)
    train: list[int] = []
    for each in np.unique(classes):
        members = random.permutation(np.flatnonzero(classes == each))
        train += members[: min(max(1, round(share * len(members))), max(1, len(members) - 1))].tolist()
    taught = np.array(sorted(train), dtype=np.int64)
    test = np.setdiff1d(np.arange(len(classes), dtype=np.int64), taught)
    if not len(test):
        raise EvaluationInvalid("every class has a single picture, so nothing is left to measure on.")
    return Parts(taught, test)


def shots(truth: ArrayLike, pool: Integers, count: int, seed: int) -> Integers:
    """Draw the same number of pictures of each class; a class with fewer gives all it has.

    Args:
        truth: (N,) classes.
        pool: Indices to draw from.
        count: Pictures a class.
        seed: Of the draw. The draws of one seed are nested: 4 shots hold the 1 shot.

    Returns:
        Indices, ascending.
    """
    classes: NDArray[np.int64] = np.asarray(truth, dtype=np.int64)
    random = np.random.default_rng(seed)
    drawn = [random.permutation(pool[classes[pool] == each])[:count] for each in np.unique(classes[pool])]
    return np.sort(np.concatenate(drawn))
