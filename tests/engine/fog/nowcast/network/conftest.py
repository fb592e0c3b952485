"""A recipe so small that it is done in seconds, on windows of a made-up coast; and networks that say what a test wants."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import torch
import yaml

from engine.fog.network.export import written
from engine.fog.network.unet import UNet
from engine.fog.nowcast.network import windows
from engine.fog.nowcast.network.learned import Learned
from engine.fog.nowcast.network.sight import LEADS, NAMES
from engine.world.weather import simulate

from ...coast import rectangles

TINY = {
    "kind": "fog-nowcast",
    "name": "tiny",
    "seed": 1,
    "widths": [3, 4],
    "steps": 4,
    "batch": 2,
    "validate_every": 2,
    "windows": {
        "seed": 5,
        "series": 3,
        "validation": 2,
        "size": 64,
        "cells": {0.05: 1.0},
        "foggy": 1.0,
        "regions": {"YB": ["AHI"], "MW": ["SEVIRI"]},
    },
}
WIDE = {"low": [-9, -9, -9, -9, -9], "high": [9, 9, 9, 9, 9]}
"""A range that holds everything."""

Make = Callable[..., Learned]


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe's file; simulations get a coast of rectangles, so that no downloaded coastline is needed."""
    monkeypatch.setattr(windows, "simulate", partial(simulate, coastline=rectangles(tmp_path / "land.json")))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return path


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """A network that changes each cell by the same: ``change`` at each lead, in units of the scale."""

    def made(*change: float, band: dict[str, object] | None = None, cells: tuple[float, float] = (0.0125, 0.1)) -> Learned:
        network = UNet(len(NAMES), (3, 4), len(LEADS), 0.0).eval()
        with torch.no_grad():
            network.head.weight.zero_()
            assert network.head.bias is not None
            network.head.bias.copy_(torch.tensor(change))
        about = {"leads": list(LEADS), "cells": list(cells), "range": {"mask": WIDE, "band": band or WIDE}}
        written(network, tmp_path / "made.onnx", "made", NAMES, about)
        return Learned(tmp_path / "made.onnx")

    return made
