"""Files that a person sends: kept under their own names, whole or not at all."""

from __future__ import annotations

import errno
import filecmp
import shutil
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, Final

from engine.errors import UploadInvalid

FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
LONGEST_NAME: Final = 200
"""Bytes of a file name."""


def file_name(given: str) -> str:
    """The last part of the name that a browser sends, which may be a whole path.

    Raises:
        UploadInvalid: If that can't name a file.
    """
    name = given.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if name in {"", ".", ".."} or not name.isprintable() or len(name.encode()) > LONGEST_NAME:
        raise UploadInvalid(given)
    return name


def keep_files(folder: Path, files: Sequence[tuple[str, BinaryIO]]) -> None:
    """Keep files in a folder; of equal names the later ones get a number, the same content is kept once.

    Args:
        folder: Made where there is none.
        files: Name and content of each.

    Raises:
        UploadInvalid: If a name can't be used; nothing is kept.
        OSError: If the disk refuses; the file in work is not kept.
    """
    names = [file_name(name) for name, _ in files]
    folder.mkdir(parents=True, exist_ok=True)
    for name, (_, content) in zip(names, files, strict=True):
        part = folder / f".{uuid.uuid4().hex}.part"
        try:
            with part.open("wb") as out:
                shutil.copyfileobj(content, out)
            _settle(part, folder, name)
        finally:
            part.unlink(missing_ok=True)


def _settle(part: Path, folder: Path, name: str) -> None:
    """Give a whole file its name."""
    home, number = folder / name, 1
    while home.exists():
        if home.is_file() and filecmp.cmp(part, home, shallow=False):
            return
        number += 1
        home = folder / f"{Path(name).stem}-{number}{Path(name).suffix}"
    part.rename(home)
