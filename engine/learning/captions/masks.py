"""Mask-to-box: the pieces of a label raster as boxes."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from engine.learning.captions.boxes import Box
from engine.learning.captions.english import Noun

LEAST: Final = 4
"""Pixels of the smallest piece that is spoken of; smaller ones are usually errors of drawing."""


def boxes_of(mask: NDArray[np.bool_], noun: Noun, least: int = LEAST) -> tuple[Box, ...]:
    """The box of the outer contour of every connected piece, from top to bottom.

    Pixels that touch at a corner belong together, as in border following; holes don't matter, touching objects are one.
    The extent of an outer contour is that of its piece, so the pieces are labelled and no contour is drawn.

    Args:
        mask: (H, W) bool.
        noun: What its pixels show.
        least: Pixels of the smallest piece to take.

    Source: Liu et al. 2024, "RemoteCLIP", section III-B (mask-to-box); contours after Suzuki and Abe 1985.
    """
    from scipy import ndimage

    pieces, _ = ndimage.label(mask, structure=np.ones((3, 3), dtype=int))
    sizes = np.bincount(pieces.ravel())[1:]
    found = zip(ndimage.find_objects(pieces), sizes, strict=True)
    return tuple(
        Box(noun, float(columns.start), float(rows.start), float(columns.stop), float(rows.stop))
        for (rows, columns), size in found
        if size >= least
    )
