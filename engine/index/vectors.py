"""Where vectors are kept and compared: the ``VectorStore`` interface and the exact store in memory."""

from __future__ import annotations

import os
from functools import cached_property
from typing import Any, Final, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from engine.index.rows import BLOCK, Rows

FloatVectors = NDArray[np.float32]
HalfVectors = NDArray[np.float16]

PARALLEL_FROM: Final = 50_000
"""Rows from which a scan uses all cores; below, waking threads costs more than it saves."""

GROUP: Final = 32
"""Scores of which first only the highest is looked at, when the best are wanted."""

BELOW_ANY_COSINE: Final = -1e30


class VectorStore(Protocol):
    """Unit vectors by row number, compared by inner product."""

    @property
    def dim(self) -> int:
        """Length of a vector."""

    def __len__(self) -> int: ...

    def scores(self, query: FloatVectors, rows: Rows | None = None) -> FloatVectors:
        """Inner product of the (D,) query with each row, in the order of the rows: (n,) float32."""

    def nearest(self, query: FloatVectors, count: int, rows: Rows | None = None) -> tuple[NDArray[np.int64], FloatVectors]:
        """The best ``count`` rows (fewer where there are fewer) and their inner products, best first."""

    def take(self, index: NDArray[np.int64]) -> FloatVectors:
        """The vectors themselves: (n, D) float32."""


