"""The mask of each moment, whether observed or forecast."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.fog.mask import FogMask
from engine.fog.moments import Moment

if TYPE_CHECKING:
    from datetime import datetime

    from engine.fog.cube import Cube

Judge = Callable[[Moment], FogMask | None]
"""Moment → mask; ``None`` in gaps and where it is not worked out yet. Raises PharosError where the frame can't be judged."""


def judge(cube: Cube, method: str = "", issued: datetime | None = None) -> Judge:
    """Judge frames one after the other, forecasts from one run; nothing is kept but that.

    Args:
        cube: The cube.
        method: Detector; by default the default one.
        issued: Time of the frame from which a forecast starts; by default the last.
    """
    from engine.fog.detection import DEFAULT, detect

    ahead: dict[datetime, FogMask] = {}
    chosen = method or DEFAULT

    def find(moment: Moment) -> FogMask | None:
        if moment.index is not None:
            return detect(cube, moment.index, chosen)
        if not moment.forecast:
            return None
        if not ahead:
            from engine.fog.nowcast import nowcast_mask

            made = nowcast_mask(cube, until=issued, detector=lambda each, index: detect(each, index, chosen))
            ahead.update({mask.time: mask for mask in made.masks})
        return ahead.get(moment.time)

    return find
