"""Synthetic pairs: what is said of a window is true by the island's own truth."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from engine.learning import islands
from engine.learning.islands import IslandSource, _spots
from engine.learning.recipe import Islands
from engine.settings import ASSETS
from engine.world.classes import LandCover

PHRASES = ASSETS / "recipes" / "island-phrases.yaml"


@pytest.fixture
def shares(monkeypatch: pytest.MonkeyPatch) -> np.ndarray:
    """Four windows: forest, a lake in a forest, a trace of a lake in a forest, nothing that has a name."""
    made = np.zeros((4, 256), dtype=np.float32)
    made[:3, LandCover.FOREST] = 1.0, 0.6, 0.9
    made[1:3, LandCover.LAKE] = 0.4, 0.1
    made[3, LandCover.NO_DATA] = 1.0
    pictures = np.full((4, 3, 16, 16), 100, dtype=np.uint8)
    monkeypatch.setattr(islands, "_cut", lambda recipe, seed, progress: (pictures, made))
    return made


def test_words_are_true_of_their_windows(shares: np.ndarray, tmp_path: Path) -> None:
    source = IslandSource.read(Islands(kind="island", seeds=(100,), phrases=PHRASES), 1, tmp_path)
    assert len(source) == 3  # nothing can be said of the last
    lake, forest = source.phrases.classes.index("lake"), source.phrases.classes.index("forest")
    assert source.present[:, lake].tolist() == [False, True, False]
    assert source.traces[:, lake].tolist() == [False, False, True]
    assert source.present[:, forest].all()
    random = np.random.default_rng(0)
    for _ in range(50):
        draw = source.draw(np.array([0, 1, 2]), random)
        assert draw.pictures.shape == (3, 3, 16, 16)
        for place, text in enumerate(draw.texts):
            assert (text.holds & source.present[place]).any()


def test_windows_are_cut_once(shares: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recipe = Islands(kind="island", seeds=(100,), phrases=PHRASES)
    first = IslandSource.read(recipe, 1, tmp_path)
    assert "synthetic" in next(tmp_path.glob("*.npz")).name
    monkeypatch.setattr(islands, "_cut", None)
    assert np.array_equal(IslandSource.read(recipe, 1, tmp_path).present, first.present)


def test_rare_classes_are_found_as_often_as_common_ones() -> None:
    truth = np.full((200, 200), LandCover.SEA, dtype=np.uint8)
    truth[100:106, 50:56] = LandCover.HARBOUR
    spots = _spots(truth, 32, 200, np.random.default_rng(0))
    assert all(0 <= y <= 168 and 0 <= x <= 168 for y, x in spots)
    held = np.mean([(truth[y : y + 32, x : x + 32] == LandCover.HARBOUR).any() for y, x in spots])
    assert 0.45 < held < 0.65


def test_every_phrase_names_a_class_of_the_truth() -> None:
    from engine.learning.phrases import PhraseTable

    assert {name.upper() for name in PhraseTable.read(PHRASES).classes} <= {cover.name for cover in LandCover}
