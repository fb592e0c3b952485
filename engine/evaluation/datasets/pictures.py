"""Pictures that are read when their turn comes, and how they are found below a folder."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray

from engine.errors import DataMissing, DatasetInvalid, ImageTooLarge
from engine.settings import settings

if TYPE_CHECKING:
    from engine.imagery import Source, TileImage

Pixels = NDArray[np.uint8]
Skipped = tuple[tuple[str, str], ...]
"""Name and reason of what could not be used."""
Only = Path | frozenset[str]
"""Which pictures to measure on: a file with their names, one a line, or the names."""

SUFFIXES: Final = frozenset({".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"})


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that has not been read yet.

    Attributes:
        name: Path below its data set, with forward slashes.
        read: Gives uint8 (H, W, 3) red, green, blue; raises a PharosError if it can't.
    """

    name: str
    read: Callable[[], Pixels]

    @classmethod
    def at(cls, path: Path, root: Path) -> Picture:
        """A file below a folder."""
        return cls(path.relative_to(root).as_posix(), partial(read_picture, path))


def read_picture(path: Path) -> Pixels:
    """A PNG, JPEG, WebP or TIFF file as uint8 (H, W, 3); transparent and nodata pixels take the mean of the others.

    Eight-bit colours are taken as they are: figures of the literature are measured without a stretch. A TIFF of any other
    kind is shown as the map shows it.

    Raises:
        ImageUnreadable: If it can't be decoded.
        SourceForbidden: If it may not be opened.
        ImageTooLarge: If it has more pixels than the settings allow.
    """
    from engine.imagery.pictures import decode
    from engine.imagery.sources import Source

    source = Source.allow(path)
    image = _tiff(source, path) if path.suffix.lower() in (".tif", ".tiff") else decode(source)
    pixels: Pixels = image.fill()
    return pixels


def _tiff(source: Source, path: Path) -> TileImage:
    from engine.geometry import Window
    from engine.imagery.preview import TileImage
    from engine.imagery.raster import opened, reading
    from engine.imagery.reader import open_scene, scene_at

    limit = settings().max_picture_pixels
    with reading(source), opened(source) as dataset:
        if dataset.width * dataset.height > limit:
            raise ImageTooLarge(source.name, dataset.width * dataset.height, limit)
        if dataset.count in (3, 4) and set(dataset.dtypes) == {"uint8"}:
            return TileImage(np.moveaxis(dataset.read((1, 2, 3)), 0, -1).copy(), dataset.dataset_mask() > 0)
    scene = scene_at(path)
    with open_scene(scene) as reader:
        shown: TileImage = reader.read(Window(0, 0, scene.width, scene.height))
        return shown


def pictures_below(folder: Path) -> list[Path]:
    """All picture files below a folder by suffix, sorted by their path; hidden files and folders are left out."""
    found = (path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file())
    return sorted(path for path in found if not any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts))


class PictureFinder:
    """Finds the pictures that a caption file names, whatever folders the archive was unpacked into."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise DataMissing("The folder of pictures", str(root))
        self.root = root
        self._by_name: dict[str, list[Path]] | None = None

    def find(self, name: str) -> Path | None:
        """The file of that name, or ``None``.

        First the name as a path below the root, then without its leading folders, then any file of that name or, where
        archives were converted from one format to another, of that stem; a name that fits several files finds none.
        """
        parts = [part for part in PurePosixPath(name.replace("\\", "/")).parts if part not in ("/", ".")]
        if not parts or ".." in parts:
            return None
        for start in range(len(parts)):
            path = self.root.joinpath(*parts[start:])
            if path.is_file():
                return path
        leaf = PurePosixPath(parts[-1])
        for key in (leaf.name.lower(), leaf.stem.lower()):
            fitting = self._index().get(key, [])
            if len(fitting) == 1:
                return fitting[0]
        return None

    def picture(self, name: str) -> Picture | None:
        """The same as a picture with the name that was asked for."""
        path = self.find(name)
        return None if path is None else Picture(name, partial(read_picture, path))

    def _index(self) -> dict[str, list[Path]]:
        if self._by_name is None:
            index: dict[str, list[Path]] = {}
            for path in pictures_below(self.root):
                for key in {path.name.lower(), path.stem.lower()}:
                    index.setdefault(key, []).append(path)
            self._by_name = index
        return self._by_name


def fingerprint(names: Iterable[str]) -> str:
    """12 hexadecimal digits of the names of what was measured on: another selection, another fingerprint."""
    digest = hashlib.sha256()
    for name in names:
        digest.update(name.encode() + b"\n")
    return digest.hexdigest()[:12]


def selected(names: Iterable[str], only: Only) -> set[str]:
    """Which names a list keeps: full names or file names.

    Raises:
        DatasetInvalid: If the list can't be read or keeps none.
    """
    listed = _lines(only) if isinstance(only, Path) else only
    kept = {name for name in names if name in listed or PurePosixPath(name).name in listed}
    if not kept:
        source = only.name if isinstance(only, Path) else "the list of pictures"
        raise DatasetInvalid(source, "none of its lines names a picture of the data.")
    return kept


def _lines(path: Path) -> set[str]:
    try:
        return {line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip()}
    except (OSError, UnicodeDecodeError) as error:
        raise DatasetInvalid(path.name, f"the list can't be read ({type(error).__name__}).") from None
