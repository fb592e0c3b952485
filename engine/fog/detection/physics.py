"""The physics core as a detector."""

from __future__ import annotations

from engine.fog.cube import Cube
from engine.fog.detection.explanation import Explanation
from engine.fog.mask import FogMask
from engine.fog.physics import METHOD, detect


class PhysicsDetector:
    """The dual-channel tests; the default."""

    name = "physics"
    title = METHOD
    experimental = False

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`."""
        return detect(cube, frame)

    def explain(self, cube: Cube, frame: int, row: int, column: int) -> Explanation:
        """Why a pixel is what it is; see :func:`engine.fog.detection.explain`."""
        raise NotImplementedError
