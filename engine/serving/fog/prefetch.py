"""Frames drawn before they are asked for, the shown one first."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from engine.errors import PharosError

log = logging.getLogger(__name__)

MOST_WAITING: Final = 512
WORKERS: Final = 2


class Prefetch:
    """A bounded queue of work behind the page; what was asked for last comes first, what is too much falls off.

    Args:
        workers: How many threads draw at a time; they end when nothing waits.
    """

    def __init__(self, workers: int = WORKERS) -> None:
        self._workers = workers
        self._waiting: deque[Callable[[], object]] = deque(maxlen=MOST_WAITING)
        self._running = 0
        self._lock = threading.Lock()
        self._idle = threading.Condition(self._lock)

    def ask(self, tasks: Iterable[Callable[[], object]]) -> None:
        """Work these off next, in their order."""
        with self._lock:
            for task in reversed(list(tasks)[:MOST_WAITING]):
                self._waiting.appendleft(task)
            fresh = min(self._workers - self._running, len(self._waiting))
            self._running += fresh
        for _ in range(fresh):
            threading.Thread(target=self._work, name="pharos-frames", daemon=True).start()

    def stop(self) -> None:
        """Forget what waits."""
        with self._lock:
            self._waiting.clear()

    def wait(self, seconds: float) -> bool:
        """Wait until nothing is left to do, for so long at most; whether that is so."""
        with self._idle:
            return self._idle.wait_for(lambda: not self._running, seconds)

    def _work(self) -> None:
        while True:
            with self._idle:
                if not self._waiting:
                    self._running -= 1
                    self._idle.notify_all()
                    return
                task = self._waiting.popleft()
            try:
                task()
            except PharosError:
                pass  # who asks for this very frame is told
            except Exception:
                log.exception("drawing a frame ahead failed")
