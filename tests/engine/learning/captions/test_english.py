"""Plurals, articles and numbers, against what a dictionary says."""

from __future__ import annotations

from random import Random

import pytest

from engine.learning.captions.english import COUNTED, VAGUE, Noun, listed, plural, sentence


@pytest.mark.parametrize(
    ("one", "many"),
    [
        ("plane", "planes"),
        ("storage tank", "storage tanks"),
        ("bus", "buses"),
        ("box", "boxes"),
        ("beach", "beaches"),
        ("marsh", "marshes"),
        ("overpass", "overpasses"),
        ("factory", "factories"),
        ("quay", "quays"),
        ("oasis", "oases"),
        ("roof", "roofs"),
        ("wharf", "wharves"),
        ("aircraft", "aircraft"),
        ("fisherman", "fishermen"),
        ("human", "humans"),
        ("person", "people"),
        ("volcano", "volcanoes"),
        ("silo", "silos"),
        ("body of water", "bodies of water"),
        ("tree with leaves", "trees with leaves"),
        ("a220", "a220s"),
    ],
)
def test_plurals(one: str, many: str) -> None:
    assert plural(one) == many


@pytest.mark.parametrize(
    ("name", "alone", "several"),
    [
        ("large-vehicle", "a large vehicle", "large vehicles"),
        ("Large_Vehicle", "a large vehicle", "large vehicles"),
        ("LargeVehicle", "a large vehicle", "large vehicles"),
        ("  Large   Vehicle ", "a large vehicle", "large vehicles"),
        ("Fixed-wing Aircraft", "one fixed-wing aircraft", "fixed-wing aircraft"),
        ("Airport", "an airport", "airports"),
        ("the harbour", "a harbour", "harbours"),
        ("people", "a person", "people"),
        ("water", "an area of water", "areas of water"),
        ("trees", "an area of trees", "areas of trees"),
        ("Snow and Ice", "an area of snow and ice", "areas of snow and ice"),
        ("Shrub and Scrub", "an area of shrub and scrub", "areas of shrub and scrub"),
    ],
)
def test_class_names_become_nouns(name: str, alone: str, several: str) -> None:
    noun = Noun.of(name)
    assert noun.mentioned(1) == alone
    assert noun.mentioned(2) == several


def test_numbers_are_words_up_to_ten_and_vague_beyond() -> None:
    ship = Noun.of("ship")
    random = Random(1)
    assert ship.counted(1, random) == "one ship"
    assert [ship.counted(count, random).split()[0] for count in range(2, 11)] == list(COUNTED[1:])
    assert ship.counted(10, random) == "ten ships"
    vague = {ship.counted(count, random) for count in (11, 12, 500) for _ in range(40)}
    assert vague == {f"{word} ships" for word in VAGUE}


def test_lists_and_sentences() -> None:
    assert [listed("a"), listed("ab"), listed("abc")] == ["a", "a and b", "a, b and c"]
    assert sentence("a ROAD near New York") == "A ROAD near New York."
