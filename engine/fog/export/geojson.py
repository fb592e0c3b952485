"""A mask as polygons."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import mapping

from engine.fog.export.about import About
from engine.fog.look.sides import outlines
from engine.fog.mask import FogMask, State
from engine.geometry import area_km2, cut_at_antimeridian

_DECIMALS: Final = 7


def mask_geojson(mask: FogMask) -> dict[str, Any]:
    """A FeatureCollection (RFC 7946) with a polygon for each connected patch of fog or very low stratus and of what is obscured.

    WGS 84 along the cells' edges, holes kept, cut at ±180°, outer rings counter-clockwise. Each patch has its area and, for fog, its mean
    and highest probability. Time, method and words stand in the member ``pharos`` and in each feature.
    """
    about = About.of(mask)
    common = {"time": about.time.isoformat(), "method": mask.method, "source": mask.source, "synthetic": mask.synthetic}
    features = [feature for state in (State.FOG, State.OBSCURED) for feature in _features(mask, state, common)]
    return {"type": "FeatureCollection", "name": about.title, "pharos": about.record(), "features": features}


def _features(mask: FogMask, state: State, common: dict[str, Any]) -> Iterator[dict[str, Any]]:
    from scipy import ndimage

    numbers, count = ndimage.label(mask.state == state)
    if not count:
        return
    index = np.arange(1, count + 1)
    sure = np.nan_to_num(mask.probability)
    means, most = ndimage.mean(sure, numbers, index), ndimage.maximum(sure, numbers, index)
    for outline, number in outlines(numbers, mask):
        shape = shapely.orient_polygons(cut_at_antimeridian(shapely.set_precision(outline, 10**-_DECIMALS)))
        properties = {"state": state.name.lower(), "words": state.words, **common, "area_km2": round(area_km2(shape), 2)}
        if state == State.FOG:
            properties |= {
                "probability_mean": round(float(means[number - 1]), 4),
                "probability_max": round(float(most[number - 1]), 4),
            }
        yield {"type": "Feature", "properties": properties, "geometry": mapping(shape)}
