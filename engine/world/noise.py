"""Random fields and random numbers that depend on nothing but a seed and a name."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

FloatImage = NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each purpose, so that a change in one part of the world leaves the others as they are."""
    return np.random.default_rng([seed, zlib.crc32(name.encode())])


def fractal(size: int, rng: np.random.Generator, *, beta: float, longest: float, shortest: float = 2.0) -> FloatImage:
    """Gaussian noise with a power-law spectrum, by filtering white noise in frequency space.

    Args:
        size: Side of the field, pixels.
        rng: Source of the white noise.
        beta: Slope of the power spectrum, f^−beta; 2 is rough, 4 is smooth.
        longest: Longest wave that is kept, pixels.
        shortest: Shortest wave, pixels; fields without short waves are made on a coarse grid.

    Returns:
        (size, size) float32, mean 0, standard deviation 1.
    """
    from scipy.fft import irfft2, next_fast_len, rfft2

    coarse = max(1, int(shortest // 4))
    inner = int(next_fast_len(max(16, -(-size // coarse)), real=True))
    spectrum = rfft2(rng.standard_normal((inner, inner), dtype=np.float32))
    fy = np.fft.fftfreq(inner).astype(np.float32)[:, None]
    fx = np.fft.rfftfreq(inner).astype(np.float32)[None, :]
    frequency = np.hypot(fx, fy)
    frequency[0, 0] = 1.0
    gain = frequency ** np.float32(-beta / 2)
    gain *= 1 / (1 + (coarse / longest / frequency) ** 6)
    gain[0, 0] = 0.0
    field = np.asarray(irfft2(spectrum * gain, s=(inner, inner)), dtype=np.float32)
    field /= max(float(field.std()), 1e-9)
    return field[:size, :size].copy() if coarse == 1 else enlarged(field, inner * coarse)[:size, :size].copy()


def ridged(field: FloatImage) -> FloatImage:
    """Sharp crests where a field crosses zero: values from about −1 to 1."""
    return np.asarray(1 - 2 * np.minimum(np.abs(field), 1), dtype=np.float32)


def enlarged(field: FloatImage, size: int) -> FloatImage:
    """A square field resampled to another side length by a cubic kernel."""
    picture = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BICUBIC), dtype=np.float32)


def shrunk(field: FloatImage, size: int) -> FloatImage:
    """A square field averaged down to another side length."""
    picture = Image.fromarray(np.ascontiguousarray(field, dtype=np.float32))
    return np.asarray(picture.resize((size, size), Image.Resampling.BOX), dtype=np.float32)


def ramp(values: NDArray[np.floating[Any]], low: float | FloatImage, high: float) -> FloatImage:
    """A smooth step from 0 below ``low`` to 1 above ``high`` (``low > high`` falls instead)."""
    t = np.clip((values - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t), dtype=np.float32)


def hashed(ids: NDArray[np.int64], salt: int) -> FloatImage:
    """A fixed random number for each whole number: int64 of any shape → float32 in [0, 1)."""
    mixed = ids.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(salt * 0x2545F491 + 0x632BE5AB)
    mixed ^= mixed >> np.uint64(29)
    mixed *= np.uint64(0xBF58476D1CE4E5B9)
    return np.asarray((mixed >> np.uint64(40)).astype(np.float32) / np.float32(1 << 24), dtype=np.float32)
