"""Class tables: which keys find which words, and tables that are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import CaptionsInvalid, DataMissing
from engine.learning.captions.classes import ClassTable, ClassUnknown
from engine.learning.captions.english import Noun

TABLE = """
0: ~
3: building
-1: cloud
"#00FF0a": tree
baseballfield: baseball field
Large-Vehicle: truck
ships: {one: ship, many: ships}
"""


@pytest.fixture
def table(tmp_path: Path) -> ClassTable:
    (tmp_path / "classes.yaml").write_text(TABLE)
    return ClassTable.read(tmp_path / "classes.yaml")


@pytest.mark.parametrize(
    ("key", "one"),
    [
        ("3", "building"),
        ("-1", "cloud"),
        ("#00ff0a", "tree"),
        ("baseballfield", "baseball field"),
        ("large_vehicle", "truck"),
        ("LargeVehicle", "truck"),
        ("Large Vehicle", "truck"),
        ("Ships", "ship"),
    ],
)
def test_keys_are_found_however_they_are_written(table: ClassTable, key: str, one: str) -> None:
    assert table.noun(key) == Noun(one, f"{one}s")


def test_what_is_left_out_and_what_is_unknown(table: ClassTable) -> None:
    assert table.noun("0") is None
    with pytest.raises(ClassUnknown, match="“1” is not in the class table"):
        table.noun("1")


def test_without_a_table_names_speak_for_themselves() -> None:
    assert ClassTable({}).noun("StorageTank") == Noun("storage tank", "storage tanks")
    for name in ("7", "", "–", "x" * 81):
        with pytest.raises(ClassUnknown, match="is no class name"):
            ClassTable({}).noun(name)


@pytest.mark.parametrize("content", ["", "[1, 2]", "text", "0: ~", "3: [a]", "3: {one: a}", "3: 7", "{", "\x00", "3: ''"])
def test_tables_that_are_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "classes.yaml").write_text(content)
    with pytest.raises(CaptionsInvalid, match=r"classes\.yaml"):
        ClassTable.read(tmp_path / "classes.yaml")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataMissing, match="class table"):
        ClassTable.read(tmp_path / "classes.yaml")
