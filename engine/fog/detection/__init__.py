"""Finding fog or very low stratus in a frame.

- :class:`Detector` is what every method offers: ``detect(cube, frame) -> FogMask``; :func:`detector` gives one by its name.
- :func:`detect` judges one frame, :func:`explain` says why a pixel of it is what it is.
"""

from __future__ import annotations

from engine.fog.cube import Cube
from engine.fog.detection.detector import DEFAULT, DETECTORS, Detector, available, detector
from engine.fog.detection.explanation import Explanation, Finding
from engine.fog.mask import FogMask

__all__ = ["DEFAULT", "DETECTORS", "Detector", "Explanation", "Finding", "available", "detect", "detector", "explain"]


def detect(cube: Cube, frame: int, method: str = DEFAULT) -> FogMask:
    """Judge one frame; see :meth:`Detector.detect`.

    Raises:
        DetectorUnavailable: If the method can't be used here.
        CubeInvalid: If the frame can't be judged at all.
    """
    return detector(method).detect(cube, frame)


def explain(cube: Cube, frame: int, row: int, column: int) -> Explanation:
    """Why a pixel is what it is, by the physics core, which every method builds on.

    Args:
        cube: The cube.
        frame: Index of the frame, from 0.
        row: From the north, from 0.
        column: From the west, from 0.

    Raises:
        CubeInvalid: If there is no such pixel, or the frame can't be judged at all.
    """
    from engine.fog.detection.physics import PhysicsDetector

    return PhysicsDetector().explain(cube, frame, row, column)
