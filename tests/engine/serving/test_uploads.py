from __future__ import annotations

import errno
import io
from pathlib import Path

import pytest

from engine.errors import DiskFull, UploadInvalid
from engine.serving import Engine, uploads
from engine.serving.uploads import keep_files
from engine.settings import Settings


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize("name", ["", ".", "..", "a/..", "c:\\up\\", "a\0b", "x" * 300])
def test_what_names_no_file_is_refused_before_anything_is_written(tmp_path: Path, name: str) -> None:
    with pytest.raises(UploadInvalid):
        keep_files(tmp_path / "up", [("good.tif", io.BytesIO(b"1")), (name, io.BytesIO(b"2"))])
    assert not (tmp_path / "up").exists()


def test_paths_are_cut_and_equal_names_numbered(tmp_path: Path) -> None:
    files = [("../../a.tif", b"one"), ("C:\\pictures\\a.tif", b"two"), ("a.tif", b"one")]
    keep_files(tmp_path, [(name, io.BytesIO(body)) for name, body in files])
    assert names(tmp_path) == ["a-2.tif", "a.tif"]
    assert [(tmp_path / name).read_bytes() for name in names(tmp_path)] == [b"two", b"one"]


def test_a_full_disk_is_told_and_leaves_no_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(uploads.shutil, "copyfileobj", full)
    machine = Engine(Settings(data_dir=tmp_path, demo=False))
    with pytest.raises(DiskFull, match="The disk is full"):
        machine.index_uploads("mine", [("a.tif", io.BytesIO(b"1"))])
    assert names(tmp_path / "uploads" / "mine") == []
    assert machine.jobs() == ()
