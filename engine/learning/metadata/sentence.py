"""Metadata as words: a line for each field that is known."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from engine.learning.metadata.record import FIELDS, Field, Metadata

LINES: Final[dict[Field, Callable[[Metadata], str]]] = {
    "gsd": lambda known: f"gsd: {known.gsd_m:.3g} m",
    "time": lambda known: f"time: {known.when:%Y-%m-%d %H:%M}",
    "location": lambda known: f"location: {_side(known.lat, 'N', 'S')}, {_side(known.lon, 'E', 'W')}",
    "season": lambda known: f"season: {known.season}",
    "sun": lambda known: f"sun: elevation {known.sun_elevation_deg:.0f}°, azimuth {(known.sun_azimuth_deg or 0) % 360:.0f}°",
    "view": lambda known: f"view: {known.view_zenith_deg:.0f}° off nadir",
    "cloud": lambda known: f"cloud cover: {100 * (known.cloud_cover or 0):.0f} %",
}


def sentence(metadata: Metadata, fields: tuple[Field, ...] = FIELDS) -> str:
    """A bulleted list of “field: value”; a field that is unknown has no line, and nothing known is an empty text.

    Source: SatMIP's textual form.
    """
    known = metadata.only(fields)
    return "\n".join(f"- {LINES[field](known)}" for field in known.known)


def _side(value: float | None, positive: str, negative: str) -> str:
    """Degrees with the letter of their side, to two decimals."""
    degrees = round(value or 0.0, 2)
    return f"{abs(degrees):.2f}° {positive if degrees >= 0 else negative}"
