"""Precision at k: how many of the first pictures are right answers to a query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.spread import Interval, bootstrap
from engine.evaluation.vectors import alike, unit

K: Final = 10


def precision_at(scores: ArrayLike, right: ArrayLike, k: int = K) -> float | None:
    """Share of right answers among the first pictures: the first k, or as many as there are right ones if those are fewer.

    Args:
        scores: (N,) numbers, higher is better; equal ones stand in the order of the pictures.
        right: (N,) bool, whether each picture is a right answer.
        k: Depth.

    Returns:
        0–1, or ``None`` if no picture is right.
    """
    answers: NDArray[np.bool_] = np.asarray(right, dtype=bool)
    depth = min(k, int(answers.sum()))
    if not depth:
        return None
    first = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:depth]
    return float(answers[first].mean())


@dataclass(frozen=True, slots=True)
class Precision:
    """Precision over queries.

    Attributes:
        k: Depth.
        pictures: Size of the corpus.
        queries: The queries in words.
        values: One a query; ``None`` where no picture is right.
    """

    k: int
    pictures: int
    queries: tuple[str, ...]
    values: tuple[float | None, ...]

    @property
    def answered(self) -> list[float]:
        """Values of the queries that have a right answer; the others are skipped, not scored 0."""
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float:
        """Mean over the answered queries, 0–1."""
        return float(np.mean(self.answered))

    @property
    def interval(self) -> Interval:
        """Bootstrap interval of the mean over queries."""
        return bootstrap(self.answered)

    def record(self) -> dict[str, Any]:
        """As JSON, without single queries."""
        return {
            "precision": round(self.mean, 6),
            "interval": self.interval.record(),
            "k": self.k,
            "n": self.pictures,
            "queries": len(self.answered),
            "skipped_queries": len(self.queries) - len(self.answered),
        }

    @property
    def per_query(self) -> list[dict[str, Any]]:
        """As JSON: each query with its precision, the lowest first."""
        rows = [{"query": query, "precision": value} for query, value in zip(self.queries, self.values, strict=True) if value is not None]
        return sorted(rows, key=lambda row: float(str(row["precision"])))


def precision(texts: ArrayLike, images: ArrayLike, right: NDArray[np.bool_], queries: Sequence[str], k: int = K) -> Precision:
    """Rank all pictures for each query by their cosine.

    Args:
        texts: (Q, D) numbers, the queries.
        images: (N, D) numbers.
        right: (Q, N) whether a picture is a right answer to a query.
        queries: Q queries in words.
        k: Depth.

    Raises:
        EvaluationInvalid: If no query has a right answer, or k is below 1.
        FeaturesInvalid: If vectors or answers are unusable.
    """
    asking, corpus = unit(texts, "the queries' vectors"), unit(images, "the pictures' vectors")
    alike(asking, corpus)
    if k < 1:
        raise EvaluationInvalid("the depth k must be 1 or more.")
    if right.shape != (len(asking), len(corpus)) or len(queries) != len(asking):
        raise FeaturesInvalid(f"right answers {right.shape} don't fit {len(asking)} queries, {len(corpus)} pictures.")
    values = tuple(precision_at(corpus @ vector, row, k) for vector, row in zip(asking, right, strict=True))
    found = Precision(k, len(corpus), tuple(queries), values)
    if not found.answered:
        raise EvaluationInvalid("no query has a picture that is right.")
    return found
