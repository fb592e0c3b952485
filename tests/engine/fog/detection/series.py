"""Small made-up series with known truth for tests."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np

from engine.fog import Cube, FogMask, State
from engine.fog.labels import Label
from engine.fog.scores import Contingency
from engine.world.weather import Regime, simulate


def coast(folder: Path, east_of: float) -> Path:
    """A straight coast: land east of a meridian."""
    span = round((180 - east_of) * 10)
    ring = [[0, 0], [span, 0], [0, 1600], [-span, 0], [0, -1600]]
    topology = {"transform": {"scale": [0.1, 0.1], "translate": [east_of, -80]}, "arcs": [ring],
                "objects": {"land": {"type": "Polygon", "arcs": [[0]]}}}  # fmt: skip
    path = folder / "land.json"
    path.write_text(json.dumps(topology), encoding="utf-8")
    return path


def series(
    coastline: Path,
    region: str,
    seed: int,
    regime: Regime,
    *,
    start: datetime | None = None,
    frames: int = 2,
    sensor: str = "",
    size: int = 64,
) -> Cube:
    return simulate(
        region, seed, start=start, frames=frames, size=size, step=0.025, sensor=sensor, regime=regime, coastline=coastline
    ).cube()


def counted(cube: Cube, masks: Sequence[FogMask]) -> Contingency:
    """Where the surface is seen from above."""
    total = Contingency()
    for frame, mask in enumerate(masks):
        label = cube.label(frame)
        assert label is not None
        seen = (label != Label.UNLABELLED) & (label != Label.FOG_BELOW_CLOUD) & (mask.state != State.NO_DATA)
        total += Contingency.of(mask.fog, label == Label.FOG, seen)
    return total


def area(values: np.ndarray) -> float:
    return float(np.asarray(values).mean())
