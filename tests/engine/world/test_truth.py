from __future__ import annotations

import numpy as np
import pytest

from engine.geometry import Window
from engine.world import LandCover, tile_shares


def test_shares_are_counted_in_the_window() -> None:
    truth = np.full((8, 12), LandCover.SEA, dtype=np.uint8)
    truth[:, 6:] = LandCover.FOREST
    truth[0, 0] = LandCover.HARBOUR
    shares = tile_shares(truth, [Window(0, 0, 4, 4), Window(4, 0, 4, 8), Window(8, 4, 4, 4)])
    assert shares.shape == (3, len(LandCover))
    assert shares[0, LandCover.SEA] == pytest.approx(15 / 16)
    assert shares[0, LandCover.HARBOUR] == pytest.approx(1 / 16)
    assert shares[1, LandCover.FOREST] == pytest.approx(0.5)
    assert shares[2, LandCover.FOREST] == 1
    assert np.allclose(shares.sum(1), 1)


def test_class_numbers_have_no_gap_and_every_class_has_words() -> None:
    assert [int(kind) for kind in LandCover] == list(range(len(LandCover)))
    assert len({kind.words for kind in LandCover}) == len(LandCover)
