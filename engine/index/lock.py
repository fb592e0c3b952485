"""One writer a collection: a lock that dies with its process."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from engine.errors import CollectionBusy

FILE: Final = ".lock"
TRIES: Final = 3


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Hold the right to write a collection; the kernel releases it when the process ends, however it ends.

    Args:
        folder: The collection's folder; made where there is none.

    Raises:
        CollectionBusy: If another process, or another thread of this one, holds it.
    """
    handle = _locked(folder)
    try:
        os.ftruncate(handle, 0)
        os.pwrite(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode(), 0)
        yield
    finally:
        os.close(handle)


def is_written(folder: Path) -> bool:
    """Whether somebody holds the right to write a collection now."""
    try:
        handle = os.open(folder / FILE, os.O_RDONLY)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)  # held for a moment; a writer that comes just then tries again
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def _locked(folder: Path) -> int:
    tries = 0
    while True:
        folder.mkdir(parents=True, exist_ok=True)
        handle = os.open(folder / FILE, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            owner = _owner(handle)
            os.close(handle)
            tries += 1
            if tries < TRIES:
                time.sleep(0.02)
                continue
            raise CollectionBusy(folder.name, owner) from None
        with contextlib.suppress(FileNotFoundError):
            if os.path.samestat(os.fstat(handle), (folder / FILE).stat()):
                return handle
        os.close(handle)  # its last owner removed the collection between our open and our lock


def _owner(handle: int) -> str:
    try:
        owner = json.loads(os.pread(handle, 4096, 0))
        return f"process {int(owner['pid'])} on {owner['host']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"
