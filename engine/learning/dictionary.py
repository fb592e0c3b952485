"""What a dictionary says of things: names and definitions in many words that no caption has."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from engine.errors import DataMissing

KINDS: Final = frozenset({4, 6, 17, 19})
"""WordNet's files of what can be seen or done in a place: acts, artifacts, natural objects, phenomena (lexnames(5WN))."""
_LONGEST: Final = 16  # words; longer definitions are cut off by the text tower


def entries(path: Path) -> tuple[str, ...]:
    """Names, definitions and examples of a WordNet 3.0 noun file (``data.noun``), in lower case, sorted.

    A gloss is taken apart at semicolons and quotes; what stands in brackets is left out.

    Raises:
        DataMissing: If the file can't be read or holds none.

    Source: Fellbaum 1998, "WordNet: An Electronic Lexical Database"; format: wndb(5WN).
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = {text for line in lines if not line.startswith(" ") for text in _of_line(line)}
    except (OSError, ValueError, IndexError):
        found = set()
    if not found:
        raise DataMissing("A WordNet noun file (on Debian: the package wordnet-base)", str(path))
    return tuple(sorted(found))


def _of_line(line: str) -> set[str]:
    """``offset file type count (name number)… … | gloss`` → its texts."""
    head, _, gloss = line.partition(" | ")
    fields = head.split()
    if int(fields[1]) not in KINDS:
        return set()
    names = {name.replace("_", " ").lower() for name in fields[4 : 4 + 2 * int(fields[3], 16) : 2]}
    pieces = (" ".join(re.sub(r"\([^)]*\)", " ", piece).split()).strip(" .,:").lower() for piece in re.split(r'[;"]', gloss))
    return {text for text in names.union(pieces) if text.isascii() and text and len(text.split()) <= _LONGEST}
