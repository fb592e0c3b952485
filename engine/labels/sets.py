"""Label sets: the names among which a tile may choose."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import yaml

from engine.errors import LabelSetInvalid
from engine.settings import ASSETS

FOLDER: Final = ASSETS / "labels"
FEWEST: Final = 2
MOST: Final = 100
LONGEST: Final = 80
TEMPLATES: Final = "label"


@dataclass(frozen=True, slots=True)
class LabelSet:
    """Names among which a tile may choose, and the sentences that are put around them.

    Attributes:
        labels: 2 to 100 different names of at most 80 characters.
        name: Key of ``assets/labels/``, or ``own``.
        title: What a person calls it.
        templates: Template set of the encoder, a key of ``assets/prompts/templates.yaml``.
        about: One sentence on what it is for.
    """

    labels: tuple[str, ...]
    name: str = "own"
    title: str = "Own labels"
    templates: str = TEMPLATES
    about: str = ""

    def __post_init__(self) -> None:
        """Refuse what can't be chosen from.

        Raises:
            LabelSetInvalid: If there are too few, too many, too long, equal or empty labels.
        """
        for label in self.labels:
            if not any(character.isalnum() for character in label):
                raise LabelSetInvalid(f"“{label}” says nothing. Separate the labels by commas.")
            if len(label) > LONGEST:
                raise LabelSetInvalid(f"“{label[:40]}…” has {len(label)} characters; at most {LONGEST} are read.")
        _refuse_equal(self.labels)
        if not FEWEST <= len(self.labels) <= MOST:
            raise LabelSetInvalid(f"it has {len(self.labels)} labels; {FEWEST} to {MOST} can be chosen from.")

    @classmethod
    def from_like(cls, like: LabelSet | str | Iterable[str]) -> LabelSet:
        """A set by its name, from names separated by commas, or from a list.

        Args:
            like: A text with a comma is a list of labels; without one it is the name of a set in ``assets/labels/``.

        Raises:
            LabelSetInvalid: If there is no such set, or its labels can't be chosen from.
        """
        if isinstance(like, LabelSet):
            return like
        if isinstance(like, str):
            known = label_sets()
            if like.strip() in known:
                return known[like.strip()]
            if "," not in like:
                raise LabelSetInvalid(
                    f"there is no set “{like.strip()[:60]}”. Known: {', '.join(known)}. Own labels are separated by commas."
                )
            like = [part for part in like.split(",") if part.strip()]
        return cls(tuple(" ".join(label.split()) for label in like))


def _refuse_equal(labels: tuple[str, ...]) -> None:
    seen: dict[str, str] = {}
    for label in labels:
        first = seen.setdefault(label.casefold(), label)
        if first is not label:
            raise LabelSetInvalid(f"“{label}” stands in it twice. Take one out: equal labels would share their probability.")


@lru_cache(maxsize=1)
def label_sets() -> dict[str, LabelSet]:
    """The sets of ``assets/labels/`` by name, sorted."""
    found = {}
    for path in sorted(FOLDER.glob("*.yaml")):
        entry = yaml.safe_load(path.read_text(encoding="utf-8"))
        found[path.stem] = LabelSet(
            tuple(entry["labels"]), path.stem, entry["title"], entry.get("templates", TEMPLATES), entry.get("about", "")
        )
    return found
