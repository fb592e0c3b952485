"""Fog behind the page: frames, masks, read-outs, series and exports, each worked out once."""

from engine.serving.fog.exports import Exports, Kit
from engine.serving.fog.fog import Fog
from engine.serving.fog.strip import CubeCard, Strip

__all__ = ["CubeCard", "Exports", "Fog", "Kit", "Strip"]
