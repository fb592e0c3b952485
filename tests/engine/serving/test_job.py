from __future__ import annotations

import threading

from engine.errors import EmptyQuery
from engine.progress import Cancel, Progress, stop_if
from engine.serving.job import Job


def test_a_job_tells_where_it_is_and_how_it_ended() -> None:
    seen, go = threading.Event(), threading.Event()

    def work(progress: Progress, cancel: Cancel) -> str:
        progress("reading", 3, 10)
        seen.set()
        go.wait(10)
        return "ten read"

    job = Job("reading", work)
    assert seen.wait(10)
    assert (job.stage, job.done, job.total, job.running) == ("reading", 3, 10, True)
    assert job.seconds_left is not None
    go.set()
    job.wait(10)
    assert (job.outcome, job.failed, job.running) == ("ten read", "", False)


def test_a_stopped_job_says_what_it_kept() -> None:
    def work(progress: Progress, cancel: Cancel) -> str:
        cancel.wait(10)
        stop_if(cancel, "Indexing", "120 tiles are kept.")
        return "never"

    job = Job("indexing", work)
    job.cancel()
    job.wait(10)
    assert job.outcome == "Indexing was cancelled. 120 tiles are kept."


def test_our_own_errors_are_told_and_strange_ones_are_not() -> None:
    def ours(progress: Progress, cancel: Cancel) -> str:
        raise EmptyQuery

    def strange(progress: Progress, cancel: Cancel) -> str:
        raise RuntimeError("secret path")

    for work, says in ((ours, "The query is empty"), (strange, "failed inside")):
        job = Job("work", work)
        job.wait(10)
        assert says in job.failed
        assert "secret" not in job.failed
