"""A made-up coast: a rectangle of land in the north-west of each sea region."""

from __future__ import annotations

import json
from pathlib import Path

from engine.fog import sea_regions


def rectangles(path: Path) -> Path:
    """Write it as TopoJSON."""
    arcs, polygons = [], []
    for region in sea_regions().values():
        arcs.append([[round(region.bounds.west * 10) + 10, round(region.bounds.north * 10) - 10], [30, 0], [0, -40], [-30, 0], [0, 40]])
        polygons.append([[len(arcs) - 1]])
    topology = {"transform": {"scale": [0.1, 0.1], "translate": [0, 0]}, "arcs": arcs}
    path.write_text(json.dumps({**topology, "objects": {"land": {"type": "MultiPolygon", "arcs": polygons}}}), encoding="utf-8")
    return path
