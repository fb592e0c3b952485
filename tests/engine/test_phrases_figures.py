"""Query phrases that are no caption: what the file must be, and what the shipped model must show on its test half."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from pathlib import Path

import pytest
import yaml

from engine import encoders
from engine.encoders.prompts import words
from engine.evaluation.datasets.phrases import QueryPhrase, QueryPhrases
from engine.evaluation.suites import Bench
from engine.learning.pairs import read_captioned, split
from engine.settings import ASSETS

PHRASES = Path(__file__).parents[1] / "data" / "query_phrases.yaml"
SEED, SHARE = 20261121, 0.1
"""By which the recipe of the default model holds out its part of aid_rsicd."""


def plain(text: str) -> str:
    """Lower case, no articles, no punctuation, single spaces."""
    return " ".join(word for word in re.findall(r"[\w'-]+", text.casefold()) if word not in ("a", "an", "the"))


def phrases(half: str = "all") -> tuple[QueryPhrase, ...]:
    return QueryPhrases.open(PHRASES, half).phrases


def classes() -> list[str]:
    return sorted(yaml.safe_load((ASSETS / "recipes" / "aid-phrases.yaml").read_text())["names"])


def test_there_are_enough_phrases_for_every_class() -> None:
    assert len(phrases()) >= 200
    assert len({plain(phrase.text) for phrase in phrases()}) == len(phrases())
    counts = Counter(name for phrase in phrases() for name in phrase.classes)
    assert sorted(counts) == classes()
    assert min(counts.values()) >= 5


def test_the_halves_are_those_of_the_hash() -> None:
    """Classes by name of the first class, phrases in it by the SHA-256 of their text, alternately tuning and test."""
    ordered = sorted(phrases(), key=lambda phrase: (phrase.classes[0], hashlib.sha256(phrase.text.encode()).digest()))
    tuning, test = {phrase.text for phrase in phrases("tuning")}, {phrase.text for phrase in phrases("test")}
    assert tuning == {phrase.text for phrase in ordered[::2]}
    assert test == {phrase.text for phrase in ordered[1::2]}
    assert not tuning & test
    assert abs(len(tuning) - len(test)) <= 1


def test_every_class_is_asked_for_in_both_halves() -> None:
    for half in ("tuning", "test"):
        assert sorted({name for phrase in phrases(half) for name in phrase.classes}) == classes()


def test_no_phrase_was_learned_or_is_a_class_name() -> None:
    """No training words of any recipe, with or without their templates, and no class name."""
    known = {plain(words(name)) for name in classes()} | {plain(name) for name in classes()}
    for path in (ASSETS / "recipes").glob("*-phrases.yaml"):
        table = yaml.safe_load(path.read_text(encoding="utf-8"))
        spoken = [text for texts in table["names"].values() for text in texts]
        spoken += [text for group in table.get("shared", ()) for text in group["phrases"]]
        known |= {plain(template.replace("{}", text)) for text in spoken for template in ("{}", *table["templates"])}
    assert not [phrase.text for phrase in phrases() if plain(phrase.text) in known]


@pytest.mark.shared_data
def test_no_phrase_is_a_caption(shared_data: Path) -> None:
    rows = json.loads((shared_data / "aid_rsicd" / "captions.json").read_text(encoding="utf-8"))
    captions = {plain(text) for row in rows for text in row["captions"]}
    for path in (shared_data / "captions").rglob("*_caps.txt"):
        captions |= {plain(line) for line in path.read_text(encoding="utf-8").splitlines()}
    assert len(captions) > 20_000
    assert not [phrase.text for phrase in phrases() if plain(phrase.text) in captions]


@pytest.mark.slow
@pytest.mark.shared_data
def test_precision_at_10_on_the_test_half(shared_data: Path) -> None:
    """At least 0.70 over phrases that nobody tuned on and pictures that were held out."""
    root = shared_data / "aid_rsicd"
    records = read_captioned(root)
    held_out = frozenset(records[index].file.removeprefix("images/") for index in split(records, SHARE, SEED).held_out)
    report = Bench(encoders.load(device="cpu")).phrases(root, PHRASES, half="test", only=held_out)
    assert report.figures["n"] == len(held_out) > 800
    assert report.figures["queries"] == len(phrases("test"))
    assert report.figures["precision"] >= 0.70
