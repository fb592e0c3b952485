"""Plain pictures: files without a place, one tile each, laid on a neat grid of cells near 0° N 0° E.

The grid is no place on the Earth, it only gives the map something to show; ``Scene.georeferenced`` is ``False``.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, BinaryIO, Final

import numpy as np
import shapely
from shapely.geometry import Polygon

from engine.errors import ImageTooLarge, ImageUnreadable
from engine.geometry import Window
from engine.imagery.dates import date_in_tags, date_in_text
from engine.imagery.preview import Stretch, TileImage, fitted
from engine.imagery.raster import cell_tiles
from engine.imagery.sources import Source, quietly
from engine.imagery.tiling import TileSpec
from engine.settings import settings
from engine.types import Scene, Tile

FORMATS: Final = ("PNG", "JPEG", "WEBP")
CELL: Final = 0.01
"""Longer side of a picture on the grid, degrees."""
GAP: Final = 0.002
_EXIF_TAKEN: Final = {36867: "EXIF_DATETIMEORIGINAL"}
_EXIF_IFD: Final = 0x8769
_TURNED: Final = frozenset({5, 6, 7, 8})


def scene_from_picture(source: Source, scene_id: str) -> Scene:
    """A picture as a scene whose footprint is still to be laid out.

    Args:
        source: An allowed file or address.
        scene_id: Its relative path, POSIX.

    Raises:
        ImageUnreadable: If it is no picture or cut short.
        ImageTooLarge: If it has more pixels than the settings allow.
    """
    with source.open() as stream, _opened(stream, source) as picture:
        width, height = picture.size
        exif = picture.getexif()
        tags = {name: str(exif.get_ifd(_EXIF_IFD).get(tag, "")) for tag, name in _EXIF_TAKEN.items()}
        count = len(picture.getbands()) - (1 if picture.has_transparency_data and picture.mode != "P" else 0)
        if exif.get(0x0112, 1) in _TURNED:
            width, height = height, width
        if not _ends_well(stream, str(picture.format)):
            picture.load()
    return Scene(
        id=scene_id,
        source=source.text,
        sensor="gray" if count == 1 and picture.mode != "P" else "rgb",
        datetime=date_in_tags(tags, ("EXIF_DATETIMEORIGINAL",)) or date_in_text(source.stem),
        gsd_m=None,
        width=width,
        height=height,
        footprint=Polygon(),
        georeferenced=False,
    )


def lay_out(scenes: Sequence[Scene]) -> tuple[Scene, ...]:
    """Give every scene without a place its cell, row by row, in a near-square grid centred on 0° N 0° E."""
    loose = sum(not scene.georeferenced for scene in scenes)
    across = math.ceil(math.sqrt(loose)) if loose else 1
    down = math.ceil(loose / across)
    out, index = [], 0
    for scene in scenes:
        if scene.georeferenced:
            out.append(scene)
            continue
        column, row = index % across, index // across
        x, y = (column - (across - 1) / 2) * (CELL + GAP), ((down - 1) / 2 - row) * (CELL + GAP)
        scale = CELL / max(scene.width, scene.height) / 2
        cell = shapely.box(x - scene.width * scale, y - scene.height * scale, x + scene.width * scale, y + scene.height * scale)
        out.append(replace(scene, footprint=cell))
        index += 1
    return tuple(out)


class PictureReader:
    """Windows of one plain picture; safe to share between threads."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self._source = Source.allow(scene.source)
        self._lock = threading.Lock()
        self._image: TileImage | None = None

    def tiles(self, spec: TileSpec) -> list[Tile]:
        """The whole picture as one tile; windows only if a size in pixels is asked for.

        Raises:
            TileSpecInvalid: If the size is not possible.
        """
        return cell_tiles(self.scene, spec)

    def read(self, window: Window, size: int | None = None) -> TileImage:
        """A window of the picture, upright as its EXIF orientation says.

        Args:
            window: Pixels; what lies outside the picture is invalid.
            size: Longer side of the result in pixels; by default that of the window.

        Raises:
            ImageUnreadable: If the file can't be decoded.
        """
        image = self._whole()
        height, width = image.valid.shape
        rgb = np.zeros((window.height, window.width, 3), np.uint8)
        valid = np.zeros((window.height, window.width), bool)
        left, top = max(0, window.column), max(0, window.row)
        right, bottom = min(width, window.column + window.width), min(height, window.row + window.height)
        if right > left and bottom > top:
            into = np.s_[top - window.row : bottom - window.row, left - window.column : right - window.column]
            rgb[into], valid[into] = image.rgb[top:bottom, left:right], image.valid[top:bottom, left:right]
        part = TileImage(rgb, valid)
        return part if size is None else part.resized(*fitted(window.width, window.height, size))

    def view(self, window: Window, size: int | None = None) -> TileImage:
        """What an encoder sees is what a person does."""
        return self.read(window, size)

    def close(self) -> None:
        """Let go of the decoded pixels."""
        self._image = None

    def __enter__(self) -> PictureReader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _whole(self) -> TileImage:
        with self._lock:
            if self._image is None:
                self._image = decode(self._source)
                if self._image.valid.shape != (self.scene.height, self.scene.width):
                    raise ImageUnreadable(self._source.name, "it has changed since it was indexed. Index it again.")
            return self._image


