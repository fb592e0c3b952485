"""The network as a detector: experimental, asked only where a frame resembles what it has learned from; physics judges the rest."""

from __future__ import annotations

from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import DetectorUnavailable, WeightsCorrupt, WeightsMissing
from engine.fog.cube import Cube
from engine.fog.detection.detector import detector
from engine.fog.mask import Check, FogMask, State, Validity
from engine.fog.network.features import Sight
from engine.fog.network.session import MODEL, Session

TITLE: Final = "network: U-Net on physics features (experimental, learned from simulated weather)"
_MOST_STRANGE: Final = 0.5
"""Share of strange blocks from which the whole frame is left to physics."""
_CELLS: Final = (0.004, 0.11)
"""Size of a cell, degrees, that it has learned from, with some slack."""
_COVERED: Final = 0.5


class NetworkDetector:
    """A small U-Net behind an out-of-range gate; see :class:`engine.fog.detection.Detector`."""

    name = "network"
    title = TITLE
    experimental = True

    def __init__(self, model: Path = MODEL) -> None:
        """Find the weights.

        Raises:
            DetectorUnavailable: If ONNX Runtime or the weights are missing, or the weights are broken.
        """
        if find_spec("onnxruntime") is None:
            raise DetectorUnavailable(self.name, "ONNX Runtime is not installed: pip install -r requirements.txt.")
        try:
            self.session = Session(model)
        except (WeightsMissing, WeightsCorrupt) as error:
            raise DetectorUnavailable(self.name, str(error)) from None

    def detect(self, cube: Cube, frame: int) -> FogMask:
        """See :meth:`engine.fog.detection.Detector.detect`."""
        physics = detector("physics").detect(cube, frame)
        why = unfit(cube)
        if why:
            return _left(physics, why)
        sight = Sight.of(cube, frame)
        features = sight.features()
        strange, share = self.session.gate.strange(features, sight.land)
        if share > _MOST_STRANGE:
            return _left(physics, f"{share:.0%} of the frame is unlike anything that it has learned from")
        fog, covered = self.session.logits(features)
        chance = self.session.calibration.probability(fog)
        known = physics.state != State.NO_DATA
        mask = merged(physics, chance, covered > np.log(_COVERED / (1 - _COVERED)), known & ~strange, self.session.calibration.threshold)
        notes = (*physics.notes, "experimental: learned from simulated weather alone")
        if share > 0:
            notes += (f"{share:.0%} of the frame is unlike anything that the network has learned from: judged by physics there",)
        validity = mask.validity.copy()
        validity[strange & known] |= np.asarray(Validity.UNUSUAL, validity.dtype)
        return replace(mask, validity=validity, method=TITLE, notes=notes)


def unfit(cube: Cube) -> str:
    """Why the network can't be asked about a cube at all; empty where it can."""
    if "BT1120" not in cube.elements:
        return "it needs 11 µm"
    if not (cube.time_known and cube.place_known):
        return "it needs to know time and place"
    if not any(name in cube.elements for name in ("BT0390", "R0064")):
        return "it needs 3.9 µm or a visible band"
    if cube.land is None:
        return "it has learned from the sea alone and the cube does not say where land is"
    cell = float(np.mean(cube.step))
    return "" if _CELLS[0] <= cell <= _CELLS[1] else f"it has not learned from cells of {cell:.3g}°"


def merged(
    physics: FogMask, chance: NDArray[np.float32], covered: NDArray[np.bool_], asked: NDArray[np.bool_], threshold: float
) -> FogMask:
    """The network's word where it is asked, and physics' elsewhere.

    Where either sees higher cloud and the network no fog, the surface is obscured and not clear.

    Args:
        physics: What physics says.
        chance: (n, m) probability of fog or very low stratus.
        covered: (n, m) where the network sees higher cloud.
        asked: (n, m) where the network counts.
        threshold: Probability from which a cell counts as fog or very low stratus.
    """
    fog = asked & (chance >= threshold)
    hidden = asked & ~fog & (covered | (physics.state == State.OBSCURED))
    state = physics.state.copy()
    state[asked] = State.CLEAR
    state[hidden] = State.OBSCURED
    state[fog] = State.FOG
    probability = np.where(asked, chance, physics.probability).astype(np.float32)
    probability[(state == State.OBSCURED) | (state == State.NO_DATA)] = np.nan
    return replace(physics, probability=probability, state=state, reasons=_reasons(physics, fog, asked))


def _reasons(physics: FogMask, fog: NDArray[np.bool_], asked: NDArray[np.bool_]) -> NDArray[np.uint32] | None:
    if physics.reasons is None:
        return None
    said = np.where(fog, np.uint32(Check.LEARNED.passed_bit), np.uint32(Check.LEARNED.failed_bit))
    return physics.reasons | np.where(asked, said, np.uint32(0))


def _left(physics: FogMask, why: str) -> FogMask:
    """Physics' mask, saying why it is physics'."""
    validity = physics.validity.copy()
    validity[physics.judged] |= np.asarray(Validity.UNUSUAL, validity.dtype)
    method = f"{physics.method} (the network was not asked: out of its range)"
    return replace(physics, validity=validity, method=method, notes=(*physics.notes, f"judged by physics, not by the network: {why}"))
