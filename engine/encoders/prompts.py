"""What is said to a text encoder: cleaned queries, sentences around them, neutral prompts."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import yaml

from engine.errors import EmptyQuery, LabelSetInvalid, QueryTooLong
from engine.settings import ASSETS

TEMPLATES: Final = ASSETS / "prompts" / "templates.yaml"
ARTICLES: Final = ASSETS / "prompts" / "articles.yaml"

_ARTICLE = re.compile(r"^(?:an?|the)\s+(?=\S)", re.IGNORECASE)
# They would end or restart the sentence inside the tokenizer.
_MARKERS = re.compile(r"<(?:start|end)_of_text>", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_NUMBER = re.compile(r"[\d.,]+$")

_SINGULAR_ENDINGS: Final = ("ss", "us", "is")
_VOWEL_SOUND = re.compile(r"^(?:[aeio]|u(?!ni|se|sa|ti|r[aeio])|hour|honest)", re.IGNORECASE)


def clean(text: str, limit: int) -> str:
    """A query as it is asked: composed, without control characters, single spaces.

    Args:
        text: What a person typed.
        limit: Characters that are accepted after cleaning.

    Raises:
        EmptyQuery: If no letter and no digit is left.
        QueryTooLong: If more characters than the limit are left.
    """
    words = _spaced(text)
    if not any(character.isalnum() for character in words):
        raise EmptyQuery
    if len(words) > limit:
        raise QueryTooLong(len(words), limit)
    return words


def _spaced(text: str) -> str:
    composed = _MARKERS.sub(" ", unicodedata.normalize("NFC", text))
    # Cf (joiners, direction marks) carries no meaning here; the other C classes separate words or cannot be encoded.
    kept = (("" if kind == "Cf" else " ") if (kind := unicodedata.category(c))[0] == "C" else c for c in composed)
    return " ".join("".join(kept).split())


def words(label: str) -> str:
    """A class or folder name as words: ``DenseResidential`` and ``dense_residential`` become ``dense residential``."""
    spaced = _spaced(label.replace("_", " "))
    return _HUMP.sub(" ", spaced).lower() if " " not in spaced and _HUMP.search(spaced) else spaced


def bare(text: str) -> str:
    """The text without its leading article."""
    return _ARTICLE.sub("", text, count=1)


def with_article(text: str) -> str:
    """The text with the indefinite article that fits, or as it is where none does (plural, mass noun, number, “the …”)."""
    if _ARTICLE.match(text) or not text.isascii() or not _takes_article(text):
        return text
    return f"{'an' if _VOWEL_SOUND.match(text) else 'a'} {text}"


@lru_cache
def _english(kind: str) -> frozenset[str]:
    return frozenset(yaml.safe_load(ARTICLES.read_text(encoding="utf-8"))[kind].split())


def _takes_article(text: str) -> bool:
    tokens = [token.strip(".,;:!?\"'()") for token in text.lower().split()]
    tokens = [token for token in tokens if token]
    if not tokens or tokens[0] in _english("determiners") or tokens[0] in _english("links") or _NUMBER.match(tokens[0]):
        return False
    head = _head(tokens)
    return not (head in _english("mass") or _is_plural(head))


def _head(tokens: Sequence[str]) -> str:
    """The noun that the phrase is about: the word before the first preposition or participle."""
    for position, token in enumerate(tokens[1:], start=1):
        moving = token.endswith("ing") and _is_plural(tokens[position - 1])
        if token in _english("links") or moving or (token.endswith("ed") and len(token) > 4):
            return tokens[position - 1]
    return tokens[-1]


def _is_plural(word: str) -> bool:
    return word in _english("plurals") or (word.endswith("s") and len(word) > 3 and not word.endswith(_SINGULAR_ENDINGS))


@dataclass(frozen=True, slots=True)
class TemplateSet:
    """Sentences with a place for a text.

    Attributes:
        name: Key in ``assets/prompts/templates.yaml``, or ``own``.
        version: Raised whenever a sentence changes.
        texts: ``{}`` stands for the text without an article, ``{a}`` for the text with the fitting one.
    """

    name: str
    version: int
    texts: tuple[str, ...]

    @property
    def id(self) -> str:
        """Name and version, to travel with every number."""
        return f"{self.name}-{self.version}"

    @classmethod
    def from_like(cls, like: TemplateSet | str | Sequence[str]) -> TemplateSet:
        """A set by its name, or one of your own sentences.

        Raises:
            LabelSetInvalid: If there is no such set, or a sentence has no place for the text.
        """
        if isinstance(like, TemplateSet):
            return like
        if isinstance(like, str):
            if "{" in like:
                like = (like,)
            elif like in (known := template_sets()):
                return known[like]
            else:
                raise LabelSetInvalid(f"there are no templates “{like[:60]}”. Known: {', '.join(sorted(known))}.")
        texts = tuple(like)
        if not texts or not all("{}" in text or "{a}" in text for text in texts):
            raise LabelSetInvalid("every template needs a place for the label, written {} or {a}.")
        return cls("own", 0, texts)

    def around(self, text: str) -> tuple[str, ...]:
        """Each sentence with the text in it."""
        noun = bare(text)
        full = with_article(noun)
        return tuple(template.replace("{a}", full).replace("{}", noun) for template in self.texts)


@lru_cache(maxsize=1)
def template_sets() -> dict[str, TemplateSet]:
    """All sets of ``assets/prompts/templates.yaml`` by name."""
    entries = yaml.safe_load(TEMPLATES.read_text(encoding="utf-8"))
    return {name: TemplateSet(name, int(entry["version"]), tuple(entry["texts"])) for name, entry in entries.items()}


def neutral() -> tuple[str, ...]:
    """Prompts that fit every tile."""
    return template_sets()["neutral"].texts


@lru_cache(maxsize=1)
def openings() -> tuple[str, ...]:
    """What the sentences of all sets say before the text, each once, in order; nothing at all comes first."""
    return tuple(sorted({"", *(text.split("{")[0].rstrip() for each in template_sets().values() for text in each.texts if "{" in text)}))
