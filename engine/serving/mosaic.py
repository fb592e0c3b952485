"""Map tiles of several scenes at once: neighbours of one time, or a folder of pictures on their grid."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable

import shapely

from engine.types import Scene


def tile_box(z: int, x: int, y: int) -> shapely.Polygon:
    """The outline of a web-mercator tile in WGS 84 degrees (OGC 17-083r2, WebMercatorQuad)."""
    side = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / side))))

    return shapely.box(x / side * 360 - 180, latitude(y + 1), (x + 1) / side * 360 - 180, latitude(y))


def draw_mosaic(scenes: Iterable[Scene], z: int, x: int, y: int) -> bytes | None:
    """Draw what of the scenes lies in a tile, the first scene on top.

    Args:
        scenes: In order of precedence.
        z: Zoom.
        x: Column.
        y: Row.

    Returns:
        PNG bytes with alpha, or None where no scene lies.
    """
    from engine.imagery import map_tile

    if not (0 <= z <= 30 and 0 <= x < 2**z and 0 <= y < 2**z):
        return None
    box = tile_box(z, x, y)
    parts = (map_tile(scene, z, x, y) for scene in scenes if scene.footprint.intersects(box))
    drawn = [part for part in parts if part is not None]
    if len(drawn) < 2:
        return drawn[0] if drawn else None
    from PIL import Image

    canvas = Image.open(io.BytesIO(drawn[-1])).convert("RGBA")
    for part in reversed(drawn[:-1]):
        canvas.alpha_composite(Image.open(io.BytesIO(part)).convert("RGBA"))
    out = io.BytesIO()
    canvas.save(out, "PNG")
    return out.getvalue()
