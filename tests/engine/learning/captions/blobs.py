"""Pictures of coloured blobs: each seed another, none a near copy. SYNTHETIC."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy.ndimage import gaussian_filter


def blobs(seed: int, width: int, height: int) -> NDArray[np.uint8]:
    """(height, width, 3) uint8."""
    smooth = gaussian_filter(np.random.default_rng(seed).normal(size=(height, width, 3)), (4, 4, 0))
    return np.asarray(np.clip(smooth / smooth.std() * 40 + 128, 0, 255), dtype=np.uint8)


def write_blobs(path: Path, seed: int, width: int = 60, height: int = 40) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(blobs(seed, width, height)).save(path)
    return path
