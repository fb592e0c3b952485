"""A recipe so small that it is done in a second or two, on windows of a made-up coast."""

from __future__ import annotations

import json
from functools import partial
from pathlib import Path

import pytest
import yaml

from engine.fog import sea_regions
from engine.fog.network import windows
from engine.world.weather import simulate

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
    arcs, polygons = [], []
    for region in sea_regions().values():
        arcs.append([[round(region.bounds.west * 10) + 10, round(region.bounds.north * 10) - 10], [30, 0], [0, -40], [-30, 0], [0, 40]])
        polygons.append([[len(arcs) - 1]])
    coast = tmp_path / "land.json"
    topology = {"transform": {"scale": [0.1, 0.1], "translate": [0, 0]}, "arcs": arcs}
    coast.write_text(json.dumps({**topology, "objects": {"land": {"type": "MultiPolygon", "arcs": polygons}}}), encoding="utf-8")
    monkeypatch.setattr(windows, "simulate", partial(simulate, coastline=coast))
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(TINY), encoding="utf-8")
    return path
