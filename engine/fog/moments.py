"""The time axis as a person sees it: real frames, the half hours that are missing, and forecast ones."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median_low
from typing import Any, Final, Literal

import numpy as np

from engine.errors import TimeInvalid
from engine.fog.cube import Cube
from engine.fog.sun import solar_zenith
from engine.types import spoken

HALF_HOUR: Final = timedelta(minutes=30)
LONG_GAP: Final = 12
"""Missing frames in a row that are still shown one by one; a longer gap is a single moment."""
_STAMP: Final = re.compile(r"[0-9]{8}T[0-9]{6}Z\Z")

Light = Literal["day", "twilight", "night", "unknown"]


@dataclass(frozen=True, slots=True)
class Moment:
    """One place on the time axis.

    Attributes:
        time: When, UTC.
        index: Of the cube's frame; ``None`` where there is none.
        light: In the middle of the cube.
        missing: How many frames are missing here; 0 where there is one.
        lead: Minutes ahead, of a forecast; ``None`` for what was observed.
    """

    time: datetime
    index: int | None
    light: Light
    missing: int = 0
    lead: int | None = None

    @property
    def gap(self) -> bool:
        """Whether nothing was taken then."""
        return self.missing > 0

    @property
    def forecast(self) -> bool:
        """Whether it is predicted."""
        return self.lead is not None

    @property
    def stamp(self) -> str:
        """The time as it stands in addresses."""
        return stamp(self.time)

    def record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "time": self.time.isoformat(),
            "stamp": self.stamp,
            "label": spoken(self.time),
            "index": self.index,
            "light": self.light,
            "gap": self.gap,
            "missing": self.missing,
            "forecast": self.forecast,
            "lead": self.lead,
        }


def stamp(when: datetime) -> str:
    """A time as it stands in addresses and file names: ``20210601T113000Z``."""
    return f"{when.astimezone(UTC):%Y%m%dT%H%M%SZ}"


def unstamped(text: str) -> datetime:
    """The time of a stamp.

    Raises:
        TimeInvalid: If it is none.
    """
    try:
        if not _STAMP.match(text):
            raise ValueError
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    except ValueError:
        raise TimeInvalid(text) from None


def spacing(times: Sequence[datetime]) -> timedelta:
    """How far apart frames usually are: the lower median, rounded to minutes; half an hour where there is a single one."""
    steps = [(after - before).total_seconds() for before, after in pairwise(times)]
    return timedelta(minutes=max(1, round(median_low(steps) / 60))) if steps else HALF_HOUR


def moments(cube: Cube, first: int = 0, last: int | None = None) -> tuple[Moment, ...]:
    """Frames of a cube and the gaps between them.

    Args:
        cube: The cube.
        first: Index of the first frame.
        last: Index of the last one; by default that of the cube.
    """
    end = len(cube.times) - 1 if last is None else min(last, len(cube.times) - 1)
    usual = spacing(cube.times)
    found: list[Moment] = []
    for index in range(first, end + 1):
        if index > first:
            found.extend(_missing(cube, cube.times[index - 1], cube.times[index], usual))
        found.append(Moment(cube.times[index], index, light(cube, cube.times[index])))
    return tuple(found)


def ahead(cube: Cube, issued: datetime, leads: Sequence[int]) -> tuple[Moment, ...]:
    """The moments that a forecast reaches."""
    times = [(lead, issued + timedelta(minutes=lead)) for lead in leads]
    return tuple(Moment(when, None, light(cube, when), lead=lead) for lead, when in times)


def light(cube: Cube, when: datetime) -> Light:
    """Light in the middle of the cube: day up to a solar zenith angle of 80°, night from 90°, twilight between."""
    if not (cube.time_known and cube.place_known):
        return "unknown"
    lon, lat = cube.bounds.centre
    middle = float(solar_zenith(when, np.array(lat), np.array(lon)))
    return "day" if middle < 80 else "twilight" if middle < 90 else "night"


def _missing(cube: Cube, before: datetime, after: datetime, usual: timedelta) -> Iterator[Moment]:
    count = round((after - before) / usual) - 1
    if count > LONG_GAP:
        when = before + usual
        yield Moment(when, None, light(cube, when), missing=count)
        return
    for step in range(1, count + 1):
        when = before + usual * step
        yield Moment(when, None, light(cube, when), missing=1)
