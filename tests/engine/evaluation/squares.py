"""Pictures of one colour in class folders: made here, so that the right answer is known. SYNTHETIC."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tests.engine.index.colour_encoder import COLOURS


def write_square(path: Path, colour: str, size: int = 8) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((size, size, 3), COLOURS[colour], dtype=np.uint8)).save(path)
    return path


def write_folders(root: Path, classes: Mapping[str, Sequence[str]]) -> Path:
    """Folder name → the colours of its pictures."""
    for folder, colours in classes.items():
        (root / folder).mkdir(parents=True, exist_ok=True)
        for place, colour in enumerate(colours):
            write_square(root / folder / f"{place:02d}.png", colour)
    return root
