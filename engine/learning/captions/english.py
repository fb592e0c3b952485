"""Just enough English to speak of things and how many there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Final

from engine.encoders.prompts import bare, with_article, words

COUNTED: Final = ("one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
VAGUE: Final = ("many", "a lot of", "numerous", "a large number of")
"""What stands for more than ten."""

_IRREGULAR: Final = {
    **{same: same for same in ("aircraft", "spacecraft", "watercraft", "hovercraft", "crossroads", "sheep", "series")},
    **{"person": "people", "child": "children", "man": "men", "woman": "women", "foot": "feet", "goose": "geese", "mouse": "mice"},
    **{"leaf": "leaves", "shelf": "shelves", "wharf": "wharves", "half": "halves", "calf": "calves", "wolf": "wolves"},
    **{"human": "humans", "volcano": "volcanoes", "potato": "potatoes", "tomato": "tomatoes"},
}
_SINGULAR: Final = {many: one for one, many in _IRREGULAR.items()}
_ENDINGS: Final = (
    (re.compile(r"(?<=[a-z])sis$"), "ses"),
    (re.compile(r"(?<=[a-z])man$"), "men"),
    (re.compile(r"(?<=[^aeiou\W\d_])y$"), "ies"),
    (re.compile(r"(s|x|z|ch|sh)$"), r"\1es"),
    (re.compile(r"$"), "s"),
)
_HYPHEN: Final = re.compile(r"(?<=\w)-(?=\w)")
_PREPOSITION: Final = re.compile(r"(\s(?:of|with|without|for|under|over|in|on|at|near|to)\s.*)")


@dataclass(frozen=True, slots=True)
class Noun:
    """What one and what several of a class are called.

    Attributes:
        one: Singular without an article: ``storage tank``, ``area of water``.
        many: Its plural.
    """

    one: str
    many: str

    @classmethod
    def of(cls, name: str) -> Noun:
        """The noun of a class name.

        What has no number of its own (``water``, ``trees``) is counted in areas: ``three areas of water``.
        """
        spoken = _with_last(bare(spaced(name)), lambda last: _SINGULAR.get(last, last))
        countable = with_article(spoken) != spoken or spoken.split(" ")[-1] in _SINGULAR.values()
        if not countable or " and " in spoken:
            spoken = f"area of {spoken}"
        return cls(spoken, plural(spoken))

    def mentioned(self, count: int) -> str:
        """The noun without its number: ``an airport``, ``airports``."""
        if count > 1:
            return self.many
        single = with_article(self.one)
        return single if single != self.one else f"one {self.one}"

    def counted(self, count: int, random: Random) -> str:
        """The noun with its number in words; beyond ten some vague word: ``three ships``, ``a lot of ships``."""
        number = COUNTED[count - 1] if count <= len(COUNTED) else random.choice(VAGUE)
        return f"{number} {self.one if count == 1 else self.many}"


def spaced(name: str) -> str:
    """A class name as words in lower case: ``large-vehicle``, ``Large_Vehicle`` and ``LargeVehicle`` are ``large vehicle``."""
    name = " ".join(name.split())
    return words(name if " " in name else _HYPHEN.sub("_", name)).lower()


def plural(noun: str) -> str:
    """The plural of a noun phrase; the word before a preposition takes the ending: ``bodies of water``."""
    return _with_last(noun, _plural)


def _with_last(noun: str, change: Callable[[str], str]) -> str:
    """A noun phrase with another last word of its head, the part before a preposition."""
    head, *rest = _PREPOSITION.split(noun, maxsplit=1)
    before, blank, last = head.rpartition(" ")
    return before + blank + change(last) + "".join(rest)


def _plural(word: str) -> str:
    if word in _IRREGULAR:
        return _IRREGULAR[word]
    ending, replacement = next((pattern, text) for pattern, text in _ENDINGS if pattern.search(word))
    return ending.sub(replacement, word, count=1)


def listed(items: Sequence[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(items[:-1]), items[-1]] if len(items) > 1 else items)


def sentence(text: str) -> str:
    """With a capital letter and a full stop."""
    return f"{text[:1].upper()}{text[1:]}."