class FlatStore:
    """Exact search over float16 vectors in memory, about 1 GB for 1,000,000 × 512.

    FAISS compares float32 queries with float16 codes. The codes lie in blocks of neighbouring rows, and a scan visits only
    the blocks that hold selected rows, with a bitmap for the rows inside: the cost follows the selection, not the
    collection, and nothing is approximated (recall 1). On one core a scan of 1 % of 1,000,000 × 512 takes about a
    quarter of the time of one flat index with the same bitmap, which tests every row's bit.

    Scans may run in many threads at once; ``write`` may not run beside them.
    """

    def __init__(self, dim: int, count: int) -> None:
        faiss = _faiss()
        self.dim = dim
        self._count = count
        blocks = -(-count // BLOCK)
        self._quantizer = faiss.IndexFlatIP(dim)  # never asked: we name the blocks ourselves
        index = faiss.IndexIVFScalarQuantizer(
            self._quantizer, dim, max(blocks, 1), faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
        )
        index.by_residual = False
        index.is_trained = True
        index.parallel_mode = 1  # threads share the blocks of one query
        self._codes: list[HalfVectors] = []
        for block in range(blocks):
            first, size = block * BLOCK, min(BLOCK, count - block * BLOCK)
            index.invlists.resize(block, size)
            faiss.rev_swig_ptr(index.invlists.get_ids(block), size)[:] = np.arange(first, first + size)
            codes = faiss.rev_swig_ptr(index.invlists.get_codes(block), size * dim * 2)
            self._codes.append(codes.view(np.float16).reshape(size, dim))
        index.ntotal = count
        self._index = index

    @classmethod
    def of(cls, vectors: NDArray[Any]) -> Self:
        """A store of (N, D) vectors, rounded to float16."""
        store = cls(vectors.shape[1], len(vectors))
        store.write(np.arange(len(vectors), dtype=np.int64), vectors)
        return store

    def __len__(self) -> int:
        return self._count

    def write(self, index: NDArray[np.int64], vectors: NDArray[Any]) -> None:
        """Set rows.

        Args:
            index: (n,) row numbers, in any order.
            vectors: (n, D), rounded to float16.
        """
        order = np.argsort(index, kind="stable")
        ordered = index[order]
        blocks, starts = np.unique(ordered // BLOCK, return_index=True)
        for block, rows in zip(blocks, np.split(order, starts[1:]), strict=True):
            self._codes[block][index[rows] - block * BLOCK] = vectors[rows]

    def take(self, index: NDArray[np.int64]) -> FloatVectors:
        """The vectors of some rows: (n,) row numbers → (n, D) float32."""
        out = np.empty((len(index), self.dim), dtype=np.float32)
        for place, row in enumerate(np.asarray(index).tolist()):
            out[place] = self._codes[row // BLOCK][row % BLOCK]
        return out

    def scores(self, query: FloatVectors, rows: Rows | None = None) -> FloatVectors:
        """Inner product of a query with every selected row.

        Args:
            query: (D,) float32.
            rows: Which rows; all by default.

        Returns:
            (n,) float32 in the order of the rows.
        """
        faiss = _faiss()
        rows = self._everything if rows is None else rows
        if not len(rows):
            return np.empty(0, dtype=np.float32)
        threads = _threads(len(rows))
        faiss.omp_set_num_threads(threads)
        result = faiss.RangeSearchResult(1)
        query = np.ascontiguousarray(query, dtype=np.float32)
        blocks, no_distance = rows.blocks, np.zeros(len(rows.blocks), dtype=np.float32)
        self._index.range_search_preassigned_c(
            1,
            faiss.swig_ptr(query),
            BELOW_ANY_COSINE,
            faiss.swig_ptr(blocks),
            faiss.swig_ptr(no_distance),
            result,
            False,
            self._parameters(rows),
        )
        found = int(faiss.rev_swig_ptr(result.lims, 2)[1])
        values = faiss.rev_swig_ptr(result.distances, found)
        if threads == 1 and found == len(rows):  # one thread reports in the order of the rows
            return cast("FloatVectors", values.copy())
        dense = np.full(rows.total, -1.0, dtype=np.float32)
        dense[faiss.rev_swig_ptr(result.labels, found)] = values
        return dense if rows.whole else dense[rows.index]

    def nearest(self, query: FloatVectors, count: int, rows: Rows | None = None) -> tuple[NDArray[np.int64], FloatVectors]:
        """The best rows for a query.

        Args:
            query: (D,) float32.
            count: How many at most.
            rows: Which rows; all by default.

        Returns:
            Row numbers and inner products, best first; ties by row number.
        """
        rows = self._everything if rows is None else rows
        scores = self.scores(query, rows)
        best = leading(scores, count)
        order = best[np.lexsort((rows.index[best], -scores[best]))][:count]
        return rows.index[order], scores[order]

    @cached_property
    def _everything(self) -> Rows:
        return Rows.everything(self._count)

    def _parameters(self, rows: Rows) -> Any:  # noqa: ANN401 - FAISS ships no types
        faiss = _faiss()
        if rows.whole:
            return faiss.SearchParametersIVF(nprobe=len(rows.blocks))
        return faiss.SearchParametersIVF(sel=faiss.IDSelectorBitmap(rows.bitmap), nprobe=len(rows.blocks))


def leading(scores: FloatVectors, count: int) -> NDArray[np.int64]:
    """Places of the ``count`` highest scores and of all that tie with the last of them, unordered."""
    if count >= len(scores):
        return np.arange(len(scores), dtype=np.int64)
    return np.flatnonzero(scores >= _nth(scores, count)).astype(np.int64, copy=False)


def _nth(scores: FloatVectors, count: int) -> np.float32:
    """The ``count``-th highest score.

    As many groups have a maximum no lower than the ``count``-th highest maximum, so what is lower is not among the highest:
    a handful is left to be put in order.
    """
    size = len(scores) // GROUP
    if size >= count:
        scores = scores[scores >= _nth(scores[: size * GROUP].reshape(GROUP, size).max(axis=0), count)]
    return np.float32(np.partition(scores, len(scores) - count)[len(scores) - count])


def _threads(rows: int) -> int:
    return 1 if rows < PARALLEL_FROM else (os.cpu_count() or 1)


def _faiss() -> Any:  # noqa: ANN401 - its stubs know nothing of the numpy wrappers
    import faiss

    return faiss
