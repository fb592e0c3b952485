"""A set of rows of a collection: which tiles a question is about."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

BLOCK: Final = 512
"""Rows a block. Rows are kept along a Hilbert curve, so a block is a small patch of ground."""


@dataclass(frozen=True)
class Rows:
    """Some rows of a table.

    Attributes:
        index: (n,) int64, ascending, each once.
        total: Rows that the table has.
    """

    index: NDArray[np.int64]
    total: int

    @classmethod
    def everything(cls, total: int) -> Self:
        """All rows."""
        return cls(np.arange(total, dtype=np.int64), total)

    @classmethod
    def where(cls, mask: NDArray[np.bool_]) -> Self:
        """The rows at which a (total,) mask is true."""
        return cls(np.flatnonzero(mask).astype(np.int64, copy=False), len(mask))

    def __len__(self) -> int:
        return len(self.index)

    @property
    def whole(self) -> bool:
        """Whether no row is left out."""
        return len(self.index) == self.total

    @cached_property
    def blocks(self) -> NDArray[np.int64]:
        """Blocks that hold at least one of the rows, ascending."""
        present = np.zeros(-(-self.total // BLOCK), dtype=bool)
        present[self.index // BLOCK] = True
        return np.flatnonzero(present).astype(np.int64, copy=False)

    @cached_property
    def bitmap(self) -> NDArray[np.uint8]:
        """One bit a row, least significant first."""
        mask = np.zeros(self.total, dtype=bool)
        mask[self.index] = True
        return np.packbits(mask, bitorder="little")
