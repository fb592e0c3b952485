"""A drawn frame before it is encoded."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from engine.fog.layers.recipe import Format

Pixels = NDArray[np.uint8]

_PNG: Final[dict[str, Any]] = {"compress_level": 1}
_WEBP: Final[dict[str, Any]] = {"quality": 82, "method": 0, "alpha_quality": 90}


@dataclass(frozen=True, slots=True, eq=False)
class Painted:
    """Pixels with their opacity.

    Attributes:
        pixels: (h, w, 4) uint8 red, green, blue and opacity; or (h, w) places in the palette.
        palette: (k, 4) uint8 colours with their opacity, k ≤ 256; ``None`` where the pixels are colours themselves.
    """

    pixels: Pixels
    palette: Pixels | None = None

    @property
    def rgba(self) -> Pixels:
        """(h, w, 4) uint8."""
        return self.pixels if self.palette is None else self.palette[self.pixels]

    def picture(self) -> Image.Image:
        """As a picture in mode P or RGBA."""
        image = Image.fromarray(np.ascontiguousarray(self.pixels))
        if self.palette is not None:
            image.putpalette(self.palette[:, :3].tobytes(), "RGB")
        return image

    def encoded(self, form: Format = "png") -> bytes:
        """As a file with opacity; palettes become small PNG files."""
        stream = io.BytesIO()
        if form == "webp":
            Image.fromarray(np.ascontiguousarray(self.rgba)).save(stream, "WEBP", **_WEBP)
        elif self.palette is None:
            self.picture().save(stream, "PNG", **_PNG)
        else:
            self.picture().save(stream, "PNG", transparency=self.palette[:, 3].tobytes(), **_PNG)
        return stream.getvalue()
