from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import CollectionBusy
from engine.index.lock import is_written, writing


def test_a_writer_is_seen_while_it_writes(tmp_path: Path) -> None:
    folder = tmp_path / "fields"
    assert not is_written(folder)
    with writing(folder):
        assert is_written(folder)
        with pytest.raises(CollectionBusy), writing(folder):
            pass
    assert not is_written(folder)


def test_looking_does_not_keep_a_writer_out(tmp_path: Path) -> None:
    folder, done = tmp_path / "fields", threading.Event()
    with writing(folder):
        pass

    def look() -> None:
        while not done.wait(0.001):
            is_written(folder)

    looker = threading.Thread(target=look)
    looker.start()
    try:
        for _ in range(30):
            with writing(folder):
                pass
    finally:
        done.set()
        looker.join()
