"""Files that are there as a whole or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.learning.files import written


def test_what_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "cache" / "pictures.npy"
    with written(path) as partial:
        partial.write_text("whole")
        assert not path.exists()
    with pytest.raises(TypeError), written(path) as partial, partial.open("w") as file:
        file.writelines(["half", 2])  # type: ignore[list-item]
    assert [(each.name, each.read_text()) for each in path.parent.iterdir()] == [("pictures.npy", "whole")]


def test_two_processes_fill_one_cache(tmp_path: Path) -> None:
    """Seen once: the slower of two trainings that began together found its half-written file gone."""
    path = tmp_path / "pictures.npy"
    other = """
import sys, pathlib
from engine.learning.files import written
with written(pathlib.Path(sys.argv[1])) as partial:
    partial.write_text("other")
"""
    with written(path) as partial:
        partial.write_text("own")
        subprocess.run([sys.executable, "-c", other, str(path)], check=True)
        assert path.read_text() == "other"
    assert path.read_text() == "own"
    assert list(tmp_path.iterdir()) == [path]
