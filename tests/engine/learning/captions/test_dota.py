"""DOTA's label files, good lines and bad ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.learning.captions.boxes import Annotated, Box
from engine.learning.captions.classes import ClassTable
from engine.learning.captions.dota import read_dota
from engine.learning.captions.english import Noun

PLANE = Noun("plane", "planes")


def read(tmp_path: Path, content: str | bytes, table: ClassTable | None = None, difficult: bool = True) -> Annotated:
    file = tmp_path / "P0001.txt"
    file.write_bytes(content.encode() if isinstance(content, str) else content)
    (annotated,) = read_dota([file], table or ClassTable({}), difficult)
    assert annotated.name == "P0001"
    return annotated


def test_quadrilaterals_become_upright_boxes(tmp_path: Path) -> None:
    read_ = read(tmp_path, "imagesource:GoogleEarth\ngsd:0.14\n10.5 0 20 10 10 20 0.5 10 plane 0\n\n1 2 3 2 3 4 1 4 large-vehicle 1\n")
    assert read_.boxes == (Box(PLANE, 0.5, 0, 20, 20), Box(Noun("large vehicle", "large vehicles"), 1, 2, 3, 4))
    assert read_.faults == ()
    assert read_.frame is None


def test_difficult_objects_can_be_left_out(tmp_path: Path) -> None:
    content = "0 0 1 0 1 1 0 1 plane 0\n0 0 2 0 2 2 0 2 plane 1\n0 0 3 0 3 3 0 3 plane\n"
    assert [box.right for box in read(tmp_path, content).boxes] == [1, 2, 3]
    assert [box.right for box in read(tmp_path, content, difficult=False).boxes] == [1, 3]


def test_class_names_with_blanks_and_numbers(tmp_path: Path) -> None:
    lines = "0 0 1 0 1 1 0 1 Small Car 0\n0 0 1 0 1 1 0 1 SmallCar 0\n0 0 1 0 1 1 0 1 Boeing 737 0\n0 0 1 0 1 1 0 1 Fishing Boat\n"
    assert [box.noun.one for box in read(tmp_path, lines).boxes] == ["small car", "small car", "boeing 737", "fishing boat"]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("0 0 1 0 1 1 0 nan plane 0", "no finite number"),
        ("0 0 1e999 0 1 1 0 1 plane 0", "no finite number"),
        ("3 3 3 3 3 3 3 3 plane 0", "no area"),
        ("0 0 1 0 1 1 plane 0", "eight coordinates"),
        ("plane", "eight coordinates"),
        ("0 0 1 0 1 1 0 1", "names no class"),
        ("0 0 1 0 1 1 0 1 ship 0", "not in the class table"),
    ],
)
def test_bad_lines_are_left_out_with_a_reason(tmp_path: Path, line: str, why: str) -> None:
    read_ = read(tmp_path, f"0 0 1 0 1 1 0 1 plane 0\n{line}\n", ClassTable({"plane": PLANE, "tank": None}))
    assert read_.boxes == (Box(PLANE, 0, 0, 1, 1),)
    assert len(read_.faults) == 1
    assert why in read_.faults[0]


def test_classes_that_are_not_spoken_of_are_no_fault(tmp_path: Path) -> None:
    read_ = read(tmp_path, "0 0 1 0 1 1 0 1 tank 0\n", ClassTable({"tank": None}))
    assert (read_.boxes, read_.faults) == ((), ())


def test_empty_and_binary_files(tmp_path: Path) -> None:
    assert read(tmp_path, "").boxes == ()
    binary = read(tmp_path, b"\xff\xfe\x00\x81")
    assert binary.boxes == ()
    assert "no text" in binary.faults[0]
