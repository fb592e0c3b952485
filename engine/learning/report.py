"""What a training hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class TrainReport:
    """The outcome of a training.

    Attributes:
        checkpoint: The weights that an encoder loads: float16 safetensors.
        epochs: Epochs done in all, those before a resume included.
        metrics: Figures of the last validation, fractions from 0 to 1.
        seconds: Time spent training, in all sittings.
    """

    checkpoint: Path
    epochs: int
    metrics: Mapping[str, float]
    seconds: float

    def record(self) -> dict[str, Any]:
        """The report as JSON (design.md, command-line contract)."""
        return {"checkpoint": str(self.checkpoint), "epochs": self.epochs, "metrics": dict(self.metrics), "seconds": round(self.seconds, 1)}
