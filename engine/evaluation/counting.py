"""Counting: which of ten captions that differ only in their number fits a picture best."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.spread import Interval, bootstrap
from engine.evaluation.vectors import Integers, unit

Numerals = Literal["words", "digits"]
WORDS: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
MOST: Final = len(WORDS)
_NUMBER = re.compile(rf"\b({'|'.join(WORDS)}|10|[1-9])\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CountCaption:
    """A caption that says how many.

    Attributes:
        template: The caption with ``{}`` where its number stood.
        count: 1 to 10.
    """

    template: str
    count: int

    @classmethod
    def of(cls, caption: str, count: int | None = None) -> CountCaption:
        """Find the number in a caption: ``{}`` if it has one, else the number that is ``count``, else the first.

        Args:
            caption: For instance “there are three planes” or “there are {} planes”.
            count: The true number, if it is known apart from the caption.

        Raises:
            EvaluationInvalid: If there is no number from 1 to 10 in it, or the true number is unknown or beyond.
        """
        if "{}" in caption:
            if count is None:
                raise EvaluationInvalid(f"“{caption[:80]}” does not come with its count.")
            return cls(caption, _within(count))
        found = [(match, _value(match.group())) for match in _NUMBER.finditer(caption)]
        fitting = [match for match, value in found if count is None or value == count]
        if not fitting:
            wanted = "from one to ten" if count is None else str(count)
            raise EvaluationInvalid(f"there is no number {wanted} in “{caption[:80]}”.")
        match = fitting[0]
        return cls(f"{caption[: match.start()]}{{}}{caption[match.end() :]}", _value(match.group()))

    def variants(self, numerals: Numerals = "words") -> tuple[str, ...]:
        """Ten captions, identical but for the number, from one to ten; grammar is left as it is, as in RemoteCount."""
        names = WORDS if numerals == "words" else tuple(str(number) for number in range(1, MOST + 1))
        made = (self.template.replace("{}", name, 1) for name in names)
        return tuple(text[:1].upper() + text[1:] if self.template.startswith("{}") else text for text in made)


def _value(text: str) -> int:
    return int(text) if text.isdigit() else WORDS.index(text.lower()) + 1


def _within(count: int) -> int:
    if not 1 <= count <= MOST:
        raise EvaluationInvalid(f"a count of {count} can't be asked for; captions go from one to ten.")
    return count


@dataclass(frozen=True, slots=True, eq=False)
class Counting:
    """Counts that were said and counts that are right.

    Attributes:
        truth: (N,) int64, 1 to 10.
        order: (N, 10) int64: the counts 1 to 10 of each picture, best first.
    """

    truth: Integers
    order: Integers

    @property
    def n(self) -> int:
        """How many pictures."""
        return len(self.truth)

    @property
    def confusion(self) -> Integers:
        """(10, 10) int64: rows are the right count from 1, columns the count that was said."""
        matrix = np.zeros((MOST, MOST), dtype=np.int64)
        np.add.at(matrix, (self.truth - 1, self.order[:, 0] - 1), 1)
        return matrix

    @property
    def top(self) -> NDArray[np.float64]:
        """(10,) share of the pictures whose count is among the best k, k from 1 to 10; chance is k / 10."""
        place = (self.order == self.truth[:, None]).argmax(axis=1)
        return np.array([(place < k).mean() for k in range(1, MOST + 1)])

    @property
    def accuracy(self) -> float:
        """Share of the pictures whose count was said first."""
        return float(self.top[0])

    @property
    def mean_error(self) -> float:
        """Mean distance between the count that was said and the right one."""
        return float(np.abs(self.order[:, 0] - self.truth).mean())

    @property
    def interval(self) -> Interval:
        """Bootstrap interval of the accuracy."""
        return bootstrap(self.order[:, 0] == self.truth)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "accuracy": round(self.accuracy, 6),
            "interval": self.interval.record(),
            "top_k": [round(float(share), 6) for share in self.top],
            "mean_error": round(self.mean_error, 6),
            "confusion": self.confusion.tolist(),
            "n": self.n,
        }


def count_objects(images: ArrayLike, captions: ArrayLike, truth: Sequence[int]) -> Counting:
    r"""Say the count of the caption that fits best: :math:`\arg\max_k z^\top t_k`; of equal ones the smaller.

    Args:
        images: (N, D) numbers.
        captions: (N, 10, D) numbers: for each picture its ten captions from one to ten.
        truth: N counts from 1 to 10.

    Raises:
        EvaluationInvalid: If there is no picture or a count is beyond 1 to 10.
        FeaturesInvalid: If the vectors are unusable.

    Source: RemoteCount, RemoteCLIP (Liu et al. 2024), §IV-D. The paper gives the curve over k only as a figure.
    """
    pictures = unit(images, "the pictures' vectors")
    array: NDArray[Any] = np.asarray(captions)
    if array.shape != (len(pictures), MOST, pictures.shape[1]):
        raise FeaturesInvalid(f"caption vectors should be {(len(pictures), MOST, pictures.shape[1])}; they are {array.shape}.")
    if not len(pictures):
        raise EvaluationInvalid("there is no picture.")
    counts = np.array([_within(int(count)) for count in truth], dtype=np.int64)
    sentences = unit(array.reshape(-1, array.shape[-1]), "the captions' vectors").reshape(array.shape)
    scores = np.einsum("nd,nkd->nk", pictures, sentences)
    return Counting(counts, np.argsort(-scores, axis=1, kind="stable") + 1)
