from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EvaluationInvalid
from engine.evaluation.word_order import shuffled, swapped, word_order


@pytest.mark.parametrize(
    ("caption", "other"),
    [
        ("a bridge over a river .", "a river over a bridge ."),
        ("many planes are parked on the apron .", "many apron are parked on the planes ."),
        ("a white ship to the left of the pier", "a pier to the left of the white ship"),
        ("A baseball field is surrounded by green trees.", "A green trees is surrounded by baseball field."),
        ("some buildings are near a river with a bridge over it .", "some buildings are near a bridge with a river over it ."),
    ],
)
def test_sides_of_a_relation_change_places(caption: str, other: str) -> None:
    assert swapped(caption) == other


@pytest.mark.parametrize("caption", ["a lake", "", "trees next to a road", "over the river", "it is a piece of green meadow ."])
def test_captions_without_two_sides_have_none(caption: str) -> None:
    assert swapped(caption) is None


@given(st.lists(st.sampled_from(["red", "roof", "by", "a", "lake", "two"]), min_size=0, max_size=9), st.integers(0, 99))
def test_shuffle_keeps_the_words_and_changes_the_order(words: list[str], seed: int) -> None:
    caption = " ".join(words) + " ."
    other = shuffled(caption, seed)
    if len(set(words)) < 2:
        assert other is None
    else:
        assert other is not None
        assert sorted(other.split()) == sorted(caption.split())
        assert other != caption
        assert other.endswith(" .")
        assert other == shuffled(caption, seed)


def test_accuracy_counts_a_tie_as_half() -> None:
    images = np.eye(2)[[0, 0, 0, 0]]
    true, other = np.eye(2)[[0, 0, 1, 1]], np.eye(2)[[1, 0, 1, 0]]
    found = word_order(images, true, other)
    assert found.credits.tolist() == [1, 0.5, 0.5, 0]
    assert found.accuracy == 0.5
    assert found.record()["ties"] == 2


def test_a_bag_of_words_earns_chance() -> None:
    """The mean of word vectors does not know their order."""
    random = np.random.default_rng(0)
    vocabulary: dict[str, np.ndarray] = {}
    captions = ["a bridge over a river", "a ship in a harbor", "two cars on the road"]

    def bag(text: str) -> np.ndarray:
        return np.sum([vocabulary.setdefault(word, random.normal(size=6)) for word in sorted(text.split())], axis=0)

    true = np.array([bag(text) for text in captions])
    other = np.array([bag(str(swapped(text))) for text in captions])
    assert word_order(random.normal(size=(3, 6)), true, other).accuracy == 0.5


def test_nothing_to_compare_is_refused() -> None:
    with pytest.raises(EvaluationInvalid):
        word_order(np.empty((0, 2)), np.empty((0, 2)), np.empty((0, 2)))
