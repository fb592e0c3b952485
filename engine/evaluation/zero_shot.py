"""Zero-shot classification: the class whose sentences lie nearest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.spread import Interval, bootstrap
from engine.evaluation.vectors import Floats, Integers, alike, indices, unit


@dataclass(frozen=True, slots=True, eq=False)
class Classification:
    """Which class was said of each picture, and which is right.

    Attributes:
        names: C class names.
        truth: (N,) int64, index of the right class.
        predicted: (N,) int64, index of the class that was said.
    """

    names: tuple[str, ...]
    truth: Integers
    predicted: Integers

    @property
    def n(self) -> int:
        """How many pictures."""
        return len(self.truth)

    @property
    def right(self) -> NDArray[np.bool_]:
        """(N,) whether each was right."""
        return np.asarray(self.predicted == self.truth)

    @property
    def accuracy(self) -> float:
        """Share of the pictures that were right (top 1)."""
        return float(self.right.mean())

    @property
    def interval(self) -> Interval:
        """Bootstrap interval of the accuracy."""
        return bootstrap(self.right)

    @property
    def confusion(self) -> Integers:
        """(C, C) int64: rows are the right class, columns what was said."""
        matrix = np.zeros((len(self.names), len(self.names)), dtype=np.int64)
        np.add.at(matrix, (self.truth, self.predicted), 1)
        return matrix

    @property
    def per_class(self) -> dict[str, float | None]:
        """Share of each class's pictures that were right; ``None`` for a class without a picture."""
        matrix = self.confusion
        sizes = matrix.sum(axis=1)
        return {name: float(matrix[i, i] / sizes[i]) if sizes[i] else None for i, name in enumerate(self.names)}

    @property
    def mean_per_class(self) -> float:
        """Mean over the classes that have a picture: each class counts the same, however large."""
        return float(np.mean([share for share in self.per_class.values() if share is not None]))

    def worst(self, most: int = 10) -> list[tuple[str, str, int]]:
        """The largest confusions: right class, what was said, how often; most frequent first."""
        matrix = self.confusion
        np.fill_diagonal(matrix, 0)
        order = np.argsort(-matrix, axis=None, kind="stable")[:most]
        pairs = [np.unravel_index(place, matrix.shape) for place in order]
        return [(self.names[i], self.names[j], int(matrix[i, j])) for i, j in pairs if matrix[i, j]]

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract)."""
        return {
            "accuracy": round(self.accuracy, 6),
            "interval": self.interval.record(),
            "per_class": {name: None if share is None else round(share, 6) for name, share in self.per_class.items()},
            "mean_per_class": round(self.mean_per_class, 6),
            "confusion": self.confusion.tolist(),
            "worst": [{"truth": a, "said": b, "count": count} for a, b, count in self.worst()],
            "n": self.n,
        }


def ensemble(sentences: ArrayLike) -> Floats:
    r"""Class vectors of a template ensemble: the mean over the templates, renormalised.

    .. math:: t_c = \frac{\sum_p t_{p,c}}{\lVert \sum_p t_{p,c} \rVert}, \quad \lVert t_{p,c} \rVert = 1

    Args:
        sentences: (P, C, D) numbers, one vector for each template and class.

    Returns:
        (C, D) float32, unit length.

    Raises:
        FeaturesInvalid: If they are not three-dimensional, not finite or zero.

    Source: Radford et al. 2021, "Learning Transferable Visual Models From Natural Language Supervision", §3.1.4.
    """
    array: NDArray[Any] = np.asarray(sentences)
    if array.ndim != 3 or 0 in array.shape:
        raise FeaturesInvalid(f"sentence vectors should be templates × classes × length; they are {array.shape}.")
    rows = unit(array.reshape(-1, array.shape[-1]), "the sentence vectors").reshape(array.shape)
    return unit(rows.mean(axis=0), "the class vectors")


def classify(images: ArrayLike, classes: ArrayLike, truth: ArrayLike, names: Sequence[str]) -> Classification:
    r"""Say the class of the nearest class vector: :math:`\hat c = \arg\max_c z^\top t_c`; of equal ones the first.

    Args:
        images: (N, D) numbers.
        classes: (C, D) numbers.
        truth: (N,) index of the right class.
        names: C class names.

    Raises:
        EvaluationInvalid: If there is no picture.
        FeaturesInvalid: If vectors or labels are unusable.
    """
    pictures, vectors = unit(images, "the pictures' vectors"), unit(classes, "the class vectors")
    if not len(pictures):
        raise EvaluationInvalid("there is no picture.")
    alike(pictures, vectors)
    if len(vectors) != len(names):
        raise FeaturesInvalid(f"there are {len(vectors)} class vectors and {len(names)} class names.")
    right = indices(truth, len(names), len(pictures))
    return Classification(tuple(names), right, (pictures @ vectors.T).argmax(axis=1).astype(np.int64))
