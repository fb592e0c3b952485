"""Map tiles of several scenes at once: neighbours of one time, or a folder of pictures on their grid."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
import shapely

from engine.errors import PharosError
from engine.imagery.maptile import map_image, tile_bounds
from engine.imagery.preview import TileImage
from engine.serving.surface import mercator
from engine.types import Scene

if TYPE_CHECKING:
    from engine.index import Collection

log = logging.getLogger(__name__)

When = datetime | Literal["all"] | None
"""A time; all times; or None for the scenes whose time nobody knows."""

SIDE: Final = 256
MOST_SCENES: Final = 64
"""Beyond this many in one tile each is a few pixels wide, and only its place is shown."""
CELL: Final = (128, 128, 128, 160)
BEFORE_ALL: Final = datetime.min.replace(tzinfo=UTC)


def scenes_of(collection: Collection, when: When) -> tuple[Scene, ...]:
    """Scenes that the map shows, the uppermost first: those of one time as they were indexed, of all times the newest first."""
    if when != "all":
        return collection.scenes_at(when)
    return tuple(sorted(collection.scenes.values(), key=lambda scene: scene.datetime or BEFORE_ALL, reverse=True))


class Mosaic:
    """Scenes laid over each other, found by place; thread-safe.

    Args:
        scenes: The uppermost first.
    """

    def __init__(self, scenes: Iterable[Scene]) -> None:
        self.scenes = tuple(scenes)
        self._tree = shapely.STRtree([scene.footprint for scene in self.scenes])
        self._unreadable: set[str] = set()

    def draw(self, z: int, x: int, y: int) -> bytes | None:
        """Draw what of the scenes lies in a web-mercator tile.

        Args:
            z: Zoom.
            x: Column.
            y: Row.

        Returns:
            PNG bytes with alpha, or None where no scene lies. Scenes that can't be read are left out.
        """
        if not (0 <= z <= 30 and 0 <= x < 2**z and 0 <= y < 2**z):
            return None
        found = [self.scenes[place] for place in sorted(self._tree.query(shapely.box(*tile_bounds(z, x, y)), "intersects").tolist())]
        if len(found) > MOST_SCENES:
            return _cells(found, z, x, y)
        drawn = self._drawn(found, z, x, y)
        return None if drawn is None else drawn.encode("png")

    def _drawn(self, scenes: Iterable[Scene], z: int, x: int, y: int) -> TileImage | None:
        """From the uppermost down, until nothing shines through."""
        drawn: TileImage | None = None
        for scene in scenes:
            image = self._image(scene, z, x, y)
            if image is None:
                continue
            if drawn is None:
                drawn = image
            else:
                rgb = np.where(drawn.valid[..., None], drawn.rgb, image.rgb)
                drawn = TileImage(rgb, drawn.valid | image.valid)
            if drawn.valid.all():
                break
        return drawn

    def _image(self, scene: Scene, z: int, x: int, y: int) -> TileImage | None:
        try:
            return map_image(scene, z, x, y, SIDE)
        except PharosError as error:
            if scene.id not in self._unreadable:
                self._unreadable.add(scene.id)
                log.warning("Scene %s is left out of the map: %s", scene.id, error)
            return None


def _cells(scenes: Iterable[Scene], z: int, x: int, y: int) -> bytes:
    """The outlines of scenes, filled: where something lies, when there is too much to read it all."""
    from PIL import Image, ImageDraw

    west, south, east, north = tile_bounds(z, x, y)
    top, bottom = mercator(north), mercator(south)
    picture = Image.new("RGBA", (SIDE, SIDE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(picture)
    for scene in scenes:
        for part in shapely.get_parts(scene.footprint):
            places = [
                ((lon - west) / (east - west) * SIDE, (top - mercator(lat)) / (top - bottom) * SIDE) for lon, lat in part.exterior.coords
            ]
            pen.polygon(places, fill=CELL)
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()
