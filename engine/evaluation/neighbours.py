"""k nearest neighbours on frozen features."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import EvaluationInvalid
from engine.evaluation.vectors import Floats, Integers, alike, indices, unit
from engine.evaluation.zero_shot import Classification

K: Final = 20
TEMPERATURE: Final = 0.07
AT_ONCE: Final = 512


def nearest_neighbours(
    train: ArrayLike,
    train_truth: ArrayLike,
    test: ArrayLike,
    test_truth: ArrayLike,
    names: Sequence[str],
    *,
    k: int = K,
    temperature: float = TEMPERATURE,
) -> Classification:
    r"""Let the k nearest training pictures vote, each with weight :math:`\exp(\cos / \tau)`.

    Neighbours at equal distance count in the order of the training set; classes with equal votes in the order of their names.

    Args:
        train: (M, D) numbers.
        train_truth: (M,) classes.
        test: (N, D) numbers.
        test_truth: (N,) classes.
        names: C class names.
        k: Neighbours; all of them if there are fewer.
        temperature: τ.

    Raises:
        EvaluationInvalid: If a part is empty, or k or τ is not positive.
        FeaturesInvalid: If vectors or labels are unusable.

    Source: Wu et al. 2018, "Unsupervised Feature Learning via Non-Parametric Instance Discrimination", §3.4; k = 20 and
    τ = 0.07 as RemoteCLIP (Liu et al. 2024), §IV-C.
    """
    known, asked = unit(train, "the training vectors"), unit(test, "the test vectors")
    if not len(known) or not len(asked):
        raise EvaluationInvalid("nearest neighbours need training and test pictures.")
    if k < 1 or temperature <= 0:
        raise EvaluationInvalid("k and the temperature must be above 0.")
    alike(known, asked)
    classes = indices(train_truth, len(names), len(known))
    right = indices(test_truth, len(names), len(asked))
    said = [_vote(asked[at : at + AT_ONCE], known, classes, len(names), k, temperature) for at in range(0, len(asked), AT_ONCE)]
    return Classification(tuple(names), right, np.concatenate(said))


def _vote(asked: Floats, known: Floats, classes: Integers, count: int, k: int, temperature: float) -> Integers:
    cosines = (asked @ known.T).astype(np.float64)
    nearest = np.argsort(-cosines, axis=1, kind="stable")[:, :k]
    weights = np.exp(np.take_along_axis(cosines, nearest, axis=1) / temperature)
    votes = np.zeros((len(asked), count))
    np.add.at(votes, (np.arange(len(asked))[:, None], classes[nearest]), weights)
    said: Integers = votes.argmax(axis=1).astype(np.int64)
    return said
