"""Web Mercator map tiles of a scene, under the very stretch that thumbnails and the encoder see.

Each pixel of the tile asks the scene where it lies (an inverse map, exact on a coarse mesh and linear in between), so scenes across the
antimeridian, rotated grids, placed files and files whose near infrared is marked as alpha need no special case; a tile
reader on GDAL's warper mishandles the first and the last. Ordinary scenes agree with rio-tiler (see the tests).
"""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj.exceptions import ProjError

from engine import geometry as geo
from engine.geometry import Window
from engine.imagery.outline import to_pixels
from engine.imagery.pictures import PictureReader
from engine.imagery.preview import TileImage
from engine.imagery.raster import mirrored
from engine.imagery.reader import SceneReader, open_scene
from engine.imagery.sources import Source
from engine.types import Scene

FloatArray = NDArray[np.float64]

WORLD: Final = 20037508.342789244
"""Half the side of the Web Mercator square, metres."""
MESH: Final = 16
READERS_KEPT: Final = 24
BYTES_KEPT: Final = 512 * 2**20
"""Of pictures that are decoded whole."""
LARGEST_TILE: Final = 1024


def tile_bounds(z: int, x: int, y: int) -> tuple[float, float, float, float]:
    """West, south, east, north of a map tile in WGS 84 degrees."""
    side = 2.0**z

    def latitude(row: float) -> float:
        return math.degrees(math.atan(math.sinh(math.pi * (1 - 2 * row / side))))

    return x / side * 360 - 180, latitude(y + 1), (x + 1) / side * 360 - 180, latitude(y)


def map_tile(scene: Scene, z: int, x: int, y: int, size: int = 256) -> bytes | None:
    """A map tile of a scene as PNG, transparent where it has no data.

    Args:
        scene: Any scene; a plain picture is drawn into its cell.
        z: Zoom, 0 to 30.
        x: Column, from 180° W.
        y: Row, from the north.
        size: Side in pixels.

    Returns:
        ``None`` where the tile shows nothing of the scene, or does not exist.

    Raises:
        ImageUnreadable: If the pixels can't be read (any more).
    """
    image = map_image(scene, z, x, y, size)
    return None if image is None else image.encode("png")


def map_image(scene: Scene, z: int, x: int, y: int, size: int = 256) -> TileImage | None:
    """A map tile as pixels; see ``map_tile``."""
    if not (0 <= z <= 30 and 0 <= x < 2**z and 0 <= y < 2**z and 1 <= size <= LARGEST_TILE):
        return None
    if not scene.footprint.intersects(shapely.box(*tile_bounds(z, x, y))):
        return None
    with np.errstate(invalid="ignore", over="ignore"):  # far from a scene its projection ends
        columns, rows = _places(scene, z, x, y, size)
    inside = np.isfinite(columns) & (columns >= 0) & (rows >= 0) & (columns < scene.width) & (rows < scene.height)
    if not inside.any():
        return None
    window, scale = _window(scene, columns, rows, inside)
    with reading(scene) as reader:
        source = reader.read(window, max(1, math.ceil(max(window.width, window.height) / scale)))
    down, across = source.valid.shape
    u = (columns - window.column) * across / window.width
    v = (rows - window.row) * down / window.height
    if mirrored(scene):
        v = down - v
    image = _sampled(source, u, v, inside)
    return image if image.valid.any() else None


def scene_overview(scene: Scene, size: int = 512) -> bytes:
    """The whole scene on its own grid as WebP, longer side ``size`` pixels, transparent where it has no data.

    Raises:
        ImageUnreadable: If the pixels can't be read.
    """
    with reading(scene) as reader:
        image = reader.read(Window(0, 0, scene.width, scene.height), min(size, max(scene.width, scene.height)))
    return image.encode("webp")