def decode(source: Source) -> TileImage:
    """A PNG, JPEG or WebP file as 8-bit RGB: palettes, CMYK, 16 bits, grey and alpha become colours and a mask.

    Raises:
        ImageUnreadable: If it is no picture or cut short.
        ImageTooLarge: If it has more pixels than the settings allow.
    """
    from PIL import ImageOps

    with source.open() as stream, _opened(stream, source) as picture:
        picture.load()
        upright = ImageOps.exif_transpose(picture)
        if upright.mode.startswith(("I", "F")):
            values = np.asarray(upright)
            valid = np.isfinite(values)
            return TileImage(Stretch.over(values[None], valid, joint=True).apply(values[None]), valid)
        if upright.has_transparency_data:
            pixels = np.asarray(upright.convert("RGBA"))
            return TileImage(np.ascontiguousarray(pixels[..., :3]), pixels[..., 3] > 0)
        rgb = np.asarray(upright.convert("RGB"))
        return TileImage(rgb, np.ones(rgb.shape[:2], bool))


@contextmanager
def _opened(stream: BinaryIO, source: Source) -> Iterator[Any]:
    """A picture that Pillow knows, within the pixel limit, its complaints as our errors."""
    from PIL import Image, UnidentifiedImageError

    limit = settings().max_picture_pixels
    try:
        with quietly(Image.DecompressionBombWarning):  # our own limit decides
            picture = Image.open(stream, formats=FORMATS)
        if picture.width * picture.height > limit:
            raise ImageTooLarge(source.name, picture.width * picture.height, limit)
        yield picture
    except UnidentifiedImageError:
        raise ImageUnreadable(source.name, "it is no picture. PNG, JPEG and WebP are read.") from None
    except Image.DecompressionBombError:
        raise ImageTooLarge(source.name, 2 * (Image.MAX_IMAGE_PIXELS or limit), limit) from None
    except (OSError, SyntaxError, ValueError, EOFError, MemoryError):
        raise ImageUnreadable(source.name, "it is damaged or cut short. Copy or download it again.") from None


def _ends_well(stream: BinaryIO, kind: str) -> bool:
    """Whether a file's last bytes are those of a complete picture; if not, it takes a full decode to know."""
    end = stream.seek(0, 2)
    stream.seek(max(0, end - 12))
    tail = stream.read(12)
    if kind == "PNG":
        return tail[4:8] == b"IEND"
    if kind in {"JPEG", "MPO"}:
        return tail.rstrip(b"\x00\n\r")[-2:] == b"\xff\xd9"
    stream.seek(4)
    return int.from_bytes(stream.read(4), "little") + 8 <= end
