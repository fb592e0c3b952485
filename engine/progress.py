"""How long work reports where it is and learns that it should stop."""

from __future__ import annotations

import threading
from collections.abc import Callable

from engine.errors import Cancelled

Progress = Callable[[str, int, int], None]
"""Called as (stage, done, total); total 0 means unknown."""

Cancel = threading.Event
"""Set by whoever wants the work to stop at the next safe point."""


def silent(stage: str, done: int, total: int) -> None:
    """A progress that nobody watches."""


def stop_if(cancel: Cancel | None, task: str, kept: str = "") -> None:
    """Raise when the person asked to stop.

    Raises:
        Cancelled: With what was kept.
    """
    if cancel is not None and cancel.is_set():
        raise Cancelled(task, kept)
