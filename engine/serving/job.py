"""Long work behind the page: it says how far it is, can be stopped, and keeps what was acknowledged."""

from __future__ import annotations

import logging
import threading
import time
import uuid
from collections.abc import Callable

from engine.errors import Cancelled, PharosError
from engine.progress import Cancel, Progress

log = logging.getLogger(__name__)


class Job:
    """One piece of long work on its own thread.

    Args:
        title: What is done, for a person.
        work: Called with a progress and a cancel; its return value, in words, is the outcome.

    Attributes:
        stage: What is being done now.
        done: Steps of the stage done.
        total: Steps of the stage; 0 if unknown.
        outcome: In words, once finished.
        failed: In words, if it went wrong.
        error: What went wrong, for a program that waits; None if nothing.
        ended: When it ended, on the monotonic clock; 0 while it runs.
        id: Names it among all jobs of this process.
    """

    def __init__(self, title: str, work: Callable[[Progress, Cancel], str]) -> None:
        self.title = title
        self.stage, self.done, self.total = "", 0, 0
        self.outcome, self.failed = "", ""
        self.error: PharosError | None = None
        self.ended = 0.0
        self.id = uuid.uuid4().hex[:12]
        self._stage_began = time.monotonic()
        self._cancel = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(work,), name=f"pharos-{title}", daemon=True)
        self._thread.start()

    def _run(self, work: Callable[[Progress, Cancel], str]) -> None:
        try:
            self.outcome = work(self._progress, self._cancel)
        except Cancelled as stopped:
            self.outcome = str(stopped)
        except PharosError as error:
            self.error, self.failed = error, str(error)
        except Exception:
            log.exception("%s failed", self.title)
            self.failed = f"{self.title} failed inside; the log says where. What was acknowledged is kept."
            self.error = PharosError(self.failed)
        finally:
            self.ended = time.monotonic()

    def _progress(self, stage: str, done: int, total: int) -> None:
        if stage != self.stage:
            self._stage_began = time.monotonic()
        self.stage, self.done, self.total = stage, done, total

    @property
    def running(self) -> bool:
        """Whether it still works."""
        return self._thread.is_alive()

    @property
    def seconds_left(self) -> float | None:
        """Estimated from the pace of this stage; None while unknown."""
        if not self.done or not self.total:
            return None
        return (time.monotonic() - self._stage_began) / self.done * (self.total - self.done)

    def cancel(self) -> None:
        """Ask it to stop at the next safe point."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> None:
        """Until it has ended."""
        self._thread.join(seconds)
