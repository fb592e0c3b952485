"""Small networks at work: an ONNX file and its record, run by ONNX Runtime. Nothing here needs torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import WeightsCorrupt, WeightsMissing
from engine.settings import settings

if TYPE_CHECKING:
    from onnxruntime import InferenceSession  # type: ignore[import-untyped] # it ships none

_STRIP: Final = 1_200_000
"""Cells that are run at once."""
_OVERLAP: Final = 64
"""Rows beside a strip that it also looks at."""


class Weights:
    """A network and the record beside it; may be used by several threads.

    Attributes:
        path: The ONNX file.
        record: What stands beside it.
    """

    def __init__(self, path: Path, features: Sequence[str]) -> None:
        """Read the record and check the file; the network itself is loaded when it is first run.

        Args:
            path: The ONNX file; the record has the same stem.
            features: Names of what it must have been made for.

        Raises:
            WeightsMissing: If one of the two files is not there.
            WeightsCorrupt: If they don't belong together or can't be read.
        """
        self.path = path
        beside = path.with_suffix(".json")
        for file in (path, beside):
            if not file.is_file():
                raise WeightsMissing(path.stem, f"{file.name} is not there", f"Train it: python -m engine train {path.stem}.", path.parent)
        try:
            self.record: dict[str, Any] = json.loads(beside.read_text(encoding="utf-8"))
            self._take(self.record)
            self._multiple = int(self.record["multiple"])
            wrong = self.record["features"] != list(features)
        except (OSError, ValueError, KeyError, TypeError) as problem:
            raise WeightsCorrupt(beside.name, f"{type(problem).__name__}. Bring both files again.") from None
        if wrong:
            raise WeightsCorrupt(beside.name, "it was made for other features. Train it anew.")
        if hashlib.sha256(path.read_bytes()).hexdigest() != self.record["sha256"]:
            raise WeightsCorrupt(path.name, f"it is not the file that {beside.name} tells of. Bring both files again.")
        self._lock = Lock()

    def _take(self, record: dict[str, Any]) -> None:
        """Read what else the record holds.

        Raises:
            KeyError, TypeError, ValueError: If it does not.
        """

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
        """(C, n, m) features → (K, n, m) what the last layer says. Large frames are run in strips."""
        rows, columns = features.shape[1:]
        step = max(self._multiple, _STRIP // max(columns, 1) // self._multiple * self._multiple)
        parts = []
        for start in range(0, rows, step):
            first, last = max(0, start - _OVERLAP), min(rows, start + step + _OVERLAP)
            parts.append(self._run(features[:, first:last])[:, start - first : min(start + step, rows) - first])
        return np.concatenate(parts, axis=1)

    def _run(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        """One strip, filled up with its edge to sides that can be halved."""
        rows, columns = features.shape[1:]
        wide = [(0, 0), *((0, -side % self._multiple) for side in (rows, columns))]
        with self._lock:
            network = self._network
        (out,) = network.run(["logits"], {"features": np.pad(features, wide, mode="edge")[None]})
        return np.asarray(out[0, :, :rows, :columns], np.float32)
