"""Fog behind the page: frames, masks, read-outs, series and exports, each worked out once."""

from engine.serving.fog.exports import Exports, Kit
from engine.serving.fog.fog import Fog
from engine.serving.fog.strip import CubeCard, Strip
from engine.serving.fog.ways import LEARNED

__all__ = ["LEARNED", "CubeCard", "Exports", "Fog", "Kit", "Strip"]
