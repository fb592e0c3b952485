"""One door to the pixels of any scene."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final, Protocol

from engine.geometry import Window
from engine.imagery.preview import TileImage
from engine.imagery.sources import Source
from engine.imagery.tiling import TileSpec
from engine.types import Scene, Tile

PICTURE_DRIVERS: Final = frozenset({"PNG", "JPEG", "WEBP"})


class SceneReader(Protocol):
    """Tiles and windows of one scene; thread-safe, closed at the end of a ``with`` block."""

    scene: Scene

    def tiles(self, spec: TileSpec) -> list[Tile]:
        """All tiles of the scene."""

    def read(self, window: Window, size: int | None = None) -> TileImage:
        """A window as a picture, its longer side ``size`` pixels."""

    def view(self, window: Window, size: int | None = None) -> TileImage:
        """A window as an encoder sees it: a picture, with the help of near infrared where that was taken."""

    def close(self) -> None:
        """Let go of files and pixels."""

    def __enter__(self) -> Any:  # noqa: ANN401 - each reader returns itself
        """The reader."""

    def __exit__(self, *_: object) -> None:
        """Close."""


def open_scene(scene: Scene) -> SceneReader:
    """Open the pixels of a scene; the allow-list is asked again.

    Raises:
        SourceForbidden: If its source may not be opened (any more).
        ImageUnreadable: If it is gone or damaged.
    """
    from engine.imagery.pictures import PictureReader
    from engine.imagery.raster import RasterReader

    source = Source.allow(scene.source)
    if not scene.georeferenced and source.driver() in PICTURE_DRIVERS:
        return PictureReader(scene)
    return RasterReader(scene)


def scene_at(path: Path | str) -> Scene:
    """The scene of a single file, placed by itself or on the plain grid.

    Raises:
        PharosError: As ``find_scenes``.
    """
    from engine.imagery.discovery import find_scenes

    return find_scenes([path], unplaced=True).scenes[0]
