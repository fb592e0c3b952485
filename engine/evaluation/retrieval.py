"""Image–text retrieval: recall at k in both directions, under two protocols that must not be mixed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import ArrayLike

from engine.errors import EvaluationInvalid, FeaturesInvalid
from engine.evaluation.vectors import Floats, Integers, alike, unit

Protocol = Literal["P1", "P2"]
PROTOCOLS: Final[tuple[Protocol, ...]] = ("P1", "P2")
KS: Final = (1, 5, 10)
PREFIX: Final = "a satellite image. "
"""Before every caption under P2."""
NONE: Final = -1
AT_ONCE: Final = 256


def protocol_named(name: str) -> Protocol:
    """A protocol by its name, in either case.

    Raises:
        EvaluationInvalid: If there is no such protocol.
    """
    for known in PROTOCOLS:
        if name.strip().upper() == known:
            return known
    raise EvaluationInvalid(f"there is no protocol “{name[:40]}”. Known: {', '.join(PROTOCOLS)}.")


@dataclass(frozen=True, slots=True)
class Matching:
    """Which captions are asked for, and which pictures they belong to.

    Attributes:
        protocol: ``P1`` or ``P2``.
        texts: T captions, as they are embedded.
        owners: For each text the indices of its pictures, ascending.
        pictures: How many pictures there are.
    """

    protocol: Protocol
    texts: tuple[str, ...]
    owners: tuple[tuple[int, ...], ...]
    pictures: int

    @classmethod
    def of(cls, captions: Sequence[Sequence[str]], protocol: Protocol = "P1") -> Matching:
        """Prepare the captions of some pictures.

        P1: each caption asks by itself, also when it is a duplicate, and one picture is right; first letter upper case, the
        rest lower case. P2: ``a satellite image. `` goes before each caption, identical captions are merged, and every
        picture that has the caption is right.

        Args:
            captions: For each picture, in the order of the sorted file names, its sentences; may be empty.
            protocol: ``P1`` or ``P2``.

        Raises:
            EvaluationInvalid: If there is no such protocol, or no caption.

        Source: P1: the evaluation script of RemoteCLIP (Liu et al. 2024), table II. P2: SkyScript (Wang et al. 2024),
        table 3.
        """
        protocol = protocol_named(protocol)
        pairs = [(" ".join(text.split()), picture) for picture, sentences in enumerate(captions) for text in sentences if text.strip()]
        if not pairs:
            raise EvaluationInvalid("there is no caption to ask with.")
        if protocol == "P1":
            return cls("P1", tuple(text.capitalize() for text, _ in pairs), tuple((picture,) for _, picture in pairs), len(captions))
        shared: dict[str, set[int]] = defaultdict(set)
        for text, picture in pairs:
            shared[PREFIX + text].add(picture)
        return cls("P2", tuple(shared), tuple(tuple(sorted(pictures)) for pictures in shared.values()), len(captions))

    @property
    def texts_of(self) -> tuple[tuple[int, ...], ...]:
        """For each picture the indices of its texts, ascending."""
        found: list[list[int]] = [[] for _ in range(self.pictures)]
        for text, pictures in enumerate(self.owners):
            for picture in pictures:
                found[picture].append(text)
        return tuple(tuple(each) for each in found)


@dataclass(frozen=True, slots=True, eq=False)
class Recall:
    """One direction.

    Attributes:
        ranks: (Q,) int64: how many stand before the best right answer; −1 for a query that has none.
    """

    ranks: Integers

    @property
    def asked(self) -> int:
        """Queries that have a right answer; the others are skipped, not scored 0."""
        return int((self.ranks != NONE).sum())

    def at(self, k: int) -> float:
        """Share of the queries with a right answer among the best k, 0–1."""
        ranks = self.ranks[self.ranks != NONE]
        return float((ranks < k).mean()) if len(ranks) else 0.0

    @property
    def mean(self) -> float:
        """Mean of R@1, R@5 and R@10."""
        return float(np.mean([self.at(k) for k in KS]))

    @property
    def median_rank(self) -> float:
        """Median place of the best right answer, counted from 1."""
        ranks = self.ranks[self.ranks != NONE]
        return float(np.median(ranks) + 1) if len(ranks) else 0.0

    def record(self) -> dict[str, float]:
        """As JSON: ``r1, r5, r10`` and more."""
        return {
            **{f"r{k}": round(self.at(k), 6) for k in KS},
            "mean": round(self.mean, 6),
            "median_rank": self.median_rank,
            "asked": self.asked,
        }


@dataclass(frozen=True, slots=True, eq=False)
class Retrieval:
    """Both directions.

    Attributes:
        protocol: ``P1`` or ``P2``.
        t2i: A text asks for pictures.
        i2t: A picture asks for texts.
    """

    protocol: Protocol
    t2i: Recall
    i2t: Recall

    @property
    def mean_recall(self) -> float:
        """Mean of the six recalls."""
        return (self.t2i.mean + self.i2t.mean) / 2

    def record(self) -> dict[str, Any]:
        """As JSON (design.md, command-line contract)."""
        return {
            "t2i": self.t2i.record(),
            "i2t": self.i2t.record(),
            "mean_recall": round(self.mean_recall, 6),
            "n_images": len(self.i2t.ranks),
            "n_captions": len(self.t2i.ranks),
            "protocol": self.protocol,
            "skipped_queries": int((self.t2i.ranks == NONE).sum() + (self.i2t.ranks == NONE).sum()),
        }


def first_ranks(queries: ArrayLike, gallery: ArrayLike, positives: Sequence[Sequence[int]]) -> Integers:
    """Place of the best right answer of each query.

    Answers with equal scores stand in the order of the gallery: a fixed order, neither kind nor unkind. Equal vectors are
    scored once, so that they are equal to the last digit.

    Args:
        queries: (Q, D) numbers.
        gallery: (N, D) numbers.
        positives: For each query the indices of its right answers; may be empty.

    Returns:
        (Q,) int64: answers before the best right one, 0 is best; −1 without a right answer.

    Raises:
        FeaturesInvalid: If the vectors are unusable or the counts differ.
    """
    asking, answers = unit(queries, "the queries' vectors"), unit(gallery, "the gallery's vectors")
    alike(asking, answers)
    if len(positives) != len(asking):
        raise FeaturesInvalid(f"there are {len(asking)} queries and right answers for {len(positives)}.")
    different, place = np.unique(answers, axis=0, return_inverse=True)
    place = place.reshape(-1)
    ranks = np.full(len(asking), NONE, dtype=np.int64)
    for start in range(0, len(asking), AT_ONCE):
        scores = (asking[start : start + AT_ONCE] @ different.T)[:, place]
        for row, line in enumerate(scores):
            right = np.asarray(positives[start + row], dtype=np.int64)
            if len(right):
                ranks[start + row] = _rank(line, right)
    return ranks


def _rank(line: Floats, right: Integers) -> int:
    best = line[right].max()
    first = right[line[right] == best].min()
    return int((line > best).sum() + (line[:first] == best).sum())


def retrieve(images: ArrayLike, texts: ArrayLike, matching: Matching) -> Retrieval:
    """Measure both directions.

    Args:
        images: (N, D) numbers, pictures in the order of the matching.
        texts: (T, D) numbers, one for each of ``matching.texts``.
        matching: Which belong together.

    Raises:
        FeaturesInvalid: If vectors are unusable or their numbers differ from the matching.
    """
    pictures, sentences = unit(images, "the pictures' vectors"), unit(texts, "the texts' vectors")
    if len(pictures) != matching.pictures or len(sentences) != len(matching.texts):
        raise FeaturesInvalid(
            f"there are {len(pictures)} pictures and {len(sentences)} texts, but {matching.pictures} and {len(matching.texts)} to match."
        )
    return Retrieval(
        matching.protocol,
        Recall(first_ranks(sentences, pictures, matching.owners)),
        Recall(first_ranks(pictures, sentences, matching.texts_of)),
    )
