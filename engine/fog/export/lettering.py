"""Letters on pictures: the same everywhere, whatever fonts the machine has."""

from __future__ import annotations

import unicodedata
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
_PLAIN = str.maketrans({"−": "-", "–": "-", "—": "-", "µ": "u", "“": '"', "”": '"', "’": "'", "·": "-", "²": "2"})


@lru_cache(maxsize=1)
def _dejavu() -> Path | None:
    """DejaVu Sans, which comes with Matplotlib and so with pysteps; Pillow's own letters lack the minus sign, µ and umlauts."""
    spec = find_spec("matplotlib")
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "mpl-data" / "fonts" / "ttf" / "DejaVuSans.ttf"
    return path if path.is_file() else None


@lru_cache(maxsize=16)
def font(size: int) -> Font:
    """Letters of a size in pixels."""
    path = _dejavu()
    return ImageFont.load_default(size) if path is None else ImageFont.truetype(str(path), size)


def legible(text: str) -> str:
    """The text in letters that :func:`font` has."""
    if _dejavu() is not None:
        return text
    return unicodedata.normalize("NFKD", text.translate(_PLAIN)).encode("ascii", "ignore").decode()
