"""How water leaves an island: a tree of receivers, catchments, and the relief that erosion leaves along it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.world.noise import FloatImage

_STEPS = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))


@dataclass(frozen=True, slots=True)
class Drainage:
    """Where each cell drains to.

    Attributes:
        receiver: (n·n,) int64, index of the next cell downstream; the sea and outlets drain to themselves.
        order: (n·n,) int64, cells from the sea upstream: each comes after its receiver.
        catchment: (n, n) float32, cells that drain through each cell.
        height: (n, n) float32, metres.
    """

    receiver: NDArray[np.int64]
    order: NDArray[np.int64]
    catchment: FloatImage
    height: FloatImage

    def upstream(self, cell: int) -> NDArray[np.bool_]:
        """The catchment of one cell as an (n, n) mask."""
        inside = bytearray(self.receiver.size)
        inside[cell] = 1
        receiver = self.receiver.tolist()
        for index in self.order.tolist():
            if inside[receiver[index]]:
                inside[index] = 1
        return np.frombuffer(inside, dtype=np.uint8).astype(bool).reshape(self.height.shape)


def drained(land: NDArray[np.bool_], uplift: FloatImage, resistance: FloatImage, cell_m: float, rounds: int = 4) -> Drainage:
    """Relief in balance between uplift and rivers.

    The first tree is the cheapest way from the sea over random ground (an optimal channel network); heights follow from it by
    the stream-power law with slope = uplift · catchment^−0.4, then every cell turns to its steepest neighbour, and so on.

    Args:
        land: (n, n) bool.
        uplift: (n, n) slope at the crest of a slope (m/m).
        resistance: (n, n) > 0; rivers prefer low values.
        cell_m: Side of a cell, metres.
        rounds: How often the tree follows the relief.

    Returns:
        The drainage; the sea has height 0.

    Source: Braun & Willett 2013, "A very efficient O(n), implicit and parallel method to solve the stream power equation".
    """
    receiver = _cheapest_tree(land, resistance)
    flat = uplift.ravel()
    order = np.arange(land.size)
    catchment = np.ones(land.size)
    height = np.zeros(land.size)
    rank = _ranks(receiver)
    for turn in range(rounds):
        order = np.argsort(rank, kind="stable")
        catchment = _accumulated(receiver, order)
        height = _eroded(receiver, order, flat, catchment, land, cell_m)
        if turn < rounds - 1:
            receiver = _steepest(height.reshape(land.shape), land, receiver)
            rank = height
    shape = land.shape
    return Drainage(receiver, order, catchment.astype(np.float32).reshape(shape), height.astype(np.float32).reshape(shape))


def _neighbours(shape: tuple[int, int], step: tuple[int, int]) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    def span(length: int, by: int) -> tuple[slice, slice]:
        return (slice(max(0, -by), length - max(0, by)), slice(max(0, by), length + min(0, by)))

    (here_y, there_y), (here_x, there_x) = span(shape[0], step[0]), span(shape[1], step[1])
    return (here_y, here_x), (there_y, there_x)


def _cheapest_tree(land: NDArray[np.bool_], resistance: FloatImage) -> NDArray[np.int64]:
    from scipy.ndimage import binary_dilation
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import dijkstra

    index = np.arange(land.size).reshape(land.shape)
    mouths = index[~land & binary_dilation(land, np.ones((3, 3)))]
    starts, ends, costs = [], [], []
    for step in _STEPS[4:]:
        here, there = _neighbours(land.shape, step)
        wet = land[here] | land[there]
        starts.append(index[here][wet])
        ends.append(index[there][wet])
        costs.append((np.hypot(*step) * (resistance[here] + resistance[there]) / 2)[wet])
    graph = coo_matrix((np.concatenate(costs), (np.concatenate(starts), np.concatenate(ends))), (land.size, land.size)).tocsr()
    _, before, _ = dijkstra(graph, directed=False, indices=mouths, min_only=True, return_predecessors=True)
    receiver = np.asarray(before, dtype=np.int64)
    keep = (receiver < 0) | ~land.ravel()
    receiver[keep] = index.ravel()[keep]
    return receiver


def _ranks(receiver: NDArray[np.int64]) -> NDArray[np.float64]:
    """Steps to the sea, by pointer doubling."""
    steps: NDArray[np.float64] = (receiver != np.arange(receiver.size)).astype(np.float64)
    jump = receiver.copy()
    for _ in range(16):
        steps += steps[jump]
        jump = jump[jump]
    return steps


def _accumulated(receiver: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.float64]:
    area = [1.0] * receiver.size
    down = receiver.tolist()
    for cell in order[::-1].tolist():
        target = down[cell]
        if target != cell:
            area[target] += area[cell]
    return np.array(area)


def _eroded(
    receiver: NDArray[np.int64],
    order: NDArray[np.int64],
    uplift: FloatImage,
    catchment: NDArray[np.float64],
    land: NDArray[np.bool_],
    cell_m: float,
) -> NDArray[np.float64]:
    width = land.shape[1]
    cells = np.arange(receiver.size)
    diagonal = (np.abs(receiver % width - cells % width) + np.abs(receiver // width - cells // width)) == 2
    slope = np.minimum(uplift * catchment**-0.4, 0.75) + 2e-4
    rise = np.where(land.ravel(), slope * cell_m * np.where(diagonal, 1.41421356, 1.0), 0.0)
    rise[receiver == cells] = 0.0
    height = rise.tolist()
    down = receiver.tolist()
    for cell in order.tolist():
        target = down[cell]
        if target != cell:
            height[cell] += height[target]
    return np.array(height)


def _steepest(height: NDArray[np.float64], land: NDArray[np.bool_], receiver: NDArray[np.int64]) -> NDArray[np.int64]:
    index = np.arange(height.size).reshape(height.shape)
    best = np.zeros_like(height)
    target = index.copy()
    for step in _STEPS:
        here, there = _neighbours((height.shape[0], height.shape[1]), step)
        drop = (height[here] - height[there]) / np.hypot(*step)
        better = drop > best[here]
        best[here] = np.where(better, drop, best[here])
        target[here] = np.where(better, index[there], target[here])
    flat = target.ravel()
    stuck = (flat == index.ravel()) | ~land.ravel()
    return np.asarray(np.where(stuck, receiver, flat))
