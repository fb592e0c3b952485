"""Where pixels come from: files, folders and addresses become scenes, tiles and pictures to look at."""

from engine.imagery.discovery import Found, find_scenes
from engine.imagery.maptile import map_tile, reading, scene_overview
from engine.imagery.preview import TileImage
from engine.imagery.reader import SceneReader, open_scene
from engine.imagery.sensor import Sensor, sensor, sensors
from engine.imagery.sources import Source
from engine.imagery.tiling import TileSpec

__all__ = [
    "Found",
    "SceneReader",
    "Sensor",
    "Source",
    "TileImage",
    "TileSpec",
    "find_scenes",
    "map_tile",
    "open_scene",
    "reading",
    "scene_overview",
    "sensor",
    "sensors",
]
