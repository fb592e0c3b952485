"""Which frames show the same fog: half an hour apart they are no two samples."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

PAUSE: Final = timedelta(hours=6)
"""Without fog, or without frames, for so long, the next fog is another event."""


def events(times: Sequence[datetime], foggy: Sequence[bool], *, pause: timedelta = PAUSE) -> list[int]:
    """Number the events of a series.

    A new event begins where frames are missing for longer than the pause, and where fog comes back after it was away for longer.
    Frames without fog belong to the event before them, or to the first one: their false alarms count too.

    Args:
        times: T times in order.
        foggy: T, whether there was fog.
        pause: How long it takes.

    Returns:
        T numbers from 0, rising.
    """
    numbers: list[int] = []
    number, last_fog = 0, None
    for index, (when, fog) in enumerate(zip(times, foggy, strict=True)):
        gap = index > 0 and when - times[index - 1] > pause
        back = fog and last_fog is not None and when - last_fog > pause
        if gap or back:
            number, last_fog = number + 1, None
        if fog:
            last_fog = when
        numbers.append(number)
    return numbers
