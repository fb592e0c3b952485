"""The weights at work: an ONNX file and its record, run by ONNX Runtime. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import json
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsCorrupt, WeightsMissing
from engine.fog.network.calibration import Calibration
from engine.fog.network.features import NAMES
from engine.fog.network.gate import Gate
from engine.settings import ASSETS, settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped] # it ships none

MODEL: Final = ASSETS / "models" / "fog-network.onnx"
_STRIP: Final = 1_200_000
"""Cells that are run at once."""
_OVERLAP: Final = 64
"""Rows beside a strip that it also looks at."""


class Session:
    """A network with its calibration and its gate; may be used by several threads.

    Attributes:
        path: The ONNX file.
        record: What stands beside it.
        calibration: Of the fog logit.
        gate: Where it may be asked.
    """

    def __init__(self, path: Path = MODEL) -> None:
        """Read the record and check the file; the network itself is loaded when it is first run.

        Raises:
            WeightsMissing: If one of the two files is not there.
            WeightsCorrupt: If they don't belong together or can't be read.
        """
        self.path = path
        beside = path.with_suffix(".json")
        for file in (path, beside):
            if not file.is_file():
                raise WeightsMissing(path.stem, f"{file.name} is not there", "Train it: python -m engine train fog-network.", path.parent)
        try:
            self.record: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
            self.calibration = Calibration(**self.record["calibration"])
            self.gate = Gate.from_record(self.record["gate"])
            wrong = self.record["features"] != list(NAMES)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise WeightsCorrupt(beside.name, f"{type(problem).__name__}. Bring both files again.") from None
        if wrong:
            raise WeightsCorrupt(beside.name, "it was made for other features. Train it anew.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.record["sha256"]:
            raise WeightsCorrupt(path.name, f"it is not the file that {beside.name} tells of. Bring both files again.")
        self._lock = Lock()

    @cached_property
    def _network(self) -> InferenceSession:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = settings().threads
        options.log_severity_level = 3
        try:
            return onnxruntime.InferenceSession(str(self.path), options, providers=["CPUExecutionProvider"])
        except Exception as problem:  # ONNX Runtime raises its own kinds for whatever a file leads to
            raise WeightsCorrupt(self.path.name, f"{type(problem).__name__}. Bring it again.") from None

    def logits(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """(C, n, m) features → (2, n, m) logits: fog seen from above, higher cloud. Large frames are run in strips."""
        rows, columns = features.shape[1:]
        step = max(self._multiple, _STRIP // max(columns, 1) // self._multiple * self._multiple)
        parts = []
        for start in range(0, rows, step):
            first, last = max(0, start - _OVERLAP), min(rows, start + step + _OVERLAP)
            parts.append(self._run(features[:, first:last])[:, start - first : min(start + step, rows) - first])
        return np.concatenate(parts, axis=1)

    @property
    def _multiple(self) -> int:
        return int(self.record["multiple"])

    def _run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """One strip, filled up with its edge to sides that can be halved."""
        rows, columns = features.shape[1:]
        wide = [(0, 0), *((0, -side % self._multiple) for side in (rows, columns))]
        with self._lock:
            network = self._network
        (out,) = network.run(["logits"], {"features": np.pad(features, wide, mode="edge")[None]})
        return np.asarray(out[0, :, :rows, :columns], np.float32)
