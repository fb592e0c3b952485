"""Means and spreads in boxes around each cell, of what has a value."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Field = NDArray[np.float32]


def odd(km: float, cell_km: float) -> int:
    """Cells across a box of a size: odd, at least 3."""
    return max(3, 2 * round((km / max(cell_km, 1e-6) - 1) / 2) + 1)


def blur(field: Field, size: tuple[int, int]) -> Field:
    """Mean over boxes of rows × columns; at the border over what lies mirrored inside."""
    import cv2

    rows, columns = (min(side, 2 * extent - 1) for side, extent in zip(size, field.shape, strict=True))
    return np.asarray(cv2.blur(field, (max(columns, 1), max(rows, 1)), borderType=cv2.BORDER_REFLECT), dtype=np.float32)


def box_mean(field: Field, size: tuple[int, int], known: NDArray[np.bool_] | None = None) -> Field:
    """Mean of what has a value within boxes; NaN where nothing has."""
    good = np.isfinite(field) if known is None else known
    if good.all():
        return blur(field, size)
    share = blur(good.astype(np.float32), size)
    total = blur(np.where(good, field, np.float32(0)), size)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(share > 1e-4, total / share, np.float32(np.nan))


def box_spread(field: Field, size: tuple[int, int]) -> Field:
    """Standard deviation of what has a value within boxes; NaN where nothing has."""
    return box_moments(field, size)[1]


def box_moments(field: Field, size: tuple[int, int]) -> tuple[Field, Field]:
    """Mean and standard deviation of what has a value within boxes; NaN where nothing has."""
    good = np.isfinite(field)
    if not good.any():
        return np.full_like(field, np.nan), np.full_like(field, np.nan)
    middle = np.mean(field, where=good, dtype=np.float32)  # squares of 280 K lose what is looked for in float32
    level = field - middle
    mean, square = box_mean(level, size, good), box_mean(level * level, size, good)
    return mean + middle, np.sqrt(np.maximum(square - mean * mean, 0))
