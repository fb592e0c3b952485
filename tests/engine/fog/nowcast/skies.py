"""SYNTHETIC cloud fields that drift by a known number of cells."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
from scipy.ndimage import gaussian_filter, shift

from engine.fog.nowcast import History, Quantity
from engine.fog.scores import Event

START = datetime(2021, 3, 20, 6, tzinfo=UTC)
PERCENT = Quantity("R0064", "%", 100.0, Event(50.0), (0.0, 200.0))


def clouds(shape: tuple[int, int] = (72, 88), seed: int = 0) -> np.ndarray:
    """Blobs of some ten cells on 0–100."""
    field = gaussian_filter(np.random.default_rng(seed).normal(size=shape), 3.5, mode="wrap")
    return np.asarray(np.clip(50 + 30 * field / field.std(), 0, 100), dtype=np.float32)


def drifting(count: int, cells: tuple[float, float], *, seed: int = 0, shape: tuple[int, int] = (72, 88)) -> np.ndarray:
    """(T, n, m) frames that move down and right by so many cells each, over the edges and round."""
    first = clouds(shape, seed)
    return np.stack([shift(first, (step * cells[0], step * cells[1]), order=1, mode="grid-wrap") for step in range(count)])


def times(count: int, minutes: int = 30) -> list[datetime]:
    return [START + timedelta(minutes=minutes * step) for step in range(count)]


def history(values: np.ndarray, when: Sequence[datetime] | None = None) -> History:
    return History.of_frames(PERCENT, when or times(len(values)), values)
