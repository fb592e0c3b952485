from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.encoders import prompts
from engine.encoders.prompts import TemplateSet, bare, clean, with_article, words
from engine.errors import EmptyQuery, LabelSetInvalid, QueryTooLong


@pytest.mark.parametrize(
    ("typed", "asked"),
    [
        ("  a   lake\n", "a lake"),
        ("a\tlake\x00\x07", "a lake"),
        ("la\u200bke\u202e", "lake"),
        ("cafe\u0301", "café"),
        ("<end_of_text> lake <START_OF_TEXT>", "lake"),
        ("\ud800 lake", "lake"),
        ("un lac à côté", "un lac à côté"),
    ],
)
def test_a_query_is_cleaned(typed: str, asked: str) -> None:
    assert clean(typed, 500) == asked


@given(st.text(max_size=600))
def test_a_cleaned_query_is_one_clean_line_or_a_clear_error(text: str) -> None:
    try:
        asked = clean(text, 500)
    except (EmptyQuery, QueryTooLong):
        return
    assert asked == clean(asked, 500)
    assert asked.isprintable()
    assert "  " not in asked
    assert 0 < len(asked) <= 500
    asked.encode("utf-8")


@pytest.mark.parametrize("empty", ["", " ", "\n\t", "\x00", "...", "—", "🌊"])
def test_nothing_to_look_for(empty: str) -> None:
    with pytest.raises(EmptyQuery):
        clean(empty, 500)


def test_too_long_says_how_long() -> None:
    with pytest.raises(QueryTooLong, match="5,000 characters; at most 500"):
        clean("x" * 5000, 500)
    assert clean("lake" + " " * 5000, 500) == "lake", "spaces do not count"


@pytest.mark.parametrize(
    ("text", "full"),
    [
        ("lake", "a lake"),
        ("airport", "an airport"),
        ("urban area", "an urban area"),
        ("university", "a university"),
        ("industrial area", "an industrial area"),
        ("sports field", "a sports field"),
        ("many planes", "many planes"),
        ("planes", "planes"),
        ("planes parked next to a terminal", "planes parked next to a terminal"),
        ("cars moving on a road", "cars moving on a road"),
        ("two ships in a port", "two ships in a port"),
        ("3 houses", "3 houses"),
        ("water", "water"),
        ("green grass", "green grass"),
        ("river with trees", "a river with trees"),
        ("swimming pool", "a swimming pool"),
        ("forest surrounded by fields", "a forest surrounded by fields"),
        ("people", "people"),
        ("ein größerer See", "ein größerer See"),
        ("a lake", "a lake"),
    ],
)
def test_the_article_that_fits(text: str, full: str) -> None:
    assert with_article(text) == full


def test_a_leading_article_makes_no_difference() -> None:
    queries = prompts.template_sets()["query"]
    assert queries.around("a lake") == queries.around("lake") == queries.around("The lake")
    assert queries.around("lake")[1] == "a satellite image of a lake."
    assert bare("a") == "a", "a lone letter is no article"
    assert bare("another lake") == "another lake"


@pytest.mark.parametrize(
    ("label", "said"),
    [
        ("DenseResidential", "dense residential"),
        ("dense_residential", "dense residential"),
        ("BareLand", "bare land"),
        ("NASA", "NASA"),
        ("River", "River"),
        ("Storage Tank", "Storage Tank"),
        ("area51Base", "area51 base"),
    ],
)
def test_class_names_are_read_as_words(label: str, said: str) -> None:
    assert words(label) == said


def test_sets_are_named_versioned_and_complete() -> None:
    sets = prompts.template_sets()
    assert {"query", "label", "plain", "neutral"} <= set(sets)
    for name, one in sets.items():
        assert one.id == f"{name}-{one.version}"
        assert len(set(one.texts)) == len(one.texts)
        if name != "neutral":
            assert TemplateSet.from_like(one.texts).texts == one.texts, "every sentence has a place for the text"
    assert len(prompts.neutral()) >= 5
    assert not any("{" in text for text in prompts.neutral())


def test_own_templates() -> None:
    assert TemplateSet.from_like("a photo of {}.").around("the lake") == ("a photo of lake.",)
    assert TemplateSet.from_like(["{a}!"]).around("lake") == ("a lake!",)
    for bad in ([], ["no place"], "unknown", ["{}", ""]):
        with pytest.raises(LabelSetInvalid):
            TemplateSet.from_like(bad)
