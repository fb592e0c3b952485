"""The detector's weights at work: logits, calibration and gate. Nothing here needs torch."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from engine.fog.network.calibration import Calibration
from engine.fog.network.features import NAMES
from engine.fog.network.gate import Gate
from engine.fog.weights import Weights
from engine.settings import ASSETS

MODEL: Final = ASSETS / "models" / "fog-network.onnx"


class Session(Weights):
    """A network with its calibration and its gate; its logits are fog seen from above and higher cloud.

    Attributes:
        calibration: Of the fog logit.
        gate: Where it may be asked.
    """

    calibration: Calibration
    gate: Gate

    def __init__(self, path: Path = MODEL) -> None:
        """See :class:`engine.fog.weights.Weights`."""
        super().__init__(path, NAMES)

    def _take(self, record: dict[str, Any]) -> None:
        self.calibration = Calibration(**record["calibration"])
        self.gate = Gate.from_record(record["gate"])
