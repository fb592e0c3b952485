"""Word order: whether a model reads a caption as a sentence or as a bag of words."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import ArrayLike, NDArray

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.spread import Interval, bootstrap
from engine.evaluation.vectors import alike, unit
from engine.settings import ASSETS

WORDS: Final = ASSETS / "evaluation" / "word_order.yaml"
_WORD = re.compile(r"[A-Za-z][A-Za-z'-]*")


@lru_cache(maxsize=1)
def _listed() -> dict[str, Any]:
    """The lists of ``assets/evaluation/word_order.yaml``."""
    lists: dict[str, Any] = yaml.safe_load(WORDS.read_text(encoding="utf-8"))
    return lists


@lru_cache(maxsize=2)
def _words(kind: str) -> frozenset[str]:
    return frozenset(_listed()[kind].split())


def swapped(caption: str) -> str | None:
    """The caption with the two sides of its first relation exchanged, or ``None`` if it has none.

    “a bridge over a river .” becomes “a river over a bridge .”: the same words in another order, another meaning.

    Source: the relation swaps of ARO (Yuksekgonul et al. 2023, "When and why vision-language models behave like
    bags-of-words"), with a list of relations in place of a parser.
    """
    found = [match for each in _listed()["relations"] if (match := re.search(rf"\b{each}\b", caption, re.IGNORECASE))]
    for match in sorted(found, key=lambda match: (match.start(), -match.end())):
        left, right = _phrase_before(caption, match.start()), _phrase_after(caption, match.end())
        if left is None or right is None:
            continue
        one, other = caption[slice(*left)], caption[slice(*right)]
        if one.lower() != other.lower():
            return caption[: left[0]] + other + caption[left[1] : right[0]] + one + caption[right[1] :]
    return None


def _phrase_before(caption: str, end: int) -> tuple[int, int] | None:
    """Start and end of the noun phrase that stands last before a place."""
    stops, articles = _words("stops"), _words("counts_and_articles")
    words = list(_WORD.finditer(caption, 0, end))
    while words and words[-1].group().lower() in stops:
        words.pop()
    if not words:
        return None
    first = len(words) - 1
    while first > 0 and words[first - 1].group().lower() not in stops | articles and _touch(caption, words[first - 1], words[first]):
        first -= 1
    return None if words[-1].group().lower() in articles else (words[first].start(), words[-1].end())


def _phrase_after(caption: str, start: int) -> tuple[int, int] | None:
    """Start and end of the noun phrase that comes first after a place."""
    stops, articles = _words("stops"), _words("counts_and_articles")
    words = list(_WORD.finditer(caption, start))
    while words and words[0].group().lower() in articles:
        words.pop(0)
    if not words or words[0].group().lower() in stops:
        return None
    last = 0
    while (
        last + 1 < len(words) and words[last + 1].group().lower() not in stops | articles and _touch(caption, words[last], words[last + 1])
    ):
        last += 1
    return words[0].start(), words[last].end()


def _touch(caption: str, one: re.Match[str], other: re.Match[str]) -> bool:
    """Whether nothing but blanks stands between two words."""
    return not caption[one.end() : other.start()].strip()


def shuffled(caption: str, seed: int = 0) -> str | None:
    """The caption with its words in a random order that is not its own, or ``None`` if there is no other.

    The full stop stays at the end. The same caption and seed give the same order.
    """
    body = caption.rstrip(" .")
    words = body.split()
    if len({word.lower() for word in words}) < 2:
        return None
    random = np.random.default_rng([seed, *caption.encode()])
    order = words
    while order == words:
        order = [words[place] for place in random.permutation(len(words))]
    return " ".join(order) + caption[len(body) :]


@dataclass(frozen=True, slots=True, eq=False)
class WordOrder:
    """Whether each picture fits its true sentence better than the disordered one.

    Attributes:
        margins: (N,) float64: cosine with the true sentence minus cosine with the other.
    """

    margins: NDArray[np.float64]

    @property
    def n(self) -> int:
        """How many pairs of sentences."""
        return len(self.margins)

    @property
    def credits(self) -> NDArray[np.float64]:
        """(N,) 1 if the true sentence fits better, 0 if the other does, one half for a tie: a bag of words earns chance."""
        return np.asarray((self.margins > 0) + (self.margins == 0) / 2, dtype=np.float64)

    @property
    def accuracy(self) -> float:
        """Mean credit; chance is one half."""
        return float(self.credits.mean())

    @property
    def interval(self) -> Interval:
        """Bootstrap interval of the accuracy."""
        return bootstrap(self.credits)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "accuracy": round(self.accuracy, 6),
            "interval": self.interval.record(),
            "chance": 0.5,
            "ties": int((self.margins == 0).sum()),
            "mean_margin": round(float(self.margins.mean()), 6),
            "n": self.n,
        }


def word_order(images: ArrayLike, true: ArrayLike, other: ArrayLike) -> WordOrder:
    """Compare true sentences with disordered ones.

    Args:
        images: (N, D) numbers, the picture of each pair.
        true: (N, D) numbers, its true sentence.
        other: (N, D) numbers, the same words in another order.

    Raises:
        EvaluationInvalid: If there is no pair.
        FeaturesInvalid: If the vectors are unusable.
    """
    pictures, right, wrong = unit(images, "the pictures' vectors"), unit(true, "the sentences' vectors"), unit(other, "the others' vectors")
    alike(pictures, right, wrong)
    if not len(pictures) == len(right) == len(wrong):
        raise FeaturesInvalid(f"there are {len(pictures)} pictures, {len(right)} true and {len(wrong)} other sentences.")
    if not len(pictures):
        raise EvaluationInvalid("no caption can be put in another order.")
    x = pictures.astype(np.float64)
    # Each sum on its own: equal sentences then tie exactly, whatever the digits.
    return WordOrder((x * right).sum(axis=1) - (x * wrong).sum(axis=1))
