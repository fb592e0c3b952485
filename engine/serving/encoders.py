"""Encoders of a process: each is loaded once, behind the page."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Final

from engine.errors import EncoderNotReady
from engine.progress import Cancel, Progress, silent, stop_if
from engine.serving.job import Job

if TYPE_CHECKING:
    from engine.encoders import Encoder

RETRY_SECONDS: Final = 30.0
"""A model that failed to load is tried again after this long: a missing network or file is asked for no oftener."""


class Encoders:
    """Loaded encoders, and those that are being loaded, thread-safe.

    Args:
        load: Called with id, progress and cancel on a thread of its own.
    """

    def __init__(self, load: Callable[[str, Progress, Cancel], Encoder]) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._ready: dict[str, Encoder] = {}
        self._jobs: dict[str, Job] = {}

    def loaded(self, model: str) -> Encoder | None:
        """An encoder that is there already."""
        return self._ready.get(model)

    def loading(self, model: str) -> Job | None:
        """The loading of a model while it lasts or after it has failed, else None."""
        return None if model in self._ready else self._jobs.get(model)

    def get(self, model: str, *, wait: bool, cancel: Cancel | None = None, progress: Progress = silent) -> Encoder:
        """An encoder; its loading is begun where it has not.

        Args:
            model: Its id.
            wait: Whether to wait until it is there.
            cancel: Ends the waiting; the loading goes on for others.
            progress: Told how far the loading is, while waiting.

        Raises:
            EncoderNotReady: If it is being loaded and ``wait`` is not set.
            Cancelled: If ``cancel`` was set.
            PharosError: If it could not be loaded; for 30 s the reason is told again, then it is tried again.
        """
        found = self._ready.get(model)
        if found is not None:
            return found
        job = self._begin(model)
        while wait and job.running:
            progress(job.stage or f"Loading {model}", job.done, job.total)
            stop_if(cancel, f"Waiting for {model}")
            job.wait(0.2)
        running = job.running  # asked before what it leaves behind
        found = self._ready.get(model)
        if found is not None:
            return found
        if running:
            raise EncoderNotReady(model, _in_words(job))
        if job.error is None:  # it was stopped, as by an engine that was closed and is asked again
            return self.get(model, wait=wait, cancel=cancel, progress=progress)
        raise job.error

    def stop(self) -> None:
        """Tell every loading to end."""
        with self._lock:
            for job in self._jobs.values():
                job.cancel()

    def _begin(self, model: str) -> Job:
        with self._lock:
            job = self._jobs.get(model)
            if job is None or (not job.running and model not in self._ready and _may_retry(job)):
                job = self._jobs[model] = Job(f"Loading {model}", lambda progress, cancel: self._keep(model, progress, cancel))
            return job

    def _keep(self, model: str, progress: Progress, cancel: Cancel) -> str:
        self._ready[model] = self._load(model, progress, cancel)
        return f"{model} is ready."


def _may_retry(job: Job) -> bool:
    """Whether a failure is long ago; a loading that was stopped is begun again at once."""
    return job.error is None or time.monotonic() - job.ended >= RETRY_SECONDS


def _in_words(job: Job) -> str:
    stage = job.stage or "it is loading"
    return f"{stage} ({min(job.done / job.total, 1.0):.0%})" if job.total else stage
