"""Work beside the event loop: bounded, apart by kind, and not for nobody."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from starlette.requests import Request

from app.routes.refusals import Gone, Overloaded
from app.routes.replies import Lane
from tests.loops import run


def request(*, gone: bool = False) -> Request:
    async def receive() -> dict[str, Any]:
        if not gone:
            await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    return Request({"type": "http", "method": "GET", "path": "/", "headers": [], "query_string": b""}, receive)


def test_work_is_done_on_another_thread() -> None:
    name = run(Lane("test", 1, 0).work(request(), lambda: threading.current_thread().name))
    assert name.startswith("pharos-test")


def test_nothing_is_done_for_a_browser_that_has_left() -> None:
    done: list[int] = []
    with pytest.raises(Gone):
        run(Lane("test", 1, 0).work(request(gone=True), lambda: done.append(1)))
    assert done == []


def test_what_exceeds_the_queue_is_refused_and_the_rest_is_answered() -> None:
    async def crowd() -> list[object]:
        lane, free = Lane("test", 2, 3), threading.Event()
        asked = [asyncio.create_task(lane.work(request(), free.wait)) for _ in range(7)]
        await asyncio.sleep(0)
        free.set()
        return await asyncio.gather(*asked, return_exceptions=True)

    answers = run(crowd())
    assert answers[:5] == [True] * 5
    assert all(isinstance(answer, Overloaded) for answer in answers[5:])


def test_tiles_do_not_wait_for_a_full_lane_of_searches() -> None:
    async def both() -> str:
        searches, tiles, free = Lane("answer", 2, 8), Lane("tile", 1, 8), threading.Event()
        waiting = [asyncio.create_task(searches.work(request(), free.wait)) for _ in range(5)]
        await asyncio.sleep(0)
        try:
            return await asyncio.wait_for(tiles.work(request(), lambda: "tile"), 5)
        finally:
            free.set()
            await asyncio.gather(*waiting)

    assert run(both()) == "tile"
