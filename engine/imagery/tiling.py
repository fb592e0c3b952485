"""How scenes are cut: size and overlap in pixels or metres."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final, Literal, Self

from engine.errors import TileSpecInvalid
from engine.geometry import TileGrid

SMALLEST_PX: Final = 8
LARGEST_PX: Final = 8192
VIEW_M: Final = 320.0
"""Ground that a tile shows by default, metres, as far as 64 to 256 pixels allow."""

_LENGTH: Final = re.compile(r"^\s*(\d+(?:\.\d+)?)\s*(px|m)?\s*$", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TileSpec:
    """The wish for tiles, independent of a scene.

    Attributes:
        size: Side of a tile in ``unit``; ``None`` lets the scene's GSD decide (about 320 m, 64 to 256 px) and keeps a plain
            picture whole.
        unit: ``px`` or ``m``, for size and overlap.
        overlap: What neighbours share, in ``unit``, less than the size.
    """

    size: float | None = None
    unit: Literal["px", "m"] = "px"
    overlap: float = 0

    def __post_init__(self) -> None:
        if self.size is not None and not 0 < self.size < 1e7:
            raise TileSpecInvalid(f"a side of {self.size:g} {self.unit} is not possible.")
        if self.overlap < 0 or (self.size is not None and self.overlap >= self.size):
            raise TileSpecInvalid(f"an overlap of {self.overlap:g} {self.unit} must be at least 0 and less than the side.")

    @classmethod
    def parse(cls, text: str | None, overlap: float | str = 0) -> Self:
        """A spec from the words of the command line: ``64px``, ``640m``, ``128``; the overlap is in the same unit.

        Raises:
            TileSpecInvalid: If it is no length or the units differ.
        """
        size, unit = (None, "px") if text is None or not text.strip() else _length(text)
        shared, shared_unit = (float(overlap), unit) if isinstance(overlap, int | float) else _length(overlap, unit)
        if shared and shared_unit != unit:
            raise TileSpecInvalid("size and overlap must have the same unit.")
        return cls(size, "m" if unit == "m" else "px", shared)

    def pixels(self, gsd_m: float | None) -> tuple[int, int]:
        """Side and overlap in pixels of a scene.

        Args:
            gsd_m: Metres a pixel; ``None`` for a scene without a place, where metres mean nothing and the default is 256 px.

        Raises:
            TileSpecInvalid: If metres are asked of a scene without a place, or the side is below 8 or above 8,192 pixels.
        """
        if self.unit == "m" and gsd_m is None and self.size is not None:
            raise TileSpecInvalid("a scene without a place has no metres. Give the size in pixels.")
        scale = gsd_m if self.unit == "m" and gsd_m else 1.0
        usual = 256 if gsd_m is None else max(64, min(256, round(VIEW_M / gsd_m)))
        size = usual if self.size is None else round(self.size / scale)
        if not SMALLEST_PX <= size <= LARGEST_PX:
            raise TileSpecInvalid(f"it gives tiles of {size:,} px; {SMALLEST_PX} to {LARGEST_PX:,} are possible.")
        return size, min(round(self.overlap / scale), size - 1)

    def grid(self, width: int, height: int, gsd_m: float | None) -> TileGrid:
        """The windows of a scene of ``width`` × ``height`` pixels."""
        size, overlap = self.pixels(gsd_m)
        return TileGrid(width, height, size, overlap)


def _length(text: str, unit: str = "px") -> tuple[float, str]:
    match = _LENGTH.match(text)
    if match is None:
        raise TileSpecInvalid(f"“{text[:40]}” is no length.")
    return float(match[1]), (match[2] or unit).lower()
