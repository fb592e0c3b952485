from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.counting import CountCaption, count_objects


@pytest.mark.parametrize(
    ("caption", "count", "template", "right"),
    [
        ("there are three planes", None, "there are {} planes", 3),
        ("Ten ships and two cranes", 2, "Ten ships and {} cranes", 2),
        ("10 boats", None, "{} boats", 10),
        ("there are {} planes", 7, "there are {} planes", 7),
        ("someone left one car", None, "someone left {} car", 1),
    ],
)
def test_number_is_found(caption: str, count: int | None, template: str, right: int) -> None:
    assert CountCaption.of(caption, count) == CountCaption(template, right)


@pytest.mark.parametrize(
    ("caption", "count"), [("many planes", None), ("11 planes", None), ("{} planes", None), ("{} planes", 11), ("two planes", 3)]
)
def test_what_has_no_number_to_ask_for_is_refused(caption: str, count: int | None) -> None:
    with pytest.raises(EvaluationInvalid):
        CountCaption.of(caption, count)


def test_variants_differ_in_the_number_alone() -> None:
    words = CountCaption("there are {} planes", 3).variants()
    assert words[:3] == ("there are one planes", "there are two planes", "there are three planes")
    assert len(words) == 10
    assert CountCaption("{} boats", 1).variants("digits")[9] == "10 boats"
    assert CountCaption("{} boats", 1).variants()[1] == "Two boats"


@given(st.integers(0, 2**32 - 1), st.integers(1, 12))
def test_counts_agree_with_loops(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    images, captions, truth = random.normal(size=(n, 4)), random.normal(size=(n, 10, 4)), random.integers(1, 11, n)
    found = count_objects(images, captions, truth.tolist())
    matrix, places = np.zeros((10, 10)), []
    for image, ten, right in zip(images, captions, truth, strict=True):
        cosines = [float(image @ each) / np.linalg.norm(each) for each in ten]
        order = sorted(range(10), key=lambda i: -cosines[i])
        matrix[right - 1, order[0]] += 1
        places.append(order.index(right - 1))
    assert (found.confusion == matrix).all()
    assert found.top == pytest.approx([np.mean([place < k for place in places]) for k in range(1, 11)])
    assert found.accuracy == pytest.approx(np.trace(matrix) / n)
    assert found.top[9] == 1.0


def test_a_model_that_can_not_count_says_the_smallest() -> None:
    found = count_objects(np.ones((2, 3)), np.ones((2, 10, 3)), [1, 4])
    assert found.order[:, 0].tolist() == [1, 1]
    assert found.mean_error == 1.5


def test_shapes_are_checked() -> None:
    with pytest.raises(FeaturesInvalid, match="caption vectors"):
        count_objects(np.ones((2, 3)), np.ones((2, 9, 3)), [1, 2])
    with pytest.raises(EvaluationInvalid, match="12"):
        count_objects(np.ones((1, 3)), np.ones((1, 10, 3)), [12])
