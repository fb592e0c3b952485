"""The real coastline: land polygons of the public-domain Natural Earth set, as the front-end package ``world-atlas`` carries them."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from engine.errors import DataMissing
from engine.fog.grid import spacing
from engine.settings import ROOT

LAND: Final = ROOT / "vendor" / "world-atlas" / "land-50m.json"

Ring = NDArray[np.float64]


@lru_cache(maxsize=2)
def land_rings(path: Path = LAND) -> tuple[tuple[Ring, ...], ...]:
    """Polygons of the land: for each its outer ring, then its holes; rings are (n, 2) longitude, latitude in degrees.

    Args:
        path: A TopoJSON file with an object ``land`` (delta-coded arcs with a transform).

    Raises:
        DataMissing: If the file is absent or holds no land.
    """
    try:
        topology = json.loads(path.read_text(encoding="utf-8"))
        arcs = _arcs(topology)
        return tuple(tuple(_ring(arcs, ring) for ring in polygon) for polygon in _polygons(topology["objects"]["land"]))
    except FileNotFoundError:
        raise DataMissing("The coastline (world-atlas land-50m.json)", f"{path.parent.name}/{path.name} (`make run` brings it)") from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataMissing(f"A readable coastline ({type(error).__name__})", path.name) from None


def land_mask(lat: NDArray[np.float64], lon: NDArray[np.float64], path: Path = LAND, fine: int = 3) -> NDArray[np.bool_]:
    """Which cells of a regular grid are mostly land.

    Args:
        lat: (n,) cell centres, degrees, descending.
        lon: (m,) cell centres, degrees east, ascending; beyond 180 where the grid crosses the antimeridian.
        path: The TopoJSON file.
        fine: Sub-cells each way.

    Returns:
        (n, m) bool.
    """
    step_y, step_x = spacing(lat), spacing(lon)
    north, west = float(lat[0]) + step_y / 2, float(lon[0]) - step_x / 2
    picture = Image.new("L", (lon.size * fine, lat.size * fine), 0)
    pen = ImageDraw.Draw(picture)
    for polygon in land_rings(path):
        outer = polygon[0]
        if outer[:, 1].max() < lat[-1] - step_y or outer[:, 1].min() > north:
            continue
        for turn in (0.0, 360.0):
            if outer[:, 0].max() + turn < west or outer[:, 0].min() + turn > lon[-1] + step_x:
                continue
            for index, ring in enumerate(polygon):
                points = np.column_stack([(ring[:, 0] + turn - west) / step_x * fine, (north - ring[:, 1]) / step_y * fine])
                pen.polygon(points.ravel().tolist(), fill=0 if index else 255)
    return np.asarray(picture.reduce(fine)) > 127


def _arcs(topology: dict[str, Any]) -> list[Ring]:
    scale, shift = np.array(topology["transform"]["scale"]), np.array(topology["transform"]["translate"])
    return [np.cumsum(np.array(arc, dtype=float), axis=0) * scale + shift for arc in topology["arcs"]]


def _polygons(shape: dict[str, Any]) -> list[list[list[int]]]:
    if shape["type"] == "GeometryCollection":
        return [polygon for member in shape["geometries"] for polygon in _polygons(member)]
    return [shape["arcs"]] if shape["type"] == "Polygon" else list(shape["arcs"])


def _ring(arcs: list[Ring], numbers: list[int]) -> Ring:
    """Arcs joined end to end; ~n means arc n backwards."""
    parts = [arcs[n] if n >= 0 else arcs[~n][::-1] for n in numbers]
    return np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
