"""The folder of a run: checkpoints from which it goes on, and its metrics as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from engine.errors import WeightsCorrupt
from engine.learning.curves import drawn
from engine.learning.files import written


@dataclass(frozen=True, slots=True)
class Run:
    """Where a training keeps what it has.

    Attributes:
        folder: Below the data folder, never in the repository.
    """

    folder: Path

    @property
    def checkpoint(self) -> Path:
        """The state after the last step that was kept."""
        return self.folder / "last.pt"

    @property
    def metrics(self) -> Path:
        """One JSON object a line."""
        return self.folder / "metrics.jsonl"

    @property
    def curves(self) -> Path:
        """A picture of the metrics."""
        return self.folder / "curves.svg"

    def save(self, state: Mapping[str, Any]) -> None:
        """Keep a state: at once or not at all."""
        with written(self.checkpoint) as partial:
            torch.save(dict(state), partial)

    def load(self) -> dict[str, Any] | None:
        """The state that was kept, or None for a run that has none.

        Raises:
            WeightsCorrupt: If it can't be read.
        """
        if not self.checkpoint.is_file():
            return None
        try:
            state: dict[str, Any] = torch.load(self.checkpoint, map_location="cpu", weights_only=True)
        except Exception as problem:  # torch raises whatever a broken archive leads to
            why = f"{type(problem).__name__}. Remove it and train from the start."
            raise WeightsCorrupt(self.checkpoint.name, why) from None
        return state

    def note(self, row: Mapping[str, Any]) -> None:
        """Append to the metrics."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with self.metrics.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def rows(self) -> list[dict[str, Any]]:
        """The metrics so far."""
        return [json.loads(line) for line in self.metrics.read_text(encoding="utf-8").splitlines()] if self.metrics.is_file() else []

    def draw(self, title: str) -> None:
        """Draw the curves of the metrics."""
        self.curves.write_text(drawn(self.rows(), title), encoding="utf-8")

    def forget_after(self, step: int) -> None:
        """Drop metrics of steps that will be done again: those after ``step``; 0 drops all."""
        if not self.metrics.is_file():
            return
        kept = [row for row in self.rows() if row["step"] <= step]
        self.metrics.write_text("".join(f"{json.dumps(row)}\n" for row in kept if step), encoding="utf-8")
