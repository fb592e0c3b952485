"""Groups of vectors by K-means, the same for the same seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class Clusters:
    """Groups of N vectors.

    Attributes:
        centroids: (K, P) float32.
        labels: (N,) int64, the nearest centroid of each vector.
    """

    centroids: Tensor
    labels: Tensor


def grouped(vectors: Tensor, count: int, *, unit: bool, iterations: int = 20, restarts: int = 3, seed: int = 0) -> Clusters:
    """Group vectors by K-means.

    Args:
        vectors: (N, P) float, on the CPU.
        count: How many groups; fewer if there are fewer distinct vectors, so that equal texts share a group.
        unit: Whether centroids are brought to unit length, for vectors that are.
        iterations: Of each start.
        restarts: Starts, of which the best is kept.
        seed: Decides the starts.

    Source: Lloyd 1982, by faiss; with ``unit`` spherical K-means, Dhillon and Modha 2001.
    """
    rows = np.ascontiguousarray(vectors.numpy(), dtype=np.float32)
    count = min(count, len(np.unique(rows, axis=0)))
    groups = _faiss().Kmeans(
        rows.shape[1],
        count,
        niter=iterations,
        nredo=restarts,
        seed=seed % 2**31,
        spherical=unit,
        min_points_per_centroid=1,  # no warnings about small data
        max_points_per_centroid=len(rows),  # all of it
    )
    groups.train(rows)
    _, nearest = groups.index.search(rows, 1)
    return Clusters(torch.from_numpy(groups.centroids.copy()), torch.from_numpy(nearest[:, 0].astype(np.int64)))


def principal(vectors: Tensor, dim: int) -> Tensor:
    """Principal components: (N, D) → (N, at most dim), centred, signs fixed."""
    centred = vectors.double() - vectors.double().mean(dim=0)
    _, basis = torch.linalg.eigh(centred.T @ centred)
    best: Tensor = basis.flip(1)[:, :dim]
    signs = best[best.abs().argmax(dim=0), torch.arange(best.shape[1])].sign()
    return (centred @ (best * signs)).float()


def _faiss() -> Any:  # noqa: ANN401 - its stubs know nothing of the numpy wrappers
    import faiss

    return faiss
