"""The score surface: every tile coloured by how well it answers, as one picture for the map."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable

from engine.colours import score_colour
from engine.types import Bounds, Hit


def mercator(latitude: float) -> float:
    """Web-mercator northing of a latitude, in radians of arc."""
    limited = math.radians(min(max(latitude, -85.0511), 85.0511))
    return math.log(math.tan(math.pi / 4 + limited / 2))


def draw_surface(hits: Iterable[Hit], bounds: Bounds, width: int = 1024) -> bytes:
    """Paint tiles by percentile, the best on top.

    Args:
        hits: Tiles with their percentiles.
        bounds: What the picture covers, WGS 84 degrees.
        width: Of the picture, pixels.

    Returns:
        PNG bytes, RGBA, rows even in web mercator, so that a map stretches it between the bounds without error.
    """
    from PIL import Image, ImageDraw

    top, bottom = mercator(bounds.north), mercator(bounds.south)
    height = max(1, min(4096, round(width * (top - bottom) / math.radians(max(bounds.width, 1e-9)))))
    picture = Image.new("RGBA", (width, height), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)

    def column(longitude: float) -> float:
        return ((longitude - bounds.west) % 360) / bounds.width * width

    for hit in sorted(hits, key=lambda hit: hit.percentile):
        left = column(hit.bounds.west)
        right = left + hit.bounds.width / bounds.width * width
        upper = (top - mercator(hit.bounds.north)) / (top - bottom) * height
        lower = (top - mercator(hit.bounds.south)) / (top - bottom) * height
        pen.rectangle((left, upper, max(right - 1, left), max(lower - 1, upper)), fill=score_colour(hit.percentile))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