def _places(scene: Scene, z: int, x: int, y: int, size: int) -> tuple[FloatArray, FloatArray]:
    """Where each pixel centre of the tile lies in the scene: (size, size) columns and rows, not finite off the projection.

    Exact on a mesh, linear between its nodes unless that errs by a quarter of a pixel or more.
    """
    mesh: FloatArray = np.linspace(0, size, min(MESH, size) + 1, dtype=np.float64)
    columns, rows = _exact(scene, z, x, y, size, mesh, mesh)
    centres: FloatArray = np.arange(size, dtype=np.float64) + 0.5
    middle: FloatArray = (mesh[1:] + mesh[:-1]) / 2
    true_column, true_row = _exact(scene, z, x, y, size, middle, middle)
    step = max(1.0, float(np.nanmax(np.hypot(*_spacing(columns, rows)), initial=1.0)) * len(mesh) / size)
    off = np.hypot(_bilinear(columns, mesh, middle) - true_column, _bilinear(rows, mesh, middle) - true_row)
    if not np.isfinite(off).all() or off.max() > 0.25 * step:
        return _exact(scene, z, x, y, size, centres, centres)
    return _bilinear(columns, mesh, centres), _bilinear(rows, mesh, centres)


def _spacing(columns: FloatArray, rows: FloatArray) -> tuple[FloatArray, FloatArray]:
    return np.diff(columns, axis=1), np.diff(rows, axis=1)


