"""Ways to forecast: persistence, optical flow, the two blended, and a network that says how clouds change on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from numpy.typing import NDArray

from engine.errors import NowcastInvalid
from engine.fog.nowcast.history import Field, History
from engine.fog.nowcast.motion import Motion

if TYPE_CHECKING:
    from engine.fog.nowcast.network.learned import Learned

Method = Literal["persistence", "flow", "blend", "network"]
METHODS: Final[tuple[Method, ...]] = ("persistence", "flow", "blend", "network")
MOST_MINUTES: Final = 180
"""Beyond three hours clouds have grown and gone, and motion alone says little."""
LEADS: Final = (30, 60, 90, 120, 150, 180)
REACH: Final = 120
"""Minutes that the network looks ahead."""


def leads_named(text: str) -> tuple[int, ...]:
    """Leads as a person writes them, “30,60,90” minutes.

    Raises:
        NowcastInvalid: If one is no whole number of minutes.
    """
    try:
        return checked(tuple(int(part) for part in text.split(",") if part.strip()))
    except ValueError:
        raise NowcastInvalid(f"“{text[:60]}” is no list of minutes. Write it as 30,60,90.") from None


def checked(leads: Sequence[int]) -> tuple[int, ...]:
    """Leads in order, each once.

    Raises:
        NowcastInvalid: If there is none, or one is not between 1 and 180 minutes.
    """
    if not leads:
        raise NowcastInvalid("no lead is given. Write leads as 30,60,90 minutes.")
    wrong = [lead for lead in leads if not 1 <= lead <= MOST_MINUTES]
    if wrong:
        raise NowcastInvalid(f"a lead of {wrong[0]} minutes is out of reach; 1 to {MOST_MINUTES} minutes can be forecast.")
    return tuple(sorted(set(leads)))


def method_named(name: str) -> Method:
    """A method by its name.

    Raises:
        NowcastInvalid: If there is none of that name.
    """
    for method in METHODS:
        if name == method:
            return method
    raise NowcastInvalid(f"“{name[:60]}” is no method. Known: {', '.join(METHODS)}.")


@dataclass(frozen=True, slots=True, eq=False)
class Parts:
    """What all ways say from one frame on.

    Attributes:
        now: (n, m) the frame: persistence at every lead.
        carried: (K, n, m) the same carried along the motion; ``None`` where motion can't be seen.
        reached: (K, n, m) where what is carried was seen or hidden before; elsewhere the air came over the border.
        learned: (L, n, m) the network's word at the first L leads, those up to two hours; ``None`` where it was not asked.
        why: Why it was not asked, if it should have been.
    """

    now: Field
    carried: Field | None
    reached: NDArray[np.bool_]
    learned: Field | None = None
    why: str = ""

    @classmethod
    def of(cls, history: History, index: int, leads: Sequence[int], *, flow: bool = True, network: Learned | None = None) -> Parts:
        """From a frame of the history; without flow, persistence alone."""
        now = history.frame(index)
        motion = Motion.track(history, index) if flow else None
        if motion is None:
            return cls(now, None, np.ones((len(leads), *now.shape), dtype=bool))
        absent = np.all([np.isnan(history.frame(each)) for each in history.trail(index)], axis=0)
        # what was never seen, such as land, is no hole that moves; but a frame without any value is one
        carried, reached = motion.carry(now, [lead / 60 for lead in leads], fixed=absent)
        near = [lead for lead in leads if lead <= REACH]
        if network is None or not near:
            return cls(now, carried, reached)
        learned, why = network.carried(history, index, motion, near, fixed=absent)
        return cls(now, carried, reached, None if why else learned, why)

    def said(self, number: int, method: Method, weight: float) -> Field:
        """(n, m) the forecast of a method at a lead; the network's beyond its reach is the blend's."""
        if method == "network" and self.learned is not None and number < len(self.learned):
            said: Field = self.learned[number]
            return said
        return self.at(number, weight)

    def at(self, number: int, weight: float) -> Field:
        """(n, m) the forecast at a lead: ``weight`` of the carried frame and the rest of persistence; where one is unknown, the other."""
        if self.carried is None or weight <= 0:
            return self.now
        flow: Field = self.carried[number]
        if weight >= 1:
            return flow
        mixed = np.float32(weight) * flow + np.float32(1 - weight) * self.now
        return np.asarray(np.where(np.isnan(flow), self.now, np.where(np.isnan(self.now), flow, mixed)), dtype=np.float32)
