"""The fog of a frame as a region, to search inside or outside of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Literal

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry import shape

from engine.errors import RegionInvalid
from engine.fog.mask import WORDS, FogMask, State
from engine.geometry import cut_at_antimeridian, joined
from engine.types import Region

Side = Literal["inside", "outside"]

SIDES: Final[dict[Side, State]] = {"inside": State.FOG, "outside": State.CLEAR}


def fog_region(mask: FogMask, side: Side = "inside", within: Sequence[Region] = ()) -> Region:
    """Where a mask says fog or very low stratus, or where it says that there is none; what is obscured or not judged is in neither.

    A query with this region ranks the tiles that touch it.

    Args:
        mask: The mask.
        side: ``inside`` or ``outside``.
        within: Regions of the person's; only what lies in one of them is kept.

    Raises:
        RegionInvalid: If nothing is left.
    """
    if side not in SIDES:
        raise RegionInvalid(f"“{side}” is no side of the fog; take inside or outside.")
    parts = [polygon for polygon, _ in outlines(mask.state == SIDES[side], mask)]
    name = f"{side} {WORDS} at {mask.time:%Y-%m-%d %H:%M} UTC"
    if not parts:
        raise RegionInvalid(f"at {mask.time:%Y-%m-%d %H:%M} UTC nothing is {SIDES[side].words}. Pick another time.")
    whole = shapely.union_all([part for each in parts for part in shapely.get_parts(cut_at_antimeridian(each))])
    if within:
        whole = whole.intersection(shapely.union_all([region.geometry for region in within]))
    try:
        return Region(joined(whole), name)
    except RegionInvalid:
        raise RegionInvalid(f"no part of it is {SIDES[side].words} at {mask.time:%Y-%m-%d %H:%M} UTC. Draw it elsewhere.") from None


def outlines(cells: NDArray[Any], mask: FogMask) -> Iterator[tuple[Any, int]]:
    """Outlines of patches of cells along the cells' edges, holes included, with their number.

    Args:
        cells: (n, m) flags, or numbers of patches from 1.
        mask: Says where the cells lie.

    Yields:
        Polygons in degrees; longitudes run beyond 180° where the mask crosses the antimeridian.
    """
    import rasterio.features
    from affine import Affine

    rows, columns = mask.state.shape
    box = mask.bounds
    place = Affine(box.width / columns, 0, box.west, 0, (box.south - box.north) / rows, box.north)
    numbers = np.asarray(cells, dtype=np.int32)
    for outline, number in rasterio.features.shapes(numbers, mask=numbers > 0, transform=place):
        yield shape(outline), int(number)
