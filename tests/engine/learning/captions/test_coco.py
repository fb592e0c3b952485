"""COCO's instance files, good rows and bad ones."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from engine.errors import CaptionsInvalid
from engine.learning.captions.boxes import Annotated, Box, Frame
from engine.learning.captions.classes import ClassTable
from engine.learning.captions.coco import read_coco
from engine.learning.captions.english import Noun

PLANE = Noun("plane", "planes")
GOOD = {"image_id": 1, "category_id": 5, "bbox": [1, 2, 3, 4]}


def read(tmp_path: Path, *annotations: dict[str, Any], table: ClassTable | None = None) -> list[Annotated]:
    content = {
        "images": [{"id": 2, "file_name": "b c.png"}, {"id": 1, "file_name": "a.png", "width": 30, "height": 20}],
        "categories": [{"id": 5, "name": "plane"}, {"id": 6, "name": "StorageTank"}],
        "annotations": annotations,
    }
    (tmp_path / "instances.json").write_text(json.dumps(content))
    return read_coco(tmp_path / "instances.json", table or ClassTable({}))


def test_boxes_frames_and_crowds(tmp_path: Path) -> None:
    first, second = read(tmp_path, GOOD, GOOD | {"image_id": 2, "category_id": 6, "iscrowd": 1}, GOOD | {"bbox": [0, 0, 9.5, 9]})
    assert (first.name, first.frame, second.name, second.frame) == ("a.png", Frame(30, 20), "b c.png", None)
    assert first.boxes == (Box(PLANE, 1, 2, 4, 6), Box(PLANE, 0, 0, 9.5, 9))
    assert second.boxes == (Box(Noun("storage tank", "storage tanks"), 1, 2, 4, 6, crowd=True),)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"category_id": 9}, "no category 9"),
        ({"category_id": [5]}, "no category"),
        ({"category_id": 6}, "not in the class table"),
        ({"bbox": [1, 2, 3]}, "four numbers"),
        ({"bbox": None}, "four numbers"),
        ({"bbox": ["x", 0, 1, 1]}, "four numbers"),
        ({"bbox": [0, 0, 0, 5]}, "no area"),
        ({"bbox": [0, 0, float("nan"), 5]}, "no finite number"),
    ],
)
def test_bad_rows_are_left_out_with_a_reason(tmp_path: Path, change: dict[str, Any], why: str) -> None:
    first, _ = read(tmp_path, GOOD, GOOD | change, table=ClassTable({"plane": PLANE}))
    assert first.boxes == (Box(PLANE, 1, 2, 4, 6),)
    assert len(first.faults) == 1
    assert why in first.faults[0]


@pytest.mark.parametrize("size", [{"width": 0, "height": 9}, {"width": 9, "height": -1}, {"width": 9.5, "height": 9}, {"width": 9}])
def test_sizes_that_are_none_leave_the_picture_s_own(tmp_path: Path, size: dict[str, Any]) -> None:
    content = {"images": [{"id": 1, "file_name": "a.png", **size}], "categories": [], "annotations": []}
    (tmp_path / "x.json").write_text(json.dumps(content))
    assert read_coco(tmp_path / "x.json", ClassTable({}))[0].frame is None


def test_annotations_of_a_picture_that_is_not_listed(tmp_path: Path) -> None:
    assert [entry.name for entry in read(tmp_path, GOOD | {"image_id": 77})] == ["a.png", "b c.png", "picture 77"]


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "7", "{}", '{"images": [], "categories": []}', '{"images": [1], "categories": [], "annotations": []}']
)
def test_files_that_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "x.json").write_text(content)
    with pytest.raises(CaptionsInvalid, match=r"x\.json"):
        read_coco(tmp_path / "x.json", ClassTable({}))
