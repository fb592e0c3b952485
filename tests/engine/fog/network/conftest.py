"""A recipe so small that it is done in a second or two, on windows of a made-up coast."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest
import yaml

from engine.fog.network import windows
from engine.world.weather import simulate

from ..coast import rectangles

TINY = {
    "kind": "fog-network",
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
        "frames": 2,
        "size": 32,
        "cells": {0.05: 1.0},
        "foggy": 1.0,
        "regions": {"YB": ["AHI"], "NS": ["SEVIRI"]},
    },
}


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The recipe's file; simulations get a coast of rectangles, so that no downloaded coastline is needed."""
    coast = rectangles(tmp_path / "land.json")
    monkeypatch.setattr(windows, "simulate", partial(simulate, coastline=coast))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return path
