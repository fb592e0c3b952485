"""COCO's instance files: one JSON file for all pictures."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import CaptionsInvalid
from engine.learning.captions.boxes import Annotated, Box, Frame
from engine.learning.captions.classes import ClassTable


def read_coco(file: Path, table: ClassTable) -> list[Annotated]:
    """The pictures of ``{"images": […], "annotations": […], "categories": […]}``, sorted by file name.

    Args:
        file: The JSON file.
        table: What the categories are called, by their names.

    Raises:
        CaptionsInvalid: If it is no such file.
    """
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        pictures = {row["id"]: row for row in content["images"]}
        classes = {row["id"]: str(row["name"]) for row in content["categories"]}
        rows = defaultdict(list)
        for row in content["annotations"]:
            rows[row["image_id"]].append(row)
        names = {key: str(pictures[key]["file_name"]) if key in pictures else f"picture {key}" for key in [*pictures, *rows]}
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as problem:
        why = f"it is no COCO file with images, annotations and categories ({type(problem).__name__}: {problem})."
        raise CaptionsInvalid(file.name, why) from None
    ordered = sorted(names, key=lambda key: names[key])
    return [_annotated(names[key], pictures.get(key, {}), rows.get(key, []), classes, table) for key in ordered]


def _annotated(
    name: str, picture: Mapping[str, Any], rows: list[Mapping[str, Any]], classes: Mapping[Any, str], table: ClassTable
) -> Annotated:
    boxes, faults = [], []
    for row in rows:
        try:
            box = _box(row, classes, table)
        except ValueError as problem:
            faults.append(str(problem))
        else:
            boxes += [box] if box else []
    return Annotated(name, tuple(boxes), _frame(picture), tuple(faults))


def _box(row: Mapping[str, Any], classes: Mapping[Any, str], table: ClassTable) -> Box | None:
    """One object, or ``None`` if it is not to be spoken of.

    Raises:
        ValueError: If it has no box or no known class; with the reason.
    """
    key = row.get("category_id")
    name = classes.get(key) if isinstance(key, int | str) else None
    if name is None:
        raise ValueError(f"there is no category {str(key)[:40]}")
    noun = table.noun(name)
    try:
        left, top, width, height = (float(value) for value in row["bbox"])
    except (KeyError, TypeError, ValueError):
        raise ValueError("an annotation has no box of four numbers") from None
    return None if noun is None else Box(noun, left, top, left + width, top + height, crowd=bool(row.get("iscrowd")))


def _frame(picture: Mapping[str, Any]) -> Frame | None:
    """The size for which the boxes were drawn, where the file says it."""
    width, height = picture.get("width"), picture.get("height")
    return Frame(width, height) if isinstance(width, int) and isinstance(height, int) and min(width, height) > 0 else None
