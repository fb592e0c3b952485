"""What the classes of a data set are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from engine.errors import CaptionsInvalid, DataMissing
from engine.learning.captions.english import Noun, spaced

LONGEST: Final = 80


class ClassUnknown(ValueError):
    """A class that nobody named; the message is a reason to leave its objects out."""


@dataclass(frozen=True, slots=True)
class ClassTable:
    """Nouns by the names, pixel values or colours of a data set.

    Attributes:
        nouns: Keys in one spelling; ``None`` for what is not spoken of. Empty: every name speaks for itself.
    """

    nouns: Mapping[str, Noun | None]

    @classmethod
    def read(cls, path: Path) -> ClassTable:
        """A YAML or JSON table from name, value or ``"#rrggbb"`` to words, ``{one: …, many: …}``, or nothing to leave a class out.

        Raises:
            DataMissing: If there is no such file.
            CaptionsInvalid: If it is no such table.
        """
        if not path.is_file():
            raise DataMissing("The class table", str(path))
        try:
            content = yaml.safe_load(path.read_text(encoding="utf-8"))
            table = cls({_key(str(key)): _noun(value) for key, value in content.items()})
        except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, KeyError, TypeError, AttributeError) as problem:
            raise CaptionsInvalid(path.name, f"it is no class table ({type(problem).__name__}). Write lines like “3: building”.") from None
        if not any(table.nouns.values()):
            raise CaptionsInvalid(path.name, "it names no class. Write lines like “3: building”.")
        return table

    def noun(self, key: str) -> Noun | None:
        """The noun of a class, or ``None`` if it is not to be spoken of.

        Raises:
            ClassUnknown: If the table doesn't have it, or the name says nothing.
        """
        name = _key(key)
        if not self.nouns:
            return _noun(name)
        if name not in self.nouns:
            raise ClassUnknown(f"the class “{name[:LONGEST]}” is not in the class table")
        return self.nouns[name]


def _key(name: str) -> str:
    return name.lower() if name.startswith("#") else spaced(name)


def _noun(entry: Any) -> Noun | None:  # noqa: ANN401 - a value of someone's table
    if entry is None:
        return None
    if isinstance(entry, Mapping):
        return Noun(spaced(str(entry["one"])), spaced(str(entry["many"])))
    if not isinstance(entry, str) or not any(map(str.isalpha, entry)) or len(entry) > LONGEST:
        raise ClassUnknown(f"“{str(entry)[:LONGEST]}” is no class name")
    return Noun.of(entry)
