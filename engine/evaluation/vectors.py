"""Vectors that can be measured on: checked, and at unit length."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import FeaturesInvalid

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def unit(rows: ArrayLike, what: str = "the vectors") -> Floats:
    """Rows at unit length, computed in float32 whatever they are stored in: float16 norms reorder near-ties.

    Args:
        rows: (N, D) numbers.
        what: How to call them in messages.

    Returns:
        (N, D) float32, unit length.

    Raises:
        FeaturesInvalid: If they are not two-dimensional, not numbers, not finite, or zero.
    """
    array: NDArray[Any] = np.asarray(rows)
    if array.ndim != 2 or array.dtype.kind not in "fiu" or not array.shape[1]:
        raise FeaturesInvalid(f"{what} should be a table of numbers, rows × length; they are {array.dtype} {array.shape}.")
    values = array.astype(np.float32)
    bad = ~np.isfinite(values).all(axis=1)
    if bad.any():
        raise FeaturesInvalid(
            f"{what} hold NaN or infinity in {int(bad.sum())} of {len(values)} rows, first in row {int(bad.argmax())}. "
            "Embed these pictures again, or leave them out."
        )
    length = np.linalg.norm(values, axis=1, keepdims=True)
    if not (length > 0).all():
        raise FeaturesInvalid(f"{what} are zero in {int((length == 0).sum())} of {len(values)} rows and point nowhere.")
    scaled: Floats = values / length
    return scaled


def alike(*tables: Floats) -> None:
    """Refuse tables whose rows differ in length.

    Raises:
        FeaturesInvalid: With the lengths.
    """
    lengths = [table.shape[-1] for table in tables]
    if len(set(lengths)) > 1:
        raise FeaturesInvalid(f"vectors of length {' and '.join(map(str, lengths))} can't be compared: they come from different models.")


def indices(labels: ArrayLike, count: int, rows: int, what: str = "the labels") -> Integers:
    """Class indices, checked.

    Args:
        labels: (N,) whole numbers from 0 to ``count`` − 1.
        count: How many classes there are.
        rows: N.
        what: How to call them in messages.

    Raises:
        FeaturesInvalid: If there are too few or too many, or one is no class.
    """
    array: NDArray[Any] = np.asarray(labels)
    if array.shape != (rows,) or array.dtype.kind not in "iu":
        raise FeaturesInvalid(f"{what} should be {rows} whole numbers; they are {array.dtype} {array.shape}.")
    if rows and (int(array.min()) < 0 or int(array.max()) >= count):
        raise FeaturesInvalid(f"{what} run from {array.min()} to {array.max()}, but there are {count} classes, counted from 0.")
    return array.astype(np.int64)
