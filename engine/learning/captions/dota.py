"""DOTA's label files: one text file a picture, one object a line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from engine.learning.captions.boxes import Annotated, Box
from engine.learning.captions.classes import ClassTable

FLAGS: Final = frozenset({"0", "1", "2"})


def read_dota(files: Iterable[Path], table: ClassTable, difficult: bool = True) -> Iterator[Annotated]:
    """Label files: lines ``x1 y1 x2 y2 x3 y3 x4 y4 class difficult`` after headers ``key:value``.

    Each quadrilateral becomes the upright box around it.

    Args:
        files: One a picture, of the same stem.
        table: What the classes are called.
        difficult: Whether to take objects that are flagged as hard to see; without them numbers may be too low.
    """
    return (_annotated(file, table, difficult) for file in files)


def _annotated(file: Path, table: ClassTable, difficult: bool) -> Annotated:
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as problem:
        return Annotated(file.stem, faults=(f"{file.name} is no text that can be read ({type(problem).__name__})",))
    boxes, faults = [], []
    for line in lines:
        words = line.split()
        if not words or ":" in words[0]:
            continue
        try:
            box = _box(words, table, difficult)
        except ValueError as problem:
            faults.append(str(problem))
        else:
            boxes += [box] if box else []
    return Annotated(file.stem, tuple(boxes), faults=tuple(faults))


def _box(words: list[str], table: ClassTable, difficult: bool) -> Box | None:
    """One object, or ``None`` if it is not to be spoken of; class names may hold blanks.

    Raises:
        ValueError: If the line is none of an object; with the reason.
    """
    name, flag = (words[8:-1], words[-1]) if len(words) > 9 and words[-1] in FLAGS else (words[8:], "0")
    try:
        corners = [float(word) for word in words[:8]]
    except ValueError:
        raise ValueError("a line does not begin with eight coordinates") from None
    if not name:
        raise ValueError("a line names no class")
    if not all(map(math.isfinite, corners)):  # min and max would swallow a NaN
        raise ValueError("a coordinate is no finite number")
    noun = table.noun(" ".join(name))
    if noun is None or (flag != "0" and not difficult):
        return None
    return Box(noun, min(corners[::2]), min(corners[1::2]), max(corners[::2]), max(corners[1::2]))
