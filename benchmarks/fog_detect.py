"""How long one frame takes to judge: 1024 × 1024 cells of 16 elements, from the store to probability, state, reasons and validity.

The frame is SYNTHETIC; elements that are not simulated are filled with a copy of another, for they are stored but not looked at.

Run with: python -m engine bench fog_detect
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np

from engine.fog import Cube, detect
from engine.fog.series import Frame, Series
from engine.fog.writing import write_cube
from engine.world.weather import DEMO, Simulation, simulate

SIZE: Final = 1024
ROUNDS: Final = 7
LIMIT: Final = 0.5
"""Seconds a frame on two cores."""
FILLED: Final = {
    "R0047": "R0064",
    "R0137": "R0160",
    "R0225": "R0160",
    "BT0620": "BT1120",
    "BT0730": "BT1120",
    "BT0960": "BT1120",
    "BT1040": "BT1120",
    "BT1330": "BT1120",
}
HOURS: Final = {"day": 12, "twilight": 6, "night": 0}
"""Hour of the day, UTC, off Namibia at the equinox."""


class _Sixteen(Series):
    """The simulated frames, filled up to sixteen elements."""

    def __init__(self, of: Simulation) -> None:
        self._of = of
        self.name, self.grid, self.times, self.land, self.provenance = of.name, of.grid, of.times, of.land, of.provenance
        self.elements = (*of.elements, *(name for name in FILLED if name not in of.elements))[:16]

    def frame(self, index: int) -> Frame:
        frame = self._of.frame(index)
        return replace(frame, fields={name: frame.fields.get(name, frame.fields[FILLED.get(name, name)]) for name in self.elements})


def main(size: int = SIZE, rounds: int = ROUNDS) -> dict[str, Any]:
    """Measure and return the figures; the command prints them."""
    figures: dict[str, Any] = {}
    elements = 0
    with tempfile.TemporaryDirectory() as folder:
        for light, hour in HOURS.items():
            start = datetime(2025, 3, 20, hour, tzinfo=UTC)
            series = _Sixteen(simulate("BE", 7, start=start, frames=1, size=size, sensor="FCI", regime=DEMO))
            elements = len(series.elements)
            path = write_cube(Path(folder) / f"SYNTHETIC_{light}.zarr", series).path
            with Cube.open(path) as cube:
                detect(cube, 0)  # imports, tables
                wall, cpu = zip(*_times(cube, rounds), strict=True)
                figures[f"{light}_s"], figures[f"{light}_cpu_s"] = round(median(wall), 4), round(median(cpu), 4)
    slowest = max(figures[f"{light}_s"] for light in HOURS)
    return figures | {"ratio": round(slowest / LIMIT, 3), "limit_s": LIMIT, "cells": size * size, "elements": elements, "synthetic": True}


def _times(cube: Cube, rounds: int) -> Sequence[tuple[float, float]]:
    """Seconds by the clock, and of the processor's work, which a busy machine doesn't lengthen."""
    took = []
    for _ in range(rounds):
        began, worked = time.perf_counter(), time.process_time()
        mask = detect(cube, 0)
        took.append((time.perf_counter() - began, time.process_time() - worked))
        assert np.isfinite(mask.fog_fraction)
    return took


if __name__ == "__main__":
    print(main())
