"""What every command shares: how it shows progress, prints its answer and keeps standard output to itself."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object as the last line, and nothing else on standard output.")]


class ProgressLine:
    """Progress on standard error: on a terminal one line with the time left, written anew at most four times a second.

    Where nobody watches a terminal, each stage is named once.
    """

    def __init__(self) -> None:
        self._stage, self._start, self._last = "", 0.0, 0.0
        self._live = sys.stderr.isatty()

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show one step (engine.progress.Progress)."""
        now = time.monotonic()
        if stage != self._stage:
            self._stage, self._start, self._last = stage, now, 0.0
            if not self._live:
                sys.stderr.write(f"{stage}\n")
        if not self._live or (now - self._last < 0.25 and done < total):
            return
        self._last = now
        left = (now - self._start) / done * (total - done) if done and total else 0.0
        share = f"{done:,} of {total:,}, {left:.0f} s left" if total else f"{done:,}"
        sys.stderr.write(f"\r\x1b[K{stage}: {share}" + ("\n" if total and done >= total else ""))
        sys.stderr.flush()


def answer(record: Mapping[str, Any], as_json: bool, words: Callable[[], str]) -> None:
    """Print what a command found: one JSON line, or words for a person."""
    typer.echo(json.dumps(record, ensure_ascii=False, allow_nan=False) if as_json else words())


def quietly() -> contextlib.redirect_stdout[Any]:
    """Standard output belongs to the answer; what libraries print goes to standard error."""
    return contextlib.redirect_stdout(sys.stderr)
