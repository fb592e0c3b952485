"""The perceptual hash against a transform written out here, and what it does and doesn't tell apart."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image

from engine.learning.captions.duplicates import DISTANCE, Seen, perceptual_hash
from tests.engine.learning.captions.blobs import blobs


def distance(one: NDArray[np.uint8], other: NDArray[np.uint8]) -> int:
    return (perceptual_hash(one) ^ perceptual_hash(other)).bit_count()


def test_the_bits_are_those_of_the_cosine_transform() -> None:
    pixels = blobs(1, 96, 96)
    grey = np.asarray(Image.fromarray(pixels).convert("L").resize((32, 32), Image.Resampling.LANCZOS), dtype=float)
    waves = np.array([[math.cos(math.pi * k * (2 * n + 1) / 64) for n in range(32)] for k in range(8)])
    low = (waves @ grey @ waves.T).ravel()
    middle = sorted(low)[31:33]
    truth = "".join("1" if value > sum(middle) / 2 else "0" for value in low)
    assert f"{perceptual_hash(pixels):064b}" == truth


def test_copies_are_near_and_others_far() -> None:
    pixels = blobs(2, 96, 96)
    compressed = io.BytesIO()
    Image.fromarray(pixels).save(compressed, "JPEG", quality=80)
    copies = [
        np.asarray(Image.fromarray(pixels).resize((64, 64), Image.Resampling.BICUBIC)),
        np.asarray(Image.open(compressed)),
        (pixels * 0.8 + 10).astype(np.uint8),
    ]
    assert max(distance(pixels, copy) for copy in copies) <= DISTANCE
    assert min(distance(blobs(a, 96, 96), blobs(b, 96, 96)) for a in range(8) for b in range(a)) > 10
    assert distance(pixels, np.ascontiguousarray(pixels[:, ::-1])) > 10


@pytest.mark.parametrize("seed", range(4))
def test_half_of_the_bits_are_set_so_distances_are_even(seed: int) -> None:
    assert perceptual_hash(blobs(seed, 50, 70)).bit_count() == 32


def test_flat_pictures_are_alike() -> None:
    flat = [np.full((40, 60, 3), grey, dtype=np.uint8) for grey in (1, 77, 255)]
    assert len({perceptual_hash(pixels) for pixels in flat}) == 1


codes = st.integers(0, 2**64 - 1)


@given(st.lists(codes, min_size=1, max_size=6), st.data(), st.integers(0, 9))
def test_what_is_near_is_found_as_comparing_everything_finds_it(held: list[int], data: st.DataObject, limit: int) -> None:
    """The asked code is one of the held with some bits flipped, so that both answers occur."""
    flips = data.draw(st.sets(st.integers(0, 63), max_size=limit + 2))
    code = data.draw(st.sampled_from(held)) ^ sum(1 << bit for bit in flips)
    seen = Seen(limit)
    for place, other in enumerate(held):
        seen.add(other, str(place))
    near = {str(place) for place, other in enumerate(held) if bin(code ^ other).count("1") <= limit}
    found = seen.near(code)
    assert found in near if near else found is None


@pytest.mark.parametrize(("limit", "found"), [(0, None), (1, None), (2, "a")])
def test_the_limit_counts(limit: int, found: str | None) -> None:
    seen = Seen(limit)
    seen.add(0, "a")
    assert seen.near(1 | 1 << 63) == found
