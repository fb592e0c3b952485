"""Ranked retrieval with graded relevance: normalised discounted cumulative gain over label sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.spread import Interval, bootstrap
from engine.evaluation.vectors import alike, unit

Relevance = Literal["jaccard", "overlap"]
RELEVANCES: Final[tuple[Relevance, ...]] = ("jaccard", "overlap")
K: Final = 1000


def relevance(query: NDArray[np.bool_], labels: NDArray[np.bool_], kind: Relevance) -> NDArray[np.float64]:
    r"""How much each picture is worth to a query.

    ``jaccard``: :math:`|Q \cap L| / |Q \cup L|`; ``overlap``: :math:`|Q \cap L|`. The published grade is not documented, so
    both are reported.

    Args:
        query: (C,) labels that are asked for.
        labels: (N, C) labels of the pictures.
        kind: Which.

    Returns:
        (N,) float64.
    """
    shared: NDArray[np.float64] = (labels & query).sum(axis=1).astype(np.float64)
    if kind == "overlap":
        return shared
    return np.asarray(shared / np.maximum((labels | query).sum(axis=1), 1))


def ndcg(scores: ArrayLike, gains: ArrayLike, k: int = K) -> float | None:
    r"""nDCG of one ranking; pictures with equal scores stand in the order of the corpus.

    .. math:: DCG_k = \sum_{i=1}^{k} \frac{rel_i}{\log_2(i + 1)}, \quad nDCG_k = DCG_k / IDCG_k

    with the ideal from the relevances of the whole corpus, sorted.

    Args:
        scores: (N,) numbers, higher is better.
        gains: (N,) relevances, ≥ 0.
        k: Depth; the whole corpus if it is smaller.

    Returns:
        0–1, or ``None`` if nothing in the corpus is relevant.

    Source: Järvelin and Kekäläinen 2002, "Cumulated gain-based evaluation of IR techniques"; depth 1000 as CLOSP.
    """
    worth: NDArray[np.float64] = np.asarray(gains, dtype=np.float64)
    order = np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")[:k]
    discounts = 1 / np.log2(np.arange(2, len(order) + 2))
    ideal = float(np.sort(worth)[::-1][: len(order)] @ discounts)
    return float(worth[order] @ discounts) / ideal if ideal > 0 else None


@dataclass(frozen=True, slots=True)
class Graded:
    """nDCG over queries.

    Attributes:
        k: Depth.
        pictures: Size of the corpus.
        values: For each kind of relevance, one value a query; ``None`` for a query without a relevant picture.
        queries: The queries in words.
    """

    k: int
    pictures: int
    values: dict[Relevance, tuple[float | None, ...]]
    queries: tuple[str, ...]

    def answered(self, kind: Relevance) -> list[float]:
        """Values of the queries that something is relevant to; the others are skipped, not scored 0."""
        return [value for value in self.values[kind] if value is not None]

    def mean(self, kind: Relevance) -> float:
        """Mean over the answered queries, 0–1."""
        return float(np.mean(self.answered(kind)))

    def interval(self, kind: Relevance) -> Interval:
        """Bootstrap interval of the mean over queries."""
        return bootstrap(self.answered(kind))

    def record(self) -> dict[str, Any]:
        """As JSON."""
        per_query = [
            {"query": query, **{kind: None if value is None else round(value, 6) for kind, value in zip(self.values, row, strict=True)}}
            for query, row in zip(self.queries, zip(*self.values.values(), strict=True), strict=True)
        ]
        return {
            **{f"ndcg_{kind}": round(self.mean(kind), 6) for kind in self.values},
            **{f"ndcg_{kind}_interval": self.interval(kind).record() for kind in self.values},
            "k": self.k,
            "n": self.pictures,
            "queries": len(self.answered("jaccard")),
            "skipped_queries": len(self.queries) - len(self.answered("jaccard")),
            "per_query": per_query,
        }


def graded(
    texts: ArrayLike, images: ArrayLike, wanted: NDArray[np.bool_], labels: NDArray[np.bool_], queries: Sequence[str], k: int = K
) -> Graded:
    """Rank the corpus by each query and grade it by both kinds of relevance.

    Args:
        texts: (Q, D) numbers, the queries' vectors.
        images: (N, D) numbers.
        wanted: (Q, C) labels that each query asks for.
        labels: (N, C) labels of the pictures.
        queries: Q queries in words.
        k: Depth.

    Raises:
        EvaluationInvalid: If no query has a relevant picture, or k is below 1.
        FeaturesInvalid: If vectors or labels are unusable.
    """
    asking, corpus = unit(texts, "the queries' vectors"), unit(images, "the pictures' vectors")
    alike(asking, corpus)
    if k < 1:
        raise EvaluationInvalid("the depth k must be 1 or more.")
    if wanted.shape != (len(asking), labels.shape[1]) or len(labels) != len(corpus) or len(queries) != len(asking):
        raise FeaturesInvalid(f"labels {labels.shape} and queries {wanted.shape} don't fit {len(corpus)} pictures, {len(asking)} queries.")
    values: dict[Relevance, list[float | None]] = {kind: [] for kind in RELEVANCES}
    for vector, query in zip(asking, wanted, strict=True):
        scores = corpus @ vector
        for kind in RELEVANCES:
            values[kind].append(ndcg(scores, relevance(query, labels, kind), k))
    found = Graded(min(k, len(corpus)), len(corpus), {kind: tuple(each) for kind, each in values.items()}, tuple(queries))
    if not found.answered("jaccard"):
        raise EvaluationInvalid("no query has a picture with any of its labels.")
    return found
