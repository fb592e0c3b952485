"""The score surface: every tile coloured by how well it answers, as one picture for the map."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable
from typing import Final

from engine.types import Bounds, Hit

VIRIDIS: Final = (
    (68, 1, 84),
    (71, 44, 122),
    (59, 81, 139),
    (44, 113, 142),
    (33, 144, 141),
    (39, 173, 129),
    (92, 200, 99),
    (170, 220, 50),
    (253, 231, 37),
)
"""Nine even steps of viridis (Smith and van der Walt 2015), colour-blind safe and even in lightness."""


def viridis(share: float) -> tuple[int, int, int]:
    """The colour of a share from 0 to 1."""
    place = min(max(share, 0.0), 1.0) * (len(VIRIDIS) - 1)
    low = min(int(place), len(VIRIDIS) - 2)
    part = place - low
    red, green, blue = (round(a + (b - a) * part) for a, b in zip(VIRIDIS[low], VIRIDIS[low + 1], strict=True))
    return red, green, blue


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
        pen.rectangle((left, upper, right - 1, lower - 1), fill=(*viridis(hit.percentile), 255))
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
