"""Drawn frames on disk, so that a restart does not draw them again; what was not asked for longest goes first."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from engine.settings import ROOT

MOST_BYTES: Final = 512 * 1024**2
_TIDY_EVERY: Final = 256


class Shelf:
    """Small files by key below a folder; a disk that is full or read-only costs nothing but speed.

    Args:
        folder: Where.
        most: Bytes that may lie there.
    """

    def __init__(self, folder: Path, most: int = MOST_BYTES) -> None:
        self._folder, self._most = folder, most
        self._written = 0
        self._lock = threading.Lock()

    def get(self, key: tuple[object, ...]) -> bytes | None:
        """What lies there."""
        path = self._path(key)
        try:
            found = path.read_bytes()
            os.utime(path)
        except OSError:
            return None
        return found

    def put(self, key: tuple[object, ...], body: bytes) -> None:
        """Lay a file down."""
        path = self._path(key)
        part = path.with_name(f"{path.name}.{threading.get_ident()}.part")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            part.write_bytes(body)
            part.replace(path)
        except OSError:
            return
        with self._lock:
            self._written += 1
            due = self._written % _TIDY_EVERY == 1
        if due:
            self.tidy()

    def tidy(self) -> None:
        """Take away what was not asked for longest until the rest fits."""
        files = sorted(self._files(), reverse=True)
        total = 0
        for _, size, path in files:
            total += size
            if total > self._most:
                path.unlink(missing_ok=True)

    def _files(self) -> Iterator[tuple[float, int, Path]]:
        for path in self._folder.glob("*/*"):
            try:
                about = path.stat()
            except OSError:
                continue
            yield about.st_mtime, about.st_size, path

    def _path(self, key: tuple[object, ...]) -> Path:
        name = hashlib.blake2b(repr(key).encode(), digest_size=16).hexdigest()
        return self._folder / name[:2] / name[2:]


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """Changes with the code and the recipes that draw frames, so that old pictures are never shown for new ones."""
    print_ = hashlib.blake2b(digest_size=6)
    for folder in (ROOT / "engine" / "fog", ROOT / "assets" / "fog", ROOT / "assets" / "instruments"):
        for path in sorted(folder.rglob("*")):
            if path.suffix in (".py", ".yaml"):
                about = path.stat()
                print_.update(f"{path.relative_to(ROOT)} {about.st_mtime_ns} {about.st_size}".encode())
    for path in sorted((ROOT / "assets" / "models").glob("*.onnx")):
        print_.update(f"{path.name} {path.stat().st_mtime_ns}".encode())
    return print_.hexdigest()
