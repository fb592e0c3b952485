"""The three things that make frames quick: results kept, files on the shelf, work ahead of the asking."""

from __future__ import annotations

import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from engine.errors import CubeInvalid
from engine.serving.fog.kept import Kept
from engine.serving.fog.prefetch import MOST_WAITING, Prefetch
from engine.serving.fog.shelf import Shelf, fingerprint


def test_a_result_is_made_once_however_many_ask_at_a_time() -> None:
    kept: Kept[str, int] = Kept(10)
    made, gate = [], threading.Event()

    def make() -> int:
        gate.wait(5)
        made.append(1)
        return len(made)

    with ThreadPoolExecutor(8) as pool:
        asked = [pool.submit(kept.get, "a", make) for _ in range(8)]
        time.sleep(0.05)
        gate.set()
        assert {each.result() for each in asked} == {1}
    assert kept.get("a", make) == 1
    assert kept.peek("a") == 1
    assert kept.peek("b") is None


def test_what_was_not_asked_for_longest_goes_when_room_is_short() -> None:
    kept: Kept[str, bytes] = Kept(10, len)
    for key in "abc":
        kept.get(key, lambda: b"1234")
        kept.get("a", lambda: b"")
    assert kept.peek("a") is not None
    assert kept.peek("b") is None
    assert kept.weight == 8
    kept.get("big", lambda: b"x" * 50)  # larger than the room: kept until the next comes
    assert kept.weight == 50


def test_a_failure_reaches_all_who_wait_and_is_tried_again() -> None:
    kept: Kept[str, int] = Kept(10)

    def fail() -> int:
        raise CubeInvalid("sea", "broken.")

    with pytest.raises(CubeInvalid):
        kept.get("a", fail)
    assert kept.get("a", lambda: 7) == 7


def test_the_shelf_gives_back_what_lies_there_and_bears_a_lost_folder(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "frames")
    assert shelf.get(("a", 1)) is None
    shelf.put(("a", 1), b"body")
    assert shelf.get(("a", 1)) == b"body"
    assert Shelf(tmp_path / "frames").get(("a", 1)) == b"body"
    (tmp_path / "file").write_text("")
    blocked = Shelf(tmp_path / "file")
    blocked.put(("a", 1), b"body")
    assert blocked.get(("a", 1)) is None


def test_the_shelf_stays_within_its_bytes(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, most=30)
    for number in range(6):
        shelf.put((number,), b"0123456789")
        path = max(tmp_path.glob("*/*"), key=lambda each: each.stat().st_ctime_ns)
        os.utime(path, (number, number))
    shelf.tidy()
    assert sum(path.stat().st_size for path in tmp_path.glob("*/*")) <= 30
    assert shelf.get((5,)) is not None
    assert shelf.get((0,)) is None


def test_old_pictures_are_not_shown_after_the_code_has_changed() -> None:
    assert len(fingerprint()) == 12
    assert fingerprint() == fingerprint()


def test_work_ahead_is_done_in_order_and_the_latest_wish_first() -> None:
    done: list[str] = []
    gate = threading.Event()
    ahead = Prefetch(workers=1)
    ahead.ask([lambda: gate.wait(5)])
    time.sleep(0.05)
    ahead.ask([lambda: done.append("old 1"), lambda: done.append("old 2")])
    ahead.ask([lambda: done.append("new 1"), lambda: done.append("new 2")])
    gate.set()
    assert ahead.wait(5)
    assert done == ["new 1", "new 2", "old 1", "old 2"]


def test_a_failure_ahead_stops_nothing_and_too_much_falls_off() -> None:
    done: list[int] = []
    gate = threading.Event()

    def fail() -> None:
        raise CubeInvalid("sea", "broken.")

    ahead = Prefetch(workers=1)
    ahead.ask([lambda: gate.wait(5)])
    time.sleep(0.05)
    ahead.ask([lambda number=number: done.append(number) for number in range(MOST_WAITING + 50)])
    ahead.ask([fail])
    gate.set()
    assert ahead.wait(5)
    assert done == list(range(MOST_WAITING - 1))
    ahead.ask([lambda: done.clear()])
    assert ahead.wait(5)
    assert done == []


def test_what_waits_is_forgotten_when_it_stops() -> None:
    done: list[int] = []
    gate = threading.Event()
    ahead = Prefetch(workers=1)
    ahead.ask([lambda: gate.wait(5), lambda: done.append(1)])
    time.sleep(0.05)
    ahead.stop()
    gate.set()
    assert ahead.wait(5)
    assert done == []
