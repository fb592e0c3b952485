"""The words of a classified data set: synonyms, shared words and templates, read from YAML."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from engine.errors import RecipeInvalid

Flags = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Text:
    """Words and the classes of which they are true.

    Attributes:
        words: What the text tower reads.
        holds: (C,) bool, the classes of which the words hold for certain; all False for a sentence about one picture.
        open: (C,) bool, the classes of which nobody knows.
    """

    words: str
    holds: Flags
    open: Flags


@dataclass(frozen=True, slots=True)
class Phrase:
    """Words without a template, and the classes of which they are true or may be."""

    words: str
    holds: Flags
    open: Flags

    def within(self, template: str) -> Text:
        """The phrase in a template."""
        return Text(template.replace("{}", self.words), self.holds, self.open)


@dataclass(frozen=True, slots=True)
class PhraseTable:
    """All phrases of a classified data set.

    Attributes:
        classes: Names of the classes, sorted.
        names: Of each class, the natural name by which validation asks for it.
        templates: Sentences with a place ``{}`` for a phrase.
        by_class: Of each class, the phrases that are true of it.
    """

    classes: tuple[str, ...]
    names: tuple[str, ...]
    templates: tuple[str, ...]
    by_class: tuple[tuple[Phrase, ...], ...]

    @classmethod
    def read(cls, path: Path) -> PhraseTable:
        """Read a table.

        A file may extend another one of its folder: what it says of words then takes the place of what the other one says of
        them. The names by which validation asks stay.

        Raises:
            RecipeInvalid: If the file is missing or isn't of the known form.
        """
        try:
            tables = [yaml.safe_load(file.read_text(encoding="utf-8")) for file in files(path)]
            content, own = tables[-1], tables[0].get("shared", []) if len(tables) > 1 else []
            replaced = {words for group in own for words in group["phrases"]}
            classes = tuple(sorted(content["names"]))
            names = {name: tuple(words) for name, words in content["names"].items()}
            templates = tuple(content["templates"])
            phrases = [_phrase(words, classes, [name], []) for name in classes for words in names[name] if words not in replaced]
            phrases += [
                _phrase(words, classes, group["holds"], group["open"])
                for group in content.get("shared", [])
                for words in group["phrases"]
                if words not in replaced
            ]
            phrases += [_phrase(words, classes, group["holds"], group["open"]) for group in own for words in group["phrases"]]
        except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as problem:
            raise RecipeInvalid(path.name, f"it is no table of class phrases ({type(problem).__name__}: {problem}).") from None
        if not templates or any("{}" not in template for template in templates) or not all(names.values()):
            raise RecipeInvalid(path.name, "each template needs {}, and each class at least one name.")
        by_class = tuple(tuple(phrase for phrase in phrases if phrase.holds[index]) for index in range(len(classes)))
        return cls(classes, tuple(names[name][0] for name in classes), templates, by_class)

    def draw(self, label: int, random: np.random.Generator) -> Text:
        """A random phrase of a class in a random template."""
        phrases = self.by_class[label]
        return phrases[random.integers(len(phrases))].within(self.templates[random.integers(len(self.templates))])

    def draw_all(self, random: np.random.Generator) -> tuple[Text, ...]:
        """A random phrase of every class, in the order of the classes."""
        return tuple(self.draw(label, random) for label in range(len(self.classes)))

    def sentence(self, words: str) -> Text:
        """A sentence about one picture: true of no class as a whole."""
        nothing = np.zeros(len(self.classes), dtype=bool)
        return Text(words, nothing, nothing)


def files(path: Path) -> tuple[Path, ...]:
    """A table's file, and the one of its folder that it extends."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    extended = content.get("extends") if isinstance(content, dict) else None
    return (path, path.parent / extended) if extended else (path,)


def _phrase(words: str, classes: tuple[str, ...], true: list[str], maybe: list[str]) -> Phrase:
    """One phrase; raises ValueError for a class that the table doesn't have."""
    unknown = {*true, *maybe} - set(classes)
    if unknown:
        raise ValueError(f"no class {sorted(unknown)[0]}")
    return Phrase(words, np.isin(classes, true), np.isin(classes, maybe))
