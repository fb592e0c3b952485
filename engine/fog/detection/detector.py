"""What a detector is, and the detectors that there are.

A detector is any object with these attributes and one verb, :meth:`Detector.detect`. To add one, write a class without arguments and
add a line to :data:`DETECTORS`; it is imported when it is first asked for. A detector raises
:class:`engine.errors.DetectorUnavailable` when it is made and something that it needs is missing, and
:class:`engine.errors.CubeInvalid` for a frame that can't be judged at all. What can be judged with less certainty is judged, and
says so in :attr:`engine.fog.mask.FogMask.validity`.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from importlib import import_module
from typing import Final, Protocol, runtime_checkable

from engine.errors import DetectorUnavailable
from engine.fog.cube import Cube
from engine.fog.mask import FogMask

DEFAULT: Final = "physics"

DETECTORS: Final[Mapping[str, str]] = {
    "physics": "engine.fog.detection.physics:PhysicsDetector",
    "network": "engine.fog.network:NetworkDetector",
}
"""Name → module and class."""


@runtime_checkable
class Detector(Protocol):
    """Finds fog or very low stratus in a frame.

    Attributes:
        name: As in :data:`DETECTORS`, for example ``physics``.
        title: As a person reads it; becomes :attr:`engine.fog.mask.FogMask.method`.
        experimental: Whether it must be marked so wherever it is shown.
    """

    @property
    def name(self) -> str: ...  # noqa: D102 - above

    @property
    def title(self) -> str: ...  # noqa: D102 - above

    @property
    def experimental(self) -> bool: ...  # noqa: D102 - above

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """Judge one frame.

        Args:
            cube: The cube.
            frame: Index of the frame, from 0. Later frames are never looked at.

        Raises:
            CubeInvalid: If the frame can't be judged at all: it is empty, its units are wrong, or it holds nothing that can be used.
        """
        ...


def detector(name: str = DEFAULT) -> Detector:
    """A detector by its name; made once and kept. It may be used by several threads.

    Raises:
        DetectorUnavailable: If there is none of that name, or something that it needs is missing.
    """
    if name not in DETECTORS:
        raise DetectorUnavailable(name, f"there is no such method; choose {' or '.join(DETECTORS)}.")
    return _made(name)


@lru_cache(maxsize=8)
def _made(name: str) -> Detector:
    module, _, attribute = DETECTORS[name].partition(":")
    try:
        found: Detector = getattr(import_module(module), attribute)()
    except ImportError as error:
        raise DetectorUnavailable(name, f"its part {error.name or module} is not installed.") from None
    return found


def available() -> dict[str, bool]:
    """Names of the detectors, and whether they can be used here."""
    usable = {}
    for name in DETECTORS:
        try:
            detector(name)
            usable[name] = True
        except DetectorUnavailable:
            usable[name] = False
    return usable
