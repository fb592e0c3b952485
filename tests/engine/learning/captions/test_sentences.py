"""Box-to-caption: every sentence is parsed back and compared with counts made here."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.learning.captions.boxes import Box, Frame
from engine.learning.captions.english import Noun
from engine.learning.captions.sentences import captions

FRAME = Frame(100, 80)
NOUNS = [Noun.of(name) for name in ("plane", "storage tank", "bus", "water", "aircraft", "harbour")]
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8, "nine": 9, "ten": 10}
VAGUE = ("many", "a lot of", "numerous", "a large number of")
COUNTED = re.compile(
    r"^There (?P<there>is|are) (?P<a>.+) in this remote sensing picture\.$"
    r"|^(?P<b>.+) (?P<located>is|are) located in this remote sensing picture\.$"
    r"|^This remote sensing picture shows (?:both )?(?P<c>.+)\.$"
)


def at(noun: Noun, x: float, y: float, crowd: bool = False) -> Box:
    return Box(noun, x - 1, y - 1, x + 1, y + 1, crowd)


def parts(text: str) -> list[str]:
    return re.split(r", | and ", text)


def counts(text: str) -> dict[str, int]:
    """What a sentence with numbers says; 11 stands for more than ten."""
    told = {}
    for part in parts(text.lower()):
        vague = next((word for word in VAGUE if part.startswith(f"{word} ")), None)
        number, name = (11, part.removeprefix(f"{vague} ")) if vague else (NUMBERS[part.split(" ")[0]], part.split(" ", 1)[1])
        noun = next(noun for noun in NOUNS if name == (noun.one if number == 1 else noun.many))
        told[noun.one] = number
    return told


spots = st.tuples(st.sampled_from(NOUNS), st.integers(1, 99), st.integers(1, 79))


@given(st.lists(spots, min_size=1, max_size=40), st.integers(0, 3))
def test_every_sentence_is_true(drawn: list[tuple[Noun, int, int]], seed: int) -> None:
    truth = Counter(noun.one for noun, _, _ in drawn)
    regions: dict[str, Counter[str]] = {"in the middle": Counter(), "at the edge": Counter()}
    for noun, x, y in drawn:
        regions["in the middle" if 25 <= x <= 75 and 20 <= y <= 60 else "at the edge"][noun.one] += 1
    told = captions([at(*spot) for spot in drawn], FRAME, Random(seed))
    assert len(told) == len(set(told)) == 3 + sum(map(bool, regions.values()))
    for region, there in regions.items():
        sentences = [text for text in told if f"{region} of the picture" in text]
        assert len(sentences) == bool(there)
        for text in sentences:
            found = re.fullmatch(rf"There (is|are) (both )?(.+) {region} of the picture\.", text)
            assert found is not None
            names = parts(found[3])
            most = sorted(there.items(), key=lambda entry: (-entry[1], entry[0]))[:4]
            expected = [next(noun for noun in NOUNS if noun.one == one).mentioned(count) for one, count in most]
            assert names == expected
            assert (found[1] == "is") == (most[0][1] == 1)
            assert (found[2] is not None) == (len(names) == 2)
    for text in told[-3:]:
        found = COUNTED.match(text)
        assert found is not None, text
        said = counts(found["a"] or found["b"] or found["c"])
        assert 1 <= len(said) <= 4
        assert said == {one: min(truth[one], 11) for one in said}
        if found["located"]:
            assert (found["located"] == "is") == (list(said.values()) == [1])
        if found["there"]:
            assert (found["there"] == "is") == (max(said.values()) == 1)


def test_the_five_kinds_of_sentence() -> None:
    plane, tank = NOUNS[0], NOUNS[1]
    told = captions([at(plane, 50, 40), at(tank, 2, 2), at(tank, 98, 2)], FRAME, Random(0))
    assert told[:2] == ("There is a plane in the middle of the picture.", "There are storage tanks at the edge of the picture.")
    wordings = ("There are", " located in this remote sensing picture.", "This remote sensing picture shows ")
    assert [wording in text for wording, text in zip(wordings, told[2:], strict=True)] == [True] * 3


def test_a_crowd_is_more_than_ten() -> None:
    told = captions([at(NOUNS[0], 50, 40, crowd=True)], FRAME, Random(0))
    assert told[0] == "There are planes in the middle of the picture."
    assert all(counts(found["a"] or found["b"] or found["c"]) == {"plane": 11} for text in told[1:] if (found := COUNTED.match(text)))


def test_the_same_seed_says_the_same_and_another_something_else() -> None:
    boxes = [at(noun, 10 * place + 5, 40) for place in range(9) for noun in NOUNS for _ in range(3)]
    assert captions(boxes, FRAME, Random(1)) == captions(boxes, FRAME, Random(1))
    assert len({captions(boxes, FRAME, Random(seed)) for seed in range(8)}) > 4


@pytest.mark.parametrize(("central", "words"), [(0.0, "at the edge"), (1.0, "in the middle")])
def test_the_middle_can_be_nothing_or_all(central: float, words: str) -> None:
    told = captions([at(NOUNS[0], 50.5, 40), at(NOUNS[0], 1, 1)], FRAME, Random(0), central)
    assert told[0] == f"There are planes {words} of the picture."
    assert len(told) == 4
