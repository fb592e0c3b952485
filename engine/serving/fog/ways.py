"""What a method's name says beside its detector: physics, physics-dynamic, physics-learned, physics-dynamic-learned."""

from __future__ import annotations

from typing import Final

DYNAMIC: Final = "-dynamic"
"""Ending of methods that hear the frames before."""
LEARNED: Final = "-learned"
"""Last ending of methods whose forecasts are asked of the network, which leaves them to the blend where it is not offered."""


def detector_of(method: str) -> str:
    """The detector of a method, whichever way it forecasts; empty for the default one."""
    return method.removesuffix(LEARNED)
