"""Pairs: what is read, what is held out, what belongs together, and in which order it comes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from engine.errors import DataMissing, ImageUnreadable, RecipeInvalid
from engine.learning.draws import Draw, matches
from engine.learning.metadata import Metadata
from engine.learning.pairs import Captioned, decoded, read_captioned, split
from engine.learning.phrases import PhraseTable
from engine.learning.sources import places


@pytest.fixture
def phrases(tmp_path: Path, words: dict[str, Any]) -> PhraseTable:
    (tmp_path / "table.yaml").write_text(yaml.safe_dump(words))
    return PhraseTable.read(tmp_path / "table.yaml")


def test_a_table_may_say_more_of_some_words_of_another(phrases: PhraseTable, tmp_path: Path) -> None:
    more = {"extends": "table.yaml", "shared": [{"phrases": ["sand", "nature"], "holds": ["Beach"], "open": ["Pond"]}]}
    (tmp_path / "more.yaml").write_text(yaml.safe_dump(more))
    table = PhraseTable.read(tmp_path / "more.yaml")
    assert (table.classes, table.names, table.templates) == (phrases.classes, phrases.names, phrases.templates)
    beach, forest, pond = table.by_class
    assert [phrase.words for phrase in forest] == ["a forest", "woods"]  # nature is of the beach now
    assert [phrase.words for phrase in pond] == ["a pond", "a lake"]
    assert [(phrase.words, phrase.open.tolist()) for phrase in beach] == [
        ("a beach", [False] * 3),
        ("sand", [False, False, True]),
        ("nature", [False, False, True]),
    ]
    (tmp_path / "lost.yaml").write_text("extends: nowhere.yaml\n")
    with pytest.raises(RecipeInvalid, match=r"lost\.yaml"):
        PhraseTable.read(tmp_path / "lost.yaml")


def records(*counts: int) -> tuple[Captioned, ...]:
    return tuple(Captioned(f"images/C{label}/{n}.jpg", f"C{label}", ("words",)) for label, count in enumerate(counts) for n in range(count))


def test_captions_are_read_and_their_spacing_mended(small_set: Path) -> None:
    read = read_captioned(small_set)
    assert len(read) == 60
    first = next(record for record in read if record.file == "images/Pond/pond_4.png")
    assert first.label == "Pond"
    assert first.captions == ("this is a pond with number 4.", "the same words.")


@pytest.mark.parametrize("content", [None, "{", "[]", '[{"file": "a.jpg", "captions": ["x"]}]', '[{"captions": []}]', "7"])
def test_a_caption_file_that_is_none(tmp_path: Path, content: str | None) -> None:
    if content is not None:
        (tmp_path / "captions.json").write_text(content)
    with pytest.raises(DataMissing):
        read_captioned(tmp_path)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=5), st.integers(0, 3), st.sampled_from([0.0, 0.1, 0.5]))
def test_the_split_is_disjoint_whole_and_even_over_classes(counts: list[int], seed: int, share: float) -> None:
    everything = records(*counts)
    parts = split(everything, share, seed)
    assert sorted([*parts.train, *parts.held_out]) == list(range(len(everything)))
    for label, count in enumerate(counts):
        kept = sum(everything[index].label == f"C{label}" for index in parts.held_out)
        assert kept == (max(1, round(share * count)) if share and count > 1 else 0)


def test_the_split_is_stable_when_asked_again_reordered_or_with_another_seed() -> None:
    everything = records(40, 40)
    held_out = {everything[index].file for index in split(everything, 0.1, 1).held_out}
    backwards = everything[::-1]
    assert {backwards[index].file for index in split(backwards, 0.1, 1).held_out} == held_out
    assert {everything[index].file for index in split(everything, 0.1, 2).held_out} != held_out


def test_pictures_are_decoded_scaled_and_cached(small_set: Path, colours: dict[str, tuple[int, int, int]], tmp_path: Path) -> None:
    read = read_captioned(small_set)
    told: list[tuple[str, int, int]] = []
    pictures = decoded(small_set, read, 12, tmp_path, lambda *step: told.append(step))
    assert pictures.shape == (60, 3, 12, 12)
    for record, picture in zip(read, pictures, strict=True):
        assert np.abs(picture.mean((1, 2)) - colours[record.label]).max() < 8
    again = decoded(small_set, read, 12, tmp_path, lambda *step: told.append(step))
    assert np.array_equal(pictures, again)
    assert told == [("decoding pictures", 60, 60)]


def test_missing_and_broken_pictures_are_named(tmp_path: Path) -> None:
    (tmp_path / "images" / "A").mkdir(parents=True)
    row = Captioned("images/A/a.png", "A", ("x",))
    with pytest.raises(DataMissing, match=r"images/A/a\.png"):
        decoded(tmp_path, [row], 8, tmp_path / "cache")
    (tmp_path / "images" / "A" / "a.png").write_bytes(b"no picture")
    with pytest.raises(ImageUnreadable, match=r"a\.png"):
        decoded(tmp_path, [row], 8, tmp_path / "cache")
    Image.new("RGB", (8, 8)).save(tmp_path / "images" / "A" / "a.png")
    assert decoded(tmp_path, [row], 8, tmp_path / "cache").shape == (1, 3, 8, 8)


@pytest.mark.parametrize(
    "change",
    [
        {"names": {}},
        {"names": {"Pond": []}},
        {"templates": ["no place"]},
        {"templates": []},
        {"shared": [{"phrases": ["x"], "holds": ["Moon"], "open": []}]},
    ],
)
def test_a_phrase_table_that_cannot_be_used(tmp_path: Path, words: dict[str, Any], change: dict[str, Any]) -> None:
    (tmp_path / "table.yaml").write_text(json.dumps({**words, **change}))
    with pytest.raises(RecipeInvalid, match=r"table\.yaml"):
        PhraseTable.read(tmp_path / "table.yaml")


def test_what_belongs_together(phrases: PhraseTable) -> None:
    """Pictures: pond, forest, beach, pond. Texts: a sentence, “nature”, a sentence equal to the first, “a lake”.

    The beach may hold a pond: whether “a lake” is said of it is not asked.
    """
    nature = next(phrase for phrase in phrases.by_class[1] if phrase.words == "nature").within("{}")
    lake = next(phrase for phrase in phrases.by_class[2] if phrase.words == "a lake").within("a photo of {}")
    texts = (phrases.sentence("two boats."), nature, phrases.sentence("two boats."), lake)
    one_hot, pictures = np.eye(3, dtype=bool), torch.zeros(4, 3, 2, 2, dtype=torch.uint8)
    draw = Draw(pictures, texts, one_hot[[2, 1, 0, 2]], one_hot[[0, 0, 2, 1]], (), np.arange(4))
    positive, ignored = matches(draw)
    assert positive.int().tolist() == [[1, 1, 1, 1], [0, 1, 0, 0], [1, 0, 1, 0], [0, 1, 0, 1]]
    assert ignored.int().tolist() == [[0, 0, 0, 0], [0, 0, 0, 0], [0, 1, 0, 1], [0, 0, 0, 0]]


def test_rows_of_a_draw_keep_what_belongs_together(phrases: PhraseTable) -> None:
    one_hot, texts = np.eye(3, dtype=bool), tuple(phrases.sentence(word) for word in "abc")
    metadata = tuple(Metadata(gsd_m=1.0 + row) for row in range(3))
    draw = Draw(torch.arange(3, dtype=torch.uint8)[:, None], texts, one_hot, ~one_hot, texts, np.array([7, 8, 9]), metadata, "s2")
    part = draw.rows(1, 3)
    assert len(part) == 2
    assert part.pictures.flatten().tolist() == part.labels.argmax(axis=1).tolist() == [1, 2]
    assert [text.words for text in part.texts] == ["b", "c"]
    assert part.places.tolist() == [8, 9]
    assert part.metadata == metadata[1:]
    assert (part.names, part.sensor) == (texts, "s2")


@given(st.integers(1, 9), st.integers(1, 40), st.integers(0, 5))
def test_a_pass_takes_every_place_once(count: int, length: int, seed: int) -> None:
    steps = -(-3 * length // count)
    taken = np.concatenate([places(count, length, step, seed) for step in range(steps)])
    for turn in range(3):
        assert sorted(taken[turn * length : (turn + 1) * length]) == list(range(length))
    assert np.array_equal(places(count, length, 2, seed), places(count, length, 2, seed))