def _exact(scene: Scene, z: int, x: int, y: int, size: int, across: FloatArray, down: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Scene pixels of tile pixels (across, down)."""
    side = 2.0**z
    lon = (x + across / size) / side * 360 - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + down / size) / side))))
    lons, lats = np.meshgrid(lon, lat)
    if not scene.georeferenced:
        west, south, east, north = scene.footprint.bounds
        return (lons - west) / (east - west) * scene.width, (north - lats) / (north - south) * scene.height
    try:
        px, py = geo.transformer(geo.WGS84, scene.crs)(lons.ravel(), lats.ravel())
    except ProjError:
        return np.full(lons.shape, np.inf), np.full(lons.shape, np.inf)
    pixels = to_pixels(scene.transform, np.asarray(px), np.asarray(py))
    columns, rows = pixels[0].reshape(lons.shape), pixels[1].reshape(lons.shape)
    return _turned(scene, columns, rows, lons, lats) if _is_degrees(scene.crs) else (columns, rows)


def _turned(scene: Scene, columns: FloatArray, rows: FloatArray, lons: FloatArray, lats: FloatArray) -> tuple[FloatArray, FloatArray]:
    """In a grid of degrees 190° and −170° are one place: take the turn that falls into the scene."""
    for turn in (360.0, -360.0):
        column, row = to_pixels(scene.transform, lons + turn, lats)
        better = ((column >= 0) & (column < scene.width) & (row >= 0) & (row < scene.height)) & ~(
            (columns >= 0) & (columns < scene.width) & (rows >= 0) & (rows < scene.height)
        )
        columns, rows = np.where(better, column, columns), np.where(better, row, rows)
    return columns, rows


def _is_degrees(crs: str) -> bool:
    from pyproj import CRS

    return bool(CRS.from_user_input(crs).is_geographic)


def _bilinear(values: FloatArray, nodes: FloatArray, at: FloatArray) -> FloatArray:
    """Values on a square mesh of ``nodes``, between them at ``at`` × ``at``."""
    place = np.clip((at - nodes[0]) / (nodes[1] - nodes[0]), 0, len(nodes) - 1)
    low = np.minimum(place.astype(int), len(nodes) - 2)
    share = place - low
    across: FloatArray = values[:, low] * (1 - share) + values[:, low + 1] * share
    mixed: FloatArray = across[low] * (1 - share)[:, None] + across[low + 1] * share[:, None]
    return mixed


def _window(scene: Scene, columns: FloatArray, rows: FloatArray, inside: NDArray[np.bool_]) -> tuple[Window, float]:
    """The part of the scene that the tile needs, and by how much it may be reduced (scene pixels a tile pixel, at least 1)."""
    left, top = max(0, math.floor(columns[inside].min()) - 2), max(0, math.floor(rows[inside].min()) - 2)
    right, bottom = min(scene.width, math.ceil(columns[inside].max()) + 2), min(scene.height, math.ceil(rows[inside].max()) + 2)
    area = (right - left) * (bottom - top) / max(1, int(inside.sum()))
    return Window(left, top, right - left, bottom - top), max(1.0, math.sqrt(area))


def _sampled(source: TileImage, u: FloatArray, v: FloatArray, inside: NDArray[np.bool_]) -> TileImage:
    """Bilinear colours at pixel positions; the mask is that of the nearest pixel."""
    height, width = source.valid.shape
    column, row = np.where(inside, u, 0.0), np.where(inside, v, 0.0)
    near = np.clip(row.astype(int), 0, height - 1), np.clip(column.astype(int), 0, width - 1)
    valid = inside & source.valid[near]
    x, y = np.clip(column - 0.5, 0, width - 1), np.clip(row - 0.5, 0, height - 1)
    x0, y0 = x.astype(int), y.astype(int)
    x1, y1 = np.minimum(x0 + 1, width - 1), np.minimum(y0 + 1, height - 1)
    fx, fy = (x - x0)[..., None].astype(np.float32), (y - y0)[..., None].astype(np.float32)
    rgb = source.fill().astype(np.float32)
    upper = rgb[y0, x0] * (1 - fx) + rgb[y0, x1] * fx
    lower = rgb[y1, x0] * (1 - fx) + rgb[y1, x1] * fx
    mixed = np.rint(upper * (1 - fy) + lower * fy).astype(np.uint8)
    return TileImage(np.where(valid[..., None], mixed, np.uint8(0)), valid)


class _Open:
    """A reader that is opened by whoever needs it first."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.reader: SceneReader | None = None
        self.users = 0
        self.weight = 0

    def opened(self, scene: Scene) -> SceneReader:
        """The reader; others who want the same scene wait, those of other scenes do not."""
        with self.lock:
            if self.reader is None:
                self.reader = open_scene(scene)
                self.weight = 4 * scene.width * scene.height if isinstance(self.reader, PictureReader) else 0
            return self.reader

    def close(self) -> None:
        if self.reader is not None:
            self.reader.close()


class _Kept:
    """The readers of the scenes that were used last; one that is pushed out is closed when nobody reads from it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._open: OrderedDict[object, _Open] = OrderedDict()

    @contextmanager
    def reading(self, scene: Scene) -> Iterator[SceneReader]:
        key = (Source.allow(scene.source).stamp(), scene.sensor, scene.transform)
        with self._lock:
            entry = self._open.setdefault(key, _Open())
            self._open.move_to_end(key)
            entry.users += 1
        try:
            yield entry.opened(scene)
        finally:
            with self._lock:
                entry.users -= 1
                pushed_out = self._pushed_out()
            for each in pushed_out:
                each.close()

    def _pushed_out(self) -> list[_Open]:
        """Take out idle readers, the longest unused first, until the rest is few and small; and those that failed to open."""
        out = []
        count, weight = len(self._open), sum(entry.weight for entry in self._open.values())
        for key, entry in list(self._open.items()):
            if entry.users == 0 and (count > READERS_KEPT or weight > BYTES_KEPT or entry.reader is None):
                out.append(self._open.pop(key))
                count, weight = count - 1, weight - entry.weight
        return out


_kept: Final = _Kept()


def reading(scene: Scene) -> AbstractContextManager[SceneReader]:
    """An open reader of a scene for as long as the block lasts, shared and kept for the next; another file of the name is another scene.

    Raises:
        SourceForbidden: If its source may not be opened (any more).
        ImageUnreadable: If it is gone or damaged.
    """
    return _kept.reading(scene)
