"""Query phrases and the classes whose pictures are right answers to them, in parts that are not to be mixed."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import yaml
from numpy.typing import NDArray

from engine.encoders.prompts import words
from engine.errors import DataMissing, DatasetInvalid, EvaluationInvalid
from engine.evaluation.datasets.folders import ClassFolders
from engine.evaluation.datasets.pictures import fingerprint

ALL: Final = "all"
_MOST_BYTES: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class QueryPhrase:
    """What a person types.

    Attributes:
        text: As it is typed.
        classes: Class folders whose pictures are right answers.
    """

    text: str
    classes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class QueryPhrases:
    """One part of a file of phrases.

    Attributes:
        source: Name of the file.
        part: For instance ``tuning`` or ``test``; ``all`` for every part together.
        phrases: In the order of the file.
    """

    source: str
    part: str
    phrases: tuple[QueryPhrase, ...]

    @property
    def fingerprint(self) -> str:
        """Of phrases and classes."""
        return fingerprint(f"{phrase.text}|{'.'.join(phrase.classes)}" for phrase in self.phrases)

    @classmethod
    def open(cls, path: Path, part: str = ALL) -> QueryPhrases:
        """Read a YAML file: part → phrase → list of class folders.

        Raises:
            DataMissing: If there is no such file.
            DatasetInvalid: If it is not of this form, or a phrase stands in it twice.
            EvaluationInvalid: If it has no such part.
        """
        parts = _parts(path)
        if part != ALL and part not in parts:
            raise EvaluationInvalid(f"{path.name} has no part “{part}”. It has: {', '.join(parts)}; all takes everything.")
        return cls(path.name, part, tuple(phrase for name, phrases in parts.items() if part in (ALL, name) for phrase in phrases))

    def within(self, folders: ClassFolders) -> NDArray[np.bool_]:
        """Which classes of a data set are right for each phrase: (Q, C) bool.

        Raises:
            EvaluationInvalid: If a phrase asks for a class that the data lack.
        """
        place = {name.casefold(): index for index, name in enumerate(folders.names)}
        right = np.zeros((len(self.phrases), len(folders.names)), dtype=bool)
        for row, phrase in enumerate(self.phrases):
            for name in phrase.classes:
                column = place.get(words(name).casefold())
                if column is None:
                    raise EvaluationInvalid(f"“{phrase.text[:60]}” asks for the class “{name}”, which {folders.root.name} lacks.")
                right[row, column] = True
        return right


def _parts(path: Path) -> dict[str, tuple[QueryPhrase, ...]]:
    if not path.is_file():
        raise DataMissing("The file of phrases", str(path))
    if path.stat().st_size > _MOST_BYTES:
        raise DatasetInvalid(path.name, "it is larger than ten megabytes.")
    try:
        content = yaml.load(path.read_text(encoding="utf-8"), _Once)
        parts = {str(name): tuple(_phrase(text, classes) for text, classes in part.items()) for name, part in content.items()}
    except (OSError, ValueError, AttributeError, TypeError, RecursionError, yaml.YAMLError) as error:
        problem = " ".join(str(error).split())[:200]
        raise DatasetInvalid(path.name, f"it should hold parts, phrases in them and a list of classes for each ({problem}).") from None
    _distinct(path.name, (phrase.text for part in parts.values() for phrase in part))
    if not any(parts.values()):
        raise DatasetInvalid(path.name, "it holds no phrase.")
    return parts


def _phrase(text: Any, classes: Any) -> QueryPhrase:  # noqa: ANN401 - whatever the file holds
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{text!r} is no phrase")
    if not isinstance(classes, list) or not classes or not all(isinstance(name, str) for name in classes):
        raise ValueError(f"“{text[:60]}” has no list of classes")
    return QueryPhrase(" ".join(text.split()), tuple(classes))


def _distinct(source: str, texts: Iterable[str]) -> None:
    seen: set[str] = set()
    for text in texts:
        if text.casefold() in seen:
            raise DatasetInvalid(source, f"“{text[:60]}” stands in it twice.")
        seen.add(text.casefold())


class _Once(yaml.SafeLoader):
    """Reads mappings whose keys differ: plain YAML would silently keep the last of two."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:
        """A mapping; raises ValueError for a key that comes twice."""
        keys = [key.value for key, _ in node.value]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"“{twice}” stands there twice")
        return super().construct_mapping(node, deep)
