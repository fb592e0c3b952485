"""The live map, a Leaflet component; what is drawn on it survives every rerun."""

from components.map.types import (
    Camera,
    Frames,
    HitOutline,
    Layer,
    Legend,
    MapEvents,
    MapRegion,
    Mark,
    Picture,
    Shapes,
    Swatch,
    Swipe,
    Tiles,
)
from components.map.view import map_view

__all__ = [
    "Camera",
    "Frames",
    "HitOutline",
    "Layer",
    "Legend",
    "MapEvents",
    "MapRegion",
    "Mark",
    "Picture",
    "Shapes",
    "Swatch",
    "Swipe",
    "Tiles",
    "map_view",
]
