"""Box-to-caption: what the boxes of a picture say about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from random import Random
from typing import Final

from engine.learning.captions.boxes import Box, Frame
from engine.learning.captions.english import COUNTED, Noun, listed, sentence

CENTRAL: Final = 0.5
"""Part of each side that is the middle of a picture; RemoteCLIP does not say how large it took it."""

NAMED: Final = 4
"""Classes that one sentence names at most, so that a text tower reads it to its end."""

Tally = list[tuple[Noun, int]]


def captions(boxes: Sequence[Box], frame: Frame, random: Random, central: float = CENTRAL) -> tuple[str, ...]:
    """Up to five different sentences about a picture.

    1. what is in the middle, 2. what is at the edge, both by class; 3.–5. how many there are of some classes, in three
    wordings. A sentence that would name nothing is left out. For the last three, some of the boxes are drawn at random
    as RemoteCLIP does; but each class that was drawn is then told with its number in the whole picture, for a number of
    drawn boxes would contradict what the picture shows.

    Args:
        boxes: At least one, within the frame.
        frame: What they are measured in.
        random: Decides which boxes are drawn and which word stands for more than ten.
        central: Part of each side that is the middle, 0–1.

    Source: Liu et al. 2024, "RemoteCLIP", section III-B.
    """
    middle = [box for box in boxes if box.is_central(frame, central)]
    edge = [box for box in boxes if not box.is_central(frame, central)]
    told = [
        _place(tally(middle), "in the middle of the picture"),
        _place(tally(edge), "at the edge of the picture"),
        _existence(_drawn(boxes, random), random),
        _location(_drawn(boxes, random), random),
        _show(_drawn(boxes, random), random),
    ]
    return tuple(dict.fromkeys(sentence(text) for text in told if text))


def tally(boxes: Sequence[Box]) -> Tally:
    """How many there are of each class, the most numerous first; a crowd counts as more than ten."""
    counts: Counter[Noun] = Counter()
    for box in boxes:
        counts[box.noun] += len(COUNTED) + 1 if box.crowd else 1
    return sorted(counts.items(), key=lambda entry: (-entry[1], entry[0].one))


def _drawn(boxes: Sequence[Box], random: Random) -> Tally:
    """The whole numbers of a random choice of classes: those of a random number of random boxes."""
    nouns = list(dict.fromkeys(box.noun for box in random.sample(boxes, random.randint(1, len(boxes)))))[:NAMED]
    return [entry for entry in tally(boxes) if entry[0] in nouns]


def _place(found: Tally, where: str) -> str:
    items = [noun.mentioned(count) for noun, count in found[:NAMED]]
    return f"there {_verb(found)} {_both(items)} {where}" if items else ""


def _existence(found: Tally, random: Random) -> str:
    return f"there {_verb(found)} {listed(_numbers(found, random))} in this remote sensing picture"


def _location(found: Tally, random: Random) -> str:
    verb = "is" if len(found) == 1 and found[0][1] == 1 else "are"
    return f"{listed(_numbers(found, random))} {verb} located in this remote sensing picture"


def _show(found: Tally, random: Random) -> str:
    return f"this remote sensing picture shows {_both(_numbers(found, random))}"


def _numbers(found: Tally, random: Random) -> list[str]:
    return [noun.counted(count, random) for noun, count in found]


def _both(items: Sequence[str]) -> str:
    return f"both {listed(items)}" if len(items) == 2 else listed(items)


def _verb(found: Tally) -> str:
    """After “there” the verb agrees with what comes next."""
    return "is" if found and found[0][1] == 1 else "are"
