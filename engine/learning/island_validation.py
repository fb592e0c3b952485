"""Figures on islands that nothing was learned from: are windows found by the words for what lies in them?"""

from __future__ import annotations

from collections import Counter
from typing import Final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray

from engine.evaluation.ndcg import graded
from engine.learning.islands import IslandSource
from engine.learning.towers import Towers
from engine.learning.validation import class_vectors, embedded, encoded_texts

MOST_QUERIES: Final = 100
"""Sets of classes that are asked for, the most frequent ones."""


@torch.no_grad()
def measured(towers: Towers, source: IslandSource) -> dict[str, float]:
    """Text → window, with the encoder's own input size.

    Args:
        towers: What is measured.
        source: Windows of islands that were not learned from.

    Returns:
        By name, with the sensor in front: ``…_presence``, the mean over the classes of the average precision with which their
        words rank windows that have them before windows that don't (traces are left out); and ``…_ndcg``, the mean nDCG of
        queries for single classes and for the sets that occur, relevance by Jaccard index (Järvelin and Kekäläinen 2002; CLOSP's
        figure, whose own relevance isn't published). 0–1; nothing where nothing can be ranked.
    """
    learning = towers.whole.training
    towers.whole.eval()
    images = embedded(towers, source.pictures, source.sensor)
    classes = class_vectors(towers, source.phrases.names)
    wanted = _sets(source.present)
    queries = [source.caption(row) for row in wanted]
    sets = encoded_texts(towers, queries)
    towers.whole.train(learning)
    figures: dict[str, float] = {}
    presence = _presence(images @ classes.T, source)
    if presence is not None:
        figures[f"{source.sensor}_presence"] = presence
    if len(wanted):
        figures[f"{source.sensor}_ndcg"] = graded(sets, images, wanted, source.present, queries).mean("jaccard")
    return figures


def average_precision(scores: ArrayLike, right: ArrayLike) -> float | None:
    r"""Mean of the precisions at the ranks of the right answers.

    .. math:: AP = \frac{1}{|R|} \sum_{r \in R} \frac{|\{s \in R : rank_s \le rank_r\}|}{rank_r}

    Args:
        scores: (N,) numbers, higher is better; equal ones stand in the order of the pictures.
        right: (N,) bool.

    Returns:
        0–1, or ``None`` if nothing is right or nothing is wrong, which no ranking can spoil.
    """
    answers: NDArray[np.bool_] = np.asarray(right, dtype=bool)
    if answers.all() or not answers.any():
        return None
    ranked = answers[np.argsort(-np.asarray(scores, dtype=np.float64), kind="stable")]
    ranks = np.flatnonzero(ranked) + 1
    return float(np.mean(np.arange(1, len(ranks) + 1) / ranks))


def _presence(scores: NDArray[np.float32], source: IslandSource) -> float | None:
    """Mean average precision over the classes that some windows have and others don't: (N, C) → 0–1."""
    values = [
        average_precision(column[~unsure], there[~unsure])
        for column, there, unsure in zip(scores.T, source.present.T, source.traces.T, strict=True)
    ]
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _sets(present: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """What is asked for: each class that occurs, and the most frequent sets of several: (Q, C)."""
    single = [tuple(row) for row in np.eye(present.shape[1], dtype=bool)[present.any(axis=0)].tolist()]
    several = Counter(tuple(row) for row in present.tolist() if sum(row) > 1)
    found = [*single, *(row for row, _ in sorted(several.items(), key=lambda item: (-item[1], item[0])))]
    return np.array(found[:MOST_QUERIES], dtype=bool).reshape(-1, present.shape[1])
